//! Writing a file into the store: hashed while it comes, under its name only when it is whole.

use crate::hex::hex;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use sha1::Sha1;
use sha2::{Digest as _, Sha256, Sha512};

use super::{Blobs, Lease};
use crate::failpoints;
use crate::model::{Blob, BlobStore};

/// A file being written. Dropped before [`BlobWriter::finish`], it leaves nothing behind.
#[derive(Debug)]
pub struct BlobWriter {
    blobs: Blobs,
    /// Absent only while bytes are written elsewhere.
    body: Option<Body>,
}

#[derive(Debug)]
struct Body {
    file: tempfile::NamedTempFile,
    sha256: Sha256,
    sha1: Sha1,
    sha512: Sha512,
    size: u64,
}

impl BlobWriter {
    pub(super) fn begin(blobs: &Blobs) -> io::Result<Self> {
        let body = Body {
            file: blobs.shared.local.temporary()?,
            sha256: Sha256::new(),
            sha1: Sha1::new(),
            sha512: Sha512::new(),
            size: 0,
        };
        Ok(Self {
            blobs: blobs.clone(),
            body: Some(body),
        })
    }

    /// Appends bytes; hashes and hands them to the system, which is quick for a few hundred KiB.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.body.as_mut().ok_or_else(cut)?.write(bytes)
    }

    /// [`BlobWriter::write`] off the async threads, for a disk that is slow: who fetches bytes from
    /// somewhere asks for no more before this is done.
    pub async fn append(&mut self, bytes: Bytes) -> io::Result<()> {
        let mut body = self.body.take().ok_or_else(cut)?;
        let write = move || {
            let written = body.write(&bytes);
            (body, written)
        };
        let (body, written) = tokio::task::spawn_blocking(write)
            .await
            .map_err(io::Error::other)?;
        self.body = Some(body);
        written
    }

    /// The file and the SHA-256 of what was written.
    pub(super) fn into_parts(self) -> io::Result<(tempfile::NamedTempFile, String)> {
        let body = self.body.ok_or_else(cut)?;
        Ok((body.file, hex(&body.sha256.finalize())))
    }

    /// Bytes written so far.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "nobody asks a writer that")]
    pub fn len(&self) -> u64 {
        self.body.as_ref().map_or(0, |body| body.size)
    }

    /// Puts the file under its name; it is on disk, name and all, when this returns. For content
    /// that a row names at once; else [`BlobWriter::finish_leased`].
    pub async fn finish(self) -> io::Result<Blob> {
        Ok(self.finish_leased().await?.0)
    }

    /// [`BlobWriter::finish`], and the content is in use for as long as the lease lives: hold it
    /// until a row names the content, so that nobody collects it in between.
    pub async fn finish_leased(self) -> io::Result<(Blob, Lease)> {
        let body = self.body.ok_or_else(cut)?;
        let blob = Blob {
            sha256: hex(&body.sha256.finalize()),
            sha1: hex(&body.sha1.finalize()),
            sha512: hex(&body.sha512.finalize()),
            size: body.size,
            store: match self.blobs.shared.new_to_remote {
                true => BlobStore::S3,
                false => BlobStore::Local,
            },
        };
        let (blobs, file, sha256) = (self.blobs, body.file, blob.sha256.clone());
        let lease = blobs.lease(&sha256);
        let _only = blobs.lock(&sha256).await;
        if let (BlobStore::S3, Some(remote)) = (blob.store, &blobs.shared.remote) {
            // The file stays until the bucket has it all; then it goes.
            remote.publish(file.reopen()?, blob.size, &sha256).await?;
            drop(file);
        } else {
            let shared = Arc::clone(&blobs.shared);
            tokio::task::spawn_blocking(move || shared.local.publish(file, &sha256))
                .await
                .map_err(io::Error::other)??;
        }
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
        if let (true, Some(remote)) = (shared.new_to_remote, &shared.remote) {
            let open = move || File::open(&from).map(|file| (file, from));
            let (file, from) = tokio::task::spawn_blocking(open)
                .await
                .map_err(io::Error::other)??;
            remote.publish(file, blob.size, &sha256).await?;
            tokio::fs::remove_file(from).await?;
            failpoints::reach("store.finished");
            let store = BlobStore::S3;
            return Ok((Blob { store, ..blob }, lease));
        }
        tokio::task::spawn_blocking(move || shared.local.adopt(&from, &sha256))
            .await
            .map_err(io::Error::other)??;
        let store = BlobStore::Local;
        Ok((Blob { store, ..blob }, lease))
    }
}

impl Body {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.sha512.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }
}

fn cut() -> io::Error {
    io::Error::other("a write of this file was cut off")
}
