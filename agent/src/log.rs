//! The agent's own log: one line per event on standard error. No line ever holds a key, an
//! environment or a command's output.

#[cfg(test)]
mod tests;

use std::fmt::Arguments;
use std::io::Write;

/// Writes one line. Control characters, which a path or a stranger's words may hold, are written
/// as `?`. A log that cannot be written is no reason to stop working.
pub(crate) fn write_line(line: Arguments<'_>) {
    let text = clean(&format!("windlass-agent: {line}"));
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

fn clean(text: &str) -> String {
    text.chars()
        .map(|char| if char.is_control() { '?' } else { char })
        .collect()
}

/// Logs one line, written like `format!`.
macro_rules! log {
    ($($text:tt)*) => { $crate::log::write_line(format_args!($($text)*)) };
}
pub(crate) use log;
