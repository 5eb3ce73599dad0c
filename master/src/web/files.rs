//! `/files/{sha256}/{name}`: the bytes of products and artifacts, from one address for ever. Bytes
//! from builds are hostile, so they are served as attachments in a sandbox of their own.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderMap};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures_util::Stream;
use futures_util::stream::unfold;

use super::fault::Fault;
use super::ranges::{Wanted, wanted};
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::model::ServedFile;
use crate::{ops, updates};

/// Bytes read from the disk at a time: large enough for a fast disk, small enough for thousands of
/// downloads at once.
const READ_BYTES: u64 = 256 * 1024;
/// Nothing in the file is a page of ours, whatever a browser takes it for.
const FILE_POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
const KIND: &str = "application/octet-stream";

/// `GET /files/{sha256}/{name}`.
pub async fn file(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    place: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let (sha256, name) = place.into_inner();
    let file = ops::artifacts::file(&app, &identity, &sha256, &name).await?;
    let size = u64::try_from(file.size).unwrap_or(0);
    let tag = format!("\"{sha256}\"");
    if is_known(request.headers(), &tag) {
        return Ok(builder(StatusCode::NOT_MODIFIED, &file, &tag).finish());
    }
    let parts = match asked(&request, &tag, size) {
        Wanted::Nothing => {
            let mut response = builder(StatusCode::RANGE_NOT_SATISFIABLE, &file, &tag);
            response.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
            return Ok(response.body("no byte of the file is in this range\n"));
        }
        Wanted::Whole => None,
        Wanted::Parts(parts) => Some(parts),
    };
    if *request.method() == Method::HEAD {
        let mut response = builder(StatusCode::OK, &file, &tag);
        let nothing = futures_util::stream::empty::<io::Result<Bytes>>();
        return Ok(response
            .content_type(KIND)
            .body(SizedStream::new(size, nothing)));
    }
    let Some(opened) = open(&app, &sha256, size).await? else {
        return Err(Fault(ops::artifacts::report_damage(&app, &sha256).await?));
    };
    Ok(match parts {
        None => send(
            builder(StatusCode::OK, &file, &tag),
            KIND,
            opened,
            vec![Piece::Part(0..size)],
        ),
        Some(parts) => {
            let mut response = builder(StatusCode::PARTIAL_CONTENT, &file, &tag);
            if let [part] = parts.as_slice() {
                response.insert_header((header::CONTENT_RANGE, content_range(part, size)));
                send(response, KIND, opened, vec![Piece::Part(part.clone())])
            } else {
                let boundary = boundary()?;
                let kind = format!("multipart/byteranges; boundary={boundary}");
                send(response, &kind, opened, multipart(&parts, size, &boundary))
            }
        }
    })
}

/// What the asker wants: `Range` counts for GET, and with `If-Range` only when the file is the one
/// they have parts of.
fn asked(request: &HttpRequest, tag: &str, size: u64) -> Wanted {
    let text = |name| {
        let value = request.headers().get(name)?;
        value.to_str().ok()
    };
    let has_other = request.headers().contains_key(header::IF_RANGE)
        && text(header::IF_RANGE).is_none_or(|known| known.trim() != tag);
    match text(header::RANGE) {
        Some(range) if *request.method() == Method::GET && !has_other => wanted(range, size),
        _ => Wanted::Whole,
    }
}

/// Whether `If-None-Match` names the tag, weakly compared.
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    let strong = tag.trim_start_matches("W/");
    headers
        .get_all(header::IF_NONE_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(|known| known.trim().trim_start_matches("W/"))
        .any(|known| known == "*" || known == strong)
}

fn builder(status: StatusCode, file: &ServedFile, tag: &str) -> HttpResponseBuilder {
    let shared = if file.is_public { "public" } else { "private" };
    let caching = match status {
        StatusCode::RANGE_NOT_SATISFIABLE => "no-store".to_owned(),
        _ => format!("{shared}, max-age=31536000, immutable"),
    };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((header::CONTENT_DISPOSITION, attachment(&file.name)))
        .insert_header((header::CONTENT_SECURITY_POLICY, FILE_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// A plain name for old clients, the exact one for the others (RFC 6266).
fn attachment(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || " ._-+()".contains(c);
    let fallback: String = name
        .chars()
        .map(|c| if plain(c) { c } else { '_' })
        .collect();
    let exact = updates::encode(name);
    format!("attachment; filename=\"{fallback}\"; filename*=UTF-8''{exact}")
}

fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end.saturating_sub(1))
}

/// What stands between two parts must not stand in the file, so nobody can know it before.
fn boundary() -> Result<String, Fault> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Fault(Error::internal(error.to_string())))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Opens the file; nothing when it is missing or has another length than it should.
async fn open(app: &App, sha256: &str, size: u64) -> Result<Option<File>, Error> {
    let (blobs, sha256) = (app.blobs.clone(), sha256.to_owned());
    let open = move || match blobs.open_file(&sha256) {
        Ok(file) if file.metadata()?.len() == size => Ok(Some(file)),
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    let opened: io::Result<Option<File>> = tokio::task::spawn_blocking(open)
        .await
        .map_err(Error::internal)?;
    opened.map_err(Error::internal)
}

/// One piece of a body.
pub(super) enum Piece {
    /// These bytes.
    Text(Bytes),
    /// These of the file.
    Part(Range<u64>),
}

impl Piece {
    fn len(&self) -> u64 {
        match self {
            Self::Text(text) => text.len() as u64,
            Self::Part(part) => part.end - part.start,
        }
    }
}

fn multipart(parts: &[Range<u64>], size: u64, boundary: &str) -> Vec<Piece> {
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    for part in parts {
        let range = content_range(part, size);
        let head =
            format!("\r\n--{boundary}\r\nContent-Type: {KIND}\r\nContent-Range: {range}\r\n\r\n");
        pieces.push(Piece::Text(head.into()));
        pieces.push(Piece::Part(part.clone()));
    }
    pieces.push(Piece::Text(format!("\r\n--{boundary}--\r\n").into()));
    pieces
}

/// An answer with these pieces as its body.
pub(super) fn send(
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

#[cfg(test)]
mod tests;
