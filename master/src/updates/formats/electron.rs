//! What electron-updater reads from a generic server: a YAML file per system with relative
//! addresses, from which it makes those of block maps, also of the old build's, by replacing the
//! version. So each address is `VERSION/ARCH/NAME` below the feed: replacing the version leads to
//! the old build whatever the file's name is.

use crate::hex::unhex;
use std::fmt::Write as _;

use super::{Asset, Listing, base64};
use crate::updates::addresses::encode;
use crate::updates::targets::Target;

/// Longest list of files: one product per processor and a few kinds of package each.
const FILES_MAX: usize = 64;

/// A listed product with the size of the block map inside each of its files, by SHA-256, where a
/// file has one (AppImage).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// The product.
    pub listing: Listing,
    /// SHA-256 of a file, bytes of the block map at its end.
    pub block_maps: Vec<(String, u64)>,
}

/// The YAML of the products of one version, the best for an undecided asker first. Nothing where
/// there is no product with a semantic version and a file.
#[must_use]
pub fn render(builds: &[Build]) -> Option<String> {
    let first = builds.first()?;
    let version = first.listing.semantic()?;
    let mut files = Vec::new();
    for build in builds {
        if build.listing.semantic() != Some(version) {
            continue;
        }
        let mut all: Vec<&Asset> = build.listing.files.iter().collect();
        // Velopack's packages are for its own clients.
        all.retain(|asset| !asset.is_beside() && !asset.name.ends_with(".nupkg"));
        // What an application installs comes first: clients that find no better take it.
        all.sort_by_key(|asset| match asset.role.as_str() {
            "update" => 0,
            "installer" => 1,
            _ => 2,
        });
        files.extend(all.into_iter().map(|asset| (build, asset)));
    }
    files.truncate(FILES_MAX);
    let mut yaml = format!("version: {}\nfiles:\n", quoted(version));
    for (build, asset) in &files {
        let _ = writeln!(
            yaml,
            "  - url: {}",
            quoted(&address(&build.listing, version, asset))
        );
        let _ = writeln!(
            yaml,
            "    sha512: {}",
            quoted(&base64(&unhex(&asset.sha512)?))
        );
        let _ = writeln!(yaml, "    size: {}", asset.size);
        let known = build
            .block_maps
            .iter()
            .find(|(sha256, _)| *sha256 == asset.sha256);
        if let Some((_, size)) = known {
            let _ = writeln!(yaml, "    blockMapSize: {size}");
        }
    }
    let (build, asset) = files.first()?;
    // For clients older than the list of files.
    let _ = writeln!(
        yaml,
        "path: {}",
        quoted(&address(&build.listing, version, asset))
    );
    let _ = writeln!(yaml, "sha512: {}", quoted(&base64(&unhex(&asset.sha512)?)));
    if !first.listing.notes.is_empty() {
        let _ = writeln!(yaml, "releaseNotes: {}", quoted(&first.listing.notes));
    }
    if first.listing.version != version {
        let _ = writeln!(yaml, "releaseName: {}", quoted(&first.listing.version));
    }
    let _ = writeln!(
        yaml,
        "releaseDate: {}",
        quoted(&first.listing.published_at.to_string())
    );
    Some(yaml)
}

/// Where the file is below the feed.
fn address(listing: &Listing, version: &str, asset: &Asset) -> String {
    let arch = Target::parse(&listing.target).electron_arch();
    // A `+` stands for itself in a path, and clients replace the version as it is written.
    let version = encode(version).replace("%2B", "+");
    format!("{version}/{arch}/{}", encode(&asset.name))
}

/// A YAML scalar in double quotes: JSON's strings are such, and nothing in one means anything else.
/// What is not printable is escaped, for a single such character makes clients refuse the file.
fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    for c in serde_json::Value::from(text).to_string().chars() {
        match u32::from(c) {
            code @ (0x7f..=0x9f | 0x2028 | 0x2029 | 0xfeff | 0xfffe | 0xffff) => {
                let _ = write!(quoted, "\\u{code:04x}");
            }
            _ => quoted.push(c),
        }
    }
    quoted
}
