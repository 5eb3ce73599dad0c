//! How commands end and what they print when they did not work.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use serde_json::Value;

use super::{BAD_USAGE, FAILED};
use crate::config::ConfigErrors;
use crate::error::Error;

/// Prints a line for people or programs; the command ends where nobody reads any more, as behind
/// `| head`.
macro_rules! say {
    ($($part:tt)*) => {
        $crate::cli::output::print(format_args!($($part)*))
    };
}
pub(super) use say;

/// What [`say`] does.
pub(super) fn print(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Why a command was not done.
#[derive(Debug)]
pub(super) enum Problem {
    /// The configuration has mistakes.
    Config(Box<ConfigErrors>),
    /// An argument is wrong: its flag and what would be right.
    Usage(String),
    /// Anything else.
    Other(String),
}

impl Problem {
    /// An operation's error; `flag_of` says which flag a field came from.
    pub(super) fn of(error: Error, flag_of: impl Fn(&str) -> String) -> Self {
        match error {
            Error::BadInput { field, text } => Self::Usage(format!("{}: {text}", flag_of(&field))),
            Error::Internal(cause) => Self::Other(cause.to_string()),
            other => Self::Other(other.to_string()),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Config(errors) => errors.fmt(f),
            Self::Usage(text) | Self::Other(text) => text.fmt(f),
        }
    }
}

impl From<ConfigErrors> for Problem {
    fn from(errors: ConfigErrors) -> Self {
        Self::Config(Box::new(errors))
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(error, |field| format!("--{field}"))
    }
}

/// Prints what went wrong, if anything did, and says how the process ends.
pub(super) fn end(outcome: Result<(), Problem>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Problem::Config(errors)) => {
            tell_mistakes(&errors);
            ExitCode::from(FAILED)
        }
        Err(Problem::Usage(text)) => {
            eprintln!("windlass: {text}");
            ExitCode::from(BAD_USAGE)
        }
        Err(Problem::Other(text)) => {
            eprintln!("windlass: {text}");
            ExitCode::from(FAILED)
        }
    }
}

/// Every mistake with its excerpt, then their number.
pub(super) fn tell_mistakes(errors: &ConfigErrors) {
    let colours = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    eprintln!("{}\n", errors.render(colours));
    match errors.count() {
        1 => eprintln!("1 mistake"),
        count => eprintln!("{count} mistakes"),
    }
}

/// A value as text for a terminal, which nothing in it can steer.
pub(super) fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    };
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// A size as pages show it: `84.2 MB`.
pub(super) fn size(value: &Value) -> String {
    crate::web::filters::size_text(value.as_i64().unwrap_or(0))
}

/// A moment as pages show it: `2026-11-20 10:39 UTC`; empty for none.
pub(super) fn moment(value: &Value) -> String {
    let text = plain(value);
    match text.get(..16) {
        Some(minutes) => format!("{} UTC", minutes.replace('T', " ")),
        None => text,
    }
}
