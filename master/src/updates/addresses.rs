//! The addresses of feeds and files below the master's URL; they are part of shipped
//! applications, so they never change.

use std::fmt::Write as _;

/// Path of the feed in our own format.
#[must_use]
pub fn feed_path(project: &str, feed: &str, target: &str) -> String {
    let [project, feed, target] = [project, feed, target].map(encode);
    format!("/update/v1/{project}/{feed}/{target}")
}

/// Names of properties under which a build finds the addresses of its branch's feeds, each with the
/// format's part of the path and what is added for the client.
const UPDATE_URLS: &[(&str, &str, &str)] = &[
    ("update_url", "v1", ""),
    (
        "update_url.tauri",
        "tauri",
        "/{{target}}/{{arch}}/{{current_version}}",
    ),
    ("update_url.electron", "electron", ""),
    ("update_url.velopack", "velopack", ""),
    ("update_url.manifest", "manifest", ""),
    ("update_url.zsync", "zsync", ""),
    ("update_url.appcast", "appcast", ""),
];

/// The addresses of a branch's feeds in every format, by the names that builds know them by.
/// Empty addresses where there is no branch.
#[must_use]
pub fn update_urls(master: &str, project: &str, feed: Option<&str>) -> Vec<(&'static str, String)> {
    let url = |(name, format, more): &(&'static str, &str, &str)| {
        let url = feed.map(|feed| {
            let [project, feed] = [project, feed].map(encode);
            format!("{master}/update/{format}/{project}/{feed}{more}")
        });
        (*name, url.unwrap_or_default())
    };
    UPDATE_URLS.iter().map(url).collect()
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
