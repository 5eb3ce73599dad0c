//! How far each change schedule got on each branch: the newest change it made requests for.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::schedule_cursors;
use super::{Conn, DbResult};
use crate::ids::{ChangeId, RepositoryId};

/// The cursors of a schedule on one repository: pairs of branch and the last change dealt with.
pub fn list(
    conn: &mut Conn,
    schedule: &str,
    repository: RepositoryId,
) -> DbResult<Vec<(String, ChangeId)>> {
    let rows: Vec<(String, i64)> = schedule_cursors::table
        .filter(schedule_cursors::schedule.eq(schedule))
        .filter(schedule_cursors::repository_id.eq(repository.0))
        .select((schedule_cursors::branch, schedule_cursors::change_id))
        .load(conn)?;
    let pairs = rows.into_iter();
    Ok(pairs.map(|(branch, id)| (branch, ChangeId(id))).collect())
}

/// Moves a cursor forward; it never goes back. `false` when it stood there already, which tells a
/// second master that the first was faster.
pub fn advance(
    conn: &mut Conn,
    schedule: &str,
    repository: RepositoryId,
    branch: &str,
    change: ChangeId,
) -> DbResult<bool> {
    let row = schedule_cursors::table.find((schedule, repository.0, branch));
    let known: Option<i64> = row
        .select(schedule_cursors::change_id)
        .first(conn)
        .optional()?;
    match known {
        Some(at) if at >= change.0 => Ok(false),
        Some(at) => {
            let moved = diesel::update(row.filter(schedule_cursors::change_id.eq(at)))
                .set(schedule_cursors::change_id.eq(change.0))
                .execute(conn)?;
            Ok(moved == 1)
        }
        None => {
            let values = (
                schedule_cursors::schedule.eq(schedule),
                schedule_cursors::repository_id.eq(repository.0),
                schedule_cursors::branch.eq(branch),
                schedule_cursors::change_id.eq(change.0),
            );
            let made = per_engine!(conn, inner => diesel::insert_into(schedule_cursors::table)
                .values(values)
                .on_conflict_do_nothing()
                .execute(inner))?;
            Ok(made == 1)
        }
    }
}
