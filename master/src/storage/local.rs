//! The store's folder on this machine: `ab/abcdef…`, so that 256 folders keep each one small enough
//! to list, the same below `trash`, and `tmp` for what is being written. Everything here blocks on
//! the disk.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use super::Listed;
use crate::clock::Time;
use crate::failpoints;
use crate::model::Blob;

/// Folder of unfinished files below the store's; emptied when the store is opened.
pub(super) const TEMPORARY: &str = "tmp";
/// Folder of what is to go.
const TRASH: &str = "trash";

/// One folder.
#[derive(Clone, Debug)]
pub(super) struct Local {
    folder: Arc<Path>,
}

impl Local {
    pub(super) fn open(folder: PathBuf) -> io::Result<Self> {
        let temporary = folder.join(TEMPORARY);
        fs::create_dir_all(&temporary)?;
        for entry in fs::read_dir(&temporary)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self::at(folder))
    }

    pub(super) fn at(folder: PathBuf) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// A file to write into.
    pub(super) fn temporary(&self) -> io::Result<tempfile::NamedTempFile> {
        tempfile::NamedTempFile::new_in(self.folder.join(TEMPORARY))
    }

    pub(super) fn path(&self, sha256: &str) -> io::Result<PathBuf> {
        path_below(&self.folder, sha256)
    }

    fn trash_path(&self, sha256: &str) -> io::Result<PathBuf> {
        path_below(&self.folder.join(TRASH), sha256)
    }

    pub(super) fn open_file(&self, sha256: &str) -> io::Result<File> {
        match File::open(self.path(sha256)?) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match File::open(self.trash_path(sha256)?) {
                    // Taken out of the trash in between.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        File::open(self.path(sha256)?)
                    }
                    opened => opened,
                }
            }
            opened => opened,
        }
    }

    pub(super) fn size(&self, sha256: &str) -> io::Result<u64> {
        Ok(self.open_file(sha256)?.metadata()?.len())
    }

    /// Puts a finished file under its name; it is on disk, name and all, when this returns.
    pub(super) fn publish(&self, file: tempfile::NamedTempFile, sha256: &str) -> io::Result<()> {
        let path = self.path(sha256)?;
        file.as_file().sync_all()?;
        failpoints::reach("store.synced");
        self.make_parent(&path)?;
        // Over an older file of the same content: the same bytes, or better ones after a bad disk.
        file.persist(&path).map_err(|error| error.error)?;
        failpoints::reach("store.renamed");
        sync_parent(&path)
    }

    /// Moves a file that is on disk with all its bytes under its name.
    pub(super) fn adopt(&self, from: &Path, sha256: &str) -> io::Result<()> {
        let path = self.path(sha256)?;
        self.make_parent(&path)?;
        failpoints::reach("upload.moving");
        match fs::rename(from, &path) {
            // The store's folder is another disk, mounted there.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let mut copy = self.temporary()?;
                io::copy(&mut File::open(from)?, copy.as_file_mut())?;
                self.publish(copy, sha256)?;
                fs::remove_file(from)?;
            }
            moved => moved?,
        }
        failpoints::reach("upload.moved");
        sync_parent(&path)
    }

    pub(super) fn trash(&self, sha256: &str) -> io::Result<()> {
        self.shift(&self.path(sha256)?, &self.trash_path(sha256)?)
    }

    pub(super) fn untrash(&self, sha256: &str) -> io::Result<()> {
        let (live, trashed) = (self.path(sha256)?, self.trash_path(sha256)?);
        if live.try_exists()? {
            return remove(&trashed);
        }
        self.shift(&trashed, &live)
    }

    pub(super) fn unlink(&self, sha256: &str) -> io::Result<()> {
        failpoints::reach("unlink.before");
        remove(&self.trash_path(sha256)?)?;
        failpoints::reach("unlink.after");
        Ok(())
    }

    /// Removes the file wherever it lies: its content is in another store.
    pub(super) fn remove_all(&self, sha256: &str) -> io::Result<()> {
        remove(&self.path(sha256)?)?;
        remove(&self.trash_path(sha256)?)
    }

    /// Whether the file lies in the trash alone.
    pub(super) fn is_trashed(&self, sha256: &str) -> io::Result<bool> {
        Ok(!self.path(sha256)?.try_exists()? && self.trash_path(sha256)?.try_exists()?)
    }

    fn shift(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.make_parent(to)?;
        match fs::rename(from, to) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && to.try_exists()? => {
                return Ok(());
            }
            moved => moved?,
        }
        failpoints::reach("store.shifted");
        sync_parent(to)?;
        sync_parent(from)
    }

    /// Makes the folder of `path` and those above it, and has them on disk.
    fn make_parent(&self, path: &Path) -> io::Result<()> {
        let parent = path.parent().unwrap_or(&self.folder);
        if parent.exists() {
            return Ok(());
        }
        fs::create_dir_all(parent)?;
        for above in parent.ancestors().skip(1) {
            File::open(above)?.sync_all()?;
            if above == &*self.folder {
                break;
            }
        }
        Ok(())
    }

    /// The files by name after `after`, at most `limit`; those in the trash, or the others.
    pub(super) fn list(
        &self,
        in_trash: bool,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<Listed>> {
        let root = match in_trash {
            true => self.folder.join(TRASH),
            false => self.folder.to_path_buf(),
        };
        let after = after.unwrap_or("");
        let first = after.get(..2).unwrap_or("00");
        let mut found = Vec::new();
        for folder in (0..256_u16).map(|number| format!("{number:02x}")) {
            if folder.as_str() < first {
                continue;
            }
            if found.len() >= limit {
                break;
            }
            list_folder(&root.join(folder), after, &mut found)?;
        }
        found.truncate(limit);
        Ok(found)
    }
}

fn list_folder(folder: &Path, after: &str, found: &mut Vec<Listed>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let begin = found.len();
    for entry in entries {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !Blob::is_sha256(&name) || name.as_str() <= after {
            continue;
        }
        let facts = match entry.metadata() {
            // Gone since the folder was read.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            facts => facts?,
        };
        let modified = facts.modified()?.duration_since(UNIX_EPOCH);
        found.push(Listed {
            sha256: name,
            size: facts.len(),
            modified: modified.map_or(Time(0), |since| Time(0).after(since)),
        });
    }
    found[begin..].sort();
    Ok(())
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed.and_then(|()| sync_parent(path)),
    }
}

fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn path_below(folder: &Path, sha256: &str) -> io::Result<PathBuf> {
    if !Blob::is_sha256(sha256) {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "not the name of a stored file",
        ));
    }
    Ok(folder.join(&sha256[..2]).join(sha256))
}
