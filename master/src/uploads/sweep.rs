//! The loop that looks what became of uploads: gives up drafts whose time has run out, finishes
//! files that a crash left between bytes and database, removes files that nobody wants, and
//! forgets drafts that ended long ago. It decides by what is, so any look may be the first.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Uploads;
use crate::clock::real;
use crate::db::{Conn, DbResult, audit, drafts, uploads};
use crate::failpoints;
use crate::ids::DraftId;
use crate::model::AuditOutcome;

/// Between two looks; drafts last for hours.
const ROUND: Duration = Duration::from_secs(30);
/// How long the row of a draft stays after its end: a request that is sent again finds it.
const FORGET_AFTER: Duration = Duration::from_secs(30 * 86_400);
/// What an expired draft's files say.
const WHY: &str = "the time of the draft ran out";

/// The loop; make it with [`Sweep::new`], then run it.
pub(crate) struct Sweep {
    uploads: Uploads,
}

impl Sweep {
    /// Over the uploads of a master.
    pub(crate) fn new(uploads: Uploads) -> Self {
        Self { uploads }
    }

    /// Looks until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                tracing::error!(%error, "the uploads cannot be looked at");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(real(ROUND)) => {}
            }
        }
    }

    /// Looks once.
    pub(crate) async fn round(&self) -> DbResult<()> {
        let shared = &self.uploads.shared;
        let now = shared.clock.now();
        let read = move |conn: &mut Conn| drafts::expired(conn, now);
        for id in shared.db.read("uploads.expired", read).await? {
            self.expire(id).await?;
        }
        for id in shared
            .db
            .read("uploads.unfinished", uploads::unfinished)
            .await?
        {
            if let Err(trouble) = self.uploads.finish(id).await {
                tracing::warn!(upload = id.0, %trouble, "an upload cannot be finished");
            }
        }
        self.clear().await?;
        let forget = move |conn: &mut Conn| drafts::forget(conn, now.before(FORGET_AFTER));
        shared.db.tx_progress("uploads.forget", forget).await?;
        Ok(())
    }

    async fn expire(&self, id: DraftId) -> DbResult<()> {
        let shared = &self.uploads.shared;
        let now = shared.clock.now();
        let work = move |conn: &mut Conn| {
            let files = uploads::of_draft(conn, id)?;
            // What came in the meantime has put the end off.
            if !drafts::expired(conn, now)?.contains(&id) {
                return Ok(Vec::new());
            }
            drafts::abandon(conn, now, id, WHY)?;
            let (done, name) = (AuditOutcome::Done, id.to_string());
            audit::append(
                conn,
                now,
                "master",
                "draft.expire",
                "draft",
                &name,
                done,
                WHY,
            )?;
            Ok(files.into_iter().map(|file| file.id).collect())
        };
        let files = shared.db.tx("uploads.expire", work).await?;
        failpoints::reach("upload.abandoned");
        self.uploads.discard(files).await;
        Ok(())
    }

    /// Removes files of uploads that are complete, refused or given up.
    async fn clear(&self) -> DbResult<()> {
        let shared = &self.uploads.shared;
        let partials = shared.partials.clone();
        let listed = tokio::task::spawn_blocking(move || partials.list()).await;
        let there = match listed {
            Ok(Ok(there)) => there,
            Ok(Err(error)) => {
                tracing::warn!(%error, "the unfinished files cannot be listed");
                return Ok(());
            }
            Err(_) => return Ok(()),
        };
        // In pieces that a query takes as parameters.
        for piece in there.chunks(500) {
            let ids = piece.to_vec();
            let read = move |conn: &mut Conn| uploads::wanted(conn, &ids);
            let wanted = shared.db.read("uploads.wanted", read).await?;
            let left = piece.iter().filter(|id| !wanted.contains(id));
            self.uploads.discard(left.copied().collect()).await;
        }
        Ok(())
    }
}
