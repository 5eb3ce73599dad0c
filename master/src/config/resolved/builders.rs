//! `[builder.NAME]` with its steps.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::config::manner::Manner;
use crate::config::template::Template;

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
