//! What programs print, and what pages may show of it.

use super::Painter;

fn paint(line: &[u8]) -> String {
    Painter::default().line(line)
}

#[test]
fn colours_become_classes_and_everything_else_is_dropped() {
    let table: &[(&[u8], &str)] = &[
        (b"plain", "plain"),
        (
            b"\x1b[31mred\x1b[0m end",
            "<span class=\"f1\">red</span> end",
        ),
        (b"\x1b[1;4;97;41mx", "<span class=\"f15 b1 ab au\">x</span>"),
        (b"\x1b[38;5;196mx\x1b[39my", "<span class=\"f9\">x</span>y"),
        (b"\x1b[38;2;0;200;0mx", "<span class=\"f2\">x</span>"),
        (b"\x1b[38:5:4mx", "<span class=\"f4\">x</span>"),
        (b"\x1b[2Jx\x1b[10;10Hy", "xy"),
        (b"\x1b]8;;javascript:alert(1)\x07link\x1b]8;;\x07", "link"),
        (b"\x1b]0;title", ""),
        (b"\x1b[", ""),
    ];
    for (line, html) in table {
        assert_eq!(paint(line), *html, "{}", line.escape_ascii());
    }
}

#[test]
fn a_carriage_return_overwrites_and_a_windows_line_end_does_not() {
    assert_eq!(paint(b"10%\r20%\rdone"), "done");
    assert_eq!(paint(b"kept\r"), "kept");
    assert_eq!(paint(b"ab\x08c"), "ac");
    assert_eq!(paint(b"old\x1b[2Knew"), "new");
}

#[test]
fn markup_control_characters_and_broken_text_are_harmless() {
    assert_eq!(
        paint(b"<script>alert('x')</script>&"),
        "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;"
    );
    assert_eq!(paint(b"a\x01b"), "a<span class=\"ctl\">^A</span>b");
    assert!(paint(b"a\xffb").contains('\u{fffd}'));
    assert_eq!(
        paint("a\u{202e}b".as_bytes()),
        "a<span class=\"ctl\">U+202E</span>b"
    );
}

#[test]
fn style_goes_on_in_the_next_line_and_over_its_text_form() {
    let mut painter = Painter::default();
    assert_eq!(
        painter.line(b"\x1b[32mgreen"),
        "<span class=\"f2\">green</span>"
    );
    let mut again: Painter = painter.to_string().parse().unwrap();
    assert_eq!(again, painter);
    assert_eq!(again.line(b"still"), "<span class=\"f2\">still</span>");
    assert!("17.0.0".parse::<Painter>().is_err());
    assert!("1.2".parse::<Painter>().is_err());
    assert!("1.2.3.4".parse::<Painter>().is_err());
}

#[test]
fn a_line_without_end_is_cut_and_says_so() {
    let html = paint(&vec![b'x'; 9_000]);
    assert!(html.contains("1000 more characters"), "{html}");
    assert!(html.len() < 9_000);
}
