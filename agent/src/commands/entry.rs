//! One command that was started here, running or finished, as the rest of the agent addresses
//! it. Not here: the table; following its shim.

use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use windlass_protocol::ops::{self, Reason};
use windlass_protocol::{CancelMode, Code, CommandId, CommandState, Failure, Progress};

use super::disk::RealDisk;
use super::link::Link;
use super::record::Record;
use super::stdin::Listener;
use super::view::View;
use crate::failure;
use crate::shim::wire::Order;

/// A command that is known here.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) id: CommandId,
    pub(super) record: Mutex<Record>,
    pub(super) folder: PathBuf,
    pub(crate) journal: View,
    /// To its shim; silent once it is finished.
    pub(super) link: Arc<Link>,
    /// It was started with input that comes over a channel.
    pub(super) takes_input: bool,
    /// Nothing of ours holds its folder any more.
    pub(super) left: Left,
}

/// Whether the shim is gone and was waited for.
#[derive(Debug, Default)]
pub(super) struct Left {
    gone: Mutex<bool>,
    changed: Condvar,
}

impl Left {
    /// They are gone.
    pub(super) fn tell(&self) {
        *self.gone.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for that, at most so long.
    pub(super) fn wait(&self, time: Duration) {
        let gone = self.gone.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.changed.wait_timeout_while(gone, time, |gone| !*gone);
        drop(waited);
    }
}

impl Entry {
    pub(super) fn is_running(&self) -> bool {
        !self.journal.extent().finished
    }

    /// Ends the command; nothing happens if it has ended.
    pub(crate) fn end(&self, reason: Reason, mode: CancelMode) {
        self.link.order(Order::End(reason, mode));
    }

    /// Does what a `signal` request says; nothing happens if it has ended.
    pub(crate) fn order(&self, order: ops::Order) {
        match order {
            ops::Order::End(mode) => self.end(Reason::Cancelled, mode),
            ops::Order::Deliver(signal) => self.link.order(Order::Deliver(signal)),
        }
    }

    /// The master has stored the journal up to here.
    pub(crate) fn mark_stored(&self, offset: u64) {
        self.journal.mark_stored(offset);
        self.link.set_stored(offset);
    }

    /// Has a channel told how far the input came and how far the command took it. Gives the
    /// number by which it brings input, until another channel listens.
    pub(crate) fn listen_input(&self, listener: Listener) -> u64 {
        match self.takes_input {
            true => self.journal.listen(listener),
            false => 0,
        }
    }

    /// Whether the listener of that number is the one whose input is taken.
    fn takes_from(&self, listener: u64) -> bool {
        self.takes_input && listener == self.journal.newest_listener()
    }

    /// Takes input that begins at `offset`; what came before is skipped.
    pub(crate) fn push_input(&self, listener: u64, offset: u64, bytes: &[u8]) {
        let received = self.journal.input_received();
        if self.takes_from(listener) && self.is_running() {
            self.link.push_input(offset, bytes, received);
        }
    }

    /// The input is complete.
    pub(crate) fn end_input(&self, listener: u64) {
        if self.takes_from(listener) {
            self.link.end_input();
        }
    }
}

impl Entry {
    /// Accepts a generation that is not older than the newest seen, and remembers it durably.
    pub(super) fn accept_generation(&self, generation: u64) -> Result<(), Failure> {
        let mut record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        let newest = record.generation;
        if generation < newest {
            let text = format!(
                "command {} is at generation {newest}, not {generation}",
                self.id
            );
            return Err(Failure::new(Code::StaleGeneration, text));
        }
        if generation > newest {
            let mut newer = record.clone();
            newer.generation = generation;
            newer
                .write(&RealDisk::new(&self.folder))
                .map_err(|error| failure::of_io(&error, b""))?;
            *record = newer;
        }
        Ok(())
    }

    /// As READY and `list` tell it.
    pub(super) fn state(&self) -> CommandState {
        let extent = self.journal.extent();
        let progress = match extent.finished {
            true => Progress::Finished,
            false => Progress::Running,
        };
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        CommandState {
            id: self.id,
            generation: record.generation,
            progress,
            journal_end: extent.len,
        }
    }

    /// Which start of the machine it began under.
    pub(super) fn boot(&self) -> String {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.boot.clone()
    }

    /// Whether the arguments are those it was started with.
    pub(super) fn has_digest(&self, digest: [u8; 32]) -> bool {
        let record = self.record.lock().unwrap_or_else(PoisonError::into_inner);
        record.digest == digest
    }
}
