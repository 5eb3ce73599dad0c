//! One connection as a state machine without input or output. Feed it with `handle_bytes`,
//! `handle_eof`, `handle_timeout` and calls; after each of them take everything from
//! `poll_event` and `poll_transmit`, then wait until `poll_timeout`. Times are milliseconds of
//! any clock that never goes back.
//!
//! Channel directions: *down* is master to agent, *up* is agent to master. Each channel has one
//! stream each way, with offsets, credit and an end of its own.

mod channel;
mod event;
mod grease;
mod handshake;
mod receive;
mod timers;
mod transmit;

pub use event::{CancelMode, CloseReason, Event};

use crate::auth::Key;
use crate::boxes::Boxed;
use crate::error::{CallError, Code, Failure, ProtocolError};
use crate::frame::{FrameReader, FrameWriter};
use crate::header::FrameType;
use crate::hello::{AgentHello, MasterHello};
use crate::ids::{ChannelId, CommandState};
use crate::limits::{self, BOX_PAIRS_MAX, CHANNELS_MAX, FRAME_MAX, KEYS_MAX};
use crate::ops::Request;
use channel::Channel;
use grease::Grease;
use handshake::Phase;
use std::collections::{HashMap, VecDeque};
use transmit::Waiting;

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

/// Bytes a box must leave free in a frame, for the keys that the connection adds: `from`, `limit`
/// and one unknown key, at most 5 + 5 + 20 bytes each and 22.
const ADDED_BYTES: usize = 128;

/// Which side we are.
#[derive(Debug)]
enum Role {
    /// The agent, with its keys.
    Agent { hello: AgentHello, keys: Vec<Key> },
    /// The master.
    Master { hello: MasterHello },
}

/// One connection, seen from one side.
#[derive(Debug)]
pub struct Connection {
    /// Which side we are and what we say of ourselves.
    role: Role,
    /// Our random number of this connection.
    nonce: [u8; 32],
    /// Unknown keys to come.
    grease: Grease,
    /// The waits.
    timing: Timing,
    /// How far we are.
    phase: Phase,
    /// Bytes that came, cut into frames.
    reader: FrameReader,
    /// Frames into bytes; every call of it appends to `out` at once, so its order is the wire's.
    writer: FrameWriter,
    /// Bytes to be handed out by `poll_transmit`.
    out: Vec<u8>,
    /// Our HELLO frame, for the transcript.
    hello_frame: Vec<u8>,
    /// Events to be handed out.
    events: VecDeque<Event>,
    /// REQ and GOAWAY frames that wait; bounded by the open channels, and GOAWAY is said once.
    control: VecDeque<Waiting>,
    /// The newest PING of the peer that was not answered yet.
    pong: Option<[u8; 8]>,
    /// Our PING that was not written yet.
    ping: Option<[u8; 8]>,
    /// The newest STATUS that was not written yet.
    status: Option<Vec<u8>>,
    /// Open channels by number; at most `CHANNELS_MAX`.
    channels: HashMap<u32, Channel>,
    /// Channels with small frames to write, each once.
    control_line: VecDeque<u32>,
    /// Channels with bytes to write, each once.
    turn_line: VecDeque<u32>,
    /// The highest channel number used.
    last_channel: u32,
    /// We said GOAWAY: nothing new is taken.
    leaving: bool,
    /// The peer said GOAWAY: nothing new may be asked.
    peer_leaves: bool,
    /// `Event::Closed` was queued.
    closed: bool,
    /// BYE is to be written once the control frames are.
    says_bye: bool,
    /// When the connection began.
    started_ms: u64,
    /// Master: when the agent's HELLO came.
    hello_ms: u64,
    /// When the last genuine frame came, once there are keys.
    heard_ms: u64,
    /// When the last PING was sent.
    pinged_ms: u64,
}

