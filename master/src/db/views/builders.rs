//! Builders with how they stand.

use std::collections::HashMap;

use diesel::dsl::count_star;
use diesel::prelude::*;

use super::{builds, texts};
use crate::db::schema::{builders, projects, requests};
use crate::db::{Conn, DbResult, sight};
use crate::ids::BuilderId;
use crate::model::{BuilderFilter, BuilderSummary, RequestState, Sight};

/// Most builders told at once: each costs two small queries, and a page of more is unreadable.
pub const BUILDERS_MAX: i64 = 500;

type Row = (i64, String, String, String, bool);

/// The builders that `filter` lets through, by name; those that left the configuration only when
/// asked for by name.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    filter: &BuilderFilter,
) -> DbResult<Vec<BuilderSummary>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = builders::table
        .inner_join(projects::table)
        .filter(builders::project_id.ne_all(hidden))
        .order(builders::name)
        .limit(BUILDERS_MAX)
        .select((
            builders::id,
            builders::name,
            projects::name,
            builders::tags,
            builders::active,
        ))
        .into_boxed();
    match &filter.name {
        Some(name) => query = query.filter(builders::name.eq(name.clone())),
        None => query = query.filter(builders::active.eq(true)),
    }
    if let Some(project) = &filter.project {
        query = query.filter(projects::name.eq(project.clone()));
    }
    let rows: Vec<Row> = query.load(conn)?;
    let running = builds::running(conn, sight)?;
    let pending = pending(conn)?;
    let mut all = Vec::new();
    for (id, name, project, tags, active) in rows {
        let tags = texts(&tags);
        if filter.tag.as_ref().is_some_and(|tag| !tags.contains(tag)) {
            continue;
        }
        let id = BuilderId(id);
        let last = builds::last_finished(conn, id, i64::MAX)?;
        let since = last.as_ref().map(|last| builds::since(conn, last));
        let own = running.iter().filter(|build| build.builder_id == id);
        all.push(BuilderSummary {
            since: since.transpose()?.flatten(),
            recent: builds::recent(conn, id)?,
            running: own.cloned().collect(),
            pending: pending.get(&id).copied().unwrap_or(0),
            id,
            name,
            project,
            tags,
            active,
            last,
        });
    }
    Ok(all)
}

/// Waiting requests per builder.
fn pending(conn: &mut Conn) -> DbResult<HashMap<BuilderId, i64>> {
    let rows: Vec<(i64, i64)> = requests::table
        .filter(requests::state.eq(RequestState::Pending.as_str()))
        .group_by(requests::builder_id)
        .select((requests::builder_id, count_star()))
        .load(conn)?;
    let counted = |(id, count)| (BuilderId(id), count);
    Ok(rows.into_iter().map(counted).collect())
}
