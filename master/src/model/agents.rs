//! Agents as pages and REST show them.

use std::collections::BTreeMap;

use super::BuildSummary;
use crate::clock::Time;
use crate::ids::AgentId;

/// A build machine with how it stands.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AgentSummary {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Version of its program, as it said last.
    pub version: Option<String>,
    /// Operating system, as it said last.
    pub os: Option<String>,
    /// Processor architecture, as it said last.
    pub arch: Option<String>,
    /// What else it said of itself, such as `cpus`, as JSON texts.
    pub facts: BTreeMap<String, String>,
    /// Labels from the configuration.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time.
    pub slots: u32,
    /// Whether it is in the configuration now.
    pub active: bool,
    /// Whether it gets no new builds.
    pub paused: bool,
    /// Whether it is connected now.
    pub connected: bool,
    /// Whether it has a key to prove itself with.
    pub has_key: bool,
    /// When it last connected.
    pub connected_at: Option<Time>,
    /// When it was last heard of.
    pub last_seen_at: Option<Time>,
    /// Its builds that are running, oldest first.
    pub running: Vec<BuildSummary>,
}
