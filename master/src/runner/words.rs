//! Figures as people read them, in the texts of steps.

use std::time::Duration;

/// `8.1 MB`: three digits at most, steps of 1,000.
pub(super) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut unit = 0;
    #[expect(clippy::cast_precision_loss, reason = "only three digits are shown")]
    let mut value = count as f64;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1_000.0;
        unit += 1;
    }
    match unit {
        0 => format!("{count} B"),
        _ => format!("{value:.1} {}", UNITS[unit]),
    }
}

/// `1,204`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `0.2 %` of the whole; `100 %` of nothing, and of what a list of names makes more than the whole.
pub(super) fn share(part: u64, whole: u64) -> String {
    if part >= whole {
        return "100 %".to_owned();
    }
    let per_mille = u128::from(part) * 1_000 / u128::from(whole);
    format!("{}.{} %", per_mille / 10, per_mille % 10)
}

/// `2 h 5 min`, `3 min 20 s`, `12 s`, `0.5 s`.
pub(super) fn span(span: Duration) -> String {
    let seconds = span.as_secs();
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0..10) => format!("{:.1} s", span.as_secs_f64()),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (hours, minutes, _) => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    //! The figures as a table.

    use super::*;

    #[test]
    fn figures_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(12_345), "12.3 kB");
        assert_eq!(bytes(999_960), "1.0 MB");
        assert_eq!(bytes(8_100_000), "8.1 MB");
        assert_eq!(
            (grouped(7), grouped(1_204)),
            ("7".to_owned(), "1,204".to_owned())
        );
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(
            (share(2, 1_000), share(0, 0), share(3_200, 2_300)),
            ("0.2 %".into(), "100 %".into(), "100 %".into())
        );
        assert_eq!(span(Duration::from_millis(540)), "0.5 s");
        assert_eq!(span(Duration::from_secs(59)), "59 s");
        assert_eq!(span(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(span(Duration::from_secs(7_500)), "2 h 5 min");
    }
}
