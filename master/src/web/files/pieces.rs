//! The pieces of an answer's body, and sending those of a file that is open already.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::{HttpResponse, HttpResponseBuilder};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;

/// Bytes read from the disk at a time: large enough for a fast disk, small enough for many at once.
const READ_BYTES: u64 = 64 * 1024;

/// One piece of a body.
pub(in crate::web) enum Piece {
    /// These bytes.
    Text(Bytes),
    /// These of the file.
    Part(Range<u64>),
}

impl Piece {
    pub(super) fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Part(part) => part.end - part.start,
        }
    }
}

/// An answer with these pieces as its body.
pub(in crate::web) fn send(
    mut response: HttpResponseBuilder,
    kind: &str,
    file: File,
    pieces: Vec<Piece>,
) -> HttpResponse {
    let length = pieces.iter().map(Piece::len).sum();
    let body = SizedStream::new(length, stream(file, pieces));
    response.content_type(kind).body(body)
}

/// Reads piece by piece, each off the async threads and only when the asker has taken the last.
fn stream(file: File, pieces: Vec<Piece>) -> impl Stream<Item = io::Result<Bytes>> {
    unfold(Some((file, VecDeque::from(pieces))), |state| async move {
        let (file, mut pieces) = state?;
        match pieces.pop_front()? {
            Piece::Text(text) => Some((Ok(text), Some((file, pieces)))),
            Piece::Part(part) => {
                let end = part.end.min(part.start + READ_BYTES);
                if end < part.end {
                    pieces.push_front(Piece::Part(end..part.end));
                }
                match read(file, part.start..end).await {
                    Ok((file, bytes)) => Some((Ok(bytes), Some((file, pieces)))),
                    Err(error) => Some((Err(error), None)),
                }
            }
        }
    })
}

async fn read(mut file: File, part: Range<u64>) -> io::Result<(File, Bytes)> {
    let read = move || {
        let mut bytes = vec![0; usize::try_from(part.end - part.start).unwrap_or(0)];
        file.seek(SeekFrom::Start(part.start))?;
        file.read_exact(&mut bytes)?;
        Ok((file, bytes.into()))
    };
    tokio::task::spawn_blocking(read)
        .await
        .map_err(io::Error::other)?
}
