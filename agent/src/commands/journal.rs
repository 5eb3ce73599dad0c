//! The journal of one command as its one writer sees it: append-only files of records that end
//! with the exit box, bounded by what the master has stored. It is the only thing that the
//! supervision of a command writes, and the only thing that a channel reads. Not here: what a
//! record means; the form on disk (`segment`); finding a left journal again (`recovery`).

mod crc;
mod reader;
mod recovery;
pub(crate) mod segment;
mod spool;
#[cfg(test)]
mod tests;

pub(crate) use recovery::is_file;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};

use windlass_protocol::Boxed;
use windlass_protocol::journal::{self, RecordKind};
use windlass_protocol::ops::{ExecResult, Reason};
use windlass_protocol::sha256::Sha256;

use super::disk::{Disk, RealDisk};
use super::gate::Gate;
use crate::clock;
pub(crate) use reader::Reader;
pub(crate) use recovery::Recovered;
pub(crate) use spool::Spool;

/// An open journal.
#[derive(Debug)]
pub(crate) struct Journal<D: Disk = RealDisk> {
    disk: D,
    spool: Spool,
    /// Agent time at which the command began; records count from here.
    started_ms: u64,
    inner: Mutex<Inner<D::File>>,
    /// Signalled when there may be room again.
    room: Condvar,
}

#[derive(Debug)]
struct Inner<F> {
    /// The newest file, and its bytes that count.
    file: F,
    file_len: u64,
    /// A write failed half way, and the rest could not be taken back yet.
    torn: bool,
    /// A new file was begun and could not be made whole: it must go before anything is written,
    /// because the newest file is the one that counts.
    half_rolled: bool,
    /// Where the files begin that are there.
    segments: VecDeque<u64>,
    /// Bytes of whole records.
    len: u64,
    sha256: Sha256,
    /// Of the command's process, 0 until it is known.
    pid: u32,
    /// The exit box is written and durable; nothing follows.
    finished: bool,
    /// The master has stored the stream up to here.
    stored: u64,
    /// Somebody else says that all spools together are full.
    crowded: bool,
    /// The process has ended: what is left in its pipes is taken whatever the bounds.
    lifted: bool,
    /// A writer waits for room now.
    waiting: u32,
    /// Agent time at which the last wait ended.
    waited_ms: u64,
    /// Output that was thrown away because the spool was full, bytes.
    dropped: u64,
    /// Bytes of output that were kept, and newlines among them.
    kept: (u64, u64),
    dropping: bool,
    /// Output was lost although nobody wanted that.
    lost: bool,
    /// Bytes written since the disk's space was looked at.
    unlooked: u64,
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
    /// A reader of its own, standing at `offset`.
    #[cfg(test)]
    pub(crate) fn reader(&self, offset: u64) -> io::Result<Reader> {
        Reader::open(self.disk.folder(), offset)
    }

    /// Makes a new journal in that folder with no bounds; an error if there is one.
    #[cfg(test)]
    pub(crate) fn create(folder: &Path) -> io::Result<Journal> {
        let disk = RealDisk::new(folder);
        prepare(&disk)?;
        Journal::begin(disk, Spool::UNBOUNDED)
    }

    /// A reader of its own, standing at `offset`.
    pub(crate) fn reader_in(folder: &Path, offset: u64) -> io::Result<Reader> {
        Reader::open(folder, offset)
    }
}

/// Makes the first file, which holds no record yet. Until its name is made durable it may vanish.
pub(crate) fn prepare<D: Disk>(disk: &D) -> io::Result<()> {
    let mut file = disk.open(&segment::name(0))?;
    disk.append(&mut file, &segment::header(&Sha256::new(), 0))
}

