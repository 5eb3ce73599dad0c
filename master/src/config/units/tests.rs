//! Durations and sizes.

use super::*;

#[test]
fn durations_are_read_as_people_write_them() {
    for (text, seconds) in [
        ("30s", 30.0),
        ("250ms", 0.25),
        ("1.5h", 5_400.0),
        ("1h 30m", 5_400.0),
        ("2d", 172_800.0),
        ("0s", 0.0),
    ] {
        assert_eq!(
            parse_duration(text),
            Some(Duration::from_secs_f64(seconds)),
            "{text}"
        );
    }
    for text in [
        "",
        "30",
        "s",
        "-1s",
        "1 fortnight",
        "1h30",
        "1e9w",
        "9999999999w",
        "1..5s",
    ] {
        assert_eq!(parse_duration(text), None, "{text}");
    }
}

#[test]
fn sizes_are_read_as_people_write_them() {
    for (text, bytes) in [
        ("64 MiB", 64 << 20),
        ("1kB", 1_000),
        ("1.5GB", 1_500_000_000),
        ("7 B", 7),
    ] {
        assert_eq!(parse_size(text), Some(bytes), "{text}");
    }
    for text in ["64", "MiB", "1 mib", "99999999 TiB", "64 MiB x"] {
        assert_eq!(parse_size(text), None, "{text}");
    }
}

#[test]
fn what_is_shown_can_be_read_again() {
    for seconds in [0, 1, 59, 3_600, 5_400, 90_061] {
        let span = Duration::from_secs(seconds);
        assert_eq!(parse_duration(&show_duration(span)), Some(span));
    }
    for bytes in [1, 1_024, 1_500_000, 3 << 30] {
        assert_eq!(parse_size(&show_size(bytes)), Some(bytes));
    }
}
