//! One channel: what is queued for the peer within its credit, what is expected from it within
//! ours, and what is still to be said about it.

use super::CancelMode;
use crate::error::{CallError, ProtocolError};
use crate::limits::{DATA_BYTES_FIRST, DATA_BYTES_MAX, OFFSET_MAX, SEND_QUEUE_MAX};
use crate::sha256::Sha256;
use std::collections::VecDeque;

/// The state of one open channel.
#[derive(Debug, Default)]
pub(super) struct Channel {
    /// Our stream.
    pub(super) sending: Sending,
    /// The peer's stream.
    pub(super) receiving: Receiving,
    /// The newest ACK that was not written yet.
    pub(super) ack: Option<(u64, u64)>,
    /// The strongest CANCEL that was not written yet.
    pub(super) cancel: Option<CancelMode>,
    /// The ABORT payload that was not written yet.
    pub(super) abort: Option<Vec<u8>>,
    /// The agent's stream may end without its SHA-256, as the request said.
    pub(super) may_leave_hash: bool,
    /// The RES payload: written when everything queued before it is.
    pub(super) response: Option<Vec<u8>>,
    /// Whether the channel stands in the writer's line for control frames.
    pub(super) in_control_line: bool,
    /// Whether the channel stands in the writer's line for turns.
    pub(super) in_turn_line: bool,
}

/// Our stream on a channel.
#[derive(Debug, Default)]
pub(super) struct Sending {
    /// Whether the first offset is known: always at the agent, after the first ACK at the master.
    pub(super) is_open: bool,
    /// Offset of the next byte that may be queued.
    pub(super) next: u64,
    /// The peer takes bytes below this.
    pub(super) limit: u64,
    /// The peer has stored bytes below this.
    pub(super) durable: u64,
    /// Offset at which the stream was opened on this connection.
    opened_at: u64,
    /// Pieces of at most `DATA_BYTES_MAX`; they end at `next` and never pass `limit`.
    queue: VecDeque<Vec<u8>>,
    /// Most bytes of the last piece of `queue`.
    piece_bytes_max: usize,
    /// Bytes in `queue`, at most `SEND_QUEUE_MAX`.
    queued: usize,
    /// Of the stream before what is in `queue`, if the connection is to know it.
    pub(super) sha256: Option<Sha256>,
    /// Length and hash of an END that was not written yet; without a hash it is `sha256`, if
    /// that is kept.
    end: Option<(u64, Option<[u8; 32]>)>,
    /// Whether the stream was ended or aborted: nothing may be queued any more.
    pub(super) is_finished: bool,
    /// Whether the program was told "less than you gave" and waits for room.
    pub(super) wants_room: bool,
}

/// The peer's stream on a channel.
#[derive(Debug, Default)]
pub(super) struct Receiving {
    /// Offset of the next byte; `None` until we opened the stream.
    pub(super) expected: Option<u64>,
    /// We promised to take bytes below this.
    pub(super) limit: u64,
    /// We said that bytes below this are stored.
    pub(super) durable: u64,
    /// Whether the peer ended or aborted it.
    pub(super) is_finished: bool,
    /// Of the stream before `expected`, if the connection is to know it.
    pub(super) sha256: Option<Sha256>,
}

/// Most bytes of a piece before which `sent` were sent on this connection: as many, so that a line
/// that breaks every moment brings something each time, and a good one is soon at the most.
fn piece_bytes_max(sent: u64) -> usize {
    usize::try_from(sent).map_or(DATA_BYTES_MAX, |sent| {
        sent.clamp(DATA_BYTES_FIRST, DATA_BYTES_MAX)
    })
}

impl Sending {
    /// Opens the stream at an offset with a limit.
    pub(super) fn open(&mut self, from: u64, limit: u64) {
        (self.is_open, self.next, self.durable, self.limit) = (true, from, from, limit);
        self.opened_at = from;
    }

    /// Bytes that may be queued now.
    pub(super) fn room(&self) -> usize {
        if !self.is_open || self.is_finished {
            return 0;
        }
        let credit = usize::try_from(self.limit.saturating_sub(self.next)).unwrap_or(usize::MAX);
        credit.min(SEND_QUEUE_MAX - self.queued)
    }

    /// `room`, unless it is less than half of the queue and will be more soon.
    pub(super) fn ample_room(&self) -> usize {
        match self.room() {
            room if room >= SEND_QUEUE_MAX / 2 || self.queued == 0 => room,
            _ => 0,
        }
    }

    /// Queues a whole piece as it is, without a copy; gives it back if it must be cut, or joined
    /// to the one before.
    pub(super) fn push_piece(&mut self, offset: u64, bytes: Vec<u8>) -> Result<(), Vec<u8>> {
        let joins = |last: &Vec<u8>| last.len() < self.piece_bytes_max;
        let fits = !self.is_finished && offset == self.next && bytes.len() <= self.room();
        let most = piece_bytes_max(self.next - self.opened_at);
        if !fits || bytes.is_empty() || bytes.len() > most || self.queue.back().is_some_and(joins) {
            return Err(bytes);
        }
        self.piece_bytes_max = most;
        self.wants_room = false;
        self.queued += bytes.len();
        self.next += bytes.len() as u64;
        self.queue.push_back(bytes);
        Ok(())
    }

