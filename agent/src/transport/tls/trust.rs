//! Which certificates are believed: one that is pinned, those of a file, or the system's. Not
//! here: TLS itself.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use windlass_protocol::sha256::digest;

/// Where systems keep the certificates they believe, as one file.
const SYSTEM_FILES: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// The certificates of a file, else of the system.
pub(super) fn roots(ca: Option<&Path>) -> io::Result<Arc<RootCertStore>> {
    let system = || {
        SYSTEM_FILES
            .map(Path::new)
            .into_iter()
            .find(|path| path.exists())
    };
    let path = ca.or_else(system).ok_or_else(|| {
        io::Error::other("this system keeps no certificates as a file; give --tls-ca or --tls-pin")
    })?;
    let cannot = |error: &dyn std::fmt::Display| {
        io::Error::other(format!("certificates {}: {error}", path.display()))
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| cannot(&error))? {
        // A system's file may hold one that is odd; one of many.
        let _ = store.add(certificate.map_err(|error| cannot(&error))?);
    }
    if store.is_empty() {
        return Err(cannot(&"there is none in it; give a PEM file"));
    }
    Ok(Arc::new(store))
}

/// Believes one certificate and no other, whoever signed it and for whatever name.
#[derive(Debug)]
pub(super) struct Pinned {
    sha256: [u8; 32],
    provider: Arc<CryptoProvider>,
}

impl Pinned {
    pub(super) fn new(sha256: [u8; 32], provider: &Arc<CryptoProvider>) -> Pinned {
        let provider = Arc::clone(provider);
        Pinned { sha256, provider }
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match digest(end_entity) == self.sha256 {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}
