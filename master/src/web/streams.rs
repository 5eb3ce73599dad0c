//! Server-sent events: the frame of a stream, its limits, and the two streams there are: what
//! happens (`/events`) and a log that grows (`/logs/{id}/follow`).

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

use super::excerpt::{Mark, reading};
use super::fault::Fault;
use crate::app::App;
use crate::auth::Identity;
use crate::error::Error;
use crate::ids::LogId;
use crate::ops;

/// Streams at a time per thread; each holds a socket and a few kilobytes.
const STREAMS_MAX: usize = 512;
/// A stream ends after this time and the browser comes back with its last number, so that a closed
/// laptop does not hold one for ever.
const STREAM_MAX: Duration = Duration::from_secs(600);
/// How long a stream waits for a ring before it looks by itself; the ring is only a hint. The
/// comment sent then keeps proxies from hanging up.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Log bytes sent at a time.
const PIECE_BYTES_MAX: usize = 256 * 1024;
/// An unfinished line as long as this is sent as if it were finished.
const LINE_BYTES_MAX: usize = 64 * 1024;
/// A browser further behind than this loads its page again instead of reading all events.
const EVENTS_BEHIND_MAX: i64 = 400;

/// How many streams are open in this thread.
pub struct Streams(Arc<Semaphore>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

impl Streams {
    fn enter(&self) -> Result<OwnedSemaphorePermit, Error> {
        let permit = Arc::clone(&self.0).try_acquire_owned();
        permit.map_err(|_| Error::Busy("too many pages are being followed: try later".to_owned()))
    }
}

fn answer<S>(pieces: S) -> HttpResponse
where
    S: stream::Stream<Item = Result<Bytes, Infallible>> + 'static,
{
    HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(pieces)
}

/// Where a listener left off.
#[derive(serde::Deserialize)]
pub struct EventsQuery {
    since: Option<i64>,
}

struct Events {
    app: web::Data<App>,
    identity: Identity,
    seq: i64,
    ring: watch::Receiver<i64>,
    end: Instant,
    _permit: OwnedSemaphorePermit,
}

/// `GET /events`: one event per change, by number; `Last-Event-ID` or `since` says where to go on.
pub async fn events(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    asked: web::Query<EventsQuery>,
    streams: web::Data<Streams>,
) -> Result<HttpResponse, Fault> {
    let permit = streams.enter()?;
    let newest = ops::events::newest(&app, &identity).await?;
    let seen = last_event_id(&request).and_then(|text| text.parse().ok());
    let since: Option<i64> = seen.or(asked.since);
    let is_far = since.is_some_and(|since| newest.saturating_sub(since) > EVENTS_BEHIND_MAX);
    let seq = since
        .filter(|since| !is_far && *since <= newest)
        .unwrap_or(newest);
    let hello = if is_far { "reload" } else { "hello" };
    let hello = format!("retry: 3000\nid: {seq}\nevent: {hello}\ndata: {seq}\n\n");
    let state = Events {
        ring: app.bells.events.subscribe(),
        end: Instant::now() + STREAM_MAX,
        _permit: permit,
        app,
        identity,
        seq,
    };
    Ok(answer(stream::unfold(
        (Some(hello), state),
        |(hello, mut state)| async move {
            let piece = match hello {
                Some(hello) => hello,
                None => state.next().await?,
            };
            Some((Ok(Bytes::from(piece)), (None, state)))
        },
    )))
}

impl Events {
    /// What happened, or a comment when nothing did.
    async fn next(&mut self) -> Option<String> {
        if Instant::now() >= self.end {
            return None;
        }
        // A closed or quiet bell is as good as a ring: the table is looked at either way.
        let rung = tokio::time::timeout(LOOK_EVERY, self.ring.changed()).await;
        if matches!(rung, Ok(Err(_))) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let (events, last) = ops::events::after(&self.app, &self.identity, self.seq)
            .await
            .ok()?;
        let mut text = String::new();
        for event in events {
            let data = serde_json::json!({
                "kind": event.kind,
                "build": event.build,
                "builder": event.builder,
                "product": event.product,
                "agent": event.agent,
            });
            text.push_str(&format!(
                "id: {}\nevent: change\ndata: {data}\n\n",
                event.seq
            ));
        }
        self.seq = last;
        Some(if text.is_empty() {
            ":\n\n".to_owned()
        } else {
            text
        })
    }
}

/// Where the page ends and the stream begins.
#[derive(serde::Deserialize)]
pub struct FollowQuery {
    from: String,
}

struct Follow {
    app: web::Data<App>,
    log: LogId,
    mark: Mark,
    grown: watch::Receiver<u64>,
    end: Instant,
    ready: VecDeque<String>,
    is_over: bool,
    _permit: OwnedSemaphorePermit,
}

/// `GET /logs/{id}/follow`: the lines behind the mark as HTML, then `end` when the log is closed.
pub async fn follow(
    app: web::Data<App>,
    identity: Identity,
    request: HttpRequest,
    id: web::Path<LogId>,
    asked: web::Query<FollowQuery>,
    streams: web::Data<Streams>,
) -> Result<HttpResponse, Fault> {
    let permit = streams.enter()?;
    ops::logs::show(&app, &identity, *id).await?;
    let mark: Mark = last_event_id(&request).unwrap_or(&asked.from).parse()?;
    let grown = app.logs.subscribe(*id).await?;
    let state = Follow {
        end: Instant::now() + STREAM_MAX,
        ready: VecDeque::from(["retry: 2000\n\n".to_owned()]),
        is_over: false,
        _permit: permit,
        log: *id,
        app,
        mark,
        grown,
    };
    Ok(answer(stream::unfold(state, |mut state| async move {
        let piece = state.next().await?;
        Some((Ok(Bytes::from(piece)), state))
    })))
}

impl Follow {
    async fn next(&mut self) -> Option<String> {
        if let Some(piece) = self.ready.pop_front() {
            return Some(piece);
        }
        if self.is_over || Instant::now() >= self.end {
            return None;
        }
        if *self.grown.borrow_and_update() <= self.mark.at {
            match tokio::time::timeout(LOOK_EVERY, self.grown.changed()).await {
                Ok(Err(_)) => self.is_over = true,
                Ok(Ok(())) => {}
                Err(_) => return Some(":\n\n".to_owned()),
            }
        } else if self.grown.has_changed().is_err() {
            self.is_over = true;
        }
        let is_last = self.is_over;
        let bytes = self
            .app
            .logs
            .read(self.log, self.mark.at, PIECE_BYTES_MAX)
            .await;
        let bytes = bytes.map_err(reading).ok()?;
        if is_last && bytes.len() == PIECE_BYTES_MAX {
            self.is_over = false;
        }
        if let Some(lines) = self.lines(&bytes, is_last && bytes.len() < PIECE_BYTES_MAX) {
            self.ready.push_back(lines);
        }
        if self.is_over {
            let end = format!("id: {}\nevent: end\ndata: end\n\n", self.mark);
            self.ready.push_back(end);
        }
        Some(self.ready.pop_front().unwrap_or_else(|| ":\n\n".to_owned()))
    }

    /// One event with the finished lines of `bytes`; with the unfinished one too when it `is_last`
    /// or too long to wait for.
    fn lines(&mut self, bytes: &[u8], is_last: bool) -> Option<String> {
        let finished = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let take_rest = is_last || (finished == 0 && bytes.len() >= LINE_BYTES_MAX);
        let taken = if take_rest { bytes.len() } else { finished };
        if taken == 0 {
            return None;
        }
        let text = bytes[..taken]
            .strip_suffix(b"\n")
            .unwrap_or(&bytes[..taken]);
        let mut data = String::new();
        for line in text.split(|byte| *byte == b'\n') {
            data.push_str("data: ");
            data.push_str(&self.mark.html(line));
        }
        self.mark.at += taken as u64;
        Some(format!("id: {}\nevent: lines\n{data}\n", self.mark))
    }
}

fn last_event_id(request: &HttpRequest) -> Option<&str> {
    request.headers().get("last-event-id")?.to_str().ok()
}
