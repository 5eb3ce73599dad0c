//! Which targets a feed has, and files of a branch by their name: for formats whose clients ask in
//! words of their own, and below the feed's own address.

use diesel::prelude::*;

use super::feed::{self, Feed};
use crate::db::schema::{product_files, products};
use crate::db::{Conn, DbResult};
use crate::ids::BranchId;

/// Targets of one branch that are looked at: systems times processors times flavours.
const TARGETS_MAX: usize = 200;
/// Builds of one version that are looked at for a file.
const SAME_VERSION_MAX: i64 = 20;

/// A file of a product, as its address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedFile {
    /// Its role.
    pub role: String,
    /// Its name.
    pub name: String,
    /// SHA-256 of its content.
    pub sha256: String,
}

/// The targets of the branch that answers for a feed, by name.
///
/// Errors: [`crate::db::DbError::NotFound`] when project or feed are unknown.
pub fn targets(conn: &mut Conn, feed: &Feed) -> DbResult<Vec<String>> {
    let (_, asked) = feed::by_token(conn, feed)?;
    let trail = feed::trail(conn, asked)?;
    match trail.end() {
        Some(hop) => of_branch(conn, hop.id),
        None => Ok(Vec::new()),
    }
}

/// From one target to the next by the index, however many products there are of each.
fn of_branch(conn: &mut Conn, branch: BranchId) -> DbResult<Vec<String>> {
    let mut all: Vec<String> = Vec::new();
    while all.len() < TARGETS_MAX {
        let after = all.last().cloned().unwrap_or_default();
        let next: Option<String> = products::table
            .filter(products::branch_id.eq(branch.0))
            .filter(products::target.gt(&after))
            .select(products::target)
            .order(products::target)
            .first(conn)
            .optional()?;
        match next {
            Some(next) => all.push(next),
            None => break,
        }
    }
    Ok(all)
}

/// The branches from which an application of the feed may have come: the asked one and those that
/// it follows, with their targets, the one that answers first.
fn places(conn: &mut Conn, feed: &Feed) -> DbResult<Vec<(BranchId, Vec<String>)>> {
    let (_, asked) = feed::by_token(conn, feed)?;
    let trail = feed::trail(conn, asked)?;
    let mut places = Vec::new();
    for hop in trail.hops().iter().rev() {
        places.push((hop.id, of_branch(conn, hop.id)?));
    }
    Ok(places)
}

/// The newest file of this name in the feed's branch, whatever its target.
pub fn newest(conn: &mut Conn, feed: &Feed, name: &str) -> DbResult<Option<NamedFile>> {
    for (branch, targets) in places(conn, feed)? {
        for target in targets {
            let found: Option<(String, String)> = products::table
                .inner_join(product_files::table)
                .filter(products::branch_id.eq(branch.0))
                .filter(products::target.eq(&target))
                .filter(product_files::name.eq(name))
                .order((products::seq_position.desc(), products::seq_build.desc()))
                .select((product_files::role, product_files::blob_sha256))
                .first(conn)
                .optional()?;
            if let Some((role, sha256)) = found {
                return Ok(Some(NamedFile {
                    role,
                    name: name.to_owned(),
                    sha256,
                }));
            }
        }
    }
    Ok(None)
}

/// The files of each build of `version` for the targets that `suits`, the newest build first.
pub fn of_version(
    conn: &mut Conn,
    feed: &Feed,
    version: &str,
    suits: impl Fn(&str) -> bool,
) -> DbResult<Vec<Vec<NamedFile>>> {
    let mut builds = Vec::new();
    for (branch, targets) in places(conn, feed)? {
        for target in targets.iter().filter(|target| suits(target)) {
            let ids: Vec<i64> = products::table
                .filter(products::branch_id.eq(branch.0))
                .filter(products::target.eq(target))
                .filter(
                    products::feed_version
                        .eq(version)
                        .or(products::version.eq(version)),
                )
                .order((products::seq_position.desc(), products::seq_build.desc()))
                .limit(SAME_VERSION_MAX)
                .select(products::id)
                .load(conn)?;
            for id in ids {
                builds.push(files(conn, id)?);
            }
        }
    }
    Ok(builds)
}

fn files(conn: &mut Conn, product: i64) -> DbResult<Vec<NamedFile>> {
    let rows: Vec<(String, String, String)> = product_files::table
        .filter(product_files::product_id.eq(product))
        .order(product_files::id)
        .select((
            product_files::role,
            product_files::name,
            product_files::blob_sha256,
        ))
        .load(conn)?;
    let file = |(role, name, sha256)| NamedFile { role, name, sha256 };
    Ok(rows.into_iter().map(file).collect())
}
