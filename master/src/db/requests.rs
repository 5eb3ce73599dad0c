//! Build requests: made by schedules and people, claimed by the dispatcher. Source stamps and the
//! changes a request is for hang on it.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::{request_changes, requests, source_stamps};
use super::{Conn, DbError, DbResult, changes};
use crate::clock::Time;
use crate::ids::{BuilderId, ChangeId, RepositoryId, RequestId};
use crate::model::RequestState;

/// Pending requests looked at in one round of the dispatcher; those beyond wait unseen.
pub const PENDING_READ_MAX: i64 = 2_000;

/// What is to be built: one per codebase.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    /// Name of the codebase; the repository's name.
    pub codebase: String,
    /// The repository.
    pub repository: RepositoryId,
    /// The branch.
    pub branch: String,
    /// Full id of the revision.
    pub revision: String,
    /// Its position on the branch.
    pub position: i64,
}

/// A request to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRequest {
    /// The builder asked for.
    pub builder: BuilderId,
    /// The schedule that asks, or whose form was filled in.
    pub schedule: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// User name, or the schedule's.
    pub requested_by: String,
    /// Higher is served first; 0 for schedules.
    pub priority: i64,
    /// JSON object of property name to value: `{"form.flavour": "debug"}`.
    pub properties: String,
    /// What to build.
    pub stamps: Vec<Stamp>,
    /// The changes it is for.
    pub changes: Vec<ChangeId>,
}

/// A request as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its id.
    pub id: RequestId,
    /// The builder asked for.
    pub builder: BuilderId,
    /// The schedule that asked, or whose form was filled in.
    pub schedule: Option<String>,
    /// Why, for people.
    pub reason: String,
    /// User name, or the schedule's.
    pub requested_by: String,
    /// Higher is served first.
    pub priority: i64,
    /// Where it stands.
    pub state: RequestState,
    /// Why it waits.
    pub wait_reason: String,
    /// How often it was begun before, on agents that were lost.
    pub restarts: u32,
    /// JSON object of property name to value.
    pub properties: String,
    /// When it was made.
    pub created_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = requests)]
struct Row {
    id: i64,
    builder_id: i64,
    schedule: Option<String>,
    reason: String,
    requested_by: String,
    priority: i64,
    state: String,
    wait_reason: String,
    restarts: i64,
    properties: String,
    created_at: i64,
}

/// Makes a request.
pub fn insert(conn: &mut Conn, now: Time, new: &NewRequest) -> DbResult<RequestId> {
    let id: i64 = diesel::insert_into(requests::table)
        .values((
            requests::builder_id.eq(new.builder.0),
            requests::schedule.eq(&new.schedule),
            requests::reason.eq(&new.reason),
            requests::requested_by.eq(&new.requested_by),
            requests::priority.eq(new.priority),
            requests::state.eq(RequestState::Pending.as_str()),
            requests::wait_reason.eq("not looked at yet"),
            requests::properties.eq(&new.properties),
            requests::created_at.eq(now.0),
        ))
        .returning(requests::id)
        .get_result(conn)?;
    for stamp in &new.stamps {
        insert_stamp(conn, RequestId(id), stamp)?;
    }
    add_changes(conn, RequestId(id), &new.changes)?;
    Ok(RequestId(id))
}

/// What asks for the same source with the same values as an earlier request does.
pub fn same_as(
    conn: &mut Conn,
    earlier: RequestId,
    reason: String,
    requested_by: Option<String>,
) -> DbResult<NewRequest> {
    let old = by_id(conn, earlier)?;
    let seen = changes::of_request(conn, earlier)?;
    Ok(NewRequest {
        builder: old.builder,
        schedule: old.schedule,
        reason,
        requested_by: requested_by.unwrap_or(old.requested_by),
        priority: old.priority,
        properties: old.properties,
        stamps: stamps(conn, earlier)?,
        changes: seen.into_iter().map(|change| change.id).collect(),
    })
}

/// Asks for what an earlier request asked for, because its agent was lost.
pub fn restart(
    conn: &mut Conn,
    now: Time,
    earlier: RequestId,
    reason: String,
) -> DbResult<RequestId> {
    let restarts = by_id(conn, earlier)?.restarts;
    let new = same_as(conn, earlier, reason, None)?;
    let id = insert(conn, now, &new)?;
    diesel::update(requests::table.find(id.0))
        .set(requests::restarts.eq(i64::from(restarts) + 1))
        .execute(conn)?;
    Ok(id)
}

fn insert_stamp(conn: &mut Conn, request: RequestId, stamp: &Stamp) -> DbResult<()> {
    diesel::insert_into(source_stamps::table)
        .values((
            source_stamps::request_id.eq(request.0),
            source_stamps::codebase.eq(&stamp.codebase),
            source_stamps::repository_id.eq(stamp.repository.0),
            source_stamps::branch.eq(&stamp.branch),
            source_stamps::revision.eq(&stamp.revision),
            source_stamps::position.eq(stamp.position),
        ))
        .execute(conn)?;
    Ok(())
}

