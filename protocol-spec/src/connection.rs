//! One connection as a state machine without input or output. Feed it with `handle_bytes`,
//! `handle_eof`, `handle_timeout` and calls; after each of them take everything from
//! `poll_event` and `poll_transmit`, then wait until `poll_timeout`. Times are milliseconds of
//! any clock that never goes back.
//!
//! Channel directions: *down* is master to agent, *up* is agent to master. Each channel has one
//! stream each way, with offsets, credit and an end of its own.

mod event;

pub use event::{CancelMode, CloseReason, Event};

use crate::auth::Key;
use crate::boxes::Boxed;
use crate::error::{CallError, Code, Failure};
use crate::hello::{AgentHello, MasterHello};
use crate::ids::{ChannelId, CommandState};
use crate::limits;
use crate::ops::Request;

/// The waits of a connection, in milliseconds; tests make them short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// From the start to READY.
    pub handshake_ms: u64,
    /// From an agent's HELLO to a refusal.
    pub refusal_ms: u64,
    /// Silence before a PING.
    pub ping_ms: u64,
    /// Silence before the connection counts as dead.
    pub dead_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            handshake_ms: limits::HANDSHAKE_MS,
            refusal_ms: limits::REFUSAL_MS,
            ping_ms: limits::PING_MS,
            dead_ms: limits::DEAD_MS,
        }
    }
}

/// One connection, seen from one side.
pub struct Connection {}

#[expect(
    clippy::todo,
    unused_variables,
    reason = "signatures first; bodies land next"
)]
impl Connection {
    /// The agent's side. `keys` holds one key, or two during rotation; `nonce` is 32 bytes from
    /// the operating system, never used before.
    pub fn agent(hello: AgentHello, keys: Vec<Key>, nonce: [u8; 32], now_ms: u64) -> Self {
        todo!()
    }

    /// The master's side; `nonce` as for the agent.
    pub fn master(hello: MasterHello, nonce: [u8; 32], now_ms: u64) -> Self {
        todo!()
    }

    /// Changes the waits. To be called before the first bytes.
    pub fn set_timing(&mut self, timing: Timing) {
        todo!()
    }

    /// Takes bytes from the transport.
    pub fn handle_bytes(&mut self, now_ms: u64, bytes: &[u8]) {
        todo!()
    }

    /// The transport ended or failed.
    pub fn handle_eof(&mut self, now_ms: u64) {
        todo!()
    }

    /// The time of `poll_timeout` has come (harmless before).
    pub fn handle_timeout(&mut self, now_ms: u64) {
        todo!()
    }

    /// The next bytes to write, about 64 KiB at most unless one frame is longer; `None` when
    /// there is nothing now. Control frames first, then one turn for each channel.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        todo!()
    }

    /// The next event; to be drained after every call that takes bytes or time.
    pub fn poll_event(&mut self) -> Option<Event> {
        todo!()
    }

    /// When `handle_timeout` wants to be called; `None` after the end.
    pub fn poll_timeout(&self) -> Option<u64> {
        todo!()
    }

    /// Master, after `Event::Hello`: the keys of this agent, at most two; none if it is unknown.
    pub fn provide_keys(&mut self, now_ms: u64, keys: Vec<Key>) -> Result<(), CallError> {
        todo!()
    }

    /// Agent, after `Event::Proven`: lists its commands; requests come after this.
    pub fn announce(&mut self, commands: &[CommandState]) -> Result<(), CallError> {
        todo!()
    }

    /// Master: opens a channel. The agent may send the up stream from `from` to `from + window`
    /// until `acknowledge` says more.
    pub fn open(
        &mut self,
        request: &Request,
        from: u64,
        window: u64,
    ) -> Result<ChannelId, CallError> {
        todo!()
    }

    /// Master: `open` for a request box of one's own; its first pair is `op`.
    pub fn open_box(
        &mut self,
        request: &Boxed,
        from: u64,
        window: u64,
    ) -> Result<ChannelId, CallError> {
        todo!()
    }

    /// Agent: answers a request. Bytes queued before a success are still sent, with the end if
    /// there is one; before a failure they are dropped.
    pub fn respond(
        &mut self,
        channel: ChannelId,
        result: Result<Boxed, Failure>,
    ) -> Result<(), CallError> {
        todo!()
    }

    /// Queues bytes of our stream that begin at `offset` and tells how many were taken: as much
    /// as the peer's limit and the queue allow, perhaps 0. `Event::Writable` follows if not all.
    pub fn send_data(
        &mut self,
        channel: ChannelId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<usize, CallError> {
        todo!()
    }

    /// Ends our stream after everything queued: its whole length and SHA-256 from offset 0.
    pub fn finish(
        &mut self,
        channel: ChannelId,
        length: u64,
        sha256: [u8; 32],
    ) -> Result<(), CallError> {
        todo!()
    }

    /// Master: gives the channel up; the agent answers, mostly with `cancelled`. A command goes on.
    pub fn abort(&mut self, channel: ChannelId, failure: &Failure) -> Result<(), CallError> {
        todo!()
    }

    /// Tells the peer that its stream is stored up to `durable` and welcome up to `limit`. The
    /// agent's first one opens the down stream at `durable`; before it the master sends nothing.
    /// Lower numbers than said before are raised to them.
    pub fn acknowledge(
        &mut self,
        channel: ChannelId,
        durable: u64,
        limit: u64,
    ) -> Result<(), CallError> {
        todo!()
    }

    /// How many bytes `send_data` would take now; 0 for a channel that is not open.
    pub fn room(&self, channel: ChannelId) -> u64 {
        todo!()
    }

    /// Master: where the down stream continues; `None` before the agent's first ACK opened it.
    /// Agent: where the up stream continues.
    pub fn next_offset(&self, channel: ChannelId) -> Option<u64> {
        todo!()
    }

    /// Master: ends the command of an `exec` or `attach` channel.
    pub fn cancel(&mut self, channel: ChannelId, mode: CancelMode) -> Result<(), CallError> {
        todo!()
    }

    /// Agent: how its machine is.
    pub fn send_status(&mut self, status: Boxed) -> Result<(), CallError> {
        todo!()
    }

    /// Asks the peer to open no more channels and to expect the end.
    pub fn goaway(&mut self, code: Code, text: &str, retry_ms: u64) -> Result<(), CallError> {
        todo!()
    }

    /// Says BYE behind what is queued for the connection itself; channels are left as they are.
    pub fn bye(&mut self) {
        todo!()
    }

    /// Whether the end was reached: `Event::Closed` was or will be given out.
    pub fn is_closed(&self) -> bool {
        todo!()
    }

    /// Whether requests can be sent (master) or answered (agent).
    pub fn is_ready(&self) -> bool {
        todo!()
    }
}
