//! Files that come in pieces by REST: one file per upload in a folder of their own, outside the
//! store until it is complete. How much of one is promised, and the state of its hashes, the
//! database knows; what a file holds beyond that is cut off before it grows again.

use std::fs::{self, File};
use std::io::{self, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Hashes;
use crate::failpoints;
use crate::ids::UploadId;

/// What an unfinished file is called: the number of its upload and this.
const SUFFIX: &str = ".part";

/// The folder of unfinished files; cheap to clone.
#[derive(Clone, Debug)]
pub struct Partials {
    folder: Arc<Path>,
}

/// One unfinished file, open at its end.
#[derive(Debug)]
pub struct Partial {
    file: File,
    hashes: Hashes,
}

impl Partials {
    /// In `folder`, which is made when the first file comes.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into().into(),
        }
    }

    /// Opens the file of `id` and cuts it back to the bytes that `state` tells of; begins one where
    /// there is no state.
    ///
    /// Blocks on the disk. Errors: `InvalidData` when it has fewer bytes than that, or the state
    /// cannot be read: then the upload has to begin again.
    pub fn open(&self, id: UploadId, state: Option<&str>) -> io::Result<Partial> {
        let lost = || io::Error::new(io::ErrorKind::InvalidData, "the stored part is lost");
        let hashes = state.map_or(Some(Hashes::default()), Hashes::restore);
        let hashes = hashes.ok_or_else(lost)?;
        let path = self.path(id);
        let is_new = !path.exists();
        fs::create_dir_all(&self.folder)?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)?;
        if file.metadata()?.len() < hashes.size() {
            return Err(lost());
        }
        file.set_len(hashes.size())?;
        file.seek(io::SeekFrom::End(0))?;
        if is_new {
            // The name is on disk before anything is promised of it.
            File::open(&self.folder)?.sync_all()?;
        }
        Ok(Partial { file, hashes })
    }

    /// Where the file of `id` is or would be.
    #[must_use]
    pub fn path(&self, id: UploadId) -> PathBuf {
        self.folder.join(format!("{id}{SUFFIX}"))
    }

    /// Removes the file of `id`, if there is one.
    pub fn remove(&self, id: UploadId) -> io::Result<()> {
        match fs::remove_file(self.path(id)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The uploads that have a file here, in no order. Other files are left alone.
    pub fn list(&self) -> io::Result<Vec<UploadId>> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            other => other?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_suffix(SUFFIX));
            found.extend(id.and_then(|id| id.parse::<UploadId>().ok()));
        }
        Ok(found)
    }

    /// Bytes that may still be written to the disk of the folder, or of the nearest one above it
    /// that is there.
    pub fn room(&self) -> io::Result<u64> {
        let there = self.folder.ancestors().find(|folder| folder.is_dir());
        let stat = rustix::fs::statvfs(there.unwrap_or(Path::new(".")))?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }
}

impl Partial {
    /// Appends bytes and hashes them.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hashes.update(bytes);
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.hashes.size()
    }

    /// Cuts the file to `bytes` after a write that failed; it is of no more use open.
    pub fn cut(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    /// Puts what was written on disk and tells the state to store, with which the file can be
    /// opened again.
    pub fn save(&mut self) -> io::Result<String> {
        failpoints::reach("upload.written");
        self.file.sync_data()?;
        failpoints::reach("upload.synced");
        Ok(self.hashes.save())
    }
}

#[cfg(test)]
mod tests;
