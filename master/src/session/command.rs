//! What a command is, as the rest of the master knows it; stored as JSON beside its lease. Not
//! here: how it ended (`result`), and how it is run in the words of the protocol (`manner`).

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use windlass_protocol::{hex, ops};

use super::calls::{self, LinkError};
use super::manner;
use crate::config::manner::Manner;
use crate::config::resolved::SecretRef;

/// Shortest secret, bytes: a shorter one would be hidden where it is none.
const SECRET_BYTES_MIN: usize = 8;

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
    /// The shell of a script: `sh`, or `cmd` on Windows.
    #[serde(default = "usual_shell")]
    pub shell: String,
    /// What it reads.
    #[serde(default)]
    pub stdin: Option<String>,
    /// How else it is run.
    #[serde(default)]
    pub manner: Manner,
    /// The values of `manner.secrets`, in their order, once they were read; never stored.
    #[serde(skip)]
    values: Vec<ops::Secret>,
    /// How long it may run without a master.
    pub lease: Duration,
}

fn usual_shell() -> String {
    "sh".to_owned()
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
            shell: usual_shell(),
            stdin: None,
            manner: Manner::default(),
            values: Vec::new(),
        })
    }

    /// Whether some of its variables are secrets.
    #[must_use]
    pub fn has_secrets(&self) -> bool {
        !self.manner.secrets.is_empty()
    }

    /// Reads its secrets where they lie: to be done before it is sent, and before its output is
    /// taken. The error says which could not be read, and nothing of what was found.
    pub fn reveal(&mut self) -> std::io::Result<()> {
        let read = |(name, place): (&String, &SecretRef)| {
            let of = |error: std::io::Error| {
                std::io::Error::new(error.kind(), format!("the variable {name}: {error}"))
            };
            let value = place.read().map_err(of)?;
            if value.len() < SECRET_BYTES_MIN {
                let text =
                    format!("it is too short to be hidden in logs; {SECRET_BYTES_MIN} bytes");
                return Err(of(std::io::Error::other(text + " are the least")));
            }
            Ok(ops::Secret(value.into_bytes()))
        };
        self.values = self
            .manner
            .secrets
            .iter()
            .map(read)
            .collect::<Result<_, _>>()?;
        Ok(())
    }

    /// The secrets that were read, to be hidden in logs.
    #[must_use]
    pub fn secrets(&self) -> Vec<Vec<u8>> {
        self.values.iter().map(|value| value.0.clone()).collect()
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
                shell: self.shell.clone(),
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
        manner::apply(self, &self.values, &mut exec)?;
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
