//! The agents' port: accepts sockets, plain or with TLS, and hands them to the entrance. Not
//! here: what is said over them.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

use super::entrance::Entrance;
use super::tls::Certificate;
use super::wire::{Way, Wire};

/// Waits before accepting again after the system refused to (too many open files, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Time for TLS to begin: as long as the protocol's own greeting has.
const TLS_MAX: Duration = Duration::from_secs(10);
/// The first byte of TLS; the protocol's is another.
const TLS_RECORD: u8 = 0x16;

/// What the agents' port speaks.
#[derive(Debug, Clone)]
pub struct Speech {
    /// Whether agents may come without TLS.
    pub plain: bool,
    /// With what they may come with TLS.
    pub tls: Option<Certificate>,
}

impl Speech {
    /// Without TLS.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            plain: true,
            tls: None,
        }
    }
}

/// The agents' door while it is open.
pub struct Door {
    listener: TcpListener,
    speech: Speech,
    entrance: Entrance,
}

/// Opens the agents' door at `address`; [`Door::run`] serves it.
///
/// Errors: those of binding the address, which the text names.
pub async fn listen(
    address: SocketAddr,
    speech: Speech,
    entrance: Entrance,
) -> std::io::Result<Door> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        std::io::Error::new(
            error.kind(),
            format!("cannot listen for agents at {address}: {error}"),
        )
    })?;
    Ok(Door {
        listener,
        speech,
        entrance,
    })
}

impl Door {
    /// Where it listens, with the port that the system chose if it was 0.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then waits until every agent was told goodbye.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.receive(stream, peer),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection of an agent");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop(self.listener);
        self.entrance.emptied().await;
    }

    fn receive(&self, stream: TcpStream, peer: SocketAddr) {
        let Some(visit) = self.entrance.enter(peer) else {
            return;
        };
        let (entrance, speech) = (self.entrance.clone(), self.speech.clone());
        self.entrance.spawn(async move {
            match wire(stream, peer, &speech).await {
                Ok(wire) => {
                    entrance.serve(visit, wire, None).await;
                }
                Err(error) => tracing::info!(%peer, %error, "a connection of an agent was refused"),
            }
        });
    }
}

/// Finds out what the other side speaks, by its first byte, and speaks it.
async fn wire(stream: TcpStream, peer: SocketAddr, speech: &Speech) -> std::io::Result<Wire> {
    let Some(certificate) = &speech.tls else {
        return Wire::tcp(stream, peer, Way::Tcp);
    };
    let begin = async {
        let mut first = [0];
        stream.peek(&mut first).await?;
        if first[0] != TLS_RECORD && speech.plain {
            return Wire::tcp(stream, peer, Way::Tcp);
        }
        if first[0] != TLS_RECORD {
            let text = "it does not speak TLS; its `master` must begin with tls://";
            return Err(std::io::Error::other(text));
        }
        stream.set_nodelay(true)?;
        let stream = certificate.acceptor().accept(stream).await?;
        Ok(Wire::both(stream, peer, Way::Tls))
    };
    let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "TLS did not begin in time");
    tokio::time::timeout(TLS_MAX, begin)
        .await
        .map_err(|_| late())?
}
