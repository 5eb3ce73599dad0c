//! Files that were published to a site, by the branch whose feeds want them, so that what changed
//! and what nobody wants any more is found without asking the site. A file that the feeds of
//! several branches want has a row for each.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::{branches, products, projects, published_feeds as rows};
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::{BranchId, ProductId};
use crate::updates::HOPS_MAX;

/// Rows of one branch: a hundred targets of a hundred files.
const READ_MAX: i64 = 10_000;
/// Branches that answer by another one: people redirect them one by one.
const FOLLOWERS_MAX: i64 = 10_000;

/// A branch's feeds at a site.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The site, as the configuration writes it.
    pub site: String,
    /// Name of the project.
    pub project: String,
    /// The branch's feed token.
    pub token: String,
}

/// A file at a site.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Published {
    /// Path below the site, without a slash in front.
    pub path: String,
    /// SHA-256 of its content.
    pub sha256: String,
    /// Whether it is a feed, which is wrong as soon as it is old; else a file that feeds name.
    pub is_feed: bool,
}

/// What is published of a branch, by path; also files that its feeds no longer name.
pub fn of(conn: &mut Conn, place: &Place) -> DbResult<Vec<Published>> {
    Ok(rows::table
        .filter(rows::site.eq(&place.site))
        .filter(rows::project.eq(&place.project))
        .filter(rows::feed_token.eq(&place.token))
        .order(rows::path)
        .limit(READ_MAX)
        .select((rows::path, rows::sha256, rows::is_feed))
        .load(conn)?)
}

/// Notes that a branch's feeds want these files at `now`.
pub fn note(conn: &mut Conn, now: Time, place: &Place, files: &[Published]) -> DbResult<()> {
    for file in files {
        let values = (
            rows::site.eq(&place.site),
            rows::project.eq(&place.project),
            rows::feed_token.eq(&place.token),
            rows::path.eq(&file.path),
            rows::sha256.eq(&file.sha256),
            rows::is_feed.eq(file.is_feed),
            rows::published_at.eq(now.0),
        );
        let key = (rows::site, rows::project, rows::feed_token, rows::path);
        per_engine!(conn, inner => diesel::insert_into(rows::table)
            .values(values)
            .on_conflict(key)
            .do_update()
            .set((rows::sha256.eq(&file.sha256), rows::published_at.eq(now.0)))
            .execute(inner))?;
    }
    Ok(())
}

/// Paths of a branch that its feeds last wanted before `before`, each with whether another branch
/// has the same file there.
pub fn unwanted(conn: &mut Conn, place: &Place, before: Time) -> DbResult<Vec<(String, bool)>> {
    let paths: Vec<String> = rows::table
        .filter(rows::site.eq(&place.site))
        .filter(rows::project.eq(&place.project))
        .filter(rows::feed_token.eq(&place.token))
        .filter(rows::published_at.lt(before.0))
        .order(rows::path)
        .limit(READ_MAX)
        .select(rows::path)
        .load(conn)?;
    let mut found = Vec::new();
    for path in paths {
        let others: i64 = rows::table
            .filter(rows::site.eq(&place.site))
            .filter(rows::path.eq(&path))
            .count()
            .get_result(conn)?;
        found.push((path, others > 1));
    }
    Ok(found)
}

/// Forgets files of a branch that were removed.
pub fn forget(conn: &mut Conn, place: &Place, paths: &[String]) -> DbResult<()> {
    for path in paths {
        let key = (&place.site, &place.project, &place.token, path);
        diesel::delete(rows::table.find(key)).execute(conn)?;
    }
    Ok(())
}

/// The branches whose feeds a product may change, as project and feed token: its own, and those
/// that follow it.
pub fn fed_by(conn: &mut Conn, product: ProductId) -> DbResult<Vec<(String, String)>> {
    let own: Option<i64> = products::table
        .find(product.0)
        .select(products::branch_id)
        .first(conn)
        .optional()?;
    let mut all: Vec<BranchId> = own.map(BranchId).into_iter().collect();
    let mut newest = all.clone();
    for _ in 0..HOPS_MAX {
        let ids = newest.iter().map(|id| id.0);
        let followers: Vec<i64> = branches::table
            .filter(branches::follows_branch_id.eq_any(ids))
            .limit(FOLLOWERS_MAX)
            .select(branches::id)
            .load(conn)?;
        newest = followers.into_iter().map(BranchId).collect();
        newest.retain(|id| !all.contains(id));
        if newest.is_empty() {
            break;
        }
        all.extend(&newest);
    }
    Ok(branches::table
        .inner_join(projects::table)
        .filter(branches::id.eq_any(all.iter().map(|id| id.0)))
        .select((projects::name, branches::feed_token))
        .load(conn)?)
}

#[cfg(test)]
mod tests;
