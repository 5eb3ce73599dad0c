//! The order to stop: from a signal to the sessions, or to the wait between two of them. Not
//! here: what a session does about it.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::upgrade::Successor;

/// Tells one who waits that the agent is to stop; never waits itself.
pub(crate) type Wake = Box<dyn Fn() + Send>;

/// Shared by the signal thread and the loops that serve.
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
    /// A new program that is to take over; a stop all the same.
    successor: Option<Successor>,
    /// Who is to be told, each with its ticket.
    waiting: Vec<(u64, Wake)>,
    /// Tickets given out.
    tickets: u64,
}

impl State {
    fn is_requested(&self) -> bool {
        self.requested || self.successor.is_some()
    }
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
        self.tell(&state);
        first
    }

    /// Asks to stop because a new program is to take over.
    pub(crate) fn hand_over(&self, successor: Successor) {
        let mut state = self.lock();
        state.successor = Some(successor);
        self.tell(&state);
    }

    /// Who is to take over, unless somebody asked to stop altogether.
    pub(crate) fn successor(&self) -> Option<Successor> {
        let state = self.lock();
        state.successor.clone().filter(|_| !state.requested)
    }

    fn tell(&self, state: &State) {
        state.waiting.iter().for_each(|(_, wake)| wake());
        self.shared.changed.notify_all();
    }

    /// Whether it was asked.
    pub(crate) fn is_requested(&self) -> bool {
        self.lock().is_requested()
    }

    /// Has somebody told, at once if it was asked already. Gives the ticket to end that with.
    pub(crate) fn attach(&self, wake: Wake) -> u64 {
        let mut state = self.lock();
        if state.is_requested() {
            wake();
        }
        state.tickets += 1;
        let ticket = state.tickets;
        state.waiting.push((ticket, wake));
        ticket
    }

    /// Whoever has this ticket waits no more.
    pub(crate) fn detach(&self, ticket: u64) {
        self.lock().waiting.retain(|(known, _)| *known != ticket);
    }

    /// Waits that long, or until asked to stop.
    pub(crate) fn wait(&self, time: Duration) {
        let state = self.lock();
        let waited = self
            .shared
            .changed
            .wait_timeout_while(state, time, |state| !state.is_requested());
        drop(waited);
    }
}
