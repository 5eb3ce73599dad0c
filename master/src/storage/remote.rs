//! The bucket: an S3-compatible store that keeps the files below a prefix. A file is an object
//! `blobs/ab/abcdef…`; one that is to go has an empty object of its name in `trash`, so that nothing
//! is copied. Every request is tried again for a while: writing waits longer than reading, since
//! nobody sits in front of it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::AmazonS3Builder;
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, MultipartUpload, ObjectStore, ObjectStoreExt as _,
    PutPayload, RetryConfig,
};

use tokio::sync::Semaphore;

use super::Listed;
use crate::clock::Time;
use crate::failpoints;
use crate::model::Blob;

/// Bytes of one part, of which one at a time is in memory; the standard's 10,000 parts hold the
/// largest file that is taken, 16 GiB, four times over.
pub(super) const PART_BYTES: u64 = 8 << 20;
/// Files sent to the bucket at once: each holds a part in memory while the bucket is slow or away.
const FILES_AT_ONCE: usize = 3;
/// How long a write waits for a bucket that is away: longer than a minute, shorter than the five
/// after which a request's signature is too old.
const PATIENCE: Duration = Duration::from_secs(150);
/// How long the beginning of a read waits: somebody looks on, and is told to come again.
const HASTE: Duration = Duration::from_secs(5);
/// Time to reach the bucket's address.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// Silence of the bucket while it is written to.
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Where a bucket is and who asks.
#[derive(Clone)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// What every name in it begins with, without slashes at the ends; may be empty.
    pub prefix: String,
    /// Address of the service; Amazon's own when absent.
    pub endpoint: Option<String>,
    /// Region, which is part of the signature.
    pub region: String,
    /// Access key.
    pub key: String,
    /// Its secret.
    pub secret: String,
    /// Whether new files are put there.
    pub takes_new: bool,
}

impl Bucket {
    /// As it is configured. Errors: its secrets cannot be read.
    pub fn configured(bucket: &crate::config::resolved::Bucket) -> io::Result<Self> {
        Ok(Self {
            name: bucket.name.clone(),
            prefix: bucket.prefix.clone(),
            endpoint: bucket.endpoint.clone(),
            region: bucket.region.clone(),
            key: bucket.key.read()?,
            secret: bucket.secret.read()?,
            takes_new: bucket.takes_new,
        })
    }
}

/// An open bucket; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Remote {
    patient: Arc<dyn ObjectStore>,
    hasty: Arc<dyn ObjectStore>,
    prefix: String,
    sending: Arc<Semaphore>,
}

impl Remote {
    /// Opens a bucket; nothing is asked of it yet. Errors: an address or name that makes no sense.
    pub(super) fn open(bucket: &Bucket) -> io::Result<Self> {
        Ok(Self {
            patient: patient_client(bucket)?,
            hasty: client(bucket, HASTE, HASTE)?,
            prefix: bucket.prefix.clone(),
            sending: Arc::new(Semaphore::new(FILES_AT_ONCE)),
        })
    }

    fn below(&self, folder: &str) -> Path {
        match self.prefix.is_empty() {
            true => Path::from(folder),
            false => Path::from(format!("{}/{folder}", self.prefix)),
        }
    }

    fn place(&self, sha256: &str) -> io::Result<Path> {
        let sha256 = checked(sha256)?;
        Ok(self.below(&format!("blobs/{}/{sha256}", &sha256[..2])))
    }

    fn mark(&self, sha256: &str) -> io::Result<Path> {
        Ok(self.below(&format!("trash/{}", checked(sha256)?)))
    }

