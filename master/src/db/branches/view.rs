//! Branches as pages and REST see them, and what people change of them: state and redirect.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{branches, projects};
use crate::db::{Conn, DbError, DbResult, sight};
use crate::ids::{BranchId, ProjectId};
use crate::model::{Branch, BranchFilter, BranchState, PAGE_ROWS_MAX, Page, Sight};

type Row = (i64, String, String, String, String, Option<i64>, i64);

macro_rules! rows {
    () => {
        branches::table.inner_join(projects::table).select((
            branches::id,
            projects::name,
            branches::name,
            branches::feed_token,
            branches::state,
            branches::follows_branch_id,
            branches::created_at,
        ))
    };
}

/// One branch.
pub fn find(conn: &mut Conn, id: BranchId) -> DbResult<Branch> {
    let row: Row = rows!().filter(branches::id.eq(id.0)).first(conn)?;
    branch(conn, row)
}

/// The branch of this name in a project of this name.
pub fn by_name(conn: &mut Conn, project: &str, name: &str) -> DbResult<Branch> {
    let row: Row = rows!()
        .filter(projects::name.eq(project))
        .filter(branches::name.eq(name))
        .first(conn)?;
    branch(conn, row)
}

/// The project of a branch.
pub fn project(conn: &mut Conn, id: BranchId) -> DbResult<ProjectId> {
    let project: i64 = branches::table
        .find(id.0)
        .select(branches::project_id)
        .first(conn)?;
    Ok(ProjectId(project))
}

/// One page, the newest first.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    filter: &BranchFilter,
) -> DbResult<Page<Branch, BranchId>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = rows!().into_boxed();
    if !hidden.is_empty() {
        query = query.filter(branches::project_id.ne_all(hidden));
    }
    if let Some(project) = &filter.project {
        query = query.filter(projects::name.eq(project));
    }
    if let Some(part) = &filter.name {
        let mut pattern = String::from("%");
        for c in part.chars() {
            if matches!(c, '%' | '_' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push('%');
        query = query.filter(branches::name.like(pattern).escape('\\'));
    }
    if let Some(state) = filter.state {
        query = query.filter(branches::state.eq(state.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(branches::id.lt(before.0));
    }
    let rows: Vec<Row> = query
        .order(branches::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .load(conn)?;
    let all: DbResult<Vec<Branch>> = rows.into_iter().map(|row| branch(conn, row)).collect();
    Ok(Page::of(all?, |branch| branch.id))
}

/// Changes the state; a branch that is deleted remembers since when.
pub fn set_state(conn: &mut Conn, now: Time, id: BranchId, state: BranchState) -> DbResult<()> {
    let deleted_at = (state == BranchState::Deleted).then_some(now.0);
    let changed = diesel::update(branches::table.find(id.0))
        .set((
            branches::state.eq(state.as_str()),
            branches::deleted_at.eq(deleted_at),
        ))
        .execute(conn)?;
    (changed == 1).then_some(()).ok_or(DbError::NotFound)
}

/// Lets the feeds of `follows` answer for this branch, or its own again.
pub fn set_follows(conn: &mut Conn, id: BranchId, follows: Option<BranchId>) -> DbResult<()> {
    let changed = diesel::update(branches::table.find(id.0))
        .set(branches::follows_branch_id.eq(follows.map(|id| id.0)))
        .execute(conn)?;
    (changed == 1).then_some(()).ok_or(DbError::NotFound)
}

fn branch(conn: &mut Conn, row: Row) -> DbResult<Branch> {
    let (id, project, name, feed, state, follows, created_at) = row;
    let follows_name = match follows {
        Some(id) => Some(
            branches::table
                .find(id)
                .select(branches::name)
                .first::<String>(conn)?,
        ),
        None => None,
    };
    Ok(Branch {
        id: BranchId(id),
        project,
        name,
        feed,
        state: state.parse().unwrap_or(BranchState::Active),
        follows: follows.map(BranchId),
        follows_name,
        created_at: Time(created_at),
    })
}
