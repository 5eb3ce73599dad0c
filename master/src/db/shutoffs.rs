//! Shut-offs: updates stopped for a project or a branch. Rows are added and lifted, never removed.

use diesel::prelude::*;

use super::schema::{branches, projects, shutoffs};
use super::{Conn, DbError, DbResult, sight};
use crate::clock::Time;
use crate::ids::{BranchId, ProjectId, ShutoffId};
use crate::model::{PAGE_ROWS_MAX, Page, Shutoff, Sight};

type Row = (
    i64,
    String,
    Option<String>,
    String,
    String,
    i64,
    Option<String>,
    Option<i64>,
);

macro_rules! rows {
    () => {
        shutoffs::table
            .inner_join(projects::table)
            .left_join(branches::table.on(branches::id.nullable().eq(shutoffs::branch_id)))
            .select((
                shutoffs::id,
                projects::name,
                branches::name.nullable(),
                shutoffs::reason,
                shutoffs::created_by,
                shutoffs::created_at,
                shutoffs::lifted_by,
                shutoffs::lifted_at,
            ))
    };
}

/// Stops updates of a project, or of one branch. Errors: [`DbError::Changed`] when they are
/// stopped already.
pub fn insert(
    conn: &mut Conn,
    now: Time,
    (project, branch): (ProjectId, Option<BranchId>),
    reason: &str,
    by: &str,
) -> DbResult<ShutoffId> {
    let live: Vec<Option<i64>> = shutoffs::table
        .filter(shutoffs::project_id.eq(project.0))
        .filter(shutoffs::lifted_at.is_null())
        .select(shutoffs::branch_id)
        .load(conn)?;
    if live.contains(&branch.map(|id| id.0)) {
        return Err(DbError::Changed);
    }
    let id: i64 = diesel::insert_into(shutoffs::table)
        .values((
            shutoffs::project_id.eq(project.0),
            shutoffs::branch_id.eq(branch.map(|id| id.0)),
            shutoffs::reason.eq(reason),
            shutoffs::created_by.eq(by),
            shutoffs::created_at.eq(now.0),
        ))
        .returning(shutoffs::id)
        .get_result(conn)?;
    Ok(ShutoffId(id))
}

/// Lets updates go on. Errors: [`DbError::NotFound`], [`DbError::Changed`] when they do already.
pub fn lift(conn: &mut Conn, now: Time, id: ShutoffId, by: &str) -> DbResult<()> {
    find(conn, id)?;
    let lifted = diesel::update(shutoffs::table.find(id.0))
        .filter(shutoffs::lifted_at.is_null())
        .set((shutoffs::lifted_by.eq(by), shutoffs::lifted_at.eq(now.0)))
        .execute(conn)?;
    (lifted == 1).then_some(()).ok_or(DbError::Changed)
}

/// One shut-off.
pub fn find(conn: &mut Conn, id: ShutoffId) -> DbResult<Shutoff> {
    let row: Row = rows!().filter(shutoffs::id.eq(id.0)).first(conn)?;
    Ok(shutoff(row))
}

/// One page, the newest first; live ones alone where `live` says so.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    live: bool,
    before: Option<ShutoffId>,
) -> DbResult<Page<Shutoff, ShutoffId>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = rows!().into_boxed();
    if !hidden.is_empty() {
        query = query.filter(shutoffs::project_id.ne_all(hidden));
    }
    if live {
        query = query.filter(shutoffs::lifted_at.is_null());
    }
    let rows: Vec<Row> = query
        .filter(shutoffs::id.lt(before.map_or(i64::MAX, |id| id.0)))
        .order(shutoffs::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .load(conn)?;
    Ok(Page::of(rows.into_iter().map(shutoff).collect(), |one| {
        one.id
    }))
}

/// The live ones that concern a branch: its own, and its project's.
pub fn of_branch(conn: &mut Conn, project: ProjectId, branch: BranchId) -> DbResult<Vec<Shutoff>> {
    let rows: Vec<Row> = rows!()
        .filter(shutoffs::project_id.eq(project.0))
        .filter(shutoffs::lifted_at.is_null())
        .filter(
            shutoffs::branch_id
                .is_null()
                .or(shutoffs::branch_id.eq(branch.0)),
        )
        .order(shutoffs::id)
        .limit(PAGE_ROWS_MAX as i64)
        .load(conn)?;
    Ok(rows.into_iter().map(shutoff).collect())
}

fn shutoff(row: Row) -> Shutoff {
    let (id, project, branch, reason, created_by, created_at, lifted_by, lifted_at) = row;
    Shutoff {
        id: ShutoffId(id),
        project,
        branch,
        reason,
        created_by,
        created_at: Time(created_at),
        lifted_by,
        lifted_at: lifted_at.map(Time),
    }
}
