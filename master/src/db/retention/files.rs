//! The life of stored files: named by something, condemned when nothing names them, gone. Every
//! step is one statement that holds its condition, so a row that names the file in between wins.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

use crate::clock::Time;
use crate::db::conn::per_engine;
use crate::db::schema::blobs;
use crate::db::{Conn, DbResult};
use crate::failpoints;

/// Rows read at a time.
pub const PAGE_MAX: i64 = 1_000;

/// A stored file on its way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condemned {
    /// Its name.
    pub sha256: String,
    /// Its generation: any other one is another life.
    pub generation: i64,
    /// Since when nothing names it.
    pub condemned_at: Time,
    /// Bytes.
    pub size: i64,
    /// Whether something names it again.
    pub is_named: bool,
}

/// Whether something names the blob `b`, as a condition.
fn is_named(now: Time) -> String {
    format!(
        "(EXISTS (SELECT 1 FROM product_files f JOIN products p ON p.id = f.product_id \
         WHERE f.blob_sha256 = b.sha256 AND ((f.gone_at IS NULL AND p.state <> 'deleted') \
         OR f.gone_at > {})) \
         OR EXISTS (SELECT 1 FROM artifacts a WHERE a.blob_sha256 = b.sha256) \
         OR EXISTS (SELECT 1 FROM uploads u JOIN drafts d ON d.id = u.draft_id \
         WHERE u.blob_sha256 = b.sha256 AND d.state = 'open'))",
        now.0
    )
}

