//! Near words.

use super::*;

#[test]
fn typing_errors_are_recognised_and_strangers_are_not() {
    let known = ["builder", "schedule", "repository", "poll"];
    assert_eq!(nearest("biulder", known), Some("builder"));
    assert_eq!(nearest("Schedules", known), Some("schedule"));
    assert_eq!(nearest("pol", known), Some("poll"));
    assert_eq!(nearest("colour", known), None);
    assert_eq!(nearest("", known), None);
    assert_eq!(nearest(&"x".repeat(100_000), known), None);
}
