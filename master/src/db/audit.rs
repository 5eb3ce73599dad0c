//! The audit trail: who did or was refused what. Rows are only ever added and read.

use diesel::prelude::*;

use super::schema::audit;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::AuditId;
use crate::model::AuditOutcome;

/// Most rows one read returns: a page of the trail.
pub const AUDIT_READ_MAX: i64 = 200;

/// Longest detail kept, bytes: enough to say what was tried, too little to fill the disk with.
const DETAIL_BYTES_MAX: usize = 2_000;

/// One thing somebody did or tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its id; rises with time.
    pub id: AuditId,
    /// When.
    pub at: Time,
    /// Name of the user, `anonymous`, `cli` or an actor of the master.
    pub actor: String,
    /// Noun and verb, such as `user.add`.
    pub action: String,
    /// Noun of what it was done to, such as `user`.
    pub object_kind: String,
    /// Its id or name.
    pub object_id: String,
    /// How it ended.
    pub outcome: AuditOutcome,
    /// What else matters; never a secret.
    pub detail: String,
}

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

/// The rows before `before` (all when absent), newest first, at most [`AUDIT_READ_MAX`].
pub fn newest(conn: &mut Conn, before: Option<AuditId>) -> DbResult<Vec<AuditRow>> {
    let rows: Vec<Row> = audit::table
        .filter(audit::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(audit::id.desc())
        .limit(AUDIT_READ_MAX)
        .load(conn)?;
    Ok(rows.into_iter().map(row).collect())
}

/// Cut to the maximum; without NUL, which PostgreSQL does not store.
fn storable(text: &str) -> String {
    let end = text.floor_char_boundary(DETAIL_BYTES_MAX);
    text[..end].replace('\0', "\u{fffd}")
}

fn row((id, at, actor, action, object_kind, object_id, outcome, detail): Row) -> AuditRow {
    AuditRow {
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