impl Connection {
    /// The agent's side. `keys` holds one key, or two during rotation (more are ignored; without
    /// any the connection is closed at once); `nonce` is 32 bytes from the operating system, never
    /// used before.
    pub fn agent(hello: AgentHello, mut keys: Vec<Key>, nonce: [u8; 32], now_ms: u64) -> Self {
        keys.truncate(KEYS_MAX);
        let keyless = keys.is_empty();
        let mut connection = Self::new(Role::Agent { hello, keys }, nonce, now_ms);
        match keyless {
            true => connection.close(CloseReason::AuthFailed),
            false => connection.say_hello(),
        }
        connection
    }

    /// The master's side; `nonce` as for the agent. It says nothing before the agent's HELLO.
    pub fn master(hello: MasterHello, nonce: [u8; 32], now_ms: u64) -> Self {
        Self::new(Role::Master { hello }, nonce, now_ms)
    }

    fn new(role: Role, nonce: [u8; 32], now_ms: u64) -> Self {
        Self {
            role,
            nonce,
            grease: Grease::new(&nonce),
            timing: Timing::default(),
            phase: Phase::Hello,
            reader: FrameReader::new(),
            writer: FrameWriter::new(),
            out: Vec::new(),
            hello_frame: Vec::new(),
            events: VecDeque::new(),
            control: VecDeque::new(),
            pong: None,
            ping: None,
            status: None,
            channels: HashMap::new(),
            control_line: VecDeque::new(),
            turn_line: VecDeque::new(),
            last_channel: 0,
            leaving: false,
            peer_leaves: false,
            closed: false,
            says_bye: false,
            started_ms: now_ms,
            hello_ms: now_ms,
            heard_ms: now_ms,
            pinged_ms: now_ms,
        }
    }

    /// Changes the waits. To be called before the first bytes.
    pub fn set_timing(&mut self, timing: Timing) {
        self.timing = timing;
    }

    /// Takes bytes from the transport.
    pub fn handle_bytes(&mut self, now_ms: u64, bytes: &[u8]) {
        if self.is_deaf() {
            return;
        }
        self.reader.push(bytes);
        while !self.is_deaf() {
            let frame = match self.reader.next_frame() {
                Ok(Some(frame)) => frame,
                Ok(None) => return,
                Err(error) => return self.fail(error),
            };
            let result = match self.phase {
                Phase::Ready | Phase::Announcing => {
                    self.heard_ms = now_ms;
                    self.handle_frame(frame)
                }
                _ => self.handle_handshake(now_ms, frame),
            };
            if let Err(error) = result {
                return self.fail(error);
            }
        }
    }

    /// The transport ended or failed.
    pub fn handle_eof(&mut self, _now_ms: u64) {
        match self.phase {
            Phase::Closed => {}
            Phase::Refusing { .. } => self.close(CloseReason::AuthFailed),
            _ => self.close(CloseReason::Lost),
        }
    }

    /// The next bytes to write, about 64 KiB, never more than that and one frame; `None` when
    /// there is nothing now. Control frames first, then one turn for each channel.
    pub fn poll_transmit(&mut self) -> Option<Vec<u8>> {
        if matches!(self.phase, Phase::Ready | Phase::Announcing) {
            self.fill();
        }
        if self.out.is_empty() {
            None
        } else {
            Some(std::mem::take(&mut self.out))
        }
    }

    /// The next event; to be drained after every call, `poll_transmit` included.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Master, after `Event::Hello`: the keys of this agent, at most two; none if it is unknown.
    pub fn provide_keys(&mut self, now_ms: u64, mut keys: Vec<Key>) -> Result<(), CallError> {
        keys.truncate(KEYS_MAX);
        self.store_keys(now_ms, keys)
    }

    /// Agent, after `Event::Proven`: lists its commands; requests come after this.
    pub fn announce(&mut self, commands: &[CommandState]) -> Result<(), CallError> {
        self.say_ready(commands)
    }

    /// Master: opens a channel. The agent may send the up stream from `from` to `from + window`
    /// until `acknowledge` says more.
    pub fn open(
        &mut self,
        request: &Request,
        from: u64,
        window: u64,
    ) -> Result<ChannelId, CallError> {
        self.open_box(&request.to_box(), from, window)
    }

