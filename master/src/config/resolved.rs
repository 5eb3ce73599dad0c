//! The configuration after checking: typed, cross-checked, matrix unfolded. Nothing here parses.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::collecting::{Collecting, Retention};
use super::manner::Manner;
use super::template::Template;
use crate::model::{SignoffNeed, VersionScheme};

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

/// `[uploads]`: products that come by REST or command.
#[derive(Debug, Clone, PartialEq)]
pub struct Uploads {
    /// How long a draft is kept after the last byte came.
    pub lease: Duration,
    /// Bytes of the disk that uploads leave free.
    pub reserve: u64,
}

impl Default for Uploads {
    fn default() -> Self {
        Self {
            // A line that is down in the evening is up in the morning.
            lease: Duration::from_secs(24 * 3_600),
            // The database and logs of running builds grow by less in an hour.
            reserve: 1024 * 1024 * 1024,
        }
    }
}

/// `[master]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Master {
    /// Shown in titles and mails.
    pub title: String,
    /// Address of the pages as others reach them, without a slash at the end.
    pub url: String,
    /// Folder of the database, logs, blobs and mirrors (absolute).
    pub data: PathBuf,
    /// Where agents connect.
    pub agent_listen: SocketAddr,
    /// With what they connect by TLS; without it they cannot.
    pub agent_tls: Option<AgentTls>,
    /// Whether they may connect without TLS.
    pub agent_plain: bool,
    /// What agents on other machines dial, where it does not follow from the rest.
    pub agent_address: Option<String>,
    /// Where browsers connect.
    pub web_listen: SocketAddr,
    /// PostgreSQL; SQLite in a file below `data` when absent.
    pub database: Option<Database>,
    /// Whether those who are not logged in may read.
    pub anonymous_read: bool,
    /// A bucket for stored files, besides the folder below `data`.
    pub bucket: Option<Bucket>,
    /// When the collector works, and what else is about the store.
    pub collecting: Collecting,
}

impl Master {
    /// What agents on other machines dial: `agent_address`, else the host of `url` with the port
    /// of `agent_listen`; the pages' own address where that port is for this machine alone.
    #[must_use]
    pub fn dialled_address(&self) -> String {
        if let Some(address) = &self.agent_address {
            return address.clone();
        }
        let (url, listen) = (&self.url, self.agent_listen);
        let rest = url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split('/').next().unwrap_or_default();
        let is_bare_v6 = authority.ends_with(']');
        let host = match authority.rsplit_once(':') {
            Some((host, _)) if !is_bare_v6 => host,
            _ => authority,
        };
        let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
        let tls = if self.agent_tls.is_some() {
            "tls://"
        } else {
            ""
        };
        match listen.ip().is_loopback() && !is_here {
            true => format!("{url}/agent"),
            false => format!("{tls}{host}:{}", listen.port()),
        }
    }
}

/// A bucket of an S3-compatible service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What every name in it begins with; may be empty.
    pub prefix: String,
    /// Address of the service; Amazon's own when absent.
    pub endpoint: Option<String>,
    /// Region, which is part of the signature.
    pub region: String,
    /// Access key, by reference.
    pub key: SecretRef,
    /// Its secret, by reference.
    pub secret: SecretRef,
    /// Whether new files are put there.
    pub takes_new: bool,
}

/// The certificate of the agents' port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentTls {
    /// PEM file of the certificate and those above it (absolute).
    pub certificate: PathBuf,
    /// PEM file of its key (absolute).
    pub key: PathBuf,
}

/// Where the PostgreSQL database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// A `postgres://` URL without a password.
    Url(String),
    /// A whole URL, by reference.
    Secret(SecretRef),
}

/// `[mail]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mail {
    /// Sender address.
    pub from: String,
    /// How mail leaves.
    pub transport: MailTransport,
}

