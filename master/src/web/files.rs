//! `/files/{sha256}/{name}`: the bytes of products and artifacts, from one address for ever. Bytes
//! from builds are hostile, so they are served as attachments in a sandbox of their own. How many
//! downloads there may be and how fast they must be is `downloads`'; which parts are asked, `ranges`'.

use crate::hex::hex;
use std::io;
use std::ops::Range;

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};
use bytes::Bytes;
use futures_util::stream::iter;
use futures_util::{Stream, StreamExt as _};

use super::downloads::Downloads;
use super::fault::Fault;
use super::ranges::{Wanted, wanted};
use crate::app::App;
use crate::auth::Identity;
use crate::auth::links::Claim;
use crate::error::Error;
use crate::model::ServedFile;
use crate::ops::privacy::Admitted;
use crate::storage::Blobs;
use crate::{ops, updates};

pub(super) use pieces::{Piece, send};

mod pieces;

/// Nothing in the file is a page of ours, whatever a browser takes it for.
const FILE_POLICY: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";
const KIND: &str = "application/octet-stream";
/// The hash of the whole file, whatever part is sent (RFC 9530).
const REPR_DIGEST: HeaderName = HeaderName::from_static("repr-digest");

/// `GET /files/{sha256}/{name}`.
pub async fn file(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    place: web::Path<(String, String)>,
) -> Result<HttpResponse, Fault> {
    let (sha256, name) = place.into_inner();
    let admitted = request.extensions().get::<Admitted>().cloned();
    let claim = match admitted {
        Some(admitted) => admitted.claim(&sha256, &name, app.clock.now()),
        None => claim(request.query_string()),
    };
    let file = ops::artifacts::file(&app, &identity, &sha256, &name, claim.as_ref()).await?;
    let size = u64::try_from(file.size).unwrap_or(0);
    let tag = format!("\"{sha256}\"");
    if is_other(request.headers(), &tag) {
        let response = builder(StatusCode::PRECONDITION_FAILED, &file, &tag).finish();
        return Ok(response);
    }
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
    let downloads = request.app_data::<web::Data<Downloads>>();
    let downloads = downloads.ok_or_else(|| Error::internal("the application has no downloads"))?;
    let slot = downloads.enter()?;
    // From here on nobody collects the content.
    let lease = app.blobs.lease(&sha256);
    if !is_whole(&app, &file, size).await? {
        return Err(Fault(ops::artifacts::report_damage(&app, &sha256).await?));
    }
    let (mut response, kind, pieces) = match parts {
        None => (
            builder(StatusCode::OK, &file, &tag),
            KIND.to_owned(),
            vec![Piece::Part(0..size)],
        ),
        Some(parts) => partial(
            builder(StatusCode::PARTIAL_CONTENT, &file, &tag),
            &parts,
            size,
        )?,
    };
    let length = pieces.iter().map(Piece::len).sum();
    let (blobs, mut held) = (app.blobs.clone(), Some(lease));
    let body = iter(pieces).flat_map(move |piece| bytes_of(&blobs, &sha256, piece));
    let body = body.chain(iter(std::iter::from_fn(move || {
        held.take();
        None
    })));
    Ok(response
        .content_type(kind)
        .body(SizedStream::new(length, slot.pump(length, body))))
}

/// What the query says of who gave the address; anything else in it is passed over.
fn claim(query: &str) -> Option<Claim> {
    type Pairs = Vec<(String, String)>;
    let pairs = web::Query::<Pairs>::from_query(query).ok()?.0;
    let value = |name: &str| {
        let mut pairs = pairs.iter().rev();
        pairs.find(|(key, _)| key == name).map(|(_, value)| value)
    };
    Some(Claim {
        expires: value("expires")?.parse().ok()?,
        signature: value("signature")?.clone(),
    })
}

/// Whether the store has the file with all its bytes. Errors: `Busy` when the store is away.
async fn is_whole(app: &App, file: &ServedFile, size: u64) -> Result<bool, Error> {
    if !app.blobs.has(file.store) {
        tracing::error!(file.sha256, "a file lies in a store that is not configured");
        return Err(Error::Busy("the store of this file is away".to_owned()));
    }
    match app.blobs.size(&file.sha256).await {
        Ok(found) => Ok(found == size),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(ops::stores::fault(error)),
    }
}

/// One part alone, or several as one body.
fn partial(
    mut response: HttpResponseBuilder,
    parts: &[Range<u64>],
    size: u64,
) -> Result<(HttpResponseBuilder, String, Vec<Piece>), Error> {
    if let [part] = parts {
        response.insert_header((header::CONTENT_RANGE, content_range(part, size)));
        return Ok((response, KIND.to_owned(), vec![Piece::Part(part.clone())]));
    }
    let boundary = boundary()?;
    let kind = format!("multipart/byteranges; boundary={boundary}");
    Ok((response, kind, multipart(parts, size, &boundary)))
}

fn bytes_of(
    blobs: &Blobs,
    sha256: &str,
    piece: Piece,
) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let (text, part) = match piece {
        Piece::Text(text) => (Some(Ok(text)), 0..0),
        Piece::Part(part) => (None, part),
    };
    iter(text).chain(blobs.read(sha256, part))
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

/// Whether `If-Match` names other files only: then this is not the one that the asker has.
fn is_other(headers: &HeaderMap, tag: &str) -> bool {
    let mut named = headers
        .get_all(header::IF_MATCH)
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .peekable();
    named.peek().is_some() && !named.any(|known| known == "*" || known == tag)
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
        StatusCode::RANGE_NOT_SATISFIABLE | StatusCode::PRECONDITION_FAILED => {
            "no-store".to_owned()
        }
        _ => format!("{shared}, max-age=31536000, immutable"),
    };
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((REPR_DIGEST, repr_digest(&file.sha256)))
        .insert_header((header::CONTENT_DISPOSITION, attachment(&file.name)))
        .insert_header((header::CONTENT_SECURITY_POLICY, FILE_POLICY))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    response
}

/// `sha-256=:…:` with the hash in base64.
fn repr_digest(sha256: &str) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let nibbles: Vec<u32> = sha256.chars().filter_map(|c| c.to_digit(16)).collect();
    let mut text = String::from("sha-256=:");
    // Three digits of four bits are two of six; 64 digits leave one over, which is padded.
    for three in nibbles.chunks(3) {
        let bits = (0..3).fold(0, |bits, at| bits << 4 | three.get(at).unwrap_or(&0));
        let digit = |at: u32| char::from(DIGITS[usize::try_from(at & 63).unwrap_or(0)]);
        text.push(digit(bits >> 6));
        if three.len() > 1 {
            text.push(digit(bits));
        }
    }
    while !(text.len() - "sha-256=:".len()).is_multiple_of(4) {
        text.push('=');
    }
    text.push(':');
    text
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
fn boundary() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| Error::internal(error.to_string()))?;
    Ok(hex(&bytes))
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

#[cfg(test)]
mod tests;