    /// Master: `open` for a request box of one's own; its first pair is `op`.
    pub fn open_box(
        &mut self,
        request: &Boxed,
        from: u64,
        window: u64,
    ) -> Result<ChannelId, CallError> {
        self.check_ready(true)?;
        if self.peer_leaves || self.leaving || self.last_channel == u32::MAX {
            return Err(CallError::NotReady);
        }
        if self.channels.len() >= CHANNELS_MAX {
            return Err(CallError::TooManyChannels);
        }
        let limit = from.saturating_add(window).min(limits::OFFSET_MAX);
        check_size(request)?;
        let mut pairs = request.clone();
        pairs.push_number("from", from);
        pairs.push_number("limit", limit);
        self.grease.add(&mut pairs);
        self.last_channel += 1;
        let number = self.last_channel;
        let mut channel = Channel::default();
        channel.receiving.open(from, limit.max(from));
        self.channels.insert(number, channel);
        let payload = pairs.encode();
        self.control.push_back(Waiting {
            kind: FrameType::Req,
            channel: number,
            payload,
        });
        Ok(ChannelId(number))
    }

    /// Agent: answers a request. Bytes queued before a success are still sent, with the end if
    /// there is one; before a failure they are dropped.
    pub fn respond(
        &mut self,
        channel: ChannelId,
        result: Result<Boxed, Failure>,
    ) -> Result<(), CallError> {
        self.check_ready(false)?;
        self.channel(channel)?;
        let result = match result {
            Ok(answer) => {
                check_size(&answer)?;
                let mut pairs = Boxed::new();
                pairs.push("ok", "1");
                pairs.append(answer);
                Ok(pairs)
            }
            Err(failure) => Err(failure),
        };
        self.queue_response(channel.0, result);
        Ok(())
    }

