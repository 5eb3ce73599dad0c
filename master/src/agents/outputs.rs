//! The logs that one command fills: its output, its errors where they are split, and the files
//! that are followed. All of them and the journal's offset advance together. Not here: the
//! journal (`exec`).

use crate::db::{self, DbResult};
use crate::ids::LogId;
use crate::logs::{LogError, LogWriter, Synced};
use crate::session::{JournalPart, Mark};

/// The logs of one command.
pub struct Outputs {
    /// The output first, then the errors if they are split, then the followed files.
    logs: Vec<LogWriter>,
    has_errors: bool,
    bounds: Bounds,
    /// Where everything stood at the last end of a record at which nothing was held back.
    settled: Point,
}

/// Most bytes of each log; the rest is dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Of the output, and of the errors: an agent that keeps to the command's limit never gets
    /// there.
    pub output_bytes_max: u64,
    /// Of each followed file.
    pub tail_bytes_max: u64,
}

/// How far the journal was taken, and each log with it.
#[derive(Debug, Clone, Default)]
pub(super) struct Point {
    /// Where the journal stands.
    pub(super) mark: Mark,
    ends: Vec<Synced>,
}

impl Outputs {
    /// Everything in one log.
    #[must_use]
    pub fn of(output: LogWriter) -> Self {
        Self {
            logs: vec![output],
            has_errors: false,
            bounds: Bounds {
                output_bytes_max: u64::MAX,
                tail_bytes_max: u64::MAX,
            },
            settled: Point::default(),
        }
    }

    /// The same with a log for errors, and one for each followed file in the order of the command,
    /// all of them bounded.
    #[must_use]
    pub fn with(
        mut self,
        errors: Option<LogWriter>,
        tails: Vec<LogWriter>,
        bounds: Bounds,
    ) -> Self {
        self.has_errors = errors.is_some();
        self.logs.extend(errors);
        self.logs.extend(tails);
        self.bounds = bounds;
        self
    }

    /// The log of the output.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.output().id()
    }

    fn output(&self) -> &LogWriter {
        // `of` puts it there, and nothing takes one out.
        &self.logs[0]
    }

    /// Hides these secrets in all of the logs from now on.
    pub fn hide(&mut self, secrets: &[Vec<u8>]) {
        for log in &mut self.logs {
            log.hide(secrets.to_vec());
        }
    }

    /// Appends to the output something of the system's own.
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.logs[0].append(bytes).await
    }

    /// Commits every log as it stands.
    pub async fn commit(&mut self) -> Result<(), LogError> {
        for log in &mut self.logs {
            log.commit().await?;
        }
        Ok(())
    }

    /// Commits, compresses and closes every log.
    pub async fn close(self) -> Result<(), LogError> {
        for log in self.logs {
            log.close().await?;
        }
        Ok(())
    }

    /// Forgets what came after the last commit, which was there in the journal.
    pub(super) async fn rewind(&mut self, mark: &Mark) -> Result<(), LogError> {
        for log in &mut self.logs {
            log.rewind().await?;
        }
        self.mark(mark);
        Ok(())
    }

    /// Takes what a record holds; how many bytes that were.
    pub(super) async fn take(&mut self, part: &JournalPart) -> Result<u64, LogError> {
        let (at, bytes) = match part {
            JournalPart::Output(bytes) => (0, bytes),
            JournalPart::Errors(bytes) => (usize::from(self.has_errors), bytes),
            JournalPart::Tail(number, bytes) => (1 + usize::from(self.has_errors) + number, bytes),
            JournalPart::Note(_) | JournalPart::Exit(_) => return Ok(0),
        };
        let most = match part {
            JournalPart::Tail(..) => self.bounds.tail_bytes_max,
            _ => self.bounds.output_bytes_max,
        };
        // A number beyond the list is of a file that nobody asked for.
        if let Some(log) = self.logs.get_mut(at) {
            let room = most.saturating_sub(log.bytes());
            let kept = usize::try_from(room).unwrap_or(usize::MAX).min(bytes.len());
            log.append(&bytes[..kept]).await?;
        }
        Ok(bytes.len() as u64)
    }

    /// A record ended there: if nothing is held back, this is where a commit goes.
    pub(super) fn mark(&mut self, mark: &Mark) {
        if self.logs.iter().all(LogWriter::is_settled) {
            self.settled.mark.clone_from(mark);
            self.settled.ends = self.logs.iter().map(LogWriter::end).collect();
        }
    }

    /// Appends what is held back, and marks: the journal is over, or holding back lasts too long.
    pub(super) async fn settle(&mut self, mark: &Mark, is_over: bool) -> Result<(), LogError> {
        for log in &mut self.logs {
            log.settle(is_over).await?;
        }
        self.mark(mark);
        Ok(())
    }

    /// Whether nothing is held back.
    pub(super) fn is_settled(&self) -> bool {
        self.logs.iter().all(LogWriter::is_settled)
    }

    /// Brings everything to the disk and gives what may be committed.
    pub(super) async fn sync(&mut self) -> Result<Point, LogError> {
        for log in &mut self.logs {
            log.sync().await?;
        }
        Ok(self.settled.clone())
    }

    /// Takes note of what was committed, and tells followers.
    pub(super) fn committed(&mut self, point: &Point) {
        for (log, end) in self.logs.iter_mut().zip(&point.ends) {
            log.committed(*end);
        }
    }
}

impl Point {
    /// Writes how much of each log is on disk.
    pub(super) fn commit(&self, conn: &mut db::Conn) -> DbResult<()> {
        self.ends
            .iter()
            .try_for_each(|end| db::logs::commit(conn, end.id, end.bytes, end.lines))
    }
}
