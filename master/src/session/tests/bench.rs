//! A master without its faces: database, registry, logs and the agents' door; and agents, each a
//! process of its own that runs the agent's real program.

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::agents::{Agents, Outputs};
use crate::bells::Bells;
use crate::clock::Clock;
use crate::db::commands::NewCommand;
use crate::db::outbox::tests::{finish, ground};
use crate::db::tests::{TestDb, engines, sqlite};
use crate::db::{self, Db};
use crate::ids::{AgentId, LogId, StepId};
use crate::logs::Logs;
use crate::session::{self, Bytes, CommandSpec, Entrance, Program, Speech};

/// No step of any test takes this long on a machine that works.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Names the arguments of the agent that `agent_process` runs, one a line.
const AGENT_ARGUMENTS: &str = "WINDLASS_TEST_AGENT_ARGUMENTS";

/// Not a test but the agent's program: `Machine` starts this binary again with this name.
#[test]
#[ignore = "the program of an agent, started by the other tests"]
fn agent_process() {
    let Some(arguments) = std::env::var_os(AGENT_ARGUMENTS) else {
        return;
    };
    let arguments = arguments.into_string().unwrap();
    windlass_agent::run_alone(arguments.lines().map(Into::into));
}

/// A master's lower floors over one database.
pub(super) struct Bench {
    pub(super) data: tempfile::TempDir,
    pub(super) database: TestDb,
    pub(super) agents: Agents,
    pub(super) logs: Logs,
    pub(super) door: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

/// One bench per engine.
pub(super) async fn benches() -> Vec<Bench> {
    let mut all = Vec::new();
    for database in engines() {
        all.push(Bench::over(database).await);
    }
    all
}

impl Bench {
    /// A bench over SQLite, for what is not about the database.
    pub(super) async fn new() -> Self {
        Self::over(sqlite()).await
    }

    async fn over(database: TestDb) -> Self {
        database
            .db
            .tx("ground", |conn| {
                ground(conn)?;
                finish(conn, "success").map(drop)
            })
            .await
            .unwrap();
        let data = tempfile::tempdir().unwrap();
        let stop = CancellationToken::new();
        let (agents, logs, door, serving) = serve(&database.db, data.path(), &stop).await;
        Self {
            data,
            database,
            agents,
            logs,
            door,
            stop,
            serving,
        }
    }

    pub(super) fn db(&self) -> &Db {
        &self.database.db
    }

    /// Tells the master to stop.
    pub(super) fn begin_stop(&self) {
        self.stop.cancel();
    }

    /// Stops the master in order.
    pub(super) async fn stop(&mut self) {
        self.stop.cancel();
        (&mut self.serving).await.unwrap();
    }

    /// Starts a new master over the same database and data, at another port.
    pub(super) async fn start(&mut self) {
        self.stop = CancellationToken::new();
        let parts = serve(&self.database.db, self.data.path(), &self.stop).await;
        (self.agents, self.logs, self.door, self.serving) = parts;
    }

    /// An agent of this name with a fresh key that dials `address`.
    pub(super) async fn machine(&self, name: &str, address: SocketAddr) -> Machine {
        let (text, hex) = session::new_key().unwrap();
        let asked = name.to_owned();
        let store = move |conn: &mut db::Conn| {
            let agent = db::agents::ensure(conn, crate::clock::Time(0), &asked)?;
            db::agents::set_key(conn, agent.id, &hex, false)?;
            Ok(agent.id)
        };
        let id = self.db().tx("key", store).await.unwrap();
        Machine::start(name, id, &text, address)
    }

