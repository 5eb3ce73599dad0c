//! Build requests.

use diesel::prelude::*;

use super::{LIMIT, sources, word};
use crate::clock::Time;
use crate::db::schema::{builders, builds, requests};
use crate::db::{Conn, DbResult, sight};
use crate::ids::{BuildId, RequestId};
use crate::model::{Page, RequestFilter, RequestSummary, Sight};

#[derive(Queryable)]
struct Row {
    id: i64,
    builder: String,
    schedule: Option<String>,
    reason: String,
    requested_by: String,
    priority: i64,
    state: String,
    wait_reason: String,
    created_at: i64,
    ended_at: Option<i64>,
    build: Option<i64>,
}

/// The rows of requests with their builder and build, as `Row` wants them.
macro_rules! rows {
    () => {
        requests::table
            .inner_join(builders::table)
            .left_join(builds::table.on(builds::request_id.eq(requests::id)))
            .select((
                requests::id,
                builders::name,
                requests::schedule,
                requests::reason,
                requests::requested_by,
                requests::priority,
                requests::state,
                requests::wait_reason,
                requests::created_at,
                requests::ended_at,
                builds::id.nullable(),
            ))
    };
}

/// The requests that `filter` lets through, newest first.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    filter: &RequestFilter,
) -> DbResult<Page<RequestSummary, RequestId>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = rows!().order(requests::id.desc()).limit(LIMIT).into_boxed();
    if !hidden.is_empty() {
        query = query.filter(builders::project_id.ne_all(hidden));
    }
    if let Some(state) = filter.state {
        query = query.filter(requests::state.eq(state.as_str()));
    }
    if let Some(builder) = &filter.builder {
        query = query.filter(builders::name.eq(builder.clone()));
    }
    if let Some(before) = filter.before {
        query = query.filter(requests::id.lt(before.0));
    }
    let rows: Vec<Row> = query.load(conn)?;
    Ok(Page::of(finish(conn, rows)?, |request| request.id))
}

/// One request.
pub fn show(conn: &mut Conn, sight: Sight, id: RequestId) -> DbResult<RequestSummary> {
    sight::request(conn, sight, id)?;
    let row: Row = rows!().filter(requests::id.eq(id.0)).first(conn)?;
    let mut all = finish(conn, vec![row])?;
    all.pop().ok_or(crate::db::DbError::NotFound)
}

fn finish(conn: &mut Conn, rows: Vec<Row>) -> DbResult<Vec<RequestSummary>> {
    let ids: Vec<RequestId> = rows.iter().map(|row| RequestId(row.id)).collect();
    let mut stamps = sources::of(conn, &ids)?;
    rows.into_iter()
        .map(|row| {
            let id = RequestId(row.id);
            Ok(RequestSummary {
                id,
                builder: row.builder,
                schedule: row.schedule,
                reason: row.reason,
                requested_by: row.requested_by,
                priority: row.priority,
                state: word(&row.state)?,
                wait_reason: row.wait_reason,
                sources: stamps.remove(&id).unwrap_or_default(),
                created_at: Time(row.created_at),
                ended_at: row.ended_at.map(Time),
                build: row.build.map(BuildId),
            })
        })
        .collect()
}
