//! Lines of a log as HTML: colours become classes, every other escape is dropped, `\r` overwrites,
//! control characters are shown. A `Painter` keeps the style from line to line. No page, no log.

use std::fmt;
use std::str::FromStr;

use anstyle_parse::{Params, Parser, Perform, Utf8Parser};

use super::filters::push_visible;

mod style;

use style::Style;

/// Most characters of one line that are shown; a longer one is minified code or a broken program,
/// and says so.
const LINE_CHARS_MAX: usize = 8_000;

/// Turns lines into HTML, one after the other. Its text form is short and can be parsed again, so
/// that a page and a stream can go on from each other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Painter {
    style: Style,
}

impl Painter {
    /// The HTML of one line, given without its line feed. An escape sequence ends with its line.
    #[must_use]
    pub(super) fn line(&mut self, line: &[u8]) -> String {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let mut canvas = Canvas {
            style: self.style,
            cells: Vec::new(),
            cut: 0,
        };
        let mut parser = Parser::<Utf8Parser>::new();
        // Bytes that are no UTF-8 are shown as such; the parser would swallow them.
        for &byte in String::from_utf8_lossy(line).as_bytes() {
            parser.advance(&mut canvas, byte);
        }
        self.style = canvas.style;
        canvas.html()
    }
}

impl fmt::Display for Painter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.style.fmt(f)
    }
}

impl FromStr for Painter {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        text.parse().map(|style| Self { style })
    }
}

/// One line as it stands on the screen so far.
struct Canvas {
    style: Style,
    cells: Vec<(char, Style)>,
    /// Characters beyond the most that is shown.
    cut: usize,
}

impl Canvas {
    fn push(&mut self, c: char) {
        if self.cells.len() < LINE_CHARS_MAX {
            self.cells.push((c, self.style));
        } else {
            self.cut += 1;
        }
    }

    fn html(&self) -> String {
        let mut html = String::with_capacity(self.cells.len() + 32);
        let mut open = Style::default();
        for &(c, style) in &self.cells {
            if style != open {
                if open != Style::default() {
                    html.push_str("</span>");
                }
                if style != Style::default() {
                    html.push_str("<span class=\"");
                    style.push_classes(&mut html);
                    html.push_str("\">");
                }
                open = style;
            }
            push_visible(&mut html, c);
        }
        if open != Style::default() {
            html.push_str("</span>");
        }
        if self.cut > 0 {
            let text = format!(
                "<span class=\"ctl\">… {} more characters: see the raw log</span>",
                self.cut
            );
            html.push_str(&text);
        }
        html
    }
}

impl Perform for Canvas {
    fn print(&mut self, c: char) {
        self.push(c);
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\t' => self.push('\t'),
            // Progress bars rewrite their line: the last writing is what counts.
            b'\r' => {
                self.cells.clear();
                self.cut = 0;
            }
            0x08 => {
                self.cells.pop();
            }
            // Bell and shifts change nothing that a page shows.
            0x07 | 0x0e | 0x0f => {}
            other => self.push(char::from(other)),
        }
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], ignore: bool, action: u8) {
        match action {
            b'm' if !ignore && intermediates.is_empty() => self.style.apply(params),
            // Erase the line: what programs send before they rewrite it.
            b'K' if params.iter().any(|p| matches!(p, [1 | 2])) => self.cells.clear(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
