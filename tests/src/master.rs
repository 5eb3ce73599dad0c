//! A real master in a scratch folder, its agents as processes of their own, and the configuration
//! of a small builder.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use crate::git::Repository;
use crate::http::{self, Answer};
use crate::programs::{Background, agent, run_windlass, windlass};
use crate::wait;

/// How much of the end of each log a failure shows.
const TOLD_BYTES: usize = 8_000;
/// The first port that masters listen at, and how many there are.
const PORT_MIN: u16 = 12_000;
const PORTS: u16 = 19_000;
/// How long killed commands may take to end; mostly some milliseconds.
const END_MAX: Duration = Duration::from_secs(20);

/// A master with its folder; ended and removed when dropped.
#[derive(Debug)]
pub struct Master {
    folder: tempfile::TempDir,
    web: SocketAddr,
    agents: SocketAddr,
    process: Option<Background>,
    /// Started instead of the program itself, with its arguments.
    program: PathBuf,
    /// Given to what is started.
    environment: Vec<(String, String)>,
}

impl Master {
    /// A folder with `windlass.toml`: `[master]` with free ports, then `rest`. Not started yet.
    #[must_use]
    pub fn new(rest: &str) -> Self {
        let folder = tempfile::tempdir();
        let folder = folder.unwrap_or_else(|error| panic!("no scratch folder: {error}"));
        let master = Self {
            folder,
            web: free_address(),
            agents: free_address(),
            process: None,
            program: windlass().to_owned(),
            environment: Vec::new(),
        };
        master.configure(rest);
        master
    }

    /// Writes `windlass.toml` anew.
    pub fn configure(&self, rest: &str) {
        let (web, agents) = (self.web, self.agents);
        let text = format!(
            "[master]\ntitle = \"Test\"\nurl = \"http://{web}\"\ndata = \"data\"\n\
             web_listen = \"{web}\"\nagent_listen = \"{agents}\"\n\n{rest}"
        );
        if let Err(error) = fs::write(self.path("windlass.toml"), text) {
            panic!("windlass.toml: {error}");
        }
    }

