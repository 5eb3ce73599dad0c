//! What a command's record and journal need of a disk: files of one folder, by name. Behind a
//! trait, so that the tests can put a disk below that loses what was not synced. Not here: what
//! is written.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::sys::{self, Folder};

/// One folder on a disk. Names have no slash.
pub(crate) trait Disk: std::fmt::Debug + Send + Sync + 'static {
    /// An open file, written at its end.
    type File: std::fmt::Debug + Send + 'static;
    /// Opens a file for appending, making it if it is missing.
    fn open(&self, name: &str) -> io::Result<Self::File>;
    /// Appends bytes; after an error any part of them may be there.
    fn append(&self, file: &mut Self::File, bytes: &[u8]) -> io::Result<()>;
    /// Cuts a file to that many bytes.
    fn truncate(&self, file: &mut Self::File, len: u64) -> io::Result<()>;
    /// Makes what was written to the file durable.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    /// Makes the names in the folder durable.
    fn sync_names(&self) -> io::Result<()>;
    /// The content of a whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// Gives a file another name, in place of what had it.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// The names in the folder, in any order.
    fn names(&self) -> io::Result<Vec<String>>;
    /// Bytes that may still be written, as far as that can be told.
    fn free_bytes(&self) -> u64;
}

/// A folder of the machine's own file system.
#[derive(Debug, Clone)]
pub(crate) struct RealDisk {
    folder: PathBuf,
}

impl RealDisk {
    /// The files of that folder, which must exist.
    pub(crate) fn new(folder: &Path) -> RealDisk {
        let folder = folder.to_owned();
        RealDisk { folder }
    }

    /// Where it is.
    #[cfg(test)]
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Disk for RealDisk {
    type File = File;

    fn open(&self, name: &str) -> io::Result<File> {
        // Not in append mode, in which Windows lets nobody cut a file.
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false);
        let mut file = options.open(self.folder.join(name))?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    }

    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        file.write_all(bytes)
    }

    fn truncate(&self, file: &mut File, len: u64) -> io::Result<()> {
        file.set_len(len)?;
        file.seek(SeekFrom::Start(len)).map(|_| ())
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    fn sync_names(&self) -> io::Result<()> {
        sys::sync_folder(&self.folder)
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        std::fs::read(self.folder.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(name))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        let names = std::fs::read_dir(&self.folder)?
            .map(|entry| entry.map(|entry| entry.file_name().into_string().ok()));
        names.filter_map(Result::transpose).collect()
    }

    fn free_bytes(&self) -> u64 {
        let space = Folder::open(&self.folder).and_then(|folder| sys::disk_space(&folder));
        // A system that cannot tell is no reason to stop: a full disk shows when writing.
        space.map_or(u64::MAX, |(free, _)| free)
    }
}
