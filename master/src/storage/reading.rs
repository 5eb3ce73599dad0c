//! Reading stored files piece by piece: each piece only when the last was taken, off the async
//! threads, so that a reader who waits holds one piece and no thread.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;

use super::{Blobs, Lease};

/// Bytes read from the disk at a time: large enough for a fast disk, small enough for a thousand
/// slow readers at once.
const PIECE_BYTES: u64 = 64 * 1024;

/// Where a read stands.
struct Reading {
    blobs: Blobs,
    lease: Lease,
    left: Range<u64>,
    file: Option<File>,
}

impl Blobs {
    /// The bytes of `range` of a stored file, in the trash too; the content is in use until the
    /// stream is dropped. A file is opened when the first piece is asked for.
    ///
    /// Errors, as the last item: `NotFound`; `UnexpectedEof` when the file is shorter.
    pub fn read(
        &self,
        sha256: &str,
        range: Range<u64>,
    ) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
        let reading = Reading {
            blobs: self.clone(),
            lease: self.lease(sha256),
            left: range,
            file: None,
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
        let end = self.left.end.min(self.left.start + PIECE_BYTES);
        let (start, file) = (self.left.start, self.file.take());
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
        (self.file, self.left.start) = (Some(file), end);
        Ok(bytes)
    }
}
