//! Files of drafts: what was announced, and how far each is. The bytes received and the state of
//! their hashes are one fact, written after the bytes are on disk.

use diesel::prelude::*;

use super::schema::{blobs, drafts, uploads};
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{DraftId, UploadId};
use crate::model::{Blob, BlobState, BlobStore, DraftState, UploadState};

/// Most uploads that one look of the sweep takes up; the rest waits for the next.
const SWEEP_MAX: i64 = 200;

/// A file as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its id.
    pub id: UploadId,
    /// The draft it belongs to.
    pub draft: DraftId,
    /// Role.
    pub role: String,
    /// File name in downloads.
    pub name: String,
    /// Where it lies on the build machine.
    pub source_path: String,
    /// SHA-256 as announced, or of what came.
    pub sha256: Option<String>,
    /// Bytes announced.
    pub size: u64,
    /// Bytes stored.
    pub received: u64,
    /// State of the hashes of those bytes, as `storage` tells it; none where there are no bytes.
    pub hashes: Option<String>,
    /// The stored content, while the draft is open and the file complete.
    pub blob: Option<String>,
    /// State.
    pub state: UploadState,
    /// Why it was refused.
    pub state_text: String,
}

/// A file to announce.
#[derive(Debug, Clone)]
pub struct NewUpload {
    /// Role.
    pub role: String,
    /// File name in downloads; unique in the draft.
    pub name: String,
    /// Where it lies on the build machine.
    pub source_path: String,
    /// SHA-256, where it is known.
    pub sha256: Option<String>,
    /// Bytes.
    pub size: u64,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = uploads)]
struct Row {
    id: i64,
    draft_id: i64,
    role: String,
    name: String,
    source_path: String,
    declared_sha256: Option<String>,
    declared_size: i64,
    received: i64,
    hashes: Option<String>,
    blob_sha256: Option<String>,
    state: String,
    state_text: String,
}

/// Adds a file to a draft. One whose content the store has already, by hash and size, is complete.
pub fn insert(conn: &mut Conn, now: Time, draft: DraftId, new: &NewUpload) -> DbResult<UploadId> {
    let known = match &new.sha256 {
        Some(sha256) => take_up(conn, now, sha256, new.size)?,
        None => false,
    };
    let state = match known {
        true => UploadState::Complete,
        false => UploadState::Open,
    };
    let size = signed(new.size);
    let id: i64 = diesel::insert_into(uploads::table)
        .values((
            uploads::draft_id.eq(draft.0),
            uploads::role.eq(&new.role),
            uploads::name.eq(&new.name),
            uploads::source_path.eq(&new.source_path),
            uploads::declared_sha256.eq(new.sha256.as_deref()),
            uploads::declared_size.eq(size),
            uploads::received.eq(if known { size } else { 0 }),
            uploads::blob_sha256.eq(new.sha256.as_deref().filter(|_| known)),
            uploads::state.eq(state.as_str()),
            uploads::state_text.eq(""),
            uploads::created_at.eq(now.0),
            uploads::changed_at.eq(now.0),
        ))
        .returning(uploads::id)
        .get_result(conn)?;
    Ok(UploadId(id))
}

/// Whether the store has the content; then its row is touched, so that a collection that wanted
/// to condemn it finds it in use.
fn take_up(conn: &mut Conn, now: Time, sha256: &str, size: u64) -> DbResult<bool> {
    let touched = diesel::update(blobs::table.find(sha256))
        .filter(blobs::state.eq(BlobState::Live.as_str()))
        .filter(blobs::size.eq(signed(size)))
        .set(blobs::touched_at.eq(now.0))
        .execute(conn)?;
    Ok(touched == 1)
}

/// The stored file of this SHA-256, unless it is gone or spoiled.
pub fn blob(conn: &mut Conn, sha256: &str) -> DbResult<Option<Blob>> {
    let usable = [BlobState::Live, BlobState::Condemned].map(BlobState::as_str);
    let row: Option<(String, String, String, i64, String)> = blobs::table
        .find(sha256)
        .filter(blobs::state.eq_any(usable))
        // Of one that was found without a record only the name is known.
        .filter(blobs::sha1.ne(""))
        .select((
            blobs::sha256,
            blobs::sha1,
            blobs::sha512,
            blobs::size,
            blobs::store,
        ))
        .first(conn)
        .optional()?;
    Ok(row.map(|(sha256, sha1, sha512, size, store)| Blob {
        sha256,
        sha1,
        sha512,
        size: unsigned(size),
        store: store.parse().unwrap_or(BlobStore::Local),
    }))
}

/// The file of this id.
pub fn find(conn: &mut Conn, id: UploadId) -> DbResult<Upload> {
    let row: Row = uploads::table
        .find(id.0)
        .select(Row::as_select())
        .first(conn)?;
    Ok(upload(row))
}

/// The files of a draft in the order they were announced.
pub fn of_draft(conn: &mut Conn, draft: DraftId) -> DbResult<Vec<Upload>> {
    let rows: Vec<Row> = uploads::table
        .filter(uploads::draft_id.eq(draft.0))
        .order(uploads::id)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(upload).collect())
}

