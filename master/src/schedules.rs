//! Change schedules: make build requests for branches that changed and became quiet. One loop over
//! what is recorded, so that a schedule that was away catches up and never asks twice.

pub(crate) mod ask;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Clock, Time};
use crate::config::Config;
use crate::db::{Db, DbResult, Lane};

/// Looks again after this long even when nobody rang.
const ROUND_MAX: Duration = Duration::from_secs(30);
/// Looks again no sooner than this, so that a clock that jumps does not spin the loop.
const ROUND_MIN: Duration = Duration::from_millis(20);

/// The change schedules of one master.
pub struct Schedules {
    db: Db,
    clock: Clock,
    bells: Bells,
    config: watch::Receiver<Arc<Config>>,
}

impl Schedules {
    /// Schedules of the configuration in force at each round.
    #[must_use]
    pub fn new(db: &Db, clock: Clock, bells: Bells, config: watch::Receiver<Arc<Config>>) -> Self {
        Self {
            db: db.lane(Lane::Engine),
            clock,
            bells,
            config,
        }
    }

    /// Makes requests until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let bell = Arc::clone(&self.bells.schedules);
        while !stop.is_cancelled() {
            let wait = match self.round().await {
                Ok(Some(at)) => at.since(self.clock.now()).clamp(ROUND_MIN, ROUND_MAX),
                Ok(None) => ROUND_MAX,
                Err(error) => {
                    tracing::error!(%error, "the schedules cannot be looked at");
                    ROUND_MAX
                }
            };
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(wait) => {}
                () = bell.notified() => {}
                Ok(()) = self.config.changed() => {}
            }
        }
    }

    /// Looks at every schedule once and returns when one of them is due next.
    pub(crate) async fn round(&self) -> DbResult<Option<Time>> {
        let (config, now) = (Arc::clone(&self.config.borrow()), self.clock.now());
        let looked = self
            .db
            .read("schedules look", {
                let config = Arc::clone(&config);
                move |conn| ask::look(conn, &config, now)
            })
            .await?;
        for due in looked.due {
            let config = Arc::clone(&config);
            let name = due.schedule.clone();
            let work = move |conn: &mut _| ask::ask(conn, &config, now, &due);
            match self.db.tx("schedule asks", work).await {
                Ok(seq) => {
                    self.bells.dispatcher.notify_one();
                    self.bells
                        .events
                        .send_modify(|newest| *newest = seq.max(*newest));
                }
                Err(error) => tracing::error!(schedule = name, %error, "cannot ask for builds"),
            }
        }
        Ok(looked.next)
    }
}

#[cfg(test)]
mod tests;
