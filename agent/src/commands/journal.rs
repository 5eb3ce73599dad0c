//! The journal of one command: an append-only file of records that ends with the exit box. It is
//! the only thing that the supervision of a command writes and the only thing that a channel
//! reads, so that either may be elsewhere. Not here: what a record means.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use windlass_protocol::Boxed;
use windlass_protocol::journal::{self, Decoder, RecordKind};
use windlass_protocol::ops::ExecResult;
use windlass_protocol::sha256::Sha256;

use super::gate::Gate;
use crate::clock;

/// Bytes read at once when a journal is gone through: one record at most, as the pipes give it.
const READ_BYTES: usize = 65_536;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// Agent time at which the command began; records count from here.
    started_ms: u64,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    file: File,
    /// Bytes of complete records; what lies beyond is not there.
    len: u64,
    sha256: Sha256,
    /// The exit box is written; nothing follows.
    finished: bool,
    /// Those who want to know about growth. The dead are dropped at the next growth.
    watchers: Vec<Weak<Gate>>,
}

/// How long a journal is, and whether it will grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Extent {
    pub(crate) len: u64,
    pub(crate) finished: bool,
}

impl Journal {
    /// Makes a new journal; an error if there is one.
    pub(crate) fn create(path: &Path) -> io::Result<Journal> {
        let file = File::options().append(true).create_new(true).open(path)?;
        Ok(Journal::new(path, file, 0, Sha256::new(), false))
    }

    /// Opens the journal that an earlier run of the agent left. A record that was cut short was
    /// never counted nor sent: it is cut away. Also gives the process number that was noted.
    pub(crate) fn recover(path: &Path) -> io::Result<(Journal, Option<u32>)> {
        let mut file = File::options()
            .read(true)
            .append(true)
            .create(true)
            .open(path)?;
        let mut scan = Scan {
            decoder: Decoder::starting_at(0),
            len: 0,
            pid: None,
            finished: false,
        };
        let mut buffer = vec![0; READ_BYTES];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 || !scan.take(&buffer[..count]) {
                break;
            }
        }
        let mut sha256 = Sha256::new();
        hash_prefix(&mut file, scan.len, &mut sha256)?;
        if file.metadata()?.len() != scan.len {
            // Only then: it would make an old journal young.
            file.set_len(scan.len)?;
        }
        Ok((
            Journal::new(path, file, scan.len, sha256, scan.finished),
            scan.pid,
        ))
    }

    fn new(path: &Path, file: File, len: u64, sha256: Sha256, finished: bool) -> Journal {
        let inner = Inner {
            file,
            len,
            sha256,
            finished,
            watchers: Vec::new(),
        };
        let inner = Mutex::new(inner);
        Journal {
            path: path.to_owned(),
            started_ms: clock::now_ms(),
            inner,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one record and wakes whoever streams this journal. A record that fails half way
    /// (a full disk) is taken back, so that the file always ends with a whole one.
    pub(crate) fn append(&self, kind: RecordKind, bytes: &[u8]) -> io::Result<()> {
        self.write(kind, bytes, false)
    }

    /// Appends bytes of a followed file, after the number of the tail.
    pub(crate) fn append_tail(&self, numbered: &[u8]) -> io::Result<()> {
        self.write(RecordKind::Tail, numbered, false)
    }

    /// Appends the exit box, the last record, and makes it durable.
    pub(crate) fn finish(&self, result: &ExecResult) -> io::Result<()> {
        self.write(RecordKind::Exit, &result.to_box().encode(), true)
    }

    /// Notes that the process was started.
    pub(crate) fn start(&self, pid: u32) -> io::Result<()> {
        let mut pairs = Boxed::new();
        pairs.push_number("pid", pid.into());
        self.write(RecordKind::Started, &pairs.encode(), false)
    }

    /// Milliseconds since the command began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        clock::now_ms().saturating_sub(self.started_ms)
    }

    fn write(&self, kind: RecordKind, bytes: &[u8], last: bool) -> io::Result<()> {
        let since_start = u32::try_from(self.elapsed_ms()).unwrap_or(u32::MAX);
        let mut record = Vec::with_capacity(journal::RECORD_HEADER + bytes.len());
        journal::encode(kind, since_start, bytes, &mut record);
        let watchers = {
            let mut inner = self.lock();
            if inner.finished {
                return Err(io::Error::other("the journal is finished"));
            }
            if let Err(error) = inner.file.write_all(&record) {
                inner.file.set_len(inner.len)?;
                return Err(error);
            }
            if last {
                inner.file.sync_all()?;
            }
            inner.len += record.len() as u64;
            inner.sha256.update(&record);
            inner.finished = last;
            inner.watchers.retain(|watcher| watcher.strong_count() > 0);
            inner.watchers.clone()
        };
        // Outside the lock: a watcher looks at the journal while it holds its own.
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.poke();
        }
        Ok(())
    }

    /// Has `gate` poked after every growth from now on.
    pub(crate) fn watch(&self, gate: &Arc<Gate>) {
        self.lock().watchers.push(Arc::downgrade(gate));
    }

    /// How far it goes now.
    pub(crate) fn extent(&self) -> Extent {
        let inner = self.lock();
        Extent {
            len: inner.len,
            finished: inner.finished,
        }
    }

    /// The digest of everything up to now; of the whole once finished.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.lock().sha256.clone().finish()
    }

    /// A handle of its own for reading, standing at `offset`.
    pub(crate) fn reader(&self, offset: u64) -> io::Result<File> {
        let mut file = File::open(&self.path)?;
        file.seek(SeekFrom::Start(offset))?;
        Ok(file)
    }
}

/// What going through the records of a left journal finds.
struct Scan {
    decoder: Decoder,
    /// Bytes of whole records.
    len: u64,
    pid: Option<u32>,
    finished: bool,
}

impl Scan {
    /// Takes more bytes; `false` once nothing that follows can be a record.
    fn take(&mut self, bytes: &[u8]) -> bool {
        self.decoder.push(bytes);
        loop {
            match self.decoder.next_record() {
                Ok(Some(record)) => {
                    self.len = record.end;
                    match record.kind {
                        RecordKind::Started => self.pid = pid_of(&record.bytes),
                        RecordKind::Exit => self.finished = true,
                        _ => {}
                    }
                }
                Ok(None) => return !self.finished,
                Err(_) => return false,
            }
            if self.finished {
                return false;
            }
        }
    }
}

fn pid_of(bytes: &[u8]) -> Option<u32> {
    let pid = Boxed::decode(bytes).ok()?.number("pid").ok()??;
    u32::try_from(pid).ok()
}

fn hash_prefix(file: &mut File, len: u64, sha256: &mut Sha256) -> io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    let mut rest = file.take(len);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = rest.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        sha256.update(&buffer[..count]);
    }
}
