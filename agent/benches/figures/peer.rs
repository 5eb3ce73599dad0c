//! The master's side of one connection: a thread that reads, and this one that does the rest.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::{Duration, Instant};

use windlass_protocol::journal::Decoder;
use windlass_protocol::ops::{Exec, Forget, Get, GetResult, Put, Remove, Request};
use windlass_protocol::sha256::Sha256;
use windlass_protocol::{ChannelId, Connection, Event, Key, MasterHello, RelPath, limits};

use crate::ground::{Running, random};

/// Bytes read from the line at once: all that the agent hands out at once.
const READ_BYTES: usize = 327_680;
/// Bytes of a file given to the connection at once: a frame's worth.
const PIECE_BYTES: usize = limits::DATA_BYTES_MAX;

/// Pieces of a file that are handed to the disk's thread at once: what is read at once.
const PARCEL_PIECES: usize = 4;

/// One connection.
pub(crate) struct Peer {
    pub(crate) connection: Connection,
    stream: TcpStream,
    /// What came: buffers, and how much is in each.
    blocks: Receiver<(Vec<u8>, usize)>,
    /// Buffers on their way back to the reader.
    buffers: Sender<Vec<u8>>,
    /// SHA-256 of the file that was put last.
    put: [u8; 32],
    began: Instant,
    pub(crate) agent: Running,
}

pub(crate) fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