/// How mail leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum MailTransport {
    /// `smtp://`, `smtp+starttls://` or `smtps://` with an optional user and password.
    Smtp {
        /// Host name.
        host: String,
        /// Port.
        port: u16,
        /// TLS from the start, by STARTTLS (required), or none.
        security: MailSecurity,
        /// User name, when the server wants one.
        user: Option<String>,
        /// Password, by reference.
        password: Option<SecretRef>,
        /// A PEM file of an authority to trust besides the system's.
        ca_file: Option<PathBuf>,
    },
    /// One `.eml` file per mail in this folder (absolute).
    Folder(PathBuf),
}

/// Protection of the SMTP connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// `smtp://`: none (allowed to loopback, or where a password is not sent).
    Plain,
    /// `smtp+starttls://`: STARTTLS, required.
    StartTls,
    /// `smtps://`: TLS from the first byte.
    Tls,
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

/// `[agents]`: what holds for every agent that does not say otherwise.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentDefaults {
    /// Mail address of whoever looks after them.
    pub owner: Option<String>,
    /// How else they are reached.
    pub contact: Option<String>,
    /// Away for longer, the owner is told.
    pub missing_after: Duration,
    /// Only agents with a table of their own may build; tokens are for those alone.
    pub named_only: bool,
}

impl Default for AgentDefaults {
    fn default() -> Self {
        Self {
            owner: None,
            contact: None,
            // A machine that is updated and started again is back by then.
            missing_after: Duration::from_secs(600),
            named_only: false,
        }
    }
}

/// `[agent.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Agent {
    /// What it is, for builders to choose by (`os`, `arch`, …).
    pub labels: BTreeMap<String, String>,
    /// Builds at a time, 1 to 256.
    pub slots: u32,
    /// `host:port` where it listens and the master dials; else it dials.
    pub dial: Option<String>,
    /// Away for longer, it counts as gone for good.
    pub lost_after: Duration,
    /// How long its commands may run without a master.
    pub lease: Duration,
    /// Mail address of whoever looks after it, who is told when it is missing.
    pub owner: Option<String>,
    /// How else that person, or the machine, is reached: a room, a telephone number.
    pub contact: Option<String>,
    /// Away for longer, the owner is told.
    pub missing_after: Duration,
}

impl Default for Agent {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            slots: 1,
            dial: None,
            // A machine that is updated and started again is back within the hour.
            lost_after: Duration::from_secs(3_600),
            // A master that fell over on Friday evening is found on Monday morning.
            lease: Duration::from_secs(3 * 86_400),
            owner: None,
            contact: None,
            missing_after: AgentDefaults::default().missing_after,
        }
    }
}

/// `[builder.NAME]`, one combination of its matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Builder {
    /// Owner of its products.
    pub project: String,
    /// For filters on pages.
    pub tags: Vec<String>,
    /// Labels an agent must carry, all of them.
    pub agents: BTreeMap<String, String>,
    /// The matrix values of this combination, usable in templates as `{name}`.
    pub matrix: BTreeMap<String, String>,
    /// What is done, in order; at least one.
    pub steps: Vec<Step>,
}

/// One entry of `steps`.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Shown in pages; made from the kind when not given. Unique in its builder.
    pub name: String,
    /// What it does.
    pub kind: StepKind,
    /// Runs even when an earlier step failed.
    pub always: bool,
    /// Its failure does not fail the build (the build ends with warnings).
    pub may_fail: bool,
    /// What is done when its agent is gone for good.
    pub on_lost: OnLost,
}

/// What a step does when its agent is gone for good: away for too long, or back without any
/// knowledge of the step's command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnLost {
    /// The step is done once more where the agent is back; else the build begins anew elsewhere.
    Restart,
    /// The step ends in error, for what it did may not be done twice.
    Fail,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// `source = "REPOSITORY"`: delivers the source tree of the stamp to the agent.
    Source {
        /// The repository; its name is the codebase.
        repository: String,
        /// Folder below the build's folder, `.` for the build's folder itself.
        into: String,
        /// Whether the folder becomes exactly the tree; else what commands made in it stays.
        clean: bool,
    },
    /// `run = "…"` or `run = ["…", …]`.
    Run(Run),
    /// `upload = "GLOB"`: files of the agent become artifacts of the build.
    Upload {
        /// Glob below the build's folder.
        files: Template,
    },
    /// `product = "GLOB"`: files of the agent become a recorded product.
    Product(ProductStep),
}

