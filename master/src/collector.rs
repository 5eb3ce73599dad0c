//! The loop that collects: it makes plans by the timetable and applies them, empties the trash,
//! lets go of stored files that nothing names, looks whether the store is what the database says,
//! tells owners of holds that run out, and ends what grows beside products. It reads what is and
//! goes on from there, so a restart at any moment does no harm.

mod applying;
mod care;
mod ends;
mod inventory;
mod leaving;
mod planning;
mod quotas;
mod scrub;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::config::resolved::Master;
use crate::db::outbox::{Report, queue_report};
use crate::db::{Conn, Db, DbResult, settings};
use crate::ids::ProductId;
use crate::retention::{Policies, PolicyError};
use crate::storage::Blobs;

pub(crate) use applying::apply;
pub use planning::{Planned, Way, plan};
pub use quotas::Quotas;

/// Between two looks: plans are asked for by people who wait, and everything else counts in hours.
const ROUND: Duration = Duration::from_secs(30);
/// Between two looks at trash, holds, figures and ends.
const CARE: Duration = Duration::from_secs(3_600);

/// Name of the setting with the moment of the timetable's last plan.
pub(crate) const LAST_RUN: &str = "collector.run";
/// Name of the setting with what keeps everything from being collected; empty for nothing.
pub(crate) const PROBLEM: &str = "collector.problem";
/// Name of the setting with the last file that was read to see whether it is right.
pub(crate) const SCRUBBED: &str = "collector.scrubbed";
/// Name of the setting that asks for a reading of all files at once.
pub(crate) const SCRUB_NOW: &str = "collector.scrub-now";

/// What it works with.
#[derive(Clone)]
pub struct Parts {
    /// The database.
    pub db: Db,
    /// The time.
    pub clock: Clock,
    /// Wakes of the loops.
    pub bells: Bells,
    /// The configuration in force.
    pub config: watch::Receiver<Arc<Config>>,
    /// The files.
    pub blobs: Blobs,
    /// The data folder, where logs lie.
    pub data: PathBuf,
}

/// The loop; make it with [`Collector::new`], then run it.
pub struct Collector {
    parts: Parts,
    /// Since the last look at trash, holds, figures and ends.
    cared: Option<Stopwatch>,
    /// Since the last bytes were read to see whether they are right.
    scrubbed: Stopwatch,
}

impl Collector {
    /// From its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            cared: None,
            scrubbed: Stopwatch::start(),
        }
    }

    /// Works until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            let round = tokio::select! {
                // A step that is broken off is taken up where it was.
                () = stop.cancelled() => return,
                round = self.round() => round,
            };
            if let Err(error) = round {
                tracing::error!(%error, "the collector cannot work");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.parts.bells.collector.notified() => {}
                () = tokio::time::sleep(crate::clock::real(ROUND)) => {}
            }
        }
    }

    /// Looks once.
    async fn round(&mut self) -> DbResult<()> {
        let parts = self.parts.clone();
        parts.apply_pending().await?;
        parts.plan_when_due().await?;
        if self.cared.is_none_or(|cared| cared.elapsed() >= CARE) {
            parts.care().await?;
            self.cared = Some(Stopwatch::start());
        }
        let since = self.scrubbed.elapsed();
        self.scrubbed = Stopwatch::start();
        parts.scrub(since).await
    }
}

impl Parts {
    /// The configuration in force now.
    pub(super) fn config(&self) -> Arc<Config> {
        Arc::clone(&self.config.borrow())
    }

    /// The policies in force.
    pub(super) fn policies(&self) -> Result<Policies, PolicyError> {
        Policies::new(&self.config().retention)
    }

    /// Tells those who look after the store, and open pages.
    pub(super) async fn tell(
        &self,
        kind: &'static str,
        product: Option<ProductId>,
        report: Report,
    ) -> DbResult<()> {
        let (now, receivers) = (self.clock.now(), receivers(&self.config()));
        let work =
            move |conn: &mut Conn| queue_report(conn, now, kind, product, &receivers, &report);
        let seq = self.db.tx("collector.tell", work).await?;
        self.ring(seq);
        Ok(())
    }

    /// Wakes those who wait for events and mails.
    pub(super) fn ring(&self, seq: i64) {
        self.bells.notifier.notify_one();
        let raise = |newest: &mut i64| *newest = seq.max(*newest);
        self.bells.events.send_modify(raise);
    }

    pub(super) async fn fact(&self, name: &'static str) -> DbResult<Option<String>> {
        let read = move |conn: &mut Conn| settings::value(conn, name);
        self.db.read("collector.fact", read).await
    }

    pub(super) async fn keep_fact(&self, name: &'static str, value: String) -> DbResult<()> {
        let work = move |conn: &mut Conn| settings::put(conn, name, &value);
        self.db.tx_progress("collector.keep_fact", work).await
    }
}

/// Who gets mails about the store; nobody without `[mail]`, the pages tell it all the same.
pub(crate) fn receivers(config: &Config) -> Vec<String> {
    let Master { collecting, .. } = &config.master;
    match config.mail {
        Some(_) => collecting.owners.clone(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
