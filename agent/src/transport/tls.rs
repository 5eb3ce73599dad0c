//! TLS over a connected socket, with rustls: the one place where the agent has outside crates,
//! behind the feature `tls`. The master proves itself by the agent's key in any case; TLS is for
//! nobody to read along. Not here: dialling.

mod trust;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

use super::way::{Trust, host_of};
use super::{HungUp, Transport};

/// Bytes per read from the socket: one TLS record and its head.
const READ_BYTES: usize = 16 * 1024 + 512;

/// Speaks TLS on the socket; the certificate must be the pinned one, or be signed for the host.
pub(super) fn connect(
    mut stream: TcpStream,
    address: &str,
    trust: &Trust,
) -> io::Result<Transport> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    let config = match trust.pin {
        Some(pin) => builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust::Pinned::new(pin, &provider)))
            .with_no_client_auth(),
        None => builder
            .with_root_certificates(trust::roots(trust.ca.as_deref())?)
            .with_no_client_auth(),
    };
    let name = ServerName::try_from(host_of(address).to_owned()).map_err(io::Error::other)?;
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut stream)?;
    }
    let shared = Arc::new(Mutex::new(connection));
    let reader = Reader {
        shared: Arc::clone(&shared),
        stream: stream.try_clone()?,
        raw: vec![0; READ_BYTES],
        waiting: 0..0,
    };
    let writer = Writer {
        shared,
        stream: stream.try_clone()?,
    };
    Ok(Transport {
        reader: Box::new(reader),
        writer: Box::new(writer),
        hang_up: Box::new(move || {
            // It is closed already if this fails.
            let _ = stream.shutdown(Shutdown::Both);
            HungUp::Released
        }),
        linger: Duration::ZERO,
        confidential: true,
    })
}

/// The state of TLS that both directions share; never held over a call to the socket, so that
/// neither waits for the other.
type Shared = Arc<Mutex<ClientConnection>>;

fn lock(shared: &Shared) -> MutexGuard<'_, ClientConnection> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The direction from the master. What TLS itself has to say goes out with our next bytes.
struct Reader {
    shared: Shared,
    stream: TcpStream,
    raw: Vec<u8>,
    /// Which of `raw` were not given to TLS yet.
    waiting: std::ops::Range<usize>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match lock(&self.shared).reader().read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // Without its closing words the end of TLS is an end all the same: the protocol
                // above knows what is complete.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                other => return other,
            }
            if self.waiting.is_empty() {
                self.waiting = 0..self.stream.read(&mut self.raw)?;
            }
            // One step at a time: what it decrypts must be taken before it takes more.
            let mut rest = &self.raw[self.waiting.clone()];
            let mut connection = lock(&self.shared);
            connection.read_tls(&mut rest)?;
            self.waiting.start = self.waiting.end - rest.len();
            connection.process_new_packets().map_err(io::Error::other)?;
        }
    }
}

/// The direction to the master.
struct Writer {
    shared: Shared,
    stream: TcpStream,
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut records = Vec::with_capacity(bytes.len() + 512);
        let taken = {
            let mut connection = lock(&self.shared);
            let taken = connection.writer().write(bytes)?;
            while connection.wants_write() {
                connection.write_tls(&mut records)?;
            }
            taken
        };
        self.stream.write_all(&records)?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
