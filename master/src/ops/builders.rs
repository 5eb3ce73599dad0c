//! Builders: what users see of them.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{Lane, views};
use crate::error::{Error, Result};
use crate::model::{BuilderFilter, BuilderSummary};

/// The builders that `filter` lets through, by name.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: BuilderFilter,
) -> Result<Vec<BuilderSummary>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut _| views::builders::list(conn, sight, &filter);
    Ok(db.read("builders.list", read).await?)
}

/// The builder `name`, also one that has left the configuration.
pub async fn show(app: &App, identity: &Identity, name: &str) -> Result<BuilderSummary> {
    let filter = BuilderFilter {
        name: Some(name.to_owned()),
        ..BuilderFilter::default()
    };
    let mut found = list(app, identity, filter).await?;
    found
        .pop()
        .ok_or_else(|| Error::NotFound(format!("there is no builder `{name}`")))
}
