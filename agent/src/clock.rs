//! The agent's only clock: milliseconds since the program started. Not here: the time of day,
//! which decides nothing in an agent.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// When the program first asked; every other time is counted from it.
static START: OnceLock<Instant> = OnceLock::new();

/// Milliseconds since the program first asked.
#[allow(clippy::disallowed_methods, reason = "this is the clock")]
pub(crate) fn now_ms() -> u64 {
    let start = START.get_or_init(Instant::now);
    u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// How long from now until that time; zero if it is past.
pub(crate) fn until(deadline_ms: u64) -> Duration {
    Duration::from_millis(deadline_ms.saturating_sub(now_ms()))
}