/// Notes that a file has grown from `from` to `to` bytes, which are on disk, and the state of
/// their hashes. Errors: [`DbError::Changed`] when it is not open, or has not `from` bytes.
pub fn grow(
    conn: &mut Conn,
    now: Time,
    id: UploadId,
    (from, to): (u64, u64),
    hashes: &str,
) -> DbResult<()> {
    let grown = diesel::update(uploads::table.find(id.0))
        .filter(uploads::state.eq(UploadState::Open.as_str()))
        .filter(uploads::received.eq(signed(from)))
        .set((
            uploads::received.eq(signed(to)),
            uploads::hashes.eq(hashes),
            uploads::changed_at.eq(now.0),
        ))
        .execute(conn)?;
    one(grown)
}

/// Notes that all bytes are in the store, with the row of the content. Errors:
/// [`DbError::Changed`] when it is not open any more.
pub fn complete(conn: &mut Conn, now: Time, id: UploadId, blob: &Blob) -> DbResult<()> {
    super::blobs::insert(conn, now, blob)?;
    let done = diesel::update(uploads::table.find(id.0))
        .filter(uploads::state.eq(UploadState::Open.as_str()))
        .set((
            uploads::state.eq(UploadState::Complete.as_str()),
            uploads::blob_sha256.eq(&blob.sha256),
            uploads::declared_sha256.eq(&blob.sha256),
            uploads::hashes.eq(None::<String>),
            uploads::changed_at.eq(now.0),
        ))
        .execute(conn)?;
    one(done)
}

/// Notes that what came is not what was announced; the bytes are of no use. Errors: as
/// [`complete`].
pub fn refuse(conn: &mut Conn, now: Time, id: UploadId, why: &str) -> DbResult<()> {
    back_to_nothing(conn, now, id, UploadState::Open, UploadState::Refused, why)
}

/// Lets a refused file begin again. Errors: [`DbError::Changed`] when it is not refused.
pub fn reopen(conn: &mut Conn, now: Time, id: UploadId) -> DbResult<()> {
    back_to_nothing(conn, now, id, UploadState::Refused, UploadState::Open, "")
}

/// Lets a file begin again whose stored bytes were lost. Errors: [`DbError::Changed`] when it is
/// not in the state `from`.
pub fn lose(conn: &mut Conn, now: Time, id: UploadId, from: UploadState) -> DbResult<()> {
    back_to_nothing(conn, now, id, from, UploadState::Open, "")
}

fn back_to_nothing(
    conn: &mut Conn,
    now: Time,
    id: UploadId,
    from: UploadState,
    to: UploadState,
    why: &str,
) -> DbResult<()> {
    let moved = diesel::update(uploads::table.find(id.0))
        .filter(uploads::state.eq(from.as_str()))
        .set((
            uploads::state.eq(to.as_str()),
            uploads::state_text.eq(why),
            uploads::received.eq(0),
            uploads::hashes.eq(None::<String>),
            uploads::blob_sha256.eq(None::<String>),
            uploads::changed_at.eq(now.0),
        ))
        .execute(conn)?;
    one(moved)
}

/// Bytes that open drafts have announced and not yet brought.
pub fn promised(conn: &mut Conn) -> DbResult<u64> {
    // The open drafts are bounded, and so are the files of each: the sum is made here, since the
    // engines do not agree on the type of a sum.
    let rows: Vec<(i64, i64)> = uploads::table
        .inner_join(drafts::table)
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(uploads::state.eq(UploadState::Open.as_str()))
        .select((uploads::declared_size, uploads::received))
        .load(conn)?;
    let missing = |(size, received): (i64, i64)| unsigned(size.saturating_sub(received));
    Ok(rows.into_iter().map(missing).fold(0, u64::saturating_add))
}

/// Files that have all their bytes and are not yet in the store: a crash came between.
pub fn unfinished(conn: &mut Conn) -> DbResult<Vec<UploadId>> {
    let ids: Vec<i64> = uploads::table
        .inner_join(drafts::table)
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(uploads::state.eq(UploadState::Open.as_str()))
        .filter(uploads::received.eq(uploads::declared_size))
        .order(uploads::id)
        .limit(SWEEP_MAX)
        .select(uploads::id)
        .load(conn)?;
    Ok(ids.into_iter().map(UploadId).collect())
}

/// Which of these are open files of open drafts, so that their bytes are wanted.
pub fn wanted(conn: &mut Conn, ids: &[UploadId]) -> DbResult<Vec<UploadId>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<i64> = uploads::table
        .inner_join(drafts::table)
        .filter(uploads::id.eq_any(ids))
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(uploads::state.eq(UploadState::Open.as_str()))
        .select(uploads::id)
        .load(conn)?;
    Ok(rows.into_iter().map(UploadId).collect())
}

fn one(rows: usize) -> DbResult<()> {
    match rows {
        1 => Ok(()),
        _ => Err(DbError::Changed),
    }
}

fn signed(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

fn unsigned(bytes: i64) -> u64 {
    u64::try_from(bytes).unwrap_or(0)
}

fn upload(row: Row) -> Upload {
    Upload {
        id: UploadId(row.id),
        draft: DraftId(row.draft_id),
        role: row.role,
        name: row.name,
        source_path: row.source_path,
        sha256: row.declared_sha256,
        size: unsigned(row.declared_size),
        received: unsigned(row.received),
        hashes: row.hashes,
        blob: row.blob_sha256,
        state: row.state.parse().unwrap_or(UploadState::Refused),
        state_text: row.state_text,
    }
}
