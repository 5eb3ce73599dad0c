//! The agent's own log: one line per event on standard error. No line ever holds a key, an
//! environment or a command's output.

use std::fmt::Arguments;
use std::io::Write;

/// Writes one line. A log that cannot be written is no reason to stop working.
pub(crate) fn write_line(line: Arguments<'_>) {
    let text = format!("windlass-agent: {line}").replace(['\n', '\r'], " ");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Logs one line, written like `format!`.
macro_rules! log {
    ($($text:tt)*) => { $crate::log::write_line(format_args!($($text)*)) };
}
pub(crate) use log;
