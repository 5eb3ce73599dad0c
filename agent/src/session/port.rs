//! What the thread of one request has of its channel: the gate to wait at before sending, the
//! inbox of the master's bytes, and the way to answer. Not here: the loop at the other end.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};

use windlass_protocol::ops::ShutdownMode;
use windlass_protocol::sha256::Sha256;
use windlass_protocol::{Boxed, ChannelId, Failure, limits};

use super::Input;
use crate::commands::Entry;
use crate::commands::gate::Gate;
use crate::upgrade::Successor;

/// What comes from the master on a channel.
#[derive(Debug)]
pub(crate) enum Inbound {
    /// Bytes that begin at `offset`.
    Bytes { offset: u64, bytes: Vec<u8> },
    /// The stream is complete: its length and digest from offset 0.
    End {
        length: u64,
        sha256: [u8; 32],
        /// The digest of what came, where that was asked for.
        found: Option<[u8; 32]>,
    },
}

/// The channel is gone: the connection ended or the master gave up. There is nobody to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

/// One request's side of its channel.
pub(crate) struct Port {
    pub(crate) channel: ChannelId,
    /// Whether nobody on the way reads what passes: else secrets are refused.
    pub(crate) confidential: bool,
    pub(crate) gate: Arc<Gate>,
    /// In parcels: what came by one block of the line.
    pub(crate) inbox: Receiver<Vec<Inbound>>,
    /// What is left of the parcel taken last.
    pub(crate) came: RefCell<VecDeque<Inbound>>,
    pub(crate) sender: Sender<Input>,
}

impl Port {
    fn tell(&self, input: Input) -> Result<(), Gone> {
        self.sender.send(input).map_err(|_| Gone)
    }

    /// Waits until `ready` says so, given the offset up to which may be sent.
    pub(crate) fn wait<T>(&self, ready: impl FnMut(u64) -> Option<T>) -> Result<T, Gone> {
        self.gate.wait(ready).ok_or(Gone)
    }

    /// Whether the channel is closed already.
    pub(crate) fn is_gone(&self) -> bool {
        self.gate.is_closed()
    }

    /// Waits until bytes at `offset` may be sent; says how many, one frame's worth at most.
    pub(crate) fn room_at(&self, offset: u64) -> Result<usize, Gone> {
        self.wait(|granted| {
            let room = granted
                .saturating_sub(offset)
                .min(limits::DATA_BYTES_MAX as u64);
            usize::try_from(room).ok().filter(|room| *room > 0)
        })
    }

    /// Sends bytes for which there is room.
    pub(crate) fn send(&self, offset: u64, bytes: Vec<u8>) -> Result<(), Gone> {
        self.send_pieces(offset, vec![bytes])
    }

    /// Sends pieces that follow each other, one frame's worth each at most, for which there is
    /// room.
    pub(crate) fn send_pieces(&self, offset: u64, pieces: Vec<Vec<u8>>) -> Result<(), Gone> {
        self.tell(Input::Chunk {
            channel: self.channel,
            offset,
            pieces,
        })
    }

    /// Sends a whole short stream, from an offset on, and ends it.
    pub(crate) fn send_all(&self, from: u64, stream: &[u8]) -> Result<(), Gone> {
        let mut offset = usize::try_from(from)
            .unwrap_or(usize::MAX)
            .min(stream.len());
        while offset < stream.len() {
            let room = self.room_at(offset as u64)?.min(stream.len() - offset);
            self.send(offset as u64, stream[offset..offset + room].to_vec())?;
            offset += room;
        }
        let mut sha256 = Sha256::new();
        sha256.update(stream);
        self.finish(stream.len() as u64, Some(sha256.finish()))
    }

    /// Has the connection take our stream from here on into a digest that holds it so far.
    pub(crate) fn hash_sent(&self, sha256: Sha256) -> Result<(), Gone> {
        self.tell(Input::HashSent {
            channel: self.channel,
            sha256,
        })
    }

    /// Has the connection take the master's stream into a digest that holds it so far, before
    /// the first `acknowledge`; its end will bring it.
    pub(crate) fn hash_received(&self, sha256: Sha256) -> Result<(), Gone> {
        self.tell(Input::HashReceived {
            channel: self.channel,
            sha256,
        })
    }

    /// Ends the stream; without a digest it is the connection's.
    pub(crate) fn finish(&self, length: u64, sha256: Option<[u8; 32]>) -> Result<(), Gone> {
        self.tell(Input::Finish {
            channel: self.channel,
            length,
            sha256,
        })
    }

    /// The next bytes of the master's stream, or its end.
    pub(crate) fn receive(&self) -> Result<Inbound, Gone> {
        let mut came = self.came.borrow_mut();
        loop {
            if let Some(inbound) = came.pop_front() {
                return Ok(inbound);
            }
            came.extend(self.inbox.recv().map_err(|_| Gone)?);
        }
    }

    /// Tells the master how far its stream is stored and how far it may go on.
    pub(crate) fn acknowledge(&self, durable: u64, limit: u64) -> Result<(), Gone> {
        self.tell(Input::Acknowledge {
            channel: self.channel,
            durable,
            limit,
        })
    }

    /// Names the channel's command to the loop, which cancels it and brings its input.
    pub(crate) fn attach(&self, entry: &Arc<Entry>) -> Result<(), Gone> {
        let entry = Arc::clone(entry);
        self.tell(Input::Attached {
            channel: self.channel,
            entry,
        })
    }

    /// Has the agent end.
    pub(crate) fn shut_down(&self, mode: ShutdownMode) -> Result<(), Gone> {
        self.tell(Input::Shutdown(mode))
    }

    /// Has a new program take over.
    pub(crate) fn hand_over(&self, successor: Successor) -> Result<(), Gone> {
        self.tell(Input::HandOver(successor))
    }

    /// Answers; the channel is closed.
    pub(crate) fn respond(&self, result: Result<Boxed, Failure>) {
        // Without a connection there is nobody to answer; the master asks again.
        let _ = self.tell(Input::Respond {
            channel: self.channel,
            result,
        });
    }
}
