//! Channel numbers, command ids and what an agent says about a command it knows.

use crate::hex;
use std::fmt;

/// The number of a channel: chosen by the master, rising from 1, never used again in one
/// connection. 0 is the connection itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ChannelId(pub u32);

impl fmt::Display for ChannelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The random 128-bit id of a command, picked by the master; written as 32 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub [u8; 16]);

impl CommandId {
    /// Reads 32 lower-case hex digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        hex::decode_array(text.as_bytes()).map(Self)
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CommandId({self})")
    }
}

/// Whether a command still runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// Its journal still grows.
    Running,
    /// Its exit box is written: the journal is complete.
    Finished,
}

/// One line of READY and of `list`: a command the agent knows and has not been told to forget.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct CommandState {
    /// The command.
    pub id: CommandId,
    /// The newest generation it was addressed with.
    pub generation: u64,
    /// Running or finished.
    pub progress: Progress,
    /// Bytes of its journal so far.
    pub journal_end: u64,
}

impl CommandState {
    /// `id generation running|finished journal_end`, separated by one space.
    pub fn to_text(&self) -> String {
        let progress = match self.progress {
            Progress::Running => "running",
            Progress::Finished => "finished",
        };
        format!(
            "{} {} {progress} {}",
            self.id, self.generation, self.journal_end
        )
    }

    /// Reads what `to_text` wrote; further words are ignored, `None` if a word is wrong.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let id = CommandId::parse(words.next()?)?;
        let generation = words.next()?.parse().ok()?;
        let progress = match words.next()? {
            "running" => Progress::Running,
            "finished" => Progress::Finished,
            _ => return None,
        };
        let journal_end = words.next()?.parse().ok()?;
        Some(Self {
            id,
            generation,
            progress,
            journal_end,
        })
    }
}