/// A `run` step.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// What is started.
    pub command: RunCommand,
    /// Folder below the build's folder.
    pub cwd: String,
    /// What it reads, if anything.
    pub stdin: Option<Template>,
    /// How else it is run.
    pub manner: Manner,
    /// Environment variables set besides the standard ones; values may hold outside values.
    pub env: BTreeMap<String, Template>,
    /// Total time allowed.
    pub timeout: Duration,
    /// Time allowed without output.
    pub idle: Duration,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// Most output bytes.
    pub output_bytes_max: u64,
}

/// What a `run` step starts.
#[derive(Debug, Clone, PartialEq)]
pub enum RunCommand {
    /// A script for the agent's shell; only configuration values and agent facts inside.
    Script(Template),
    /// An argument list; outside values allowed, each stays one element.
    Argv(Vec<Template>),
}

/// A `product` step.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductStep {
    /// Globs below the build's folder with the role of what they match; at least one file each.
    pub files: Vec<ProductGlob>,
    /// Version text.
    pub version: Template,
    /// Semantic version for update clients; from `version` where it is one.
    pub feed_version: Option<Template>,
    /// Target, such as `x86_64-linux`.
    pub target: Template,
    /// Language runtime and range, such as `python >=3.9,<3.13`.
    pub runtime: Option<Template>,
    /// Lowest version of the operating system.
    pub min_os: Option<Template>,
    /// Highest version of the operating system.
    pub max_os: Option<Template>,
    /// What is new, Markdown; else a file of the role `notes` says it.
    pub notes: Option<Template>,
    /// Extra properties of the product.
    pub properties: BTreeMap<String, Template>,
}

/// One glob of a product step.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductGlob {
    /// `installer`, `symbols`, `signature`, …
    pub role: String,
    /// The glob.
    pub glob: Template,
    /// Version that deltas start from.
    pub delta_from: Option<Template>,
    /// Whether it may name no file at all.
    pub optional: bool,
}

/// `[schedule.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Builders by name (globs unfolded).
    pub builders: Vec<String>,
    /// When it asks for builds.
    pub trigger: Trigger,
}

/// When a schedule asks for builds.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// `on = "change"`.
    Change {
        /// Repository watched.
        repository: String,
        /// Branch globs; `**`, all that the repository watches, by default.
        branches: Vec<String>,
        /// How long a branch must be quiet first.
        quiet: Duration,
    },
    /// `on = "force"`: a person asks, with a typed form.
    Force {
        /// Fields of the form in order.
        parameters: Vec<Parameter>,
    },
}

/// A field of a force form.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Property name the value gets.
    pub name: String,
    /// Label in the form.
    pub label: String,
    /// Kind of value and its bounds.
    pub kind: ParameterKind,
    /// Value when none is given.
    pub default: Option<String>,
    /// Whether it may be left empty.
    pub required: bool,
}

/// Kind of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    /// One line of text, up to 4,096 bytes.
    Text,
    /// A whole number.
    Int,
    /// `true` or `false`.
    Bool,
    /// One of these.
    Choice(Vec<String>),
}

/// `[notify.NAME]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Notify {
    /// Builder names this is for (globs unfolded); empty = all.
    pub builders: Vec<String>,
    /// Occasions.
    pub when: Vec<Occasion>,
    /// Receivers.
    pub to: Vec<Receiver>,
}

/// When a mail is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    /// `change`: the result differs from the builder's previous one; the first counts (default).
    Change,
    /// `failing`: success before (or nothing), failure now.
    Failing,
    /// `recovered`: failure before, success now.
    Recovered,
    /// `failure`: every failure.
    Failure,
    /// `success`: every success.
    Success,
    /// `always`: every build.
    Always,
}

/// Who gets a mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Receiver {
    /// `authors`: the authors of the build's changes.
    Authors,
    /// A mail address.
    Address(String),
}
