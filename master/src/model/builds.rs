//! Builds with all that hangs on them, as pages and REST show them.

use std::time::Duration;

use super::{Artifact, BuildResult, BuildState, ChangeSummary, ProductState, StepState};
use crate::clock::Time;
use crate::ids::{BuildId, BuilderId, LogId, ProductId, RequestId, StepId};

/// A build in a list.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BuildSummary {
    /// Its id, unique in this installation.
    pub id: BuildId,
    /// Id of its builder.
    pub builder_id: BuilderId,
    /// Name of its builder.
    pub builder: String,
    /// Its number within the builder, from 1.
    pub number: i64,
    /// Where it is.
    pub state: BuildState,
    /// How it ended.
    pub result: Option<BuildResult>,
    /// What it does or why it ended so, in a few words.
    pub state_text: String,
    /// Name of the agent.
    pub agent: String,
    /// The request it runs.
    pub request: RequestId,
    /// Why it was asked for.
    pub reason: String,
    /// Who or which schedule asked.
    pub requested_by: String,
    /// What it builds, by codebase.
    pub sources: Vec<SourceStamp>,
    /// When the request was made.
    pub requested_at: Time,
    /// When it began.
    pub started_at: Time,
    /// When it ended.
    pub finished_at: Option<Time>,
}

impl BuildSummary {
    /// How long it has taken, up to `now` while it runs.
    #[must_use]
    pub fn duration(&self, now: Time) -> Duration {
        self.finished_at.unwrap_or(now).since(self.started_at)
    }
}

/// One codebase of a build.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct SourceStamp {
    /// Name the steps use.
    pub codebase: String,
    /// Name of the repository.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Revision.
    pub revision: String,
    /// Place of the revision on its branch.
    pub position: i64,
}

/// A build with everything that hangs on it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BuildDetail {
    /// The build itself.
    #[serde(flatten)]
    pub summary: BuildSummary,
    /// Name of the project.
    pub project: String,
    /// The schedule that asked, if one did.
    pub schedule: Option<String>,
    /// Who asked for it to be stopped.
    pub cancelled_by: Option<String>,
    /// The changes since the request before, newest first, at most [`BUILD_CHANGES_MAX`].
    pub changes: Vec<ChangeSummary>,
    /// Properties by name.
    pub properties: Vec<Property>,
    /// Steps in order.
    pub steps: Vec<StepSummary>,
    /// Files it uploaded.
    pub artifacts: Vec<Artifact>,
    /// Products it recorded.
    pub products: Vec<BuildProduct>,
    /// The finished build of the builder before this one.
    pub previous: Option<BuildSummary>,
    /// Median duration of the builder's last good builds; in JSON, seconds.
    #[serde(rename = "usual_seconds", serialize_with = "seconds")]
    #[schema(value_type = Option<f64>)]
    pub usual: Option<Duration>,
}

/// A duration in JSON: seconds.
fn seconds<S: serde::Serializer>(span: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    serde::Serialize::serialize(&span.map(|span| span.as_secs_f64()), to)
}

/// Most changes told with one build: more are not read by anybody and would slow the page.
pub const BUILD_CHANGES_MAX: usize = 100;

/// A property of a build or product.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its value as JSON text.
    pub value: String,
    /// Where it came from.
    pub source: String,
}

/// A step of a build.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct StepSummary {
    /// Its id.
    pub id: StepId,
    /// Its place in the build, from 0.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// `source`, `run`, `upload` or `product`.
    pub kind: String,
    /// Where it is.
    pub state: StepState,
    /// How it ended.
    pub result: Option<BuildResult>,
    /// What it does or why it ended so, in a few words.
    pub state_text: String,
    /// When it began.
    pub started_at: Option<Time>,
    /// When it ended.
    pub finished_at: Option<Time>,
    /// Its logs in the order in which they were opened.
    pub logs: Vec<LogSummary>,
    /// What its command took on the agent, once that is over.
    pub usage: Option<StepUsage>,
}

/// What the commands of a step took.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct StepUsage {
    /// Milliseconds of processor time of all processes, in programs and in the kernel.
    pub cpu_ms: i64,
    /// Bytes of memory of the largest process at its peak; 0 where the agent does not know.
    pub memory_bytes_max: i64,
}

/// A log of a step.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct LogSummary {
    /// Its id.
    pub id: LogId,
    /// The step.
    pub step: StepId,
    /// Its name.
    pub name: String,
    /// Whether it is still written.
    pub open: bool,
    /// Bytes so far.
    pub bytes: i64,
    /// Line feeds so far.
    pub lines: i64,
    /// When it was closed.
    pub closed_at: Option<Time>,
}

/// A log with the step and build it belongs to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct LogDetail {
    /// The log itself.
    pub log: LogSummary,
    /// Its step; without logs.
    pub step: StepSummary,
    /// Its build.
    pub build: BuildSummary,
}

/// A product that a build recorded, in short.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BuildProduct {
    /// Its id.
    pub id: ProductId,
    /// Version.
    pub version: String,
    /// Target.
    pub target: String,
    /// State.
    pub state: ProductState,
}

/// Which builds to list.
#[derive(Debug, Clone, Default)]
pub struct BuildFilter {
    /// Of this builder only.
    pub builder: Option<String>,
    /// Of this project only.
    pub project: Option<String>,
    /// With a source of this branch only.
    pub branch: Option<String>,
    /// In this state only.
    pub state: Option<BuildState>,
    /// With this result only.
    pub result: Option<BuildResult>,
    /// On this agent only.
    pub agent: Option<String>,
    /// Older than this one only.
    pub before: Option<BuildId>,
}
