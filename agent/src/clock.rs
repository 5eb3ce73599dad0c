//! The agent's only clock: milliseconds since the program started. Not here: the time of day,
//! which decides nothing in an agent.

use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// When the program first asked; every other time is counted from it.
static START: OnceLock<Instant> = OnceLock::new();

/// Milliseconds since the program first asked.
pub(crate) fn now_ms() -> u64 {
    let start = START.get_or_init(Instant::now);
    let elapsed = start.elapsed().saturating_mul(rate());
    u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX)
}

/// How long from now until that time; zero if it is past.
pub(crate) fn until(deadline_ms: u64) -> Duration {
    real(Duration::from_millis(deadline_ms.saturating_sub(now_ms())))
}

/// How long a span really takes.
pub(crate) fn real(span: Duration) -> Duration {
    span / rate()
}

/// How many times faster than the world this clock goes: once, but for tests that must not wait
/// twenty minutes, in builds that are not released.
fn rate() -> u32 {
    static RATE: OnceLock<u32> = OnceLock::new();
    if !cfg!(debug_assertions) {
        return 1;
    }
    *RATE.get_or_init(|| {
        let asked = std::env::var("WINDLASS_TEST_CLOCK_RATE").ok();
        asked
            .and_then(|text| text.parse().ok())
            .filter(|rate| *rate > 0)
            .unwrap_or(1)
    })
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
