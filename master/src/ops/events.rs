//! What happened, for listeners that follow it.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::Lane;
use crate::db::events::{self, Event};
use crate::error::Result;

/// The number of the newest event; 0 when nothing ever happened.
pub async fn newest(app: &App, identity: &Identity) -> Result<i64> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    Ok(db.read("events.newest", events::newest).await?)
}

/// The events after number `seq`, oldest first, at most [`events::EVENTS_READ_MAX`].
pub async fn after(app: &App, identity: &Identity, seq: i64) -> Result<Vec<Event>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    Ok(db
        .read("events.after", move |conn| events::after(conn, seq))
        .await?)
}
