//! Every loop of the engine over one database and data folder, one repository and one agent.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::bells::Bells;
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::config::manner::Manner;
use crate::config::resolved::{OnLost, Run, RunCommand, Step, StepKind};
use crate::config::template::Template;
use crate::db::builds::Build;
use crate::db::tests::{TestDb, sqlite};
use crate::db::{self, Conn, Db, builds, steps, sync};
use crate::dispatcher::Dispatcher;
use crate::ids::{BuildId, LogId};
use crate::logs::Logs;
use crate::model::{BuildResult, BuildState};
use crate::poller::Poller;
use crate::runner::{Parts, Runner};
use crate::schedules::Schedules;
use crate::session;
use crate::session::tests::bench::Machine;
use crate::storage::Blobs;
use crate::vcs::Mirrors;
use crate::vcs::git::fixture::Repository;

pub(super) use crate::session::tests::bench::PATIENCE;

/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// A master without its faces, and what it works on.
pub(super) struct Works {
    pub(super) repository: Repository,
    pub(super) machine: Machine,
    pub(super) bells: Bells,
    pub(super) config: watch::Sender<Arc<Config>>,
    test: TestDb,
    data: tempfile::TempDir,
    stop: CancellationToken,
    loops: JoinSet<()>,
    logs: Logs,
}

impl Works {
    /// A running master whose builder `package` has these steps.
    pub(super) async fn new(all: Vec<Step>) -> Self {
        Self::with(all, |_| {}).await
    }

    /// The same with a configuration that `change` was at.
    pub(super) async fn with(all: Vec<Step>, change: impl FnOnce(&mut Config)) -> Self {
        let (test, repository) = (sqlite(), Repository::new());
        let data = tempfile::tempdir().unwrap();
        let mut config = crate::config::sample::config();
        config.repositories.get_mut("editor").unwrap().url = repository.url();
        config.repositories.get_mut("editor").unwrap().poll = Duration::from_millis(300);
        config.builders.get_mut("package").unwrap().steps = all;
        change(&mut config);
        let synced = config.clone();
        let (text, hex) = session::new_key().unwrap();
        let work = move |conn: &mut Conn| {
            sync::apply(conn, Time(1), &synced)?;
            let agent = db::agents::by_name(conn, "linux-1")?;
            db::agents::set_key(conn, agent.id, &hex, false)?;
            Ok(agent.id)
        };
        let id = test.db.tx("test", work).await.unwrap();
        let logs = Logs::new(&test.db, Clock::system(), data.path());
        // Nobody listens at port 9; the door's address comes with `start_master`.
        let nowhere = "127.0.0.1:9".parse().unwrap();
        let mut works = Self {
            machine: Machine::start("linux-1", id, &text, nowhere),
            repository,
            bells: Bells::default(),
            config: watch::channel(Arc::new(config)).0,
            test,
            data,
            stop: CancellationToken::new(),
            loops: JoinSet::new(),
            logs,
        };
        works.start_master().await;
        works
    }

    pub(super) fn db(&self) -> &Db {
        &self.test.db
    }

    /// Starts every loop at a new port, where the agent is told to dial.
    pub(super) async fn start_master(&mut self) {
        let (db, clock, bells) = (&self.test.db, Clock::system(), self.bells.clone());
        self.stop = CancellationToken::new();
        let stop = || self.stop.clone();
        let mirrors = Mirrors::new(self.data.path().join("mirrors"));
        let agents = Agents::new(db, clock.clone(), bells.clone(), stop());
        self.logs = Logs::new(db, clock.clone(), self.data.path());
        let blobs = Blobs::open(self.data.path().join("blobs")).unwrap();
        let address = match self.address() {
            Some(address) => address,
            None => "127.0.0.1:0".parse().unwrap(),
        };
        let entrance = session::Entrance::new("test", agents.clone(), stop());
        let door = session::listen(address, session::Speech::plain(), entrance)
            .await
            .unwrap();
        let address = door.address().unwrap();
        let config = || self.config.subscribe();
        let new = (db, clock.clone(), bells.clone());
        let poller = Poller::new(
            new.0,
            new.1.clone(),
            new.2.clone(),
            config(),
            mirrors.clone(),
        );
        let schedules = Schedules::new(new.0, new.1.clone(), new.2.clone(), config());
        let dispatcher = Dispatcher::new(new.0, new.1.clone(), new.2.clone(), config());
        let runner = Runner::new(Parts {
            db: db.clone(),
            clock,
            bells,
            config: config(),
            agents,
            logs: self.logs.clone(),
            blobs,
            mirrors,
        });
        self.loops.spawn(door.run(stop()));
        self.loops.spawn(poller.run(stop()));
        self.loops.spawn(schedules.run(stop()));
        self.loops.spawn(dispatcher.run(stop()));
        self.loops.spawn(runner.run(stop()));
        if self.address() != Some(address) {
            std::fs::write(self.data.path().join("address"), address.to_string()).unwrap();
            self.machine.end();
            self.machine.dial(address);
        }
    }

    /// The door's address of the first start, which later ones take again.
    fn address(&self) -> Option<std::net::SocketAddr> {
        let text = std::fs::read_to_string(self.data.path().join("address")).ok()?;
        text.parse().ok()
    }

    /// The sentence beside a build.
    pub(super) async fn state_text(&self, build: &Build) -> String {
        let id = build.id;
        let read = move |conn: &mut Conn| db::views::builds::summary(conn, id);
        self.db().read("test", read).await.unwrap().state_text
    }

    /// Starts the agent again.
    pub(super) fn start_machine(&mut self) {
        let address = self.address().unwrap();
        self.machine.dial(address);
    }

