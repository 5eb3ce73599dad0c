//! The sentence on top.

use super::standing;

#[test]
fn the_bottom_line_is_a_sentence() {
    assert_eq!(standing(0, 0), "No builders yet");
    assert_eq!(standing(1, 0), "The builder is well");
    assert_eq!(standing(1, 1), "The builder is broken");
    assert_eq!(standing(7, 0), "All 7 builders are well");
    assert_eq!(standing(7, 2), "2 of 7 builders broken");
}
