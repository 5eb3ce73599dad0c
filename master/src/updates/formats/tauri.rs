//! What the updaters of Tauri and of cargo-packager read: one JSON object with a minisign
//! signature, which they check before anything else. Both read the same object; `format` is what
//! cargo-packager wants besides.

use super::{Asset, Listing, base64};
use crate::model::SignatureScheme;

#[derive(serde::Serialize)]
struct Body<'a> {
    version: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes: &'a str,
    pub_date: String,
    url: &'a str,
    signature: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'static str>,
}

/// The answer; nothing where the product has no semantic version or no file signed with minisign,
/// for then no such client could take it.
#[must_use]
pub fn render(listing: &Listing) -> Option<String> {
    let version = listing.semantic()?;
    let is_signed = |asset: &Asset| asset.signature(SignatureScheme::Minisign).is_some();
    let asset = listing.file_by(is_signed)?;
    let signature = asset.signature(SignatureScheme::Minisign)?;
    let body = Body {
        version,
        notes: &listing.notes,
        pub_date: listing.published_at.to_string(),
        url: &asset.url,
        signature: wrapped(signature),
        format: format(&asset.name),
    };
    serde_json::to_string(&body).ok()
}

/// The whole text of the signature's file in base64. What is base64 of it already stays.
fn wrapped(signature: &str) -> String {
    if signature.starts_with("untrusted comment:") {
        // minisign ends every line, and so must this text.
        base64(format!("{}\n", signature.trim_end()).as_bytes())
    } else {
        signature.trim().to_owned()
    }
}

/// How cargo-packager installs it, by the file's name.
fn format(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    let bare = name.strip_suffix(".zip").unwrap_or(&name);
    let bare = bare.strip_suffix(".tar.gz").unwrap_or(bare);
    Some(match bare.rsplit_once('.').map_or("", |(_, last)| last) {
        "exe" | "nsis" => "nsis",
        "msi" => "wix",
        "appimage" => "appimage",
        "app" => "app",
        _ => return None,
    })
}
