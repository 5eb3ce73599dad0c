//! The loop that moves stored files to another store when somebody asked for it: one file after the
//! other, copied, compared, noted, and removed where it was. It goes by what the rows say, so a
//! restart goes on where it was.

use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::db::{Conn, Db, DbResult, blobs, stores};
use crate::model::BlobStore;
use crate::storage::{Blobs, Verified};

/// Between two looks whether there is something to move: a command beside the master rings no bell.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Files looked up at a time.
const BATCH: i64 = 200;

/// The loop; make it with [`Mover::new`], then run it.
pub(crate) struct Mover {
    db: Db,
    bells: Bells,
    blobs: Blobs,
}

impl Mover {
    /// From its parts.
    pub(crate) fn new(db: &Db, bells: Bells, blobs: Blobs) -> Self {
        Self {
            db: db.clone(),
            bells,
            blobs,
        }
    }

    /// Looks until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let round = async {
                if let Err(error) = self.round().await {
                    tracing::error!(%error, "the files to move cannot be looked up");
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = self.bells.mover.notified() => {}
                }
            };
            // A copy that is cut leaves nothing, and begins again after the next start.
            tokio::select! {
                () = stop.cancelled() => {}
                () = round => {}
            }
        }
    }

    /// Moves what there is to move, once through; a file that cannot be moved now is tried again in
    /// the next round.
    pub(crate) async fn round(&self) -> DbResult<()> {
        let (mut after, mut is_done) = (String::new(), true);
        loop {
            let from = after.clone();
            let read = move |conn: &mut Conn| match stores::target(conn)? {
                Some(to) => Ok(Some((to, stores::elsewhere(conn, to, &from, BATCH)?))),
                None => Ok(None),
            };
            let Some((to, batch)) = self.db.read("mover", read).await? else {
                return Ok(());
            };
            if batch.is_empty() {
                if is_done && after.is_empty() {
                    tracing::info!(store = %to, "every file was moved");
                    let end = |conn: &mut Conn| stores::set_target(conn, None);
                    self.db.tx("mover.end", end).await?;
                }
                return Ok(());
            }
            for (sha256, _) in batch {
                if let Err(error) = self.relocate(&sha256, to).await? {
                    tracing::warn!(sha256, store = %to, %error, "a file cannot be moved now");
                    is_done = false;
                    if crate::storage::is_away(&error) || crate::storage::is_full(&error) {
                        return Ok(());
                    }
                }
                after = sha256;
            }
            if is_done {
                // From the beginning: files may have come meanwhile.
                after.clear();
            }
        }
    }

    async fn relocate(&self, sha256: &str, to: BlobStore) -> DbResult<io::Result<()>> {
        let verified = match self.blobs.copy(sha256, to).await {
            Ok(verified) => verified,
            Err(error) => return Ok(Err(error)),
        };
        let name = sha256.to_owned();
        if verified != Verified::Ok {
            tracing::error!(sha256, ?verified, "a stored file is missing or damaged");
            let mark = move |conn: &mut Conn| blobs::mark_corrupt(conn, &name);
            self.db.tx("mover.damage", mark).await?;
            return Ok(Ok(()));
        }
        let from = match to {
            BlobStore::Local => BlobStore::S3,
            BlobStore::S3 => BlobStore::Local,
        };
        // Readers look in both stores, so the row may follow; a crash in between does no harm.
        if let Err(error) = self.blobs.remove_from(sha256, from).await {
            return Ok(Err(error));
        }
        let note = move |conn: &mut Conn| stores::moved(conn, &name, to);
        self.db.tx_progress("mover.moved", note).await?;
        Ok(Ok(()))
    }
}

#[cfg(test)]
mod tests;
