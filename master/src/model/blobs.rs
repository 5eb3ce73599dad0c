//! A stored file as every floor speaks of it: its hashes and size. Where it lies is `storage`'s.

use super::BlobStore;

/// A complete file of the store; hashes are lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its name in the store.
    pub sha256: String,
    /// For update clients that know nothing newer.
    pub sha1: String,
    /// For update clients that ask for it.
    pub sha512: String,
    /// Bytes.
    pub size: u64,
    /// Where it was put.
    pub store: BlobStore,
}

/// What lies in one store.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct StoreContent {
    /// The store.
    pub store: BlobStore,
    /// Files, those in the trash included.
    pub files: i64,
    /// Their bytes.
    pub bytes: i64,
}

impl Blob {
    /// Whether `text` is a SHA-256 as the store writes it: 64 digits of `0-9a-f`.
    #[must_use]
    pub fn is_sha256(text: &str) -> bool {
        text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    }
}
