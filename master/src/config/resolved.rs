//! The configuration after checking: typed, cross-checked, matrix unfolded. Nothing here parses.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::collecting::Retention;
use super::publishing::Publish;
use crate::model::{SignoffNeed, VersionScheme};

mod agents;
mod builders;
mod mail;
mod master;
mod schedules;

pub use agents::{Agent, AgentDefaults};
pub use builders::{Builder, OnLost, ProductGlob, ProductStep, Run, RunCommand, Step, StepKind};
pub use mail::{Mail, MailSecurity, MailTransport};
pub use master::{AgentTls, Bucket, Database, Master, Uploads};
pub use schedules::{Notify, Occasion, Parameter, ParameterKind, Receiver, Schedule, Trigger};

/// Everything a user configured, each map keyed by the name in the table header.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The file it was read from.
    pub file: PathBuf,
    /// `[master]`.
    pub master: Master,
    /// `[mail]`; without it no mail is sent.
    pub mail: Option<Mail>,
    /// `[project.NAME]`.
    pub projects: BTreeMap<String, Project>,
    /// `[repository.NAME]`.
    pub repositories: BTreeMap<String, Repository>,
    /// `[agents]`.
    pub agent_defaults: AgentDefaults,
    /// `[agent.NAME]`.
    pub agents: BTreeMap<String, Agent>,
    /// `[builder.NAME]`, a matrix unfolded into one builder per combination.
    pub builders: BTreeMap<String, Builder>,
    /// `[schedule.NAME]`.
    pub schedules: BTreeMap<String, Schedule>,
    /// `[notify.NAME]`.
    pub notifies: BTreeMap<String, Notify>,
    /// `[retention.NAME]`.
    pub retention: BTreeMap<String, Retention>,
    /// `[uploads]`.
    pub uploads: Uploads,
}

/// A secret, never its value: read when it is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SecretRef {
    /// The file's first line.
    File(PathBuf),
    /// An environment variable of the master.
    Env(String),
}

/// `[project.NAME]`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Project {
    /// Title for people.
    pub title: String,
    /// Whether the verdict `bad` must name a bug.
    pub bad_needs_bug: bool,
    /// What testers tick off.
    pub checklist: Vec<String>,
    /// Whether those who have not said who they are see nothing of its products.
    pub private: bool,
    /// How its version texts compare.
    pub version_scheme: VersionScheme,
    /// Where its feeds stand as files too.
    pub publish: Option<Publish>,
    /// The public keys that its products are signed with.
    pub keys: PublicKeys,
    /// Branches offer nothing until something of them was released.
    pub only_released: bool,
    /// How many sign-offs of which role a release needs.
    pub signoffs: Vec<SignoffNeed>,
    /// Most bytes of its products.
    pub quota: Option<u64>,
}

/// Public keys of a project, as they are written; each was checked to be one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PublicKeys {
    /// minisign: the line that begins with `RW`, or base64 of the whole `.pub` file.
    pub minisign: Vec<String>,
    /// Ed25519: base64 of 32 bytes.
    pub ed25519: Vec<String>,
    /// OpenPGP: armored public keys, as they stood in their files.
    pub gpg: Vec<String>,
}

/// `[repository.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Repository {
    /// The project it belongs to.
    pub project: String,
    /// Version control system; `git` is the one there is.
    pub vcs: Vcs,
    /// URL or path as given to the version control program.
    pub url: String,
    /// Branch globs that are watched.
    pub branches: Vec<String>,
    /// Time between two polls.
    pub poll: Duration,
}

/// A version control system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vcs {
    /// The `git` program.
    Git,
}

impl Config {
    /// What holds for the agent `name`: its own table, else for one that enrolled (with labels
    /// and slots of its token) what holds for all. `None` for one that must not build.
    #[must_use]
    pub fn agent(
        &self,
        name: &str,
        enrolled: Option<(&BTreeMap<String, String>, u32)>,
    ) -> Option<Agent> {
        let named = self.agents.get(name).cloned();
        named.or_else(|| {
            let (labels, slots) = enrolled.filter(|_| !self.agent_defaults.named_only)?;
            Some(Agent {
                labels: labels.clone(),
                slots,
                owner: self.agent_defaults.owner.clone(),
                contact: self.agent_defaults.contact.clone(),
                missing_after: self.agent_defaults.missing_after,
                ..Agent::default()
            })
        })
    }
}
