//! A small picture with two words, for the page of a project elsewhere.

use super::xml::escape;

/// Longest text of one side; the rest is cut.
const CHARS_MAX: usize = 40;
/// Width of a character of the badge's font, on the wide side.
const CHAR_WIDTH: usize = 7;

/// An SVG that says `label` and `text`; `is_good` chooses the colour of the second, which is never
/// the only sign: the text says it too.
#[must_use]
pub fn render(label: &str, text: &str, is_good: bool) -> String {
    let cut = |text: &str| text.chars().take(CHARS_MAX).collect::<String>();
    let (label, text) = (cut(label), cut(text));
    let width = |text: &str| text.chars().count() * CHAR_WIDTH + 12;
    let (left, right) = (width(&label), width(&text));
    let (whole, middle) = (left + right, left + 6);
    let colour = if is_good { "#1a6e3a" } else { "#5a5a5a" };
    let (label, text) = (escape(&label), escape(&text));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" \
         aria-label=\"{label}: {text}\">\n<title>{label}: {text}</title>\n\
         <rect width=\"{left}\" height=\"20\" fill=\"#333333\"/>\n\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{colour}\"/>\n\
         <g fill=\"#ffffff\" font-family=\"Verdana,DejaVu Sans,sans-serif\" font-size=\"11\">\n\
         <text x=\"6\" y=\"14\">{label}</text>\n<text x=\"{middle}\" y=\"14\">{text}</text>\n</g>\n</svg>\n"
    )
}
