//! Connections of agents: the ways they come in, one task per connection that owns the protocol's
//! state machine, and what is asked over it. Who may connect is decided by `agents`; what
//! survives a cut connection lives there too. Nothing outside names a socket or the protocol.

mod calls;
mod channel;
mod command;
mod connection;
mod dialler;
mod entrance;
mod files;
mod journal;
mod limits;
mod link;
mod listener;
mod manner;
mod pipe;
mod put;
mod result;
mod strangers;
mod tasks;
mod tls;
mod tree;
mod tree_get;
mod upgrade;
mod websocket;
mod wire;

pub(crate) use calls::LinkError;
pub use calls::Refusal;
pub use command::{BadCommand, Bytes, CommandId, CommandSpec, Program};
pub(crate) use connection::Registry;
pub use dialler::dial;
pub use entrance::Entrance;
pub use files::{ByteSink, DirEntry, EntryKind, FileFacts};
pub(crate) use files::{FileTransfer, listing, stat_of};
pub(crate) use journal::{Journal, JournalPart, Mark};
pub(crate) use link::{KnownCommand, Link, Said, StatusSaid};
pub use listener::{Door, Speech, listen};
pub(crate) use put::put;
pub use put::{FileContents, NewFile};
pub use result::{CommandResult, EndReason};
pub use tasks::spawn_named;
pub use tls::Certificate;
pub(crate) use tree::tree_put;
pub use tree::{TreeContents, TreePlace};
pub(crate) use tree_get::TreeTransfer;
pub use tree_get::{TreeBounds, TreeSink};
pub(crate) use upgrade::{NewProgram, upgrade};
pub use websocket::{Upgraded, accept_value};

/// Why a connection is shown out by the registry of agents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// A newer connection of the same installation took over.
    Replaced,
    /// Another installation is connected by this name.
    Duplicate,
    /// The master stops.
    Stopping,
}

/// A new key of an agent: its text for the agent's key file (`wlk1_…`) and the 64 hex digits to
/// store. The text is shown once and never stored.
pub fn new_key() -> std::io::Result<(String, String)> {
    let bytes: [u8; 32] = random()?;
    let text = windlass_protocol::Key::from_bytes(bytes).to_text();
    Ok((text, windlass_protocol::hex::encode(&bytes)))
}

/// A new one-time token: its text for the machine (`wlt1_…`), its public id and the 64 hex digits
/// of its secret to store. The text is shown once and never stored.
pub fn new_token() -> std::io::Result<(String, String, String)> {
    let (id, bytes): ([u8; 8], [u8; 32]) = (random()?, random()?);
    let token = windlass_protocol::Token {
        id: windlass_protocol::hex::encode(&id),
        secret: windlass_protocol::Key::from_bytes(bytes),
    };
    let secret = windlass_protocol::hex::encode(&bytes);
    Ok((token.to_text(), token.id, secret))
}

/// Bytes from the operating system's randomness.
fn random<const N: usize>() -> std::io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| std::io::Error::other(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
pub(crate) mod tests;
