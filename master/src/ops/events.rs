//! What happened, for listeners that follow it.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::events::{self, Event};
use crate::db::{Conn, Lane, sight};
use crate::error::Result;

/// The number of the newest event; 0 when nothing ever happened.
pub async fn newest(app: &App, identity: &Identity) -> Result<i64> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    Ok(db.read("events.newest", events::newest).await?)
}

/// Those of the events after number `seq`, oldest first, that are there for the asker, and the
/// number up to which events were looked at, at most [`events::EVENTS_READ_MAX`].
pub async fn after(app: &App, identity: &Identity, seq: i64) -> Result<(Vec<Event>, i64)> {
    identity.require(Permission::Read)?;
    let (db, of) = (app.db.lane(Lane::Pages), identity.sight());
    let read = move |conn: &mut Conn| {
        let mut all = events::after(conn, seq)?;
        let last = all.last().map_or(seq, |event| event.seq);
        sight::keep_seen(conn, of, &mut all)?;
        Ok((all, last))
    };
    Ok(db.read("events.after", read).await?)
}