    /// Stops the loops in order; the agent stays.
    pub(super) async fn stop_master(&mut self) {
        self.stop.cancel();
        let ended = async { while self.loops.join_next().await.is_some() {} };
        tokio::time::timeout(PATIENCE, ended).await.unwrap();
    }

    pub(super) async fn stop(mut self) {
        self.stop_master().await;
    }

    /// Waits for the end of the build of this id.
    pub(super) async fn finished(&self, id: i64) -> Build {
        let ended = async {
            loop {
                let read = move |conn: &mut Conn| builds::by_id(conn, BuildId(id));
                match self.db().read("test", read).await {
                    Ok(build) if build.state == BuildState::Finished => return build,
                    _ => tokio::time::sleep(LOOK).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, ended).await.unwrap()
    }

    /// Waits until the poller has recorded a branch of a repository.
    pub(super) async fn seen(&self, repository: &'static str, branch: &'static str) {
        let seen = async {
            loop {
                let read = move |conn: &mut Conn| {
                    let id = db::repositories::id_by_name(conn, repository)?;
                    db::heads::of_branch(conn, id, branch)
                };
                match self.db().read("test", read).await.unwrap() {
                    Some(_) => return,
                    None => tokio::time::sleep(LOOK).await,
                }
            }
        };
        tokio::time::timeout(PATIENCE, seen).await.unwrap();
    }

    /// Asserts that no command comes to write the file `late` below the agent's root: none runs.
    pub(super) async fn never_late(&self) {
        let agent = self.machine.root();
        // Longer than what such a command still has to sleep.
        tokio::time::sleep(Duration::from_millis(3_500)).await;
        assert!(!agent.join("late").exists(), "a command went on");
    }

    /// Deletes every log file.
    pub(super) fn lose_logs(&self) {
        std::fs::remove_dir_all(self.data.path().join("logs")).unwrap();
    }

    /// Waits until a log holds this text.
    pub(super) async fn said(&self, text: &str) {
        let said = async {
            loop {
                for id in 1..20 {
                    if self.text(LogId(id)).await.contains(text) {
                        return;
                    }
                }
                tokio::time::sleep(LOOK).await;
            }
        };
        tokio::time::timeout(PATIENCE, said).await.unwrap();
    }

    async fn text(&self, log: LogId) -> String {
        match self.logs.read(log, 0, 1 << 20).await {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(_) => String::new(),
        }
    }

    /// The log of the step at this place.
    pub(super) async fn log(&self, build: &Build, at: usize) -> String {
        let id = build.id;
        let read = move |conn: &mut Conn| {
            let step = steps::of_build(conn, id)?[at].id;
            db::logs::of_step(conn, step)
        };
        let logs = self.db().read("test", read).await.unwrap();
        assert_eq!(logs.len(), 1, "one log for step {at}");
        assert!(!logs[0].open, "closed with its step");
        self.text(logs[0].id).await
    }

    /// The logs of the step at this place, by name, oldest first.
    pub(super) async fn logs(&self, build: &Build, at: usize) -> Vec<(String, String)> {
        let id = build.id;
        let read = move |conn: &mut Conn| {
            let step = steps::of_build(conn, id)?[at].id;
            db::logs::of_step(conn, step)
        };
        let mut logs = Vec::new();
        for log in self.db().read("test", read).await.unwrap() {
            assert!(!log.open, "closed with its step");
            logs.push((log.name, self.text(log.id).await));
        }
        logs
    }

    /// The sentence beside the step at this place.
    pub(super) async fn step_text(&self, build: &Build, at: usize) -> String {
        let id = build.id;
        let read = move |conn: &mut Conn| db::views::steps::of_build(conn, id);
        let steps = self.db().read("test", read).await.unwrap();
        steps[at].state_text.clone()
    }

    pub(super) async fn results(&self, build: &Build) -> Vec<Option<BuildResult>> {
        let id = build.id;
        let read = move |conn: &mut Conn| steps::of_build(conn, id);
        let rows = self.db().read("test", read).await.unwrap();
        rows.into_iter().map(|row| row.result).collect()
    }

    /// Results and logs of a build, for the text of a failed assertion.
    pub(super) async fn story(&self, build: &Build) -> String {
        let mut story = format!("{:?}\n", self.results(build).await);
        for id in 1..20 {
            story.push_str(&self.text(LogId(id)).await);
        }
        story
    }
}

pub(super) fn template(text: &str) -> Template {
    Template::parse(text).unwrap()
}

pub(super) fn step(name: &str, kind: StepKind) -> Step {
    Step {
        name: name.to_owned(),
        kind,
        always: false,
        may_fail: false,
        on_lost: OnLost::Fail,
    }
}

pub(super) fn source() -> Step {
    source_of("editor", ".", true)
}

pub(super) fn source_of(repository: &str, into: &str, clean: bool) -> Step {
    let kind = StepKind::Source {
        repository: repository.to_owned(),
        into: into.to_owned(),
        clean,
    };
    step("source", kind)
}

pub(super) fn run(name: &str, script: &str) -> Step {
    let run = Run {
        command: RunCommand::Script(Template::literal(script)),
        cwd: ".".to_owned(),
        env: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        grace: Duration::from_secs(1),
        output_bytes_max: 1 << 20,
        stdin: None,
        manner: Manner::default(),
    };
    step(name, StepKind::Run(run))
}

pub(super) fn restart(step: Step) -> Step {
    Step {
        on_lost: OnLost::Restart,
        ..step
    }
}

pub(super) fn may_fail(step: Step) -> Step {
    Step {
        may_fail: true,
        ..step
    }
}

pub(super) fn always(step: Step) -> Step {
    Step {
        always: true,
        ..step
    }
}
