//! What carries one connection: both directions of its bytes and where they come from. Not here:
//! how it came about.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

/// Both directions of one connection.
pub(super) struct Wire {
    pub(super) reader: Box<dyn AsyncRead + Send + Unpin>,
    pub(super) writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The next machine on the way to the agent.
    pub(super) peer: SocketAddr,
    pub(super) way: Way,
}

/// How an agent and the master came together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The agent dialled the agents' port.
    Tcp,
    /// The agent dialled the agents' port and speaks TLS.
    Tls,
    /// The agent came through the pages' port.
    Http,
    /// The master dialled.
    Dialled,
}

impl Way {
    /// The word for pages and REST.
    #[must_use]
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Tls => "tls",
            Self::Http => "http",
            Self::Dialled => "dialled",
        }
    }
}

impl Wire {
    /// A connected socket.
    pub(super) fn tcp(stream: TcpStream, peer: SocketAddr, way: Way) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        Ok(Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            peer,
            way,
        })
    }

    /// Anything that is read and written at once.
    pub(super) fn both<S>(stream: S, peer: SocketAddr, way: Way) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let (reader, writer) = tokio::io::split(stream);
        Self {
            reader: Box::new(reader),
            writer: Box::new(writer),
            peer,
            way,
        }
    }
}
