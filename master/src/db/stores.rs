//! Where the stored files lie, and moving them: the target of the move that is under way is a row of
//! the settings, how far it is follows from the rows of the files.

use diesel::prelude::*;

use super::schema::blobs;
use super::{Conn, DbResult, settings};
use crate::model::{BlobStore, StoreContent};

/// Name of the row that says where files are being moved.
const MOVE: &str = "store-move";

/// What lies in each store; files in the trash are counted, damaged ones are not.
pub fn contents(conn: &mut Conn) -> DbResult<Vec<StoreContent>> {
    use diesel::dsl::count_star;
    let mut contents = Vec::new();
    for store in BlobStore::ALL {
        let mut content = StoreContent {
            store: *store,
            files: 0,
            bytes: 0,
        };
        // By size, so that no engine adds up in a type of its own; sizes repeat little, and are
        // bounded by the number of files.
        let rows: Vec<(i64, i64)> = blobs::table
            .filter(blobs::store.eq(store.as_str()))
            .filter(blobs::state.eq("live").or(blobs::state.eq("condemned")))
            .group_by(blobs::size)
            .select((blobs::size, count_star()))
            .load(conn)?;
        for (size, count) in rows {
            content.files += count;
            content.bytes = content.bytes.saturating_add(size.saturating_mul(count));
        }
        contents.push(content);
    }
    Ok(contents)
}

/// Where files are being moved, if they are.
pub fn target(conn: &mut Conn) -> DbResult<Option<BlobStore>> {
    let row = settings::value(conn, MOVE)?;
    Ok(row.and_then(|row| row.parse().ok()))
}

/// Begins a move, or ends it.
pub fn set_target(conn: &mut Conn, to: Option<BlobStore>) -> DbResult<()> {
    settings::put(conn, MOVE, to.map_or("", BlobStore::as_str))
}

/// Files that are not in `to`, by name after `after`: hash and bytes.
pub fn elsewhere(
    conn: &mut Conn,
    to: BlobStore,
    after: &str,
    limit: i64,
) -> DbResult<Vec<(String, i64)>> {
    Ok(blobs::table
        .filter(blobs::store.ne(to.as_str()))
        .filter(blobs::state.eq("live").or(blobs::state.eq("condemned")))
        .filter(blobs::sha256.gt(after))
        .order(blobs::sha256)
        .limit(limit)
        .select((blobs::sha256, blobs::size))
        .load(conn)?)
}

/// Notes that a file was moved.
pub fn moved(conn: &mut Conn, sha256: &str, to: BlobStore) -> DbResult<()> {
    diesel::update(blobs::table.find(sha256))
        .set(blobs::store.eq(to.as_str()))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests;
