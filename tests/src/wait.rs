//! Waiting for a condition instead of sleeping.

use std::time::{Duration, Instant};

/// How long a condition may take: a busy machine with two cores builds and tests side by side.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Looks every 20 ms until `look` returns something; fails the test after [`PATIENCE`], saying
/// what it waited for.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_or(what, look, String::new)
}

/// The same; a failure says besides what `explain` returns then.
pub fn until_or<T>(
    what: &str,
    mut look: impl FnMut() -> Option<T>,
    explain: impl FnOnce() -> String,
) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        if begun.elapsed() >= PATIENCE {
            panic!("waited {PATIENCE:?} in vain until {what}\n{}", explain());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
