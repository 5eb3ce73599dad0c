//! Reading logs: ranges of bytes, the last lines, and lines by number; open, closed and compressed
//! ones alike. Only committed bytes are seen.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use bytes::Bytes;

use super::writer::blocking;
use super::{LogError, Logs, compress};
use crate::db::logs::Log;
use crate::ids::LogId;

/// Bytes that one read returns at most: a page or a piece of a download, not a whole log.
pub const READ_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes read at a time while lines are looked for.
const SCAN_BYTES: usize = 1024 * 1024;

impl Logs {
    /// The row of a log: name, size, lines, whether it is open.
    pub async fn find(&self, log: LogId) -> Result<Log, LogError> {
        Ok(self.row(log).await?)
    }

    /// The bytes from `from` on, at most `max` and [`READ_BYTES_MAX`]; empty at the end.
    pub async fn read(&self, log: LogId, from: u64, max: usize) -> Result<Bytes, LogError> {
        let row = self.row(log).await?;
        self.read_row(row, from, max).await
    }

    /// The last lines, at most `lines_max` and [`READ_BYTES_MAX`], with the number of the first
    /// of them, counted from 1.
    pub async fn tail(&self, log: LogId, lines_max: u64) -> Result<(u64, Vec<u8>), LogError> {
        let row = self.row(log).await?;
        let from = row.bytes.saturating_sub(READ_BYTES_MAX as u64);
        let bytes = self.read_row(row.clone(), from, READ_BYTES_MAX).await?;
        let (lines, start) = last_lines(&bytes, lines_max, from > 0);
        let feeds = row.lines + u64::from(row.open && bytes.last().is_some_and(|b| *b != b'\n'));
        Ok((feeds.saturating_sub(lines) + 1, bytes[start..].to_vec()))
    }

    /// The lines from number `first` (from 1) on, at most `count` and [`READ_BYTES_MAX`].
    pub async fn lines(&self, log: LogId, first: u64, count: u64) -> Result<Vec<u8>, LogError> {
        let row = self.row(log).await?;
        let (mut at, mut line) = (0, 1);
        let mut found = Vec::new();
        while at < row.bytes && line < first.saturating_add(count) && found.len() < READ_BYTES_MAX {
            let piece = self.read_row(row.clone(), at, SCAN_BYTES).await?;
            at += piece.len() as u64;
            for text in piece.split_inclusive(|byte| *byte == b'\n') {
                if line >= first && line < first.saturating_add(count) {
                    found.extend_from_slice(text);
                }
                line += u64::from(text.ends_with(b"\n"));
            }
            if piece.is_empty() {
                break;
            }
        }
        Ok(found)
    }

    async fn read_row(&self, row: Log, from: u64, max: usize) -> Result<Bytes, LogError> {
        let left = usize::try_from(row.bytes.saturating_sub(from)).unwrap_or(usize::MAX);
        let max = max.min(READ_BYTES_MAX).min(left);
        if max == 0 {
            return Ok(Bytes::new());
        }
        let plain = self.shared.data.join(&row.path);
        let path = plain.clone();
        let bytes = blocking(&path, move || {
            let packed = compress::twin(&plain);
            if row.compressed {
                return compress::read(&packed, from, max);
            }
            match read_plain(&plain, from, max) {
                // It was closed since the row was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    compress::read(&packed, from, max)
                }
                outcome => outcome,
            }
        });
        Ok(bytes.await?.into())
    }
}

fn read_plain(path: &Path, from: u64, max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; max];
    File::open(path)?.read_exact_at(&mut bytes, from)?;
    Ok(bytes)
}

/// How many of the last lines fit, and where they begin. The first line counts only if it is
/// whole, that is unless bytes before it are missing (`is_cut`).
fn last_lines(bytes: &[u8], lines_max: u64, is_cut: bool) -> (u64, usize) {
    let mut start = bytes.len();
    let mut lines = 0;
    while lines < lines_max && start > 0 {
        let before = bytes[..start - 1].iter().rposition(|byte| *byte == b'\n');
        match before {
            Some(at) => start = at + 1,
            None if is_cut => break,
            None => start = 0,
        }
        lines += 1;
    }
    (lines, start)
}
