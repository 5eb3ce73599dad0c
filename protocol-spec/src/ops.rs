//! The operations of version 1 as types: what a master asks and what an agent answers, each with
//! `to_box` and `from_box` used by both sides. What an operation does is the agent's business.

mod agent;
mod commands;
mod exec;
mod facts;
mod files;
mod manner;
mod result;
mod trees;

pub use agent::{Shutdown, ShutdownMode, Upgrade};
pub use commands::{Attach, Forget, Order, Signal};
pub use exec::{Exec, Program};
pub use facts::{Df, DfResult, Hash, HashResult};
pub use files::{Copy, Get, GetResult, Mkdir, Put, Remove, Rename, Stat, StatResult};
pub use manner::{Leftovers, OnFull, Output, Pty, Secret, SignalName, Stdin, Tail};
pub use result::{ExecResult, Reason};
pub use trees::{Delete, ManifestId, Readdir, TreeGet, TreeGetResult, TreePut, TreePutResult};

use crate::boxes::Boxed;
use crate::error::{Code, Failure};
use crate::ids::CommandState;

/// One request of the master.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "a request is made, sent and dropped; there are never many at once"
)]
pub enum Request {
    /// Start a command, or attach to it if this id with this digest is known.
    Exec(Exec),
    /// Send the journal of a command from an offset.
    Attach(Attach),
    /// Signal a command, or end it, without being attached to it.
    Signal(Signal),
    /// Delete a finished command and its journal.
    Forget(Forget),
    /// Which commands the agent knows (answer: `list_result`).
    List,
    /// What the agent's machine is like (answer: free keys, see the text).
    Info,
    /// Receive a file.
    Put(Put),
    /// Send a file.
    Get(Get),
    /// Receive a tree.
    TreePut(TreePut),
    /// Send a tree.
    TreeGet(TreeGet),
    /// Make a folder.
    Mkdir(Mkdir),
    /// Delete.
    Remove(Remove),
    /// Move.
    Rename(Rename),
    /// Duplicate.
    Copy(Copy),
    /// Describe one path (answer: `StatResult`).
    Stat(Stat),
    /// List a folder: entries of `tree` as the up stream.
    Readdir(Readdir),
    /// End the agent.
    Shutdown(Shutdown),
    /// Replace the agent's program by the down stream.
    Upgrade(Upgrade),
    /// Read a file's SHA-256 (answer: `HashResult`).
    Hash(Hash),
    /// Tell the room on the disk (answer: `DfResult`).
    Df(Df),
}

impl Request {
    /// The word of the key `op`.
    pub fn op(&self) -> &'static str {
        match self {
            Self::Exec(_) => "exec",
            Self::Attach(_) => "attach",
            Self::Signal(_) => "signal",
            Self::Forget(_) => "forget",
            Self::List => "list",
            Self::Info => "info",
            Self::Put(_) => "put",
            Self::Get(_) => "get",
            Self::TreePut(_) => "tree_put",
            Self::TreeGet(_) => "tree_get",
            Self::Mkdir(_) => "mkdir",
            Self::Remove(_) => "remove",
            Self::Rename(_) => "rename",
            Self::Copy(_) => "copy",
            Self::Stat(_) => "stat",
            Self::Readdir(_) => "readdir",
            Self::Shutdown(_) => "shutdown",
            Self::Upgrade(_) => "upgrade",
            Self::Hash(_) => "hash",
            Self::Df(_) => "df",
        }
    }

    /// The box with `op` first.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("op", self.op());
        match self {
            Self::Exec(op) => op.write(&mut pairs),
            Self::Attach(op) => op.write(&mut pairs),
            Self::Signal(op) => op.write(&mut pairs),
            Self::Forget(op) => op.write(&mut pairs),
            Self::List | Self::Info => {}
            Self::Put(op) => op.write(&mut pairs),
            Self::Get(op) => op.write(&mut pairs),
            Self::TreePut(op) => op.write(&mut pairs),
            Self::TreeGet(op) => op.write(&mut pairs),
            Self::Mkdir(op) => op.write(&mut pairs),
            Self::Remove(op) => op.write(&mut pairs),
            Self::Rename(op) => op.write(&mut pairs),
            Self::Copy(op) => op.write(&mut pairs),
            Self::Stat(op) => op.write(&mut pairs),
            Self::Readdir(op) => op.write(&mut pairs),
            Self::Shutdown(op) => op.write(&mut pairs),
            Self::Upgrade(op) => op.write(&mut pairs),
            Self::Hash(op) => op.write(&mut pairs),
            Self::Df(op) => op.write(&mut pairs),
        }
        pairs
    }

    /// Reads a REQ; the failure is what the agent answers (`unsupported`, `bad-request`,
    /// `bad-path`).
    pub fn from_box(pairs: &Boxed) -> Result<Self, Failure> {
        pairs.check_understood(&[])?;
        let op = pairs.require_text("op")?;
        Ok(match op {
            "exec" => Self::Exec(Exec::read(pairs)?),
            "attach" => Self::Attach(Attach::read(pairs)?),
            "signal" => Self::Signal(Signal::read(pairs)?),
            "forget" => Self::Forget(Forget::read(pairs)?),
            "list" => Self::List,
            "info" => Self::Info,
            "put" => Self::Put(Put::read(pairs)?),
            "get" => Self::Get(Get::read(pairs)?),
            "tree_put" => Self::TreePut(TreePut::read(pairs)?),
            "tree_get" => Self::TreeGet(TreeGet::read(pairs)?),
            "mkdir" => Self::Mkdir(Mkdir::read(pairs)?),
            "remove" => Self::Remove(Remove::read(pairs)?),
            "rename" => Self::Rename(Rename::read(pairs)?),
            "copy" => Self::Copy(Copy::read(pairs)?),
            "stat" => Self::Stat(Stat::read(pairs)?),
            "readdir" => Self::Readdir(Readdir::read(pairs)?),
            "shutdown" => Self::Shutdown(Shutdown::read(pairs)?),
            "upgrade" => Self::Upgrade(Upgrade::read(pairs)?),
            "hash" => Self::Hash(Hash::read(pairs)?),
            "df" => Self::Df(Df::read(pairs)?),
            _ => {
                return Err(Failure::new(
                    Code::Unsupported,
                    format!("no operation `{op}`"),
                ));
            }
        })
    }
}

/// The answer to `list`, and the body of READY: one `cmd` for each command.
pub fn list_result(commands: &[CommandState]) -> Boxed {
    let mut pairs = Boxed::new();
    commands
        .iter()
        .for_each(|command| pairs.push("cmd", command.to_text()));
    pairs
}

/// Reads `list_result`; `bad-request` names a line that is malformed.
pub fn parse_list(pairs: &Boxed) -> Result<Vec<CommandState>, Failure> {
    pairs
        .all("cmd")
        .map(|value| {
            std::str::from_utf8(value)
                .ok()
                .and_then(CommandState::parse)
                .ok_or_else(|| {
                    Failure::new(Code::BadRequest, "`cmd` must be `id generation state end`")
                })
        })
        .collect()
}

#[cfg(test)]
mod tests;
