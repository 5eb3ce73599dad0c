//! One connection as a state machine without input or output. Feed it with `handle_bytes`,
//! `handle_eof`, `handle_timeout` and calls; after each of them take everything from
//! `poll_event` and `poll_transmit`, then wait until `poll_timeout`. Times are milliseconds of
//! any clock that never goes back.
//!
//! Channel directions: *down* is master to agent, *up* is agent to master. Each channel has one
//! stream each way, with offsets, credit and an end of its own.

mod calls;
mod channel;
mod enrolment;
mod event;
mod grease;
mod handshake;
mod receive;
mod timers;
mod transmit;

pub use event::{CancelMode, CloseReason, Event};

use crate::auth::Key;
use crate::error::{Code, Failure, ProtocolError};
use crate::frame::{Foreseen, FrameReader, FrameWriter};
use crate::header::FrameType;
use crate::hello::{AgentHello, MasterHello};
use crate::limits::{self, KEYS_MAX};
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
        let mut rest = bytes;
        let mut foreseen = Foreseen::default();
        while !self.is_deaf() {
            // What began in the bytes before is completed first; all else is read where it is.
            let mut begun = self.reader.take_begun();
            let completed = self.reader.complete(&mut begun, &mut rest);
            let taken = completed.and_then(|()| {
                self.reader.foresee(&begun, rest, &mut foreseen);
                let bytes = if begun.is_empty() { rest } else { &begun };
                self.take_frame(now_ms, bytes, &foreseen)
            });
            match taken {
                Err(error) => return self.fail(error),
                // Everything else was put behind what is begun.
                Ok(0) if !begun.is_empty() => return self.reader.keep_begun(begun),
                Ok(0) => {
                    begun.extend_from_slice(rest);
                    return self.reader.keep_begun(begun);
                }
                Ok(count) if begun.is_empty() => rest = &rest[count..],
                Ok(_) => begun.clear(),
            }
            self.reader.keep_begun(begun);
        }
    }

    /// Takes the frame at the beginning of `bytes`; how many bytes it has, 0 if it is not whole.
    fn take_frame(
        &mut self,
        now_ms: u64,
        bytes: &[u8],
        foreseen: &Foreseen,
    ) -> Result<usize, ProtocolError> {
        let channels = &mut self.channels;
        let cut = self.reader.cut(bytes, foreseen, |header| {
            let is_data = (header.tag, header.flags) == (FrameType::Data.tag(), 0);
            let channel = channels.get_mut(&header.channel).filter(|_| is_data)?;
            channel.receiving.sha256.as_mut()
        })?;
        let Some(cut) = cut else {
            return Ok(0);
        };
        let count = cut.count;
        match self.phase {
            Phase::Ready | Phase::Announcing => {
                self.heard_ms = now_ms;
                self.handle_frame(cut)?;
            }
            _ => self.handle_handshake(now_ms, cut.to_frame())?,
        }
        Ok(count)
    }

    /// The transport ended or failed.
    pub fn handle_eof(&mut self, _now_ms: u64) {
        match self.phase {
            Phase::Closed => {}
            Phase::Refusing { .. } => self.close(CloseReason::AuthFailed),
            _ => self.close(CloseReason::Lost),
        }
    }

    /// The next bytes to write, about 256 KiB, never more than that and one turn; `None` when
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
        let mut event = self.events.pop_front();
        if let Some(Event::Data { bytes, .. }) = &mut event
            && bytes.len() * 2 < bytes.capacity()
        {
            // It was made for more, which has not come.
            bytes.shrink_to_fit();
        }
        event
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

#[cfg(test)]
mod tests;
