//! Addresses of the master as people write them.

use super::*;

#[test]
fn an_address_of_pages_gets_its_port_and_path() {
    for (text, shown) in [
        ("http://b.example", "http://b.example:80/agent"),
        ("http://b.example:8010/", "http://b.example:8010/agent"),
        ("http://[::1]/ci/agent", "http://[::1]:80/ci/agent"),
        ("b.example:9989", "b.example:9989"),
    ] {
        assert_eq!(Way::parse(text).unwrap().to_string(), shown);
    }
    for wrong in [
        "http://",
        "http://a b",
        "http://u@h/",
        "ftp://h:1",
        "http://h:x/",
        "http://h:1/a\r\nX: y",
    ] {
        assert!(Way::parse(wrong).is_err(), "{wrong:?}");
    }
}

#[test]
fn tls_is_refused_with_the_remedy_where_it_is_not_built_in() {
    for text in ["tls://b.example:9989", "https://b.example"] {
        let way = Way::parse(text);
        if cfg!(feature = "tls") {
            assert!(way.is_ok(), "{way:?}");
        } else {
            assert_eq!(way, Err(NO_TLS));
        }
    }
}

#[test]
fn the_host_is_what_a_certificate_is_for() {
    assert_eq!(
        (host_of("b.example:1"), host_of("[::1]:1")),
        ("b.example", "::1")
    );
}
