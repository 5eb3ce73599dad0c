//! The way out: from the trash of products to tombstones, from files that nothing names to the
//! store's trash, and from there off the disk. The database goes first and the file later, so a
//! crash leaves a file too much and never one too little.

use std::io::ErrorKind;
use std::sync::Arc;

use crate::clock::Time;
use crate::config::collecting::Retention;
use crate::db::retention::files::{self, Condemned};
use crate::db::retention::trash::{self, Due};
use crate::db::{Conn, DbResult};
use crate::failpoints;
use crate::retention::Policies;

use super::Parts;

/// Rows changed in one transaction: some milliseconds.
const PIECE_MAX: usize = 50;

impl Parts {
    /// Ends products whose time in the trash is over.
    pub(super) async fn empty_trash(&self, policies: &Policies) -> DbResult<()> {
        let now = self.clock.now();
        let mut after = (0, 0);
        loop {
            let read = move |conn: &mut Conn| trash::due(conn, now, after);
            let page = self.db.read("retention.due", read).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = (last.expired_at.0, last.product.0);
            let is_over = |due: &Due| {
                let terms = policies.terms(&due.project, &due.branch);
                let days = terms.map_or(Retention::default().trash, |terms| terms.trash);
                due.expired_at.after(days) <= now
            };
            let over: Vec<Due> = page.into_iter().filter(is_over).collect();
            for piece in over.chunks(PIECE_MAX) {
                let (piece, policies) = (Arc::new(piece.to_vec()), policies.clone());
                let work = move |conn: &mut Conn| {
                    for due in piece.iter() {
                        let terms = policies.terms(&due.project, &due.branch);
                        trash::delete(conn, now, due, terms.as_ref())?;
                    }
                    Ok(())
                };
                self.db.tx("retention.delete", work).await?;
            }
        }
    }

    /// Lets go of files whose role stays shorter than their product.
    pub(super) async fn drop_files_of_roles(&self, policies: &Policies) -> DbResult<()> {
        let now = self.clock.now();
        for (role, stays) in policies.roles() {
            let mut after = 0;
            loop {
                let (policies, role) = (policies.clone(), role.clone());
                let work = move |conn: &mut Conn| {
                    trash::drop_files(conn, now, (&role, stays), after, &policies)
                };
                match self.db.tx("retention.drop_files", work).await?.0 {
                    Some(last) => after = last,
                    None => break,
                }
            }
        }
        Ok(())
    }

    /// Condemns files that nothing has named for the grace.
    pub(super) async fn condemn_unnamed(&self) -> DbResult<()> {
        let now = self.clock.now();
        let before = now.before(self.config().master.collecting.store_grace);
        let mut after = String::new();
        loop {
            let from = after.clone();
            let read = move |conn: &mut Conn| files::unnamed(conn, now, before, &from);
            let page = self.db.read("retention.unnamed", read).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.sha256.clone();
            for piece in page.chunks(PIECE_MAX) {
                let piece = Arc::new(piece.to_vec());
                let work = move |conn: &mut Conn| {
                    for file in piece.iter() {
                        files::condemn(conn, now, before, &file.sha256)?;
                    }
                    Ok(())
                };
                self.db.tx("retention.condemn", work).await?;
                failpoints::reach("condemn.after");
            }
        }
    }

    /// Puts condemned files into the store's trash, and removes those that were there for the grace.
    pub(super) async fn unlink_condemned(&self) -> DbResult<()> {
        let now = self.clock.now();
        let before = now.before(self.config().master.collecting.store_grace);
        let mut after = String::new();
        loop {
            let from = after.clone();
            let read = move |conn: &mut Conn| files::condemned(conn, now, &from);
            let page = self.db.read("retention.condemned", read).await?;
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = last.sha256.clone();
            for file in page {
                self.see_out(now, before, &file).await?;
            }
        }
    }

    pub(super) async fn see_out(&self, now: Time, before: Time, file: &Condemned) -> DbResult<()> {
        let (name, generation) = (file.sha256.clone(), file.generation);
        if file.is_named {
            let work = move |conn: &mut Conn| files::pardon(conn, now, &name, generation);
            if self.db.tx("retention.pardon", work).await? {
                self.bring_back(&file.sha256).await;
            }
            return Ok(());
        }
        match self.blobs.trash(&file.sha256).await {
            Ok(()) => {}
            // Removed before a crash, or never there.
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            // Somebody reads or has just written it.
            Err(error) if error.kind() == ErrorKind::ResourceBusy => return Ok(()),
            Err(error) => {
                tracing::warn!(sha256 = file.sha256, %error, "a file cannot be put into the trash");
                return Ok(());
            }
        }
        if file.condemned_at > before || self.blobs.in_use(&file.sha256) {
            return Ok(());
        }
        let work = move |conn: &mut Conn| files::bury(conn, now, before, &name, generation);
        if self.db.tx("retention.bury", work).await? {
            failpoints::reach("unlink.committed");
            self.unlink(&file.sha256).await;
        }
        Ok(())
    }

    /// Makes the store's trash what the database says: files that live again come back, those of
    /// which a crash left the bytes go.
    pub(super) async fn sort_store_trash(&self) -> DbResult<()> {
        let mut after: Option<String> = None;
        loop {
            let limit = usize::try_from(files::PAGE_MAX).unwrap_or(1);
            let page = match self.blobs.list_trash(after.as_deref(), limit).await {
                Ok(page) => page,
                Err(error) => {
                    tracing::warn!(%error, "the store's trash cannot be listed");
                    return Ok(());
                }
            };
            let Some(last) = page.last() else {
                return Ok(());
            };
            after = Some(last.sha256.clone());
            let names: Vec<String> = page.iter().map(|file| file.sha256.clone()).collect();
            let read = move |conn: &mut Conn| files::states(conn, &names);
            let states = self.db.read("retention.states", read).await?;
            for file in &page {
                let state = states.iter().find(|(name, ..)| *name == file.sha256);
                match state.map(|(_, state, _)| state.as_str()) {
                    Some("live" | "corrupt") => self.bring_back(&file.sha256).await,
                    Some("gone") => self.unlink(&file.sha256).await,
                    Some(_) => {}
                    None => self.quarantine(&file.sha256, file.size).await?,
                }
            }
        }
    }

    /// A file without a row gets one, and leaves like any other.
    pub(super) async fn quarantine(&self, sha256: &str, size: u64) -> DbResult<()> {
        let (now, name) = (self.clock.now(), sha256.to_owned());
        let size = i64::try_from(size).unwrap_or(i64::MAX);
        tracing::warn!(sha256, size, "a stored file that no record names is let go");
        let work = move |conn: &mut Conn| files::quarantine(conn, now, &name, size);
        self.db.tx("retention.quarantine", work).await.map(|_| ())
    }

    async fn bring_back(&self, sha256: &str) {
        match self.blobs.untrash(sha256).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::error!(sha256, %error, "a file cannot be taken out of the trash");
            }
            _ => {}
        }
    }

    async fn unlink(&self, sha256: &str) {
        match self.blobs.unlink(sha256).await {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                // The next round tries again: the row says that it is gone.
                tracing::warn!(sha256, %error, "a file cannot be removed");
            }
            _ => {}
        }
    }
}
