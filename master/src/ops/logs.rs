//! Logs: which there are and where they belong. Their bytes come from the `logs` actor.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{Conn, DbError, Lane, sight, views};
use crate::error::{Error, Result};
use crate::ids::LogId;
use crate::model::LogDetail;

/// A log with its step and build.
pub async fn show(app: &App, identity: &Identity, id: LogId) -> Result<LogDetail> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let of = identity.sight();
    let read = move |conn: &mut Conn| {
        sight::log(conn, of, id)?;
        views::steps::of_log(conn, id)
    };
    db.read("logs.show", read)
        .await
        .map_err(|error| match error {
            DbError::NotFound => Error::NotFound(format!("there is no log {id}")),
            other => other.into(),
        })
}
