//! The folder `by-name` of the master's data: a link for every file of every product that can be
//! had, for people, rsync and scripts. It holds no bytes and decides nothing: what is missing there
//! is made and what is too much is removed, after each event about a product and, whatever a crash
//! or a person left behind, by a walk over all of it.
//!
//! Links are symbolic and relative, so that the data folder can be moved, and so that nothing in
//! `by-name` ever keeps bytes on the disk or outlives what the store has.

mod tree;

use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Stopwatch, real};
use crate::db::products::links::{self, Link};
use crate::db::{Conn, Db, DbError, events};
use crate::ids::{ProductFileId, ProductId};
use crate::storage::Blobs;

use tree::Tree;

/// Between two looks where no event rings: a bell that was missed costs a minute.
const ROUND: Duration = Duration::from_secs(60);
/// Between two walks over everything: links are also lost to people and to files that move between
/// stores, and a walk of a million costs seconds.
const WALK: Duration = Duration::from_secs(3_600);
/// Links found in the folder whose rows are read at once.
const FOUND_AT_ONCE: usize = 500;

/// Why the links could not be put right; the next round tries again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The rows could not be read.
    #[error("{0}")]
    Db(#[from] DbError),
    /// The folder could not be read or written.
    #[error("{0}")]
    Disk(#[from] std::io::Error),
}

/// The loop; make it with [`Links::new`], then run it.
#[derive(Clone)]
pub(crate) struct Links {
    db: Db,
    bells: Bells,
    tree: Tree,
}

impl Links {
    /// From its parts; `folder` is made when the first link is.
    pub(crate) fn new(db: &Db, bells: Bells, blobs: Blobs, folder: PathBuf) -> Self {
        Self {
            db: db.clone(),
            bells,
            tree: Tree { folder, blobs },
        }
    }

    /// Keeps the links right until `stop`.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut rings = self.bells.events.subscribe();
        let mut cursor = None;
        let mut walked: Option<Stopwatch> = None;
        while !stop.is_cancelled() {
            if let Err(error) = self.round(&mut cursor, &mut walked, &stop).await {
                tracing::warn!(%error, "the links in by-name cannot be put right");
                cursor = None;
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(real(ROUND)) => {}
                _ = rings.changed(), if cursor.is_some() => {}
            }
        }
    }

    /// What happened since the last round; the first time and each hour, everything.
    async fn round(
        &self,
        cursor: &mut Option<i64>,
        walked: &mut Option<Stopwatch>,
        stop: &CancellationToken,
    ) -> Result<(), LinkError> {
        let is_due = walked
            .as_ref()
            .is_none_or(|walk| walk.elapsed() >= real(WALK));
        if cursor.is_none() || is_due {
            // What happens during the walk is looked at again after it.
            let newest = self.db.read("links.newest", events::newest).await?;
            self.walk(stop).await?;
            *walked = Some(Stopwatch::start());
            *cursor = Some(cursor.unwrap_or(newest));
        }
        while let Some(seq) = *cursor
            && !stop.is_cancelled()
        {
            let read = move |conn: &mut Conn| events::after(conn, seq);
            let happened = self.db.read("links.events", read).await?;
            let Some(last) = happened.last() else {
                break;
            };
            let last = last.seq;
            for event in happened {
                if let Some(product) = event.product {
                    self.sync(product).await?;
                }
            }
            *cursor = Some(last);
        }
        Ok(())
    }

    /// Puts the links of one product right.
    pub(crate) async fn sync(&self, product: ProductId) -> Result<(), LinkError> {
        self.each(None, move |conn, after| {
            links::of_product(conn, product, after)
        })
        .await
    }

    /// Puts everything right: makes what is missing, removes what should not be there.
    pub(crate) async fn walk(&self, stop: &CancellationToken) -> Result<(), LinkError> {
        self.each(Some(stop), links::after).await?;
        let mut folders = vec![PathBuf::new()];
        while let Some(folder) = folders.pop()
            && !stop.is_cancelled()
        {
            let tree = self.tree.clone();
            let listed = off(move || tree.list(&folder)).await?;
            folders.extend(listed.folders);
            for found in listed.links.chunks(FOUND_AT_ONCE) {
                let paths = found.to_vec();
                let read = move |conn: &mut Conn| Ok((links::at(conn, &paths)?, paths));
                let (known, paths) = self.db.read("links.found", read).await?;
                let tree = self.tree.clone();
                off(move || tree.keep_only(&known, &paths)).await?;
            }
        }
        Ok(())
    }

    /// Puts right what `read` gives, page after page.
    async fn each(
        &self,
        stop: Option<&CancellationToken>,
        read: impl Fn(&mut Conn, ProductFileId) -> crate::db::DbResult<Vec<Link>>
        + Clone
        + Send
        + Sync
        + 'static,
    ) -> Result<(), LinkError> {
        let mut after = ProductFileId(0);
        while !stop.is_some_and(CancellationToken::is_cancelled) {
            let read = read.clone();
            let page = move |conn: &mut Conn| read(conn, after);
            let page = self.db.read("links.page", page).await?;
            let Some(last) = page.last() else {
                break;
            };
            after = last.file;
            let tree = self.tree.clone();
            off(move || page.iter().try_for_each(|link| tree.put_right(link))).await?;
        }
        Ok(())
    }
}

/// Does something with the disk off the async threads.
async fn off<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> std::io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(std::io::Error::other)?
}

#[cfg(test)]
mod tests;
