//! In the place of `tls` when the agent is built without it.

use std::io;
use std::net::TcpStream;

use super::Transport;
use super::way::Trust;

/// Refuses: the configuration was refused before it came so far.
pub(super) fn connect(_: TcpStream, _: &str, _: &Trust) -> io::Result<Transport> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        super::way::NO_TLS,
    ))
}
