//! Source stamps of many requests at once.

use std::collections::HashMap;

use diesel::prelude::*;

use crate::db::schema::{repositories, source_stamps};
use crate::db::{Conn, DbResult};
use crate::ids::RequestId;
use crate::model::SourceStamp;

/// The stamps of `requests`, each list in the order of the codebases' names.
pub(super) fn of(
    conn: &mut Conn,
    requests: &[RequestId],
) -> DbResult<HashMap<RequestId, Vec<SourceStamp>>> {
    let ids: Vec<i64> = requests.iter().map(|id| id.0).collect();
    let rows: Vec<(i64, String, String, String, String, i64)> = source_stamps::table
        .inner_join(repositories::table)
        .filter(source_stamps::request_id.eq_any(ids))
        .order(source_stamps::codebase)
        .select((
            source_stamps::request_id,
            source_stamps::codebase,
            repositories::name,
            source_stamps::branch,
            source_stamps::revision,
            source_stamps::position,
        ))
        .load(conn)?;
    let mut all: HashMap<RequestId, Vec<SourceStamp>> = HashMap::new();
    for (request, codebase, repository, branch, revision, position) in rows {
        all.entry(RequestId(request))
            .or_default()
            .push(SourceStamp {
                codebase,
                repository,
                branch,
                revision,
                position,
            });
    }
    Ok(all)
}
