//! Changes as pages and REST show them.

use crate::clock::Time;
use crate::ids::{BuildId, ChangeId};

use super::{BuildResult, BuildState};

/// One commit seen on a branch.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ChangeSummary {
    /// Its id.
    pub id: ChangeId,
    /// Name of the repository.
    pub repository: String,
    /// Branch.
    pub branch: String,
    /// Revision.
    pub revision: String,
    /// Its place on the branch.
    pub position: i64,
    /// Author's name as version control has it.
    pub author: String,
    /// Author's mail address.
    pub author_email: Option<String>,
    /// The whole message.
    pub message: String,
    /// Paths changed, cut to what was stored.
    pub files: Vec<String>,
    /// How many there were.
    pub files_total: i64,
    /// When it was committed.
    pub committed_at: Time,
    /// When the master saw it.
    pub seen_at: Time,
    /// Builds with it, newest first; empty where a function says so.
    pub builds: Vec<ChangeBuild>,
}

/// A build with a change, in short.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct ChangeBuild {
    /// Its id.
    pub id: BuildId,
    /// Name of its builder.
    pub builder: String,
    /// Its number within the builder.
    pub number: i64,
    /// Where it is.
    pub state: BuildState,
    /// How it ended.
    pub result: Option<BuildResult>,
}

/// Which changes to list.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    /// Of this repository only.
    pub repository: Option<String>,
    /// Of this branch only.
    pub branch: Option<String>,
    /// Older than this one only.
    pub before: Option<ChangeId>,
}
