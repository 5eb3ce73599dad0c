//! The store of bytes: files named by the SHA-256 of their content, below one folder. It knows
//! no products, no rows and no HTTP; who may read a file is decided above.
//!
//! A file appears under its name only when it is complete and on disk, so a name that exists is
//! right. Rows that name a file are written after it.

mod programs;

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use crate::model::Blob;

pub use programs::Programs;

/// Folder of unfinished files below the store's; emptied when the store is opened.
const TEMPORARY: &str = "tmp";

/// The store of one master; cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    folder: Arc<Path>,
}

/// A file being written. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    folder: Arc<Path>,
    file: tempfile::NamedTempFile,
    sha256: Sha256,
    sha1: Sha1,
    sha512: Sha512,
    size: u64,
}

impl Blobs {
    /// Opens (and creates) the store in `folder` and removes what a crash left unfinished.
    /// Only one process may have it open.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let folder = folder.into();
        let temporary = folder.join(TEMPORARY);
        fs::create_dir_all(&temporary)?;
        for entry in fs::read_dir(&temporary)? {
            fs::remove_file(entry?.path())?;
        }
        Ok(Self {
            folder: folder.into(),
        })
    }

    /// A store that is not opened: for commands beside a running master, which use no files.
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into().into(),
        }
    }

    /// Begins a file.
    pub fn writer(&self) -> io::Result<BlobWriter> {
        Ok(BlobWriter {
            folder: Arc::clone(&self.folder),
            file: tempfile::NamedTempFile::new_in(self.folder.join(TEMPORARY))?,
            sha256: Sha256::new(),
            sha1: Sha1::new(),
            sha512: Sha512::new(),
            size: 0,
        })
    }

    /// Opens the file whose content has this SHA-256 (64 lower-case hexadecimal digits).
    ///
    /// Blocks on the disk: call it off the async threads. Errors: `NotFound` when there is none or
    /// the text is no such hash.
    pub fn open_file(&self, sha256: &str) -> io::Result<File> {
        File::open(self.path(sha256)?)
    }

    /// Where the file with this SHA-256 is or would be. Errors: `NotFound` when it is no hash.
    pub fn path(&self, sha256: &str) -> io::Result<PathBuf> {
        path_below(&self.folder, sha256)
    }
}

impl BlobWriter {
    /// Appends bytes; hashes and hands them to the system, which is quick for a few hundred KiB.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.sha512.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks a writer that")]
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Puts the file under its name; it is on disk, name and all, when this returns.
    pub async fn finish(self) -> io::Result<Blob> {
        tokio::task::spawn_blocking(move || self.settle())
            .await
            .map_err(io::Error::other)?
    }

    fn settle(self) -> io::Result<Blob> {
        let blob = Blob {
            sha256: hex(&self.sha256.finalize()),
            sha1: hex(&self.sha1.finalize()),
            sha512: hex(&self.sha512.finalize()),
            size: self.size,
        };
        let path = path_below(&self.folder, &blob.sha256)?;
        self.file.as_file().sync_all()?;
        let parent = path.parent().unwrap_or(&self.folder);
        let is_new = !parent.exists();
        fs::create_dir_all(parent)?;
        // Over an older file of the same content: the same bytes, or better ones after a bad disk.
        self.file.persist(&path).map_err(|error| error.error)?;
        File::open(parent)?.sync_all()?;
        if is_new {
            sync_up(parent, &self.folder)?;
        }
        Ok(blob)
    }
}

/// Syncs the folders above `folder` up to `root`, in which new folders were made.
fn sync_up(folder: &Path, root: &Path) -> io::Result<()> {
    for above in folder.ancestors().skip(1) {
        File::open(above)?.sync_all()?;
        if above == root {
            break;
        }
    }
    Ok(())
}

/// `ab/abcdef…`: 256 folders keep each one small enough to list.
fn path_below(folder: &Path, sha256: &str) -> io::Result<PathBuf> {
    if !Blob::is_sha256(sha256) {
        return Err(io::Error::new(
            io::ErrorKind::NotFound,
            "not the name of a stored file",
        ));
    }
    Ok(folder.join(&sha256[..2]).join(sha256))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests;
