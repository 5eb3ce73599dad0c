//! One case's folders, key and agent process. Not here: what is said to the agent.

use std::fs::File;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use windlass_protocol::Key;

use crate::ask::Ask;
use crate::fault::{Outcome, broken, skip};
use crate::link::Link;
use crate::options::Options;
use crate::peer::Peer;
use crate::random::Random;
use crate::shell::Shell;
use crate::wire::Wire;

/// The agent's name in every case.
pub(crate) const NAME: &str = "subject";
/// How often a process is asked whether it has ended.
const LOOK: Duration = Duration::from_millis(5);

/// What a case works with.
pub(crate) struct Bench<'a> {
    options: &'a Options,
    folder: PathBuf,
    pub(crate) key: Key,
    pub(crate) random: Random,
    /// The shell of the agent's machine, once it has said what it is.
    shell: Option<Shell>,
    child: Option<Child>,
    /// With `--tcp`: our port, and who came.
    port: Option<(u16, Receiver<TcpStream>)>,
}

impl<'a> Bench<'a> {
    /// Makes folders and key; starts nothing.
    pub(crate) fn new(options: &'a Options, case: &str) -> Outcome<Self> {
        let mut random = Random::new(options.seed, case);
        let own = format!("windlass-conformance-{}-{case}", std::process::id());
        let folder = std::env::temp_dir().join(own);
        for name in ["root", "state"] {
            std::fs::create_dir_all(folder.join(name))?;
        }
        let key = Key::from_bytes(random.block());
        let path = folder.join("key");
        std::fs::write(&path, key.to_text() + "\n")?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        }
        let port = match options.tcp {
            true => Some(listen()?),
            false => None,
        };
        Ok(Self {
            options,
            folder,
            key,
            random,
            shell: None,
            child: None,
            port,
        })
    }

    /// How long one step may take.
    pub(crate) fn patience(&self) -> Duration {
        self.options.patience
    }

    /// The agent's root.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.join("root")
    }

    /// Writes a file below the root, with the folders above it.
    pub(crate) fn write(&self, path: &str, content: &[u8]) -> Outcome {
        let path = self.root().join(path);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        Ok(std::fs::write(path, content)?)
    }

    /// Reads a file below the root.
    pub(crate) fn read(&self, path: &str) -> Outcome<Vec<u8>> {
        std::fs::read(self.root().join(path)).or_else(|error| broken(format!("{path}: {error}")))
    }

    /// Writes a file in a folder beside the root, and tells where.
    pub(crate) fn outside(&self, name: &str, content: &[u8]) -> Outcome<PathBuf> {
        let folder = self.folder.join("outside");
        std::fs::create_dir_all(&folder)?;
        std::fs::write(folder.join(name), content)?;
        Ok(folder.join(name))
    }

    /// How often the case's command was started: lines of the file that it marks.
    pub(crate) fn count_marks(&self, file: &str) -> usize {
        let text = std::fs::read_to_string(self.root().join(file)).unwrap_or_default();
        text.lines().count()
    }

    /// The shell there; asks the agent once.
    pub(crate) fn shell(&mut self) -> Outcome<Shell> {
        match self.shell {
            Some(shell) => Ok(shell),
            None => {
                self.connect()?;
                Ok(self.shell.unwrap_or(Shell::Sh))
            }
        }
    }

    /// A script of these lines.
    pub(crate) fn script(&mut self, lines: impl Fn(Shell) -> Vec<String>) -> Outcome<Ask> {
        let shell = self.shell()?;
        Ok(Ask::script(&mut self.random, shell, &lines(shell)))
    }

    /// Leaves the case out where no program copies input to output: a Windows without `findstr`.
    pub(crate) fn require_copying(&mut self) -> Outcome {
        if self.shell()? == Shell::Sh {
            return Ok(());
        }
        self.write("probe.txt", b"copied\r\n")?;
        let ask = self.script(|_| vec!["findstr \"^\" probe.txt".into()])?;
        match self.connect()?.run(&ask)?.output.as_slice() {
            b"copied\r\n" => Ok(()),
            _ => skip("this Windows has no `findstr` that works"),
        }
    }

    /// A new connection, before any byte. The agent is started, unless it runs and dials.
    pub(crate) fn dial(&mut self) -> Outcome<Link> {
        if self.port.is_none() {
            self.wait_end()?;
            return self.start_on_pipes();
        }
        if self.child.is_none() {
            let (port, _) = self.port.as_ref().map_or((0, ()), |(port, _)| (*port, ()));
            let mut command = self.command();
            command.arg("--master").arg(format!("127.0.0.1:{port}"));
            command.args(["--reconnect-min-ms=5", "--reconnect-max-ms=20"]);
            self.child = Some(command.stdin(Stdio::null()).spawn()?);
        }
        let patience = self.patience();
        let stream = self
            .port
            .as_ref()
            .and_then(|(_, came)| came.recv_timeout(patience).ok());
        let Some(stream) = stream else {
            return broken("the agent did not dial");
        };
        stream.set_nodelay(true)?;
        let (reader, ending) = (stream.try_clone()?, stream.try_clone()?);
        Ok(Link::new(reader, stream, move || {
            let _ = ending.shutdown(Shutdown::Both);
        }))
    }

    /// A new connection with the handshake done.
    pub(crate) fn connect(&mut self) -> Outcome<Peer> {
        let link = self.dial()?;
        let nonce = self.random.block();
        let peer = Peer::greet(link, &self.key, nonce, self.patience())?;
        self.shell = Some(Shell::of_os(&peer.os));
        Ok(peer)
    }

    /// A new connection spoken by hand, after the agent's preamble and HELLO.
    pub(crate) fn wire(&mut self) -> Outcome<Wire> {
        let link = self.dial()?;
        let nonce = self.random.block();
        Wire::new(link, self.key.clone(), nonce, self.patience())
    }

    /// Kills the agent's process, and nothing else.
    pub(crate) fn kill(&mut self) -> Outcome {
        if let Some(mut child) = self.child.take() {
            child.kill()?;
            child.wait()?;
        }
        Ok(())
    }

    /// Waits until the process has ended by itself, as it must once its connection has.
    fn wait_end(&mut self) -> Outcome {
        let Some(child) = &mut self.child else {
            return Ok(());
        };
        let until = Instant::now() + self.options.patience;
        while child.try_wait()?.is_none() {
            if Instant::now() > until {
                return broken("the agent still runs although its connection is over");
            }
            std::thread::sleep(LOOK);
        }
        self.child = None;
        Ok(())
    }

    fn start_on_pipes(&mut self) -> Outcome<Link> {
        let mut command = self.command();
        command
            .arg("--stdio")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        self.child = Some(child);
        match (stdin, stdout) {
            (Some(stdin), Some(stdout)) => Ok(Link::new(stdout, stdin, || {})),
            _ => broken("the agent has no pipes"),
        }
    }

    /// The agent's program with everything but the transport.
    fn command(&self) -> Command {
        let mut command = Command::new(&self.options.command[0]);
        command
            .args(&self.options.command[1..])
            .args(["--name", NAME]);
        for (flag, name) in [
            ("--key-file", "key"),
            ("--root", "root"),
            ("--state", "state"),
        ] {
            let path = self.folder.join(name);
            command
                .arg(flag)
                .arg(format!("{}{}", self.options.path_prefix, path.display()));
        }
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("log"));
        match log {
            Ok(log) => command.stderr(log),
            Err(_) => command.stderr(Stdio::null()),
        };
        command
    }

    /// Ends what the case left running, as far as that goes, and removes its folders.
    pub(crate) fn clear(&mut self, keep: bool) {
        if self.child.is_some() {
            let _ = self.end_commands();
        }
        let _ = self.kill();
        if !keep {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    fn end_commands(&mut self) -> Outcome {
        let mut peer = self.connect()?;
        for command in peer.commands.clone() {
            let (id, generation) = (command.id.to_string(), command.generation.to_string());
            let pairs: [(&str, &[u8]); 3] = [
                ("id", id.as_bytes()),
                ("generation", generation.as_bytes()),
                ("mode", b"kill"),
            ];
            let _ = peer.call(&crate::ask::request("signal", &pairs))?;
        }
        Ok(())
    }
}

fn listen() -> Outcome<(u16, Receiver<TcpStream>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    let (sender, streams) = channel();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if sender.send(stream).is_err() {
                return;
            }
        }
    });
    Ok((port, streams))
}
