//! The last lines of a log as HTML, and the mark from which a stream goes on behind them.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::ansi::Painter;
use crate::app::App;
use crate::error::{Error, Result};
use crate::ids::LogId;
use crate::logs::{LogError, READ_BYTES_MAX};

/// Lines of one block: the browser lays out only the blocks in view.
const BLOCK_LINES: usize = 100;

/// A place in a log, between two lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Bytes before it.
    pub(super) at: u64,
    /// Number of the line behind it, from 1.
    pub(super) line: u64,
    /// The style that goes on.
    pub(super) painter: Painter,
}

/// The last lines of a log.
pub(super) struct Excerpt {
    /// HTML of up to [`BLOCK_LINES`] lines each.
    pub(super) blocks: Vec<String>,
    /// Number of the first line shown.
    pub(super) first: u64,
    /// Lines shown.
    pub(super) shown: usize,
    /// Bytes that were left out although their lines were wanted.
    pub(super) cut_bytes: u64,
    /// Whether the log is still written.
    pub(super) open: bool,
    /// Log and mark for a stream to follow, `LOG AT:LINE:STYLE`; empty when the log is closed.
    pub(super) follow: String,
}

impl Excerpt {
    /// Reads the last `lines_max` lines. Of an open log the unfinished last line is left to the
    /// stream.
    pub(super) async fn load(app: &App, id: LogId, lines_max: usize) -> Result<Self> {
        let row = app.logs.find(id).await.map_err(reading)?;
        let from = row.bytes.saturating_sub(READ_BYTES_MAX as u64);
        let bytes = app
            .logs
            .read(id, from, READ_BYTES_MAX)
            .await
            .map_err(reading)?;
        // What came after the row was read is left to the stream.
        let known = usize::try_from(row.bytes - from).unwrap_or(usize::MAX);
        let mut text = &bytes[..known.min(bytes.len())];
        let mut cut_bytes = 0;
        if from > 0 {
            let whole = text
                .iter()
                .position(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            text = &text[whole..];
        }
        if row.open {
            let end = text
                .iter()
                .rposition(|byte| *byte == b'\n')
                .map_or(0, |at| at + 1);
            text = &text[..end];
        }
        let mut lines: Vec<&[u8]> = text.split(|byte| *byte == b'\n').collect();
        if lines.last().is_some_and(|last| last.is_empty()) {
            lines.pop();
        }
        let all = lines.len();
        if all > lines_max {
            lines.drain(..all - lines_max);
        } else if from > 0 {
            cut_bytes = row.bytes - text.len() as u64;
        }
        let shown = lines.len();
        let first = row.lines.saturating_sub(shown as u64) + 1;
        let mut mark = Mark {
            at: from + (text.as_ptr() as usize - bytes.as_ptr() as usize + text.len()) as u64,
            line: first,
            painter: Painter::default(),
        };
        let blocks = lines
            .chunks(BLOCK_LINES)
            .map(|chunk| chunk.iter().map(|line| mark.html(line)).collect())
            .collect();
        Ok(Self {
            blocks,
            first,
            shown,
            cut_bytes,
            open: row.open,
            follow: if row.open {
                format!("{id} {mark}")
            } else {
                String::new()
            },
        })
    }
}

impl Mark {
    /// The HTML of the line behind the mark, with its number and a line feed; goes on to the next
    /// line without moving `at`.
    pub(super) fn html(&mut self, line: &[u8]) -> String {
        let number = self.line;
        // A stream's first mark comes from the asker, so it may hold any number.
        self.line = self.line.saturating_add(1);
        let mut html = format!("<a class=\"n\" id=\"L{number}\" href=\"#L{number}\">{number}</a>");
        let _ = writeln!(html, "{}", self.painter.line(line));
        html
    }
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.at, self.line, self.painter)
    }
}

impl FromStr for Mark {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::bad_input("from", "this is no place in a log: load the page again");
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().ok_or_else(wrong);
        Ok(Self {
            at: next()?.parse().map_err(|_| wrong())?,
            line: next()?.parse().map_err(|_| wrong())?,
            painter: next()?.parse().map_err(|()| wrong())?,
        })
    }
}

/// What a log that cannot be read is to the asker.
pub(super) fn reading(error: LogError) -> Error {
    match error {
        LogError::Db(error) => error.into(),
        LogError::Io { path, error } if error.kind() == std::io::ErrorKind::NotFound => {
            tracing::warn!(path = %path.display(), "the file of a log is missing");
            Error::Gone("the file of this log is gone".to_owned())
        }
        other => Error::internal(other),
    }
}

#[cfg(test)]
mod tests;
