//! The two programs of the test: an agent whose command and file outlive connections, and a
//! master that stores what it reads. Not here: what lies between them.

use super::super::*;
use super::Plan;
use crate::ids::Progress;
use crate::journal::{Decoder, RecordKind};
use crate::ops::{ExecResult, Forget, Put, Reason, Stdin};

const ID: CommandId = CommandId([7; 16]);
/// A small window, so that credit goes to and fro all the time.
const WINDOW: u64 = 4_099;

fn command() -> Request {
    let mut exec = Exec::new(ID, Program::Argv(vec![b"make".to_vec()]));
    exec.stdin = Stdin::Stream;
    Request::Exec(exec)
}

fn put(plan: &Plan) -> Request {
    Request::Put(Put {
        path: RelPath::parse(b"dist/app").unwrap(),
        size: plan.file.len() as u64,
        sha256: plan.file_hash,
        executable: false,
        replace: true,
        parents: false,
    })
}

/// Sends as much of a stream as may be sent; with its end if that is all and its hash is given.
fn push(connection: &mut Connection, channel: ChannelId, stream: &[u8], hash: Option<[u8; 32]>) {
    let Some(offset) = connection.next_offset(channel) else {
        return;
    };
    let rest = &stream[offset as usize..];
    let Ok(taken) = connection.send_data(channel, offset, rest) else {
        return;
    };
    if let Some(hash) = hash.filter(|_| taken == rest.len()) {
        // Refused once it was said.
        let _ = connection.finish(channel, stream.len() as u64, hash);
    }
}

/// What an agent does on a channel.
enum Work {
    Command,
    File,
}

/// The model agent.
pub(super) struct Agent<'a> {
    plan: &'a Plan,
    connection: Connection,
    channels: Vec<(ChannelId, Work)>,
    starts: u32,
    forgotten: bool,
    /// Input that the command has read.
    input: Vec<u8>,
    input_ended: bool,
    /// What lies in the `.part` file.
    part: Vec<u8>,
    file: Option<Vec<u8>>,
}

