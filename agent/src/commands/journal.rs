//! The journal of one command as its one writer sees it: append-only files of records that end
//! with the exit box, bounded by what the master has stored. It is the only thing that the
//! supervision of a command writes, and the only thing that a channel reads. Not here: what a
//! record means; the form on disk (`segment`); finding a left journal again (`recovery`).

mod crc;
mod reader;
mod recovery;
pub(crate) mod segment;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use windlass_protocol::Boxed;
use windlass_protocol::journal::{self, RecordKind};
use windlass_protocol::ops::{ExecResult, OnFull, Reason};
use windlass_protocol::sha256::Sha256;

use super::disk::{Disk, RealDisk};
use super::gate::Gate;
use crate::clock;
pub(crate) use reader::Reader;
pub(crate) use recovery::Recovered;

/// How often the disk's free space is looked at, in bytes written: a look costs microseconds.
const SPACE_LOOK_BYTES: u64 = 1 << 20;
/// Nothing tells when a disk has room again.
const ROOM_LOOK: Duration = Duration::from_secs(1);
/// How often the last output of an ended command is tried on a full disk. Together less than its
/// supervision waits for it, so that the loss can still be told.
const LAST_TRIES: u32 = 240;

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

/// The bounds of one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spool {
    /// Most bytes that the master has not stored.
    pub(crate) bytes_max: u64,
    /// Bytes of the disk that stay free.
    pub(crate) reserve_bytes: u64,
    pub(crate) on_full: OnFull,
}

impl Spool {
    /// For the agent's own few records about a command: nothing is in their way.
    pub(crate) const UNBOUNDED: Spool = Spool {
        bytes_max: u64::MAX,
        reserve_bytes: 0,
        on_full: OnFull::Block,
    };
}

/// Whether a record may be written now.
enum Room {
    Yes,
    Drop,
    Full,
    Wait,
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
            dropping: false,
            lost: false,
            // The first record looks.
            unlooked: SPACE_LOOK_BYTES,
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

    fn append_output(&self, kind: RecordKind, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        let mut tries = 0;
        loop {
            match self.room_for(&mut inner, bytes.len() as u64) {
                Room::Yes => match self.write(&mut inner, kind, bytes) {
                    Err(error) if self.is_worth_waiting(&inner, &error, tries) => tries += 1,
                    other => {
                        inner.lost |= other.is_err();
                        return other;
                    }
                },
                Room::Drop => {
                    self.drop_output(&mut inner, bytes.len() as u64);
                    return Ok(());
                }
                Room::Full => {
                    let text = "the spool is full and `on_full` says kill";
                    return Err(io::Error::new(io::ErrorKind::StorageFull, text));
                }
                Room::Wait => {}
            }
            inner = self.wait_for_room(inner);
        }
    }

    /// Whether output of that length may be written now.
    fn room_for(&self, inner: &mut Inner<D::File>, count: u64) -> Room {
        if inner.lifted {
            return Room::Yes;
        }
        let waiting = inner.len.saturating_sub(inner.stored);
        // A single record is always taken, or a tiny spool would let nothing through.
        let over = waiting > 0 && waiting.saturating_add(count) > self.spool.bytes_max;
        if !(over || inner.crowded || self.is_short_of_space(inner, count)) {
            return Room::Yes;
        }
        match self.spool.on_full {
            OnFull::Block => Room::Wait,
            OnFull::Kill => Room::Full,
            OnFull::Drop => Room::Drop,
        }
    }

    fn is_short_of_space(&self, inner: &mut Inner<D::File>, count: u64) -> bool {
        inner.unlooked = inner.unlooked.saturating_add(count);
        if self.spool.reserve_bytes == 0 || inner.unlooked < SPACE_LOOK_BYTES {
            return false;
        }
        let short = self.disk.free_bytes() < self.spool.reserve_bytes;
        if !short {
            inner.unlooked = 0;
        }
        short
    }

    /// A full disk may have room again; anything else is a fault that waiting does not mend.
    fn is_worth_waiting(&self, inner: &Inner<D::File>, error: &io::Error, tries: u32) -> bool {
        let full = matches!(
            error.kind(),
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
        );
        let patient = self.spool.on_full == OnFull::Block;
        full && !inner.finished && patient && (!inner.lifted || tries < LAST_TRIES)
    }

    fn wait_for_room<'a>(
        &'a self,
        mut inner: MutexGuard<'a, Inner<D::File>>,
    ) -> MutexGuard<'a, Inner<D::File>> {
        inner.waiting += 1;
        let waited = self.room.wait_timeout(inner, ROOM_LOOK);
        let mut inner = waited.unwrap_or_else(PoisonError::into_inner).0;
        inner.waiting -= 1;
        inner.waited_ms = clock::now_ms();
        inner
    }

    fn drop_output(&self, inner: &mut Inner<D::File>, count: u64) {
        if !inner.dropping {
            inner.dropping = true;
            // The count in the result tells it too.
            let _ = self.write(
                inner,
                RecordKind::Note,
                b"the spool is full; output is dropped",
            );
        }
        inner.dropped += count;
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

    /// Agent time up to which the command may have been held up by a full spool: its silence
    /// until then is not its own.
    pub(crate) fn held_up_until_ms(&self) -> u64 {
        let inner = self.lock();
        match inner.waiting {
            0 => inner.waited_ms,
            _ => clock::now_ms(),
        }
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
        if inner.file_len >= segment::HEADER_BYTES as u64 + segment::SEGMENT_BYTES {
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
        Ok(())
    }

    /// Goes on in a new file. The old one is made durable, so that the end has one file to sync.
    fn roll(&self, inner: &mut Inner<D::File>) -> io::Result<()> {
        self.mend(inner)?;
        self.disk.sync(&inner.file)?;
        let name = segment::name(inner.len);
        let header = segment::header(&inner.sha256, inner.pid);
        let mut file = self.disk.open(&name)?;
        // What a failed try has left there.
        self.disk.truncate(&mut file, 0)?;
        self.disk.append(&mut file, &header)?;
        self.disk.sync_names()?;
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
        if let Err(error) = self.disk.sync(&inner.file) {
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

    /// The process has ended: what is in its pipes is taken without regard to the bounds.
    pub(crate) fn lift_bounds(&self) {
        self.lock().lifted = true;
        self.room.notify_all();
    }

    /// All spools of the agent together are full, or are no longer.
    pub(crate) fn set_crowded(&self, crowded: bool) {
        self.lock().crowded = crowded;
        self.room.notify_all();
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
