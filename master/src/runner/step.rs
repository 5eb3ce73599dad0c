//! What the steps of a build share: what they work with, how they fail, and their log.

use std::sync::Mutex;
use std::time::Duration;

use crate::agents::{AgentError, Agents};
use crate::config::Config;
use crate::db::builds::Build;
use crate::db::requests::Stamp;
use crate::db::{Conn, DbError, logs as log_rows};
use crate::engine::environment::Surroundings;
use crate::engine::scope::{NoValue, Scope};
use crate::ids::StepId;
use crate::logs::{LogError, LogWriter};
use crate::model::{BuildResult, Property};
use crate::recording::RecordingError;
use crate::storage::Lease;
use crate::vcs::VcsError;

use super::outputs;
use super::words::span;
use super::{Parts, Signals};

/// A build on its way.
pub(super) struct Course<'a> {
    pub(super) parts: &'a Parts,
    pub(super) build: &'a Build,
    /// The agents, waited for as long as the configuration says for the build's own.
    pub(super) agents: Agents,
    /// How long its commands may run without a master.
    pub(super) lease: Duration,
    /// How often the same was begun before, on agents that were lost.
    pub(super) restarts: u32,
    pub(super) signals: &'a Signals,
    /// The configuration it began with.
    pub(super) config: &'a Config,
    /// What it builds, by codebase.
    pub(super) stamps: Vec<Stamp>,
    pub(super) properties: Vec<Property>,
    pub(super) scope: Scope,
    pub(super) around: Surroundings,
    /// What was fetched: nobody collects it before a row names it, or the build is over.
    pub(super) leases: Mutex<Vec<Lease>>,
}

/// How a step ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct StepEnd {
    pub(super) result: BuildResult,
    /// A sentence beside the result.
    pub(super) text: String,
}

impl StepEnd {
    pub(super) fn new(result: BuildResult, text: impl Into<String>) -> Self {
        Self {
            result,
            text: text.into(),
        }
    }
}

/// Why a step was not done.
#[derive(Debug, thiserror::Error)]
pub(super) enum StepError {
    /// The master stops: the step is taken up by the next start.
    #[error("the master stops")]
    Stopping,
    /// The build was cancelled.
    #[error("cancelled")]
    Cancelled,
    /// The user's doing: the step fails.
    #[error("{0}")]
    Failed(String),
    /// The agent is gone for good: the step's `on_lost` says what that means.
    #[error("agent-lost: {0}")]
    Lost(String),
    /// The system could not do it: the step ends in error.
    #[error("{0}")]
    Broken(String),
    /// Our own database or disk; the step is tried again.
    #[error("{0}")]
    Ours(String),
}

impl From<AgentError> for StepError {
    fn from(error: AgentError) -> Self {
        match error {
            AgentError::Stopping => Self::Stopping,
            AgentError::Cancelled => Self::Cancelled,
            AgentError::Away(seconds) => {
                let away = span(Duration::from_secs(seconds));
                Self::Lost(format!("it was not connected for {away}"))
            }
            AgentError::Db(error) => error.into(),
            AgentError::Log(error) => error.into(),
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<DbError> for StepError {
    fn from(error: DbError) -> Self {
        Self::Ours(error.to_string())
    }
}

impl From<LogError> for StepError {
    fn from(error: LogError) -> Self {
        Self::Ours(error.to_string())
    }
}

impl From<VcsError> for StepError {
    fn from(error: VcsError) -> Self {
        match error {
            VcsError::Cancelled => Self::Cancelled,
            other => Self::Broken(other.to_string()),
        }
    }
}

impl From<RecordingError> for StepError {
    fn from(error: RecordingError) -> Self {
        match error {
            RecordingError::Refused(text) => Self::Failed(text),
            RecordingError::Unread(error) => Self::Ours(error.to_string()),
        }
    }
}

impl From<NoValue> for StepError {
    fn from(error: NoValue) -> Self {
        Self::Failed(error.to_string())
    }
}

impl Course<'_> {
    /// The log of a step: the open one of a step that was begun before a restart, else a new one.
    pub(super) async fn log(&self, step: StepId) -> Result<LogWriter, StepError> {
        let read = move |conn: &mut Conn| log_rows::of_step(conn, step);
        let known = self.parts.db.read("step log", read).await?;
        outputs::named(&self.parts.logs, &known, step, outputs::OUTPUT).await
    }

    /// A path below the build's folder, as the agent takes it.
    pub(super) fn path(&self, below: &str) -> String {
        match below.trim_end_matches('/') {
            "" | "." => self.build.folder.clone(),
            below => format!("{}/{}", self.build.folder, below.trim_start_matches("./")),
        }
    }
}

/// Appends a line of the system's own to a log and shows it at once.
pub(super) async fn say(log: &mut LogWriter, line: &str) -> Result<(), StepError> {
    log.append(format!("{line}\n").as_bytes()).await?;
    Ok(log.commit().await?)
}
