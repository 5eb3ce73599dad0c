//! The store of bytes: files named by the SHA-256 of their content. It knows no products, no rows
//! and no HTTP; who may read a file, and what is collected, is decided above.
//!
//! A file appears under its name only when it is complete and on disk, so a name that exists is
//! right. Rows that name a file are written after it. What is to go is put into the trash first,
//! where it can still be read, and is unlinked from there and from nowhere else: whoever stores
//! the same content meanwhile has a file of their own.

mod hashes;
mod leases;
mod listing;
mod local;
mod locks;
mod moving;
mod partials;
mod programs;
mod reading;
mod remote;
mod site;
mod writer;
mod zsyncs;

use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::MutexGuard;

use crate::clock::Time;
use crate::model::BlobStore;
use leases::Leases;
use local::Local;
use locks::Locks;
use remote::Remote;

pub use hashes::Hashes;
pub use leases::Lease;
pub use partials::{Partial, Partials};
pub use programs::Programs;
pub use remote::Bucket;
pub use site::Site;
pub use writer::BlobWriter;
pub use zsyncs::Zsyncs;

/// The store of one master; cheap to clone.
#[derive(Clone, Debug)]
pub struct Blobs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    local: Local,
    remote: Option<Remote>,
    /// Whether new files go to the bucket.
    new_to_remote: bool,
    leases: Leases,
    locks: Locks,
}

/// What reading a stored file from end to end showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verified {
    /// Its content has the hash that names it.
    Ok,
    /// There is no such file.
    Missing,
    /// Its content has another hash, or cannot be read to its end.
    Wrong,
}

/// A stored file in a listing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its name.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// When it was written.
    pub modified: Time,
}

impl Blobs {
    /// Opens (and creates) the store in `folder` and removes what a crash left unfinished.
    /// Only one process may have it open.
    pub fn open(folder: impl Into<PathBuf>) -> io::Result<Self> {
        Ok(Self::over(Local::open(folder.into())?, None, false))
    }

    /// The same with a bucket besides the folder.
    pub fn open_with(folder: impl Into<PathBuf>, bucket: &Bucket) -> io::Result<Self> {
        let remote = Remote::open(bucket)?;
        let local = Local::open(folder.into())?;
        Ok(Self::over(local, Some(remote), bucket.takes_new))
    }

    /// The same with a bucket in memory, to which new files do not go.
    #[cfg(test)]
    pub(crate) fn with_bucket_in_memory(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let remote = Remote::in_memory();
        Ok(Self::over(Local::open(folder.into())?, Some(remote), false))
    }

    /// A store that is not opened: for commands beside a running master, which use no files.
    pub(crate) fn at(folder: impl Into<PathBuf>) -> Self {
        Self::over(Local::at(folder.into()), None, false)
    }

    fn over(local: Local, remote: Option<Remote>, new_to_remote: bool) -> Self {
        Self {
            shared: Arc::new(Shared {
                local,
                remote,
                new_to_remote,
                leases: Leases::default(),
                locks: Locks::default(),
            }),
        }
    }

    /// Whether files that lie there can be had.
    #[must_use]
    pub fn has(&self, store: BlobStore) -> bool {
        store == BlobStore::Local || self.shared.remote.is_some()
    }

    /// Begins a file.
    pub fn writer(&self) -> io::Result<BlobWriter> {
        BlobWriter::begin(self)
    }

    /// Opens the file whose content has this SHA-256 (64 lower-case hexadecimal digits), where it
    /// lies on this machine, in the trash too.
    ///
    /// Blocks on the disk: call it off the async threads. Errors: `NotFound` when there is none or
    /// the text is no such hash.
    pub fn open_file(&self, sha256: &str) -> io::Result<File> {
        self.shared.local.open_file(sha256)
    }

    /// Where the file with this SHA-256 is or would be on this machine. Errors: `NotFound` when it
    /// is no hash.
    pub fn path(&self, sha256: &str) -> io::Result<PathBuf> {
        self.shared.local.path(sha256)
    }

