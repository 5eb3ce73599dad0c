//! Projects: the product lines of the configuration. Names are never reused; rows stay.

use diesel::prelude::*;

use super::schema::projects;
use super::{Conn, DbResult, settings};
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

/// The names of all projects there ever were.
#[cfg(test)]
pub(crate) fn all_names(conn: &mut Conn) -> DbResult<Vec<String>> {
    Ok(projects::table.select(projects::name).load(conn)?)
}

/// What decides who may see a project's products.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Privacy {
    /// Whether those who have not said who they are see nothing of its products.
    pub is_private: bool,
    /// The keys with which its feeds answer all the same, the one in force first.
    pub feed_keys: Vec<String>,
}

/// Says which of the configured projects are private. One that left the configuration stays what
/// it was.
pub fn set_private(conn: &mut Conn, configured: &[(String, bool)]) -> DbResult<()> {
    for (name, is_private) in configured {
        let row = projects::table.filter(projects::name.eq(name));
        diesel::update(row.filter(projects::private.ne(is_private)))
            .set(projects::private.eq(is_private))
            .execute(conn)?;
    }
    Ok(())
}

/// Who may see the products of the project of this name.
pub fn privacy(conn: &mut Conn, name: &str) -> DbResult<Privacy> {
    let (is_private, keys): (bool, Option<String>) = projects::table
        .filter(projects::name.eq(name))
        .select((projects::private, projects::feed_keys))
        .first(conn)?;
    Ok(Privacy {
        is_private,
        feed_keys: keys.map_or_else(Vec::new, |keys| keys.lines().map(str::to_owned).collect()),
    })
}

/// Gives the project a new feed key, and returns those that are good now. The last one stays good,
/// so that applications in the field can move to the new one; older ones are not.
pub fn rotate_feed_key(conn: &mut Conn, name: &str) -> DbResult<Vec<String>> {
    let mut keys = privacy(conn, name)?.feed_keys;
    keys.insert(0, settings::random_key()?);
    keys.truncate(2);
    diesel::update(projects::table.filter(projects::name.eq(name)))
        .set(projects::feed_keys.eq(keys.join("\n")))
        .execute(conn)?;
    Ok(keys)
}

/// The id of the project of this name.
pub fn id_by_name(conn: &mut Conn, name: &str) -> DbResult<ProjectId> {
    let id: i64 = projects::table
        .filter(projects::name.eq(name))
        .select(projects::id)
        .first(conn)?;
    Ok(ProjectId(id))
}
