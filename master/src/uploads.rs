//! Files on their way here by REST: how many bodies come at once, who writes which file, and how
//! one that is complete gets into the store. Bytes first, then the database; a crash between
//! leaves what [`Uploads::finish`] or the sweep takes up again.

mod receive;
mod sweep;

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::clock::Clock;
use crate::db::{Conn, Db, DbError, DbResult, uploads};
use crate::failpoints;
use crate::ids::UploadId;
use crate::model::{Blob, UploadState};
use crate::storage::{Blobs, Hashes, Lease, Partials};

pub use receive::{Body, Incoming};
pub(crate) use sweep::Sweep;

/// Bodies received at once: each takes a thread while it lasts, and a disk is not faster for more.
const BODIES_MAX: usize = 16;
/// How long a request waits for another that writes the same file: longer than a dead one lasts.
const TURN_MAX: Duration = Duration::from_secs(15);

/// The files on their way; cheap to clone.
#[derive(Clone)]
pub struct Uploads {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    clock: Clock,
    blobs: Blobs,
    partials: Partials,
    bodies: Arc<Semaphore>,
    /// Files that are being written, at most as many as bodies and a sweep.
    writing: Mutex<HashSet<UploadId>>,
    /// Told when one of them is no longer.
    freed: Notify,
}

/// Why bytes were not taken.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// The disk is full.
    #[error("the disk is full")]
    Full,
    /// Another request goes on writing the same file, or puts it into the store.
    #[error("another request is writing or storing this file")]
    Taken,
    /// What is stored of the file is lost; it has to begin again.
    #[error("what was stored of the file is lost")]
    Lost,
    /// The disk failed.
    #[error(transparent)]
    Disk(io::Error),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
    /// A task ended without a word.
    #[error("the writing of the file was broken off")]
    Broken,
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::Full,
            io::ErrorKind::InvalidData => Self::Lost,
            _ => Self::Disk(error),
        }
    }
}

/// The right to write one file.
struct Turn {
    shared: Arc<Shared>,
    id: UploadId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut writing = self.shared.writing.lock();
        writing
            .as_mut()
            .unwrap_or_else(|poisoned| poisoned.get_mut())
            .remove(&self.id);
        drop(writing);
        self.shared.freed.notify_waiters();
    }
}

