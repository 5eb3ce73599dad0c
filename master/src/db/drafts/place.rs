//! Where a product that is announced stands in the order of its branch: position of the source
//! change, then number of the build. It is fixed with the draft, so that a slow upload is never
//! the latest for being slow.

use diesel::prelude::*;

use crate::db::schema::{
    branches, builders, builds, changes, drafts, products, projects, repositories,
};
use crate::db::{Conn, DbResult, requests};
use crate::ids::{BuildId, ProductId, RequestId};
use crate::model::DraftState;

/// What is announced, as far as the order goes.
#[derive(Debug, Clone, Copy)]
pub struct Announced<'a> {
    /// Name of the project.
    pub project: &'a str,
    /// Name of the branch.
    pub branch: &'a str,
    /// Target.
    pub target: &'a str,
    /// Revision; empty when nobody knows.
    pub revision: &'a str,
    /// Position, where somebody said it.
    pub position: Option<i64>,
    /// Number of the build, where somebody said it.
    pub number: Option<i64>,
}

/// A build of ours, as far as its products go.
#[derive(Debug, Clone)]
pub struct OfBuild {
    /// Name of the project.
    pub project: String,
    /// Name of the builder.
    pub builder: String,
    /// Its number at the builder.
    pub number: i64,
    /// What it built.
    pub stamps: Vec<Stamp>,
}

pub use crate::db::requests::Stamp;

/// Where products of a build stand; `None` when there is no such build.
pub fn of_build(conn: &mut Conn, id: BuildId) -> DbResult<Option<OfBuild>> {
    let row: Option<(String, String, i64, i64)> = builds::table
        .inner_join(builders::table.inner_join(projects::table))
        .filter(builds::id.eq(id.0))
        .select((
            projects::name,
            builders::name,
            builds::number,
            builds::request_id,
        ))
        .first(conn)
        .optional()?;
    let Some((project, builder, number, request)) = row else {
        return Ok(None);
    };
    Ok(Some(OfBuild {
        project,
        builder,
        number,
        stamps: requests::stamps(conn, RequestId(request))?,
    }))
}

/// Project, branch and target of a product; `None` when there is no such product.
pub fn feed_of(conn: &mut Conn, id: ProductId) -> DbResult<Option<(String, String, String)>> {
    Ok(products::table
        .inner_join(branches::table.inner_join(projects::table))
        .filter(products::id.eq(id.0))
        .select((projects::name, branches::name, products::target))
        .first(conn)
        .optional()?)
}

/// Position and number of what is announced.
///
/// The position is that of the revision, as the repository or an earlier product of the branch
/// tells. One that nobody knows is as new as the branch's newest change, or where the branch has no
/// changes, newer than every product. The number follows on the highest at that position.
pub fn of(conn: &mut Conn, what: &Announced<'_>) -> DbResult<(i64, i64)> {
    let position = match what.position {
        Some(position) => position,
        None => position(conn, what)?,
    };
    let number = match what.number {
        Some(number) => number,
        None => number_at(conn, what, position)?.saturating_add(1),
    };
    Ok((position, number))
}

fn position(conn: &mut Conn, what: &Announced<'_>) -> DbResult<i64> {
    if !what.revision.is_empty() {
        if let Some(position) = of_change(conn, what, true)? {
            return Ok(position);
        }
        if let Some(position) = of_product(conn, what, true)? {
            return Ok(position);
        }
    }
    let products = of_product(conn, what, false)?.unwrap_or(0);
    Ok(match of_change(conn, what, false)? {
        Some(newest) => newest.max(products),
        None => products.saturating_add(1),
    })
}

/// The highest position of a change on the branch, of this revision alone where asked for.
fn of_change(conn: &mut Conn, what: &Announced<'_>, same: bool) -> DbResult<Option<i64>> {
    let mut query = changes::table
        .inner_join(repositories::table.inner_join(projects::table))
        .filter(projects::name.eq(what.project))
        .filter(changes::branch.eq(what.branch))
        .select(diesel::dsl::max(changes::position))
        .into_boxed();
    if same {
        query = query.filter(changes::revision.eq(what.revision));
    }
    Ok(query.first(conn)?)
}

/// The highest position of a product or an open draft on the branch, likewise.
fn of_product(conn: &mut Conn, what: &Announced<'_>, same: bool) -> DbResult<Option<i64>> {
    let mut recorded = products::table
        .inner_join(branches::table.inner_join(projects::table))
        .filter(projects::name.eq(what.project))
        .filter(branches::name.eq(what.branch))
        .select(diesel::dsl::max(products::seq_position))
        .into_boxed();
    let mut open = drafts::table
        .filter(drafts::project.eq(what.project))
        .filter(drafts::branch.eq(what.branch))
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .select(diesel::dsl::max(drafts::seq_position))
        .into_boxed();
    if same {
        recorded = recorded.filter(products::revision.eq(what.revision));
        open = open.filter(drafts::revision.eq(what.revision));
    }
    let recorded: Option<i64> = recorded.first(conn)?;
    let open: Option<i64> = open.first(conn)?;
    Ok(recorded.max(open))
}

/// The highest number of a build at the position, for the target; 0 when there is none.
fn number_at(conn: &mut Conn, what: &Announced<'_>, position: i64) -> DbResult<i64> {
    let recorded: Option<i64> = products::table
        .inner_join(branches::table.inner_join(projects::table))
        .filter(projects::name.eq(what.project))
        .filter(branches::name.eq(what.branch))
        .filter(products::target.eq(what.target))
        .filter(products::seq_position.eq(position))
        .select(diesel::dsl::max(products::seq_build))
        .first(conn)?;
    let open: Option<i64> = drafts::table
        .filter(drafts::project.eq(what.project))
        .filter(drafts::branch.eq(what.branch))
        .filter(drafts::target.eq(what.target))
        .filter(drafts::state.eq(DraftState::Open.as_str()))
        .filter(drafts::seq_position.eq(position))
        .select(diesel::dsl::max(drafts::build_number))
        .first(conn)?;
    Ok(recorded.max(open).unwrap_or(0))
}
