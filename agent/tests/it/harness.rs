//! A master for tests: listens on loopback, speaks through `Connection::master`, and starts the
//! agent's real program in a folder of its own.

#[path = "harness/peer.rs"]
mod peer;

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use windlass_protocol::ops::{Exec, Program};
use windlass_protocol::{CommandId, Key};

pub(crate) use peer::{Ended, Peer, Ran};

/// No step of any test takes this long on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").unwrap();
    source.read_exact(&mut bytes).unwrap();
    bytes
}

/// A script command with a fresh id.
pub(crate) fn script(text: &str) -> Exec {
    let program = Program::Script {
        text: text.into(),
        shell: "sh".into(),
    };
    Exec::new(CommandId(random()), program)
}

/// A listening master, a folder, and perhaps an agent.
pub(crate) struct Bench {
    pub(crate) folder: PathBuf,
    pub(crate) port: u16,
    pub(crate) key: Key,
    /// What starts the agent: its program, or a runner and the program of another system.
    words: Vec<String>,
    streams: Receiver<TcpStream>,
    child: Option<Child>,
}

impl Bench {
    /// Listens; no agent yet.
    pub(crate) fn new() -> Bench {
        let other = std::env::var("WINDLASS_TEST_AGENT").ok();
        let built = || env!("CARGO_BIN_EXE_windlass-agent").to_owned();
        Bench::of(vec![other.unwrap_or_else(built)])
    }

