//! Hostile text comes out harmless.

use super::*;

#[test]
fn a_line_has_no_control_characters_and_an_end() {
    assert_eq!(plain_line("a\r\nBcc: x\0y\u{1b}[31m"), "a  Bcc: x y [31m");
    assert_eq!(plain_line("\u{202e}gpj.exe"), " gpj.exe");
    let long = plain_line(&"x".repeat(100_000));
    assert_eq!(long.chars().count(), LINE_CHARS_MAX + 1);
    assert!(long.ends_with('…'));
}

#[test]
fn a_log_reads_as_a_terminal_would_leave_it() {
    let log = b"\x1b[1;31merror\x1b[0m: no\n10%\r50%\r100%\r\n\tindented\n\x1b]0;title\x07last";
    assert_eq!(
        plain_lines(log),
        ["error: no", "100%", "    indented", "last"]
    );
}

#[test]
fn bytes_that_are_no_utf8_do_no_harm() {
    let lines = plain_lines(b"a\xff\xfeb\n\xc3(\n");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[0].starts_with('a') && lines[0].ends_with('b'),
        "{lines:?}"
    );
}

#[test]
fn a_line_of_many_megabytes_is_not_held() {
    let lines = plain_lines(&vec![b'x'; 8 << 20]);
    assert_eq!(lines.len(), 1);
    assert!(lines[0].len() < 3_000);
}
