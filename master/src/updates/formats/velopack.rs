//! What Velopack's clients read: a list of packages with their sums, whose file names are below the
//! feed's own address.

use super::{Asset, Listing};

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Body<'a> {
    assets: Vec<Package<'a>>,
}

#[derive(serde::Serialize)]
#[serde(rename_all = "PascalCase")]
struct Package<'a> {
    package_id: &'a str,
    version: &'a str,
    #[serde(rename = "Type")]
    kind: &'static str,
    file_name: &'a str,
    #[serde(rename = "SHA1")]
    sha1: String,
    #[serde(rename = "SHA256")]
    sha256: String,
    size: u64,
    #[serde(skip_serializing_if = "str::is_empty")]
    notes_markdown: &'a str,
}

/// The list: the whole package and the deltas that lead to it. A delta that is known to begin at
/// another version than the asker's `local` one is left out, since clients apply whatever is
/// listed. An empty list says that there is nothing.
#[must_use]
pub fn render(listing: Option<&Listing>, local: Option<&str>) -> String {
    let assets = listing
        .map(|listing| packages(listing, local))
        .unwrap_or_default();
    // A list of texts and numbers always has a JSON text.
    serde_json::to_string(&Body { assets }).unwrap_or_default()
}

fn packages<'a>(listing: &'a Listing, local: Option<&str>) -> Vec<Package<'a>> {
    let Some(version) = listing.semantic() else {
        return Vec::new();
    };
    let is_package = |asset: &Asset| asset.name.ends_with(".nupkg");
    let whole = listing.file_by(is_package);
    let Some(whole) = whole else {
        return Vec::new();
    };
    let id = package_id(listing, version, whole);
    let package = |kind, asset: &'a Asset| Package {
        package_id: id,
        version,
        kind,
        file_name: &asset.name,
        sha1: asset.sha1.to_ascii_uppercase(),
        sha256: asset.sha256.to_ascii_uppercase(),
        size: asset.size,
        notes_markdown: &listing.notes,
    };
    let leads_here = |asset: &&Asset| {
        let from = asset.delta_from.as_deref();
        asset.role == "delta"
            && is_package(asset)
            && from.zip(local).is_none_or(|(from, local)| from == local)
    };
    let mut all = vec![package("Full", whole)];
    let deltas = listing.files.iter().filter(leads_here);
    all.extend(deltas.map(|asset| package("Delta", asset)));
    all
}

/// Packages are called `ID-VERSION-full.nupkg`, with the channel somewhere behind the version.
fn package_id<'a>(listing: &'a Listing, version: &str, whole: &'a Asset) -> &'a str {
    let end = whole.name.find(&format!("-{version}"));
    match end {
        Some(end) if end > 0 => &whole.name[..end],
        _ => &listing.project,
    }
}