impl<'a> Agent<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            connection: Connection::agent(agent_hello(), vec![key(9)], [1; 32], 0),
            channels: vec![],
            starts: 0,
            forgotten: false,
            input: vec![],
            input_ended: false,
            part: vec![],
            file: None,
        }
    }

    pub(super) fn reconnect(&mut self, nonce: u8) {
        self.connection = Connection::agent(agent_hello(), vec![key(9)], [nonce * 16; 32], 0);
        self.channels.clear();
    }

    pub(super) fn hang_up(&mut self) {
        self.connection.handle_eof(0);
    }

    pub(super) fn transmit(&mut self) -> Option<Vec<u8>> {
        let bytes = self.connection.poll_transmit();
        self.work();
        bytes.or_else(|| self.connection.poll_transmit())
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.connection.handle_bytes(0, bytes);
        self.work();
    }

    fn work(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            self.serve(event);
        }
        let journal = match self.input_ended {
            true => &self.plan.journal,
            false => &self.plan.first,
        };
        for (channel, work) in &self.channels {
            if matches!(work, Work::Command) {
                let hash = self.input_ended.then_some(self.plan.journal_hash);
                push(&mut self.connection, *channel, journal, hash);
            }
        }
        if self.input_ended {
            // The answer goes behind the end of the journal, once that is handed over whole.
            let (connection, whole) = (&mut self.connection, self.plan.journal.len() as u64);
            self.channels.retain(|(channel, work)| {
                let over = connection.next_offset(*channel) == Some(whole);
                let answers = matches!(work, Work::Command) && over;
                if answers {
                    connection.respond(*channel, Ok(Boxed::new())).unwrap();
                }
                !answers
            });
        }
    }

    fn state(&self) -> Vec<CommandState> {
        let known = self.starts > 0 && !self.forgotten;
        let state = CommandState {
            id: ID,
            generation: 1,
            progress: match self.input_ended {
                true => Progress::Finished,
                false => Progress::Running,
            },
            journal_end: self.plan.journal.len() as u64,
        };
        if known { vec![state] } else { vec![] }
    }

    fn serve(&mut self, event: Event) {
        match event {
            Event::Proven(_) => {
                let state = self.state();
                self.connection.announce(&state).unwrap();
            }
            Event::Request {
                channel, request, ..
            } => self.open(channel, &request),
            Event::Data {
                channel,
                offset,
                bytes,
            } => {
                let stream = self.stream(channel);
                assert_eq!(offset, stream.len() as u64);
                stream.extend(bytes);
                let durable = stream.len() as u64;
                self.connection
                    .acknowledge(channel, durable, durable + WINDOW)
                    .unwrap();
            }
            Event::End {
                channel,
                length,
                sha256,
                ..
            } => {
                let stream = self.stream(channel);
                let found = Some(digest(stream));
                assert_eq!((length, sha256), (stream.len() as u64, found));
                self.complete(channel);
            }
            Event::Ack { .. } | Event::Writable { .. } | Event::Closed(_) => {}
            other => panic!("at the agent: {other:?}"),
        }
    }

    fn open(&mut self, channel: ChannelId, request: &Request) {
        let (work, offset) = match request {
            Request::Exec(_) => {
                assert!(!self.forgotten, "asked for again after it was forgotten");
                self.starts += u32::from(self.starts == 0 || self.forgotten);
                (Work::Command, self.input.len() as u64)
            }
            Request::Put(_) => (Work::File, self.part.len() as u64),
            Request::Forget(_) => {
                self.forgotten = true;
                self.connection.respond(channel, Ok(Boxed::new())).unwrap();
                return;
            }
            other => panic!("at the agent: {other:?}"),
        };
        self.connection
            .acknowledge(channel, offset, offset + WINDOW)
            .unwrap();
        self.channels.push((channel, work));
    }

    fn stream(&mut self, channel: ChannelId) -> &mut Vec<u8> {
        match self.channels.iter().find(|(known, _)| *known == channel) {
            Some((_, Work::Command)) => &mut self.input,
            Some((_, Work::File)) => &mut self.part,
            None => panic!("bytes for a channel that is not open"),
        }
    }

    fn complete(&mut self, channel: ChannelId) {
        let at = self
            .channels
            .iter()
            .position(|(known, _)| *known == channel);
        match self.channels[at.unwrap()].1 {
            Work::Command => self.input_ended = true,
            Work::File => {
                self.channels.remove(at.unwrap());
                self.file = Some(std::mem::take(&mut self.part));
                self.connection.respond(channel, Ok(Boxed::new())).unwrap();
            }
        }
    }

    pub(super) fn check_end(&self) {
        assert_eq!((self.starts, self.forgotten), (1, true));
        assert!(self.input == self.plan.input && self.input_ended);
        assert!(self.file.as_ref() == Some(&self.plan.file));
    }
}

/// The model master.
pub(super) struct Master<'a> {
    plan: &'a Plan,
    connection: Connection,
    command: Option<ChannelId>,
    file: Option<ChannelId>,
    forget: Option<ChannelId>,
    /// The journal as stored.
    stored: Vec<u8>,
    /// END came, and fits what is stored.
    ended: bool,
    result: Option<ExecResult>,
    file_taken: bool,
    forgotten: bool,
}

impl<'a> Master<'a> {
    pub(super) fn new(plan: &'a Plan) -> Self {
        Self {
            plan,
            connection: Connection::master(master_hello(), [3; 32], 0),
            command: None,
            file: None,
            forget: None,
            stored: vec![],
            ended: false,
            result: None,
            file_taken: false,
            forgotten: false,
        }
    }

    pub(super) fn reconnect(&mut self, nonce: u8) {
        self.connection = Connection::master(master_hello(), [nonce * 16 + 1; 32], 0);
        (self.command, self.file, self.forget) = (None, None, None);
        self.ended = false;
    }

