//! Reading stored files piece by piece: each piece only when the last was taken, off the async
//! threads, so that a reader who waits holds one piece and no thread. A file is looked for in the
//! folder, then in the bucket; one that is moved meanwhile, or a bucket that goes away for a while,
//! is taken up again where the reader was.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{BoxStream, unfold};
use futures_util::{Stream, StreamExt as _};

use super::{Blobs, Lease, is_away};

/// Bytes read from the disk at a time: large enough for a fast disk, small enough for a thousand
/// slow readers at once.
const PIECE_BYTES: u64 = 64 * 1024;
/// Times a read is taken up again without a byte in between, with a second more before each: with
/// the bucket's own retries longer than a minute.
const AGAIN_MAX: u32 = 12;

/// Where a read stands.
struct Reading {
    blobs: Blobs,
    lease: Lease,
    left: Range<u64>,
    source: Source,
    has_begun: bool,
}

enum Source {
    None,
    Folder(File),
    Bucket(BoxStream<'static, io::Result<Bytes>>),
}

impl Blobs {
    /// The bytes of `range` of a stored file, in the trash too; the content is in use until the
    /// stream is dropped. A file is opened when the first piece is asked for.
    ///
    /// Errors, as the last item: `NotFound`; `UnexpectedEof` when the file is shorter; those of
    /// [`is_away`] when the bucket is away before the first byte, or for long.
    pub fn read(
        &self,
        sha256: &str,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let reading = Reading {
            blobs: self.clone(),
            lease: self.lease(sha256),
            left: range,
            source: Source::None,
            has_begun: false,
        };
        unfold(Some(reading), |reading| async move {
            let mut reading = reading?;
            if reading.left.is_empty() {
                return None;
            }
            match reading.next().await {
                Ok(bytes) => Some((Ok(bytes), Some(reading))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl Reading {
    async fn next(&mut self) -> io::Result<Bytes> {
        let mut tries = 0;
        loop {
            match self.step().await {
                Ok(bytes) => {
                    self.left.start += bytes.len() as u64;
                    self.has_begun = true;
                    return Ok(bytes);
                }
                Err(error) if self.has_begun && is_away(&error) && tries < AGAIN_MAX => {
                    tries += 1;
                    tracing::warn!(%error, tries, "a read is taken up again");
                    self.source = Source::None;
                    tokio::time::sleep(Duration::from_secs(tries.into())).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    async fn step(&mut self) -> io::Result<Bytes> {
        let source = std::mem::replace(&mut self.source, Source::None);
        match source {
            Source::Folder(file) => self.folder_piece(Some(file)).await,
            Source::Bucket(pieces) => self.bucket_piece(pieces).await,
            Source::None => match self.folder_piece(None).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    self.open_bucket(error).await
                }
                read => read,
            },
        }
    }

    async fn open_bucket(&mut self, missing: io::Error) -> io::Result<Bytes> {
        let shared = Arc::clone(&self.blobs.shared);
        let Some(remote) = &shared.remote else {
            return Err(missing);
        };
        match remote.read(self.lease.sha256(), self.left.clone()).await {
            // It may have been moved between the two looks.
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.folder_piece(None).await,
            pieces => self.bucket_piece(pieces?).await,
        }
    }

    async fn bucket_piece(
        &mut self,
        mut pieces: BoxStream<'static, io::Result<Bytes>>,
    ) -> io::Result<Bytes> {
        let ended = || io::Error::from(io::ErrorKind::UnexpectedEof);
        let bytes = pieces.next().await.ok_or_else(ended)??;
        self.source = Source::Bucket(pieces);
        Ok(bytes)
    }

    async fn folder_piece(&mut self, file: Option<File>) -> io::Result<Bytes> {
        let (start, end) = (
            self.left.start,
            self.left.end.min(self.left.start + PIECE_BYTES),
        );
        let (blobs, sha256) = (self.blobs.clone(), self.lease.sha256().to_owned());
        let read = move || {
            let mut file = match file {
                Some(file) => file,
                None => blobs.open_file(&sha256)?,
            };
            let mut bytes = vec![0; usize::try_from(end - start).unwrap_or(0)];
            file.seek(SeekFrom::Start(start))?;
            file.read_exact(&mut bytes)?;
            Ok::<_, io::Error>((file, Bytes::from(bytes)))
        };
        let (file, bytes) = tokio::task::spawn_blocking(read)
            .await
            .map_err(io::Error::other)??;
        self.source = Source::Folder(file);
        Ok(bytes)
    }
}
