//! The loops of a master: which there are, and what each is made of.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::absences::Absences;
use crate::app::App;
use crate::collector::{self, Collector};
use crate::db::Db;
use crate::dispatcher::Dispatcher;
use crate::inbox::Inbox;
use crate::launches::Launches;
use crate::links::Links;
use crate::mover::Mover;
use crate::notifier::Notifier;
use crate::poller::Poller;
use crate::publisher::Publisher;
use crate::runner::{Parts, Runner};
use crate::schedules::Schedules;
use crate::uploads::Sweep;

use super::vital::Watch;

/// Starts every loop; they end after `stop`, and `tracker` waits for that. `watch` is told of one
/// that ends by itself.
pub(super) fn spawn(
    app: &App,
    db: &Db,
    tracker: &TaskTracker,
    stop: &CancellationToken,
    watch: &Watch,
) {
    let (clock, bells, config) = (&app.clock, &app.bells, &app.config);
    let poller = Poller::new(
        db,
        clock.clone(),
        bells.clone(),
        config.clone(),
        app.mirrors.clone(),
    );
    watch.keep(tracker, stop, "poller", poller.run(stop.clone()));
    let schedules = Schedules::new(db, clock.clone(), bells.clone(), config.clone());
    watch.keep(tracker, stop, "schedules", schedules.run(stop.clone()));
    let dispatcher = Dispatcher::new(db, clock.clone(), bells.clone(), config.clone());
    watch.keep(tracker, stop, "dispatcher", dispatcher.run(stop.clone()));
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
    watch.keep(tracker, stop, "runner", runner.run(stop.clone()));
    let by_name = config.borrow().master.data.join("by-name");
    let links = Links::new(db, bells.clone(), app.blobs.clone(), by_name);
    watch.keep(tracker, stop, "links", links.run(stop.clone()));
    let absences = Absences::new(
        db,
        clock.clone(),
        bells.clone(),
        config.clone(),
        app.agents.clone(),
    );
    watch.keep(tracker, stop, "absences", absences.run(stop.clone()));
    let collector = Collector::new(collector::Parts {
        db: db.clone(),
        clock: clock.clone(),
        bells: bells.clone(),
        config: config.clone(),
        blobs: app.blobs.clone(),
        data: app.config().master.data.clone(),
    });
    watch.keep(tracker, stop, "collector", collector.run(stop.clone()));
    let upgrades = app
        .agents
        .clone()
        .run_upgrades(app.programs.clone(), stop.clone());
    watch.keep(tracker, stop, "upgrades", upgrades);
    let sweep = Sweep::new(app.uploads.clone());
    watch.keep(tracker, stop, "uploads", sweep.run(stop.clone()));
    let launches = Launches::new(db, clock.clone(), bells.clone());
    watch.keep(tracker, stop, "launches", launches.run(stop.clone()));
    let counts = app.counts.clone().run(db.clone(), stop.clone());
    watch.keep(tracker, stop, "counts", counts);
    let mover = Mover::new(db, bells.clone(), app.blobs.clone());
    watch.keep(tracker, stop, "mover", mover.run(stop.clone()));
    let inbox = Inbox::new(db, bells.clone());
    watch.keep(tracker, stop, "inbox", inbox.run(stop.clone()));
    let publisher = Publisher::new(
        db,
        clock.clone(),
        bells.clone(),
        config.clone(),
        app.blobs.clone(),
        app.zsyncs.clone(),
    );
    watch.keep(tracker, stop, "publisher", publisher.run(stop.clone()));
    let notifier = Notifier::new(
        db.clone(),
        clock.clone(),
        bells.clone(),
        config.clone(),
        app.logs.clone(),
    );
    watch.keep(tracker, stop, "notifier", notifier.run(stop.clone()));
}
