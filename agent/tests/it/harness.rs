//! A master for tests: listens on loopback, speaks through `Connection::master`, and starts the
//! agent's real program in a folder of its own.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{Exec, ExecResult, Program, Request};
use windlass_protocol::sha256::digest;
use windlass_protocol::{
    Boxed, ChannelId, CommandId, CommandState, Connection, Event, Failure, Key, MasterHello, limits,
};

/// No step of any test takes this long on a machine that works.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Random bytes from the system.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").unwrap();
    source.read_exact(&mut bytes).unwrap();
    bytes
}

/// A script command with a fresh id.
pub fn script(text: &str) -> Exec {
    let program = Program::Script {
        text: text.into(),
        shell: "sh".into(),
    };
    Exec::new(CommandId(random()), program)
}

/// A listening master, a folder, and perhaps an agent.
pub struct Bench {
    pub folder: PathBuf,
    pub port: u16,
    pub key: Key,
    streams: Receiver<TcpStream>,
    child: Option<Child>,
}

impl Bench {
    /// Listens; no agent yet.
    pub fn new() -> Bench {
        let name = windlass_protocol::hex::encode(&random::<8>());
        let folder = std::env::temp_dir().join(format!("windlass-it-{name}"));
        std::fs::create_dir(&folder).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, streams) = channel();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if sender.send(stream).is_err() {
                    return;
                }
            }
        });
        let bench = Bench {
            folder,
            port,
            key: Key::from_bytes(random()),
            streams,
            child: None,
        };
        bench.write_key(&bench.key, 0o600);
        bench
    }

    /// Listens and starts an agent.
    pub fn with_agent() -> Bench {
        let mut bench = Bench::new();
        bench.start_agent();
        bench
    }

    /// Writes the agent's key file.
    pub fn write_key(&self, key: &Key, mode: u32) {
        let path = self.folder.join("key");
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, key.to_text()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The agent's root.
    pub fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// What the agent logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// The command line of an agent for this bench.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_windlass-agent"));
        command.args([
            "--name",
            "builder-7",
            "--reconnect-min-ms=5",
            "--reconnect-max-ms=20",
        ]);
        command
            .arg("--master")
            .arg(format!("127.0.0.1:{}", self.port));
        for (flag, name) in [
            ("--key-file", "key"),
            ("--root", "root"),
            ("--state", "state"),
        ] {
            command.arg(flag).arg(self.folder.join(name));
        }
        command
    }

    /// Starts the agent.
    pub fn start_agent(&mut self) {
        let path = self.folder.join("log");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        let child = self
            .command()
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
    }

    /// Sends the agent a signal by name.
    pub fn signal_agent(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits until the agent has ended.
    pub fn wait_agent(&mut self) -> ExitStatus {
        self.child.take().unwrap().wait().unwrap()
    }

    /// The next connection of the agent, before any byte.
    pub fn accept_raw(&self) -> TcpStream {
        self.streams
            .recv_timeout(PATIENCE)
            .expect("the agent did not connect")
    }

    /// The next connection of the agent, up to READY.
    pub fn accept(&self) -> Peer {
        let mut peer = Peer::new(self.accept_raw());
        peer.greet(&self.key);
        peer
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- log of the agent\n{}---", self.log());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// The master's side of one connection.
pub struct Peer {
    pub connection: Connection,
    pub stream: TcpStream,
    pub commands: Vec<CommandState>,
    /// Bytes read so far.
    pub bytes_read: u64,
    /// Bytes written so far.
    pub bytes_written: u64,
    /// The connection is cut once this many bytes were read.
    pub cut_after: u64,
    pub events: VecDeque<Event>,
    began: Instant,
}

/// The connection ended before what was awaited came.
#[derive(Debug)]
pub struct Ended;

impl Peer {
    pub fn new(stream: TcpStream) -> Peer {
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
            events: VecDeque::new(),
            began: Instant::now(),
        }
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    /// The handshake up to READY.
    pub fn greet(&mut self, key: &Key) {
        self.try_greet(key).unwrap();
    }

    pub fn try_greet(&mut self, key: &Key) -> Result<(), Ended> {
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
    pub fn flush(&mut self) {
        while let Some(bytes) = self.connection.poll_transmit() {
            self.bytes_written += bytes.len() as u64;
            // A failure shows when reading.
            let _ = self.stream.write_all(&bytes);
        }
    }

    /// The next event; waits for it.
    pub fn next(&mut self) -> Result<Event, Ended> {
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

    pub fn open(&mut self, request: &Request, from: u64) -> ChannelId {
        self.connection
            .open(request, from, limits::LOG_WINDOW)
            .unwrap()
    }

    /// Asks and waits for the answer, throwing away what else comes.
    pub fn call(&mut self, request: &Request) -> Result<Boxed, Failure> {
        let channel = self.open(request, 0);
        self.response(channel)
    }

    pub fn response(&mut self, wanted: ChannelId) -> Result<Boxed, Failure> {
        loop {
            match self.next().expect("the connection ended") {
                Event::Response { channel, result } if channel == wanted => return result,
                _ => {}
            }
        }
    }

    /// Reads a channel's stream, appending to `stream`, until the answer. Checks the end.
    pub fn read_stream(
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
                } if channel == wanted => {
                    assert_eq!((length, sha256), (stream.len() as u64, digest(stream)));
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
    pub fn exec(&mut self, exec: &Exec) -> Ran {
        let channel = self.open(&Request::Exec(exec.clone()), 0);
        let mut journal = Vec::new();
        self.read_stream(channel, &mut journal).unwrap().unwrap();
        Ran::parse(&journal)
    }

    /// Sends our stream: waits for the agent's ACK, then sends and ends it. Other events stay.
    pub fn send_stream(&mut self, wanted: ChannelId, stream: &[u8]) {
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
pub struct Ran {
    pub output: Vec<u8>,
    pub notes: String,
    pub starts: usize,
    pub result: ExecResult,
}

impl Ran {
    pub fn parse(journal: &[u8]) -> Ran {
        let mut decoder = Decoder::starting_at(0);
        decoder.push(journal);
        let (mut output, mut notes, mut starts, mut result) = (Vec::new(), String::new(), 0, None);
        while let Some(record) = decoder.next_record().unwrap() {
            match record.kind {
                RecordKind::Stdout | RecordKind::Stderr => output.extend_from_slice(&record.bytes),
                RecordKind::Note => notes += std::str::from_utf8(&record.bytes).unwrap(),
                RecordKind::Started => starts += 1,
                RecordKind::Exit => result = Some(record.exit().unwrap()),
                RecordKind::Unknown(_) => {}
            }
        }
        Ran {
            output,
            notes,
            starts,
            result: result.expect("no exit box"),
        }
    }
}

/// Writes a file below a folder, with the folders above it.
pub fn write(folder: &Path, path: &str, content: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}
