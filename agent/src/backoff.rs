//! How long to wait before dialling again. Not here: dialling.

#[cfg(test)]
mod tests;

use std::time::Duration;

/// Full jitter: each wait is drawn evenly between the minimum and a ceiling that doubles with
/// every failure, so that many agents do not return to a restarted master in one wave.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    min_ms: u64,
    max_ms: u64,
    /// Failures since the last success; decides the ceiling.
    failures: u32,
}

impl Backoff {
    /// Waits between `min_ms` and `max_ms`, milliseconds.
    pub(crate) fn new(min_ms: u64, max_ms: u64) -> Self {
        Backoff {
            min_ms,
            max_ms: max_ms.max(min_ms),
            failures: 0,
        }
    }

    /// Forgets earlier failures: the master was reached and proved itself.
    pub(crate) fn succeed(&mut self) {
        self.failures = 0;
    }

    /// The next wait, given 64 random bits.
    pub(crate) fn fail(&mut self, random: u64) -> Duration {
        // 2^20 times any minimum is over every maximum in use; more would overflow.
        let factor = 1_u64 << self.failures.min(20);
        self.failures = self.failures.saturating_add(1);
        let ceiling = self
            .min_ms
            .saturating_mul(factor.saturating_mul(2))
            .min(self.max_ms);
        let spread = ceiling - self.min_ms;
        let extra = if spread == 0 {
            0
        } else {
            random % (spread + 1)
        };
        Duration::from_millis(self.min_ms + extra)
    }
}
