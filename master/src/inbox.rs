//! What other processes write into the database, such as a command beside this master: open pages
//! hear of it and kept answers of feeds end. One loop that asks for the newest event; events of this
//! master's own come by it too, which does no harm.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::db::{Conn, Db, DbResult, Lane, events};

/// Between two looks: who has typed a command looks at its effect after about as long. A look is
/// one row.
const ROUND: Duration = Duration::from_secs(1);

/// The inbox of one master.
pub struct Inbox {
    db: Db,
    bells: Bells,
}

impl Inbox {
    /// Of what `db` holds.
    #[must_use]
    pub fn new(db: &Db, bells: Bells) -> Self {
        Self {
            db: db.lane(Lane::Engine),
            bells,
        }
    }

    /// Looks until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut seen = None;
        while !stop.is_cancelled() {
            match self.round(seen).await {
                Ok(newest) => seen = Some(newest),
                Err(error) => tracing::error!(%error, "new events cannot be looked for"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(ROUND) => {}
            }
        }
    }

    /// Tells of what came after the event `seen`, and returns the newest one's number.
    pub(crate) async fn round(&self, seen: Option<i64>) -> DbResult<i64> {
        let look = move |conn: &mut Conn| {
            let newest = events::newest(conn)?;
            let more = match seen {
                Some(seen) if newest > seen => events::after(conn, seen)?,
                _ => Vec::new(),
            };
            Ok((newest, more))
        };
        let (newest, more) = self.db.read("inbox", look).await?;
        if more.iter().any(|event| events::touches_feeds(&event.kind)) {
            self.db.begin_feed_epoch();
        }
        // What is left of very many comes with the next look.
        let told = more.last().map_or(newest, |event| event.seq);
        self.bells.events.send_if_modified(|known| {
            let grows = told > *known;
            *known = told.max(*known);
            grows
        });
        Ok(told)
    }
}

#[cfg(test)]
mod tests;
