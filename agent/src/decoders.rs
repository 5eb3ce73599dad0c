//! The decoders of this crate that take bytes of others, by themselves: for tests that try them
//! with bytes that nobody meant. Not here: the decoders.

use windlass_protocol::Boxed;

use crate::shim::wire;
use crate::{commands, config, transport};

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

/// Boxes that an agent and its shims say to each other, one after another to the end or to the
/// first that is none.
pub fn shim_boxes(mut bytes: &[u8]) {
    while let Ok(Some(pairs)) = wire::read_box(&mut bytes) {
        shim_box(&pairs);
    }
}

fn shim_box(pairs: &Boxed) {
    let _ = wire::Start::from_box(pairs);
    let _ = wire::News::from_box(pairs);
    let _ = wire::Order::all_from_box(pairs);
}

/// A file of a journal that begins at this offset; tells whether it is one.
#[must_use]
pub fn journal_file(bytes: &[u8], start: u64) -> bool {
    commands::journal::is_file(bytes, start)
}
