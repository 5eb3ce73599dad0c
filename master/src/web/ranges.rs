//! Which parts of a file a `Range` header asks for (RFC 9110 §14). Pure.

use std::ops::Range;

/// Ranges of one request: update clients ask for up to 1,000 changed blocks at once. Above it the
/// whole file is sent, which is always right.
const RANGES_MAX: usize = 1_024;

/// What is to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The whole file.
    Whole,
    /// These parts, none empty, none overlapping; at least one.
    Parts(Vec<Range<u64>>),
    /// No byte of the file is in the ranges.
    Nothing,
}

/// Reads a `Range` header for a file of `size` bytes. What is no range of bytes is ignored, as the
/// standard says. Order is kept, since clients count on it, unless ranges overlap: then they are
/// sorted and joined, so that nobody makes us send more than the file.
#[must_use]
pub(super) fn wanted(header: &str, size: u64) -> Wanted {
    let Some((unit, list)) = header.split_once('=') else {
        return Wanted::Whole;
    };
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return Wanted::Whole;
    }
    let mut parts = Vec::new();
    let mut seen = 0;
    for text in list.split(',').map(str::trim).filter(|t| !t.is_empty()) {
        seen += 1;
        if seen > RANGES_MAX {
            return Wanted::Whole;
        }
        match part(text, size) {
            Ok(Some(part)) => parts.push(part),
            Ok(None) => {}
            Err(NoRange) => return Wanted::Whole,
        }
    }
    match (seen, parts.is_empty()) {
        (0, _) => Wanted::Whole,
        (_, true) => Wanted::Nothing,
        _ => Wanted::Parts(without_overlap(parts)),
    }
}

struct NoRange;

/// `0-99`, `100-` or `-50`; `None` when it is a range outside the file.
fn part(text: &str, size: u64) -> Result<Option<Range<u64>>, NoRange> {
    let (first, last) = text.split_once('-').ok_or(NoRange)?;
    let (first, last) = (number(first)?, number(last)?);
    let (start, end) = match (first, last) {
        (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Some(_), Some(_)) | (None, None) => return Err(NoRange),
        (Some(first), None) => (first, size),
        (None, Some(length)) => (size.saturating_sub(length), size),
    };
    Ok((start < end).then_some(start..end))
}

/// A decimal number, too large ones as the largest; nothing where nothing stands.
fn number(text: &str) -> Result<Option<u64>, NoRange> {
    let text = text.trim();
    match text {
        "" => Ok(None),
        _ if text.bytes().all(|b| b.is_ascii_digit()) => Ok(Some(text.parse().unwrap_or(u64::MAX))),
        _ => Err(NoRange),
    }
}

fn without_overlap(parts: Vec<Range<u64>>) -> Vec<Range<u64>> {
    let mut sorted = parts.clone();
    sorted.sort_by_key(|part| part.start);
    if sorted.windows(2).all(|pair| pair[0].end <= pair[1].start) {
        return parts;
    }
    let mut joined: Vec<Range<u64>> = Vec::new();
    for part in sorted {
        match joined.last_mut() {
            Some(last) if part.start < last.end => last.end = last.end.max(part.end),
            _ => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
