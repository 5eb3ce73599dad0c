//! Files of drafts: how far each is, and taking the bytes that come.

use bytes::Bytes;
use futures_util::Stream;

use super::drafts;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{Conn, DbError, uploads as rows};
use crate::error::{Error, Result};
use crate::ids::UploadId;
use crate::model::{DraftState, Upload, UploadSpan, UploadState};
use crate::uploads::{Body, Incoming, Trouble};

/// Most bytes of one request: what comes through in the time that a body may take.
const CHUNK_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;

/// How far a file is; the next byte to send is `received`.
pub async fn show(app: &App, identity: &Identity, id: UploadId) -> Result<Upload> {
    identity.require(Permission::Record)?;
    let (row, _) = own(app, identity, id).await?;
    Ok(drafts::upload(row))
}

/// Takes bytes of a file. Whatever came of them stays, also when this ends in an error: the next
/// request goes on at `received`. With the last byte the file is checked and put into the store.
///
/// Errors: `WrongOffset`; `BadInput` for `Content-Range`, and for `sha256` when the content is not
/// what was announced; `TooLarge`; `NoRoom`; `TooOften` while as many bodies come as are taken at
/// once; `Conflict`; `Gone` when the draft was given up.
pub async fn receive<S, E>(
    app: &App,
    identity: &Identity,
    id: UploadId,
    span: UploadSpan,
    body: S,
) -> Result<Upload>
where
    S: Stream<Item = Result<Bytes, E>>,
{
    identity.require(Permission::Record)?;
    let (row, state) = own(app, identity, id).await?;
    match state {
        DraftState::Abandoned => {
            let text = "the draft was given up, or its time ran out: announce the product anew";
            return Err(Error::Gone(text.to_owned()));
        }
        // The answer to the last bytes was lost on the way.
        _ if row.state == UploadState::Complete => return Ok(drafts::upload(row)),
        DraftState::Committed => return Err(Error::Conflict("the draft was committed".to_owned())),
        DraftState::Open => {}
    }
    if row.state == UploadState::Open && row.received == row.size {
        // Every byte is here; the store did not take it yet.
        app.uploads.finish(id).await.map_err(trouble)?;
        let (row, _) = own(app, identity, id).await?;
        return told(span, Body::Whole, row);
    }
    let bytes_max = checked_span(&row, span)?;
    let row = match row.state {
        UploadState::Refused if span.first == 0 => again(app, id).await?,
        _ => row,
    };
    if span.first != row.received {
        let received = row.received;
        return Err(Error::WrongOffset { received });
    }
    has_room(app, 0, bytes_max).await?;
    let Some(place) = app.uploads.place() else {
        let text = "as many files come as are taken at once: try again in a moment";
        return Err(Error::TooOften(text.to_owned()));
    };
    let lease = app.config().uploads.lease;
    let incoming = Incoming {
        id,
        first: span.first,
        bytes_max,
        expires_at: app.clock.now().after(lease),
    };
    let outcome = app.uploads.receive(incoming, body, place).await;
    let (ended, row) = outcome.map_err(trouble)?;
    told(span, ended, row)
}

/// The answer, by how the body ended.
fn told(span: UploadSpan, ended: Body, row: rows::Upload) -> Result<Upload> {
    let is_short = span.end.is_some_and(|end| row.received < end);
    match (row.state, ended) {
        (UploadState::Refused, _) => Err(Error::bad_input(
            "sha256",
            format!("{}: send it again from its first byte", row.state_text),
        )),
        (UploadState::Complete, Body::Whole | Body::Elsewhere) => Ok(drafts::upload(row)),
        (_, Body::Elsewhere) => Err(Error::WrongOffset {
            received: row.received,
        }),
        (_, Body::TooLong) => Err(Error::bad_input(
            "body",
            format!("it holds more than the {} bytes announced", row.size),
        )),
        (UploadState::Open, Body::Cut) => Err(cut(&row)),
        (UploadState::Open, Body::Whole) if is_short => Err(cut(&row)),
        _ => Ok(drafts::upload(row)),
    }
}

fn cut(row: &rows::Upload) -> Error {
    let text = format!(
        "the body ended early; {} of {} bytes are stored: go on there",
        row.received, row.size
    );
    Error::bad_input("body", text)
}

/// How many bytes the request may bring. Errors: `BadInput`, `TooLarge`.
fn checked_span(row: &rows::Upload, span: UploadSpan) -> Result<u64> {
    let wrong = |text: String| Err(Error::bad_input("Content-Range", text));
    let size = row.size;
    if let Some(total) = span.total.filter(|total| *total != size) {
        return wrong(format!(
            "the file was announced with {size} bytes, not with {total}"
        ));
    }
    let end = span.end.unwrap_or(size);
    if end > size {
        return wrong(format!(
            "the file was announced with {size} bytes: that is more"
        ));
    }
    if end < span.first {
        return wrong("the last byte comes before the first".to_owned());
    }
    let bytes = end - span.first;
    if bytes > CHUNK_BYTES_MAX && span.end.is_some() {
        return Err(Error::TooLarge(format!(
            "at most {CHUNK_BYTES_MAX} bytes are taken at once: send the file in several requests"
        )));
    }
    Ok(bytes)
}

/// Refuses bytes that would fill the disk into its reserve.
pub(super) async fn has_room(app: &App, promised: u64, bytes: u64) -> Result<()> {
    let reserve = app.config().uploads.reserve;
    let room = app.uploads.room().await.map_err(Error::internal)?;
    let wanted = promised.saturating_add(bytes);
    if wanted.saturating_add(reserve) <= room {
        return Ok(());
    }
    let free = room.saturating_sub(reserve);
    Err(Error::NoRoom(format!(
        "there is no room: {bytes} bytes are to come besides {promised} of others, {free} are free"
    )))
}

/// The file and the state of its draft, for whom it is.
async fn own(app: &App, identity: &Identity, id: UploadId) -> Result<(rows::Upload, DraftState)> {
    let read = move |conn: &mut Conn| rows::find(conn, id);
    let nothing = || Error::NotFound(format!("there is no upload {id} of yours"));
    let row = match app.db.read("uploads.find", read).await {
        Err(DbError::NotFound) => return Err(nothing()),
        other => other?,
    };
    match drafts::own(app, identity, row.draft).await {
        Ok(draft) => Ok((row, draft.state)),
        Err(Error::NotFound(_)) => Err(nothing()),
        Err(error) => Err(error),
    }
}

/// A refused file begins again.
async fn again(app: &App, id: UploadId) -> Result<rows::Upload> {
    let now = app.clock.now();
    let work = move |conn: &mut Conn| {
        rows::reopen(conn, now, id)?;
        rows::find(conn, id)
    };
    Ok(app.db.tx("uploads.reopen", work).await?)
}

/// What a face says when bytes were not taken.
pub(super) fn trouble(trouble: Trouble) -> Error {
    match trouble {
        Trouble::Full => Error::NoRoom("the disk is full".to_owned()),
        Trouble::Taken => Error::TooOften(format!("{trouble}: try again in a moment")),
        Trouble::Lost => Error::WrongOffset { received: 0 },
        Trouble::Db(error) => error.into(),
        Trouble::Disk(error) => super::stores::fault(error),
        Trouble::Broken => Error::internal(trouble),
    }
}
