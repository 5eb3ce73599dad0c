//! Changes, with the builds they are in.

use std::collections::HashMap;

use diesel::prelude::*;

use super::{LIMIT, texts, word};
use crate::clock::Time;
use crate::db::schema::{builders, builds, changes, repositories, request_changes};
use crate::db::{Conn, DbResult, sight};
use crate::ids::{BuildId, ChangeId, RequestId};
use crate::model::{BUILD_CHANGES_MAX, ChangeBuild, ChangeFilter, ChangeSummary, Page, Sight};

/// Most builds told with the changes of one page: fifty changes of a dozen builders each.
const BUILDS_MAX: i64 = 1_000;

#[derive(Queryable)]
struct Row {
    id: i64,
    repository: String,
    branch: String,
    revision: String,
    position: i64,
    author: String,
    author_email: Option<String>,
    message: String,
    files: String,
    files_total: i64,
    committed_at: i64,
    seen_at: i64,
}

/// The rows of changes with their repository's name, as `Row` wants them.
macro_rules! rows {
    () => {
        changes::table.inner_join(repositories::table).select((
            changes::id,
            repositories::name,
            changes::branch,
            changes::revision,
            changes::position,
            changes::author,
            changes::author_email,
            changes::message,
            changes::files,
            changes::files_total,
            changes::committed_at,
            changes::seen_at,
        ))
    };
}

/// The changes that `filter` lets through, newest first, each with its builds.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    filter: &ChangeFilter,
) -> DbResult<Page<ChangeSummary, ChangeId>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = rows!().order(changes::id.desc()).limit(LIMIT).into_boxed();
    if !hidden.is_empty() {
        query = query.filter(repositories::project_id.ne_all(hidden.clone()));
    }
    if let Some(repository) = &filter.repository {
        query = query.filter(repositories::name.eq(repository.clone()));
    }
    if let Some(branch) = &filter.branch {
        query = query.filter(changes::branch.eq(branch.clone()));
    }
    if let Some(before) = filter.before {
        query = query.filter(changes::id.lt(before.0));
    }
    let rows: Vec<Row> = query.load(conn)?;
    let mut page = Page::of(rows, |row| ChangeId(row.id)).map(change);
    let ids: Vec<i64> = page.items.iter().map(|change| change.id.0).collect();
    let mut builds = builds_of(conn, &hidden, ids)?;
    for change in &mut page.items {
        change.builds = builds.remove(&change.id).unwrap_or_default();
    }
    Ok(page)
}

/// One change with its builds.
pub fn show(conn: &mut Conn, sight: Sight, id: ChangeId) -> DbResult<ChangeSummary> {
    sight::change(conn, sight, id)?;
    let hidden = sight::hidden(conn, sight)?;
    let row: Row = rows!().filter(changes::id.eq(id.0)).first(conn)?;
    let mut change = change(row);
    let mut builds = builds_of(conn, &hidden, vec![id.0])?;
    change.builds = builds.remove(&id).unwrap_or_default();
    Ok(change)
}

/// The changes of these ids without builds, the latest on their branch first.
pub fn find_all(conn: &mut Conn, ids: &[ChangeId]) -> DbResult<Vec<ChangeSummary>> {
    let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
    let rows: Vec<Row> = rows!()
        .filter(changes::id.eq_any(ids))
        .order(changes::position.desc())
        .load(conn)?;
    Ok(rows.into_iter().map(change).collect())
}

/// The changes of a request, newest first, without builds.
pub(super) fn of_request(conn: &mut Conn, request: RequestId) -> DbResult<Vec<ChangeSummary>> {
    let of_request = request_changes::table
        .filter(request_changes::request_id.eq(request.0))
        .select(request_changes::change_id);
    let rows: Vec<Row> = rows!()
        .filter(changes::id.eq_any(of_request))
        .order(changes::id.desc())
        .limit(BUILD_CHANGES_MAX as i64)
        .load(conn)?;
    Ok(rows.into_iter().map(change).collect())
}

/// The builds of these changes, but those of projects that are `hidden`.
fn builds_of(
    conn: &mut Conn,
    hidden: &[i64],
    ids: Vec<i64>,
) -> DbResult<HashMap<ChangeId, Vec<ChangeBuild>>> {
    let rows: Vec<(i64, i64, String, i64, String, Option<String>)> = request_changes::table
        .inner_join(builds::table.on(builds::request_id.eq(request_changes::request_id)))
        .inner_join(builders::table.on(builders::id.eq(builds::builder_id)))
        .filter(request_changes::change_id.eq_any(ids))
        .filter(builders::project_id.ne_all(hidden))
        .order(builds::id.desc())
        .limit(BUILDS_MAX)
        .select((
            request_changes::change_id,
            builds::id,
            builders::name,
            builds::number,
            builds::state,
            builds::result,
        ))
        .load(conn)?;
    let mut all: HashMap<ChangeId, Vec<ChangeBuild>> = HashMap::new();
    for (change, id, builder, number, state, result) in rows {
        all.entry(ChangeId(change)).or_default().push(ChangeBuild {
            id: BuildId(id),
            builder,
            number,
            state: word(&state)?,
            result: result.as_deref().map(word).transpose()?,
        });
    }
    Ok(all)
}

fn change(row: Row) -> ChangeSummary {
    ChangeSummary {
        id: ChangeId(row.id),
        repository: row.repository,
        branch: row.branch,
        revision: row.revision,
        position: row.position,
        author: row.author,
        author_email: row.author_email,
        message: row.message,
        files: texts(&row.files),
        files_total: row.files_total,
        committed_at: Time(row.committed_at),
        seen_at: Time(row.seen_at),
        builds: Vec::new(),
    }
}
