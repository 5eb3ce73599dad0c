//! Text from outside made harmless for a mail: no escape sequences, no control characters, no
//! line that goes on for ever.

use anstyle_parse::{DefaultCharAccumulator, Parser, Perform};

/// Longest line shown, characters: a mail is read, minified files are not.
const LINE_CHARS_MAX: usize = 500;

/// One line of outside text: control characters become spaces, and what is too long is cut with
/// an ellipsis.
#[must_use]
pub fn plain_line(text: &str) -> String {
    let mut line = String::new();
    for (count, c) in text.trim().chars().enumerate() {
        if count == LINE_CHARS_MAX {
            line.push('…');
            break;
        }
        line.push(if is_shown(c) { c } else { ' ' });
    }
    line
}

/// The lines of a piece of a log as a terminal would leave them: escape sequences are dropped and
/// `\r` begins the line again.
#[must_use]
pub fn plain_lines(bytes: &[u8]) -> Vec<String> {
    let mut screen = Screen::default();
    let mut parser = Parser::<DefaultCharAccumulator>::new();
    for byte in bytes {
        parser.advance(&mut screen, *byte);
    }
    if !screen.line.is_empty() {
        screen.end_line();
    }
    screen.lines
}

/// Bidirectional overrides would turn the text round them about; other controls do nothing good.
fn is_shown(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[derive(Default)]
struct Screen {
    lines: Vec<String>,
    line: String,
    /// A carriage return came: the next character begins the line again.
    restart: bool,
}

impl Screen {
    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        self.restart = false;
        // Leading white space means something in logs, unlike in a subject.
        let indent: String = line.chars().take_while(|c| *c == ' ').take(40).collect();
        self.lines.push(format!("{indent}{}", plain_line(&line)));
    }
}

impl Perform for Screen {
    fn print(&mut self, c: char) {
        if std::mem::take(&mut self.restart) {
            self.line.clear();
        }
        // Cut here too, so that a line of a gigabyte is not held.
        if self.line.len() <= LINE_CHARS_MAX * 4 + 160 {
            self.line.push(c);
        }
    }

    fn execute(&mut self, byte: u8) {
        match byte {
            b'\n' => self.end_line(),
            b'\r' => self.restart = true,
            b'\t' => self.line.push_str("    "),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
