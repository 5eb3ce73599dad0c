//! Projects: the product lines of the configuration. Names are never reused; rows stay.

use diesel::prelude::*;

use super::schema::projects;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::ProjectId;

/// Makes or renames the rows of the configured projects: pairs of name and title.
pub fn sync(conn: &mut Conn, now: Time, configured: &[(String, String)]) -> DbResult<()> {
    for (name, title) in configured {
        let kept = diesel::update(projects::table.filter(projects::name.eq(name)))
            .set(projects::title.eq(title))
            .execute(conn)?;
        if kept == 0 {
            diesel::insert_into(projects::table)
                .values((
                    projects::name.eq(name),
                    projects::title.eq(title),
                    projects::created_at.eq(now.0),
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// The id of the project of this name.
pub fn id_by_name(conn: &mut Conn, name: &str) -> DbResult<ProjectId> {
    let id: i64 = projects::table
        .filter(projects::name.eq(name))
        .select(projects::id)
        .first(conn)?;
    Ok(ProjectId(id))
}
