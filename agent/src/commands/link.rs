//! The agent's end of the link to one shim: what is to be told, kept until it was, so that a new
//! link goes on where the old one broke. Not here: hearing the shim (`follow`).

#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::shim::wire::{self, Order, Start};
use crate::sys::LinkWriter;

/// Signals of the master that a shim which does not listen may gather; of more the oldest are
/// dropped. An order to end the command never is.
const SIGNALS_MAX: usize = 256;

/// What one shim is to be told.
#[derive(Debug, Default)]
pub(crate) struct Link {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Which link it is; each has a writing thread of its own.
    number: u64,
    closed: bool,
    master: bool,
    crowded: bool,
    stored: u64,
    orders: VecDeque<Order>,
    /// Input that the shim has not confirmed.
    input: VecDeque<(u64, Vec<u8>)>,
    /// Offset after the last input that came here.
    came: u64,
    input_ended: bool,
    told: Told,
}

/// What was told over the present link.
#[derive(Debug, Default)]
struct Told {
    master: Option<bool>,
    crowded: bool,
    stored: u64,
    /// Offset after the last input.
    input: u64,
    input_ended: bool,
}

impl Link {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.lock());
        self.changed.notify_all();
    }

    pub(super) fn order(&self, order: Order) {
        self.change(|state| match order {
            // One that says the same is still to be told.
            Order::End(..) if state.orders.contains(&order) => {}
            _ => {
                let is_signal = |order: &Order| !matches!(order, Order::End(..));
                let signals = state.orders.iter().filter(|order| is_signal(order)).count();
                if is_signal(&order) && signals >= SIGNALS_MAX {
                    let oldest = state.orders.iter().position(is_signal);
                    oldest.and_then(|at| state.orders.remove(at));
                }
                state.orders.push_back(order);
            }
        });
    }

    pub(super) fn set_master(&self, present: bool) {
        self.change(|state| state.master = present);
    }

    pub(super) fn set_crowded(&self, crowded: bool) {
        self.change(|state| state.crowded = crowded);
    }

    pub(super) fn set_stored(&self, offset: u64) {
        self.change(|state| state.stored = state.stored.max(offset));
    }

    /// Takes input that begins at `offset`, after what the shim has; what came before is skipped.
    pub(super) fn push_input(&self, offset: u64, bytes: &[u8], received: u64) {
        self.change(|state| {
            state.came = state.came.max(received);
            while let Some((start, piece)) = state.input.front()
                && start + piece.len() as u64 <= received
            {
                state.input.pop_front();
            }
            let known = state.came.saturating_sub(offset);
            let known = usize::try_from(known).unwrap_or(usize::MAX);
            if offset <= state.came
                && let Some(fresh) = bytes.get(known..).filter(|fresh| !fresh.is_empty())
            {
                state.input.push_back((state.came, fresh.to_vec()));
                state.came += fresh.len() as u64;
            }
        });
    }

    pub(super) fn end_input(&self) {
        self.change(|state| state.input_ended = true);
    }

    /// The command is over: the writing thread ends.
    pub(super) fn close(&self) {
        self.change(|state| state.closed = true);
    }

    /// Tells everything over a new link. What the shim has of the input is skipped. `start`:
    /// it is to be asked first.
    pub(super) fn connect(
        self: &Arc<Self>,
        mut writer: LinkWriter,
        received: u64,
        start: Option<Start>,
    ) -> io::Result<()> {
        let mut number = 0;
        self.change(|state| {
            state.number += 1;
            number = state.number;
            state.told = Told {
                input: received,
                master: start.as_ref().map(|start| start.master_present),
                ..Told::default()
            };
            state.came = state.came.max(received);
        });
        let link = Arc::clone(self);
        let thread = std::thread::Builder::new().name("orders".into());
        thread.spawn(move || {
            let asked = start.map(|start| wire::write_box(&mut writer, &start.to_box()));
            if let Some(Err(_)) = asked {
                return;
            }
            while let Some(order) = link.next(number) {
                if wire::write_box(&mut writer, &order.to_box()).is_err() {
                    // The thread that hears the shim learns it too, and renews the link.
                    return;
                }
            }
        })?;
        Ok(())
    }

    /// The next order for that link; `None` once it is replaced or closed.
    fn next(&self, number: u64) -> Option<Order> {
        let mut state = self.lock();
        loop {
            if state.closed || state.number != number {
                return None;
            }
            if let Some(order) = state.next() {
                return Some(order);
            }
            state = self
                .changed
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl State {
    fn next(&mut self) -> Option<Order> {
        if self.told.master != Some(self.master) {
            self.told.master = Some(self.master);
            return Some(Order::Master(self.master));
        }
        if let Some(order) = self.orders.pop_front() {
            return Some(order);
        }
        if self.told.crowded != self.crowded {
            self.told.crowded = self.crowded;
            return Some(Order::Crowded(self.crowded));
        }
        if self.told.stored < self.stored {
            self.told.stored = self.stored;
            return Some(Order::Stored(self.stored));
        }
        let told = self.told.input;
        let untold = |(start, piece): &&(u64, Vec<u8>)| start + piece.len() as u64 > told;
        if let Some((start, piece)) = self.input.iter().find(untold) {
            self.told.input = start + piece.len() as u64;
            return Some(Order::Input(*start, piece.clone()));
        }
        if self.input_ended && !self.told.input_ended {
            self.told.input_ended = true;
            return Some(Order::InputEnd);
        }
        None
    }
}
