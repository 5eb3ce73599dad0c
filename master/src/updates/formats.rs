//! What a feed says, in the words of each family of update clients. Pure: a listing goes in, text
//! comes out. Which product an asker is told is decided above; which target is meant, in
//! `targets`; what an address is, in `addresses`.

use super::addresses::file_path;
use crate::clock::Time;
use crate::model::{Offer, OfferFile, SignatureScheme};

pub mod appcast;
pub mod atom;
pub mod badge;
pub mod electron;
pub mod folder;
pub mod manifest;
pub mod sums;
pub mod tauri;
pub mod velopack;
mod xml;
pub mod zsync;

/// One product as feeds list it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// Name of the project.
    pub project: String,
    /// Target.
    pub target: String,
    /// Version text.
    pub version: String,
    /// Semantic version for clients that know no other.
    pub feed_version: Option<String>,
    /// When it was recorded.
    pub published_at: Time,
    /// What is new, as plain text or Markdown; empty for nothing.
    pub notes: String,
    /// Lowest version of the operating system.
    pub min_os: Option<String>,
    /// Highest version of the operating system.
    pub max_os: Option<String>,
    /// Whether everybody should take it at once.
    pub critical: bool,
    /// Address of its page.
    pub page: String,
    /// Its files in the order they were recorded.
    pub files: Vec<Asset>,
}

/// A file of a listed product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asset {
    /// `installer`, `update`, `delta`, `blockmap`, …
    pub role: String,
    /// File name.
    pub name: String,
    /// Whole address of the immutable file.
    pub url: String,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// SHA-1, lower-case hexadecimal.
    pub sha1: String,
    /// SHA-512, lower-case hexadecimal.
    pub sha512: String,
    /// Bytes.
    pub size: u64,
    /// The version that a delta is applied to: its feed version, else its text.
    pub delta_from: Option<String>,
    /// What the build machine signed it with.
    pub signatures: Vec<Signed>,
}

/// A signature of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// How it was made.
    pub scheme: SignatureScheme,
    /// The signature's text, as its scheme's tools write it.
    pub value: String,
}

impl Listing {
    /// An offer with addresses below that of the master.
    #[must_use]
    pub fn of(master: &str, offer: &Offer) -> Self {
        let product = &offer.product;
        Self {
            project: product.project.clone(),
            target: product.target.clone(),
            version: product.version.clone(),
            feed_version: product.feed_version.clone(),
            published_at: product.recorded_at,
            notes: product.notes.clone(),
            min_os: product.min_os.clone(),
            max_os: product.max_os.clone(),
            critical: offer.critical,
            page: format!("{master}/products/{}", product.id),
            files: offer
                .files
                .iter()
                .map(|file| Asset::of(master, file))
                .collect(),
        }
    }

    /// The version for clients that compare semantic versions; nothing where the product has none.
    #[must_use]
    pub fn semantic(&self) -> Option<&str> {
        let own = || semver::Version::parse(&self.version).is_ok();
        let feed = self.feed_version.as_deref();
        feed.or_else(|| own().then_some(self.version.as_str()))
    }

    /// The file that an application installs: the one of the role `update`, else `installer`, else
    /// the first that is neither about another file nor a part of the build.
    #[must_use]
    pub fn main_file(&self) -> Option<&Asset> {
        self.file_by(|_| true)
    }

    /// Like [`Listing::main_file`], among the files that `suits` lets through.
    pub(crate) fn file_by(&self, suits: impl Fn(&Asset) -> bool) -> Option<&Asset> {
        let rank = |asset: &Asset| match asset.role.as_str() {
            "update" => 0,
            "installer" => 1,
            _ => 2,
        };
        let installable = |asset: &&Asset| !asset.is_beside() && suits(asset);
        self.files
            .iter()
            .filter(installable)
            .min_by_key(|asset| rank(asset))
    }
}

impl Asset {
    fn of(master: &str, file: &OfferFile) -> Self {
        let base = file.delta_from.as_ref();
        let base = base.map(|base| base.feed_version.as_ref().unwrap_or(&base.version).clone());
        let mut signed: Vec<_> = file.signatures.iter().collect();
        // One that a key of the configuration verified comes first.
        signed.sort_by_key(|signature| !signature.is_verified);
        let signed = signed.into_iter().map(|signature| Signed {
            scheme: signature.scheme,
            value: signature.value.clone(),
        });
        Self {
            role: file.role.clone(),
            name: file.name.clone(),
            url: format!("{master}{}", file_path(&file.sha256, &file.name)),
            sha256: file.sha256.clone(),
            sha1: file.sha1.clone(),
            sha512: file.sha512.clone(),
            size: u64::try_from(file.size).unwrap_or(0),
            delta_from: base,
            signatures: signed.collect(),
        }
    }

    /// Whether it is about another file, or for people and tools rather than for applications.
    #[must_use]
    pub fn is_beside(&self) -> bool {
        const BESIDE: &[&str] = &[
            "blockmap",
            "delta",
            "log",
            "notes",
            "sbom",
            "signature",
            "symbols",
            "zsync",
        ];
        BESIDE.contains(&self.role.as_str())
    }

    /// The text of its first signature of a scheme.
    #[must_use]
    pub fn signature(&self, scheme: SignatureScheme) -> Option<&str> {
        let found = self
            .signatures
            .iter()
            .find(|signed| signed.scheme == scheme);
        found.map(|signed| signed.value.as_str())
    }
}

/// Base64 with padding, of the usual alphabet.
#[must_use]
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let mut padded = [0_u8; 4];
        padded[1..=group.len()].copy_from_slice(group);
        let bits = u32::from_be_bytes(padded);
        for place in 0..4 {
            let digit = (bits >> (18 - place * 6)) & 63;
            let is_said = place <= group.len();
            text.push(if is_said {
                char::from(DIGITS[digit as usize])
            } else {
                '='
            });
        }
    }
    text
}

#[cfg(test)]
pub(crate) mod tests;
