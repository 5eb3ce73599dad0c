//! Connections through the pages' port: between the chunks of an upgraded request and the bytes
//! of the protocol. What a face has agreed to over HTTP is its own; the frames are the protocol
//! crate's.

use std::net::SocketAddr;

use bytes::Bytes;
use sha1::{Digest as _, Sha1};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use windlass_protocol::websocket::{Decoder, Kind, Piece, base64, encode};

use super::entrance::Entrance;
use super::wire::{Way, Wire};

/// Bytes between the frames and the protocol: one frame of data and its head.
const BETWEEN_BYTES: usize = 128 * 1024;
/// Chunks of either direction that wait; each is at most one read of the socket.
const CHUNKS_MAX: usize = 4;
/// What RFC 6455 joins to the key.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Both directions of an upgraded request, in chunks as they come and go.
pub struct Upgraded {
    /// Takes the chunks of the agent; dropped when there are no more.
    pub incoming: mpsc::Sender<Bytes>,
    /// Gives the chunks for the agent; ended with the connection.
    pub outgoing: mpsc::Receiver<Bytes>,
}

/// The value of `Sec-WebSocket-Accept` for a key.
#[must_use]
pub fn accept_value(key: &str) -> String {
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    base64(&hash)
}

impl Entrance {
    /// Lets a connection in that came through the pages' port; `None` when there is no room.
    #[must_use]
    pub fn join(&self, peer: SocketAddr) -> Option<Upgraded> {
        let visit = self.enter(peer)?;
        let (near, far) = tokio::io::duplex(BETWEEN_BYTES);
        let (reader, writer) = tokio::io::split(near);
        let (incoming, from_agent) = mpsc::channel(CHUNKS_MAX);
        let (to_agent, outgoing) = mpsc::channel(CHUNKS_MAX);
        let wire = Wire::both(far, peer, Way::Http);
        let entrance = self.clone();
        let over = CancellationToken::new();
        let guard = over.clone().drop_guard();
        self.spawn(async move {
            entrance.serve(visit, wire, None).await;
            drop(guard);
        });
        let answers = to_agent.clone();
        self.spawn(async move {
            // An agent that sends nothing more would be waited for without end.
            let received = over.run_until_cancelled_owned(receive(from_agent, writer, answers));
            if let Some(Err(error)) = received.await {
                tracing::info!(%peer, error, "a connection through the pages' port broke");
            }
        });
        self.spawn(send(reader, to_agent));
        Some(Upgraded { incoming, outgoing })
    }
}

/// Frames of the agent into bytes, until either side ends.
async fn receive(
    mut chunks: mpsc::Receiver<Bytes>,
    mut writer: WriteHalf<DuplexStream>,
    answers: mpsc::Sender<Bytes>,
) -> Result<(), String> {
    let mut decoder = Decoder::new(true);
    while let Some(chunk) = chunks.recv().await {
        let mut rest = &chunk[..];
        while let Some(piece) = decoder.next(&mut rest).map_err(|error| error.to_string())? {
            match piece {
                Piece::Bytes(bytes) => {
                    if writer.write_all(&bytes).await.is_err() {
                        return Ok(());
                    }
                }
                Piece::Ping(bytes) => {
                    let mut frame = Vec::new();
                    encode(&mut frame, Kind::Pong, &bytes, None);
                    // A full queue is a connection that is alive.
                    let _ = answers.try_send(frame.into());
                }
                Piece::Close => return Ok(()),
            }
        }
    }
    Ok(())
}

/// Bytes for the agent into frames, until either side ends.
async fn send(mut reader: ReadHalf<DuplexStream>, chunks: mpsc::Sender<Bytes>) {
    let mut buffer = vec![0; BETWEEN_BYTES];
    loop {
        let count = reader.read(&mut buffer).await.unwrap_or(0);
        let kind = if count == 0 {
            Kind::Close
        } else {
            Kind::Binary
        };
        let mut frame = Vec::with_capacity(count + 16);
        encode(&mut frame, kind, &buffer[..count], None);
        if chunks.send(frame.into()).await.is_err() || count == 0 {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    //! The one value that the RFC gives.

    #[test]
    fn the_accept_value_is_that_of_the_rfc() {
        let value = super::accept_value("dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(value, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }
}
