//! The mark that connects a page with its stream.

use super::Mark;

#[test]
fn a_mark_survives_its_text_and_nonsense_is_refused() {
    let mark: Mark = "1234:17:2.0.1".parse().unwrap();
    assert_eq!((mark.at, mark.line), (1234, 17));
    assert_eq!(mark.to_string(), "1234:17:2.0.1");
    for nonsense in [
        "",
        "1",
        "1:2",
        "-1:2:0.0.0",
        "1:x:0.0.0",
        "1:2:99.0.0",
        "1:2:0.0.0:4",
    ] {
        assert!(nonsense.parse::<Mark>().is_err(), "{nonsense}");
    }
}

#[test]
fn lines_are_numbered_and_escaped() {
    let mut mark: Mark = "0:7:0.0.0".parse().unwrap();
    assert_eq!(
        mark.html(b"a<b"),
        "<a class=\"n\" id=\"L7\" href=\"#L7\">7</a>a&lt;b\n"
    );
    assert_eq!(mark.line, 8);
}

#[test]
fn a_mark_takes_any_number() {
    let mut mark: Mark = format!("{}:{}:0.0.0", u64::MAX, u64::MAX).parse().unwrap();
    assert!(mark.html(b"text").contains("text"));
    assert_eq!(mark.line, u64::MAX);
}
