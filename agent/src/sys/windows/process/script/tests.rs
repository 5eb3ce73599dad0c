//! Tests of scripts.

use super::batch;

#[test]
fn every_line_of_a_batch_ends_with_cr_lf_and_nothing_else_is_touched() {
    let head = "@chcp 65001 >nul\r\n";
    let written = |text: &str| String::from_utf8(batch(text.as_bytes())).unwrap();
    assert_eq!(written("echo a\necho b"), format!("{head}echo a\r\necho b"));
    assert_eq!(written("echo ä\r\n\r\n"), format!("{head}echo ä\r\n\r\n"));
    assert_eq!(written(""), head);
}
