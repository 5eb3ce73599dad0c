//! TLS at the agents' port, with rustls. The certificate is read again when its file changes, so
//! that a renewed one needs no restart. Not here: who the agent is, which its key proves.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// The agents' certificate; cheap to clone.
#[derive(Clone)]
pub struct Certificate {
    shared: Arc<Shared>,
}

struct Shared {
    certificate: PathBuf,
    key: PathBuf,
    state: Mutex<State>,
}

struct State {
    config: Arc<ServerConfig>,
    /// When the files were written that were read, or last failed to be.
    written: [Option<SystemTime>; 2],
}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Certificate")
            .field(&self.shared.certificate)
            .finish()
    }
}

impl Certificate {
    /// Reads a PEM file with a certificate and those above it, and the PEM file of its key. The
    /// text of an error names the file.
    pub fn read(certificate: &Path, key: &Path) -> io::Result<Self> {
        let written = [written(certificate), written(key)];
        let config = load(certificate, key)?;
        Ok(Self {
            shared: Arc::new(Shared {
                certificate: certificate.to_path_buf(),
                key: key.to_path_buf(),
                state: Mutex::new(State { config, written }),
            }),
        })
    }

    /// What accepts the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let Shared {
            certificate, key, ..
        } = &*self.shared;
        let now = [written(certificate), written(key)];
        let mut state = self
            .shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if state.written != now {
            state.written = now;
            match load(certificate, key) {
                Ok(config) => {
                    state.config = config;
                    tracing::info!("the agents' certificate was read again");
                }
                Err(error) => tracing::error!(%error, "the agents' old certificate stays in use"),
            }
        }
        TlsAcceptor::from(Arc::clone(&state.config))
    }
}

fn written(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|facts| facts.modified())
        .ok()
}

fn load(certificate: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let wrong = |path: &Path, error: &dyn fmt::Display| {
        io::Error::other(format!("agent_tls: {}: {error}", path.display()))
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(certificate)
        .map_err(|error| wrong(certificate, &error))?
        .collect();
    let chain = chain.map_err(|error| wrong(certificate, &error))?;
    if chain.is_empty() {
        return Err(wrong(
            certificate,
            &"there is no certificate in it; give a PEM file",
        ));
    }
    let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| wrong(key, &error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| wrong(certificate, &error))?;
    Ok(Arc::new(config))
}
