//! One connection of the test master, and what a journal says.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{Exec, ExecResult, Request};
use windlass_protocol::sha256::digest;
use windlass_protocol::{
    Boxed, ChannelId, CommandState, Connection, Event, Failure, Key, MasterHello, limits,
};

use super::{PATIENCE, random};

/// The master's side of one connection.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    pub(crate) stream: TcpStream,
    pub(crate) commands: Vec<CommandState>,
    /// Bytes read so far.
    pub(crate) bytes_read: u64,
    /// Bytes written so far.
    pub(crate) bytes_written: u64,
    /// The connection is cut once this many bytes were read.
    pub(crate) cut_after: u64,
    /// The connection is cut once this many bytes were written.
    pub(crate) cut_after_written: u64,
    /// Where trees go.
    pub(crate) tree: &'static str,
    pub(crate) events: VecDeque<Event>,
    began: Instant,
}

/// The connection ended before what was awaited came.
#[derive(Debug)]
pub(crate) struct Ended;

impl Peer {
    pub(crate) fn new(stream: TcpStream) -> Peer {
        let hello = MasterHello {
            deployment: "bench".into(),
            version: "1".into(),
            capabilities: Vec::new(),
        };
        Peer {
            connection: Connection::master(hello, random(), 0),
            stream,
            commands: Vec::new(),
            bytes_read: 0,
            bytes_written: 0,
            cut_after: u64::MAX,
            cut_after_written: u64::MAX,
            tree: "build/src",
            events: VecDeque::new(),
            began: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    /// The handshake up to READY.
    pub(crate) fn greet(&mut self, key: &Key) {
        self.try_greet(key).unwrap();
    }

    pub(crate) fn try_greet(&mut self, key: &Key) -> Result<(), Ended> {
        loop {
            match self.next()? {
                Event::Hello(hello) => {
                    assert_eq!(hello.name, "builder-7");
                    let now = self.now_ms();
                    self.connection
                        .provide_keys(now, vec![key.clone()])
                        .unwrap();
                }
                Event::Ready { commands, .. } => {
                    self.commands = commands;
                    return Ok(());
                }
                Event::Closed(_) => return Err(Ended),
                other => panic!("unexpected before READY: {other:?}"),
            }
        }
    }

    /// Writes everything that waits.
    pub(crate) fn flush(&mut self) {
        while let Some(bytes) = self.connection.poll_transmit() {
            let room = usize::try_from(self.cut_after_written - self.bytes_written);
            let count = room.unwrap_or(usize::MAX).min(bytes.len());
            self.bytes_written += count as u64;
            // A failure shows when reading.
            let _ = self.stream.write_all(&bytes[..count]);
            if count < bytes.len() {
                // What was written arrives.
                let _ = self.stream.shutdown(Shutdown::Write);
            }
        }
    }

    /// The next event; waits for it.
    pub(crate) fn next(&mut self) -> Result<Event, Ended> {
        let mut buffer = vec![0; 65_536];
        loop {
            self.flush();
            while let Some(event) = self.connection.poll_event() {
                self.events.push_back(event);
            }
            if let Some(event) = self.events.pop_front() {
                return Ok(event);
            }
            let now = self.now_ms();
            let timer = self.connection.poll_timeout();
            if timer.is_some_and(|at| at <= now) {
                self.connection.handle_timeout(now);
                continue;
            }
            let wait = timer
                .map_or(PATIENCE, |at| Duration::from_millis(at - now))
                .min(PATIENCE);
            self.stream.set_read_timeout(Some(wait)).unwrap();
            let most = usize::try_from(self.cut_after - self.bytes_read).unwrap_or(usize::MAX);
            let most = most.min(buffer.len());
            let count = match self.stream.read(&mut buffer[..most]) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    assert!(wait < PATIENCE, "nothing came for {wait:?}");
                    continue;
                }
                other => other.unwrap_or(0),
            };
            if count == 0 {
                let _ = self.stream.shutdown(Shutdown::Both);
                return Err(Ended);
            }
            self.bytes_read += count as u64;
            self.connection.handle_bytes(now, &buffer[..count]);
        }
    }

