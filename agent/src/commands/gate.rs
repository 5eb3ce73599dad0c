//! How far an outgoing stream may go: the session opens it further as the master grants credit
//! and the line takes bytes; the thread that reads the bytes waits at it. Not here: the bytes.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Shared between the session and one thread that produces bytes.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Bytes below this offset may be handed over. Only grows.
    granted: u64,
    /// The channel is gone: the producer ends.
    closed: bool,
}

impl Gate {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets bytes below `offset` pass.
    pub(crate) fn open_to(&self, offset: u64) {
        let mut state = self.lock();
        if offset > state.granted {
            state.granted = offset;
            self.changed.notify_all();
        }
    }

    /// Ends the producer.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Whether the producer is to end.
    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// Makes the producer look again: there may be more to read.
    pub(crate) fn poke(&self) {
        // The lock makes sure that the producer is not between looking and waiting.
        drop(self.lock());
        self.changed.notify_all();
    }

    /// Waits until `ready`, given the offset up to which bytes may pass, says so; `None` once
    /// closed. Every wake comes from one of the calls above: the wait ends with the channel.
    pub(crate) fn wait<T>(&self, mut ready: impl FnMut(u64) -> Option<T>) -> Option<T> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            if let Some(found) = ready(state.granted) {
                return Some(found);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}
