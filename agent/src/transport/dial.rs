//! Going one way to the master: dialling, then TLS and the HTTP upgrade as far as the way says.
//! Not here: waiting between two tries.

use std::io;
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::way::{Trust, Way};
use super::{Transport, command, http, tls};

/// How long one address of the master may take to accept.
const DIAL_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the other side may take for each answer of TLS and of the HTTP upgrade.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// Opens the transport of this way; listening is not one that is opened.
pub(crate) fn open(way: &Way, trust: &Trust) -> io::Result<Transport> {
    match way {
        Way::Dial(address) => Transport::tcp(dial(address)?),
        Way::Tls(address) => {
            let stream = dial(address)?;
            greet(&stream, || {
                tls::connect(stream.try_clone()?, address, trust)
            })
        }
        Way::Http { tls, address, path } => {
            let stream = dial(address)?;
            greet(&stream, || {
                let below = match tls {
                    true => tls::connect(stream.try_clone()?, address, trust)?,
                    false => Transport::tcp(stream.try_clone()?)?,
                };
                http::upgrade(below, address, path)
            })
        }
        Way::Command { words, folder } => command::start(words, folder.as_deref()),
        Way::Stdio => Ok(Transport::stdio()),
        Way::Listen(_) => Err(io::Error::other("whoever listens does not dial")),
    }
}

fn dial(address: &str) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in address.to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, DIAL_TIMEOUT) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Bounds every read and write while `work` runs, and none after it: then the session counts.
fn greet(
    stream: &TcpStream,
    work: impl FnOnce() -> io::Result<Transport>,
) -> io::Result<Transport> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(GREETING_TIMEOUT))?;
    stream.set_write_timeout(Some(GREETING_TIMEOUT))?;
    let transport = work()?;
    stream.set_read_timeout(None)?;
    stream.set_write_timeout(None)?;
    Ok(transport)
}
