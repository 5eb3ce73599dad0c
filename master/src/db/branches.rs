//! Branches of projects: made when they are first built or asked for, each with a feed token
//! that is part of update addresses and never used twice.

use diesel::prelude::*;

use super::conn::per_engine;
use super::schema::{branches, projects};
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{BranchId, ProjectId};

pub mod view;

/// Longest readable part of a feed token: keeps update addresses short.
const SLUG_CHARS_MAX: usize = 40;
/// Branches of a project that are published: far more than anybody has.
const TOKENS_MAX: i64 = 100_000;

/// The branch of this name in a project, made with a fresh feed token when there is none. Two
/// transactions that need a new branch at once get the same one.
pub fn ensure(conn: &mut Conn, now: Time, project: ProjectId, name: &str) -> DbResult<BranchId> {
    if let Some(id) = known(conn, project, name)? {
        return Ok(id);
    }
    let values = (
        branches::project_id.eq(project.0),
        branches::name.eq(name),
        branches::feed_token.eq(feed_token(name)?),
        branches::state.eq("active"),
        branches::created_at.eq(now.0),
    );
    per_engine!(conn, inner => diesel::insert_into(branches::table)
        .values(values)
        .on_conflict((branches::project_id, branches::name))
        .do_nothing()
        .execute(inner))?;
    known(conn, project, name)?.ok_or(DbError::NotFound)
}

/// The branch of this name in a project, if there is one.
pub fn find(conn: &mut Conn, project: ProjectId, name: &str) -> DbResult<Option<BranchId>> {
    known(conn, project, name)
}

fn known(conn: &mut Conn, project: ProjectId, name: &str) -> DbResult<Option<BranchId>> {
    let id: Option<i64> = branches::table
        .filter(branches::project_id.eq(project.0))
        .filter(branches::name.eq(name))
        .select(branches::id)
        .first(conn)
        .optional()?;
    Ok(id.map(BranchId))
}

/// The feed tokens of a project's branches, of those that were deleted too: their applications
/// still ask.
pub fn tokens(conn: &mut Conn, project: &str) -> DbResult<Vec<String>> {
    let tokens = branches::table
        .inner_join(projects::table)
        .filter(projects::name.eq(project))
        .order(branches::id)
        .limit(TOKENS_MAX)
        .select(branches::feed_token)
        .load(conn)?;
    Ok(tokens)
}

/// The feed token of the branch of this name, if there is such a branch.
pub fn known_token(conn: &mut Conn, project: &str, name: &str) -> DbResult<Option<String>> {
    let token = branches::table
        .inner_join(projects::table)
        .filter(projects::name.eq(project))
        .filter(branches::name.eq(name))
        .select(branches::feed_token)
        .first(conn)
        .optional()?;
    Ok(token)
}

/// The feed token of a branch.
pub fn token(conn: &mut Conn, id: BranchId) -> DbResult<String> {
    Ok(branches::table
        .find(id.0)
        .select(branches::feed_token)
        .first(conn)?)
}

/// The branch's name as far as it is safe in addresses, and 48 random bits: two branches never
/// share a token, nor does a branch made again get the old one.
fn feed_token(name: &str) -> DbResult<String> {
    let mut slug = String::new();
    for c in name.chars().take(SLUG_CHARS_MAX) {
        match c {
            c if c.is_ascii_alphanumeric() => slug.push(c.to_ascii_lowercase()),
            _ if slug.is_empty() || slug.ends_with('-') => {}
            _ => slug.push('-'),
        }
    }
    let slug = slug.trim_end_matches('-');
    let slug = if slug.is_empty() { "branch" } else { slug };
    let mut random = [0_u8; 8];
    getrandom::fill(&mut random[2..])
        .map_err(|error| DbError::Open(format!("the system gives no random bytes: {error}")))?;
    Ok(format!("{slug}-{:012x}", u64::from_be_bytes(random)))
}

#[cfg(test)]
mod tests {
    //! Branches made by several transactions at once.

    use super::*;
    use crate::db::tests::engines;
    use crate::db::{projects, settings};

    /// Transactions at once: as many as a lane has connections.
    const MANY: usize = 6;

    #[tokio::test]
    async fn two_that_need_a_new_branch_at_once_get_the_same_one() {
        for test in engines() {
            let make = |conn: &mut Conn| {
                let titles = [("editor".to_owned(), "Editor".to_owned())];
                projects::sync(conn, Time(1), &titles)?;
                projects::id_by_name(conn, "editor")
            };
            let project = test.db.tx("test", make).await.unwrap();
            for round in 0..10 {
                let name = format!("release/{round}");
                let ensured = (0..MANY).map(|_| {
                    let (db, name) = (test.db.clone(), name.clone());
                    let work = move |conn: &mut Conn| {
                        let deployment = settings::deployment(conn)?;
                        Ok((ensure(conn, Time(2), project, &name)?, deployment))
                    };
                    async move { db.tx("test", work).await.unwrap() }
                });
                let all = futures_util::future::join_all(ensured).await;
                assert!(all.iter().all(|one| *one == all[0]), "{all:?}");
            }
        }
    }
}
