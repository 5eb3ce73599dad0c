//! Which files the store holds. A row is written only after its bytes are on disk.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::blobs;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::model::Blob;

/// Notes that a file is in the store. A file noted before is live again, one generation later if
/// it had been on its way out, so that whoever wanted to remove it sees the difference.
pub fn insert(conn: &mut Conn, now: Time, blob: &Blob) -> DbResult<()> {
    let size = i64::try_from(blob.size).unwrap_or(i64::MAX);
    let row = (
        blobs::sha256.eq(&blob.sha256),
        blobs::sha1.eq(&blob.sha1),
        blobs::sha512.eq(&blob.sha512),
        blobs::size.eq(size),
        blobs::state.eq("live"),
        blobs::generation.eq(1),
        blobs::created_at.eq(now.0),
        blobs::touched_at.eq(now.0),
        blobs::store.eq(blob.store.as_str()),
    );
    per_engine!(conn, inner => diesel::insert_into(blobs::table)
        .values(row)
        .on_conflict(blobs::sha256)
        .do_nothing()
        .execute(inner))?;
    diesel::update(blobs::table.find(&blob.sha256))
        .set((
            blobs::sha1.eq(&blob.sha1),
            blobs::sha512.eq(&blob.sha512),
            blobs::touched_at.eq(now.0),
            blobs::store.eq(blob.store.as_str()),
        ))
        .execute(conn)?;
    diesel::update(blobs::table.find(&blob.sha256))
        .filter(blobs::state.ne("live"))
        .set((
            blobs::state.eq("live"),
            blobs::generation.eq(blobs::generation + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// Notes that a stored file does not hold what it should; it is never served again.
pub fn mark_corrupt(conn: &mut Conn, sha256: &str) -> DbResult<()> {
    diesel::update(blobs::table.find(sha256))
        .set(blobs::state.eq("corrupt"))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests;