    /// Listens; the agent is to be started by these words.
    pub(crate) fn of(words: Vec<String>) -> Bench {
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
            words,
            streams,
            child: None,
        };
        bench.write_key(&bench.key, 0o600);
        bench
    }

    /// Listens and starts an agent.
    pub(crate) fn with_agent() -> Bench {
        let mut bench = Bench::new();
        bench.start_agent();
        bench
    }

    /// Writes the agent's key file.
    pub(crate) fn write_key(&self, key: &Key, mode: u32) {
        let path = self.folder.join("key");
        let _ = std::fs::remove_file(&path);
        std::fs::write(&path, key.to_text()).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The agent's root.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// What the agent logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).unwrap_or_default()
    }

    /// Process numbers of the shims that live.
    pub(crate) fn shims(&self) -> Vec<String> {
        let folders = std::fs::read_dir(self.folder.join("state/cmd"));
        let pids = folders.into_iter().flatten().filter_map(|folder| {
            let folder = folder.ok()?.path();
            let pid = std::fs::read_to_string(folder.join("pid")).ok()?;
            // A shim stands in its folder; the number may be one of another system, or old.
            let stands = std::fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
            let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
            (stands == folder && !line.contains(") Z ")).then_some(pid)
        });
        pids.collect()
    }

    /// Waits until every shim has ended: one whose command was ended goes by itself, and the agent,
    /// which has its result, does not wait for that.
    pub(crate) fn wait_shims(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.shims().is_empty() {
            assert!(Instant::now() < end, "a shim stays without its command");
            std::thread::yield_now();
        }
    }

    /// The command line of an agent for this bench.
    pub(crate) fn command(&self) -> Command {
        let mut command = self.command_without_master();
        command
            .arg("--master")
            .arg(format!("127.0.0.1:{}", self.port));
        command
    }

    /// The program without arguments.
    pub(crate) fn bare_command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        command
    }

    /// The command line of an agent that is not told where its master is.
    pub(crate) fn command_without_master(&self) -> Command {
        let mut command = self.bare_command();
        command.args([
            "--name",
            "builder-7",
            "--reconnect-min-ms=5",
            "--reconnect-max-ms=20",
        ]);
        for (flag, name) in [
            ("--key-file", "key"),
            ("--root", "root"),
            ("--state", "state"),
        ] {
            command.arg(flag).arg(self.folder.join(name));
        }
        command
    }

    /// A command of the program.
    pub(crate) fn program(&self, command: &str) -> Command {
        let mut program = self.bare_command();
        program.arg(command);
        program
    }

    /// Copies the program into this bench and starts the agent from there, with more flags.
    pub(crate) fn start_own_agent(&mut self, flags: &[&str]) -> PathBuf {
        let program = self.folder.join("bin/windlass-agent");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        std::fs::copy(env!("CARGO_BIN_EXE_windlass-agent"), &program).unwrap();
        let usual = self.command();
        let mut command = Command::new(&program);
        command.args(usual.get_args()).args(flags);
        self.spawn(command);
        program
    }

    /// The number of the agent's process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Starts the program with just these words.
    pub(crate) fn start_program(&mut self, command: &str, flags: &[&str]) {
        let mut program = self.program(command);
        program.args(flags);
        self.spawn(program);
    }

    /// Starts the agent.
    pub(crate) fn start_agent(&mut self) {
        self.spawn(self.command());
    }

    /// Starts the agent with another way to its master.
    pub(crate) fn start_agent_by(&mut self, way: &[&str]) {
        let mut command = self.command_without_master();
        command.args(way);
        self.spawn(command);
    }

    /// Starts the agent with more flags.
    pub(crate) fn start_agent_with(&mut self, flags: &[&str]) {
        let mut command = self.command();
        command.args(flags);
        self.spawn(command);
    }

    /// Starts the agent by this command.
    pub(crate) fn spawn(&mut self, mut command: Command) {
        let path = self.folder.join("log");
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        command.stdin(Stdio::null()).stderr(log);
        self.child = Some(started(&mut command));
    }

    /// Sends the agent a signal by name.
    pub(crate) fn signal_agent(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", name, &pid])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Memory of the agent in kilobytes.
    #[cfg(target_os = "linux")]
    pub(crate) fn resident_kb(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.as_ref().unwrap().id());
        let status = std::fs::read_to_string(path).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let digits = line.unwrap().split_whitespace().next();
        digits.unwrap().parse().unwrap()
    }

    /// Waits until the agent has ended. Connections that it still made are nobody's: an agent
    /// whose master hung up comes back at once, so a signal may find it with another one.
    pub(crate) fn wait_agent(&mut self) -> ExitStatus {
        let status = self.child.take().unwrap().wait().unwrap();
        // They are accepted in their order: all that came before this one are the agent's.
        if let Ok(mark) = TcpStream::connect(("127.0.0.1", self.port)) {
            let marked = mark.local_addr().unwrap();
            while self.accept_raw().peer_addr().ok() != Some(marked) {}
        }
        status
    }

    /// The next connection of the agent, before any byte.
    pub(crate) fn accept_raw(&self) -> TcpStream {
        self.streams
            .recv_timeout(PATIENCE)
            .expect("the agent did not connect")
    }

    /// The next connection of the agent, up to READY.
    pub(crate) fn accept(&self) -> Peer {
        let mut peer = Peer::new(self.accept_raw());
        peer.greet(&self.key);
        peer
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
            let _ = child.wait();
        }
        // Shims outlive their agent; asked to stop they end their commands.
        for pid in self.shims() {
            let _ = Command::new("kill").args(["-s", "TERM", &pid]).status();
        }
        while !self.shims().is_empty() {
            std::thread::yield_now();
        }
        if std::thread::panicking() {
            eprintln!("--- log of the agent\n{}---", self.log());
        }
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Writes a file below a folder, with the folders above it.
pub(crate) fn write(folder: &Path, path: &str, content: &[u8]) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

/// Starts a program that this process may have copied a moment ago: while another thread's child
/// is between fork and exec, it still holds the copy open for writing, and the system says so.
fn started(command: &mut Command) -> Child {
    let end = Instant::now() + PATIENCE;
    loop {
        match command.spawn() {
            Err(error)
                if error.kind() == std::io::ErrorKind::ExecutableFileBusy
                    && Instant::now() < end => {}
            other => return other.unwrap(),
        }
        std::thread::yield_now();
    }
}
