//! Control files for zsync of stored files: made when they are first asked for, one at a time,
//! and kept in memory. What stands in such a file is `updates::formats::zsync`'s.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::StreamExt as _;

use super::Blobs;
use crate::updates::formats::Listing;
use crate::updates::formats::zsync::{About, Maker};

/// Bytes kept: control files are a three-hundredth of their file, so this serves some 15 GB of
/// packages that are current.
const KEPT_BYTES_MAX: usize = 48 * 1024 * 1024;
/// A control file that the build made is read whole into memory up to this size, which is that for
/// a file of 5 GB.
const READ_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Makes and keeps control files; cheap to clone.
#[derive(Clone, Debug)]
pub struct Zsyncs {
    blobs: Blobs,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// One is made at a time: each reads a whole file.
    turn: tokio::sync::Mutex<()>,
    /// The newest at the end.
    kept: Mutex<VecDeque<(String, Bytes)>>,
}

impl Zsyncs {
    /// For the files of a store.
    #[must_use]
    pub fn new(blobs: &Blobs) -> Self {
        Self {
            blobs: blobs.clone(),
            shared: Arc::new(Shared {
                turn: tokio::sync::Mutex::new(()),
                kept: Mutex::default(),
            }),
        }
    }

    /// The control file of the stored file `sha256`, which is `about`. Errors: as reading the
    /// store; `InvalidData` where the file is not what `about` says.
    pub async fn make(&self, sha256: &str, about: &About<'_>) -> io::Result<Bytes> {
        // The address and the name are part of it.
        let key = format!("{sha256} {} {}", about.url, about.name);
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let _turn = self.shared.turn.lock().await;
        if let Some(known) = self.known(&key) {
            return Ok(known);
        }
        let mut maker = Maker::new(about.size);
        let mut pieces = Box::pin(self.blobs.read(sha256, 0..about.size));
        while let Some(piece) = pieces.next().await {
            let piece = piece?;
            let sum = move || {
                maker.write(&piece);
                maker
            };
            maker = tokio::task::spawn_blocking(sum)
                .await
                .map_err(io::Error::other)?;
        }
        let made = maker.finish(about).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the stored file is another")
        })?;
        let made = Bytes::from(made);
        self.keep(key, made.clone());
        Ok(made)
    }

    /// The bytes of a small stored file of `size` bytes. Errors: `FileTooLarge`; as reading the
    /// store.
    pub async fn read(&self, sha256: &str, size: u64) -> io::Result<Vec<u8>> {
        if size > READ_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.part(sha256, 0..size).await
    }

    /// The sizes of the block maps that stand at the end of a product's AppImages, each with the
    /// SHA-256 of its file; of files that cannot be read or have none, none.
    pub async fn block_maps(&self, listing: &Listing) -> Vec<(String, u64)> {
        let mut found = Vec::new();
        for asset in &listing.files {
            if !asset.name.to_ascii_lowercase().ends_with(".appimage") || asset.size < 4 {
                continue;
            }
            let last = self.part(&asset.sha256, asset.size - 4..asset.size).await;
            let last: Option<[u8; 4]> = last.ok().and_then(|bytes| bytes.try_into().ok());
            let size = last.map_or(0, |bytes| u64::from(u32::from_be_bytes(bytes)));
            // Its own length and at least one byte of a file stand besides.
            if size > 0 && size + 4 < asset.size {
                found.push((asset.sha256.clone(), size));
            }
        }
        found
    }

    async fn part(&self, sha256: &str, range: std::ops::Range<u64>) -> io::Result<Vec<u8>> {
        let mut pieces = Box::pin(self.blobs.read(sha256, range));
        let mut all = Vec::new();
        while let Some(piece) = pieces.next().await {
            all.extend_from_slice(&piece?);
        }
        Ok(all)
    }

    fn known(&self, key: &str) -> Option<Bytes> {
        let kept = self.shared.kept.lock();
        let kept = kept.unwrap_or_else(PoisonError::into_inner);
        let found = kept.iter().find(|(known, _)| known == key);
        found.map(|(_, bytes)| bytes.clone())
    }

    fn keep(&self, key: String, made: Bytes) {
        let kept = self.shared.kept.lock();
        let mut kept = kept.unwrap_or_else(PoisonError::into_inner);
        kept.push_back((key, made));
        let mut total: usize = kept.iter().map(|(_, bytes)| bytes.len()).sum();
        while total > KEPT_BYTES_MAX
            && let Some((_, gone)) = kept.pop_front()
        {
            total -= gone.len();
        }
    }
}