impl<D: Disk> Journal<D> {
    /// Opens a journal that was prepared; an error if anything was written to it since.
    pub(crate) fn begin(disk: D, spool: Spool) -> io::Result<Journal<D>> {
        let fresh = segment::header(&Sha256::new(), 0);
        if disk.read(&segment::name(0))? != fresh {
            let text = "somebody else has written this journal";
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, text));
        }
        let file = disk.open(&segment::name(0))?;
        Ok(Journal::new(disk, spool, file, fresh.len() as u64))
    }

    fn new(disk: D, spool: Spool, file: D::File, file_len: u64) -> Journal<D> {
        let inner = Inner {
            file,
            file_len,
            torn: false,
            half_rolled: false,
            segments: VecDeque::from([0]),
            len: 0,
            sha256: Sha256::new(),
            pid: 0,
            finished: false,
            stored: 0,
            crowded: false,
            lifted: false,
            waiting: 0,
            waited_ms: 0,
            dropped: 0,
            kept: (0, 0),
            dropping: false,
            lost: false,
            // The first record looks.
            unlooked: spool::SPACE_LOOK_BYTES,
            watchers: Vec::new(),
        };
        Journal {
            disk,
            spool,
            started_ms: clock::now_ms(),
            inner: Mutex::new(inner),
            room: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner<D::File>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Appends one record and wakes whoever follows this journal. Output waits, fails or is
    /// thrown away when the spool is full; anything else is a few bytes and always taken.
    pub(crate) fn append(&self, kind: RecordKind, bytes: &[u8]) -> io::Result<()> {
        let is_output = !matches!(
            kind,
            RecordKind::Note | RecordKind::Started | RecordKind::Exit
        );
        let written = match is_output {
            true => self.append_output(kind, bytes),
            false => self.write(&mut self.lock(), kind, bytes),
        };
        self.tell();
        written
    }

    /// Appends bytes of a followed file, after the number of the tail.
    pub(crate) fn append_tail(&self, numbered: &[u8]) -> io::Result<()> {
        self.append(RecordKind::Tail, numbered)
    }

    /// Wakes the watchers, outside the lock: they look at the journal while they hold their own.
    fn tell(&self) {
        let watchers = {
            let mut inner = self.lock();
            inner.watchers.retain(|watcher| watcher.strong_count() > 0);
            inner.watchers.clone()
        };
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.poke();
        }
    }

    /// Notes that the process was started.
    pub(crate) fn start(&self, pid: u32) -> io::Result<()> {
        let mut pairs = Boxed::new();
        pairs.push_number("pid", pid.into());
        let mut inner = self.lock();
        inner.pid = pid;
        let written = self.write(&mut inner, RecordKind::Started, &pairs.encode());
        drop(inner);
        self.tell();
        written
    }

    /// Milliseconds since the command began.
    pub(crate) fn elapsed_ms(&self) -> u64 {
        clock::now_ms().saturating_sub(self.started_ms)
    }

    fn record(&self, kind: RecordKind, bytes: &[u8]) -> Vec<u8> {
        let since_start = u32::try_from(self.elapsed_ms()).unwrap_or(u32::MAX);
        let mut record = Vec::with_capacity(journal::RECORD_HEADER + bytes.len());
        journal::encode(kind, since_start, bytes, &mut record);
        record
    }

    fn write(&self, inner: &mut Inner<D::File>, kind: RecordKind, bytes: &[u8]) -> io::Result<()> {
        if inner.finished {
            return Err(io::Error::other("the journal is finished"));
        }
        if inner.dropping && !matches!(kind, RecordKind::Note) {
            inner.dropping = false;
            let text = format!("{} bytes of output were dropped so far", inner.dropped);
            self.write(inner, RecordKind::Note, text.as_bytes())?;
        }
        if inner.file_len >= segment::HEADER_BYTES as u64 + self.spool.segment_bytes {
            self.roll(inner)?;
        }
        let record = self.record(kind, bytes);
        self.put(inner, &segment::chunk(inner.len, &record))?;
        inner.len += record.len() as u64;
        inner.sha256.update(&record);
        Ok(())
    }

    /// Appends bytes to the newest file, all or none.
    fn put(&self, inner: &mut Inner<D::File>, bytes: &[u8]) -> io::Result<()> {
        self.mend(inner)?;
        if let Err(error) = self.disk.append(&mut inner.file, bytes) {
            inner.torn = true;
            // If it fails now, it is tried again before the next write.
            let _ = self.mend(inner);
            return Err(error);
        }
        inner.file_len += bytes.len() as u64;
        Ok(())
    }

    fn mend(&self, inner: &mut Inner<D::File>) -> io::Result<()> {
        if inner.torn {
            self.disk.truncate(&mut inner.file, inner.file_len)?;
            inner.torn = false;
        }
        if inner.half_rolled {
            match self.disk.remove(&segment::name(inner.len)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => self.disk.sync_names()?,
            }
            inner.half_rolled = false;
        }
        Ok(())
    }

    /// Goes on in a new file. The old one is made durable, so that the end has one file to sync.
    fn roll(&self, inner: &mut Inner<D::File>) -> io::Result<()> {
        self.mend(inner)?;
        self.disk.sync(&inner.file)?;
        let name = segment::name(inner.len);
        let header = segment::header(&inner.sha256, inner.pid);
        inner.half_rolled = true;
        let mut file = self.disk.open(&name)?;
        self.disk.append(&mut file, &header)?;
        // Before the one before it may go: the hash so far is in this header alone then.
        self.disk.sync(&file)?;
        self.disk.sync_names()?;
        inner.half_rolled = false;
        inner.file = file;
        inner.file_len = header.len() as u64;
        inner.segments.push_back(inner.len);
        self.give_up_stored(inner);
        Ok(())
    }

    /// Appends the exit box, the last record, and tells of it once it is durable. A result never
    /// passes for the command's own if output was lost.
    pub(crate) fn finish(&self, result: &ExecResult) -> io::Result<()> {
        self.finish_with(result, None)
    }

    fn finish_with(&self, result: &ExecResult, cut: Option<u64>) -> io::Result<()> {
        let mut inner = self.lock();
        if inner.finished {
            return Err(io::Error::other("the journal is finished"));
        }
        let mut result = result.clone();
        result.dropped = inner.dropped;
        (result.bytes, result.lines) = inner.kept;
        if inner.lost && matches!(result.reason, Reason::Exited | Reason::Signalled) {
            result.reason = Reason::MaxOutput;
            result.text = "the agent could not keep all output".into();
        }
        let record = self.record(RecordKind::Exit, &result.to_box().encode());
        let len = inner.len + record.len() as u64;
        let mut sha256 = inner.sha256.clone();
        sha256.update(&record);
        let mut bytes = segment::chunk(inner.len, &record);
        let digest = sha256.clone().finish();
        bytes.extend(segment::end(
            len,
            &segment::End {
                sha256: digest,
                cut,
            },
        ));
        let before = inner.file_len;
        self.put(&mut inner, &bytes)?;
        let synced = match cfg!(feature = "planted-defect") {
            // What a test that crashes must find.
            true => Ok(()),
            false => self.disk.sync(&inner.file),
        };
        if let Err(error) = synced {
            inner.file_len = before;
            inner.torn = true;
            return Err(error);
        }
        inner.len = len;
        inner.sha256 = sha256;
        inner.finished = true;
        drop(inner);
        self.tell();
        Ok(())
    }

    /// The master has stored everything below `offset`: files that end there are removed.
    pub(crate) fn mark_stored(&self, offset: u64) {
        let mut inner = self.lock();
        let offset = offset.min(inner.len);
        if offset > inner.stored {
            inner.stored = offset;
            self.give_up_stored(&mut inner);
            self.room.notify_all();
        }
    }

    fn give_up_stored(&self, inner: &mut Inner<D::File>) {
        while inner
            .segments
            .get(1)
            .is_some_and(|next| *next <= inner.stored)
        {
            if let Some(start) = inner.segments.pop_front() {
                // One that stays wastes room until the command is forgotten, nothing more.
                let _ = self.disk.remove(&segment::name(start));
            }
        }
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
}