fn add_changes(conn: &mut Conn, request: RequestId, changes: &[ChangeId]) -> DbResult<()> {
    for change in changes {
        let values = (
            request_changes::request_id.eq(request.0),
            request_changes::change_id.eq(change.0),
        );
        per_engine!(&mut *conn, inner => diesel::insert_into(request_changes::table)
            .values(values)
            .on_conflict_do_nothing()
            .execute(inner))?;
    }
    Ok(())
}

/// The waiting request that a newer source of the same schedule, builder and branch joins.
pub fn mergeable(
    conn: &mut Conn,
    schedule: &str,
    builder: BuilderId,
    repository: RepositoryId,
    branch: &str,
) -> DbResult<Option<RequestId>> {
    let id: Option<i64> = requests::table
        .inner_join(source_stamps::table)
        .filter(requests::state.eq(RequestState::Pending.as_str()))
        .filter(requests::schedule.eq(schedule))
        .filter(requests::builder_id.eq(builder.0))
        .filter(source_stamps::repository_id.eq(repository.0))
        .filter(source_stamps::branch.eq(branch))
        .order(requests::id.desc())
        .select(requests::id)
        .first(conn)
        .optional()?;
    Ok(id.map(RequestId))
}

/// Joins a newer source to a waiting request, which keeps its place in the queue. Fails with
/// [`DbError::Changed`] when a build took it in the meantime.
pub fn merge(
    conn: &mut Conn,
    into: RequestId,
    stamp: &Stamp,
    reason: &str,
    changes: &[ChangeId],
) -> DbResult<()> {
    let waiting = requests::table
        .find(into.0)
        .filter(requests::state.eq(RequestState::Pending.as_str()));
    changed(
        diesel::update(waiting)
            .set(requests::reason.eq(reason))
            .execute(conn)?,
    )?;
    let row = source_stamps::table
        .filter(source_stamps::request_id.eq(into.0))
        .filter(source_stamps::codebase.eq(&stamp.codebase));
    changed(
        diesel::update(row)
            .set((
                source_stamps::revision.eq(&stamp.revision),
                source_stamps::position.eq(stamp.position),
            ))
            .execute(conn)?,
    )?;
    add_changes(conn, into, changes)
}

/// The request of this id.
pub fn by_id(conn: &mut Conn, id: RequestId) -> DbResult<Request> {
    let row = requests::table
        .find(id.0)
        .select(Row::as_select())
        .first(conn)?;
    Ok(request(row))
}

/// What waits, most urgent and then oldest first, at most [`PENDING_READ_MAX`].
pub fn pending(conn: &mut Conn) -> DbResult<Vec<Request>> {
    let rows: Vec<Row> = requests::table
        .filter(requests::state.eq(RequestState::Pending.as_str()))
        .order((requests::priority.desc(), requests::id))
        .limit(PENDING_READ_MAX)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(request).collect())
}

/// What a request wants built, by codebase.
pub fn stamps(conn: &mut Conn, id: RequestId) -> DbResult<Vec<Stamp>> {
    let rows: Vec<(String, i64, String, String, i64)> = source_stamps::table
        .filter(source_stamps::request_id.eq(id.0))
        .order(source_stamps::id)
        .select((
            source_stamps::codebase,
            source_stamps::repository_id,
            source_stamps::branch,
            source_stamps::revision,
            source_stamps::position,
        ))
        .load(conn)?;
    let stamp = |(codebase, repository, branch, revision, position)| Stamp {
        codebase,
        repository: RepositoryId(repository),
        branch,
        revision,
        position,
    };
    Ok(rows.into_iter().map(stamp).collect())
}

/// Says why a request waits.
pub fn set_wait_reason(conn: &mut Conn, id: RequestId, text: &str) -> DbResult<()> {
    diesel::update(requests::table.find(id.0))
        .set(requests::wait_reason.eq(text))
        .execute(conn)?;
    Ok(())
}

/// Moves a request from `from` to `to`; the guarded step that makes a claim happen once.
/// Fails with [`DbError::Changed`] when it is not in `from` any more.
pub fn advance(
    conn: &mut Conn,
    now: Time,
    id: RequestId,
    from: RequestState,
    to: RequestState,
) -> DbResult<()> {
    assert!(
        from.may_become(to),
        "a request never goes from {from} to {to}"
    );
    let ended = matches!(to, RequestState::Done | RequestState::Cancelled).then_some(now.0);
    let row = requests::table
        .find(id.0)
        .filter(requests::state.eq(from.as_str()));
    changed(
        diesel::update(row)
            .set((
                requests::state.eq(to.as_str()),
                requests::wait_reason.eq(""),
                requests::ended_at.eq(ended),
            ))
            .execute(conn)?,
    )
}

fn changed(rows: usize) -> DbResult<()> {
    match rows {
        0 => Err(DbError::Changed),
        _ => Ok(()),
    }
}

fn request(row: Row) -> Request {
    Request {
        id: RequestId(row.id),
        builder: BuilderId(row.builder_id),
        schedule: row.schedule,
        reason: row.reason,
        requested_by: row.requested_by,
        priority: row.priority,
        state: row.state.parse().unwrap_or(RequestState::Cancelled),
        wait_reason: row.wait_reason,
        restarts: u32::try_from(row.restarts).unwrap_or(u32::MAX),
        properties: row.properties,
        created_at: Time(row.created_at),
    }
}

#[cfg(test)]
mod tests;
