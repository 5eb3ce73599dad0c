//! A small configuration for tests of the engine: one project, repository, agent and builder, one
//! change schedule and one force schedule.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::resolved::{
    Agent, AgentDefaults, Builder, Config, Master, OnLost, Parameter, ParameterKind, Project,
    Repository, Run, RunCommand, Schedule, Step, StepKind, Trigger, Vcs,
};
use super::template::Template;
use crate::config::manner::Manner;

/// Project and repository `editor`, builder `package`, agent `linux-1`, schedules `push` and
/// `by-hand`.
pub(crate) fn config() -> Config {
    Config {
        file: PathBuf::from("/test/windlass.toml"),
        master: master(),
        mail: None,
        projects: one(
            "editor",
            Project {
                title: "Editor".to_owned(),
                ..Project::default()
            },
        ),
        repositories: one(
            "editor",
            Repository {
                project: "editor".to_owned(),
                vcs: Vcs::Git,
                url: "/test/editor.git".to_owned(),
                branches: vec!["**".to_owned()],
                poll: Duration::from_secs(60),
            },
        ),
        agent_defaults: AgentDefaults::default(),
        uploads: Default::default(),
        agents: one(
            "linux-1",
            Agent {
                labels: one("pool", "main".to_owned()),
                slots: 2,
                ..Agent::default()
            },
        ),
        builders: one("package", builder()),
        schedules: BTreeMap::from([
            ("push".to_owned(), push()),
            ("by-hand".to_owned(), by_hand()),
        ]),
        notifies: BTreeMap::new(),
        retention: BTreeMap::new(),
    }
}

fn one<T>(name: &str, value: T) -> BTreeMap<String, T> {
    BTreeMap::from([(name.to_owned(), value)])
}

fn master() -> Master {
    let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    Master {
        title: "Test builds".to_owned(),
        url: "http://127.0.0.1:8010".to_owned(),
        data: PathBuf::from("/test/data"),
        agent_listen: listen,
        agent_address: None,
        agent_tls: None,
        agent_plain: true,
        web_listen: listen,
        database: None,
        anonymous_read: true,
        bucket: None,
        collecting: Default::default(),
    }
}

fn builder() -> Builder {
    let source = StepKind::Source {
        clean: true,
        repository: "editor".to_owned(),
        into: ".".to_owned(),
    };
    let run = StepKind::Run(Run {
        command: RunCommand::Script(Template::literal("make")),
        cwd: ".".to_owned(),
        env: BTreeMap::new(),
        timeout: Duration::from_secs(60),
        idle: Duration::from_secs(60),
        grace: Duration::from_secs(1),
        output_bytes_max: 1 << 20,
        stdin: None,
        manner: Manner::default(),
    });
    Builder {
        project: "editor".to_owned(),
        tags: vec!["nightly".to_owned()],
        agents: one("pool", "main".to_owned()),
        matrix: BTreeMap::new(),
        steps: vec![step("source", source), step("run", run)],
    }
}

fn step(name: &str, kind: StepKind) -> Step {
    Step {
        name: name.to_owned(),
        kind,
        always: false,
        may_fail: false,
        on_lost: OnLost::Fail,
    }
}

fn push() -> Schedule {
    Schedule {
        builders: vec!["package".to_owned()],
        trigger: Trigger::Change {
            repository: "editor".to_owned(),
            branches: vec!["**".to_owned()],
            quiet: Duration::ZERO,
        },
    }
}

fn by_hand() -> Schedule {
    let choice = ParameterKind::Choice(vec!["debug".to_owned(), "release".to_owned()]);
    Schedule {
        builders: vec!["package".to_owned()],
        trigger: Trigger::Force {
            parameters: vec![
                parameter("flavour", choice, Some("debug"), true),
                parameter("jobs", ParameterKind::Int, None, false),
            ],
        },
    }
}

fn parameter(name: &str, kind: ParameterKind, default: Option<&str>, required: bool) -> Parameter {
    Parameter {
        name: name.to_owned(),
        label: name.to_owned(),
        kind,
        default: default.map(str::to_owned),
        required,
    }
}
