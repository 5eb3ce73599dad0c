//! Appending to one log. There is one writer per log; what it was given counts once it is synced
//! and committed.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::mask::Mask;
use super::{LogError, Logs, compress};
use crate::db;
use crate::ids::LogId;

/// Bytes gathered before they are written: fewer calls to the kernel, little memory per log.
const BUFFER_BYTES: usize = 256 * 1024;

/// The writer of one log.
pub struct LogWriter {
    logs: Logs,
    id: LogId,
    path: PathBuf,
    file: Arc<File>,
    /// Hides secrets, if there are any to hide.
    mask: Option<Mask>,
    /// Bytes not written yet.
    buffer: Vec<u8>,
    /// Bytes in the file.
    written: u64,
    /// Line feeds appended.
    lines: u64,
    /// Whether the last byte appended is no line feed.
    has_open_line: bool,
    /// What the row says: where [`Self::rewind`] goes.
    committed: Synced,
}

/// How much of a log is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Synced {
    /// Which log.
    pub(crate) id: LogId,
    /// Bytes.
    pub(crate) bytes: u64,
    /// Line feeds.
    pub(crate) lines: u64,
    /// Whether the last byte is no line feed.
    has_open_line: bool,
}

impl LogWriter {
    pub(super) async fn open(logs: Logs, row: &db::logs::Log) -> Result<Self, LogError> {
        let path = logs.shared.data.join(&row.path);
        let (target, bytes) = (path.clone(), row.bytes);
        let opened = blocking(&path, move || open(&target, bytes)).await?;
        // Readers who came first wait on the same sender.
        logs.growing(row.id, row.bytes);
        logs.publish(row.id, row.bytes);
        Ok(Self {
            logs,
            id: row.id,
            path,
            file: Arc::new(opened.0),
            mask: None,
            buffer: Vec::new(),
            written: row.bytes,
            lines: row.lines,
            has_open_line: opened.1,
            committed: Synced {
                id: row.id,
                bytes: row.bytes,
                lines: row.lines,
                has_open_line: opened.1,
            },
        })
    }

    /// Which log.
    #[must_use]
    pub fn id(&self) -> LogId {
        self.id
    }

    /// Bytes appended so far, committed or not.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let held = self.mask.as_ref().map_or(0, Mask::held);
        self.written + self.buffer.len() as u64 + held as u64
    }

    /// Hides these secrets in everything that is appended from now on.
    pub fn hide(&mut self, secrets: Vec<Vec<u8>>) {
        self.mask = (!secrets.is_empty()).then(|| Mask::new(secrets));
    }

    /// Whether nothing is held back because it may be the beginning of a secret.
    pub(crate) fn is_settled(&self) -> bool {
        self.mask.as_ref().is_none_or(|mask| mask.held() == 0)
    }

    /// Appends what is held back: as it is, because nothing follows, or hidden, because it cannot
    /// wait for what follows.
    pub(crate) async fn settle(&mut self, is_over: bool) -> Result<(), LogError> {
        match &mut self.mask {
            Some(mask) => {
                let held = if is_over { mask.settle() } else { mask.cover() };
                self.take(&held).await
            }
            None => Ok(()),
        }
    }

    /// How far the log goes with everything that was appended and is not held back.
    pub(crate) fn end(&self) -> Synced {
        Synced {
            id: self.id,
            bytes: self.written + self.buffer.len() as u64,
            lines: self.lines,
            has_open_line: self.has_open_line,
        }
    }

    /// Appends bytes; they count after the next [`Self::commit`].
    pub async fn append(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        match &mut self.mask {
            Some(mask) => {
                let decided = mask.push(bytes);
                self.take(&decided).await
            }
            None => self.take(bytes).await,
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> Result<(), LogError> {
        self.lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        if let Some(last) = bytes.last() {
            self.has_open_line = *last != b'\n';
        }
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= BUFFER_BYTES {
            self.write(false).await?;
        }
        Ok(())
    }

    /// Brings everything appended to the disk. The row is the caller's to write, with
    /// `db::logs::commit` and then [`Self::committed`].
    pub(crate) async fn sync(&mut self) -> Result<Synced, LogError> {
        self.write(true).await?;
        Ok(self.end())
    }

    /// Forgets what was appended after the last commit.
    pub(crate) async fn rewind(&mut self) -> Result<(), LogError> {
        let committed = self.committed;
        self.buffer.clear();
        if let Some(mask) = &mut self.mask {
            mask.forget();
        }
        if self.written > committed.bytes {
            let file = Arc::clone(&self.file);
            blocking(&self.path, move || file.set_len(committed.bytes)).await?;
        }
        self.written = committed.bytes;
        self.lines = committed.lines;
        self.has_open_line = committed.has_open_line;
        Ok(())
    }

    /// Takes note of what the row says now, and tells followers.
    pub(crate) fn committed(&mut self, synced: Synced) {
        self.committed = synced;
        self.logs.publish(synced.id, synced.bytes);
    }

    /// Brings everything appended to the disk and into the row, where readers see it.
    pub async fn commit(&mut self) -> Result<(), LogError> {
        let synced = self.sync().await?;
        let commit = move |conn: &mut db::Conn| {
            db::logs::commit(conn, synced.id, synced.bytes, synced.lines)
        };
        let db = &self.logs.shared.db;
        db.tx_progress("log commit", commit).await?;
        self.committed(synced);
        Ok(())
    }

    /// Commits, compresses and closes the log. Nothing is lost if the master dies within.
    pub async fn close(mut self) -> Result<(), LogError> {
        self.settle(true).await?;
        let synced = self.sync().await?;
        let plain = self.path.clone();
        blocking(&self.path, move || compress::compress(&plain)).await?;
        let now = self.logs.shared.clock.now();
        let lines = synced.lines + u64::from(self.has_open_line);
        let close = move |conn: &mut db::Conn| {
            db::logs::close(conn, now, synced.id, synced.bytes, lines, true)
        };
        self.logs.shared.db.tx("log close", close).await?;
        let plain = self.path.clone();
        blocking(&self.path, move || fs::remove_file(plain)).await?;
        self.committed(synced);
        self.logs.grown().remove(&self.id);
        Ok(())
    }

    /// Writes the buffer at its place in the file, so that a write that outlives its caller puts
    /// the same bytes where they belong.
    async fn write(&mut self, sync: bool) -> Result<(), LogError> {
        let file = Arc::clone(&self.file);
        let buffer = std::mem::take(&mut self.buffer);
        let at = self.written;
        self.written += buffer.len() as u64;
        self.buffer = blocking(&self.path, move || {
            file.write_all_at(&buffer, at)?;
            if sync {
                file.sync_data()?;
            }
            Ok(buffer)
        })
        .await?;
        self.buffer.clear();
        Ok(())
    }
}

/// Opens the file at `path`, cut to `bytes`, and says whether its last line is open.
fn open(path: &Path, bytes: u64) -> io::Result<(File, bool)> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut options = OpenOptions::new();
    let file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(path)?;
    let length = file.metadata()?.len();
    if length < bytes {
        let text = format!("has {length} bytes, and {bytes} were committed: the disk lost some");
        return Err(io::Error::other(text));
    }
    file.set_len(bytes)?;
    let mut last = [b'\n'];
    if bytes > 0 {
        file.read_exact_at(&mut last, bytes - 1)?;
    }
    File::open(folder)?.sync_all()?;
    Ok((file, last[0] != b'\n'))
}

/// Runs disk work off the async threads.
pub(super) async fn blocking<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, LogError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(io::Error::other(error)))
        .map_err(|error| LogError::Io {
            path: path.to_owned(),
            error,
        })
}
