//! Locks of names: whoever changes what stands under a name holds the one of its last digits.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// Enough that two contents rarely wait for each other.
const LOCKS: usize = 64;

/// The locks of one store.
#[derive(Debug)]
pub(super) struct Locks {
    all: Vec<Mutex<()>>,
    /// How many wait for one that somebody else holds.
    waiting: AtomicUsize,
}

/// Counts one who waits, for as long as it lives.
struct Wait<'a>(&'a AtomicUsize);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Default for Locks {
    fn default() -> Self {
        Self {
            all: (0..LOCKS).map(|_| Mutex::new(())).collect(),
            waiting: AtomicUsize::new(0),
        }
    }
}

impl Locks {
    /// The lock of a name, when nobody else has it any more.
    pub(super) async fn of(&self, sha256: &str) -> MutexGuard<'_, ()> {
        let digits = sha256.get(62..64).unwrap_or("0");
        let at = usize::from_str_radix(digits, 16).unwrap_or(0) % LOCKS;
        if let Ok(guard) = self.all[at].try_lock() {
            return guard;
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        let _wait = Wait(&self.waiting);
        self.all[at].lock().await
    }

    /// How many wait for one that somebody else holds.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }
}
