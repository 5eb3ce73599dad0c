//! The loops of a master: which there are, and what each is made of.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::app::App;
use crate::db::Db;
use crate::dispatcher::Dispatcher;
use crate::ids::LogId;
use crate::logs::Logs;
use crate::notifier::{Notifier, Tails};
use crate::poller::Poller;
use crate::runner::{Parts, Runner};
use crate::schedules::Schedules;
use crate::session::spawn_named;

/// Starts every loop; they end after `stop`, and `tracker` waits for that.
pub(super) fn spawn(app: &App, db: &Db, tracker: &TaskTracker, stop: &CancellationToken) {
    let (clock, bells, config) = (&app.clock, &app.bells, &app.config);
    let poller = Poller::new(
        db,
        clock.clone(),
        bells.clone(),
        config.clone(),
        app.mirrors.clone(),
    );
    spawn_named(tracker, "poller", poller.run(stop.clone()));
    let schedules = Schedules::new(db, clock.clone(), bells.clone(), config.clone());
    spawn_named(tracker, "schedules", schedules.run(stop.clone()));
    let dispatcher = Dispatcher::new(db, clock.clone(), bells.clone(), config.clone());
    spawn_named(tracker, "dispatcher", dispatcher.run(stop.clone()));
    let runner = Runner::new(Parts {
        db: db.clone(),
        clock: clock.clone(),
        bells: bells.clone(),
        config: config.clone(),
        agents: app.agents.clone(),
        logs: app.logs.clone(),
        blobs: app.blobs.clone(),
        mirrors: app.mirrors.clone(),
    });
    spawn_named(tracker, "runner", runner.run(stop.clone()));
    let notifier = Notifier::new(
        db.clone(),
        clock.clone(),
        bells.clone(),
        config.clone(),
        LogTails(app.logs.clone()),
    );
    spawn_named(tracker, "notifier", notifier.run(stop.clone()));
}

/// Reads the ends of logs for mails.
struct LogTails(Logs);

impl Tails for LogTails {
    async fn tail(&self, log: LogId, lines_max: usize) -> Option<Vec<u8>> {
        let lines_max = u64::try_from(lines_max).unwrap_or(u64::MAX);
        match self.0.tail(log, lines_max).await {
            Ok((_, bytes)) => Some(bytes),
            Err(error) => {
                tracing::warn!(%log, %error, "the end of a log cannot be read for a mail");
                None
            }
        }
    }
}
