//! Checks of texts that people write: reasons, comments.

use crate::error::{Error, Result};

/// Longest reason: a few sentences and a link, which a list can still show.
const REASON_CHARS_MAX: usize = 1_000;

/// A reason, which must be given.
pub(super) fn checked_reason(field: &str, text: &str) -> Result<String> {
    let text = checked_text(field, text, REASON_CHARS_MAX)?;
    if text.is_empty() {
        return Err(Error::bad_input(field, "say why in a few words"));
    }
    Ok(text)
}

/// Plain text, trimmed; may be empty.
pub(super) fn checked_text(field: &str, text: &str, chars_max: usize) -> Result<String> {
    let text = text.trim();
    let is_control = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    if text.chars().count() > chars_max || text.chars().any(is_control) {
        let right = format!("at most {chars_max} characters of plain text");
        return Err(Error::bad_input(field, right));
    }
    Ok(text.to_owned())
}
