//! The agent's only clock: milliseconds since the program started. Not here: the time of day,
//! which decides nothing in an agent.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// When the program first asked; every other time is counted from it.
static START: OnceLock<Instant> = OnceLock::new();

/// Milliseconds since the program first asked.
pub(crate) fn now_ms() -> u64 {
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How long from now until that time; zero if it is past.
pub(crate) fn until(deadline_ms: u64) -> Duration {
    Duration::from_millis(deadline_ms.saturating_sub(now_ms()))
}

/// Seconds since a time of day; 0 for one that lies ahead. For how long to keep things, never
/// for deciding whether something lives.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn seconds_since(time: std::time::SystemTime) -> u64 {
    std::time::SystemTime::now()
        .duration_since(time)
        .map_or(0, |age| age.as_secs())
}

/// Nanoseconds since 1970, to compare with the times of files.
#[expect(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn wall_ns() -> i128 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |age| i128::try_from(age.as_nanos()).unwrap_or(i128::MAX))
}
