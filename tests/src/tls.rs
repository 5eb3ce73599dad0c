//! Certificates that a test makes for 127.0.0.1, and a server before the pages that speaks TLS,
//! as reverse proxies do.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A certificate that signs itself, and its key.
#[derive(Debug, Clone)]
pub struct Identity {
    /// PEM file of the certificate, and of the authority.
    pub certificate: PathBuf,
    /// PEM file of the key.
    pub key: PathBuf,
}

impl Identity {
    /// Makes one in `folder`, for 127.0.0.1 and localhost.
    #[must_use]
    pub fn new(folder: &Path, name: &str) -> Self {
        let identity = Self {
            certificate: folder.join(format!("{name}.pem")),
            key: folder.join(format!("{name}.key")),
        };
        let mut command = Command::new("openssl");
        command
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
            ])
            .args(["-nodes", "-days", "3650", "-subj", "/CN=127.0.0.1"])
            .args(["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"])
            .arg("-keyout")
            .arg(&identity.key)
            .arg("-out")
            .arg(&identity.certificate);
        let output = command.output();
        let made = output.as_ref().is_ok_and(|output| output.status.success());
        assert!(made, "openssl makes no certificate: {output:?}");
        identity
    }

    fn chain(&self) -> Vec<CertificateDer<'static>> {
        let certificates = CertificateDer::pem_file_iter(&self.certificate);
        let certificates = certificates.and_then(Iterator::collect);
        certificates.unwrap_or_else(|error| panic!("{}: {error}", self.certificate.display()))
    }

    /// SHA-256 of the certificate, as agents pin it.
    #[must_use]
    pub fn pin(&self) -> String {
        let digest = Sha256::digest(&self.chain()[0]);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// A TLS server that hands everything on to a plain one, as long as it lives.
#[derive(Debug)]
pub struct TlsProxy {
    address: SocketAddr,
    /// Its threads end with it.
    _runtime: tokio::runtime::Runtime,
}

impl TlsProxy {
    /// Listens on a free port of 127.0.0.1.
    #[must_use]
    pub fn start(target: SocketAddr, identity: &Identity) -> Self {
        let key = PrivateKeyDer::from_pem_file(&identity.key);
        let key = key.unwrap_or_else(|error| panic!("{}: {error}", identity.key.display()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                let builder = builder.with_no_client_auth();
                builder.with_single_cert(identity.chain(), key)
            });
        let config = config.unwrap_or_else(|error| panic!("no TLS: {error}"));
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let runtime = tokio::runtime::Runtime::new();
        let runtime = runtime.unwrap_or_else(|error| panic!("no threads: {error}"));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"));
        let listener = listener.unwrap_or_else(|error| panic!("no port is free: {error}"));
        let address = listener.local_addr();
        let address = address.unwrap_or_else(|error| panic!("no address: {error}"));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let (Ok(mut near), Ok(mut far)) = (
                        acceptor.accept(stream).await,
                        TcpStream::connect(target).await,
                    ) else {
                        return;
                    };
                    // Either side may hang up.
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self {
            address,
            _runtime: runtime,
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