    /// Queues what there is room for and tells how much that was.
    pub(super) fn push(&mut self, offset: u64, bytes: &[u8]) -> Result<usize, CallError> {
        if self.is_finished {
            return Err(CallError::Ended);
        }
        if self.is_open && offset != self.next {
            return Err(CallError::WrongOffset(self.next));
        }
        let taken = bytes.len().min(self.room());
        self.wants_room = taken < bytes.len();
        let mut rest = &bytes[..taken];
        while !rest.is_empty() {
            if self
                .queue
                .back()
                .is_none_or(|piece| piece.len() == self.piece_bytes_max)
            {
                let at = self.next + (taken - rest.len()) as u64;
                self.piece_bytes_max = piece_bytes_max(at - self.opened_at);
                self.queue
                    .push_back(Vec::with_capacity(rest.len().min(self.piece_bytes_max)));
            }
            let Some(piece) = self.queue.back_mut() else {
                break;
            };
            let (now, later) = rest.split_at(rest.len().min(self.piece_bytes_max - piece.len()));
            piece.extend_from_slice(now);
            rest = later;
        }
        self.queued += taken;
        self.next += taken as u64;
        Ok(taken)
    }

    /// The next piece for a turn and the offset of its first byte.
    pub(super) fn pop(&mut self) -> Option<(u64, Vec<u8>)> {
        let offset = self.next - self.queued as u64;
        let piece = self.queue.pop_front()?;
        self.queued -= piece.len();
        Some((offset, piece))
    }

    /// Ends the stream at `length` once the queue is written.
    pub(super) fn finish(
        &mut self,
        length: u64,
        sha256: Option<[u8; 32]>,
    ) -> Result<(), CallError> {
        match (self.is_finished, self.is_open, self.next == length) {
            (true, ..) => Err(CallError::Ended),
            (_, false, _) => Err(CallError::NotReady),
            (.., false) => Err(CallError::WrongOffset(self.next)),
            (false, true, true) => {
                self.end = Some((length, sha256));
                self.is_finished = true;
                Ok(())
            }
        }
    }

    /// Drops everything that is queued; nothing more may be.
    pub(super) fn drop_queue(&mut self) {
        self.next -= self.queued as u64;
        self.queue.clear();
        self.queued = 0;
        self.end = None;
        self.is_finished = true;
        self.wants_room = false;
    }

    /// The END payload, once nothing is queued before it.
    pub(super) fn take_end(&mut self) -> Option<Vec<u8>> {
        if !self.queue.is_empty() {
            return None;
        }
        let (length, given) = self.end.take()?;
        let own = self.sha256.take().map(Sha256::finish);
        let mut payload = length.to_be_bytes().to_vec();
        payload.extend(given.or(own).iter().flatten());
        Some(payload)
    }

    /// Whether something waits for a turn.
    pub(super) fn has_work(&self) -> bool {
        !self.queue.is_empty() || self.end.is_some()
    }

    /// Takes the peer's ACK; the first one opens the stream at the master. Numbers never fall.
    pub(super) fn acknowledged(&mut self, durable: u64, limit: u64) -> Result<(), ProtocolError> {
        if durable > limit || limit > OFFSET_MAX {
            return Err(ProtocolError::Malformed(
                "ACK with durable above limit, or too far",
            ));
        }
        if !self.is_open {
            self.open(durable, limit);
            return Ok(());
        }
        if durable > self.next - self.queued as u64 {
            return Err(ProtocolError::Malformed("ACK of bytes that were not sent"));
        }
        self.durable = self.durable.max(durable);
        self.limit = self.limit.max(limit);
        Ok(())
    }

    /// Whether a waiting program should be told that there is room: a quarter of the queue at
    /// least, or all that the credit allows, so that it is not woken for crumbs.
    pub(super) fn take_writable(&mut self) -> bool {
        let room = self.room();
        let tell = self.wants_room && room > 0 && (room >= SEND_QUEUE_MAX / 4 || self.queued == 0);
        self.wants_room &= !tell;
        tell
    }
}

impl Receiving {
    /// Opens the stream at an offset with a limit.
    pub(super) fn open(&mut self, from: u64, limit: u64) {
        (self.expected, self.durable, self.limit) = (Some(from), from, limit);
    }

    /// Takes bytes of the peer; they must continue the stream within the limit.
    pub(super) fn take(&mut self, offset: u64, length: u64) -> Result<(), ProtocolError> {
        if self.is_finished {
            return Err(ProtocolError::Unexpected(
                "DATA after the end of its stream",
            ));
        }
        let Some(expected) = self.expected else {
            return Err(ProtocolError::BeyondLimit);
        };
        if offset != expected {
            return Err(ProtocolError::WrongOffset);
        }
        if self.limit.saturating_sub(offset) < length {
            return Err(ProtocolError::BeyondLimit);
        }
        self.expected = Some(offset + length);
        Ok(())
    }

    /// Takes our program's ACK and gives the numbers to send: never lower than before, and never
    /// a limit below what was taken. `None` if there is nothing new to say.
    pub(super) fn acknowledge(&mut self, durable: u64, limit: u64) -> Option<(u64, u64)> {
        let Some(expected) = self.expected else {
            self.open(durable, limit.max(durable));
            return Some((self.durable, self.limit));
        };
        let new = (
            self.durable.max(durable.min(expected)),
            self.limit.max(limit),
        );
        let changed = new != (self.durable, self.limit);
        (self.durable, self.limit) = new;
        changed.then_some(new)
    }
}