    pub(crate) fn open(&mut self, request: &Request, from: u64) -> ChannelId {
        self.connection
            .open(request, from, limits::LOG_WINDOW)
            .unwrap()
    }

    /// Asks and waits for the answer, throwing away what else comes.
    pub(crate) fn call(&mut self, request: &Request) -> Result<Boxed, Failure> {
        let channel = self.open(request, 0);
        self.response(channel)
    }

    pub(crate) fn response(&mut self, wanted: ChannelId) -> Result<Boxed, Failure> {
        loop {
            match self.next().expect("the connection ended") {
                Event::Response { channel, result } if channel == wanted => return result,
                _ => {}
            }
        }
    }

    /// Reads a channel's stream, appending to `stream`, until the answer. Checks the end.
    pub(crate) fn read_stream(
        &mut self,
        wanted: ChannelId,
        stream: &mut Vec<u8>,
    ) -> Result<Result<Boxed, Failure>, Ended> {
        let mut ended = false;
        loop {
            match self.next()? {
                Event::Data {
                    channel,
                    offset,
                    bytes,
                } if channel == wanted => {
                    assert_eq!(offset, stream.len() as u64, "a gap or a repetition");
                    stream.extend_from_slice(&bytes);
                    let durable = stream.len() as u64;
                    let limit = durable + limits::LOG_WINDOW;
                    // The answer may be here already, which closes the channel.
                    let _ = self.connection.acknowledge(channel, durable, limit);
                }
                Event::End {
                    channel,
                    length,
                    sha256,
                    ..
                } if channel == wanted => {
                    assert_eq!(
                        (length, sha256),
                        (stream.len() as u64, Some(digest(stream)))
                    );
                    ended = true;
                }
                Event::Response { channel, result } if channel == wanted => {
                    assert!(ended || result.is_err(), "an answer without an end");
                    return Ok(result);
                }
                Event::Closed(_) => return Err(Ended),
                _ => {}
            }
        }
    }

    /// Runs a command to its end.
    pub(crate) fn exec(&mut self, exec: &Exec) -> Ran {
        let channel = self.open(&Request::Exec(exec.clone()), 0);
        let mut journal = Vec::new();
        self.read_stream(channel, &mut journal).unwrap().unwrap();
        Ran::parse(&journal)
    }

    /// Sends our stream: waits for the agent's ACK, then sends and ends it. Other events stay.
    pub(crate) fn send_stream(&mut self, wanted: ChannelId, stream: &[u8]) {
        let mut kept = VecDeque::new();
        loop {
            if let Some(offset) = self.connection.next_offset(wanted) {
                let rest = &stream[usize::try_from(offset).unwrap()..];
                let Ok(taken) = self.connection.send_data(wanted, offset, rest) else {
                    break;
                };
                self.flush();
                if taken == rest.len() {
                    let length = stream.len() as u64;
                    self.connection
                        .finish(wanted, length, digest(stream))
                        .unwrap();
                    break;
                }
                if self.connection.room(wanted) > 0 {
                    continue;
                }
            }
            let event = self.next().expect("the connection ended");
            let over = matches!(event, Event::Response { channel, .. } if channel == wanted);
            kept.push_back(event);
            if over {
                break;
            }
        }
        kept.append(&mut self.events);
        self.events = kept;
    }
}

/// What a journal says.
pub(crate) struct Ran {
    pub(crate) output: Vec<u8>,
    pub(crate) starts: usize,
    pub(crate) result: ExecResult,
}

impl Ran {
    pub(crate) fn parse(journal: &[u8]) -> Ran {
        let mut decoder = Decoder::starting_at(0);
        decoder.push(journal);
        let (mut output, mut starts, mut result) = (Vec::new(), 0, None);
        while let Some(record) = decoder.next_record().unwrap() {
            match record.kind {
                RecordKind::Stdout | RecordKind::Stderr => output.extend_from_slice(&record.bytes),
                RecordKind::Started => starts += 1,
                RecordKind::Exit => result = Some(record.exit().unwrap()),
                RecordKind::Note | RecordKind::Tail | RecordKind::Unknown(_) => {}
            }
        }
        let result = result.expect("no exit box");
        Ran {
            output,
            starts,
            result,
        }
    }
}
