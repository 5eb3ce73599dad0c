//! The stores of files: what lies where, and moving it all to the other one while serving.

use std::io;

use super::audit::{Attempt, authorise};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{Conn, Lane, audit, stores};
use crate::error::{Error, Result};
use crate::model::{AuditOutcome, BlobStore, StoreContent};
use crate::storage;

/// What lies where, and what is being moved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct Stores {
    /// Where new files go.
    pub new_files: BlobStore,
    /// What lies in each store.
    pub contents: Vec<StoreContent>,
    /// Where files are being moved, if they are; what lies elsewhere is what is left to move.
    pub moving_to: Option<BlobStore>,
    /// Whether a bucket is configured.
    pub has_bucket: bool,
}

/// What lies where.
pub async fn show(app: &App, identity: &Identity) -> Result<Stores> {
    identity.require(Permission::Collect)?;
    let read = |conn: &mut Conn| Ok((stores::contents(conn)?, stores::target(conn)?));
    let db = app.db.lane(Lane::Pages);
    let (contents, moving_to) = db.read("stores.show", read).await?;
    let config = app.config();
    let bucket = config.master.bucket.as_ref();
    Ok(Stores {
        new_files: match bucket.is_some_and(|bucket| bucket.takes_new) {
            true => BlobStore::S3,
            false => BlobStore::Local,
        },
        contents,
        moving_to,
        has_bucket: bucket.is_some(),
    })
}

/// Begins to move every file to the store `to`; the master does it in the background, file by file,
/// goes on after a restart, and readers notice nothing. `None` stops where it is.
pub async fn move_to(app: &App, identity: &Identity, to: Option<BlobStore>) -> Result<()> {
    let word = to.map_or("nowhere", BlobStore::as_str);
    let attempt = Attempt {
        action: "store.move",
        object_kind: "store",
        object_id: word,
    };
    authorise(app, identity, Permission::Administer, attempt).await?;
    if to.is_some() && app.config().master.bucket.is_none() {
        let text = "there is one store only: name a bucket with `blobs` in [master] first";
        return Err(Error::bad_input("to", text));
    }
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        stores::set_target(conn, to)?;
        let (done, action) = (AuditOutcome::Done, "store.move");
        audit::append(conn, now, &actor, action, "store", word, done, "")?;
        Ok(())
    };
    app.db.tx("stores.move", work).await?;
    app.bells.mover.notify_one();
    Ok(())
}

/// What an error of the store is to the asker: a bucket that is away and a disk that is full are no
/// faults of ours.
#[must_use]
pub fn fault(error: io::Error) -> Error {
    if storage::is_away(&error) {
        tracing::warn!(%error, "the store is away");
        return Error::Busy("the store of files is away: try again".to_owned());
    }
    if storage::is_full(&error) {
        tracing::error!(%error, "the store is full");
        return Error::NoRoom("the store of files is full: somebody must make room".to_owned());
    }
    Error::internal(error)
}
