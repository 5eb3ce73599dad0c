//! The addresses of feeds and files below the master's URL; they are part of shipped
//! applications, so they never change.

use std::fmt::Write as _;

/// Path of the feed in our own format.
#[must_use]
pub fn feed_path(project: &str, feed: &str, target: &str) -> String {
    let [project, feed, target] = [project, feed, target].map(encode);
    format!("/update/v1/{project}/{feed}/{target}")
}

/// Path of a file. Of a name with folders the last part is taken.
#[must_use]
pub fn file_path(sha256: &str, name: &str) -> String {
    let name = name.rsplit('/').next().unwrap_or(name);
    format!("/files/{sha256}/{}", encode(name))
}

/// One component of a path, or the value of an extended header parameter (RFC 8187): everything
/// but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
#[must_use]
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
