//! The promise of the log: one line per event.

use super::clean;

#[test]
fn nothing_in_a_line_starts_another_or_moves_the_cursor() {
    assert_eq!(clean("a\nb\r\u{1b}[31mc\u{9b}d ü"), "a?b??[31mc?d ü");
}
