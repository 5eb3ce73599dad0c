//! Changes: commits seen on branches, written once by the poller and only read afterwards.

use diesel::prelude::*;

use super::schema::{changes, request_changes};
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::{ChangeId, RepositoryId, RequestId};

/// Most changes one read returns; a branch further ahead is served in pieces.
pub const CHANGES_READ_MAX: i64 = 500;

/// Longest message and author kept, bytes: whole for people, bounded for generated ones.
const MESSAGE_BYTES_MAX: usize = 16_384;
const AUTHOR_BYTES_MAX: usize = 256;

/// A commit as version control told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewChange {
    /// The branch it was seen on.
    pub branch: String,
    /// Its full id.
    pub revision: String,
    /// Its place on the branch; a later change of the branch has a higher one.
    pub position: i64,
    /// Name of the author.
    pub author: String,
    /// Mail address of the author, if there is one.
    pub author_email: Option<String>,
    /// Message, several lines.
    pub message: String,
    /// Paths touched, the first of them.
    pub files: Vec<String>,
    /// How many were touched in all.
    pub files_total: i64,
    /// When it was committed, by the committer's clock.
    pub committed_at: Time,
}

/// A change as it is stored, with what the engine needs of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its id; rises in the order the changes were seen.
    pub id: ChangeId,
    /// Where it was seen.
    pub repository: RepositoryId,
    /// The branch it was seen on.
    pub branch: String,
    /// Its full id in version control.
    pub revision: String,
    /// Its place on the branch.
    pub position: i64,
    /// Name of the author.
    pub author: String,
    /// Mail address of the author.
    pub author_email: Option<String>,
    /// When it was seen.
    pub seen_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = changes)]
struct Row {
    id: i64,
    repository_id: i64,
    branch: String,
    revision: String,
    position: i64,
    author: String,
    author_email: Option<String>,
    seen_at: i64,
}

/// Records a change; `None` when its place on the branch is taken already. A revision that a
/// branch comes back to is a change again, at a higher place.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    repository: RepositoryId,
    new: &NewChange,
) -> DbResult<Option<ChangeId>> {
    let newest = newest_of_branch(conn, repository, &new.branch)?;
    if newest.is_some_and(|newest| newest.position >= new.position) {
        return Ok(None);
    }
    let files = serde_json::to_string(&new.files).unwrap_or_else(|_| "[]".to_owned());
    let id: i64 = diesel::insert_into(changes::table)
        .values((
            changes::repository_id.eq(repository.0),
            changes::branch.eq(&new.branch),
            changes::revision.eq(&new.revision),
            changes::position.eq(new.position),
            changes::author.eq(super::storable(&new.author, AUTHOR_BYTES_MAX)),
            changes::author_email.eq(new
                .author_email
                .as_deref()
                .map(|text| super::storable(text, AUTHOR_BYTES_MAX))),
            changes::message.eq(super::storable(&new.message, MESSAGE_BYTES_MAX)),
            changes::files.eq(files.replace("\\u0000", "\u{fffd}")),
            changes::files_total.eq(new.files_total),
            changes::committed_at.eq(new.committed_at.0),
            changes::seen_at.eq(now.0),
        ))
        .returning(changes::id)
        .get_result(conn)?;
    Ok(Some(ChangeId(id)))
}

/// The change of this revision on this branch, if it was seen; its last place when the branch came
/// back to it.
pub fn by_revision(
    conn: &mut Conn,
    repository: RepositoryId,
    branch: &str,
    revision: &str,
) -> DbResult<Option<Change>> {
    let row: Option<Row> = changes::table
        .filter(changes::repository_id.eq(repository.0))
        .filter(changes::branch.eq(branch))
        .filter(changes::revision.eq(revision))
        .order(changes::position.desc())
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(change))
}

/// The newest change of a branch.
pub fn newest_of_branch(
    conn: &mut Conn,
    repository: RepositoryId,
    branch: &str,
) -> DbResult<Option<Change>> {
    let row: Option<Row> = changes::table
        .filter(changes::repository_id.eq(repository.0))
        .filter(changes::branch.eq(branch))
        .order((changes::position.desc(), changes::id.desc()))
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(change))
}

/// The changes of a branch seen after number `id`, oldest first; the newest
/// [`CHANGES_READ_MAX`] of them.
pub fn of_branch_after(
    conn: &mut Conn,
    repository: RepositoryId,
    branch: &str,
    id: ChangeId,
) -> DbResult<Vec<Change>> {
    let rows: Vec<Row> = changes::table
        .filter(changes::repository_id.eq(repository.0))
        .filter(changes::branch.eq(branch))
        .filter(changes::id.gt(id.0))
        .order(changes::id.desc())
        .limit(CHANGES_READ_MAX)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().rev().map(change).collect())
}

/// The changes a request was made for, oldest first, at most [`CHANGES_READ_MAX`].
pub fn of_request(conn: &mut Conn, request: RequestId) -> DbResult<Vec<Change>> {
    let rows: Vec<Row> = request_changes::table
        .inner_join(changes::table)
        .filter(request_changes::request_id.eq(request.0))
        .order(changes::id)
        .limit(CHANGES_READ_MAX)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(change).collect())
}

fn change(row: Row) -> Change {
    Change {
        id: ChangeId(row.id),
        repository: RepositoryId(row.repository_id),
        branch: row.branch,
        revision: row.revision,
        position: row.position,
        author: row.author,
        author_email: row.author_email,
        seen_at: Time(row.seen_at),
    }
}
