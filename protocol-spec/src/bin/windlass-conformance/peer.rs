//! The master's side of one connection, for cases that keep to the rules.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use windlass_protocol::sha256::digest;
use windlass_protocol::{
    Boxed, ChannelId, Code, CommandState, Connection, Event, Failure, Key, MasterHello, limits,
};

use crate::ask::Ask;
use crate::bench::NAME;
use crate::fault::{Outcome, broken, ensure, same};
use crate::link::{Came, Link};
use crate::ran::Ran;

/// What an operation answered.
pub(crate) type Answer = Result<Boxed, Failure>;

/// One connection after READY.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    /// `os` of its HELLO.
    pub(crate) os: String,
    /// Whether it says that its transport cannot be read.
    pub(crate) confidential: bool,
    /// What READY listed.
    pub(crate) commands: Vec<CommandState>,
    /// Whether what was read counts as stored, so that the agent may discard it. Cases that read
    /// a journal twice leave it off.
    pub(crate) stores: bool,
    link: Link,
    events: VecDeque<Event>,
    began: Instant,
    patience: Duration,
}

impl Peer {
    /// The handshake up to READY.
    pub(crate) fn greet(
        link: Link,
        key: &Key,
        nonce: [u8; 32],
        patience: Duration,
    ) -> Outcome<Self> {
        let ours = MasterHello {
            deployment: "conformance".into(),
            version: "1".into(),
            capabilities: Vec::new(),
        };
        let mut peer = Self {
            connection: Connection::master(ours, nonce, 0),
            os: String::new(),
            confidential: false,
            commands: Vec::new(),
            stores: false,
            link,
            events: VecDeque::new(),
            began: Instant::now(),
            patience,
        };
        loop {
            match peer.next()? {
                Event::Hello(hello) => {
                    same("`agent` in HELLO", hello.name.as_str(), NAME)?;
                    let now = peer.now_ms();
                    peer.connection.provide_keys(now, vec![key.clone()])?;
                }
                Event::Ready {
                    hello, commands, ..
                } => {
                    peer.os = hello.os;
                    peer.confidential = hello.confidential;
                    peer.commands = commands;
                    return Ok(peer);
                }
                other => return broken(format!("before READY: {other:?}")),
            }
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Sends everything that waits.
    pub(crate) fn flush(&mut self) {
        while let Some(bytes) = self.connection.poll_transmit() {
            self.link.send(&bytes);
        }
    }

    /// Sends only the first `count` bytes of what waits, then cuts the connection.
    pub(crate) fn cut_after(mut self, count: usize) {
        let mut waiting = Vec::new();
        while let Some(bytes) = self.connection.poll_transmit() {
            waiting.extend_from_slice(&bytes);
        }
        waiting.truncate(count);
        self.link.send(&waiting);
    }

    /// The next event, or a fault if the connection ends or nothing comes in time.
    pub(crate) fn next(&mut self) -> Outcome<Event> {
        let until = Instant::now() + self.patience;
        loop {
            self.flush();
            while let Some(event) = self.connection.poll_event() {
                self.events.push_back(event);
            }
            match self.events.pop_front() {
                Some(Event::Closed(reason)) => return broken(format!("it closed: {reason:?}")),
                Some(event) => return Ok(event),
                None => {}
            }
            let now = self.now_ms();
            self.connection.handle_timeout(now);
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return broken(format!("nothing came for {:?}", self.patience));
            }
            match self.link.receive(left.min(Duration::from_secs(1))) {
                Came::Bytes(bytes) => self.connection.handle_bytes(now, &bytes),
                Came::End => self.connection.handle_eof(now),
                Came::Nothing => {}
            }
        }
    }

    /// Puts events back that belong to others.
    pub(crate) fn put_back(&mut self, mut kept: VecDeque<Event>) {
        kept.append(&mut self.events);
        self.events = kept;
    }

    /// Opens a channel with a journal's usual window.
    pub(crate) fn open(&mut self, request: &Boxed, from: u64) -> Outcome<ChannelId> {
        Ok(self
            .connection
            .open_box(request, from, limits::LOG_WINDOW)?)
    }

    /// Asks, and waits for the answer.
    pub(crate) fn call(&mut self, request: &Boxed) -> Outcome<Answer> {
        let channel = self.open(request, 0)?;
        self.answer(channel)
    }

    /// Asks for what must be refused with this code.
    pub(crate) fn refused(&mut self, what: &str, request: &Boxed, code: Code) -> Outcome {
        match self.call(request)? {
            Err(failure) if failure.code == code => Ok(()),
            other => broken(format!("{what}: got {other:?}, not `{}`", code.as_str())),
        }
    }

    /// Waits for the answer of a channel; what comes for others stays.
    pub(crate) fn answer(&mut self, wanted: ChannelId) -> Outcome<Answer> {
        let mut kept = VecDeque::new();
        let answer = loop {
            match self.next()? {
                Event::Response { channel, result } if channel == wanted => break result,
                Event::Status(_) => {}
                other => kept.push_back(other),
            }
        };
        self.put_back(kept);
        Ok(answer)
    }

    /// Reads a channel's stream behind what `stream` holds, up to the answer, and checks its end.
    /// What comes for other channels is lost.
    pub(crate) fn read(&mut self, wanted: ChannelId, stream: &mut Vec<u8>) -> Outcome<Answer> {
        self.read_until(wanted, stream, |_| false)?
            .map_or_else(|| broken("the stream did not end"), Ok)
    }

    /// `read` that stops early, without an answer, once `enough` says so of all bytes so far.
    pub(crate) fn read_until(
        &mut self,
        wanted: ChannelId,
        stream: &mut Vec<u8>,
        enough: impl Fn(&[u8]) -> bool,
    ) -> Outcome<Option<Answer>> {
        let mut ended = false;
        loop {
            if enough(stream) {
                return Ok(None);
            }
            match self.next()? {
                Event::Data {
                    channel,
                    offset,
                    bytes,
                } if channel == wanted => {
                    same("offset of DATA", offset, stream.len() as u64)?;
                    stream.extend_from_slice(&bytes);
                    let got = stream.len() as u64;
                    let durable = if self.stores { got } else { 0 };
                    // The answer may be here already, which closes the channel.
                    let limit = got + limits::LOG_WINDOW;
                    let _ = self.connection.acknowledge(channel, durable, limit);
                }
                Event::End {
                    channel,
                    length,
                    sha256,
                    ..
                } if channel == wanted => {
                    same("length in END", length, stream.len() as u64)?;
                    // None only where that was asked for.
                    if let Some(sha256) = sha256 {
                        same("SHA-256 in END", sha256, digest(stream))?;
                    }
                    ended = true;
                }
                Event::Response { channel, result } if channel == wanted => {
                    ensure(ended || result.is_err(), "RES ok=1 without END before it")?;
                    return Ok(Some(result));
                }
                _ => {}
            }
        }
    }

    /// Runs a command, or attaches to it, up to its end.
    pub(crate) fn run(&mut self, ask: &Ask) -> Outcome<Ran> {
        let channel = self.open(&ask.to_box(), 0)?;
        let mut journal = Vec::new();
        self.read(channel, &mut journal)??;
        Ran::parse(&journal)
    }

    /// Sends our stream from where the agent wants it, up to `until`; with END if that is all of
    /// it. Tells where it began. Events of others are kept.
    pub(crate) fn send(
        &mut self,
        wanted: ChannelId,
        stream: &[u8],
        until: usize,
    ) -> Outcome<Option<u64>> {
        let mut kept = VecDeque::new();
        let mut began = None;
        loop {
            if let Some(offset) = self.connection.next_offset(wanted) {
                began.get_or_insert(offset);
                let at = usize::try_from(offset).unwrap_or(usize::MAX).min(until);
                let taken = self
                    .connection
                    .send_data(wanted, offset, &stream[at..until])?;
                self.flush();
                if at + taken >= until {
                    if until == stream.len() {
                        self.connection
                            .finish(wanted, until as u64, digest(stream))?;
                    }
                    break;
                }
                if self.connection.room(wanted) > 0 {
                    continue;
                }
            }
            let event = self.next()?;
            let over = matches!(event, Event::Response { channel, .. } if channel == wanted);
            kept.push_back(event);
            if over {
                break;
            }
        }
        self.put_back(kept);
        Ok(began)
    }
}