/// A SHA-256 as a literal; what is none is an empty text, which names nothing.
fn literal(sha256: &str) -> String {
    match crate::model::Blob::is_sha256(sha256) {
        true => format!("'{sha256}'"),
        false => "''".to_owned(),
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    sha256: String,
    #[diesel(sql_type = BigInt)]
    generation: i64,
    #[diesel(sql_type = Nullable<BigInt>)]
    condemned_at: Option<i64>,
    #[diesel(sql_type = BigInt)]
    size: i64,
    #[diesel(sql_type = BigInt)]
    named: i64,
}

fn condemned_of(row: Row) -> Condemned {
    Condemned {
        sha256: row.sha256,
        generation: row.generation,
        condemned_at: Time(row.condemned_at.unwrap_or(0)),
        size: row.size,
        is_named: row.named != 0,
    }
}

/// Stored files after `after` by name that nothing has named since `before`; only a look.
pub fn unnamed(conn: &mut Conn, now: Time, before: Time, after: &str) -> DbResult<Vec<Condemned>> {
    let text = format!(
        "SELECT b.sha256, b.generation, b.condemned_at, b.size, CAST(0 AS BIGINT) AS named FROM blobs b \
         WHERE b.sha256 > {} AND b.state IN ('live', 'corrupt') AND b.touched_at <= {} \
         AND NOT {} ORDER BY b.sha256 LIMIT {PAGE_MAX}",
        literal(after),
        before.0,
        is_named(now)
    );
    let rows: Vec<Row> = diesel::sql_query(text).load(conn)?;
    Ok(rows.into_iter().map(condemned_of).collect())
}

/// Condemns a stored file, if nothing has named it since `before`, and nobody touched it; says
/// whether it did.
pub fn condemn(conn: &mut Conn, now: Time, before: Time, sha256: &str) -> DbResult<bool> {
    let text = format!(
        "UPDATE blobs AS b SET state = 'condemned', generation = generation + 1, \
         condemned_at = {} WHERE b.sha256 = {} AND b.state IN ('live', 'corrupt') \
         AND b.touched_at <= {} AND NOT {}",
        now.0,
        literal(sha256),
        before.0,
        is_named(now)
    );
    let done = diesel::sql_query(text).execute(conn)? == 1;
    failpoints::reach("condemn.before-commit");
    Ok(done)
}

/// Condemned files after `after` by name.
pub fn condemned(conn: &mut Conn, now: Time, after: &str) -> DbResult<Vec<Condemned>> {
    let text = format!(
        "SELECT b.sha256, b.generation, b.condemned_at, b.size, \
         CAST(CASE WHEN {} THEN 1 ELSE 0 END AS BIGINT) AS named FROM blobs b \
         WHERE b.state = 'condemned' AND b.sha256 > {} ORDER BY b.sha256 LIMIT {PAGE_MAX}",
        is_named(now),
        literal(after)
    );
    let rows: Vec<Row> = diesel::sql_query(text).load(conn)?;
    Ok(rows.into_iter().map(condemned_of).collect())
}

/// Notes that a condemned file is gone, before its bytes go; says whether it may go: it still is of
/// this generation, nothing names it, and it was condemned before `before`.
pub fn bury(
    conn: &mut Conn,
    now: Time,
    before: Time,
    sha256: &str,
    generation: i64,
) -> DbResult<bool> {
    let text = format!(
        "UPDATE blobs AS b SET state = 'gone', generation = generation + 1 \
         WHERE b.sha256 = {} AND b.state = 'condemned' AND b.generation = {generation} \
         AND b.condemned_at <= {} AND NOT {}",
        literal(sha256),
        before.0,
        is_named(now)
    );
    let done = diesel::sql_query(text).execute(conn)? == 1;
    failpoints::reach("unlink.before-commit");
    Ok(done)
}

/// Gives a condemned file back to what names it again; says whether it did.
pub fn pardon(conn: &mut Conn, now: Time, sha256: &str, generation: i64) -> DbResult<bool> {
    let text = format!(
        "UPDATE blobs AS b SET state = 'live', generation = generation + 1, condemned_at = NULL, \
         touched_at = {} WHERE b.sha256 = {} AND b.state = 'condemned' \
         AND b.generation = {generation} AND {}",
        now.0,
        literal(sha256),
        is_named(now)
    );
    Ok(diesel::sql_query(text).execute(conn)? == 1)
}

/// State and generation of each of these files that has a row, by name.
pub fn states(conn: &mut Conn, names: &[String]) -> DbResult<Vec<(String, String, i64)>> {
    Ok(blobs::table
        .filter(blobs::sha256.eq_any(names))
        .order(blobs::sha256)
        .select((blobs::sha256, blobs::state, blobs::generation))
        .load(conn)?)
}

/// Files that should be in the store after `after` by name: name and bytes.
pub fn expected(conn: &mut Conn, after: &str, limit: i64) -> DbResult<Vec<(String, i64)>> {
    Ok(blobs::table
        .filter(blobs::sha256.gt(after))
        .filter(blobs::state.eq("live"))
        .order(blobs::sha256)
        .limit(limit)
        .select((blobs::sha256, blobs::size))
        .load(conn)?)
}

/// Gives a file without a row the row of a condemned one, so that it leaves as any other does.
/// Whoever stores its content meanwhile has it live. Says whether there was none.
pub fn quarantine(conn: &mut Conn, now: Time, sha256: &str, size: i64) -> DbResult<bool> {
    let row = (
        blobs::sha256.eq(sha256),
        blobs::sha1.eq(""),
        blobs::sha512.eq(""),
        blobs::size.eq(size),
        blobs::state.eq("condemned"),
        blobs::generation.eq(1),
        blobs::created_at.eq(now.0),
        blobs::touched_at.eq(now.0),
        blobs::condemned_at.eq(now.0),
    );
    let made = per_engine!(conn, inner => diesel::insert_into(blobs::table)
        .values(row)
        .on_conflict(blobs::sha256)
        .do_nothing()
        .execute(inner))?;
    if made == 1 {
        return Ok(true);
    }
    // Gone once, and its bytes are here again without anything that names them.
    let again = diesel::update(blobs::table.find(sha256))
        .filter(blobs::state.eq("gone"))
        .set((
            blobs::state.eq("condemned"),
            blobs::generation.eq(blobs::generation + 1),
            blobs::condemned_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(again == 1)
}

/// Notes that a live file is missing or wrong; it is not served any more. Says whether it was live
/// and of this generation.
pub fn mark_corrupt(conn: &mut Conn, sha256: &str) -> DbResult<bool> {
    let marked = diesel::update(blobs::table.find(sha256))
        .filter(blobs::state.eq("live"))
        .set((
            blobs::state.eq("corrupt"),
            blobs::generation.eq(blobs::generation + 1),
        ))
        .execute(conn)?;
    Ok(marked == 1)
}

/// Notes that a file was read and is right; one that was corrupt is live again.
pub fn mark_verified(conn: &mut Conn, now: Time, sha256: &str) -> DbResult<()> {
    diesel::update(blobs::table.find(sha256))
        .set(blobs::verified_at.eq(now.0))
        .execute(conn)?;
    diesel::update(blobs::table.find(sha256))
        .filter(blobs::state.eq("corrupt"))
        .set((
            blobs::state.eq("live"),
            blobs::generation.eq(blobs::generation + 1),
        ))
        .execute(conn)?;
    Ok(())
}

/// Files to read next, after `after` by name, live and corrupt ones.
pub fn to_verify(conn: &mut Conn, after: &str, limit: i64) -> DbResult<Vec<(String, i64)>> {
    Ok(blobs::table
        .filter(blobs::sha256.gt(after))
        .filter(blobs::state.eq("live").or(blobs::state.eq("corrupt")))
        .order(blobs::sha256)
        .limit(limit)
        .select((blobs::sha256, blobs::size))
        .load(conn)?)
}
