//! Wakes of the loops. Every loop re-reads what is and decides, so a lost or doubled ring does no
//! harm; rings only save it from waiting for its next poll.

use std::sync::Arc;

use tokio::sync::{Notify, watch};

/// The bells of one master; cheap to clone.
#[derive(Clone, Debug)]
pub struct Bells {
    /// Changes were recorded: `schedules` looks.
    pub schedules: Arc<Notify>,
    /// A request was made or an agent came or got free: `dispatcher` looks.
    pub dispatcher: Arc<Notify>,
    /// A build was claimed or its cancel was asked for: `runner` looks.
    pub runner: Arc<Notify>,
    /// Version control should be asked now: `poller` looks.
    pub poller: Arc<Notify>,
    /// Mail was put into the outbox: `notifier` looks.
    pub notifier: Arc<Notify>,
    /// A new program for an agent was asked for: the agents' registry looks.
    pub upgrades: Arc<Notify>,
    /// A release was scheduled: the launches look.
    pub releases: Arc<Notify>,
    /// Files are to be moved to another store: `mover` looks.
    pub mover: Arc<Notify>,
    /// A plan is to be applied, or the store to be looked at: `collector` looks.
    pub collector: Arc<Notify>,
    /// The newest event's number; page streams wait for it to grow.
    pub events: Arc<watch::Sender<i64>>,
}

impl Default for Bells {
    fn default() -> Self {
        Self {
            schedules: Arc::default(),
            dispatcher: Arc::default(),
            runner: Arc::default(),
            poller: Arc::default(),
            notifier: Arc::default(),
            upgrades: Arc::default(),
            releases: Arc::default(),
            mover: Arc::default(),
            collector: Arc::default(),
            events: Arc::new(watch::Sender::new(0)),
        }
    }
}
