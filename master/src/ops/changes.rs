//! Changes: what users see of them.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{DbError, Lane, views};
use crate::error::{Error, Result};
use crate::ids::ChangeId;
use crate::model::{ChangeFilter, ChangeSummary, Page};

/// The changes that `filter` lets through, newest first, each with its builds.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: ChangeFilter,
) -> Result<Page<ChangeSummary, ChangeId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::changes::list(conn, sight, &filter);
    Ok(db.read("changes.list", read).await?)
}

/// One change with its builds.
pub async fn show(app: &App, identity: &Identity, id: ChangeId) -> Result<ChangeSummary> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::changes::show(conn, sight, id);
    db.read("changes.show", read)
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no change {id}")),
            other => other.into(),
        })
}
