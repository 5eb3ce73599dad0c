//! What the `manifest` backend of the crate self_update reads: a list of releases whose files it
//! chooses by the Rust triple in their names. The list is made for one triple, so it never lists
//! what the asker cannot have.

use super::Listing;

#[derive(serde::Serialize)]
struct Body<'a> {
    schema: u8,
    releases: Vec<Release<'a>>,
}

#[derive(serde::Serialize)]
struct Release<'a> {
    version: &'a str,
    date: String,
    notes_url: &'a str,
    assets: Vec<File<'a>>,
}

#[derive(serde::Serialize)]
struct File<'a> {
    name: String,
    url: &'a str,
    digest: String,
}

/// The manifest for askers of `triple`; without a product that they can have it lists none.
#[must_use]
pub fn render(listing: Option<&Listing>, triple: &str) -> String {
    let releases = listing.and_then(|listing| release(listing, triple));
    let body = Body {
        schema: 1,
        releases: releases.into_iter().collect(),
    };
    // Texts and numbers always have a JSON text.
    serde_json::to_string(&body).unwrap_or_default()
}

fn release<'a>(listing: &'a Listing, triple: &str) -> Option<Release<'a>> {
    let version = listing.semantic()?;
    let asset = listing.main_file()?;
    // The client takes the file whose name holds its triple; what names it otherwise gets it in
    // front, and the ending, by which it unpacks, stays.
    let name = if asset.name.contains(triple) {
        asset.name.clone()
    } else {
        format!("{triple}-{}", asset.name)
    };
    let file = File {
        name,
        url: &asset.url,
        digest: format!("sha256:{}", asset.sha256),
    };
    Some(Release {
        version,
        date: listing.published_at.to_string(),
        notes_url: &listing.page,
        assets: vec![file],
    })
}
