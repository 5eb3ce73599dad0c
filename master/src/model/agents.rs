//! Agents as pages and REST show them.

use std::collections::BTreeMap;

use super::{AgentUpgradeState, BuildSummary};
use crate::clock::Time;
use crate::ids::{AgentId, AgentTokenId, AgentUpgradeId};

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
    /// Whether it came by a token, without being named in the configuration.
    pub enrolled: bool,
    /// Whether it has a key to prove itself with.
    pub has_key: bool,
    /// Whether an older key is valid beside its present one.
    pub has_old_key: bool,
    /// Who looks after it; told to those who are logged in.
    pub owner: Option<String>,
    /// How else its owner is reached; told to those who are logged in.
    pub contact: Option<String>,
    /// Where it is connected from, as the master sees it; told to those who are logged in.
    pub peer: Option<String>,
    /// How it is connected: `tcp`, `tls`, `http` or `dialled`.
    pub transport: Option<String>,
    /// Whether nobody can read its connection on the way.
    pub confidential: Option<bool>,
    /// How its machine stood when it told it last.
    pub status: Option<AgentStatus>,
    /// Why it takes no new command, in its own words.
    pub refuses: Option<String>,
    /// Since when it is missing, once its owner was told.
    pub missing_at: Option<Time>,
    /// The newest sending of a new program to it.
    pub upgrade: Option<AgentUpgrade>,
    /// When it last connected.
    pub connected_at: Option<Time>,
    /// When it was last heard of.
    pub last_seen_at: Option<Time>,
    /// Its builds that are running, oldest first.
    pub running: Vec<BuildSummary>,
}

/// How an agent's machine stands; what it does not tell is absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AgentStatus {
    /// Free bytes where builds lie.
    pub disk_free: Option<u64>,
    /// All bytes there.
    pub disk_total: Option<u64>,
    /// Free bytes of memory.
    pub mem_free: Option<u64>,
    /// All bytes of memory.
    pub mem_total: Option<u64>,
    /// Load average times 100.
    pub load: Option<u64>,
    /// Commands that run.
    pub running: Option<u64>,
    /// When it told this.
    pub at: Option<Time>,
}

/// A one-time token for enrolling, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AgentToken {
    /// Its id.
    pub id: AgentTokenId,
    /// What the agent names it by.
    pub public_id: String,
    /// The name it is for, or a beginning of names followed by `*`.
    pub names: String,
    /// Labels that it gives.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time that it gives.
    pub slots: u32,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Time,
    /// When it ends.
    pub expires_at: Time,
    /// When a machine used it.
    pub used_at: Option<Time>,
    /// The agent that used it.
    pub agent: Option<String>,
    /// When that agent first used its own key: from then on the token is spent.
    pub settled_at: Option<Time>,
    /// When it was taken back.
    pub revoked_at: Option<Time>,
}

/// A new program on its way to an agent, or there.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct AgentUpgrade {
    /// Its id.
    pub id: AgentUpgradeId,
    /// The agent.
    pub agent: AgentId,
    /// Name of the file that is sent.
    pub file: String,
    /// Its SHA-256, 64 hex digits.
    pub sha256: String,
    /// Its bytes.
    pub size: i64,
    /// Version that it is.
    pub version: String,
    /// Where it is.
    pub state: AgentUpgradeState,
    /// Bytes sent.
    pub sent: i64,
    /// What happens or why it failed, in a few words.
    pub state_text: String,
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub created_at: Time,
    /// When it came into its state.
    pub changed_at: Time,
    /// When it ended.
    pub ended_at: Option<Time>,
}

/// A program of the agent that the master hands out.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Program {
    /// Name of the file.
    pub file: String,
    /// Operating system that it is for.
    pub os: String,
    /// Processor that it is for.
    pub arch: String,
    /// Whether it speaks TLS by itself.
    pub tls: bool,
    /// Version that it is.
    pub version: String,
    /// Its bytes.
    pub size: u64,
    /// Its SHA-256, 64 hex digits.
    pub sha256: String,
}
