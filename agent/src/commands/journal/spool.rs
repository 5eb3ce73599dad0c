//! How much of a journal may wait for the master, and what happens to output when it is full or
//! the disk is. Not here: writing a record.

use std::io;
use std::sync::{MutexGuard, PoisonError};
use std::time::Duration;

use windlass_protocol::journal::RecordKind;
use windlass_protocol::limits;
use windlass_protocol::ops::OnFull;

use super::segment::SEGMENT_BYTES;
use super::{Inner, Journal};
use crate::clock;
use crate::commands::disk::Disk;

/// How often the disk's free space is looked at, in bytes written: a look costs microseconds.
pub(super) const SPACE_LOOK_BYTES: u64 = 1 << 20;
/// Nothing tells when a disk has room again.
const ROOM_LOOK: Duration = Duration::from_secs(1);
/// How often the last output of an ended command is tried on a full disk. Together less than its
/// supervision waits for it, so that the loss can still be told.
const LAST_TRIES: u32 = 240;

/// The bounds of one journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Spool {
    /// Most bytes that the master has not stored.
    pub(crate) bytes_max: u64,
    /// Bytes of the disk that stay free.
    pub(crate) reserve_bytes: u64,
    pub(crate) on_full: OnFull,
    /// Bytes of records in one file.
    pub(crate) segment_bytes: u64,
}

impl Spool {
    /// For the agent's own few records about a command: nothing is in their way.
    pub(crate) const UNBOUNDED: Spool = Spool {
        bytes_max: u64::MAX,
        reserve_bytes: 0,
        on_full: OnFull::Block,
        segment_bytes: SEGMENT_BYTES,
    };
}

/// Whether a record may be written now.
enum Room {
    Yes,
    Drop,
    Full,
    Wait,
}

impl<D: Disk> Journal<D> {
    pub(super) fn append_output(&self, kind: RecordKind, bytes: &[u8]) -> io::Result<()> {
        let mut inner = self.lock();
        let mut tries = 0;
        loop {
            match self.room_for(&mut inner, bytes.len() as u64) {
                Room::Yes => match self.write(&mut inner, kind, bytes) {
                    Err(error) if self.is_worth_waiting(&inner, &error, tries) => tries += 1,
                    other => {
                        inner.lost |= other.is_err();
                        if kind != RecordKind::Tail && other.is_ok() {
                            let newlines = bytes.iter().filter(|byte| **byte == b'\n').count();
                            inner.kept.0 += bytes.len() as u64;
                            inner.kept.1 += newlines as u64;
                        }
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
            if !self.give_up_newest(&mut inner) {
                inner = self.wait_for_room(inner);
            }
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
        let crowded = inner.crowded && waiting > limits::LOG_WINDOW;
        if !(over || crowded || self.is_short_of_space(inner, count)) {
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

    /// Where the disk is short and the master has stored all that is in the newest file, goes on in
    /// another, so that it leaves the disk. Returns whether it did.
    fn give_up_newest(&self, inner: &mut Inner<D::File>) -> bool {
        let is_stored = inner.stored == inner.len && !inner.finished;
        let is_empty = inner.segments.back() == Some(&inner.len);
        // On a disk without a byte there is no room for the new file either: others filled it.
        is_stored && !is_empty && self.roll(inner).is_ok()
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

    /// Agent time up to which the command may have been held up by a full spool: its silence
    /// until then is not its own.
    pub(crate) fn held_up_until_ms(&self) -> u64 {
        let inner = self.lock();
        match inner.waiting {
            0 => inner.waited_ms,
            _ => clock::now_ms(),
        }
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
}
