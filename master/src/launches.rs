//! Launches: scheduled releases begin at their time. One loop over what is recorded, so that a
//! master that was away catches up; a release that cannot begin any more is a draft again and
//! says why.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Clock, Time};
use crate::db::releases::{self, Deed, Refusal};
use crate::db::{Conn, Db, DbError, DbResult, Lane};
use crate::failpoints;
use crate::ids::ReleaseId;
use crate::model::ReleaseState;

/// Looks again after this long even when nobody rang.
const ROUND_MAX: Duration = Duration::from_secs(30);
/// Looks again no sooner than this, so that a clock that jumps does not spin the loop.
const ROUND_MIN: Duration = Duration::from_millis(20);
/// Who does it, in the audit trail.
const ACTOR: &str = "launches";

/// The launches of one master.
pub struct Launches {
    db: Db,
    clock: Clock,
    bells: Bells,
}

impl Launches {
    /// Launches of what `db` holds.
    #[must_use]
    pub fn new(db: &Db, clock: Clock, bells: Bells) -> Self {
        Self {
            db: db.lane(Lane::Engine),
            clock,
            bells,
        }
    }

    /// Begins releases until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let bell = Arc::clone(&self.bells.releases);
        while !stop.is_cancelled() {
            let wait = match self.round().await {
                Ok(Some(at)) => at.since(self.clock.now()).clamp(ROUND_MIN, ROUND_MAX),
                Ok(None) => ROUND_MAX,
                Err(error) => {
                    tracing::error!(%error, "scheduled releases cannot be looked at");
                    ROUND_MAX
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
                () = bell.notified() => {}
            }
        }
    }

    /// Begins what is due and returns when the next one is.
    pub(crate) async fn round(&self) -> DbResult<Option<Time>> {
        let now = self.clock.now();
        let look = move |conn: &mut Conn| releases::due(conn, now);
        let (due, next) = self.db.read("launches look", look).await?;
        for id in due {
            let work = move |conn: &mut Conn| launch(conn, now, id);
            match self.db.tx("launch", work).await {
                Ok(Some(seq)) => {
                    failpoints::reach("release.changed");
                    let raise = |newest: &mut i64| *newest = seq.max(*newest);
                    self.bells.events.send_modify(raise);
                }
                // Somebody was faster: there is nothing to do.
                Ok(None) | Err(DbError::Changed) => {}
                Err(error) => tracing::error!(release = %id, %error, "a release cannot begin"),
            }
        }
        Ok(next)
    }
}

/// Begins one release, or makes it a draft again; the number of the event.
fn launch(conn: &mut Conn, now: Time, id: ReleaseId) -> DbResult<Option<i64>> {
    let release = releases::find(conn, id)?;
    let is_due = release.starts_at.is_some_and(|at| at <= now);
    if release.state != ReleaseState::Scheduled || !is_due {
        return Ok(None);
    }
    let (event, text) = match releases::refusal(conn, &release)? {
        None => {
            releases::begin(conn, now, &release, "")?;
            ("release.live", String::new())
        }
        Some(Refusal(why)) => {
            let text = format!("it could not begin: {why}");
            releases::set_state(conn, &release, ReleaseState::Draft, &text)?;
            releases::set_start(conn, &release, None)?;
            ("release.returned", text)
        }
    };
    let deed = Deed {
        action: "release.go",
        event,
        by: ACTOR,
        detail: &text,
    };
    let seq = releases::note(conn, now, &release, deed)?;
    failpoints::reach("release.changing");
    Ok(Some(seq))
}

#[cfg(test)]
mod tests;