    /// Environment variables of the master and of agents started from now on.
    pub fn set(&mut self, environment: &[(&str, &str)]) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.environment = environment.iter().map(owned).collect();
    }

    /// Has the program started from now on with its data on a disk of its own of that many bytes,
    /// which begins with what is there now. It sees that disk alone: look at it by
    /// [`Master::disk`], and use no commands beside it.
    pub fn on_small_disk(&mut self, bytes: u64) {
        use std::os::unix::fs::PermissionsExt as _;
        let (data, program) = (self.path("data"), windlass().display());
        let text = format!(
            "#!/bin/sh\nexec unshare --user --map-root-user --mount sh -c 'cp -a \"$0\" \"$0\".before \
             && mount -t tmpfs -o size={bytes} tmpfs \"$0\" && cp -a \"$0\".before/. \"$0\" \
             && exec {program} \"$@\"' {} \"$@\"\n",
            data.display()
        );
        self.program = self.path("windlass-on-small-disk");
        let written = fs::create_dir_all(data)
            .and_then(|()| fs::write(&self.program, text))
            .and_then(|()| fs::set_permissions(&self.program, fs::Permissions::from_mode(0o755)));
        if let Err(error) = written {
            panic!("{}: {error}", self.program.display());
        }
    }

    /// A path of the disk that the running program sees.
    #[must_use]
    pub fn disk(&self, name: &str) -> PathBuf {
        let inside = self.path("data").join(name);
        PathBuf::from(format!("/proc/{}/root{}", self.id(), inside.display()))
    }

    /// A path in its folder.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where its pages are.
    #[must_use]
    pub fn web(&self) -> SocketAddr {
        self.web
    }

    /// Its process id; 0 when it does not run.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.as_ref().map_or(0, Background::id)
    }

    /// Where agents connect.
    #[must_use]
    pub fn agents(&self) -> SocketAddr {
        self.agents
    }

    /// What it has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("master.log")).unwrap_or_default()
    }

    /// Starts it and waits until it answers.
    pub fn start(&mut self) {
        let mut command = Command::new(&self.program);
        command
            .args(["serve", "--config", "windlass.toml"])
            .envs(self.environment.iter().cloned())
            .current_dir(self.folder.path());
        let mut process = Background::start(command, &self.path("master.log"));
        wait::until("the master answers", || {
            let ended = process.ended();
            assert!(
                ended.is_none(),
                "the master ended: {ended:?}\n{}",
                self.log()
            );
            let answer = http::request(self.web, "GET", "/healthz", &[], &[]).ok()?;
            (answer.status == 200).then_some(())
        });
        self.process = Some(process);
    }

    /// Ends it as an operator does, and waits.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.signal("TERM");
            wait::until("the master has ended", || process.ended());
        }
    }

    /// Kills it at once.
    pub fn kill(&mut self) {
        self.process = None;
    }

    /// Runs a `windlass` command on its configuration and returns what it printed.
    pub fn command(&self, arguments: &[&str], stdin: &str) -> String {
        let mut all: Vec<&str> = arguments.to_vec();
        all.extend(["--config", "windlass.toml"]);
        let outcome = run_windlass(self.folder.path(), &all, stdin);
        let told = format!("windlass {all:?}: {}{}", outcome.stdout, outcome.stderr);
        assert!(outcome.status.success(), "{told}");
        outcome.stdout
    }

    /// Adds a user with a role and returns a bearer token of theirs.
    pub fn user(&self, name: &str, role: &str) -> String {
        let password = format!("{PASSWORD}\n");
        let add = ["user", "add", name, "--role", role, "--password-stdin"];
        self.command(&add, &password);
        let told = self.command(&["token", "create", "--user", name, "--name", "test"], "");
        word(&told, "windlass_")
    }

    /// Makes the key of agent `name` and starts it for the master at `address`, which may be a
    /// proxy's.
    #[must_use]
    pub fn agent(&self, name: &str, address: SocketAddr) -> Background {
        let key = word(&self.command(&["agent", "add", name], ""), "wlk1_");
        self.agent_with_key(name, address, &key)
    }

    /// Starts agent `name` with `key`.
    #[must_use]
    pub fn agent_with_key(&self, name: &str, address: SocketAddr, key: &str) -> Background {
        self.agent_by(agent(), name, &["--master", &address.to_string()], key)
    }

    /// Starts the agent's `program` as `name` with `key` and the flags of its way to the master.
    #[must_use]
    pub fn agent_by(&self, program: &Path, name: &str, way: &[&str], key: &str) -> Background {
        let home = self.path(&format!("agent-{name}"));
        write_private(&home, "key", key);
        let mut command = Command::new(program);
        command
            .envs(self.environment.iter().cloned())
            .args(way)
            .args(["--name", name])
            .arg("--key-file")
            .arg(home.join("key"))
            .arg("--root")
            .arg(home.join("work"))
            .arg("--state")
            .arg(home.join("state"))
            .args(["--reconnect-min-ms", "20", "--reconnect-max-ms", "200"]);
        Background::start(command, &home.join("log"))
    }

    /// Makes a key for agent `name`.
    #[must_use]
    pub fn key_of(&self, name: &str) -> String {
        word(&self.command(&["agent", "add", name], ""), "wlk1_")
    }

    /// Adds lines to the `[master]` table of `windlass.toml`.
    pub fn configure_master(&self, lines: &str) {
        let path = self.path("windlass.toml");
        let written = fs::read_to_string(&path)
            .map(|text| text.replacen("[master]\n", &format!("[master]\n{lines}\n"), 1))
            .and_then(|text| fs::write(&path, text));
        if let Err(error) = written {
            panic!("windlass.toml: {error}");
        }
    }

    /// Writes `key` into the file `key` of `folder`, as an agent wants it.
    pub fn write_key(&self, folder: &Path, key: &str) {
        write_private(folder, "key", key);
    }

    /// GET with a bearer token, which may be empty for none.
    #[must_use]
    pub fn get(&self, path: &str, token: &str) -> Answer {
        self.ask("GET", path, token, None)
    }

    /// A JSON request with a bearer token, which may be empty for none.
    #[must_use]
    pub fn ask(
        &self,
        method: &str,
        path: &str,
        token: &str,
        body: Option<&serde_json::Value>,
    ) -> Answer {
        let bearer = format!("Bearer {token}");
        let mut headers = vec![("Content-Type", "application/json")];
        if !token.is_empty() {
            headers.push(("Authorization", &bearer));
        }
        let body = body.map(ToString::to_string).unwrap_or_default();
        let answer = http::request(self.web, method, path, &headers, body.as_bytes());
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Waits until the builder's build `number` has ended and returns it as REST tells it.
    #[must_use]
    pub fn finished_build(&self, builder: &str, number: i64) -> serde_json::Value {
        let path = format!("/api/v1/builds?builder={builder}");
        let look = || {
            let list = self.get(&path, "").json();
            let found = list["items"]
                .as_array()?
                .iter()
                .find(|build| build["number"] == number && build["state"] == "finished")?;
            Some(found.clone())
        };
        wait::until_or(&format!("{builder} #{number} has ended"), look, || {
            format!("{}\n{}", self.get(&path, "").text(), self.told())
        })
    }

    /// What the master and its agents have written, for a test that fails.
    fn told(&self) -> String {
        let mut told = String::new();
        for entry in fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            // An agent's log lies in its folder.
            let path = match entry.path() {
                folder if folder.is_dir() => folder.join("log"),
                path => path,
            };
            if path.file_name() == Some("log".as_ref()) || path.ends_with("master.log") {
                let text = fs::read_to_string(&path).unwrap_or_default();
                let end = text.floor_char_boundary(text.len().saturating_sub(TOLD_BYTES));
                told.push_str(&format!("--- {}\n{}\n", path.display(), &text[end..]));
            }
        }
        told
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        // First who could have anything started, then what runs.
        self.process = None;
        for found in fs::read_dir(self.folder.path())
            .into_iter()
            .flatten()
            .flatten()
        {
            let name = found.file_name();
            if name.to_string_lossy().starts_with("agent-") {
                end_commands(&found.path().join("state"));
            }
        }
    }
}

