//! The order to stop: from a signal to the session, or to the wait between two of them. Not
//! here: what a session does about it.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Input;

/// Shared by the signal thread and the loop that dials.
#[derive(Clone, Default)]
pub(crate) struct Stop {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    requested: bool,
    /// The session that runs now.
    session: Option<Sender<Input>>,
}

impl Stop {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks to stop; `false` if that was asked before.
    pub(crate) fn request(&self) -> bool {
        let mut state = self.lock();
        let first = !state.requested;
        state.requested = true;
        if let Some(session) = &state.session {
            let _ = session.send(Input::Stop);
        }
        self.shared.changed.notify_all();
        first
    }

    /// Whether it was asked.
    pub(crate) fn is_requested(&self) -> bool {
        self.lock().requested
    }

    /// Has a session told, at once if it was asked already.
    pub(super) fn attach(&self, session: Sender<Input>) {
        let mut state = self.lock();
        if state.requested {
            let _ = session.send(Input::Stop);
        }
        state.session = Some(session);
    }

    /// The session is over.
    pub(super) fn detach(&self) {
        self.lock().session = None;
    }

    /// Waits that long, or until asked to stop.
    pub(crate) fn wait(&self, time: Duration) {
        let state = self.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, time, |state| !state.requested);
        drop(waited);
    }
}
