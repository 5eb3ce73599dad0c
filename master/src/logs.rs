//! Logs of steps: appended while a step runs, followed while they grow, compressed when closed.
//! A log's row says how many bytes are on disk; whatever a file holds beyond that is cut off when
//! the log is opened again.

mod compress;
mod mask;
mod reader;
mod writer;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::clock::Clock;
use crate::db::{self, Db, DbError, DbResult, Lane};
use crate::ids::{LogId, StepId};
use crate::model::Name;

pub use reader::READ_BYTES_MAX;
pub use writer::LogWriter;
pub(crate) use writer::Synced;

/// Why a log could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The database says no; [`DbError::NotFound`] when there is no such log.
    #[error(transparent)]
    Db(#[from] DbError),
    /// The disk says no; the text names the file.
    #[error("the log file {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// A log was to be appended to that is closed.
    #[error("the log is closed")]
    Closed,
}

/// The logs of one master; cheap to clone.
#[derive(Clone)]
pub struct Logs {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    clock: Clock,
    /// The data folder; paths in the database are below it.
    data: PathBuf,
    /// How many bytes may be read of each open log that somebody writes or follows.
    growing: Mutex<HashMap<LogId, watch::Sender<u64>>>,
}

impl Logs {
    /// The logs below the folder `data`.
    #[must_use]
    pub fn new(db: &Db, clock: Clock, data: impl Into<PathBuf>) -> Self {
        Self {
            shared: Arc::new(Shared {
                db: db.lane(Lane::Agents),
                clock,
                data: data.into(),
                growing: Mutex::default(),
            }),
        }
    }

    /// Begins a log of a step.
    pub async fn create(&self, step: StepId, name: Name) -> Result<LogWriter, LogError> {
        let now = self.shared.clock.now();
        let insert = move |conn: &mut db::Conn| db::logs::insert(conn, now, step, &name);
        let row = self.shared.db.tx("log begin", insert).await?;
        LogWriter::open(self.clone(), &row).await
    }

    /// Opens a log again, to append behind what is committed.
    pub async fn open(&self, log: LogId) -> Result<LogWriter, LogError> {
        let row = self.row(log).await?;
        if !row.open {
            return Err(LogError::Closed);
        }
        LogWriter::open(self.clone(), &row).await
    }

    /// Closes a log that cannot be written any more, with what is committed of it.
    pub async fn close_as_committed(&self, log: LogId) -> DbResult<()> {
        let row = self.row(log).await?;
        if row.open {
            let now = self.shared.clock.now();
            let close = move |conn: &mut db::Conn| {
                db::logs::close(conn, now, log, row.bytes, row.lines, false)
            };
            self.shared.db.tx("log given up", close).await?;
        }
        self.grown().remove(&log);
        Ok(())
    }

    /// Follows a log: the value is how many bytes may be read, and the channel ends when the log
    /// is closed. Take it before the first read.
    pub async fn subscribe(&self, log: LogId) -> DbResult<watch::Receiver<u64>> {
        // Entered first, so that a writer that commits or closes meanwhile is not missed.
        let receiver = self.growing(log, 0).subscribe();
        let row = self.row(log).await;
        if !matches!(&row, Ok(row) if row.open) {
            self.grown().remove(&log);
        }
        let row = row?;
        if row.open {
            self.publish(log, row.bytes);
            return Ok(receiver);
        }
        Ok(watch::channel(row.bytes).1)
    }

    async fn row(&self, log: LogId) -> DbResult<db::logs::Log> {
        let find = move |conn: &mut db::Conn| db::logs::by_id(conn, log);
        self.shared.db.read("log", find).await
    }

    fn grown(&self) -> MutexGuard<'_, HashMap<LogId, watch::Sender<u64>>> {
        self.shared
            .growing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The sender of a log, made if there is none. Entries that nobody follows go with the close
    /// of their log, so there are never more than open logs.
    fn growing(&self, log: LogId, bytes: u64) -> watch::Sender<u64> {
        self.grown()
            .entry(log)
            .or_insert_with(|| watch::Sender::new(bytes))
            .clone()
    }

    fn publish(&self, log: LogId, bytes: u64) {
        if let Some(sender) = self.grown().get(&log) {
            sender.send_if_modified(|known| {
                let grows = bytes > *known;
                *known = bytes.max(*known);
                grows
            });
        }
    }
}

#[cfg(test)]
mod tests;
