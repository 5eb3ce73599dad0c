//! Builders as pages and REST show them.

use super::BuildSummary;
use crate::clock::Time;
use crate::ids::BuilderId;

/// A builder with how it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
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
    /// Its builds that are running, oldest first.
    pub running: Vec<BuildSummary>,
    /// Requests waiting for it.
    pub pending: i64,
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
