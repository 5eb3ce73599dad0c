//! Releases: rows, their states and what moves along with them. Each change of state is one
//! function that keeps products, releases and events together; who may ask for it says `ops`.

use diesel::prelude::*;

use super::schema::releases;
use super::{Conn, DbError, DbResult, audit, events, products};
use crate::clock::Time;
use crate::ids::{BranchId, ProductId, ReleaseId};
use crate::model::{AuditOutcome, ProductState, Release, ReleaseState, SignoffNeed};

mod begin;
mod end;
mod ended;
mod view;

pub use begin::{Refusal, begin, refusal};
pub use end::{finish, has_other_open};
pub(in crate::db) use ended::is_last_ended;
pub use ended::last_ended;
pub use view::{find, list, live_of_branch};

/// A release to prepare.
#[derive(Debug, Clone)]
pub struct NewRelease {
    /// The branch.
    pub branch: BranchId,
    /// The target.
    pub target: String,
    /// What is offered.
    pub product: ProductId,
    /// What those outside get; what was offered before, when absent.
    pub fallback: Option<ProductId>,
    /// What people are moved down from.
    pub rollback_of: Option<ProductId>,
    /// How many of a hundred get it, from 0 to 100.
    pub rollout_percent: i64,
    /// What ids are hashed with.
    pub salt: String,
    /// Nobody may leap over it.
    pub watershed: bool,
    /// Applications should insist.
    pub critical: bool,
    /// Why, though testers say it is bad.
    pub override_reason: String,
    /// Sign-offs it needs.
    pub signoffs_needed: Vec<SignoffNeed>,
    /// Who prepares it.
    pub created_by: String,
}

/// Adds a draft and makes its product a candidate.
///
/// Errors: [`DbError::Changed`] where the product or the fallback was collected meanwhile.
pub fn insert(conn: &mut Conn, now: Time, new: &NewRelease) -> DbResult<ReleaseId> {
    let needed = serde_json::to_string(&new.signoffs_needed)
        .map_err(|error| DbError::Open(error.to_string()))?;
    // In the order of their ids, so that two who prepare releases wait for each other in one order.
    let mut named = vec![new.product];
    named.extend(new.fallback);
    named.sort_unstable();
    for product in named {
        products::touch(conn, product)?;
    }
    let id: i64 = diesel::insert_into(releases::table)
        .values((
            releases::branch_id.eq(new.branch.0),
            releases::target.eq(&new.target),
            releases::product_id.eq(new.product.0),
            releases::fallback_product_id.eq(new.fallback.map(|id| id.0)),
            releases::rollback_of_product_id.eq(new.rollback_of.map(|id| id.0)),
            releases::state.eq(ReleaseState::Draft.as_str()),
            releases::state_reason.eq(""),
            releases::rollout_percent.eq(new.rollout_percent),
            releases::rollout_salt.eq(&new.salt),
            releases::watershed.eq(new.watershed),
            releases::critical.eq(new.critical),
            releases::override_reason.eq(&new.override_reason),
            releases::signoffs_needed.eq(needed),
            releases::row_version.eq(1),
            releases::created_by.eq(&new.created_by),
            releases::created_at.eq(now.0),
        ))
        .returning(releases::id)
        .get_result(conn)?;
    if products::standing(conn, new.product)?.state == ProductState::Recorded {
        move_product(conn, new.product, ProductState::Candidate, "")?;
    }
    Ok(ReleaseId(id))
}

/// Moves a release to another state if it still is as `from` says, and raises its row version.
///
/// Errors: [`DbError::Changed`] otherwise, or where the table of transitions does not allow it.
pub fn set_state(
    conn: &mut Conn,
    from: &Release,
    next: ReleaseState,
    reason: &str,
) -> DbResult<()> {
    if !from.state.may_become(next) {
        return Err(DbError::Changed);
    }
    let moved = diesel::update(releases::table.find(from.id.0))
        .filter(releases::row_version.eq(from.row_version))
        .set((
            releases::state.eq(next.as_str()),
            releases::state_reason.eq(reason),
            releases::row_version.eq(releases::row_version + 1),
        ))
        .execute(conn)?;
    (moved == 1).then_some(()).ok_or(DbError::Changed)
}

