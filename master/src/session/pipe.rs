//! What a channel's user and the connection's task share: the bytes that arrived, the bytes to
//! send, and the newest wishes. Neither side waits for the other while holding it; every part is
//! bounded by the credit that the user grants or by a maximum.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::Notify;
use windlass_protocol::limits::DATA_BYTES_MAX;
use windlass_protocol::{Boxed, CancelMode, ChannelId, Failure};

/// The shared state of one channel.
#[derive(Default)]
pub(super) struct Pipe {
    state: Mutex<State>,
    /// Something changed for the user.
    pub(super) user: Notify,
}

#[derive(Default)]
pub(super) struct State {
    /// The channel's number once the connection has opened it.
    pub(super) channel: Option<ChannelId>,
    /// Where the agent wants our stream to begin, once it said so.
    pub(super) begin: Option<u64>,
    /// Bytes for the user; their sum is bounded by the credit granted, their number because
    /// small ones are joined.
    pub(super) arrived: VecDeque<Vec<u8>>,
    /// The end of the peer's stream: length and SHA-256, unless that was left out.
    pub(super) end: Option<(u64, Option<[u8; 32]>)>,
    /// The answer, which closes the channel.
    pub(super) answer: Option<Result<Boxed, Failure>>,
    /// The connection is gone, or refused to open the channel.
    pub(super) lost: bool,
    /// Bytes to send, at most `OUTGOING_BYTES_MAX` and one piece.
    pub(super) outgoing: VecDeque<Bytes>,
    /// Bytes in `outgoing`.
    pub(super) outgoing_bytes: usize,
    /// The end of our stream, to be sent behind `outgoing`.
    pub(super) finish: Option<(u64, [u8; 32])>,
    /// The newest ACK wished for: durable and limit.
    pub(super) ack: Option<(u64, u64)>,
    /// The strongest cancel wished for.
    pub(super) cancel: Option<CancelMode>,
    /// The user went away.
    pub(super) abandoned: bool,
    /// Whether the pipe stands in the connection's list of changed ones.
    pub(super) is_listed: bool,
}

impl Pipe {
    /// The state; whoever panicked while holding it left plain values behind.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state for the user and wakes it.
    pub(super) fn tell_user(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.user.notify_one();
    }
}

impl State {
    /// Appends bytes for the user, joined to the last piece where both are small.
    pub(super) fn arrive(&mut self, bytes: Vec<u8>) {
        match self.arrived.back_mut() {
            Some(last) if last.len() + bytes.len() <= DATA_BYTES_MAX => last.extend(bytes),
            _ => self.arrived.push_back(bytes),
        }
    }
}