impl Uploads {
    /// Over the database and the store, with unfinished files in `folder`.
    pub fn new(db: &Db, clock: Clock, blobs: Blobs, folder: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                db: db.clone(),
                clock,
                blobs,
                partials: Partials::at(folder),
                bodies: Arc::new(Semaphore::new(BODIES_MAX)),
                writing: Mutex::default(),
                freed: Notify::new(),
            }),
        }
    }

    /// A place for one body; `None` while as many come as are taken at once.
    #[must_use]
    pub fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.shared.bodies).try_acquire_owned().ok()
    }

    /// Bytes that may still be written to the disk of the unfinished files.
    pub async fn room(&self) -> io::Result<u64> {
        let partials = self.shared.partials.clone();
        tokio::task::spawn_blocking(move || partials.room())
            .await
            .map_err(io::Error::other)?
    }

    /// Removes what is stored of files that nobody wants any more. One that is being written is
    /// removed when that ends, at the latest by the sweep.
    pub async fn discard(&self, ids: Vec<UploadId>) {
        for id in ids {
            if let Some(turn) = self.try_turn(id) {
                self.remove(turn.id).await;
            }
        }
    }

    /// Puts a file that has all its bytes into the store and notes it as complete, or as refused
    /// when it is not what was announced. Does nothing for one that lacks bytes. Returns the state
    /// that it is in then.
    pub async fn finish(&self, id: UploadId) -> Result<UploadState, Trouble> {
        let turn = self.turn(id).await?;
        self.finish_in(&turn).await
    }

    async fn finish_in(&self, turn: &Turn) -> Result<UploadState, Trouble> {
        let id = turn.id;
        let row = self.read(id).await?;
        if row.state != UploadState::Open || row.received != row.size {
            return Ok(row.state);
        }
        let hashes = row.hashes.as_deref().and_then(Hashes::restore);
        let Some(blob) = hashes.map(Hashes::finish) else {
            return self.lose(id).await;
        };
        if let Some(wanted) = row.sha256.filter(|wanted| *wanted != blob.sha256) {
            let why = format!(
                "the content has the SHA-256 {}, announced was {wanted}",
                blob.sha256
            );
            return self.refuse(id, why).await;
        }
        // In use until its row is written, so that nobody collects it in between.
        let Some((blob, _lease)) = self.store(id, blob).await? else {
            return self.lose(id).await;
        };
        let now = self.shared.clock.now();
        let note = move |conn: &mut Conn| uploads::complete(conn, now, id, &blob);
        match self.shared.db.tx("upload.complete", note).await {
            // Given up in the meantime: the content is nobody's, and collection explains it.
            Ok(()) | Err(DbError::Changed) => {}
            Err(error) => return Err(error.into()),
        }
        failpoints::reach("upload.complete");
        Ok(self.read(id).await?.state)
    }

    /// Moves the file into the store; `None` when it is in neither place.
    async fn store(&self, id: UploadId, blob: Blob) -> Result<Option<(Blob, Lease)>, Trouble> {
        let (path, blobs) = (self.shared.partials.path(id), &self.shared.blobs);
        let lease = blobs.lease(&blob.sha256);
        match tokio::fs::metadata(&path).await {
            Ok(found) if found.len() == blob.size => Ok(Some(blobs.adopt(&path, blob).await?)),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A crash came after the move and before the database heard of it.
                let found = blobs.find(&blob.sha256, blob.size).await?;
                Ok(found.map(|store| (Blob { store, ..blob }, lease)))
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn refuse(&self, id: UploadId, why: String) -> Result<UploadState, Trouble> {
        let now = self.shared.clock.now();
        let note = move |conn: &mut Conn| uploads::refuse(conn, now, id, &why);
        self.shared.db.tx("upload.refuse", note).await?;
        failpoints::reach("upload.refused");
        self.remove(id).await;
        Ok(UploadState::Refused)
    }

    /// What is stored is not what the database promises: the file begins again.
    async fn lose(&self, id: UploadId) -> Result<UploadState, Trouble> {
        tracing::warn!(upload = id.0, "what was stored of an upload is lost");
        let now = self.shared.clock.now();
        let note = move |conn: &mut Conn| uploads::lose(conn, now, id, UploadState::Open);
        self.shared.db.tx("upload.lose", note).await?;
        self.remove(id).await;
        Err(Trouble::Lost)
    }

    async fn remove(&self, id: UploadId) {
        let partials = self.shared.partials.clone();
        let removed = tokio::task::spawn_blocking(move || partials.remove(id)).await;
        // The sweep tries again.
        if let Ok(Err(error)) = removed {
            tracing::warn!(upload = id.0, %error, "an unfinished file cannot be removed");
        }
    }

    async fn read(&self, id: UploadId) -> DbResult<uploads::Upload> {
        let read = move |conn: &mut Conn| uploads::find(conn, id);
        self.shared.db.read("upload", read).await
    }

    /// Waits until nobody else writes the file.
    async fn turn(&self, id: UploadId) -> Result<Turn, Trouble> {
        let wait = async {
            loop {
                let freed = self.shared.freed.notified();
                tokio::pin!(freed);
                // Asked to be told before looking, so that no end goes by unseen.
                freed.as_mut().enable();
                if let Some(turn) = self.try_turn(id) {
                    return turn;
                }
                freed.await;
            }
        };
        tokio::time::timeout(TURN_MAX, wait)
            .await
            .map_err(|_| Trouble::Taken)
    }

    fn try_turn(&self, id: UploadId) -> Option<Turn> {
        let shared = &self.shared;
        let mut writing = shared
            .writing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        writing.insert(id).then(|| Turn {
            shared: Arc::clone(shared),
            id,
        })
    }
}

#[cfg(test)]
mod tests;