    /// Queues bytes of our stream that begin at `offset` and tells how many were taken: as much
    /// as the peer's limit and the queue allow, perhaps 0. `Event::Writable` follows if not all.
    pub fn send_data(
        &mut self,
        channel: ChannelId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<usize, CallError> {
        let taken = self.channel(channel)?.sending.push(offset, bytes)?;
        if taken > 0 {
            self.join_turn_line(channel.0);
        }
        Ok(taken)
    }

    /// Ends our stream after everything queued: its whole length and SHA-256 from offset 0.
    /// `NotReady` at the master before the agent's first ACK, `WrongOffset` if `length` is not
    /// where the queued bytes end.
    pub fn finish(
        &mut self,
        channel: ChannelId,
        length: u64,
        sha256: [u8; 32],
    ) -> Result<(), CallError> {
        self.channel(channel)?.sending.finish(length, &sha256)?;
        self.join_turn_line(channel.0);
        Ok(())
    }

    /// Master: gives the channel up; the agent answers, mostly with `cancelled`. A command goes on.
    pub fn abort(&mut self, channel: ChannelId, failure: &Failure) -> Result<(), CallError> {
        self.check_ready(true)?;
        let entry = self.channel(channel)?;
        if entry.abort.is_none() {
            entry.sending.drop_queue();
            entry.abort = Some(failure.to_box().encode());
        }
        self.join_control_line(channel.0);
        Ok(())
    }

    /// Tells the peer that its stream is stored up to `durable` and welcome up to `limit`. The
    /// agent's first one opens the down stream at `durable`; before it the master sends nothing.
    /// Numbers lower than said before are raised to those.
    pub fn acknowledge(
        &mut self,
        channel: ChannelId,
        durable: u64,
        limit: u64,
    ) -> Result<(), CallError> {
        let limit = limit.min(limits::OFFSET_MAX);
        let entry = self.channel(channel)?;
        if let Some(ack) = entry.receiving.acknowledge(durable, limit) {
            entry.ack = Some(ack);
            self.join_control_line(channel.0);
        }
        Ok(())
    }

    /// How many bytes `send_data` would take now; 0 for a channel that is not open.
    pub fn room(&self, channel: ChannelId) -> u64 {
        self.channels
            .get(&channel.0)
            .map_or(0, |entry| entry.sending.room() as u64)
    }

    /// Where our stream continues; `None` for a channel that is not open, and at the master
    /// before the agent's first ACK.
    pub fn next_offset(&self, channel: ChannelId) -> Option<u64> {
        let sending = &self.channels.get(&channel.0)?.sending;
        sending.is_open.then_some(sending.next)
    }

    /// Master: ends the command of an `exec` or `attach` channel.
    pub fn cancel(&mut self, channel: ChannelId, mode: CancelMode) -> Result<(), CallError> {
        self.check_ready(true)?;
        let entry = self.channel(channel)?;
        entry.cancel = entry.cancel.max(Some(mode));
        self.join_control_line(channel.0);
        Ok(())
    }

    /// Agent: how its machine is. Only the newest is sent.
    pub fn send_status(&mut self, status: &Boxed) -> Result<(), CallError> {
        self.check_ready(false)?;
        check_size(status)?;
        self.status = Some(status.encode());
        Ok(())
    }

    /// Asks the peer to open no more channels and to expect the end. Said once.
    pub fn goaway(&mut self, code: Code, text: &str, retry_ms: u64) -> Result<(), CallError> {
        if !self.is_ready() || self.says_bye {
            return Err(CallError::NotReady);
        }
        if !self.leaving {
            self.leaving = true;
            let mut pairs = Failure::new(code, text).to_box();
            pairs.push_number("retry_ms", retry_ms);
            let payload = pairs.encode();
            self.control.push_back(Waiting {
                kind: FrameType::Goaway,
                channel: 0,
                payload,
            });
        }
        Ok(())
    }

    /// Says BYE behind what is queued for the connection itself; channels are left as they are.
    /// Before READY it only ends the connection.
    pub fn bye(&mut self) {
        match self.phase {
            Phase::Ready | Phase::Announcing => self.says_bye = true,
            _ => self.close(CloseReason::Ended),
        }
    }

    /// Whether the end was reached: `Event::Closed` was or will be given out.
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether requests can be sent (master) or answered (agent).
    pub fn is_ready(&self) -> bool {
        matches!(self.phase, Phase::Ready)
    }

    /// Whether bytes of the peer do not matter any more.
    fn is_deaf(&self) -> bool {
        matches!(self.phase, Phase::Closed | Phase::Refusing { .. })
    }

    fn check_ready(&self, as_master: bool) -> Result<(), CallError> {
        match (
            self.is_ready() && !self.says_bye,
            matches!(self.role, Role::Master { .. }),
        ) {
            (false, _) => Err(CallError::NotReady),
            (_, is_master) if is_master != as_master => Err(CallError::WrongRole),
            _ => Ok(()),
        }
    }

    /// A channel on which our program may still do something.
    fn channel(&mut self, channel: ChannelId) -> Result<&mut Channel, CallError> {
        match self.channels.get_mut(&channel.0) {
            None => Err(CallError::UnknownChannel),
            Some(entry) if entry.response.is_some() => Err(CallError::Ended),
            Some(entry) => Ok(entry),
        }
    }

    /// Ends the connection, once.
    fn close(&mut self, reason: CloseReason) {
        // A handshake step that failed has put `Closed` in the place of its phase already.
        if !self.closed {
            self.closed = true;
            self.phase = Phase::Closed;
            self.channels.clear();
            self.control.clear();
            self.events.push_back(Event::Closed(reason));
        }
    }

    /// Ends the connection because the peer broke the rules. A stranger is told nothing.
    fn fail(&mut self, error: ProtocolError) {
        if matches!(self.phase, Phase::Ready | Phase::Announcing) {
            let pairs = Failure::new(Code::Protocol, "the peer broke the rules").to_box();
            self.writer
                .write(&mut self.out, FrameType::Goaway, 0, 0, &[&pairs.encode()]);
        }
        self.close(CloseReason::Protocol(error));
    }
}

/// Whether a box and what the connection adds to it fit one frame.
fn check_size(pairs: &Boxed) -> Result<(), CallError> {
    let fits = pairs.encoded_len() + ADDED_BYTES <= FRAME_MAX && pairs.len() + 4 <= BOX_PAIRS_MAX;
    if fits {
        Ok(())
    } else {
        Err(CallError::TooLarge)
    }
}

#[cfg(test)]
mod tests;
