//! A folder, an agent in it, and the yardsticks.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use windlass_protocol::Key;

use crate::peer::Peer;
use crate::proxy;

/// Random bytes from the system.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    let mut source = std::fs::File::open("/dev/urandom").unwrap();
    source.read_exact(&mut bytes).unwrap();
    bytes
}

/// Where everything happens.
pub(crate) struct Ground {
    pub(crate) folder: PathBuf,
    /// The agent's program.
    pub(crate) program: PathBuf,
}

/// An agent that is ended when dropped.
pub(crate) struct Running(Child);

impl Running {
    /// Number of its process.
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ground {
    /// A fresh folder; the agent is the one of that program.
    pub(crate) fn new(program: PathBuf) -> Ground {
        let name = windlass_protocol::hex::encode(&random::<8>());
        let folder = std::env::temp_dir().join(format!("windlass-bench-{name}"));
        std::fs::create_dir(&folder).unwrap();
        Ground { folder, program }
    }

    pub(crate) fn source(&self) -> PathBuf {
        self.folder.join("source")
    }

    pub(crate) fn target(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn remove(&self, name: &str) {
        let path = self.target(name);
        match path.is_dir() {
            true => std::fs::remove_dir_all(path).unwrap(),
            false => std::fs::remove_file(path).unwrap(),
        }
    }

    /// Makes a file that does not compress and has no holes.
    pub(crate) fn make_source(&self, bytes: u64) {
        let mut file = std::fs::File::create(self.source()).unwrap();
        let block = random::<1_048_576>();
        for _ in 0..bytes / block.len() as u64 {
            file.write_all(&block).unwrap();
        }
    }

    /// Starts an agent and waits for it, perhaps through a line with a round trip.
    pub(crate) fn connect(&self, rtt: Option<Duration>) -> Peer {
        let key = Key::from_bytes(random());
        let state = self.target(&windlass_protocol::hex::encode(&random::<4>()));
        std::fs::create_dir(&state).unwrap();
        let key_file = state.join("key");
        std::fs::write(&key_file, key.to_text()).unwrap();
        std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let dialled = rtt.map_or(port, |rtt| proxy::start(port, rtt));
        let child = Command::new(&self.program)
            .args(["--name", "bench"])
            .arg("--master")
            .arg(format!("127.0.0.1:{dialled}"))
            .arg("--key-file")
            .arg(&key_file)
            .arg("--root")
            .arg(self.target("root"))
            .arg("--state")
            .arg(state.join("state"))
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let (stream, _) = listener.accept().unwrap();
        Peer::greet(stream, &key, Running(child))
    }

    /// Runs two shells side by side, the first of which listens; the time until both are done.
    fn race(&self, listen: &str, dial: &str) -> Duration {
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.arg("-c").arg(script).current_dir(&self.folder);
            command.stdin(Stdio::null());
            command
        };
        let mut listening = shell(listen).spawn().unwrap();
        // Netcat says nothing when it listens; the connection would be refused before.
        std::thread::sleep(Duration::from_millis(200));
        let began = Instant::now();
        assert!(shell(dial).status().unwrap().success());
        assert!(listening.wait().unwrap().success());
        began.elapsed()
    }

    fn free_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    }

    /// The source through netcat into a file.
    pub(crate) fn nc(&self) -> Duration {
        let port = Self::free_port();
        let listen = format!("exec nc -l 127.0.0.1 {port} > nc-target");
        let took = self.race(&listen, &format!("exec nc -N 127.0.0.1 {port} < source"));
        self.remove("nc-target");
        took
    }

    /// A folder through tar, netcat and tar into another one.
    pub(crate) fn tar(&self, folder: &Path) -> Duration {
        let port = Self::free_port();
        std::fs::create_dir(self.target("tar-target")).unwrap();
        let listen = format!("nc -l 127.0.0.1 {port} | tar x -C tar-target");
        let from = folder.display();
        let took = self.race(
            &listen,
            &format!("tar c -C {from} . | nc -N 127.0.0.1 {port}"),
        );
        self.remove("tar-target");
        took
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
