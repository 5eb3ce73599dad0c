//! The runner: carries every claimed build through its steps and gives it its result. One task per
//! build; the loop starts a task for every unfinished build that has none, so a restarted master
//! takes up what it left. Only the runner writes the state of builds and steps.

mod build;
mod collect;
mod command;
mod ending;
mod load;
mod outputs;
mod product;
mod source;
mod step;
mod upload;
mod words;

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::bells::Bells;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::builds::Build;
use crate::db::{Db, DbResult, Lane, builds};
use crate::ids::BuildId;
use crate::logs::Logs;
use crate::storage::Blobs;
use crate::vcs::Mirrors;

/// Looks again after this long even when nobody rang.
const ROUND_MAX: Duration = Duration::from_secs(10);
/// After a build's task failed inside, before it is taken up again: a fault that stays must not
/// spin.
const RETRY: Duration = Duration::from_secs(5);
/// Failures in a row after which a build is given up: ten minutes are a restart of the database
/// server, or time to make room on the disk; what stays longer would hold the agent for ever.
const FAILURES_MAX: u32 = 120;

/// What the runner works with; cheap to clone.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Wakes of the loops.
    pub bells: Bells,
    /// The configuration; a build keeps the one it began with.
    pub config: watch::Receiver<Arc<Config>>,
    /// The agents that are connected.
    pub agents: Agents,
    /// Logs of steps.
    pub logs: Logs,
    /// Where files of builds go.
    pub blobs: Blobs,
    /// Where source comes from.
    pub mirrors: Mirrors,
}

/// The runner of one master.
pub struct Runner {
    parts: Parts,
    /// The builds that have a task.
    tasks: HashMap<BuildId, Signals>,
    /// Whose each task is.
    owners: HashMap<tokio::task::Id, BuildId>,
}

/// What a build's task listens to.
#[derive(Clone)]
struct Signals {
    /// Somebody cancelled the build.
    cancel: CancellationToken,
    /// The build was cancelled or the master stops: work of our own ends, commands go on.
    halt: CancellationToken,
    /// The master stops.
    stop: CancellationToken,
}

impl Signals {
    fn new(stop: &CancellationToken) -> Self {
        Self {
            cancel: CancellationToken::new(),
            halt: stop.child_token(),
            stop: stop.clone(),
        }
    }
}

impl Runner {
    /// A runner that has not looked yet.
    #[must_use]
    pub fn new(mut parts: Parts) -> Self {
        parts.db = parts.db.lane(Lane::Engine);
        Self {
            parts,
            tasks: HashMap::new(),
            owners: HashMap::new(),
        }
    }

    /// Carries builds until `stop`. Their commands go on at the agents and are taken up by the
    /// next start.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut running = JoinSet::new();
        let bell = Arc::clone(&self.parts.bells.runner);
        while !stop.is_cancelled() {
            if let Err(error) = self.round(&mut running, &stop).await {
                tracing::error!(%error, "the running builds cannot be looked at");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(ROUND_MAX) => {}
                () = bell.notified() => {}
                Some(ended) = running.join_next_with_id() => {
                    let id = match ended {
                        Ok((id, ())) => id,
                        Err(error) => {
                            tracing::error!(%error, "the task of a build failed inside");
                            error.id()
                        }
                    };
                    if let Some(build) = self.owners.remove(&id) {
                        self.tasks.remove(&build);
                    }
                }
            }
        }
        while running.join_next().await.is_some() {}
    }

    async fn round(&mut self, running: &mut JoinSet<()>, stop: &CancellationToken) -> DbResult<()> {
        for build in self
            .parts
            .db
            .read("running builds", builds::unfinished)
            .await?
        {
            let known = self.tasks.get(&build.id).cloned();
            let signals = known.clone().unwrap_or_else(|| Signals::new(stop));
            if build.cancel_at.is_some() {
                signals.cancel.cancel();
                signals.halt.cancel();
            }
            if known.is_none() {
                self.tasks.insert(build.id, signals.clone());
                let id = build.id;
                let task = running.spawn(carry(self.parts.clone(), build, signals));
                self.owners.insert(task.id(), id);
            }
        }
        Ok(())
    }
}

/// Carries a build to its end, or to the stop of the master.
async fn carry(parts: Parts, build: Build, signals: Signals) {
    let mut failures = 0;
    loop {
        let work = async {
            match failures < FAILURES_MAX {
                true => build::carry(&parts, &build, &signals).await,
                false => build::give_up(&parts, &build, &signals).await,
            }
        };
        // What the task shares with others is in the database, where it is whole.
        match AssertUnwindSafe(work).catch_unwind().await {
            Ok(Ok(())) => return,
            Ok(Err(error)) => {
                tracing::error!(build = build.id.0, %error, "the build cannot be carried on");
            }
            Err(_) => tracing::error!(build = build.id.0, "the task of a build failed inside"),
        }
        failures += 1;
        tokio::select! {
            () = signals.stop.cancelled() => return,
            () = tokio::time::sleep(RETRY) => {}
        }
    }
}

#[cfg(test)]
mod tests;
