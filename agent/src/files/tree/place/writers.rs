//! Threads that check and write small files while the next ones are taken off the stream: making
//! a file is mostly the system's work, and that goes on beside ours. They come with the first
//! full batch; a tree that brings little needs none. Not here: large files, links, folders.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use windlass_protocol::{Code, Failure};

use super::writing::{Desk, Spot};
use crate::files::tree::index::Known;
use crate::files::tree::manifest::{Item, Manifest};

/// Two keep a disk busy beside the thread that takes the bytes; more would wait for each other
/// in the folders.
const THREADS: usize = 2;
/// A batch is handed over when it holds that much: two frames' worth, so that threads are woken
/// rarely and none waits long for its first.
const BATCH_BYTES: usize = 131_072;
/// Or that many files, since they may be empty.
const BATCH_FILES: usize = 128;
/// Batches that wait for a thread: one for each.
const WAITING_MAX: usize = THREADS;

/// Files to be written, their contents joined.
#[derive(Debug, Default)]
struct Batch {
    content: Vec<u8>,
    /// Numbers in the manifest, and where among the spots each file's folder is.
    files: Vec<(usize, usize)>,
    spots: Vec<Spot>,
}

/// What was written, by number in the manifest.
type Written = Vec<(usize, Known)>;

/// Where batches wait for the threads.
#[derive(Debug, Default)]
pub(in super::super) struct Bench {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    batches: VecDeque<Batch>,
    /// No more will come.
    is_closed: bool,
    /// What went wrong first; nothing is written after it.
    failure: Option<Failure>,
}

impl Bench {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a batch there once there is room.
    fn put(&self, batch: Batch) -> Result<(), Failure> {
        let is_full =
            |state: &mut State| state.failure.is_none() && state.batches.len() >= WAITING_MAX;
        let waited = self.changed.wait_while(self.lock(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if let Some(failure) = &state.failure {
            return Err(failure.clone());
        }
        state.batches.push_back(batch);
        self.changed.notify_all();
        Ok(())
    }

    /// Takes a batch once there is one; `None` at the end.
    fn take(&self) -> Option<Batch> {
        let is_empty = |state: &mut State| {
            state.failure.is_none() && !state.is_closed && state.batches.is_empty()
        };
        let waited = self.changed.wait_while(self.lock(), is_empty);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.failure.is_some() {
            return None;
        }
        let batch = state.batches.pop_front();
        self.changed.notify_all();
        batch
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }

    fn fail(&self, failure: Failure) {
        self.lock().failure.get_or_insert(failure);
        self.changed.notify_all();
    }

    /// What a thread does: writes batches until there are no more.
    fn work(&self, desk: Desk<'_>, manifest: &Manifest) -> Written {
        let mut written = Vec::new();
        while let Some(batch) = self.take() {
            if let Err(failure) = batch.write(desk, manifest, &mut written) {
                self.fail(failure);
            }
        }
        written
    }
}

impl Batch {
    fn write(
        &self,
        desk: Desk<'_>,
        manifest: &Manifest,
        written: &mut Written,
    ) -> Result<(), Failure> {
        let mut rest = &self.content[..];
        for (number, spot) in &self.files {
            let item = manifest.item(*number);
            // As long as it was when it was put there.
            let size = usize::try_from(item.size).unwrap_or(usize::MAX);
            let (content, after) = rest.split_at(size.min(rest.len()));
            let known = desk.place(&self.spots[*spot], item, content)?;
            written.push((*number, known));
            rest = after;
        }
        Ok(())
    }
}

/// The side that gathers files. Dropped, it lets the threads end with what they have.
pub(in super::super) struct Writers<'s, 'e> {
    scope: &'s Scope<'s, 'e>,
    bench: &'e Bench,
    desk: Desk<'e>,
    manifest: &'e Manifest,
    batch: Batch,
    threads: Vec<ScopedJoinHandle<'s, Written>>,
}

impl<'s, 'e> Writers<'s, 'e> {
    pub(super) fn new(
        scope: &'s Scope<'s, 'e>,
        bench: &'e Bench,
        desk: Desk<'e>,
        manifest: &'e Manifest,
    ) -> Self {
        Writers {
            scope,
            bench,
            desk,
            manifest,
            batch: Batch::default(),
            threads: Vec::new(),
        }
    }

    /// Where the next file's content is to be appended.
    pub(in super::super) fn content(&mut self) -> &mut Vec<u8> {
        let content = &mut self.batch.content;
        if content.capacity() == 0 {
            // The last file of a batch goes beyond, mostly by little.
            content.reserve(BATCH_BYTES + BATCH_BYTES / 8);
        }
        content
    }

    /// The folder of the last file, if this batch has one.
    pub(super) fn last_spot(&self) -> Option<&Spot> {
        self.batch.spots.last()
    }

    /// The next files belong there.
    pub(super) fn go_to(&mut self, spot: Spot) {
        self.batch.spots.push(spot);
    }

    /// The content of this file is whole; its folder is the last spot.
    pub(super) fn push(&mut self, item: Item<'_>) -> Result<(), Failure> {
        let spot = self.batch.spots.len() - 1;
        self.batch.files.push((item.number, spot));
        if self.batch.content.len() < BATCH_BYTES && self.batch.files.len() < BATCH_FILES {
            return Ok(());
        }
        self.hand_over()
    }

    fn hand_over(&mut self) -> Result<(), Failure> {
        while self.threads.len() < THREADS {
            let (bench, desk, manifest) = (self.bench, self.desk, self.manifest);
            let thread = Builder::new().name("files".into());
            // It has the rights of this thread on files, whoever we act as.
            let thread = thread.spawn_scoped(self.scope, move || bench.work(desk, manifest));
            match thread {
                Ok(thread) => self.threads.push(thread),
                Err(_) if !self.threads.is_empty() => break,
                Err(error) => {
                    let text = format!("cannot start a thread: {error}");
                    return Err(Failure::new(Code::Busy, text));
                }
            }
        }
        self.bench.put(std::mem::take(&mut self.batch))
    }

    /// Waits until everything is written.
    pub(in super::super) fn finish(mut self) -> Result<Written, Failure> {
        let last = std::mem::take(&mut self.batch);
        let mut written = Vec::new();
        if self.threads.is_empty() {
            last.write(self.desk, self.manifest, &mut written)?;
            return Ok(written);
        }
        // Refused only after a failure, which is told below.
        let _ = self.bench.put(last);
        self.bench.close();
        for thread in self.threads.drain(..) {
            let fault = |_| Failure::new(Code::Internal, "the agent failed inside");
            written.extend(thread.join().map_err(fault)?);
        }
        match self.bench.lock().failure.take() {
            Some(failure) => Err(failure),
            None => Ok(written),
        }
    }
}

impl Drop for Writers<'_, '_> {
    fn drop(&mut self) {
        self.bench.close();
    }
}
