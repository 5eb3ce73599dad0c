//! Durations and sizes as people write them: `30s`, `2h 30m`, `64 MiB`. Parsing only.

use std::time::Duration;

/// Seconds of each duration unit.
const DURATION_UNITS: &[(&str, f64)] = &[
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3_600.0),
    ("d", 86_400.0),
    ("w", 604_800.0),
];

/// Bytes of each size unit: `k` and `kB` are thousands, `KiB` 1,024.
const SIZE_UNITS: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("k", 1e3),
    ("KiB", 1_024.0),
    ("MB", 1e6),
    ("M", 1e6),
    ("MiB", 1_048_576.0),
    ("GB", 1e9),
    ("G", 1e9),
    ("GiB", 1_073_741_824.0),
    ("TB", 1e12),
    ("TiB", 1_099_511_627_776.0),
];

/// Longest duration, a century: larger values are mistakes and would overflow sums of times.
const SECONDS_MAX: f64 = 100.0 * 365.0 * 86_400.0;

/// Parses a duration: numbers with units, such as `90s`, `1.5h` or `1h 30m`.
#[must_use]
pub fn parse_duration(text: &str) -> Option<Duration> {
    let seconds = sum(text, DURATION_UNITS)?;
    (seconds <= SECONDS_MAX).then(|| Duration::from_secs_f64(seconds))
}

/// Parses a size in bytes: a number with a unit, such as `64 MiB` or `1.5GB`.
#[must_use]
pub fn parse_size(text: &str) -> Option<u64> {
    let bytes = sum(text, SIZE_UNITS)?;
    // 2^53: above, f64 is not exact, and no file is that large.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 0 and 2^53"
    )]
    (bytes <= 9_007_199_254_740_992.0).then_some(bytes.round() as u64)
}

/// A duration as it would be written: `1h 30m`.
#[must_use]
pub fn show_duration(span: Duration) -> String {
    let mut seconds = span.as_secs();
    let mut parts = Vec::new();
    for (unit, size) in [("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)] {
        if seconds >= size {
            parts.push(format!("{}{unit}", seconds / size));
            seconds %= size;
        }
    }
    if span.subsec_millis() > 0 {
        parts.push(format!("{}ms", span.subsec_millis()));
    }
    if parts.is_empty() {
        "0s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// A size as it would be written: the largest binary unit that divides it.
#[must_use]
pub fn show_size(bytes: u64) -> String {
    for (unit, shift) in [("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if bytes >= 1 << shift && bytes.is_multiple_of(1 << shift) {
            return format!("{} {unit}", bytes >> shift);
        }
    }
    format!("{bytes} B")
}

fn sum(text: &str, units: &[(&str, f64)]) -> Option<f64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() || rest.len() > 64 {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let tail = rest[digits..].trim_start();
        let end = tail
            .find(|c: char| !c.is_ascii_alphabetic())
            .unwrap_or(tail.len());
        let (_, factor) = units.iter().find(|(unit, _)| *unit == &tail[..end])?;
        total += number * factor;
        rest = tail[end..].trim_start();
    }
    Some(total)
}

#[cfg(test)]
mod tests;
