//! Which origins count as ours.

use super::is_same_host;

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