    /// Waits until the agent may be asked.
    pub(super) async fn connected(&self, machine: &Machine) {
        let seen = async {
            while !self.agents.is_connected(machine.id) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.unwrap();
    }

    /// Leases a command with a log of its own.
    pub(super) async fn lease(&self, machine: &Machine, command: &CommandSpec) -> Outputs {
        let log = self.logs.create(StepId(1), "output".parse().unwrap());
        let log = log.await.unwrap();
        let new = NewCommand {
            id: command.id.to_string(),
            step: StepId(1),
            agent: machine.id,
            log: log.id(),
            arguments: command.to_json().unwrap(),
            digest: command.digest().unwrap(),
            generation: command.generation,
        };
        let insert =
            move |conn: &mut db::Conn| db::commands::insert(conn, crate::clock::Time(0), &new);
        self.db().tx("lease", insert).await.unwrap();
        Outputs::of(log)
    }

    /// The whole of a log, as a reader sees it.
    pub(super) async fn text(&self, log: LogId) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let at = bytes.len() as u64;
            let piece = self.logs.read(log, at, 1 << 20).await.unwrap();
            if piece.is_empty() {
                return bytes;
            }
            bytes.extend_from_slice(&piece);
        }
    }
}

async fn serve(
    db: &Db,
    data: &Path,
    stop: &CancellationToken,
) -> (Agents, Logs, SocketAddr, JoinHandle<()>) {
    let agents = Agents::new(db, Clock::system(), Bells::default(), stop.clone());
    let logs = Logs::new(db, Clock::system(), data);
    let address = "127.0.0.1:0".parse().unwrap();
    let entrance = Entrance::new("test", agents.clone(), stop.clone());
    let listening = session::listen(address, Speech::plain(), entrance);
    let door = listening.await.unwrap();
    let address = door.address().unwrap();
    let serving = tokio::spawn(door.run(stop.clone()));
    (agents, logs, address, serving)
}

/// A script in the agent's root.
pub(super) fn script(text: &str) -> CommandSpec {
    CommandSpec::new(Program::Script(Bytes::from(text)), "").unwrap()
}

/// An agent: its folder, and its process.
pub(crate) struct Machine {
    pub(super) id: AgentId,
    name: String,
    folder: tempfile::TempDir,
    process: Option<Child>,
    /// More words for its command line.
    pub(crate) flags: Vec<String>,
}

impl Machine {
    pub(crate) fn start(name: &str, id: AgentId, key: &str, address: SocketAddr) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key");
        std::fs::write(&file, format!("{key}\n")).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let mut machine = Self {
            id,
            name: name.to_owned(),
            folder,
            process: None,
            flags: Vec::new(),
        };
        machine.dial(address);
        machine
    }

    /// The folder that commands and paths are below.
    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("root")
    }

    /// Starts the process (again), dialling `address`.
    pub(crate) fn dial(&mut self, address: SocketAddr) {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let mut arguments = vec![
            "--master".to_owned(),
            address.to_string(),
            "--name".to_owned(),
            self.name.clone(),
            "--key-file".to_owned(),
            path("key"),
            "--root".to_owned(),
            path("root"),
            "--state".to_owned(),
            path("state"),
            "--reconnect-min-ms".to_owned(),
            "10".to_owned(),
            "--reconnect-max-ms".to_owned(),
            "50".to_owned(),
        ];
        arguments.extend(self.flags.iter().cloned());
        let process = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "--nocapture"])
            .arg("session::tests::bench::agent_process")
            .env(AGENT_ARGUMENTS, arguments.join("\n"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.process = Some(process);
    }

    /// Ends the process at once, as a crash does.
    pub(crate) fn crash(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Forgets every command, as a machine does whose disk was replaced.
    pub(crate) fn forget_all(&self) {
        std::fs::remove_dir_all(self.folder.path().join("state")).unwrap();
    }

    /// Ends the process in order, and whatever it runs.
    pub(crate) fn end(&mut self) {
        if let Some(mut process) = self.process.take() {
            let id = process.id().to_string();
            let asked = Command::new("kill").arg(id).status();
            if !asked.is_ok_and(|status| status.success()) {
                let _ = process.kill();
            }
            let _ = process.wait();
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        self.end();
    }
}
