//! The database: one seam for reading and one for writing, on SQLite and on PostgreSQL.
//!
//! Queries live in the modules below, grouped by noun, as functions over `&mut Conn`; they are
//! called qualified (`builds::claim(conn, …)`) inside a named `db.read` or `db.tx`. Row structs
//! never leave these modules, and nothing outside them names diesel.

pub mod agent_tokens;
pub mod agent_upgrades;
pub mod agents;
pub mod artifacts;
pub mod audit;
pub mod blobs;
pub mod branches;
pub mod builders;
pub mod builds;
pub mod changes;
pub mod commands;
mod conn;
pub mod desks;
pub mod drafts;
mod error;
pub mod events;
mod feed_epochs;
pub mod heads;
pub mod holds;
pub mod labels;
pub mod logs;
mod master_lock;
mod migrate;
pub mod outbox;
mod pool;
pub mod products;
pub mod projects;
pub mod published_feeds;
pub mod releases;
pub mod repositories;
pub mod requests;
pub mod retention;
pub mod schedule_cursors;
pub(crate) mod schema;
pub mod sessions;
pub mod settings;
pub mod shutoffs;
pub mod sight;
pub mod signatures;
pub mod signoffs;
pub mod steps;
pub mod stores;
pub mod sync;
#[cfg(test)]
pub(crate) mod tests;
pub mod tokens;
pub mod update_counts;
pub mod uploads;
pub mod users;
pub mod verdicts;
pub mod views;
mod writer;

use std::path::Path;
use std::sync::Arc;

pub use conn::{Conn, Engine};
pub use error::{DbError, DbResult};
use feed_epochs::FeedEpochs;
pub use master_lock::MasterLock;
use pool::Pools;
use writer::Writer;

use crate::ids::BranchId;

/// Which pool of readers serves: a slow page must not hold up a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Pages and REST.
    Pages,
    /// Schedules, dispatcher, runner, mail.
    Engine,
    /// Sessions of agents and their logs.
    Agents,
}

/// How far a write is on disk when it is acknowledged (SQLite; PostgreSQL always syncs).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Durability {
    /// Progress of running builds: survives the process, not the machine.
    Progress,
    /// What was promised to a person, and exit records: survives the machine.
    Promise,
}

/// A handle to the database; cheap to clone.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
    lane: Lane,
}

struct Shared {
    feeds: Arc<FeedEpochs>,
    pools: Pools,
    /// Present on SQLite only: the thread that does every write.
    writer: Option<Writer>,
}

impl Db {
    /// Opens (and creates) the SQLite file at `path` and applies the migrations.
    pub fn open_sqlite(path: &Path) -> DbResult<Self> {
        let url = path.to_string_lossy().into_owned();
        let mut first = conn::connect_sqlite(&url)?;
        migrate::run(&mut first)?;
        let feeds = Arc::<FeedEpochs>::default();
        let writer = Writer::start(first, Arc::clone(&feeds))?;
        let pools = Pools::open(&url, Engine::Sqlite)?;
        Ok(Self::new(pools, Some(writer), feeds))
    }

    /// Opens the PostgreSQL database at `url` and applies the migrations.
    pub fn open_postgres(url: &str) -> DbResult<Self> {
        let mut first = conn::connect_postgres(url)?;
        migrate::run(&mut first)?;
        drop(first);
        let pools = Pools::open(url, Engine::Postgres)?;
        Ok(Self::new(pools, None, Arc::default()))
    }

    fn new(pools: Pools, writer: Option<Writer>, feeds: Arc<FeedEpochs>) -> Self {
        Self {
            shared: Arc::new(Shared {
                feeds,
                pools,
                writer,
            }),
            lane: Lane::Engine,
        }
    }

    /// The same database, reading through the pool of `lane`.
    #[must_use]
    pub fn lane(&self, lane: Lane) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            lane,
        }
    }

    /// The epoch of what update feeds answer; to be asked before an answer is read.
    #[must_use]
    pub fn feed_epoch(&self) -> u64 {
        self.shared.feeds.newest()
    }

    /// Whether an answer that was read in `epoch` and follows from these branches is still good;
    /// without branches it is good until the epoch ends.
    #[must_use]
    pub fn is_feed_good(&self, epoch: u64, branches: &[BranchId]) -> bool {
        self.shared.feeds.is_good(epoch, branches)
    }

    /// Begins another epoch for every branch, for what another process has committed.
    pub fn begin_feed_epoch(&self) {
        self.shared.feeds.raise_all();
    }

    /// The engine behind.
    #[must_use]
    pub fn engine(&self) -> Engine {
        self.shared.pools.engine()
    }

    /// Runs `work` on a reading connection, off the async threads. `name` is for logs and errors.
    ///
    /// Errors: [`DbError::Busy`] when no connection came free in 2 s.
    pub async fn read<T, F>(&self, name: &'static str, work: F) -> DbResult<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Conn) -> DbResult<T> + Send + 'static,
    {
        let (shared, lane) = (Arc::clone(&self.shared), self.lane);
        let run = move || shared.pools.with(lane, work);
        tokio::task::spawn_blocking(run)
            .await
            .map_err(|_| DbError::Panicked(name))?
    }

    /// Runs `work` in a transaction that is on disk when this returns. It may be run again after
    /// a serialization failure, so it must not do anything but database work.
    pub async fn tx<T, F>(&self, name: &'static str, work: F) -> DbResult<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> DbResult<T> + Send + 'static,
    {
        self.write(name, Durability::Promise, work).await
    }

    /// Like [`Db::tx`] for progress of running builds, which need not survive a power cut.
    pub async fn tx_progress<T, F>(&self, name: &'static str, work: F) -> DbResult<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> DbResult<T> + Send + 'static,
    {
        self.write(name, Durability::Progress, work).await
    }

    async fn write<T, F>(&self, name: &'static str, durability: Durability, work: F) -> DbResult<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> DbResult<T> + Send + 'static,
    {
        if let Some(writer) = &self.shared.writer {
            return writer.run(name, durability, work).await;
        }
        let (shared, lane) = (Arc::clone(&self.shared), self.lane);
        let run = move || shared.pools.transaction(lane, name, &shared.feeds, work);
        tokio::task::spawn_blocking(run)
            .await
            .map_err(|_| DbError::Panicked(name))?
    }
}

/// A text from outside as both engines can store it: at most `bytes_max` bytes, without NUL, which
/// PostgreSQL does not store.
fn storable(text: &str, bytes_max: usize) -> String {
    let end = text.floor_char_boundary(bytes_max);
    text[..end].replace('\0', "\u{fffd}")
}
