//! Moving a file between the folder and the bucket while it is read: copied, read back and compared
//! with its hash, and only then removed where it was. Readers look in both places.

use crate::hex::hex;
use std::io;
use std::sync::Arc;

use futures_util::{StreamExt as _, TryStreamExt as _};
use sha2::{Digest as _, Sha256};

use super::remote::Remote;
use super::{Blobs, Verified};
use crate::model::BlobStore;

impl Blobs {
    /// Has the file also in the store `to`, with the hash of what was read back from there compared.
    /// A file in the trash stays in the trash. Done already is no error.
    ///
    /// Returns what became of it: [`Verified::Missing`] when no store has it, [`Verified::Wrong`]
    /// when it is damaged where it lies; then nothing was put into `to`.
    pub async fn copy(&self, sha256: &str, to: BlobStore) -> io::Result<Verified> {
        let remote = self.remote()?;
        let _lease = self.lease(sha256);
        let _only = self.lock(sha256).await;
        match to {
            BlobStore::S3 => self.copy_out(remote, sha256).await,
            BlobStore::Local => self.copy_in(remote, sha256).await,
        }
    }

    /// Removes the file from the store `from` when the other one has all its bytes.
    /// Errors: `NotFound` when the other has it not.
    pub async fn remove_from(&self, sha256: &str, from: BlobStore) -> io::Result<()> {
        let remote = self.remote()?;
        let _only = self.lock(sha256).await;
        let here = self.on_disk(sha256, super::local::Local::size).await;
        let there = remote.size(sha256).await;
        let (going, staying) = match from {
            BlobStore::Local => (here, there?),
            BlobStore::S3 => (there, here?),
        };
        match going {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Ok(going) if going != staying => {
                let text = "the copies of a stored file differ";
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            going => going?,
        };
        match from {
            BlobStore::Local => self.on_disk(sha256, super::local::Local::remove_all).await,
            BlobStore::S3 => remote.remove(sha256).await,
        }
    }

    fn remote(&self) -> io::Result<&Remote> {
        let text = "no bucket is configured: write `blobs = \"s3://…\"` into [master]";
        let remote = self.shared.remote.as_ref();
        remote.ok_or_else(|| io::Error::new(io::ErrorKind::Unsupported, text))
    }

    async fn copy_out(&self, remote: &Remote, sha256: &str) -> io::Result<Verified> {
        let size = match self.on_disk(sha256, super::local::Local::size).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return match remote.size(sha256).await {
                    Ok(_) => Ok(Verified::Ok),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Verified::Missing),
                    Err(error) => Err(error),
                };
            }
            size => size?,
        };
        // The folder comes first in reading, so this reads the one that is to be moved.
        if self.verify(sha256).await? != Verified::Ok {
            return Ok(Verified::Wrong);
        }
        let is_trashed = self
            .on_disk(sha256, super::local::Local::is_trashed)
            .await?;
        let file = self.on_disk(sha256, super::local::Local::open_file).await?;
        remote.publish(file, size, sha256).await?;
        let mut hash = Sha256::new();
        if size > 0 {
            let mut pieces = remote.read(sha256, 0..size).await?;
            while let Some(bytes) = pieces.try_next().await? {
                hash.update(&bytes);
            }
        }
        if hex(&hash.finalize()) != sha256 {
            remote.remove(sha256).await?;
            let text = "the bucket gives back other bytes than it was given";
            return Err(io::Error::new(io::ErrorKind::InvalidData, text));
        }
        if is_trashed {
            remote.trash(sha256).await?;
        }
        Ok(Verified::Ok)
    }

    async fn copy_in(&self, remote: &Remote, sha256: &str) -> io::Result<Verified> {
        if self
            .on_disk(sha256, super::local::Local::size)
            .await
            .is_ok()
            && self.verify(sha256).await? == Verified::Ok
        {
            return Ok(Verified::Ok);
        }
        let size = match remote.size(sha256).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verified::Missing),
            size => size?,
        };
        let is_trashed = remote.is_trashed(sha256).await?;
        let mut writer = self.writer()?;
        if size > 0 {
            let mut pieces = remote.read(sha256, 0..size).await?;
            while let Some(bytes) = pieces.next().await {
                let bytes = bytes?;
                writer.append(bytes).await?;
            }
        }
        let (file, found) = writer.into_parts()?;
        if found != sha256 {
            return Ok(Verified::Wrong);
        }
        let (shared, name) = (Arc::clone(&self.shared), sha256.to_owned());
        let publish = move || {
            shared.local.publish(file, &name)?;
            match is_trashed {
                true => shared.local.trash(&name),
                false => Ok(()),
            }
        };
        tokio::task::spawn_blocking(publish)
            .await
            .map_err(io::Error::other)??;
        Ok(Verified::Ok)
    }
}
