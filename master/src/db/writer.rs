//! The one thread that writes to SQLite. It runs queued transactions, each under a savepoint, and
//! commits them together, so that many promises share one sync of the disk.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc;

use tokio::sync::oneshot;

use super::{Conn, DbError, DbResult, Durability, FeedEpochs, conn, events};

/// Transactions waiting; a full queue makes callers wait, which is the back-pressure.
const QUEUE_MAX: usize = 1024;
/// Transactions per commit: bounds how long the first one waits for the last.
const GROUP_MAX: usize = 128;

/// The queue to the writer thread. The thread ends when the last sender is gone.
pub(super) struct Writer {
    queue: mpsc::SyncSender<Job>,
}

struct Job {
    durability: Durability,
    /// Runs under a savepoint; its answer is sent by `finish` after the group's commit.
    work: Box<dyn FnOnce(&mut Conn) -> Finish + Send>,
}

/// Tells the caller how it ended; the argument says whether the commit succeeded.
type Finish = Box<dyn FnOnce(Result<(), String>) + Send>;

impl Writer {
    pub(super) fn start(conn: Conn, feeds: Arc<FeedEpochs>) -> DbResult<Self> {
        let (queue, jobs) = mpsc::sync_channel(QUEUE_MAX);
        std::thread::Builder::new()
            .name("db-writer".to_owned())
            .spawn(move || serve(conn, &jobs, &feeds))
            .map_err(|error| DbError::Open(format!("cannot start the writer thread: {error}")))?;
        Ok(Self { queue })
    }

    pub(super) async fn run<T, F>(
        &self,
        name: &'static str,
        durability: Durability,
        work: F,
    ) -> DbResult<T>
    where
        T: Send + 'static,
        F: Fn(&mut Conn) -> DbResult<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = Job {
            durability,
            work: Box::new(move |conn| attempt(conn, name, &work, answer)),
        };
        match self.queue.try_send(job) {
            Ok(()) => {}
            Err(mpsc::TrySendError::Disconnected(_)) => return Err(DbError::Busy),
            Err(mpsc::TrySendError::Full(job)) => {
                let queue = self.queue.clone();
                let wait = move || queue.send(job).map_err(|_| DbError::Busy);
                tokio::task::spawn_blocking(wait)
                    .await
                    .map_err(|_| DbError::Busy)??;
            }
        }
        answered.await.map_err(|_| DbError::Busy)?
    }
}

/// Runs one transaction under a savepoint and keeps its answer until the commit.
fn attempt<T: Send + 'static>(
    conn: &mut Conn,
    name: &'static str,
    work: &dyn Fn(&mut Conn) -> DbResult<T>,
    answer: oneshot::Sender<DbResult<T>>,
) -> Finish {
    let outcome = conn::execute(conn, "SAVEPOINT job").and_then(|()| {
        let outcome =
            catch_unwind(AssertUnwindSafe(|| work(conn))).unwrap_or(Err(DbError::Panicked(name)));
        if outcome.is_err() {
            conn::execute(conn, "ROLLBACK TO job")?;
        }
        conn::execute(conn, "RELEASE job")?;
        outcome
    });
    Box::new(move |commit: Result<(), String>| {
        let outcome = match commit {
            Ok(()) => outcome,
            Err(text) => outcome.and(Err(DbError::Open(format!("the commit failed: {text}")))),
        };
        // A caller that went away does not wait for its answer.
        let _ = answer.send(outcome);
    })
}

fn serve(mut conn: Conn, jobs: &mpsc::Receiver<Job>, feeds: &FeedEpochs) {
    while let Ok(first) = jobs.recv() {
        let mut group = vec![first];
        while group.len() < GROUP_MAX
            && let Ok(next) = jobs.try_recv()
        {
            group.push(next);
        }
        let promised = group
            .iter()
            .any(|job| job.durability == Durability::Promise);
        commit(&mut conn, group, promised, feeds);
    }
}

fn commit(conn: &mut Conn, group: Vec<Job>, promised: bool, feeds: &FeedEpochs) {
    let level = if promised { "FULL" } else { "NORMAL" };
    let begun = conn::execute(
        conn,
        &format!("PRAGMA synchronous = {level}; BEGIN IMMEDIATE"),
    );
    if let Err(error) = begun {
        // Dropping the jobs tells their callers that the database is busy.
        tracing::error!(%error, "the database refuses to begin a transaction");
        return;
    }
    let finishes: Vec<Finish> = group.into_iter().map(|job| (job.work)(conn)).collect();
    let committed = conn::execute(conn, "COMMIT").map_err(|error| error.to_string());
    if let Err(error) = &committed {
        tracing::error!(%error, "the database refuses to commit");
        // Fails harmlessly when no transaction is open.
        let _ = conn::execute(conn, "ROLLBACK");
    }
    // Before anybody hears of the commit, so that who does gets no answer from before it.
    feeds.raise(&events::take_touched_feeds());
    for finish in finishes {
        finish(committed.clone());
    }
}
