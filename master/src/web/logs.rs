//! Logs: the page and the raw text.

use std::ops::Range;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use bytes::Bytes;
use futures_util::stream;

use super::excerpt::{Excerpt, reading};
use super::fault::Fault;
use super::frame::{Frame, html};
use super::rows::BuildRow;
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::Identity;
use crate::ids::LogId;
use crate::ops;

/// Lines shown as HTML: browsers lay out as many in a moment and find words in them.
const LINES_MAX: usize = 20_000;
/// Bytes of the raw text sent at a time.
const PIECE_BYTES: usize = 1024 * 1024;

#[derive(Template)]
#[template(path = "logs/show.html")]
struct ShowPage {
    frame: Frame,
    id: LogId,
    name: String,
    step: String,
    look: Look,
    build: BuildRow,
    bytes: i64,
    lines: i64,
    first: u64,
    shown: i64,
    cut_bytes: i64,
    open: bool,
    blocks: Vec<String>,
    follow: String,
}

/// `GET /logs/{id}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    id: web::Path<LogId>,
) -> Result<HttpResponse, Fault> {
    let detail = ops::logs::show(&app, &identity, *id).await?;
    let excerpt = Excerpt::load(&app, *id, LINES_MAX).await?;
    let build = BuildRow::new(detail.build, app.clock.now());
    let look = Look::of_step(detail.step.state, detail.step.result);
    let path = format!("/logs/{id}");
    let title = format!("{} {}: {}", build.number, build.builder, detail.step.name);
    html(&ShowPage {
        frame: Frame::new(&app, &identity, &path, title)
            .look(look)
            .rest(format!("/api/v1{path}")),
        id: *id,
        name: detail.log.name,
        step: detail.step.name,
        look,
        build,
        bytes: detail.log.bytes,
        lines: detail.log.lines,
        first: excerpt.first,
        shown: i64::try_from(excerpt.shown).unwrap_or(i64::MAX),
        cut_bytes: i64::try_from(excerpt.cut_bytes).unwrap_or(i64::MAX),
        open: excerpt.open,
        blocks: excerpt.blocks,
        follow: excerpt.follow,
    })
}

/// `GET /logs/{id}/raw`: the bytes as they came, whole or one range of them.
pub async fn raw(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: web::Path<LogId>,
) -> Result<HttpResponse, Fault> {
    ops::logs::show(&app, &identity, *id).await?;
    let log = *id;
    let size = app.logs.find(log).await.map_err(reading)?.bytes;
    let asked = request
        .headers()
        .get(header::RANGE)
        .and_then(|value| value.to_str().ok());
    let (status, range) = match asked.and_then(|text| range(text, size)) {
        None => (StatusCode::OK, 0..size),
        Some(Some(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(None) => {
            return Ok(HttpResponse::RangeNotSatisfiable()
                .content_type("text/plain; charset=utf-8")
                .insert_header((header::CONTENT_RANGE, format!("bytes */{size}")))
                .finish());
        }
    };
    let mut response = HttpResponse::build(status);
    response
        .content_type("text/plain; charset=utf-8")
        .insert_header((header::ACCEPT_RANGES, "bytes"))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ))
        .no_chunking(range.end - range.start);
    if status == StatusCode::PARTIAL_CONTENT {
        let shown = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        response.insert_header((header::CONTENT_RANGE, shown));
    }
    // The first piece is read before the status is sent, so that a missing file is an error.
    let first = piece(&app, log, &range).await?;
    let next = range.start + first.len() as u64..range.end;
    Ok(response.streaming(stream::unfold(
        (Some(first), next, app),
        move |(ready, rest, app)| async move {
            let (piece, rest) = match ready {
                Some(first) => (first, rest),
                None => {
                    let piece = piece(&app, log, &rest).await.ok()?;
                    let after = rest.start + piece.len() as u64..rest.end;
                    (piece, after)
                }
            };
            if piece.is_empty() {
                return None;
            }
            Some((Ok::<_, std::io::Error>(piece), (None, rest, app)))
        },
    )))
}

async fn piece(app: &App, log: LogId, range: &Range<u64>) -> crate::error::Result<Bytes> {
    let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let piece = app.logs.read(log, range.start, left.min(PIECE_BYTES)).await;
    piece.map_err(reading)
}

/// What `Range` asks of `size` bytes: absent when it is not one range of bytes (then everything is
/// sent), `Some(None)` when it lies outside.
fn range(text: &str, size: u64) -> Option<Option<Range<u64>>> {
    let (from, to) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    if from.is_empty() {
        let last: u64 = to.parse().ok()?;
        let start = size.saturating_sub(last);
        return Some((last > 0 && size > 0).then_some(start..size));
    }
    let from: u64 = from.parse().ok()?;
    let to: u64 = if to.is_empty() {
        u64::MAX
    } else {
        to.parse().ok()?
    };
    if to < from {
        return None;
    }
    Some((from < size).then(|| from..to.saturating_add(1).min(size)))
}

#[cfg(test)]
mod tests;
