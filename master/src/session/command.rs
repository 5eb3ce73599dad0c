//! What a command is and how it ended, as the rest of the master knows it; stored as JSON beside
//! its lease.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_protocol::{hex, ops};

use super::calls::{self, LinkError};

/// The random 128-bit id of a command: 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct CommandId([u8; 16]);

impl CommandId {
    /// A fresh one, from the operating system's randomness.
    pub fn random() -> std::io::Result<Self> {
        super::random().map(Self)
    }

    pub(super) fn wire(self) -> windlass_protocol::CommandId {
        windlass_protocol::CommandId(self.0)
    }

    pub(super) fn from_wire(id: windlass_protocol::CommandId) -> Self {
        Self(id.0)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl FromStr for CommandId {
    type Err = BadCommand;
    fn from_str(text: &str) -> Result<Self, BadCommand> {
        hex::decode_array(text.as_bytes())
            .map(Self)
            .ok_or_else(|| BadCommand(format!("`{text}` is not 32 lower-case hex digits")))
    }
}

impl From<CommandId> for String {
    fn from(id: CommandId) -> Self {
        id.to_string()
    }
}

impl TryFrom<String> for CommandId {
    type Error = BadCommand;
    fn try_from(text: String) -> Result<Self, BadCommand> {
        text.parse()
    }
}

/// A command that cannot be stored, read back or sent; the text says why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("bad command: {0}")]
pub struct BadCommand(pub String);

/// Bytes as an operating system has them; JSON text where they are UTF-8, `{"hex": …}` elsewhere.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Bytes {
    /// UTF-8.
    Text(String),
    /// Anything.
    Raw {
        /// Lower-case hex digits.
        hex: String,
    },
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        String::from_utf8(bytes).map_or_else(
            |error| Self::Raw {
                hex: hex::encode(error.as_bytes()),
            },
            Self::Text,
        )
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Bytes {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl Bytes {
    fn wire(&self) -> Result<Vec<u8>, BadCommand> {
        match self {
            Self::Text(text) => Ok(text.clone().into_bytes()),
            Self::Raw { hex } => hex::decode(hex.as_bytes())
                .ok_or_else(|| BadCommand(format!("`{hex}` is not pairs of hex digits"))),
        }
    }
}

/// What is started.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A program and its arguments; at least one.
    Argv(Vec<Bytes>),
    /// A script for the agent's `sh`.
    Script(Bytes),
}

/// A command: everything that is needed to start it, or to take it up again.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CommandSpec {
    /// Its id; never used for another command.
    pub id: CommandId,
    /// Generation of its lease, 1 and up.
    pub generation: u64,
    /// What is started.
    pub program: Program,
    /// Working folder below the agent's root; must exist.
    pub cwd: String,
    /// Variables to set on the agent's environment: names without `=`, no NUL anywhere.
    pub env: Vec<(Bytes, Bytes)>,
    /// Time until it is ended; zero is no limit.
    pub timeout: Duration,
    /// Time without output until it is ended; zero is no limit.
    pub idle: Duration,
    /// Time between asking it to end and killing it.
    pub grace: Duration,
    /// Bytes of output until it is ended; 0 is no limit.
    pub output_bytes_max: u64,
    /// How long it may run without a master.
    pub lease: Duration,
}

impl CommandSpec {
    /// A command with a fresh id, generation 1, no time-outs, 10 s of grace and a lease of three days.
    pub fn new(program: Program, cwd: impl Into<String>) -> std::io::Result<Self> {
        Ok(Self {
            id: CommandId::random()?,
            generation: 1,
            program,
            cwd: cwd.into(),
            env: Vec::new(),
            timeout: Duration::ZERO,
            idle: Duration::ZERO,
            // Enough for a compiler to delete its half-written files.
            grace: Duration::from_secs(10),
            output_bytes_max: 0,
            // A master that fell over on Friday evening is found on Monday morning.
            lease: Duration::from_secs(3 * 86_400),
        })
    }

    /// 64 hex digits over what the command is: the agent refuses the same id with another digest.
    pub fn digest(&self) -> Result<String, BadCommand> {
        Ok(hex::encode(&self.wire()?.digest()))
    }

    /// The JSON to store with the lease.
    pub fn to_json(&self) -> Result<String, BadCommand> {
        serde_json::to_string(self).map_err(|error| BadCommand(error.to_string()))
    }

    /// Reads [`Self::to_json`].
    pub fn from_json(text: &str) -> Result<Self, BadCommand> {
        serde_json::from_str(text).map_err(|error| BadCommand(error.to_string()))
    }

    pub(super) fn wire(&self) -> Result<ops::Exec, BadCommand> {
        let program = match &self.program {
            Program::Argv(argv) => {
                ops::Program::Argv(argv.iter().map(Bytes::wire).collect::<Result<_, _>>()?)
            }
            Program::Script(text) => ops::Program::Script {
                text: text.wire()?,
                shell: "sh".to_owned(),
            },
        };
        let mut exec = ops::Exec::new(self.id.wire(), program);
        exec.generation = self.generation;
        exec.cwd =
            calls::path(&self.cwd).map_err(|error: LinkError| BadCommand(error.to_string()))?;
        exec.env_set = self
            .env
            .iter()
            .map(|(name, value)| Ok((name.wire()?, value.wire()?)))
            .collect::<Result<_, BadCommand>>()?;
        exec.timeout_ms = milliseconds(self.timeout);
        exec.idle_ms = milliseconds(self.idle);
        exec.grace_ms = milliseconds(self.grace);
        exec.max_bytes = self.output_bytes_max;
        exec.lease_s = self.lease.as_secs();
        Ok(exec)
    }
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

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
            text: result.text,
            notes: Vec::new(),
        }
    }
}
