//! How a command ended, as the rest of the master knows it; stored as JSON. Not here: what it
//! means for a step.

use serde::{Deserialize, Serialize};
use windlass_protocol::ops;

use super::command::BadCommand;

/// Why a command ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndReason {
    /// By itself, with an exit code.
    Exited,
    /// By a signal that was not ours.
    Signalled,
    /// Its time was over.
    Timeout,
    /// It was silent for too long.
    Idle,
    /// It wrote too much.
    MaxOutput,
    /// Somebody cancelled it.
    Cancelled,
    /// No master came for too long.
    LeaseExpired,
    /// It could not be started; the text says why.
    SpawnFailed,
    /// Whoever watched it died; its end is unknown.
    AgentLost,
}

/// How a command ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandResult {
    /// Why.
    pub reason: EndReason,
    /// Exit code, if it exited.
    pub exit: Option<u32>,
    /// Number of the signal that ended it.
    pub signal: Option<u32>,
    /// Milliseconds from start to end.
    pub wall_ms: u64,
    /// Milliseconds of processor time in the program.
    pub user_ms: u64,
    /// Milliseconds of processor time in the kernel.
    pub sys_ms: u64,
    /// Bytes of memory at the peak.
    pub memory_bytes_max: u64,
    /// Processes that outlived it and were killed.
    pub leftovers_killed: u64,
    /// Processes that outlived it and live on.
    #[serde(default)]
    pub leftovers_left: u64,
    /// What Windows ended it with: an exit code of 0xC0000000 or more.
    #[serde(default)]
    pub ntstatus: Option<u32>,
    /// Bytes of output that the agent threw away.
    #[serde(default)]
    pub dropped: u64,
    /// A sentence for a person, mostly why it could not be started.
    pub text: String,
    /// Remarks of the agent, the last few.
    pub notes: Vec<String>,
}

impl CommandResult {
    /// Whether it exited by itself with code 0.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.reason == EndReason::Exited && self.exit == Some(0)
    }

    /// A command whose end nobody saw.
    pub(crate) fn lost(text: impl Into<String>) -> Self {
        Self {
            reason: EndReason::AgentLost,
            exit: None,
            signal: None,
            wall_ms: 0,
            user_ms: 0,
            sys_ms: 0,
            memory_bytes_max: 0,
            leftovers_killed: 0,
            leftovers_left: 0,
            ntstatus: None,
            dropped: 0,
            text: text.into(),
            notes: Vec::new(),
        }
    }

    /// The JSON to store.
    pub fn to_json(&self) -> Result<String, BadCommand> {
        serde_json::to_string(self).map_err(|error| BadCommand(error.to_string()))
    }

    /// Reads [`Self::to_json`].
    pub fn from_json(text: &str) -> Result<Self, BadCommand> {
        serde_json::from_str(text).map_err(|error| BadCommand(error.to_string()))
    }
}

impl From<ops::ExecResult> for CommandResult {
    fn from(result: ops::ExecResult) -> Self {
        Self {
            reason: match result.reason {
                ops::Reason::Exited => EndReason::Exited,
                ops::Reason::Signalled => EndReason::Signalled,
                ops::Reason::Timeout => EndReason::Timeout,
                ops::Reason::Idle => EndReason::Idle,
                ops::Reason::MaxOutput => EndReason::MaxOutput,
                ops::Reason::Cancelled => EndReason::Cancelled,
                ops::Reason::LeaseExpired => EndReason::LeaseExpired,
                ops::Reason::SpawnFailed => EndReason::SpawnFailed,
                ops::Reason::AgentLost => EndReason::AgentLost,
            },
            exit: result.exit,
            signal: result.signal,
            wall_ms: result.wall_ms,
            user_ms: result.user_ms,
            sys_ms: result.sys_ms,
            memory_bytes_max: result.max_rss,
            leftovers_killed: result.leftovers_killed,
            leftovers_left: result.leftovers_left,
            ntstatus: result.ntstatus,
            dropped: result.dropped,
            text: result.text,
            notes: Vec::new(),
        }
    }
}
