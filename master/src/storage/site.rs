//! A place for files that other servers hand out by their paths: a folder, or a bucket of any
//! S3-compatible service. It holds copies; nothing in it is the only one of its kind, and a file
//! appears under its name only when it is whole.

use std::io;
use std::path::Path as Folder;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    Attribute, Attributes, MultipartUpload, ObjectStore, ObjectStoreExt as _, PutMultipartOptions,
    PutOptions, PutPayload,
};

use super::Blobs;
use super::remote::{Bucket, PART_BYTES, patient_client};

/// An open site; cheap to clone.
#[derive(Clone, Debug)]
pub struct Site {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// Whether the store keeps what a file is beside it; folders cannot.
    has_attributes: bool,
}

impl Site {
    /// A folder, which is made where it is missing.
    pub fn folder(folder: &Folder) -> io::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(io::Error::other)?;
        let store = store.with_fsync(true).with_automatic_cleanup(true);
        Ok(Self {
            store: Arc::new(store),
            prefix: String::new(),
            has_attributes: false,
        })
    }

    /// A bucket; nothing is asked of it yet. Errors: an address or name that makes no sense.
    pub fn bucket(bucket: &Bucket) -> io::Result<Self> {
        Ok(Self {
            store: patient_client(bucket)?,
            prefix: bucket.prefix.clone(),
            has_attributes: true,
        })
    }

    /// Puts a small file (whole in memory) under `path`, over one that is there. Paths have no
    /// slash in front and are not encoded. Errors: the disk's or the service's, after 150 s of
    /// trying.
    pub async fn put(&self, path: &str, bytes: Bytes) -> io::Result<()> {
        let place = self.place(path)?;
        let options = PutOptions {
            attributes: self.attributes(path),
            ..PutOptions::default()
        };
        let put = self.store.put_opts(&place, bytes.into(), options).await;
        put.map_err(io::Error::other)?;
        Ok(())
    }

    /// Copies the stored file `sha256` of `size` bytes to `path`, 8 MiB in memory at a time.
    /// Errors: as [`Self::put`]; as reading the store.
    pub async fn put_stored(
        &self,
        path: &str,
        blobs: &Blobs,
        sha256: &str,
        size: u64,
    ) -> io::Result<()> {
        if size <= PART_BYTES {
            let mut whole = BytesMut::new();
            let mut pieces = Box::pin(blobs.read(sha256, 0..size));
            while let Some(piece) = pieces.next().await {
                whole.extend_from_slice(&piece?);
            }
            return self.put(path, whole.freeze()).await;
        }
        let options = PutMultipartOptions {
            attributes: self.attributes(path),
            ..PutMultipartOptions::default()
        };
        let place = self.place(path)?;
        let upload = self.store.put_multipart_opts(&place, options).await;
        let mut upload = upload.map_err(io::Error::other)?;
        if let Err(error) = copy(&mut *upload, blobs, sha256, size).await {
            // What it leaves has no name, and a service clears it by its own rules.
            let _ = upload.abort().await;
            return Err(error);
        }
        upload.complete().await.map_err(io::Error::other)?;
        Ok(())
    }

    /// Bytes of the file under `path`; none where there is none.
    pub async fn size(&self, path: &str) -> io::Result<Option<u64>> {
        match self.store.head(&self.place(path)?).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Removes the file under `path`, and folders that are empty then.
    pub async fn remove(&self, path: &str) -> io::Result<()> {
        match self.store.delete(&self.place(path)?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(io::Error::other(error)),
        }
    }

    fn place(&self, path: &str) -> io::Result<Path> {
        let whole = match self.prefix.is_empty() {
            true => path.to_owned(),
            false => format!("{}/{path}", self.prefix),
        };
        Path::parse(whole).map_err(io::Error::other)
    }

    /// What a server that hands the file out should say of it.
    fn attributes(&self, path: &str) -> Attributes {
        let mut attributes = Attributes::new();
        if self.has_attributes {
            let kind = match path.rsplit_once('.').map(|(_, end)| end) {
                Some("json") => "application/json",
                Some("xml") => "application/xml",
                Some("yml") => "text/yaml",
                _ => "application/octet-stream",
            };
            // As the master says itself: feeds change, stored files never do.
            let caching = match path.starts_with("files/") {
                true => "public, max-age=31536000, immutable",
                false => "public, max-age=60",
            };
            attributes.insert(Attribute::ContentType, kind.into());
            attributes.insert(Attribute::CacheControl, caching.into());
        }
        attributes
    }
}

async fn copy(
    upload: &mut dyn MultipartUpload,
    blobs: &Blobs,
    sha256: &str,
    size: u64,
) -> io::Result<()> {
    let mut start = 0;
    while start < size {
        let end = size.min(start + PART_BYTES);
        let mut part = BytesMut::new();
        let mut pieces = Box::pin(blobs.read(sha256, start..end));
        while let Some(piece) = pieces.next().await {
            part.extend_from_slice(&piece?);
        }
        let sent = upload.put_part(PutPayload::from(part.freeze())).await;
        sent.map_err(io::Error::other)?;
        start = end;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
