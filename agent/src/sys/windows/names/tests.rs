//! Tests of text on Windows.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::OsStringExt;

use super::{is_wtf8, os_bytes, os_text, wide_name};

#[test]
fn a_name_that_is_no_utf16_goes_both_ways() {
    let odd = OsString::from_wide(&[97, 0xd800, 98, 0xdc00, 0xdc00]);
    assert_eq!(os_text(os_bytes(&odd)), odd);
    assert_eq!(os_text("größe 🦀".as_bytes()), OsStr::new("größe 🦀"));
}

#[test]
fn bytes_that_are_no_text_are_not_taken_for_text() {
    let pair = b"\xed\xa0\xbd\xed\xb8\x80";
    assert!(!is_wtf8(pair));
    assert!(is_wtf8(b"\xed\xa0\xbdx\xed\xb8\x80"));
    assert!(!is_wtf8(b"\xff"));
    assert!(!is_wtf8(b"a\xed\xa0"));
    assert_eq!(os_text(b"\xc0\x80"), OsStr::new("\u{fffd}"));
}

#[test]
fn a_stream_or_a_path_is_no_name() {
    for name in ["", "..", "a/b", "a\\b", "file:stream", "nul\0"] {
        assert!(wide_name(OsStr::new(name)).is_err(), "{name:?}");
    }
    assert!(wide_name(OsStr::new("a b.txt")).is_ok());
    assert!(wide_name(OsStr::new(&"x".repeat(256))).is_err());
}
