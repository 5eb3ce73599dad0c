//! All spools of the agent together: when more waits for the master than the disk is meant to
//! hold, every shim is told. Not here: what a shim does then.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::link::Link;

/// The sum over all running commands.
#[derive(Debug)]
pub(super) struct Crowd {
    /// Most bytes that may wait.
    bytes_max: u64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    bytes: u64,
    links: Vec<Weak<Link>>,
}

/// What one command has in the sum; nothing any more once dropped.
#[derive(Debug)]
pub(super) struct Share {
    crowd: Arc<Crowd>,
    bytes: u64,
}

impl Crowd {
    pub(super) fn new(bytes_max: u64) -> Arc<Crowd> {
        Arc::new(Crowd {
            bytes_max,
            state: Mutex::default(),
        })
    }

    /// A share of nothing yet.
    pub(super) fn share(self: &Arc<Self>) -> Share {
        Share {
            crowd: Arc::clone(self),
            bytes: 0,
        }
    }

    /// Has a shim told from now on, and at once if there is something to tell.
    pub(super) fn join(&self, link: &Arc<Link>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.links.retain(|link| link.strong_count() > 0);
        state.links.push(Arc::downgrade(link));
        link.set_crowded(state.bytes > self.bytes_max);
    }

    fn change(&self, less: u64, more: u64) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let was = state.bytes > self.bytes_max;
        state.bytes = state.bytes.saturating_sub(less).saturating_add(more);
        let is = state.bytes > self.bytes_max;
        if was != is {
            for link in state.links.iter().filter_map(Weak::upgrade) {
                link.set_crowded(is);
            }
        }
    }
}

impl Share {
    /// So many bytes of this command wait now.
    pub(super) fn set(&mut self, bytes: u64) {
        if bytes != self.bytes {
            self.crowd.change(self.bytes, bytes);
            self.bytes = bytes;
        }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.set(0);
    }
}