impl Peer {
    /// The handshake up to READY.
    pub(crate) fn greet(stream: TcpStream, key: &Key, agent: Running) -> Peer {
        stream.set_nodelay(true).unwrap();
        let hello = MasterHello {
            deployment: "bench".into(),
            version: "1".into(),
            capabilities: Vec::new(),
        };
        let mut reading = stream.try_clone().unwrap();
        let (sender, blocks) = mpsc::channel();
        let (buffers, free) = mpsc::channel();
        // As many as keep both sides busy.
        for _ in 0..4 {
            buffers.send(vec![0; READ_BYTES]).unwrap();
        }
        std::thread::spawn(move || {
            for mut buffer in free {
                let Ok(count @ 1..) = reading.read(&mut buffer) else {
                    return;
                };
                if sender.send((buffer, count)).is_err() {
                    return;
                }
            }
        });
        let mut peer = Peer {
            connection: Connection::master(hello, random(), 0),
            stream,
            blocks,
            buffers,
            put: [0; 32],
            began: Instant::now(),
            agent,
        };
        loop {
            match peer.next() {
                Event::Hello(_) => {
                    let keys = vec![key.clone()];
                    peer.connection.provide_keys(0, keys).unwrap();
                }
                Event::Ready { .. } => return peer,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Writes everything that waits.
    pub(crate) fn flush(&mut self) {
        while let Some(bytes) = self.connection.poll_transmit() {
            self.stream.write_all(&bytes).unwrap();
        }
    }

    /// Takes what has come; waits for something if `wait`.
    pub(crate) fn take(&mut self, wait: bool) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap();
        let mut first = wait.then(|| self.blocks.recv().expect("the agent hung up"));
        while let Some((buffer, count)) = first.take().or_else(|| self.blocks.try_recv().ok()) {
            self.connection.handle_bytes(now, &buffer[..count]);
            // The reader is gone when the agent is.
            let _ = self.buffers.send(buffer);
        }
    }

    /// The next event; waits for it.
    pub(crate) fn next(&mut self) -> Event {
        loop {
            self.flush();
            if let Some(event) = self.connection.poll_event() {
                return event;
            }
            self.take(true);
        }
    }

    /// Waits for the answer of a channel.
    pub(crate) fn answer(&mut self, wanted: ChannelId) -> windlass_protocol::Boxed {
        loop {
            match self.next() {
                Event::Response { channel, result } if channel == wanted => return result.unwrap(),
                _ => {}
            }
        }
    }

    /// Sends bytes at an offset, waiting for room.
    pub(crate) fn send(&mut self, channel: ChannelId, mut offset: u64, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let ready = self.connection.next_offset(channel).is_some();
            let taken = match ready {
                true => self.connection.send_data(channel, offset, bytes).unwrap(),
                false => 0,
            };
            offset += taken as u64;
            bytes = &bytes[taken..];
            self.flush();
            self.take(taken == 0);
            while let Some(event) = self.connection.poll_event() {
                assert!(!matches!(event, Event::Response { .. }), "{event:?}");
            }
        }
    }

    pub(crate) fn remove(&mut self, name: &str) {
        let request = Request::Remove(Remove {
            path: path(name),
            recursive: true,
            missing_ok: false,
        });
        let channel = self.connection.open(&request, 0, 0).unwrap();
        self.answer(channel);
    }

    /// Has a command started.
    pub(crate) fn begin(&mut self, exec: &Exec) -> ChannelId {
        let request = Request::Exec(exec.clone());
        let opened = self.connection.open(&request, 0, limits::LOG_WINDOW);
        let channel = opened.unwrap();
        self.flush();
        channel
    }

    /// Waits for the end of these commands, each of which must have gone well.
    pub(crate) fn end(&mut self, mut open: Vec<ChannelId>) {
        let mut journals: HashMap<ChannelId, Decoder> = HashMap::new();
        while !open.is_empty() {
            match self.next() {
                Event::Data { channel, bytes, .. } => {
                    let anew = || Decoder::starting_at(0);
                    journals.entry(channel).or_insert_with(anew).push(&bytes);
                }
                Event::Response { channel, result } => {
                    result.unwrap();
                    open.retain(|one| *one != channel);
                }
                _ => {}
            }
        }
        for mut journal in journals.into_values() {
            let mut exit = None;
            while let Some(record) = journal.next_record().unwrap() {
                exit = record.exit().ok().or(exit);
            }
            assert_eq!(exit.unwrap().exit, Some(0));
        }
    }

    /// Has the agent forget a command that ended.
    pub(crate) fn forget(&mut self, exec: &Exec) {
        let request = Request::Forget(Forget {
            id: exec.id,
            generation: 1,
        });
        let channel = self.connection.open(&request, 0, 0).unwrap();
        self.answer(channel);
    }

    /// Puts a file whose SHA-256 is known, as the master's store knows it.
    pub(crate) fn put(&mut self, source: &Path, name: &str) -> Duration {
        let mut file = std::fs::File::open(source).unwrap();
        let size = file.metadata().unwrap().len();
        let mut buffer = vec![0; PIECE_BYTES];
        let mut sha256 = Sha256::new();
        while let Ok(count @ 1..) = file.read(&mut buffer) {
            sha256.update(&buffer[..count]);
        }
        let sha256 = sha256.finish();
        let mut file = std::fs::File::open(source).unwrap();
        let began = Instant::now();
        let request = Request::Put(Put {
            path: path(name),
            size,
            sha256,
            executable: false,
            replace: true,
            parents: true,
        });
        let channel = self.connection.open(&request, 0, 0).unwrap();
        let mut offset = 0;
        loop {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let mut next = (&mut file).take(PIECE_BYTES as u64);
            let count = next.read_to_end(&mut piece).unwrap();
            if count == 0 {
                break;
            }
            while self.connection.room(channel) < count as u64 {
                self.flush();
                self.take(self.connection.room(channel) < count as u64);
                while let Some(event) = self.connection.poll_event() {
                    assert!(!matches!(event, Event::Response { .. }), "{event:?}");
                }
            }
            let taken = self.connection.send_piece(channel, offset, piece);
            assert!(taken.unwrap());
            offset += count as u64;
        }
        self.connection.finish(channel, offset, sha256).unwrap();
        self.answer(channel);
        self.put = sha256;
        began.elapsed()
    }

    /// Gets the file that was put last, writes it and checks its SHA-256.
    pub(crate) fn get(&mut self, name: &str, target: &Path) -> Duration {
        let began = Instant::now();
        let request = Request::Get(Get {
            path: path(name),
            max_bytes: 0,
            expect: None,
            // This side hashes what comes, as the master's store does.
            unhashed: true,
        });
        let window = limits::FILE_WINDOW;
        let channel = self.connection.open(&request, 0, window).unwrap();
        let hashed = self.connection.hash_received(channel, Sha256::new());
        hashed.unwrap();
        // Bytes are written beside the connection's work, which checks them.
        let (sender, parcels) = mpsc::channel::<Vec<Vec<u8>>>();
        let mut file = std::fs::File::create(target).unwrap();
        let writing = std::thread::spawn(move || {
            let mut bytes = parcels.into_iter().flatten();
            bytes.try_for_each(|bytes| file.write_all(&bytes)).unwrap();
        });
        let mut parcel = Vec::new();
        let (mut received, mut told, mut checked) = (0, 0, false);
        let answer = loop {
            match self.next() {
                Event::Data { bytes, .. } => {
                    received += bytes.len() as u64;
                    parcel.push(bytes);
                    if parcel.len() == PARCEL_PIECES {
                        sender.send(std::mem::take(&mut parcel)).unwrap();
                    }
                    if received - told >= window / 16 {
                        told = received;
                        // The answer may be here already, which closes the channel.
                        let _ = self
                            .connection
                            .acknowledge(channel, received, received + window);
                    }
                }
                Event::End { length, found, .. } => {
                    checked = length == received && found == Some(self.put);
                }
                Event::Response { result, .. } => break result.unwrap(),
                _ => {}
            }
        };
        sender.send(parcel).unwrap();
        drop(sender);
        writing.join().unwrap();
        assert!(checked, "what came has another SHA-256");
        assert_eq!(GetResult::from_box(&answer).unwrap().size, received);
        began.elapsed()
    }
}
