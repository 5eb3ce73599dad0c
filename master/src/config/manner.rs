//! How the command of a `run` step is run, apart from what it is: environment, terminal, limits,
//! what it leaves, further logs. Part of the resolved configuration, and stored with a command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::resolved::SecretRef;

/// How a command is run. Everything that is absent is the agent's usual way.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Manner {
    /// Whether the environment begins empty instead of as the agent's.
    pub clean_env: bool,
    /// Variables that are taken out of the agent's environment.
    pub unset: Vec<String>,
    /// Texts put before the present value of a variable, with the system's list separator.
    pub prepend: BTreeMap<String, String>,
    /// Variables whose values are secrets.
    pub secrets: BTreeMap<String, SecretRef>,
    /// A terminal instead of pipes.
    pub pty: Option<Pty>,
    /// Steps of lower priority, 0 to 19.
    pub nice: u8,
    /// The mask for new files.
    pub umask: Option<u16>,
    /// Whether errors go to a log of their own.
    pub split: bool,
    /// Lines of output until it is ended; 0 is no limit.
    pub lines_max: u64,
    /// Whether processes that outlive the command may stay.
    pub keep_leftovers: bool,
    /// What happens when output finds no room at the agent.
    pub on_full: OnFull,
    /// Files that are followed while it runs, by the name of the log they become; in a
    /// configuration below the build's folder, in a command below the agent's root.
    pub logs: BTreeMap<String, String>,
}

/// The size of a terminal, characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pty {
    /// Lines, 1 and up.
    pub rows: u16,
    /// Characters of a line, 1 and up.
    pub columns: u16,
}

/// What happens when output finds no room at the agent, because the master is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFull {
    /// The command waits.
    #[default]
    Block,
    /// The command is ended.
    Kill,
    /// Output is thrown away and counted.
    Drop,
}
