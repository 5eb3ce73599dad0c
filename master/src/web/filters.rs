//! Filters of the templates: times, durations, sizes, numbers, and texts from outside made harmless
//! to look at.

#![expect(unreachable_pub, reason = "askama's attribute makes public methods")]

use std::fmt::Write as _;
use std::time::Duration;

use askama::Values;
use askama::filters::Safe;

use crate::clock::Time;

/// `<time>` with the ISO text for programs, the UTC time to read and, by script, the relative one.
#[askama::filter_fn]
pub(super) fn when(time: &Time, _: &dyn Values) -> askama::Result<Safe<String>> {
    let minute = time.minute();
    Ok(Safe(format!("<time datetime=\"{time}\">{minute}</time>")))
}

/// A duration as `42 s`, `3 min 05 s`, `2 h 07 min` or `3 d 4 h`.
#[askama::filter_fn]
pub(super) fn span(span: &Duration, _: &dyn Values) -> askama::Result<String> {
    Ok(span_text(*span))
}

/// The text of a duration.
#[must_use]
pub(super) fn span_text(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 if span.is_zero() => "0 s".to_owned(),
        0..10 => format!("{:.1} s", span.as_secs_f64()),
        10..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// Bytes as `812 B`, `12.3 kB`, `4.0 MB`, `1.2 GB` (powers of 1,000).
#[askama::filter_fn]
pub(super) fn size(bytes: &i64, _: &dyn Values) -> askama::Result<String> {
    Ok(size_text(*bytes))
}

/// The text of a size.
#[must_use]
pub(crate) fn size_text(bytes: i64) -> String {
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_000.0;
    for unit in ["kB", "MB", "GB"] {
        if value < 999.95 {
            return format!("{value:.1} {unit}");
        }
        value /= 1_000.0;
    }
    format!("{value:.1} TB")
}

/// How many bytes more, or fewer: `+1.2 kB`, `-4.0 MB`, `±0 B`.
#[askama::filter_fn]
pub(super) fn growth(bytes: &i64, _: &dyn Values) -> askama::Result<String> {
    let sign = match bytes {
        0 => "±",
        1.. => "+",
        _ => "-",
    };
    let text = size_text(i64::try_from(bytes.unsigned_abs()).unwrap_or(i64::MAX));
    Ok(format!("{sign}{text}"))
}

/// A whole number with its thousands apart: `12,345`.
#[askama::filter_fn]
pub(super) fn grouped(number: &i64, _: &dyn Values) -> askama::Result<String> {
    Ok(grouped_text(*number))
}

/// The text of a grouped number.
#[must_use]
pub(super) fn grouped_text(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A revision short enough to read, whole in the tool tip and when copied from there.
#[askama::filter_fn]
pub(super) fn short(revision: &str, _: &dyn Values) -> askama::Result<String> {
    Ok(revision.chars().take(10).collect())
}

/// The first line of a message.
#[askama::filter_fn]
pub(super) fn first_line(text: &str, _: &dyn Values) -> askama::Result<String> {
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

/// A text from outside, escaped, with control characters, directional overrides and invisible
/// characters shown as `<span class="ctl">` placeholders instead of acting.
#[askama::filter_fn]
pub(super) fn visible(
    text: impl std::fmt::Display,
    _: &dyn Values,
) -> askama::Result<Safe<String>> {
    Ok(Safe(visible_html(&text.to_string())))
}

/// The HTML of a text from outside.
#[must_use]
pub(super) fn visible_html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        push_visible(&mut html, c);
    }
    html
}

/// A text from outside where no markup can stand, such as the title of a window: what does not show
/// becomes the replacement character.
pub(super) fn visible_plain(text: &str) -> String {
    let shown = |c: char| match c {
        c if c.is_control() || is_hidden(c) => char::REPLACEMENT_CHARACTER,
        c => c,
    };
    text.chars().map(shown).collect()
}

/// Characters that show as nothing or turn the direction of others.
fn is_hidden(c: char) -> bool {
    matches!(c,
        '\u{80}'..='\u{9f}'
        | '\u{ad}'
        | '\u{61c}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}')
}

/// Appends one character, escaped or as a placeholder. Line feeds and tabs stay.
pub(super) fn push_visible(html: &mut String, c: char) {
    match c {
        '&' => html.push_str("&amp;"),
        '<' => html.push_str("&lt;"),
        '>' => html.push_str("&gt;"),
        '"' => html.push_str("&quot;"),
        '\'' => html.push_str("&#39;"),
        '\n' | '\t' => html.push(c),
        // As terminals name them: `^[` is the escape character.
        '\0'..='\x1f' | '\x7f' => {
            let letter = char::from(c as u8 ^ 0x40);
            let _ = write!(html, "<span class=\"ctl\">^{letter}</span>");
        }
        c if is_hidden(c) => {
            let _ = write!(html, "<span class=\"ctl\">U+{:04X}</span>", u32::from(c));
        }
        _ => html.push(c),
    }
}

#[cfg(test)]
mod tests;
