//! Heads: the newest revision seen on every branch of a repository.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::heads;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::RepositoryId;

/// The newest revision of a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The branch.
    pub branch: String,
    /// The full id of its newest revision.
    pub revision: String,
    /// That revision's position on the branch.
    pub position: i64,
    /// Whether the branch was deleted since.
    pub gone: bool,
}

/// Every head of a repository by branch, those of deleted branches too.
pub fn list(conn: &mut Conn, repository: RepositoryId) -> DbResult<Vec<Head>> {
    let rows: Vec<(String, String, i64, bool)> = heads::table
        .filter(heads::repository_id.eq(repository.0))
        .order(heads::branch)
        .select((heads::branch, heads::revision, heads::position, heads::gone))
        .load(conn)?;
    Ok(rows.into_iter().map(head).collect())
}

/// The head of one branch, if it was ever seen.
pub fn of_branch(
    conn: &mut Conn,
    repository: RepositoryId,
    branch: &str,
) -> DbResult<Option<Head>> {
    let row: Option<(String, String, i64, bool)> = heads::table
        .find((repository.0, branch))
        .select((heads::branch, heads::revision, heads::position, heads::gone))
        .first(conn)
        .optional()?;
    Ok(row.map(head))
}

/// Records what a poll saw of one branch.
pub fn put(conn: &mut Conn, now: Time, repository: RepositoryId, head: &Head) -> DbResult<()> {
    let values = (
        heads::revision.eq(&head.revision),
        heads::position.eq(head.position),
        heads::seen_at.eq(now.0),
        heads::gone.eq(head.gone),
    );
    let key = (
        heads::repository_id.eq(repository.0),
        heads::branch.eq(&head.branch),
    );
    per_engine!(conn, inner => diesel::insert_into(heads::table)
        .values((key, values))
        .on_conflict((heads::repository_id, heads::branch))
        .do_update()
        .set(values)
        .execute(inner))?;
    Ok(())
}

fn head((branch, revision, position, gone): (String, String, i64, bool)) -> Head {
    Head {
        branch,
        revision,
        position,
        gone,
    }
}
