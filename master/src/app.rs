//! What the operations and faces share: the handles of one master. Built once by `serve`, no logic.

use std::sync::Arc;

use tokio::sync::watch;

use crate::agents::Agents;
use crate::auth::Logins;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::config::Config;
use crate::counts::Counts;
use crate::db::Db;
use crate::logs::Logs;
use crate::session::Entrance;
use crate::storage::{Blobs, Programs, Zsyncs};
use crate::uploads::Uploads;
use crate::vcs::Mirrors;

/// The handles of one running master; cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The time.
    pub clock: Clock,
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// The database, reading through the pages' lane.
    pub db: Db,
    /// The files of products and builds.
    pub blobs: Blobs,
    /// Files on their way here by REST.
    pub uploads: Uploads,
    /// Control files for zsync, made of them.
    pub zsyncs: Zsyncs,
    /// The agent's programs that are handed out.
    pub programs: Programs,
    /// The machines that build.
    pub agents: Agents,
    /// Where their connections come in.
    pub entrance: Entrance,
    /// The output of steps.
    pub logs: Logs,
    /// Mirrors of the repositories.
    pub mirrors: Mirrors,
    /// How often applications were told what.
    pub counts: Counts,
    /// Wakes of the loops.
    pub bells: Bells,
    /// Limits of logging in, and where passwords are hashed.
    pub logins: Arc<Logins>,
}

impl App {
    /// The configuration in force now.
    #[must_use]
    pub fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }
}

#[cfg(test)]
pub(crate) mod tests;
