//! A journal as the agent sees it: how far it goes, as its shim tells or as it was found, and
//! whom to wake when it grows. Not here: writing it; the bytes (`journal::Reader`).

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use super::crowd::Share;
use super::gate::Gate;
use super::journal::{Extent, Journal, Reader, Recovered};
use super::stdin::Listener;
use crate::clock;
use crate::shim::wire::News;

/// What is known of one journal.
pub(crate) struct View {
    folder: PathBuf,
    state: Mutex<State>,
    /// Signalled by the first news.
    heard: Condvar,
}

struct State {
    extent: Extent,
    sha256: [u8; 32],
    cut: Option<u64>,
    /// Nothing of it can be read; why.
    broken: Option<String>,
    /// Bytes of input that the shim has, and that the command took.
    input: (u64, u64),
    listener: Option<Listener>,
    /// Which listener that is; 0 if there was none.
    listener_number: u64,
    has_news: bool,
    /// Those who want to know about growth. The dead are dropped at the next growth.
    watchers: Vec<Weak<Gate>>,
    /// Bytes that wait for the master, among those of all commands.
    share: Share,
    stored: u64,
    /// Agent time at which its end became known.
    finished_at_ms: Option<u64>,
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "View({})", self.folder.display())
    }
}

impl View {
    /// Nothing is known yet of the journal in that folder.
    pub(super) fn new(folder: &Path, share: Share) -> View {
        let extent = Extent {
            len: 0,
            finished: false,
        };
        let state = State {
            extent,
            sha256: [0; 32],
            cut: None,
            broken: None,
            input: (0, 0),
            listener: None,
            listener_number: 0,
            has_news: false,
            watchers: Vec::new(),
            share,
            stored: 0,
            finished_at_ms: None,
        };
        View {
            folder: folder.to_owned(),
            state: Mutex::new(state),
            heard: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes what the shim told.
    pub(super) fn take_news(&self, news: &News) {
        let mut state = self.lock();
        state.extent.len = state.extent.len.max(news.len);
        if let Some(sha256) = news.sha256 {
            state.sha256 = sha256;
            state.extent.finished = true;
        }
        let input = (news.input_received, news.input_consumed);
        if input != state.input {
            state.input = input;
            if let Some(listener) = &state.listener {
                listener(input.0, input.1);
            }
        }
        self.wake(state);
    }

    /// Takes what was found when the shim was gone.
    pub(super) fn take_found(&self, found: &io::Result<Recovered>) {
        let mut state = self.lock();
        match found {
            Ok(found) => {
                state.extent = found.extent;
                state.sha256 = found.sha256;
                state.cut = found.cut;
            }
            Err(error) => state.broken = Some(error.to_string()),
        }
        // Whatever it is, nothing will be added.
        state.extent.finished = true;
        self.wake(state);
    }

    fn wake(&self, mut state: MutexGuard<'_, State>) {
        state.has_news = true;
        if state.extent.finished {
            state.finished_at_ms.get_or_insert_with(clock::now_ms);
        }
        state.weigh();
        state.watchers.retain(|watcher| watcher.strong_count() > 0);
        let watchers = state.watchers.clone();
        drop(state);
        self.heard.notify_all();
        // Outside the lock: a watcher looks here while it holds its own.
        for watcher in watchers.iter().filter_map(Weak::upgrade) {
            watcher.poke();
        }
    }

    /// Waits for the first news, at most that long.
    pub(super) fn wait_for_news(&self, time: Duration) {
        let state = self.lock();
        let waited = self
            .heard
            .wait_timeout_while(state, time, |state| !state.has_news);
        drop(waited);
    }

    /// The master has stored everything below `offset`.
    pub(super) fn mark_stored(&self, offset: u64) {
        let mut state = self.lock();
        state.stored = state.stored.max(offset.min(state.extent.len));
        state.weigh();
    }

    /// Has a channel told how far the input came and how far it was taken, now and from now on,
    /// in place of the one before. Gives the listener's number.
    pub(super) fn listen(&self, listener: Listener) -> u64 {
        let mut state = self.lock();
        listener(state.input.0, state.input.1);
        state.listener = Some(listener);
        state.listener_number += 1;
        state.listener_number
    }

    /// The number of the newest listener.
    pub(super) fn newest_listener(&self) -> u64 {
        self.lock().listener_number
    }

    /// Bytes of input that the shim has.
    pub(super) fn input_received(&self) -> u64 {
        self.lock().input.0
    }

    /// Has `gate` poked after every growth from now on.
    pub(crate) fn watch(&self, gate: &Arc<Gate>) {
        self.lock().watchers.push(Arc::downgrade(gate));
    }

    /// How far it goes now.
    pub(crate) fn extent(&self) -> Extent {
        self.lock().extent
    }

    /// For how long its end has been known here, milliseconds; 0 if it has none.
    pub(super) fn known_finished_ms(&self) -> u64 {
        let since = self.lock().finished_at_ms;
        since.map_or(0, |since| clock::now_ms().saturating_sub(since))
    }

    /// The digest of the whole, once finished.
    pub(crate) fn sha256(&self) -> [u8; 32] {
        self.lock().sha256
    }

    /// A reader at an offset where the stream is surely the one that was sent before; the text
    /// of an error says why there is none.
    pub(crate) fn reader(&self, offset: u64) -> Result<Reader, String> {
        {
            let state = self.lock();
            let len = state.extent.len;
            if let Some(why) = &state.broken {
                return Err(why.clone());
            }
            if offset > len {
                return Err(format!(
                    "the journal has {len} bytes and cannot be sent from {offset}"
                ));
            }
            if state.cut.is_some_and(|cut| offset > cut && offset != len) {
                return Err(format!(
                    "the machine fell over and lost the journal before offset {offset}"
                ));
            }
        }
        Journal::reader_in(&self.folder, offset).map_err(|error| error.to_string())
    }
}

impl State {
    fn weigh(&mut self) {
        let waiting = match self.extent.finished {
            true => 0,
            false => self.extent.len.saturating_sub(self.stored),
        };
        self.share.set(waiting);
    }
}
