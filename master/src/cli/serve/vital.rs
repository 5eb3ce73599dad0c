//! What a master cannot be without: when one of its loops ends though nobody stopped it, the whole
//! ends and says why, so that whoever supervises it starts it anew. Half a master would look well
//! and build nothing.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tells that the master cannot go on; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Watch {
    failed: CancellationToken,
    why: Arc<OnceLock<String>>,
}

impl Watch {
    /// Tells; the first reason is the one that counts.
    pub(super) fn tell(&self, why: impl Into<String>) {
        // A later reason follows from the first.
        let _ = self.why.set(why.into());
        self.failed.cancel();
    }

    /// Waits until something failed, and says what.
    pub(super) async fn failed(&self) -> String {
        self.failed.cancelled().await;
        self.why.get().cloned().unwrap_or_default()
    }

    /// Runs a loop that may only end after `stop`; `tracker` waits for it.
    pub(super) fn keep(
        &self,
        tracker: &TaskTracker,
        stop: &CancellationToken,
        name: &'static str,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        let (watch, stop) = (self.clone(), stop.clone());
        tracker.spawn(async move {
            // What the loop shares with others is in the database, where it is whole.
            let ended = AssertUnwindSafe(work).catch_unwind().await;
            if ended.is_err() || !stop.is_cancelled() {
                tracing::error!(name, "a loop ended by itself");
                watch.tell(format!("the {name} ended by itself: the log says why"));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    //! Loops that end in each way.

    use super::*;

    #[tokio::test]
    async fn a_loop_that_ends_by_itself_ends_the_master_and_one_that_was_stopped_does_not() {
        let panics = async { panic!("inside") };
        let stopped = CancellationToken::new();
        stopped.cancel();
        for (work, stop, fails) in [
            (panics.boxed(), CancellationToken::new(), true),
            (async {}.boxed(), CancellationToken::new(), true),
            (async {}.boxed(), stopped, false),
        ] {
            let (watch, tracker) = (Watch::default(), TaskTracker::new());
            watch.keep(&tracker, &stop, "poller", work);
            tracker.close();
            tracker.wait().await;
            assert_eq!(watch.failed.is_cancelled(), fails);
            if fails {
                assert!(watch.failed().await.contains("poller"));
            }
        }
    }
}
