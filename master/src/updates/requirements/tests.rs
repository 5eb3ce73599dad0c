//! Requirements as a table.

use super::super::tests::product;
use super::*;

#[test]
fn what_does_not_run_on_the_machine_is_told_and_what_nobody_knows_is_let_through() {
    let table = [
        // min, max, told, runs
        (Some("10.15"), None, "10.14.6", false),
        (Some("10.15"), None, "10.15", true),
        (Some("10.15"), None, "10.15.7", true),
        (Some("10.15"), None, "macOS 13", true),
        (Some("10.0.17763"), None, "Windows 10.0.14393", false),
        (None, Some("12"), "12.7.1", true),
        (None, Some("12"), "13.0", false),
        (None, Some("12.7"), "12", true),
        (Some("Catalina"), None, "10.1", true),
        (Some("10.15"), None, "", true),
        (Some("10.15"), None, "Linux", true),
        (Some("1"), None, "99999999999999999999999", true),
        (Some("1"), None, "0.\u{1F4A5}", false),
    ];
    for (min, max, told, runs) in table {
        let mut candidate = product(1, 1, 1, "1.0");
        candidate.min_os = min.map(str::to_owned);
        candidate.max_os = max.map(str::to_owned);
        let asker = Asker {
            os_version: Some(told.to_owned()),
            ..Asker::default()
        };
        let why = unmet(&candidate, &asker);
        assert_eq!(why.is_none(), runs, "{min:?} {max:?} {told}: {why:?}");
        assert_eq!(unmet(&candidate, &Asker::default()), None);
    }
}

#[test]
fn a_runtime_outside_the_range_is_told() {
    let table = [
        (">=3.9,<3.13", "python 3.12.1", true),
        (">=3.9,<3.13", "Python/3.13.0", false),
        (">=3.9,<3.13", "python3.8", false),
        (">=3.9,<3.13", "3.9", true),
        (">=3.9,<3.13", "node 20.1.0, python 3.10", true),
        (">=3.9,<3.13", "node 20.1.0", false),
        (">=3.9,<3.13", "python", true),
        (">=3.9,<3.13", ",;,", true),
        (">=3.9,<3.13", "python x.y", true),
        ("^3.9", "python 3.12.1", true),
        ("^3.9", "python 4.0.0", false),
        ("whatever", "python 4.0.0", true),
    ];
    for (range, told, runs) in table {
        let mut candidate = product(1, 1, 1, "1.0");
        candidate.runtime = Some(("python".to_owned(), range.to_owned()));
        let asker = Asker {
            runtime: Some(told.to_owned()),
            ..Asker::default()
        };
        let why = unmet(&candidate, &asker);
        assert_eq!(why.is_none(), runs, "{range} {told}: {why:?}");
    }
}
