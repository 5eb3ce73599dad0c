//! What is written down about a command before its process starts: the digest of its arguments
//! and its generation. It is durable, so that an agent that starts anew, even after the machine
//! fell over, never starts the same command again. Not here: the journal.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use windlass_protocol::{Boxed, hex};

use crate::{clock, sys};

/// Name of the file in the command's folder.
const NAME: &str = "record";

/// The durable facts about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// SHA-256 over its arguments.
    pub(super) digest: [u8; 32],
    /// The newest generation it was addressed with.
    pub(super) generation: u64,
}

impl Record {
    /// Writes it into the command's folder, replacing an older one, and makes it durable.
    pub(super) fn write(self, folder: &Path) -> io::Result<()> {
        let mut pairs = Boxed::new();
        pairs.push("digest", hex::encode(&self.digest));
        pairs.push_number("generation", self.generation);
        let part = folder.join("record.part");
        let mut file = File::create(&part)?;
        file.write_all(&pairs.encode())?;
        file.sync_all()?;
        std::fs::rename(part, folder.join(NAME))?;
        sys::sync_folder(folder)
    }

    /// Whether the folder surely has none.
    pub(super) fn is_missing(folder: &Path) -> bool {
        matches!(folder.join(NAME).try_exists(), Ok(false))
    }

    /// Reads it out of the command's folder.
    pub(super) fn read(folder: &Path) -> io::Result<Record> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let bytes = std::fs::read(folder.join(NAME))?;
        let pairs = Boxed::decode(&bytes).map_err(|error| invalid(&error.to_string()))?;
        let digest = pairs.first("digest").and_then(hex::decode_array);
        let generation = pairs.number("generation").ok().flatten();
        match (digest, generation) {
            (Some(digest), Some(generation)) => Ok(Record { digest, generation }),
            _ => Err(invalid("no digest or generation")),
        }
    }
}

/// Seconds since the command's journal was last written; 0 if that cannot be told.
pub(super) fn age_seconds(folder: &Path) -> u64 {
    let modified = std::fs::metadata(folder.join("journal")).and_then(|found| found.modified());
    modified.map_or(0, clock::seconds_since)
}