/// Ends the agent of that state folder, whoever holds it, and what it or one before it has left to
/// shims.
fn end_commands(state: &Path) {
    let by = Instant::now() + END_MAX;
    loop {
        for pid in processes_with(state) {
            // It may have ended by itself.
            let _ = Command::new("kill").args(["-s", "KILL", &pid]).status();
        }
        let left = by.saturating_duration_since(Instant::now());
        match windlass_agent::end_commands(state, left) {
            Err(_) if !left.is_zero() => std::thread::sleep(Duration::from_millis(10)),
            Err(text) => return eprintln!("left behind: {text}"),
            Ok(()) => return,
        }
    }
}

/// Numbers of processes that have that path among their arguments.
fn processes_with(path: &Path) -> Vec<String> {
    let of = |entry: fs::DirEntry| {
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        let mut words = line.split(|byte| *byte == 0);
        let ours = words.any(|word| word == path.as_os_str().as_encoded_bytes());
        ours.then(|| entry.file_name().into_string().ok()).flatten()
    };
    let all = fs::read_dir("/proc").into_iter().flatten().flatten();
    all.filter_map(of).collect()
}

/// Password of every user of a test.
pub const PASSWORD: &str = "quiet-harbour-7291";

/// Configuration of a project `editor` with one builder `package` on one agent `linux-1`: `steps`
/// are lines of TOML with a comma each, `more` is put at the end.
#[must_use]
pub fn small_configuration(repository: &Repository, steps: &str, more: &str) -> String {
    let url = repository.dir().display();
    format!(
        "[project.editor]\ntitle = \"Acme Editor\"\n\n\
         [repository.editor]\nproject = \"editor\"\nurl = \"{url}\"\n\
         branches = [\"**\"]\npoll = \"1s\"\n\n\
         [agent.linux-1]\nslots = 1\n\n\
         [builder.package]\nproject = \"editor\"\nsteps = [\n{steps}\n]\n\n\
         [schedule.push]\non = \"change\"\nrepository = \"editor\"\n\
         builders = [\"package\"]\nquiet = \"0s\"\n\n{more}"
    )
}

/// The first word in `text` that begins with `prefix`, up to what cannot be in a secret.
fn word(text: &str, prefix: &str) -> String {
    let Some(at) = text.find(prefix) else {
        panic!("no `{prefix}…` in {text}");
    };
    let inside = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    text[at..].chars().take_while(inside).collect()
}

fn write_private(folder: &Path, name: &str, content: &str) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let written = fs::create_dir_all(folder).and_then(|()| {
        let mut options = fs::File::options();
        let options = options.write(true).create(true).truncate(true).mode(0o600);
        let mut file = options.open(folder.join(name))?;
        std::io::Write::write_all(&mut file, format!("{content}\n").as_bytes())
    });
    if let Err(error) = written {
        panic!("{}/{name}: {error}", folder.display());
    }
}

/// A port that nobody listens at, below those that the system hands to whoever dials: one of those
/// may be taken between here and the start.
#[must_use]
pub fn free_address() -> SocketAddr {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Programs that run side by side begin at different places.
    let begin = u16::try_from(std::process::id() % 190).unwrap_or(0) * 100;
    let address = (0..PORTS).find_map(|_| {
        let step = begin.wrapping_add(NEXT.fetch_add(1, Ordering::SeqCst));
        let address = SocketAddr::from(([127, 0, 0, 1], PORT_MIN + step % PORTS));
        TcpListener::bind(address).is_ok().then_some(address)
    });
    address.expect("no port is free")
}
