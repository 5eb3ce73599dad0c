//! The poller: asks every repository for its branches at its interval, and records what is new.
//! One loop, because what is due is read from the configuration anew each round; the repositories
//! are asked beside each other, so that a slow one holds up nobody.

mod poll;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::Clock;
use crate::config::Config;
use crate::db::{Db, Lane};
use crate::vcs::Mirrors;

/// Repositories asked at a time: more only fight for the line and the disk.
const POLLS_MAX: usize = 8;
/// Shortest time between two polls of a repository, whatever was configured or rung.
const INTERVAL_MIN: Duration = Duration::from_millis(200);
/// Longest sleep: a configuration that changed without a word is seen after it.
const ROUND_MAX: Duration = Duration::from_secs(60);

/// The poller of one master.
pub struct Poller {
    parts: poll::Parts,
    config: watch::Receiver<Arc<Config>>,
    /// When each repository is asked next; absent means now.
    next: BTreeMap<String, Instant>,
    /// Those being asked.
    asking: BTreeSet<String>,
    /// Those rung for while they were being asked: asked again at once.
    again: BTreeSet<String>,
}

impl Poller {
    /// A poller that records through `db` and fetches into `mirrors`.
    #[must_use]
    pub fn new(
        db: &Db,
        clock: Clock,
        bells: Bells,
        config: watch::Receiver<Arc<Config>>,
        mirrors: Mirrors,
    ) -> Self {
        let parts = poll::Parts {
            db: db.lane(Lane::Engine),
            clock,
            bells,
            mirrors,
        };
        Self {
            parts,
            config,
            next: BTreeMap::new(),
            asking: BTreeSet::new(),
            again: BTreeSet::new(),
        }
    }

    /// Asks until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut polls = JoinSet::new();
        let bell = Arc::clone(&self.parts.bells.poller);
        while !stop.is_cancelled() {
            let until = self.start_due(&mut polls, &stop);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep_until(until) => {}
                () = bell.notified() => self.ring(),
                Ok(()) = self.config.changed() => {}
                Some(done) = polls.join_next() => self.ended(done),
            }
        }
        // Each ends its program and returns at once.
        while polls.join_next().await.is_some() {}
    }

    /// Starts what is due and returns when to look again.
    fn start_due(&mut self, polls: &mut JoinSet<String>, stop: &CancellationToken) -> Instant {
        let config = Arc::clone(&self.config.borrow_and_update());
        let now = Instant::now();
        let mut until = now + ROUND_MAX;
        self.next
            .retain(|name, _| config.repositories.contains_key(name));
        for (name, repository) in &config.repositories {
            if self.asking.contains(name) {
                continue;
            }
            let at = self.next.get(name).copied().unwrap_or(now);
            if at > now {
                until = until.min(at);
            } else if polls.len() < POLLS_MAX {
                let interval = repository.poll.max(INTERVAL_MIN);
                self.next.insert(name.clone(), now + interval);
                self.asking.insert(name.clone());
                let work = self
                    .parts
                    .clone()
                    .poll(name.clone(), repository.clone(), stop.clone());
                polls.spawn(work);
            }
        }
        until
    }

    fn ring(&mut self) {
        self.next.clear();
        self.again.extend(self.asking.iter().cloned());
    }

    fn ended(&mut self, done: Result<String, tokio::task::JoinError>) {
        match done {
            Ok(name) => {
                self.asking.remove(&name);
                if self.again.remove(&name) {
                    self.next.remove(&name);
                }
            }
            Err(error) => {
                // Whose it was is not told; all of them may be asked again.
                tracing::error!(%error, "a poll failed inside");
                self.asking.clear();
            }
        }
    }
}

#[cfg(test)]
mod tests;