/// Fixes when a release begins by itself.
pub fn set_start(conn: &mut Conn, release: &Release, at: Option<Time>) -> DbResult<()> {
    diesel::update(releases::table.find(release.id.0))
        .set(releases::starts_at.eq(at.map(|at| at.0)))
        .execute(conn)?;
    Ok(())
}

/// Changes how many of a hundred get it. Errors: [`DbError::Changed`] when somebody was faster.
pub fn set_percent(conn: &mut Conn, release: &Release, percent: i64) -> DbResult<()> {
    let changed = diesel::update(releases::table.find(release.id.0))
        .filter(releases::row_version.eq(release.row_version))
        .set((
            releases::rollout_percent.eq(percent),
            releases::row_version.eq(releases::row_version + 1),
        ))
        .execute(conn)?;
    (changed == 1).then_some(()).ok_or(DbError::Changed)
}

/// Raises the row version, so that whoever looked before finds it changed.
pub fn touch(conn: &mut Conn, release: &Release) -> DbResult<()> {
    set_percent(conn, release, release.rollout_percent)
}

/// Every release of a product there ever was.
pub fn of_product(conn: &mut Conn, product: ProductId) -> DbResult<Vec<ReleaseId>> {
    let ids: Vec<i64> = releases::table
        .filter(releases::product_id.eq(product.0))
        .order(releases::id)
        .select(releases::id)
        .load(conn)?;
    Ok(ids.into_iter().map(ReleaseId).collect())
}

/// The scheduled releases that are due, and when the next one is.
pub fn due(conn: &mut Conn, now: Time) -> DbResult<(Vec<ReleaseId>, Option<Time>)> {
    /// Begun in one round; the rest begin in the next.
    const DUE_MAX: i64 = 50;
    let scheduled = releases::table
        .filter(releases::state.eq(ReleaseState::Scheduled.as_str()))
        .order((releases::starts_at, releases::id));
    let due: Vec<i64> = scheduled
        .filter(releases::starts_at.le(now.0))
        .limit(DUE_MAX)
        .select(releases::id)
        .load(conn)?;
    let next: Option<Option<i64>> = scheduled
        .filter(releases::starts_at.gt(now.0))
        .select(releases::starts_at)
        .first(conn)
        .optional()?;
    Ok((
        due.into_iter().map(ReleaseId).collect(),
        next.flatten().map(Time),
    ))
}

/// What somebody did to a release, for the audit trail and the events.
#[derive(Debug, Clone, Copy)]
pub struct Deed<'a> {
    /// Of the audit row: `release.go`.
    pub action: &'static str,
    /// Of the event: `release.live`.
    pub event: &'static str,
    /// Who did it.
    pub by: &'a str,
    /// Why, or what else is to be said.
    pub detail: &'a str,
}

/// Writes the audit row and the event of something done to a release, and returns the event's
/// number. Call it last in the transaction.
pub fn note(conn: &mut Conn, now: Time, release: &Release, deed: Deed<'_>) -> DbResult<i64> {
    let (done, id) = (AuditOutcome::Done, release.id.to_string());
    let (by, action) = (deed.by, deed.action);
    audit::append(conn, now, by, action, "release", &id, done, deed.detail)?;
    let detail = serde_json::json!({
        "release": release.id,
        "project": release.project,
        "branch": release.branch,
        "target": release.target,
        "version": release.version,
        "by": by,
        "detail": deed.detail,
    });
    let event = events::NewEvent {
        kind: deed.event,
        product: Some(release.product),
        detail: detail.to_string(),
        ..events::NewEvent::default()
    };
    events::append(conn, now, &event)
}

/// Moves a product along with its release, where it is not there yet.
pub(super) fn move_product(
    conn: &mut Conn,
    id: ProductId,
    next: ProductState,
    reason: &str,
) -> DbResult<()> {
    let standing = products::standing(conn, id)?;
    if standing.state == next {
        return Ok(());
    }
    products::set_state(conn, id, standing.row_version, next, reason).map(|_| ())
}

#[cfg(test)]
mod tests;
