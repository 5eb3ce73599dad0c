//! What carries the connection's bytes: a reader, a writer, and how to hang up. Here: sockets
//! and standard input and output. Not here: what the bytes mean.

mod command;
pub(crate) mod dial;
mod http;
#[cfg_attr(not(feature = "tls"), path = "transport/no_tls.rs")]
mod tls;
pub(crate) mod way;

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// Reads and checks the head of an HTTP server's answer.
pub(crate) fn check_http_head(bytes: &[u8]) -> Result<(), String> {
    http::check_head(bytes)
}

/// How hanging up went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HungUp {
    /// Reads and writes that were waiting return now.
    Released,
    /// They may wait for ever; only the end of the program ends them.
    Stuck,
}

/// Ends both directions at once.
pub(crate) type HangUp = Box<dyn FnOnce() -> HungUp + Send>;

/// Both directions of one connection.
pub(crate) struct Transport {
    pub(crate) reader: Box<dyn Read + Send>,
    pub(crate) writer: Box<dyn Write + Send>,
    /// Ends what still waits in either direction.
    pub(crate) hang_up: HangUp,
    /// How long the other end gets to close by itself after our last byte, before hanging up.
    pub(crate) linger: Duration,
    /// Whether nobody on the way can read what passes: secrets are taken over such ones only.
    pub(crate) confidential: bool,
}

impl Transport {
    /// A connected socket. Plain TCP can be read on the way, unless it stays on this machine.
    pub(crate) fn tcp(stream: TcpStream) -> io::Result<Transport> {
        stream.set_nodelay(true)?;
        let confidential = stream.peer_addr()?.ip().to_canonical().is_loopback();
        Ok(Transport {
            reader: Box::new(stream.try_clone()?),
            writer: Box::new(stream.try_clone()?),
            hang_up: Box::new(move || {
                // It is closed already if this fails.
                let _ = stream.shutdown(Shutdown::Both);
                HungUp::Released
            }),
            linger: Duration::ZERO,
            confidential,
        })
    }

    /// Standard input and output of this program, which whoever started it holds.
    pub(crate) fn stdio() -> Transport {
        Transport {
            reader: Box::new(io::stdin()),
            writer: Box::new(io::stdout()),
            hang_up: Box::new(|| HungUp::Stuck),
            linger: Duration::ZERO,
            confidential: true,
        }
    }
}
