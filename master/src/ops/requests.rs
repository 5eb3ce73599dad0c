//! Build requests: what users see of them and do with them.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{DbError, Lane, views};
use crate::error::{Error, Result};
use crate::ids::RequestId;
use crate::model::{Page, RequestFilter, RequestSummary};

/// The requests that `filter` lets through, newest first.
pub async fn list(
    app: &App,
    identity: &Identity,
    filter: RequestFilter,
) -> Result<Page<RequestSummary, RequestId>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let read = move |conn: &mut _| views::requests::list(conn, &filter);
    Ok(db.read("requests.list", read).await?)
}

/// One request.
pub async fn show(app: &App, identity: &Identity, id: RequestId) -> Result<RequestSummary> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    db.read("requests.show", move |conn| views::requests::show(conn, id))
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no request {id}")),
            other => other.into(),
        })
}