    /// Bytes of a stored file, in the trash too. Errors: `NotFound`.
    pub async fn size(&self, sha256: &str) -> io::Result<u64> {
        match (self.on_disk(sha256, Local::size).await, &self.shared.remote) {
            (Err(error), Some(remote)) if error.kind() == io::ErrorKind::NotFound => {
                match remote.size(sha256).await {
                    // It may have been moved between the two looks.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        self.on_disk(sha256, Local::size).await
                    }
                    size => size,
                }
            }
            (size, _) => size,
        }
    }

    /// Where a content of this size lies; `None` when it is in neither place.
    pub async fn find(&self, sha256: &str, size: u64) -> io::Result<Option<BlobStore>> {
        let is_size = |found: io::Result<u64>| match found {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            found => found.map(|found| found == size),
        };
        if is_size(self.on_disk(sha256, Local::size).await)? {
            return Ok(Some(BlobStore::Local));
        }
        match &self.shared.remote {
            Some(remote) if is_size(remote.size(sha256).await)? => Ok(Some(BlobStore::S3)),
            _ => Ok(None),
        }
    }

    /// Puts a file into the trash; done already is no error.
    ///
    /// Errors: `NotFound`; `ResourceBusy` when the content is [in use](Self::in_use).
    pub async fn trash(&self, sha256: &str) -> io::Result<()> {
        let _only = self.lock(sha256).await;
        self.refuse_in_use(sha256)?;
        let here = self.on_disk(sha256, Local::trash).await;
        match &self.shared.remote {
            None => here,
            Some(remote) => either(here, remote.trash(sha256).await),
        }
    }

    /// Takes a file out of the trash; done already is no error. Errors: `NotFound`.
    pub async fn untrash(&self, sha256: &str) -> io::Result<()> {
        let _only = self.lock(sha256).await;
        let here = self.on_disk(sha256, Local::untrash).await;
        match &self.shared.remote {
            None => here,
            Some(remote) => either(here, remote.untrash(sha256).await),
        }
    }

    /// Removes a file from the trash for good; what stands under its name outside the trash stays,
    /// and done already is no error.
    ///
    /// Errors: `ResourceBusy` when the content is [in use](Self::in_use).
    pub async fn unlink(&self, sha256: &str) -> io::Result<()> {
        let _only = self.lock(sha256).await;
        self.refuse_in_use(sha256)?;
        self.on_disk(sha256, Local::unlink).await?;
        match &self.shared.remote {
            None => Ok(()),
            Some(remote) => remote.unlink(sha256).await,
        }
    }

    /// Whether somebody reads this content now, or wrote it and has not yet given up the
    /// [`Lease`]: then it must not be collected.
    #[must_use]
    pub fn in_use(&self, sha256: &str) -> bool {
        self.shared.leases.is_held(sha256)
    }

    /// Keeps this content from being collected for as long as the lease lives.
    #[must_use]
    pub fn lease(&self, sha256: &str) -> Lease {
        self.shared.leases.take(sha256)
    }

    fn refuse_in_use(&self, sha256: &str) -> io::Result<()> {
        match self.in_use(sha256) {
            true => Err(io::Error::new(
                io::ErrorKind::ResourceBusy,
                "the stored file is in use",
            )),
            false => Ok(()),
        }
    }

    async fn lock(&self, sha256: &str) -> MutexGuard<'_, ()> {
        self.shared.locks.of(sha256).await
    }

    /// How many wait until somebody else has changed what stands under a name.
    #[cfg(test)]
    pub(crate) fn waiting(&self) -> usize {
        self.shared.locks.waiting()
    }

    /// Does something with the folder off the async threads.
    async fn on_disk<T: Send + 'static>(
        &self,
        sha256: &str,
        work: fn(&Local, &str) -> io::Result<T>,
    ) -> io::Result<T> {
        let (shared, sha256) = (Arc::clone(&self.shared), sha256.to_owned());
        tokio::task::spawn_blocking(move || work(&shared.local, &sha256))
            .await
            .map_err(io::Error::other)?
    }
}

/// What was done in one of two stores, or in both: missing in one is no error.
fn either(here: io::Result<()>, there: io::Result<()>) -> io::Result<()> {
    match (here, there) {
        (Ok(()), Ok(())) => Ok(()),
        (Ok(()), Err(error)) | (Err(error), Ok(())) if error.kind() == io::ErrorKind::NotFound => {
            Ok(())
        }
        (Err(error), other) if error.kind() == io::ErrorKind::NotFound => other,
        (Err(error), _) | (Ok(()), Err(error)) => Err(error),
    }
}

/// Whether an error says that the store cannot be reached now: asking again later helps.
#[must_use]
pub fn is_away(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::TimedOut | io::ErrorKind::NotConnected | io::ErrorKind::ConnectionRefused
    )
}

/// Whether an error says that there is no room for more.
#[must_use]
pub fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

#[cfg(test)]
mod tests;
