//! Repositories: the configured ones and how their last poll ended.

use diesel::prelude::*;

use super::schema::repositories;
use super::{Conn, DbResult, projects};
use crate::clock::Time;
use crate::ids::RepositoryId;

/// Longest poll error kept, bytes: the last lines of what the program said.
const POLL_ERROR_BYTES_MAX: usize = 2_000;

/// A configured repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// Its name.
    pub name: String,
    /// The project it belongs to.
    pub project: String,
    /// `git`.
    pub vcs: &'static str,
    /// URL or path.
    pub url: String,
}

/// Makes or changes the rows of the configured repositories; their projects are there already.
pub fn sync(conn: &mut Conn, configured: &[Configured]) -> DbResult<()> {
    for one in configured {
        let project = projects::id_by_name(conn, &one.project)?;
        let values = (
            repositories::project_id.eq(project.0),
            repositories::vcs.eq(one.vcs),
            repositories::url.eq(&one.url),
        );
        let kept = diesel::update(repositories::table.filter(repositories::name.eq(&one.name)))
            .set(values)
            .execute(conn)?;
        if kept == 0 {
            diesel::insert_into(repositories::table)
                .values((repositories::name.eq(&one.name), values))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// The id of the repository of this name.
pub fn id_by_name(conn: &mut Conn, name: &str) -> DbResult<RepositoryId> {
    let id: i64 = repositories::table
        .filter(repositories::name.eq(name))
        .select(repositories::id)
        .first(conn)?;
    Ok(RepositoryId(id))
}

/// Records that it was asked now, with what went wrong if something did.
pub fn record_poll(
    conn: &mut Conn,
    now: Time,
    id: RepositoryId,
    error: Option<&str>,
) -> DbResult<()> {
    let error = error.map(|text| super::storable(text, POLL_ERROR_BYTES_MAX));
    diesel::update(repositories::table.find(id.0))
        .set((
            repositories::polled_at.eq(now.0),
            repositories::poll_error.eq(error),
        ))
        .execute(conn)?;
    Ok(())
}
