//! Tasks with a name. A panic in one is logged with it and ends nothing else.

use std::future::Future;

use tokio_util::task::TaskTracker;

/// Runs `work` as a task that `tracker` waits for; a panic is logged with `name`.
pub fn spawn_named<F>(tracker: &TaskTracker, name: &'static str, work: F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let task = tracker.spawn(work);
    tracker.spawn(async move {
        if let Err(error) = task.await
            && error.is_panic()
        {
            tracing::error!(task = name, %error, "a task failed inside");
        }
    });
}