    /// Puts a whole file under its name, over one that is there.
    pub(super) async fn publish(&self, file: File, size: u64, sha256: &str) -> io::Result<()> {
        let place = self.place(sha256)?;
        let _turn = self.sending.acquire().await.map_err(io::Error::other)?;
        if size <= PART_BYTES {
            let (_, bytes) = read_part(file, 0..size).await?;
            let put = self.patient.put(&place, PutPayload::from(bytes)).await;
            put.map_err(io_error)?;
        } else {
            let upload = self.patient.put_multipart(&place).await;
            let mut upload = upload.map_err(io_error)?;
            if let Err(error) = send_parts(&mut *upload, file, size).await {
                // What it leaves is of no use; a bucket that is away keeps it until its own rules
                // clear it.
                let _ = tokio::time::timeout(HASTE, upload.abort()).await;
                return Err(error);
            }
        }
        failpoints::reach("store.uploaded");
        let found = self.patient.head(&place).await.map_err(io_error)?.size;
        if found != size {
            let text = format!("the bucket has {found} bytes of a file of {size}");
            return Err(io::Error::other(text));
        }
        self.delete(&self.mark(sha256)?).await
    }

    pub(super) async fn size(&self, sha256: &str) -> io::Result<u64> {
        let place = self.place(sha256)?;
        Ok(self.hasty.head(&place).await.map_err(io_error)?.size)
    }

    /// The bytes of `range` as they come.
    pub(super) async fn read(
        &self,
        sha256: &str,
        range: Range<u64>,
    ) -> io::Result<BoxStream<'static, io::Result<Bytes>>> {
        let place = self.place(sha256)?;
        let options = GetOptions::new().with_range(Some(range));
        let got = self.hasty.get_opts(&place, options).await;
        let stream = got.map_err(io_error)?.into_stream();
        Ok(stream.map_err(io_error).boxed())
    }

    pub(super) async fn trash(&self, sha256: &str) -> io::Result<()> {
        self.size(sha256).await?;
        let mark = self.mark(sha256)?;
        let put = self.patient.put(&mark, PutPayload::new()).await;
        put.map_err(io_error)?;
        failpoints::reach("store.shifted");
        Ok(())
    }

    pub(super) async fn untrash(&self, sha256: &str) -> io::Result<()> {
        self.size(sha256).await?;
        self.delete(&self.mark(sha256)?).await
    }

    pub(super) async fn is_trashed(&self, sha256: &str) -> io::Result<bool> {
        match self.patient.head(&self.mark(sha256)?).await {
            Ok(_) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(io_error(error)),
        }
    }

    pub(super) async fn unlink(&self, sha256: &str) -> io::Result<()> {
        match self.is_trashed(sha256).await? {
            true => self.remove(sha256).await,
            false => Ok(()),
        }
    }

    /// Removes a file, whether it is in the trash or not.
    pub(super) async fn remove(&self, sha256: &str) -> io::Result<()> {
        // The mark goes last: a crash in between leaves a mark of nothing, which the next time
        // finds, and never a file that was to go and is not marked.
        self.delete(&self.place(sha256)?).await?;
        failpoints::reach("unlink.after");
        self.delete(&self.mark(sha256)?).await
    }

    async fn delete(&self, place: &Path) -> io::Result<()> {
        match self.patient.delete(place).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(io_error(error)),
        }
    }

    /// The files by name after `after`, at most `limit`; those in the trash, or the others.
    pub(super) async fn list(
        &self,
        in_trash: bool,
        after: Option<&str>,
        limit: usize,
    ) -> io::Result<Vec<Listed>> {
        let after = after.unwrap_or("").to_owned();
        let mut found = Vec::new();
        let (folder, offset) = match in_trash {
            true => (self.below("trash"), self.below(&format!("trash/{after}"))),
            false => {
                let first = after.get(..2).unwrap_or("");
                let offset = self.below(&format!("blobs/{first}/{after}"));
                (self.below("blobs"), offset)
            }
        };
        let mut objects = match after.is_empty() {
            true => self.patient.list(Some(&folder)),
            false => self.patient.list_with_offset(Some(&folder), &offset),
        };
        while found.len() < limit
            && let Some(object) = objects.try_next().await.map_err(io_error)?
        {
            let name = object.location.filename().unwrap_or_default();
            if !Blob::is_sha256(name) || name <= after.as_str() {
                continue;
            }
            let modified = Time(object.last_modified.timestamp_micros());
            let size = match (in_trash, self.is_trashed(name).await?) {
                (true, _) => match self.size(name).await {
                    Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
                    size => size?,
                },
                (false, false) => object.size,
                (false, true) => continue,
            };
            found.push(Listed {
                sha256: name.to_owned(),
                size,
                modified,
            });
        }
        Ok(found)
    }
}

