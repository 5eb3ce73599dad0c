//! What people read: durations, sizes, numbers, and hostile texts made inert.

use std::time::Duration;

use super::{grouped_text, size_text, span_text, visible_html, visible_plain};

#[test]
fn durations_read_as_people_say_them() {
    let table = [
        (0, "0 s"),
        (1_234, "1.2 s"),
        (42_000, "42 s"),
        (185_000, "3 min 05 s"),
        (7_620_000, "2 h 07 min"),
        (273_600_000, "3 d 4 h"),
    ];
    for (ms, text) in table {
        assert_eq!(span_text(Duration::from_millis(ms)), text);
    }
}

#[test]
fn sizes_and_numbers_are_grouped() {
    assert_eq!(size_text(812), "812 B");
    assert_eq!(size_text(12_345), "12.3 kB");
    assert_eq!(size_text(999_960), "1.0 MB");
    assert_eq!(size_text(4_000_000_000_000), "4.0 TB");
    assert_eq!(grouped_text(1_234_567), "1,234,567");
    assert_eq!(grouped_text(-12), "-12");
}

#[test]
fn hostile_text_is_inert_and_control_characters_are_shown() {
    let html = visible_html("<b onx='1'>&\u{1b}[31m\u{202e}\0");
    assert_eq!(
        html,
        "&lt;b onx=&#39;1&#39;&gt;&amp;<span class=\"ctl\">^[</span>[31m\
         <span class=\"ctl\">U+202E</span><span class=\"ctl\">^@</span>"
    );
}

#[test]
fn the_title_of_a_window_hides_and_turns_nothing() {
    assert_eq!(
        visible_plain("✓ 1.0 \u{202e}cod\x1b.é"),
        "✓ 1.0 \u{fffd}cod\u{fffd}.é"
    );
}
