//! Builders as pages and REST show them.

use super::{BuildResult, BuildState, BuildSummary};
use crate::clock::Time;
use crate::ids::{BuildId, BuilderId};

/// A builder with how it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct BuilderSummary {
    /// Its id.
    pub id: BuilderId,
    /// Its name.
    pub name: String,
    /// Name of its project.
    pub project: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is in the configuration now.
    pub active: bool,
    /// Its newest finished build that was not cancelled.
    pub last: Option<BuildSummary>,
    /// When the row of builds as good (or bad) as the last one began.
    pub since: Option<Time>,
    /// Its last builds, newest first, at most [`RECENT_MAX`].
    pub recent: Vec<RecentBuild>,
    /// Its builds that are running, oldest first.
    pub running: Vec<BuildSummary>,
    /// Requests waiting for it.
    pub pending: i64,
}

/// Last builds told with a builder: a glance, not a history.
pub const RECENT_MAX: usize = 12;

/// A build of the recent history of a builder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RecentBuild {
    /// Its id.
    pub id: BuildId,
    /// Its number within the builder.
    pub number: i64,
    /// Where it is.
    pub state: BuildState,
    /// How it ended.
    pub result: Option<BuildResult>,
}

/// Which builders to list.
#[derive(Debug, Clone, Default)]
pub struct BuilderFilter {
    /// Of this project only.
    pub project: Option<String>,
    /// With this tag only.
    pub tag: Option<String>,
    /// This one only.
    pub name: Option<String>,
}
