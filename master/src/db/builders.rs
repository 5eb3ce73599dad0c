//! Builders: the recipes of the configuration, as rows that history hangs on.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::builders;
use super::{Conn, DbResult, projects};
use crate::clock::Time;
use crate::ids::BuilderId;

/// A configured builder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Configured {
    /// Its name.
    pub name: String,
    /// The project it belongs to.
    pub project: String,
    /// Its tags.
    pub tags: Vec<String>,
}

/// Makes or changes the rows of the configured builders; those that vanished from the
/// configuration become inactive and keep their history.
pub fn sync(conn: &mut Conn, now: Time, configured: &[Configured]) -> DbResult<()> {
    diesel::update(builders::table)
        .set(builders::active.eq(false))
        .execute(conn)?;
    for one in configured {
        let project = projects::id_by_name(conn, &one.project)?;
        let tags = serde_json::to_string(&one.tags).unwrap_or_else(|_| "[]".to_owned());
        let values = (
            builders::project_id.eq(project.0),
            builders::tags.eq(tags),
            builders::active.eq(true),
        );
        let kept = diesel::update(builders::table.filter(builders::name.eq(&one.name)))
            .set(values.clone())
            .execute(conn)?;
        if kept == 0 {
            diesel::insert_into(builders::table)
                .values((
                    builders::name.eq(&one.name),
                    builders::next_number.eq(1),
                    builders::created_at.eq(now.0),
                    values,
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// The id of the builder of this name.
pub fn id_by_name(conn: &mut Conn, name: &str) -> DbResult<BuilderId> {
    let id: i64 = builders::table
        .filter(builders::name.eq(name))
        .select(builders::id)
        .first(conn)?;
    Ok(BuilderId(id))
}

/// The name of the builder of this id.
pub fn name_by_id(conn: &mut Conn, id: BuilderId) -> DbResult<String> {
    Ok(builders::table
        .find(id.0)
        .select(builders::name)
        .first(conn)?)
}

/// Every builder's id and name, inactive ones too.
pub fn names(conn: &mut Conn) -> DbResult<BTreeMap<BuilderId, String>> {
    let rows: Vec<(i64, String)> = builders::table
        .select((builders::id, builders::name))
        .load(conn)?;
    let pairs = rows.into_iter();
    Ok(pairs.map(|(id, name)| (BuilderId(id), name)).collect())
}

/// Takes the next build number of a builder.
pub(super) fn take_number(conn: &mut Conn, id: BuilderId) -> DbResult<i64> {
    let next: i64 = diesel::update(builders::table.find(id.0))
        .set(builders::next_number.eq(builders::next_number + 1))
        .returning(builders::next_number)
        .get_result(conn)?;
    Ok(next - 1)
}
