//! How much memory a master takes, over all its lives in a test.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

/// The highest of what was seen, MB.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Peak {
    /// Memory of its own, without the pages of its program.
    pub(super) own: u64,
    /// All that was ever resident at once, the pages of its program included.
    pub(super) whole: u64,
}

impl Peak {
    /// Of two lives.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            own: self.own.max(other.own),
            whole: self.whole.max(other.whole),
        }
    }
}

/// Watches a process until dropped.
pub(super) struct Watch {
    id: u32,
    own: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
}

impl Watch {
    pub(super) fn of(id: u32) -> Self {
        let watch = Self {
            id,
            own: Arc::default(),
            stop: Arc::default(),
        };
        let (own, stop) = (Arc::clone(&watch.own), Arc::clone(&watch.stop));
        thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                own.fetch_max(megabytes(id, "RssAnon:"), Ordering::SeqCst);
                thread::sleep(Duration::from_millis(50));
            }
        });
        watch
    }

    /// What was highest so far. The process must live.
    pub(super) fn peak(&self) -> Peak {
        let whole = megabytes(self.id, "VmHWM:");
        assert!(whole > 0, "the master has ended");
        Peak {
            own: self.own.load(Ordering::SeqCst),
            whole,
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
    }
}

/// A line of the process's status, rounded up.
fn megabytes(id: u32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    (kibibytes.unwrap_or(0) * 1024).div_ceil(1_000_000)
}
