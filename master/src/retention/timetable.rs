//! When the next plan is due.

use crate::clock::Time;
use crate::config::collecting::Collect;

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;

/// The first moment after `last` at which a plan is due.
#[must_use]
pub fn next_run(collect: Collect, last: Time) -> Time {
    match collect {
        Collect::Every(span) => last.after(span),
        Collect::Daily { minute } => {
            let offset = i64::from(minute) * 60_000_000;
            let days = (last.0 - offset).div_euclid(DAY_US) + 1;
            Time(days * DAY_US + offset)
        }
    }
}
