//! Builds: what users see of them and do with them.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{DbError, Lane, views};
use crate::error::{Error, Result};
use crate::ids::BuildId;
use crate::model::{BuildDetail, BuildFilter, BuildSummary, Page};

/// The builds that `filter` lets through, newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: BuildFilter,
) -> Result<Page<BuildSummary, BuildId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut _| views::builds::list(conn, &filter);
    Ok(db.read("builds.list", read).await?)
}

/// Every build that is not finished, oldest first.
pub async fn running(app: &App, identity: &Identity) -> Result<Vec<BuildSummary>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    Ok(db.read("builds.running", views::builds::running).await?)
}

/// One build with everything that hangs on it.
pub async fn show(app: &App, identity: &Identity, id: BuildId) -> Result<BuildDetail> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    db.read("builds.show", move |conn| views::builds::show(conn, id))
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no build {id}")),
            other => other.into(),
        })
}
