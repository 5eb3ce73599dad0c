//! The agent protocol of Windlass without any input or output: frames, boxes, handshake,
//! channels, journal and trees, as state machines that take bytes and times and give bytes and
//! events. Sockets, files, clocks and randomness belong to the programs that use it.

#![doc = ""]
#![doc = include_str!("../README.md")]
#![deny(unsafe_code)]

pub mod auth;
pub mod boxes;
pub mod connection;
pub mod error;
pub mod frame;
pub mod header;
pub mod hello;
pub mod hex;
pub mod hmac;
pub mod ids;
pub mod journal;
pub mod limits;
pub mod ops;
pub mod path;
pub mod sha256;
pub mod tree;
pub mod websocket;

pub use auth::{Key, Token};
pub use boxes::Boxed;
pub use connection::{CancelMode, CloseReason, Connection, Event, Timing};
pub use error::{CallError, Code, Failure, ProtocolError};
pub use hello::{AgentHello, MasterHello};
pub use ids::{ChannelId, CommandId, CommandState, Progress};
pub use path::RelPath;

#[cfg(test)]
mod tests;
