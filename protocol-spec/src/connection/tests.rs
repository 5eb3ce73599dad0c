//! A pair of connections in memory, and the tests that use it, by subject.

mod channels;
mod cuts;
mod enrolment;
mod every_byte;
mod fairness;
mod handshake;
mod hostile;
mod transfers;
mod trust;
mod vectors;

use super::*;
use crate::boxes::Boxed;
use crate::error::CallError;
use crate::ids::{ChannelId, CommandId, CommandState};
use crate::limits::{CHANNELS_MAX, FRAME_MAX};
use crate::ops::{Exec, Mkdir, Program, Request};
use crate::path::RelPath;
use crate::sha256::digest;

/// Both sides, what lies on the wire between them, and the time.
pub(super) struct Pair {
    pub(super) agent: Connection,
    pub(super) master: Connection,
    pub(super) now: u64,
    /// Events not yet looked at.
    pub(super) at_agent: Vec<Event>,
    pub(super) at_master: Vec<Event>,
    /// Everything that was sent, for those who look at the wire.
    pub(super) from_agent: Vec<u8>,
    pub(super) from_master: Vec<u8>,
    /// Where in `from_agent` the agent waited for an answer.
    pub(super) turns: Vec<usize>,
}

pub(super) fn agent_hello() -> AgentHello {
    AgentHello {
        name: "builder-7".into(),
        installation: "i-1".into(),
        boot: "b-1".into(),
        version: "0.1.0".into(),
        os: "linux".into(),
        arch: "x86_64".into(),
        enroll: None,
        confidential: false,
        capabilities: vec![],
    }
}

pub(super) fn master_hello() -> MasterHello {
    MasterHello {
        deployment: "d-1".into(),
        version: "0.1.0".into(),
        capabilities: vec![],
    }
}

pub(super) fn key(byte: u8) -> Key {
    Key::from_bytes([byte; 32])
}

pub(super) fn mkdir() -> Request {
    Request::Mkdir(Mkdir {
        path: RelPath::parse(b"a/b").unwrap(),
        parents: true,
    })
}

pub(super) fn exec() -> Request {
    let program = Program::Argv(vec![b"make".to_vec(), b"-j2".to_vec()]);
    Request::Exec(Exec::new(CommandId([7; 16]), program))
}

impl Pair {
    pub(super) fn new(agent_keys: Vec<Key>) -> Self {
        Self {
            agent: Connection::agent(agent_hello(), agent_keys, [1; 32], 0),
            master: Connection::master(master_hello(), [2; 32], 0),
            now: 0,
            at_agent: vec![],
            at_master: vec![],
            from_agent: vec![],
            from_master: vec![],
            turns: vec![],
        }
    }

    /// A pair that is through the handshake with no events left.
    pub(super) fn ready() -> Self {
        let mut pair = Self::new(vec![key(9)]);
        pair.run(&[key(9)]);
        assert!(
            pair.agent.is_ready() && pair.master.is_ready(),
            "{:?}",
            pair.at_agent
        );
        pair.at_agent.clear();
        pair.at_master.clear();
        pair
    }

    /// Carries bytes to and fro until neither side has any; answers HELLO with `keys` and the
    /// master's proof with no commands.
    pub(super) fn run(&mut self, keys: &[Key]) {
        loop {
            let up = self.agent.poll_transmit();
            let down = self.master.poll_transmit();
            if let Some(bytes) = &up {
                self.from_agent.extend_from_slice(bytes);
                self.turns.push(self.from_agent.len());
                self.master.handle_bytes(self.now, bytes);
            }
            if let Some(bytes) = &down {
                self.from_master.extend_from_slice(bytes);
                self.agent.handle_bytes(self.now, bytes);
            }
            let progress = self.drain(keys);
            if up.is_none() && down.is_none() && !progress {
                return;
            }
        }
    }

    pub(super) fn drain(&mut self, keys: &[Key]) -> bool {
        let mut progress = false;
        while let Some(event) = self.master.poll_event() {
            if matches!(event, Event::Hello(_)) {
                self.master.provide_keys(self.now, keys.to_vec()).unwrap();
                progress = true;
            }
            self.at_master.push(event);
        }
        while let Some(event) = self.agent.poll_event() {
            if matches!(event, Event::Proven(_)) {
                self.agent.announce(&[]).unwrap();
                progress = true;
            }
            self.at_agent.push(event);
        }
        progress
    }

    pub(super) fn carry(&mut self) {
        self.run(&[]);
    }

    /// Opens a channel and lets the request arrive.
    pub(super) fn open(&mut self, request: &Request, from: u64, window: u64) -> ChannelId {
        let channel = self.master.open(request, from, window).unwrap();
        self.carry();
        assert!(matches!(self.at_agent.pop(), Some(Event::Request { .. })));
        channel
    }
}

pub(super) fn closed(events: &[Event]) -> Option<&CloseReason> {
    match events.last() {
        Some(Event::Closed(reason)) => Some(reason),
        _ => None,
    }
}

/// A small generator, so that shuffled tests can be repeated from their seed (xorshift64*).
pub(super) struct Seeded(pub(super) u64);

impl Seeded {
    pub(super) fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % end
    }
}

/// Sends all of a stream with its end from the agent, while the master grants a window.
pub(super) fn stream_up(pair: &mut Pair, channel: ChannelId, from: u64, bytes: &[u8]) -> Vec<u8> {
    let mut got = Vec::new();
    let mut sent = from;
    while (sent as usize) < bytes.len() {
        sent += pair
            .agent
            .send_data(channel, sent, &bytes[sent as usize..])
            .unwrap() as u64;
        pair.carry();
        for event in std::mem::take(&mut pair.at_master) {
            if let Event::Data { offset, bytes, .. } = event {
                assert_eq!(offset, from + got.len() as u64);
                got.extend(bytes);
            }
        }
        let durable = from + got.len() as u64;
        pair.master
            .acknowledge(channel, durable, durable + 100_000)
            .unwrap();
        pair.carry();
    }
    pair.agent
        .finish(channel, bytes.len() as u64, digest(bytes))
        .unwrap();
    got
}
