//! The audit trail: who did or was refused what. Rows are only ever added and read.

use diesel::prelude::*;

use super::schema::audit;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::AuditId;
use crate::model::{AuditEntry, AuditOutcome, PAGE_ROWS_MAX};

/// Longest detail kept, bytes: enough to say what was tried, too little to fill the disk with.
const DETAIL_BYTES_MAX: usize = 2_000;

type Row = (i64, i64, String, String, String, String, String, String);

/// Adds a row and returns its id. Call it in the transaction of what it tells of.
#[expect(clippy::too_many_arguments, reason = "they are the columns")]
pub fn append(
    conn: &mut Conn,
    now: Time,
    actor: &str,
    action: &str,
    object_kind: &str,
    object_id: &str,
    outcome: AuditOutcome,
    detail: &str,
) -> DbResult<AuditId> {
    let id: i64 = diesel::insert_into(audit::table)
        .values((
            audit::at.eq(now.0),
            audit::actor.eq(actor),
            audit::action.eq(action),
            audit::object_kind.eq(object_kind),
            audit::object_id.eq(storable(object_id)),
            audit::outcome.eq(outcome.as_str()),
            audit::detail.eq(storable(detail)),
        ))
        .returning(audit::id)
        .get_result(conn)?;
    Ok(AuditId(id))
}

/// The rows before `before` (all when absent), newest first, a page and one more.
pub fn newest(conn: &mut Conn, before: Option<AuditId>) -> DbResult<Vec<AuditEntry>> {
    let rows: Vec<Row> = audit::table
        .filter(audit::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(audit::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .load(conn)?;
    Ok(rows.into_iter().map(row).collect())
}

/// Cut to the maximum; without NUL, which PostgreSQL does not store.
fn storable(text: &str) -> String {
    let end = text.floor_char_boundary(DETAIL_BYTES_MAX);
    text[..end].replace('\0', "\u{fffd}")
}

fn row((id, at, actor, action, object_kind, object_id, outcome, detail): Row) -> AuditEntry {
    AuditEntry {
        id: AuditId(id),
        at: Time(at),
        actor,
        action,
        object_kind,
        object_id,
        outcome: outcome.parse().unwrap_or(AuditOutcome::Failed),
        detail,
    }
}

#[cfg(test)]
mod tests;
