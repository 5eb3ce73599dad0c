//! SHA-256 of git objects that were hashed before, in an append-only file beside the mirror, so
//! that a nearby revision hashes only its new objects. Losing the file costs only time.

use crate::hex::{hex, unhex};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

/// A line: id, space, hash, line feed. 128 MiB hold over a million objects; a file above is begun
/// anew.
const FILE_BYTES_MAX: u64 = 128 << 20;

/// The remembered hashes of one mirror.
#[derive(Debug)]
pub(super) struct Hashes {
    file: PathBuf,
    /// Read from the file when it is first wanted.
    known: Mutex<Option<HashMap<String, [u8; 32]>>>,
}

impl Hashes {
    pub(super) fn new(file: PathBuf) -> Self {
        Self {
            file,
            known: Mutex::new(None),
        }
    }

    /// The hashes of those of `objects` that are known, in their order. Blocks on the disk the
    /// first time.
    pub(super) fn look_up(&self, objects: &[&str]) -> Vec<Option<[u8; 32]>> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_with(|| self.load());
        objects.iter().map(|id| known.get(*id).copied()).collect()
    }

    /// Remembers new hashes. Blocks on the disk.
    pub(super) fn remember(&self, new: &[(String, [u8; 32])]) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_with(|| self.load());
        let mut lines = String::with_capacity(new.len() * 106);
        for (id, hash) in new {
            known.insert(id.clone(), *hash);
            lines.push_str(&format!("{id} {}\n", hex(hash)));
        }
        let mut options = std::fs::OpenOptions::new();
        let appended = options
            .create(true)
            .append(true)
            .open(&self.file)
            .and_then(|mut file| file.write_all(lines.as_bytes()));
        if let Err(error) = appended {
            tracing::warn!(file = %self.file.display(), %error, "cannot remember hashes");
        }
    }

    fn load(&self) -> HashMap<String, [u8; 32]> {
        let size = std::fs::metadata(&self.file).map_or(0, |meta| meta.len());
        if size > FILE_BYTES_MAX {
            // A failure to remove it leaves a file that is not read and grows on: harmless.
            let _ = std::fs::remove_file(&self.file);
            return HashMap::new();
        }
        let text = std::fs::read(&self.file).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        // A line that a crash cut short does not parse and is passed over.
        let pairs = text.lines().filter_map(|line| {
            let (id, hash) = line.split_once(' ')?;
            Some((id.to_owned(), unhex(hash)?.try_into().ok()?)).filter(|_| super::is_object_id(id))
        });
        pairs.collect()
    }
}
