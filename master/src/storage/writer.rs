//! Writing a file into the store: hashed while it comes, under its name only when it is whole.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Blobs, Lease, hex};
use crate::failpoints;
use crate::model::{Blob, BlobStore};

/// A file being written. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    file: tempfile::NamedTempFile,
    sha256: Sha256,
    sha1: Sha1,
    sha512: Sha512,
    size: u64,
}

impl BlobWriter {
    pub(super) fn begin(blobs: &Blobs) -> io::Result<Self> {
        Ok(Self {
            blobs: blobs.clone(),
            file: blobs.shared.local.temporary()?,
            sha256: Sha256::new(),
            sha1: Sha1::new(),
            sha512: Sha512::new(),
            size: 0,
        })
    }

    /// Appends bytes; hashes and hands them to the system, which is quick for a few hundred KiB.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.sha512.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// Bytes written so far.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks a writer that")]
    pub fn len(&self) -> u64 {
        self.size
    }

    /// Puts the file under its name; it is on disk, name and all, when this returns. For content
    /// that a row names at once; else [`BlobWriter::finish_leased`].
    pub async fn finish(self) -> io::Result<Blob> {
        Ok(self.finish_leased().await?.0)
    }

    /// [`BlobWriter::finish`], and the content is in use for as long as the lease lives: hold it
    /// until a row names the content, so that nobody collects it in between.
    pub async fn finish_leased(self) -> io::Result<(Blob, Lease)> {
        let blob = Blob {
            sha256: hex(&self.sha256.finalize()),
            sha1: hex(&self.sha1.finalize()),
            sha512: hex(&self.sha512.finalize()),
            size: self.size,
            store: BlobStore::Local,
        };
        let (blobs, file, sha256) = (self.blobs, self.file, blob.sha256.clone());
        let lease = blobs.lease(&sha256);
        let _only = blobs.lock(&sha256).await;
        let shared = Arc::clone(&blobs.shared);
        tokio::task::spawn_blocking(move || shared.local.publish(file, &sha256))
            .await
            .map_err(io::Error::other)??;
        failpoints::reach("store.finished");
        Ok((blob, lease))
    }
}

impl Blobs {
    /// Takes a complete file, of which all bytes are on disk, into the store: the one at `path` is
    /// gone when this returns, and on disk under its name. `blob` is what it holds. The lease is as
    /// with [`BlobWriter::finish_leased`].
    pub async fn adopt(&self, path: &Path, blob: Blob) -> io::Result<(Blob, Lease)> {
        let lease = self.lease(&blob.sha256);
        let _only = self.lock(&blob.sha256).await;
        let (shared, from, sha256) = (
            Arc::clone(&self.shared),
            path.to_owned(),
            blob.sha256.clone(),
        );
        tokio::task::spawn_blocking(move || shared.local.adopt(&from, &sha256))
            .await
            .map_err(io::Error::other)??;
        let store = BlobStore::Local;
        Ok((Blob { store, ..blob }, lease))
    }
}
