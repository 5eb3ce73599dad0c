//! What an update feed needs to know to answer one asker: a handful of indexed rows, however many
//! products there are. The decision is `updates`'; choices of a branch are `choices`'.

use diesel::prelude::*;

use super::choices::{self, CandidateRow, candidate, columns};
use crate::config::Config;
use crate::db::schema::{branches, products, projects, releases, shutoffs};
use crate::db::{Conn, DbError, DbResult};
use crate::ids::{BranchId, ProductId, ProjectId};
use crate::model::{ReleaseState, VersionScheme};
use crate::updates::{Asker, Candidate, Facts, Hop, ShutOff, Trail, place};

/// Products of the asker's version that are looked at: a version is built again a few times, not
/// hundreds.
const SAME_VERSION_MAX: i64 = 200;
/// Live shut-offs of a project that are looked at: people make them one by one.
const SHUT_OFFS_MAX: i64 = 1_000;

/// Which products a feed is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Feed {
    /// Name of the project.
    pub project: String,
    /// The branch's feed token.
    pub token: String,
    /// Target.
    pub target: String,
}

/// What the configuration says of a project's feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How version texts are compared.
    pub scheme: VersionScheme,
    /// Whether branches offer nothing until something was released.
    pub only_released: bool,
}

impl Rules {
    /// Those of a project as it is configured; the usual ones where it is not.
    #[must_use]
    pub fn of(config: &Config, project: &str) -> Self {
        let project = config.projects.get(project);
        Self {
            scheme: project.map_or_else(VersionScheme::default, |project| project.version_scheme),
            only_released: project.is_some_and(|project| project.only_released),
        }
    }
}

/// Everything that the answer to `asker` is decided from.
///
/// Errors: [`DbError::NotFound`] when project or feed are unknown; no product is no error.
pub fn facts(conn: &mut Conn, feed: &Feed, asker: &Asker, rules: Rules) -> DbResult<Facts> {
    let (project, asked) = by_token(conn, feed)?;
    let trail = trail(conn, asked)?;
    let shut_offs = shut_offs(conn, project, &trail)?;
    let branch = trail.end().ok_or(DbError::NotFound)?.id;
    let offered = if shut_offs.is_empty() {
        choices::load(conn, branch, &feed.target, asker, rules.only_released)?
    } else {
        choices::Offered::default()
    };
    let own = match &asker.version {
        Some(version) if shut_offs.is_empty() => same_version(conn, branch, &feed.target, version)?,
        _ => Vec::new(),
    };
    let standing = place(&own, asker).map(|own| own.id);
    let rolled_back = match standing {
        Some(id) if offered.is_released && is_rolled_back(conn, id)? => vec![id],
        _ => Vec::new(),
    };
    Ok(Facts {
        trail,
        shut_offs,
        is_released: offered.is_released,
        choices: offered.choices,
        watersheds: offered.watersheds,
        own,
        rolled_back,
        scheme: rules.scheme,
    })
}

type BranchRow = (i64, i64, String, Option<i64>);

/// The branch that a feed's address names, and its project.
pub fn by_token(conn: &mut Conn, feed: &Feed) -> DbResult<(ProjectId, Hop)> {
    let row: BranchRow = branches::table
        .inner_join(projects::table)
        .filter(branches::feed_token.eq(&feed.token))
        .filter(projects::name.eq(&feed.project))
        .select((
            branches::id,
            branches::project_id,
            branches::name,
            branches::follows_branch_id,
        ))
        .first(conn)?;
    Ok((ProjectId(row.1), hop(row)))
}

/// The way from a branch to the one that answers for it.
pub fn trail(conn: &mut Conn, asked: Hop) -> DbResult<Trail> {
    let mut trail = Trail::begin(asked);
    while let Some(next) = trail.next() {
        let row: BranchRow = branches::table
            .find(next.0)
            .select((
                branches::id,
                branches::project_id,
                branches::name,
                branches::follows_branch_id,
            ))
            .first(conn)?;
        trail.go(hop(row));
    }
    Ok(trail)
}

fn hop((id, _, name, follows): BranchRow) -> Hop {
    Hop {
        id: BranchId(id),
        name,
        follows: follows.map(BranchId),
    }
}

/// What is shut off of the project, or of a branch on the way.
fn shut_offs(conn: &mut Conn, project: ProjectId, trail: &Trail) -> DbResult<Vec<ShutOff>> {
    let rows: Vec<(Option<i64>, String)> = shutoffs::table
        .filter(shutoffs::project_id.eq(project.0))
        .filter(shutoffs::lifted_at.is_null())
        .order(shutoffs::id)
        .limit(SHUT_OFFS_MAX)
        .select((shutoffs::branch_id, shutoffs::reason))
        .load(conn)?;
    let concerns =
        |branch: Option<i64>| branch.is_none_or(|id| trail.hops().iter().any(|hop| hop.id.0 == id));
    let shut_off = |(branch, reason): (Option<i64>, String)| ShutOff {
        branch: branch.map(BranchId),
        reason,
    };
    let all = rows.into_iter().filter(|(branch, _)| concerns(*branch));
    Ok(all.map(shut_off).collect())
}

/// The products of this version text or feed version, in whatever state.
fn same_version(
    conn: &mut Conn,
    branch: BranchId,
    target: &str,
    version: &str,
) -> DbResult<Vec<Candidate>> {
    let of = products::table
        .filter(products::branch_id.eq(branch.0))
        .filter(products::target.eq(target));
    let mut rows: Vec<CandidateRow> = of
        .filter(products::version.eq(version))
        .order((products::seq_position.desc(), products::seq_build.desc()))
        .limit(SAME_VERSION_MAX)
        .select(columns())
        .load(conn)?;
    let by_feed_version: Vec<CandidateRow> = of
        .filter(products::feed_version.eq(version))
        .order((products::seq_position.desc(), products::seq_build.desc()))
        .limit(SAME_VERSION_MAX)
        .select(columns())
        .load(conn)?;
    rows.extend(by_feed_version);
    rows.sort_by_key(CandidateRow::seq);
    rows.dedup_by_key(|row| row.id);
    // Where the asker stands does not depend on files that are still there.
    Ok(rows.into_iter().map(|row| candidate(row, true)).collect())
}

fn is_rolled_back(conn: &mut Conn, product: ProductId) -> DbResult<bool> {
    let found: Option<i64> = releases::table
        .filter(releases::product_id.eq(product.0))
        .filter(releases::state.eq(ReleaseState::RolledBack.as_str()))
        .select(releases::id)
        .first(conn)
        .optional()?;
    Ok(found.is_some())
}

#[cfg(test)]
mod tests;
