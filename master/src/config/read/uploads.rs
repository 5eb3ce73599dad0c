//! `[uploads]`.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::config::reader::Section;
use crate::config::resolved::Uploads;

/// Shorter, and a slow line loses what it brought; longer, and forgotten drafts fill the disk.
const LEASE: RangeInclusive<Duration> = Duration::from_secs(60)..=Duration::from_secs(30 * 86_400);
/// Nothing, to a petabyte.
const RESERVE: RangeInclusive<u64> = 0..=1_000_000_000_000_000;

/// Reads the section; without one everything has its default.
pub(in crate::config) fn read(section: Option<&Section<'_>>) -> Uploads {
    let defaults = Uploads::default();
    let key = |name: &str| section.and_then(|section| section.key(name));
    Uploads {
        lease: key("lease")
            .and_then(|value| value.duration(LEASE))
            .unwrap_or(defaults.lease),
        reserve: key("reserve")
            .and_then(|value| value.size(RESERVE))
            .unwrap_or(defaults.reserve),
    }
}
