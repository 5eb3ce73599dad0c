//! What is kept about a command beside its journal: the digest of its arguments, its generation,
//! and under which start of the machine it began. It is durable before the command starts, so
//! that an agent that starts anew, even after the machine fell over, never starts the same
//! command again. Not here: the journal.

use std::io;
use std::path::Path;

use windlass_protocol::{Boxed, hex};

use super::disk::Disk;
use crate::clock;

/// Name of the file in the command's folder, and of the one that becomes it.
const NAME: &str = "record";
const PART: &str = "record.part";

/// The durable facts about a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    /// SHA-256 over its arguments.
    pub(super) digest: [u8; 32],
    /// The newest generation it was addressed with.
    pub(super) generation: u64,
    /// Which start of the machine it began under; empty if the system does not tell.
    pub(super) boot: String,
    /// It takes input that comes over a channel.
    pub(super) takes_input: bool,
}

impl Record {
    /// Writes it into the command's folder, replacing an older one, and makes it durable.
    pub(super) fn write<D: Disk>(&self, disk: &D) -> io::Result<()> {
        let mut pairs = Boxed::new();
        pairs.push("digest", hex::encode(&self.digest));
        pairs.push_number("generation", self.generation);
        pairs.push("boot", &self.boot);
        pairs.push_flag("takes_input", self.takes_input);
        let mut file = disk.open(PART)?;
        // What a failed try has left there.
        disk.truncate(&mut file, 0)?;
        disk.append(&mut file, &pairs.encode())?;
        disk.sync(&file)?;
        drop(file);
        disk.rename(PART, NAME)?;
        disk.sync_names()
    }

    /// Reads it out of the command's folder; `None` if there surely is none.
    pub(super) fn read<D: Disk>(disk: &D) -> io::Result<Option<Record>> {
        let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidData, why.to_owned());
        let bytes = match disk.read(NAME) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let pairs = Boxed::decode(&bytes).map_err(|error| invalid(&error.to_string()))?;
        let digest = pairs.first("digest").and_then(hex::decode_array);
        let generation = pairs.number("generation").ok().flatten();
        let boot = pairs
            .text("boot")
            .ok()
            .flatten()
            .unwrap_or_default()
            .to_owned();
        let takes_input = pairs.flag("takes_input").unwrap_or(false);
        match (digest, generation) {
            (Some(digest), Some(generation)) => Ok(Some(Record {
                digest,
                generation,
                boot,
                takes_input,
            })),
            _ => Err(invalid("no digest or generation")),
        }
    }
}

/// Seconds since the command's journal was last written; 0 if that cannot be told.
pub(super) fn age_seconds(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    entries
        .filter_map(Result::ok)
        .filter(|entry| entry.file_name().to_string_lossy().starts_with("journal."))
        .filter_map(|entry| entry.metadata().ok()?.modified().ok())
        .map(clock::seconds_since)
        .min()
        .unwrap_or(0)
}
