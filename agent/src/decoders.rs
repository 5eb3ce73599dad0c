//! The decoders of this crate that take bytes of others, by themselves: for tests that try them
//! with bytes that nobody meant. Not here: the decoders.

use crate::{config, transport};

/// A configuration file; the text of an error says what would be right.
///
/// # Errors
///
/// What is wrong with it, and in which line.
pub fn config_file(text: &str) -> Result<(), String> {
    config::check_text(text)
}

/// The head of an HTTP server's answer.
///
/// # Errors
///
/// Why it is no upgrade to a WebSocket.
pub fn http_head(bytes: &[u8]) -> Result<(), String> {
    transport::check_http_head(bytes)
}
