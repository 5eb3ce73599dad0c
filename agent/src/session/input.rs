//! What reaches the loop of a connection, and what it does about each. Not here: events of the
//! protocol (`events`), the end (`leaving`).

use std::sync::Arc;

use windlass_protocol::ops::ShutdownMode;
use windlass_protocol::sha256::Sha256;
use windlass_protocol::{Boxed, CallError, ChannelId, Code, Failure};

use super::Session;
use crate::clock::now_ms;
use crate::commands::Entry;
use crate::log::log;
use crate::upgrade::Successor;

/// What reaches the loop.
pub(crate) enum Input {
    /// The first `count` bytes of the buffer came from the master.
    Bytes { buffer: Vec<u8>, count: usize },
    /// The transport ended; the text says how.
    Lost(String),
    /// The writer wrote one block.
    Written,
    /// A request's thread has bytes for the master, within what its gate let pass, in pieces of
    /// a frame's worth at most.
    Chunk {
        channel: ChannelId,
        offset: u64,
        pieces: Vec<Vec<u8>>,
    },
    /// What a request's thread sends from here on is to be hashed beside its MACs.
    HashSent { channel: ChannelId, sha256: Sha256 },
    /// So is what the master sends to a request's thread.
    HashReceived { channel: ChannelId, sha256: Sha256 },
    /// A request's thread has sent everything; without a digest it is that of `HashSent`.
    Finish {
        channel: ChannelId,
        length: u64,
        sha256: Option<[u8; 32]>,
    },
    /// A request's thread took the master's bytes so far.
    Acknowledge {
        channel: ChannelId,
        durable: u64,
        limit: u64,
    },
    /// The command of a channel is known now.
    Attached {
        channel: ChannelId,
        entry: Arc<Entry>,
    },
    /// A request is answered.
    Respond {
        channel: ChannelId,
        result: Result<Boxed, Failure>,
    },
    /// What the machine is like now.
    Status(Boxed),
    /// The agent is to stop.
    Stop,
    /// The master wants the agent to end.
    Shutdown(ShutdownMode),
    /// A new program is to take over.
    HandOver(Successor),
}

impl Session<'_> {
    pub(super) fn take(&mut self, input: Input) {
        match input {
            Input::Bytes { buffer, count } => {
                self.connection.handle_bytes(now_ms(), &buffer[..count]);
                self.lines.read_more(buffer);
            }
            Input::Lost(how) => {
                log!("connection lost: {how}");
                self.connection.handle_eof(now_ms());
            }
            Input::Written => {
                self.unwritten = self.unwritten.saturating_sub(1);
                self.wrote_at_ms = now_ms();
            }
            Input::Chunk {
                channel,
                offset,
                pieces,
            } => self.send_chunk(channel, offset, pieces),
            // Like the calls below, refused only once the channel is closed: then nobody waits
            // for it.
            Input::HashSent { channel, sha256 } => {
                let _ = self.connection.hash_sent(channel, sha256);
            }
            Input::HashReceived { channel, sha256 } => {
                let _ = self.connection.hash_received(channel, sha256);
            }
            Input::Finish {
                channel,
                length,
                sha256,
            } => {
                let _ = match sha256 {
                    Some(sha256) => self.connection.finish(channel, length, sha256),
                    None => self.connection.finish_hashed(channel, length),
                };
            }
            Input::Acknowledge {
                channel,
                durable,
                limit,
            } => {
                let _ = self.connection.acknowledge(channel, durable, limit);
            }
            Input::Attached { channel, entry } => self.attach(channel, entry),
            Input::Respond { channel, result } => self.respond(channel, result),
            Input::Status(status) => {
                self.asks_status = false;
                let _ = self.connection.send_status(&status);
            }
            Input::Stop => self.begin_stop(),
            Input::Shutdown(mode) => self.shut_down(mode),
            Input::HandOver(successor) => self.stop.hand_over(successor),
        }
    }

    fn send_chunk(&mut self, channel: ChannelId, mut offset: u64, pieces: Vec<Vec<u8>>) {
        for bytes in pieces {
            let end = offset + bytes.len() as u64;
            match self.connection.send_piece(channel, offset, bytes) {
                Ok(true) => offset = end,
                // The gate lets no more pass than there is room for: this is a fault of ours, and
                // going on would lose bytes.
                Ok(false) => {
                    let text = "the agent produced more than it may send";
                    return self.respond(channel, Err(Failure::new(Code::Internal, text)));
                }
                // The channel was closed meanwhile.
                Err(_) => return,
            }
        }
    }

    pub(super) fn respond(&mut self, id: ChannelId, result: Result<Boxed, Failure>) {
        if let Some(channel) = self.channels.remove(&id) {
            channel.gate.close();
            if self.connection.respond(id, result) == Err(CallError::TooLarge) {
                let text = "the answer is larger than a frame";
                let failure = Failure::new(Code::TooLarge, text);
                let _ = self.connection.respond(id, Err(failure));
            }
            self.answered.push(id);
        }
    }
}
