//! A stored file as a blocking reader: pieces come over a short channel, so a file of any size takes
//! the memory of a few of them.

use std::future::Future;
use std::io::{self, Read};
use std::pin::pin;

use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::mpsc;

use crate::model::Blob;
use crate::storage::Blobs;

/// Pieces that wait between disk and reader: enough that neither waits for the other's wake.
const PIECES: usize = 4;

/// The reading end; use it off the async threads.
pub(super) struct StoredReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    piece: Bytes,
    /// Bytes that must still come: an end before is an error and never the end of the file.
    left: u64,
}

impl StoredReader {
    /// A reader of the whole file, and the future that feeds it; the feed ends when the file does
    /// or the reader is dropped.
    pub(super) fn of(
        blobs: &Blobs,
        blob: &Blob,
    ) -> (Self, impl Future<Output = ()> + Send + use<>) {
        let (to, pieces) = mpsc::channel(PIECES);
        let content = blobs.read(&blob.sha256, 0..blob.size);
        let feed = async move {
            let mut content = pin!(content);
            while let Some(piece) = content.next().await {
                if to.send(piece).await.is_err() {
                    return;
                }
            }
        };
        let reader = Self {
            pieces,
            piece: Bytes::new(),
            left: blob.size,
        };
        (reader, feed)
    }
}

impl Read for StoredReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.pieces.blocking_recv() {
                Some(piece) => self.piece = piece?,
                None if self.left == 0 => return Ok(0),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        let count = self.piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.piece.split_to(count));
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

/// All of a small file.
pub(super) async fn whole(blobs: &Blobs, blob: &Blob) -> io::Result<Vec<u8>> {
    let mut content = pin!(blobs.read(&blob.sha256, 0..blob.size));
    let mut bytes = Vec::new();
    while let Some(piece) = content.next().await {
        bytes.extend_from_slice(&piece?);
    }
    Ok(bytes)
}
