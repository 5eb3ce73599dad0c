//! Counts of what applications were told: added up in memory, put into the database once a minute
//! and at the end. No address and no id is ever in them, and what can grow is bounded.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Time;
use crate::db::{Conn, Db, DbResult, Lane, update_counts};
use crate::ids::BranchId;
use crate::model::UpdateCount;

/// How often the counts reach the database.
const FLUSH_EVERY: Duration = Duration::from_secs(60);
/// Different counts between two flushes: 3,000 branches with a few targets; more are dropped.
const COUNTS_MAX: usize = 20_000;
/// Different versions per branch and day; the rest is `other`. More than are in use at a time.
const VERSIONS_MAX: usize = 50;
/// Longest version text that is counted by itself.
const VERSION_BYTES_MAX: usize = 64;
/// What stands for everything that is not counted by itself.
const OTHER: &str = "other";

/// One answer, as it is counted.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// The branch that was asked.
    pub branch: BranchId,
    /// The target, as asked.
    pub target: &'a str,
    /// Format of the feed, such as `v1` or `tauri`.
    pub format: &'static str,
    /// What the asker said it has.
    pub version: Option<&'a str>,
    /// What it was told.
    pub outcome: Outcome,
}

/// What an asker was told, for the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// An update, or the current product.
    Offer,
    /// Nothing newer.
    UpToDate,
    /// Something newer that does not run there.
    Unsupported,
    /// Updates are stopped.
    ShutOff,
    /// There is nothing at all.
    Nothing,
}

impl Outcome {
    /// The word in database and pages.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Offer => "offer",
            Self::UpToDate => "up-to-date",
            Self::Unsupported => "unsupported",
            Self::ShutOff => "shut-off",
            Self::Nothing => "nothing",
        }
    }
}

/// The counts of one master; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Counts {
    open: Arc<Mutex<HashMap<Key, i64>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    day: i64,
    branch: BranchId,
    target: String,
    format: &'static str,
    version: String,
    outcome: Outcome,
}

impl Counts {
    /// Counts one answer.
    pub fn note(&self, now: Time, asked: Asked<'_>) {
        // A target that offers nothing may be any text.
        let is_target_known = matches!(
            asked.outcome,
            Outcome::Offer | Outcome::UpToDate | Outcome::Unsupported
        );
        let key = Key {
            day: now.unix_seconds().div_euclid(86_400),
            branch: asked.branch,
            target: if is_target_known { asked.target } else { OTHER }.to_owned(),
            format: asked.format,
            version: counted_version(asked.version),
            outcome: asked.outcome,
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.len() < COUNTS_MAX || open.contains_key(&key) {
            *open.entry(key).or_default() += 1;
        }
    }

    /// Puts the counts into the database until `stop`, and once more then.
    pub async fn run(self, db: Db, stop: CancellationToken) {
        let db = db.lane(Lane::Engine);
        while !stop.is_cancelled() {
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(FLUSH_EVERY) => {}
            }
            if let Err(error) = self.flush(&db).await {
                tracing::error!(%error, "counts of answers cannot be stored");
            }
        }
    }

    /// Puts what was counted into the database; what cannot be stored is counted again later.
    pub async fn flush(&self, db: &Db) -> DbResult<()> {
        let taken = {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *open)
        };
        if taken.is_empty() {
            return Ok(());
        }
        let taken = Arc::new(taken);
        let stored = Arc::clone(&taken);
        let work = move |conn: &mut Conn| store(conn, &stored);
        let outcome = db.tx_progress("counts.flush", work).await;
        if outcome.is_err() {
            let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, asked) in taken.iter() {
                if open.len() < COUNTS_MAX || open.contains_key(key) {
                    *open.entry(key.clone()).or_default() += asked;
                }
            }
        }
        outcome
    }
}

fn counted_version(version: Option<&str>) -> String {
    match version {
        None => String::new(),
        Some(text) if text.len() > VERSION_BYTES_MAX || text.chars().any(char::is_control) => {
            OTHER.to_owned()
        }
        Some(text) => text.to_owned(),
    }
}

fn store(conn: &mut Conn, counts: &HashMap<Key, i64>) -> DbResult<()> {
    let mut known: HashMap<(BranchId, i64), BTreeSet<String>> = HashMap::new();
    for (key, asked) in counts {
        let versions = match known.entry((key.branch, key.day)) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => {
                let stored = update_counts::versions(conn, key.branch, key.day)?;
                entry.insert(stored.into_iter().collect())
            }
        };
        let is_own = versions.contains(&key.version) || versions.len() < VERSIONS_MAX;
        let version = if is_own { key.version.as_str() } else { OTHER };
        versions.insert(version.to_owned());
        let count = UpdateCount {
            day: key.day,
            target: key.target.clone(),
            format: key.format.to_owned(),
            from_version: version.to_owned(),
            outcome: key.outcome.as_str().to_owned(),
            asked: *asked,
        };
        update_counts::add(conn, key.branch, &count)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
