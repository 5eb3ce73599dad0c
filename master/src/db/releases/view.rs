//! Releases as lists, pages and REST read them.

use diesel::prelude::*;

use crate::clock::Time;
use crate::db::schema::{branches, products, projects, releases};
use crate::db::{Conn, DbError, DbResult, sight};
use crate::ids::{BranchId, ProductId, ReleaseId};
use crate::model::{PAGE_ROWS_MAX, Page, Release, ReleaseFilter, ReleaseState, Sight};

/// Targets of one branch whose release is shown: people build for a few dozen.
const LIVE_MAX: i64 = 200;

#[derive(Queryable)]
struct Row {
    id: i64,
    project: String,
    branch: String,
    branch_id: i64,
    feed: String,
    target: String,
    product: i64,
    version: String,
    product_state: String,
    verdict: String,
    fallback: Option<i64>,
    rollback_of: Option<i64>,
    state: String,
    state_reason: String,
    rollout_percent: i64,
    starts_at: Option<i64>,
    watershed: bool,
    critical: bool,
    override_reason: String,
    signoffs_needed: String,
    row_version: i64,
    created_by: String,
    created_at: i64,
    live_at: Option<i64>,
    ended_at: Option<i64>,
}

macro_rules! rows {
    () => {
        releases::table
            .inner_join(products::table.on(products::id.eq(releases::product_id)))
            .inner_join(branches::table.on(branches::id.eq(releases::branch_id)))
            .inner_join(projects::table.on(projects::id.eq(branches::project_id)))
            .select((
                releases::id,
                projects::name,
                branches::name,
                branches::id,
                branches::feed_token,
                releases::target,
                releases::product_id,
                products::version,
                products::state,
                products::verdict,
                releases::fallback_product_id,
                releases::rollback_of_product_id,
                releases::state,
                releases::state_reason,
                releases::rollout_percent,
                releases::starts_at,
                releases::watershed,
                releases::critical,
                releases::override_reason,
                releases::signoffs_needed,
                releases::row_version,
                releases::created_by,
                releases::created_at,
                releases::live_at,
                releases::ended_at,
            ))
    };
}

/// One release.
pub fn find(conn: &mut Conn, id: ReleaseId) -> DbResult<Release> {
    let row: Row = rows!().filter(releases::id.eq(id.0)).first(conn)?;
    release(row)
}

/// One page of the releases that `filter` lets through, the newest prepared first.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    filter: &ReleaseFilter,
) -> DbResult<Page<Release, ReleaseId>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = rows!().into_boxed();
    if !hidden.is_empty() {
        query = query.filter(projects::id.ne_all(hidden));
    }
    if let Some(project) = &filter.project {
        query = query.filter(projects::name.eq(project));
    }
    if let Some(branch) = &filter.branch {
        query = query.filter(branches::name.eq(branch));
    }
    if let Some(target) = &filter.target {
        query = query.filter(releases::target.eq(target));
    }
    if let Some(state) = filter.state {
        query = query.filter(releases::state.eq(state.as_str()));
    }
    if let Some(before) = filter.before {
        query = query.filter(releases::id.lt(before.0));
    }
    let rows: Vec<Row> = query
        .order(releases::id.desc())
        .limit(PAGE_ROWS_MAX as i64 + 1)
        .load(conn)?;
    let all: DbResult<Vec<Release>> = rows.into_iter().map(release).collect();
    Ok(Page::of(all?, |release| release.id))
}

/// The releases that a branch offers now, paused ones too, by target.
pub fn live_of_branch(conn: &mut Conn, branch: BranchId) -> DbResult<Vec<Release>> {
    let [live, paused] = [ReleaseState::Live, ReleaseState::Paused].map(ReleaseState::as_str);
    let rows: Vec<Row> = rows!()
        .filter(releases::branch_id.eq(branch.0))
        .filter(releases::state.eq(live).or(releases::state.eq(paused)))
        .order((releases::target, releases::id))
        .limit(LIVE_MAX)
        .load(conn)?;
    rows.into_iter().map(release).collect()
}

fn release(row: Row) -> DbResult<Release> {
    let unknown =
        |error: String| DbError::Open(format!("a release holds an unknown word: {error}"));
    Ok(Release {
        id: ReleaseId(row.id),
        project: row.project,
        branch: row.branch,
        branch_id: BranchId(row.branch_id),
        feed: row.feed,
        target: row.target,
        product: ProductId(row.product),
        version: row.version,
        product_state: row.product_state.parse().map_err(unknown)?,
        verdict: row.verdict.parse().map_err(unknown)?,
        fallback: row.fallback.map(ProductId),
        rollback_of: row.rollback_of.map(ProductId),
        state: row.state.parse().map_err(unknown)?,
        state_reason: row.state_reason,
        rollout_percent: row.rollout_percent,
        starts_at: row.starts_at.map(Time),
        watershed: row.watershed,
        critical: row.critical,
        override_reason: row.override_reason,
        signoffs_needed: serde_json::from_str(&row.signoffs_needed).unwrap_or_default(),
        row_version: row.row_version,
        created_by: row.created_by,
        created_at: Time(row.created_at),
        live_at: row.live_at.map(Time),
        ended_at: row.ended_at.map(Time),
    })
}
