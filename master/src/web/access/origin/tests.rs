//! Which origins count as ours.

use super::{is_same_host, judge};

#[test]
fn only_the_host_asked_or_the_configured_address_is_ours() {
    let master = "https://builds.acme.example/ci";
    let table = [
        ("http://127.0.0.1:8010", Some("127.0.0.1:8010"), true),
        ("https://builds.acme.example", Some("10.0.0.7:8010"), true),
        ("https://BUILDS.acme.example", Some("10.0.0.7:8010"), true),
        ("http://127.0.0.1:9000", Some("127.0.0.1:8010"), false),
        ("https://builds.acme.example.evil.example", None, false),
        ("https://evil.example", Some("127.0.0.1:8010"), false),
        ("null", Some("null"), false),
        ("", None, false),
    ];
    for (origin, host, ours) in table {
        assert_eq!(is_same_host(origin, host, master), ours, "{origin}");
    }
}

#[test]
fn a_page_that_the_browser_calls_foreign_is_foreign_whatever_host_it_names() {
    let master = "https://builds.acme.example";
    let host = Some("builds.acme.example");
    let table = [
        (Some("same-origin"), None, true),
        (Some("none"), None, true),
        (None, None, true),
        (Some("cross-site"), None, false),
        (Some("same-site"), Some("https://www.acme.example"), false),
        // The same host over plain HTTP, written by somebody on the way.
        (
            Some("cross-site"),
            Some("http://builds.acme.example"),
            false,
        ),
        (Some("same-site"), Some("https://builds.acme.example"), true),
        (Some(""), Some("null"), false),
    ];
    for (site, origin, ours) in table {
        assert_eq!(
            judge(site, origin, host, master),
            ours,
            "{site:?} {origin:?}"
        );
    }
}
