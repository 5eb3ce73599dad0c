//! Ranges of the raw text.

use super::range;

#[test]
fn one_range_is_served_and_everything_else_sends_the_whole() {
    let table = [
        ("bytes=0-9", Some(Some(0..10))),
        ("bytes=90-", Some(Some(90..100))),
        ("bytes=-5", Some(Some(95..100))),
        ("bytes=-500", Some(Some(0..100))),
        ("bytes=50-5000", Some(Some(50..100))),
        ("bytes=100-", Some(None)),
        ("bytes=-0", Some(None)),
        ("bytes=9-0", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=x-1", None),
        ("bytes=0-18446744073709551615", Some(Some(0..100))),
    ];
    for (text, expected) in table {
        assert_eq!(range(text, 100), expected, "{text}");
    }
    assert_eq!(range("bytes=0-", 0), Some(None));
}