/// A client for writing.
pub(super) fn patient_client(bucket: &Bucket) -> io::Result<Arc<dyn ObjectStore>> {
    client(bucket, PATIENCE, SILENCE_MAX)
}

/// A client that tries for `patience`, and counts `silence` in an answer as a failure.
fn client(
    bucket: &Bucket,
    patience: Duration,
    silence: Duration,
) -> io::Result<Arc<dyn ObjectStore>> {
    // The library's TLS takes the process's cryptography; an error says that there is one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = ClientOptions::new()
        .with_connect_timeout(CONNECT_MAX)
        .with_read_timeout(silence)
        .with_timeout_disabled()
        .with_http1_only()
        .with_allow_http(true);
    let retry = RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(100),
            max_backoff: Duration::from_secs(4),
            base: 2.0,
        },
        // The time decides.
        max_retries: 1_000,
        retry_timeout: patience,
    };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&bucket.name)
        .with_region(&bucket.region)
        .with_access_key_id(&bucket.key)
        .with_secret_access_key(&bucket.secret)
        .with_client_options(options)
        .with_retry(retry);
    if let Some(endpoint) = &bucket.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    let store = builder.build().map_err(io::Error::other)?;
    Ok(Arc::new(store))
}

async fn send_parts(upload: &mut dyn MultipartUpload, mut file: File, size: u64) -> io::Result<()> {
    let mut start = 0;
    while start < size {
        let end = size.min(start + PART_BYTES);
        let bytes;
        (file, bytes) = read_part(file, start..end).await?;
        let sent = upload.put_part(PutPayload::from(bytes)).await;
        sent.map_err(io_error)?;
        failpoints::reach("store.part");
        start = end;
    }
    upload.complete().await.map_err(io_error)?;
    Ok(())
}

async fn read_part(mut file: File, part: Range<u64>) -> io::Result<(File, Bytes)> {
    let read = move || {
        let mut bytes = vec![0; usize::try_from(part.end - part.start).unwrap_or(0)];
        file.seek(SeekFrom::Start(part.start))?;
        file.read_exact(&mut bytes)?;
        Ok((file, Bytes::from(bytes)))
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}

fn checked(sha256: &str) -> io::Result<&str> {
    match Blob::is_sha256(sha256) {
        true => Ok(sha256),
        false => Err(io::Error::new(
            io::ErrorKind::NotFound,
            "not the name of a stored file",
        )),
    }
}

/// Whatever a bucket answers but "there is none" counts as being away: keys are exchanged and
/// services repaired, and nothing is to be believed lost before.
fn io_error(error: object_store::Error) -> io::Error {
    let kind = match &error {
        object_store::Error::NotFound { .. } => io::ErrorKind::NotFound,
        _ => io::ErrorKind::NotConnected,
    };
    io::Error::new(kind, error)
}

#[cfg(test)]
impl Remote {
    /// A bucket in memory.
    pub(super) fn in_memory() -> Self {
        let store = Arc::new(object_store::memory::InMemory::new());
        Self {
            patient: Arc::<object_store::memory::InMemory>::clone(&store),
            hasty: store,
            prefix: "builds".to_owned(),
            sending: Arc::new(Semaphore::new(FILES_AT_ONCE)),
        }
    }
}