    pub(super) fn hang_up(&mut self) {
        self.connection.handle_eof(0);
        self.work();
    }

    pub(super) fn transmit(&mut self) -> Option<Vec<u8>> {
        let bytes = self.connection.poll_transmit();
        self.work();
        bytes.or_else(|| self.connection.poll_transmit())
    }

    pub(super) fn receive(&mut self, bytes: &[u8]) {
        self.connection.handle_bytes(0, bytes);
        self.work();
    }

    fn work(&mut self) {
        while let Some(event) = self.connection.poll_event() {
            self.serve(event);
        }
        if let Some(channel) = self.command {
            push(
                &mut self.connection,
                channel,
                &self.plan.input,
                Some(self.plan.input_hash),
            );
        }
        if let Some(channel) = self.file {
            push(
                &mut self.connection,
                channel,
                &self.plan.file,
                Some(self.plan.file_hash),
            );
        }
        let done = self.result.is_some() && self.file_taken && !self.forgotten;
        if done && self.forget.is_none() && self.connection.is_ready() {
            let forget = Request::Forget(Forget {
                id: ID,
                generation: 1,
            });
            self.forget = Some(self.connection.open(&forget, 0, 0).unwrap());
        }
    }

    fn serve(&mut self, event: Event) {
        match event {
            Event::Hello(_) => self.connection.provide_keys(0, vec![key(9)]).unwrap(),
            Event::Ready { .. } => self.ask(),
            Event::Data {
                channel,
                offset,
                bytes,
            } => {
                assert_eq!(Some(channel), self.command);
                assert_eq!(offset, self.stored.len() as u64);
                self.stored.extend(bytes);
                let durable = self.stored.len() as u64;
                // The answer may be here already, which closes the channel.
                let _ = self
                    .connection
                    .acknowledge(channel, durable, durable + WINDOW);
            }
            Event::End { length, sha256, .. } => {
                let fits = (self.stored.len() as u64, Some(digest(&self.stored)));
                assert_eq!((length, sha256), fits);
                self.ended = true;
            }
            Event::Response { channel, result } => {
                result.unwrap();
                self.answered(channel);
            }
            Event::Ack { .. } | Event::Writable { .. } | Event::Closed(_) => {}
            other => panic!("at the master: {other:?}"),
        }
    }

    fn ask(&mut self) {
        if self.result.is_none() {
            let from = self.stored.len() as u64;
            self.command = Some(self.connection.open(&command(), from, WINDOW).unwrap());
        }
        if !self.file_taken {
            let request = put(self.plan);
            self.file = Some(self.connection.open(&request, 0, 0).unwrap());
        }
    }

    fn answered(&mut self, channel: ChannelId) {
        if Some(channel) == self.command {
            assert!(self.ended, "an answer without an end");
            self.command = None;
            self.result = Some(self.read_result());
        } else if Some(channel) == self.file {
            self.file = None;
            self.file_taken = true;
        } else {
            assert_eq!(Some(channel), self.forget);
            self.forgotten = true;
            self.connection.bye();
        }
    }

    fn read_result(&self) -> ExecResult {
        let mut decoder = Decoder::starting_at(0);
        decoder.push(&self.stored);
        let mut last = None;
        while let Some(record) = decoder.next_record().unwrap() {
            last = Some(record);
        }
        let last = last.unwrap();
        assert!(decoder.is_ended() && last.kind == RecordKind::Exit);
        last.exit().unwrap()
    }

    /// At the cut: what is stored is a beginning, and only the whole passes for it.
    pub(super) fn check_so_far(&self) {
        assert!(self.plan.journal.starts_with(&self.stored));
        let whole = self.stored.len() == self.plan.journal.len();
        assert!(self.result.is_none() || whole);
    }

    pub(super) fn check_end(&self) {
        assert!(self.stored == self.plan.journal);
        assert!(self.file_taken && self.forgotten);
        let result = self.result.as_ref().unwrap();
        assert_eq!((result.reason, result.exit), (Reason::Exited, Some(0)));
    }
}
