//! Contents of files that a tree held once, by their SHA-256, for the next tree that wants them.
//! A content comes here by renaming, when a tree replaces or deletes a file that is known to be
//! untouched, and costs nothing then. Not here: deciding what is wanted; trust in what is held,
//! since a build may still have a hand on it: whoever takes it checks it.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windlass_protocol::hex;

use super::remove::remove_name;
use crate::log::log;
use crate::sys::{self, Folder, Kind, OpenMode};

/// Contents at most: a table of them takes a megabyte, and a listing at the start 50 ms.
const FILES_MAX: usize = 16_384;

/// The folder of contents.
#[derive(Debug)]
pub(crate) struct Cache {
    folder: Folder,
    bytes_max: u64,
    table: Mutex<Table>,
}

/// What is held.
#[derive(Debug, Default)]
struct Table {
    files: HashMap<[u8; 32], Held>,
    bytes: u64,
    /// Counts uses.
    now: u64,
    /// The trees lie on another file system: nothing can be renamed here.
    is_elsewhere: bool,
}

#[derive(Debug, Clone, Copy)]
struct Held {
    size: u64,
    /// When it was used last.
    used: u64,
}

impl Cache {
    /// Opens the folder, making it if it is missing. Of what is held the oldest goes, down to
    /// `bytes_max`; with 0 nothing is kept.
    pub(crate) fn open(path: &Path, bytes_max: u64) -> io::Result<Cache> {
        std::fs::create_dir_all(path)?;
        let folder = Folder::open(path)?;
        let mut found = Vec::new();
        for listed in folder.list()? {
            let stat = folder.stat(&listed.name)?;
            match hex::decode_array::<32>(sys::os_bytes(&listed.name)) {
                Some(sha256) if stat.kind == Kind::File => {
                    found.push((stat.ctime_ns, sha256, stat.size));
                }
                _ => {
                    remove_name(&folder, &listed.name)?;
                }
            }
        }
        found.sort_unstable();
        let mut table = Table::default();
        for (_, sha256, size) in found {
            table.insert(sha256, size);
        }
        let cache = Cache {
            folder,
            bytes_max,
            table: Mutex::new(table),
        };
        cache.shrink(&mut cache.lock());
        Ok(cache)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Moves a file of that content here; says whether it did. The name is free then.
    pub(crate) fn keep(&self, from: &Folder, name: &OsStr, sha256: [u8; 32], size: u64) -> bool {
        let mut table = self.lock();
        let is_held = table.files.contains_key(&sha256);
        if size == 0 || size > self.bytes_max || is_held || table.is_elsewhere {
            return false;
        }
        match from.rename(name, &self.folder, &file_name(&sha256)) {
            Ok(()) => {
                table.insert(sha256, size);
                self.shrink(&mut table);
                true
            }
            Err(error) => {
                table.is_elsewhere = error.kind() == io::ErrorKind::CrossesDevices;
                false
            }
        }
    }

    /// Whether there is a content.
    pub(crate) fn has(&self, sha256: &[u8; 32]) -> bool {
        self.lock().files.contains_key(sha256)
    }

    /// Opens a content for copying, if it is held.
    pub(crate) fn open_file(&self, sha256: &[u8; 32]) -> Option<File> {
        let mut table = self.lock();
        table.now += 1;
        let now = table.now;
        table.files.get_mut(sha256)?.used = now;
        let file = self.folder.open_file(&file_name(sha256), OpenMode::Read);
        file.inspect_err(|_| table.forget(sha256)).ok()
    }

    /// Throws away a content that is not what its name says.
    pub(crate) fn drop_file(&self, sha256: &[u8; 32]) {
        self.lock().forget(sha256);
        if let Err(error) = remove_name(&self.folder, &file_name(sha256)) {
            log!("cache: {error}");
        }
    }

    /// Removes what was not used for longest until the rest is within the bounds.
    fn shrink(&self, table: &mut Table) {
        if table.bytes <= self.bytes_max && table.files.len() <= FILES_MAX {
            return;
        }
        let mut by_use: Vec<_> = table
            .files
            .iter()
            .map(|(key, held)| (held.used, *key))
            .collect();
        by_use.sort_unstable();
        // Down to nine tenths, so that this is not done for every file.
        for (_, sha256) in by_use {
            if table.bytes <= self.bytes_max / 10 * 9 && table.files.len() <= FILES_MAX / 10 * 9 {
                break;
            }
            table.forget(&sha256);
            if let Err(error) = remove_name(&self.folder, &file_name(&sha256)) {
                log!("cache: {error}");
            }
        }
    }
}

impl Table {
    fn insert(&mut self, sha256: [u8; 32], size: u64) {
        self.now += 1;
        self.bytes += size;
        let used = self.now;
        self.files.insert(sha256, Held { size, used });
    }

    fn forget(&mut self, sha256: &[u8; 32]) {
        if let Some(held) = self.files.remove(sha256) {
            self.bytes -= held.size;
        }
    }
}

fn file_name(sha256: &[u8; 32]) -> OsString {
    hex::encode(sha256).into()
}
