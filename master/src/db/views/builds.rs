//! Builds: lists, one with everything, and what pages ask about a builder's history.

use std::time::Duration;

use diesel::prelude::*;

use super::{LIMIT, changes, sources, steps, word};
use crate::clock::Time;
use crate::db::schema::{
    agents, artifacts, build_properties, builders, builds, products, projects, requests,
    source_stamps,
};
use crate::db::{Conn, DbResult, sight};
use crate::ids::{ArtifactId, BuildId, BuilderId, ProductId, RequestId, StepId};
use crate::model::{
    Artifact, BuildDetail, BuildFilter, BuildProduct, BuildResult, BuildSummary, Page, Property,
    RECENT_MAX, RecentBuild, Sight,
};

/// Most running builds told at once: more than any installation of one master runs.
const RUNNING_MAX: i64 = 500;
/// A branch with more builds is looked for among the newest builds; this many are collected and
/// sorted within a few milliseconds.
const BUSY_BRANCH: i64 = 2_000;
/// Good builds whose median is the usual duration.
const USUAL_OF: i64 = 9;
/// Most artifacts told with one build; a glob may match thousands.
const ARTIFACTS_MAX: i64 = 500;

#[derive(Queryable)]
struct Row {
    id: i64,
    builder_id: i64,
    builder: String,
    number: i64,
    state: String,
    result: Option<String>,
    state_text: String,
    agent: String,
    request: i64,
    reason: String,
    requested_by: String,
    requested_at: i64,
    started_at: i64,
    finished_at: Option<i64>,
}

/// The rows of builds with their builder, agent and request, as `Row` wants them.
macro_rules! rows {
    () => {
        builds::table
            .inner_join(builders::table)
            .inner_join(agents::table)
            .inner_join(requests::table)
            .select((
                builds::id,
                builds::builder_id,
                builders::name,
                builds::number,
                builds::state,
                builds::result,
                builds::state_text,
                agents::name,
                builds::request_id,
                requests::reason,
                requests::requested_by,
                requests::created_at,
                builds::started_at,
                builds::finished_at,
            ))
    };
}

/// The builds that `filter` lets through, newest first.
pub fn list(
    conn: &mut Conn,
    sight: Sight,
    filter: &BuildFilter,
) -> DbResult<Page<BuildSummary, BuildId>> {
    let hidden = sight::hidden(conn, sight)?;
    let mut query = rows!().order(builds::id.desc()).limit(LIMIT).into_boxed();
    if !hidden.is_empty() {
        query = query.filter(builders::project_id.ne_all(hidden));
    }
    if let Some(builder) = &filter.builder {
        query = query.filter(builders::name.eq(builder.clone()));
    }
    if let Some(project) = &filter.project {
        let id = projects::table
            .filter(projects::name.eq(project.clone()))
            .select(projects::id);
        query = query.filter(builders::project_id.eq_any(id));
    }
    if let Some(branch) = &filter.branch {
        let of_branch = source_stamps::table
            .filter(source_stamps::branch.eq(branch.clone()))
            .select(source_stamps::request_id);
        query = if is_busy(conn, branch)? {
            let of_build = source_stamps::table
                .filter(source_stamps::request_id.eq(builds::request_id))
                .filter(source_stamps::branch.eq(branch.clone()));
            query.filter(diesel::dsl::exists(of_build))
        } else {
            query.filter(builds::request_id.eq_any(of_branch))
        };
    }
    if let Some(state) = filter.state {
        query = query.filter(builds::state.eq(state.as_str()));
    }
    if let Some(result) = filter.result {
        query = query.filter(builds::result.eq(result.as_str()));
    }
    if let Some(agent) = &filter.agent {
        query = query.filter(agents::name.eq(agent.clone()));
    }
    if let Some(before) = filter.before {
        query = query.filter(builds::id.lt(before.0));
    }
    let rows: Vec<Row> = query.load(conn)?;
    Ok(Page::of(finish(conn, rows)?, |build| build.id))
}

/// Whether so many builds are of this branch that going through the newest builds finds a page of
/// them sooner than collecting all of the branch.
fn is_busy(conn: &mut Conn, branch: &str) -> DbResult<bool> {
    let one_more: Option<i64> = source_stamps::table
        .filter(source_stamps::branch.eq(branch))
        .order(source_stamps::request_id)
        .select(source_stamps::request_id)
        .offset(BUSY_BRANCH)
        .first(conn)
        .optional()?;
    Ok(one_more.is_some())
}

/// Every build that is not finished, oldest first.
pub fn running(conn: &mut Conn, sight: Sight) -> DbResult<Vec<BuildSummary>> {
    let hidden = sight::hidden(conn, sight)?;
    let rows: Vec<Row> = rows!()
        .filter(builders::project_id.ne_all(hidden))
        .filter(builds::state.eq_any(crate::db::builds::open_states()))
        .order(builds::id)
        .limit(RUNNING_MAX)
        .load(conn)?;
    finish(conn, rows)
}

/// One build in short.
pub fn summary(conn: &mut Conn, id: BuildId) -> DbResult<BuildSummary> {
    let row: Row = rows!().filter(builds::id.eq(id.0)).first(conn)?;
    one(conn, row)
}

/// The newest finished build of `builder` below `number` that was not cancelled.
pub fn last_finished(
    conn: &mut Conn,
    builder: BuilderId,
    below: i64,
) -> DbResult<Option<BuildSummary>> {
    let row: Option<Row> = rows!()
        .filter(builds::builder_id.eq(builder.0))
        .filter(builds::number.lt(below))
        .filter(builds::result.is_not_null())
        .filter(builds::result.ne(BuildResult::Cancelled.as_str()))
        .order(builds::number.desc())
        .first(conn)
        .optional()?;
    row.map(|row| one(conn, row)).transpose()
}

/// The newest builds of `builder` in short.
pub(super) fn recent(conn: &mut Conn, builder: BuilderId) -> DbResult<Vec<RecentBuild>> {
    let rows: Vec<(i64, i64, String, Option<String>)> = builds::table
        .filter(builds::builder_id.eq(builder.0))
        .order(builds::number.desc())
        .limit(RECENT_MAX as i64)
        .select((builds::id, builds::number, builds::state, builds::result))
        .load(conn)?;
    let recent = |(id, number, state, result): (i64, i64, String, Option<String>)| {
        Ok(RecentBuild {
            id: BuildId(id),
            number,
            state: word(&state)?,
            result: result.as_deref().map(word).transpose()?,
        })
    };
    rows.into_iter().map(recent).collect()
}

/// When the unbroken row of builds as good or bad as `last` began.
pub fn since(conn: &mut Conn, last: &BuildSummary) -> DbResult<Option<Time>> {
    let others = if last.result.is_some_and(is_good) {
        [BuildResult::Failure, BuildResult::Error]
    } else {
        [BuildResult::Success, BuildResult::Warnings]
    };
    let turned: Option<i64> = builds::table
        .filter(builds::builder_id.eq(last.builder_id.0))
        .filter(builds::number.lt(last.number))
        .filter(builds::result.eq_any(others.map(BuildResult::as_str)))
        .order(builds::number.desc())
        .select(builds::number)
        .first(conn)
        .optional()?;
    let first: Option<Option<i64>> = builds::table
        .filter(builds::builder_id.eq(last.builder_id.0))
        .filter(builds::number.gt(turned.unwrap_or(0)))
        .filter(builds::result.is_not_null())
        .filter(builds::result.ne(BuildResult::Cancelled.as_str()))
        .order(builds::number)
        .select(builds::finished_at)
        .first(conn)
        .optional()?;
    Ok(first.flatten().map(Time))
}

/// Whether a result is one to be content with.
fn is_good(result: BuildResult) -> bool {
    matches!(result, BuildResult::Success | BuildResult::Warnings)
}

/// One build with everything that hangs on it.
pub fn show(conn: &mut Conn, id: BuildId) -> DbResult<BuildDetail> {
    let summary = summary(conn, id)?;
    let (project, schedule, cancelled_by) = builds::table
        .inner_join(builders::table.inner_join(projects::table))
        .inner_join(requests::table)
        .filter(builds::id.eq(id.0))
        .select((projects::name, requests::schedule, builds::cancel_by))
        .first(conn)?;
    let properties: Vec<(String, String, String)> = build_properties::table
        .filter(build_properties::build_id.eq(id.0))
        .order(build_properties::name)
        .select((
            build_properties::name,
            build_properties::value,
            build_properties::source,
        ))
        .load(conn)?;
    let property = |(name, value, source)| Property {
        name,
        value,
        source,
    };
    Ok(BuildDetail {
        changes: changes::of_request(conn, summary.request)?,
        properties: properties.into_iter().map(property).collect(),
        steps: steps::of_build(conn, id)?,
        artifacts: artifacts_of(conn, id)?,
        products: products_of(conn, id)?,
        previous: last_finished(conn, summary.builder_id, summary.number)?,
        usual: usual(conn, summary.builder_id)?,
        summary,
        project,
        schedule,
        cancelled_by,
    })
}

fn artifacts_of(conn: &mut Conn, build: BuildId) -> DbResult<Vec<Artifact>> {
    let rows: Vec<(i64, i64, String, String, i64, i64)> = artifacts::table
        .filter(artifacts::build_id.eq(build.0))
        .order(artifacts::name)
        .limit(ARTIFACTS_MAX)
        .select((
            artifacts::id,
            artifacts::step_id,
            artifacts::name,
            artifacts::blob_sha256,
            artifacts::size,
            artifacts::created_at,
        ))
        .load(conn)?;
    let artifact = |(id, step, name, sha256, size, created_at)| Artifact {
        id: ArtifactId(id),
        build,
        step: StepId(step),
        name,
        sha256,
        size,
        created_at: Time(created_at),
    };
    Ok(rows.into_iter().map(artifact).collect())
}

fn products_of(conn: &mut Conn, build: BuildId) -> DbResult<Vec<BuildProduct>> {
    let rows: Vec<(i64, String, String, String)> = products::table
        .filter(products::build_id.eq(build.0))
        .order(products::id)
        .select((
            products::id,
            products::version,
            products::target,
            products::state,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, version, target, state)| {
            Ok(BuildProduct {
                id: ProductId(id),
                version,
                target,
                state: word(&state)?,
            })
        })
        .collect()
}

fn usual(conn: &mut Conn, builder: BuilderId) -> DbResult<Option<Duration>> {
    let good = [BuildResult::Success, BuildResult::Warnings].map(BuildResult::as_str);
    let rows: Vec<(i64, Option<i64>)> = builds::table
        .filter(builds::builder_id.eq(builder.0))
        .filter(builds::result.eq_any(good))
        .order(builds::number.desc())
        .limit(USUAL_OF)
        .select((builds::started_at, builds::finished_at))
        .load(conn)?;
    let span = |(from, to): (i64, Option<i64>)| Some(Time(to?).since(Time(from)));
    let mut spans: Vec<Duration> = rows.into_iter().filter_map(span).collect();
    spans.sort_unstable();
    Ok(spans.get(spans.len() / 2).copied())
}

fn one(conn: &mut Conn, row: Row) -> DbResult<BuildSummary> {
    let mut all = finish(conn, vec![row])?;
    all.pop().ok_or(crate::db::DbError::NotFound)
}

fn finish(conn: &mut Conn, rows: Vec<Row>) -> DbResult<Vec<BuildSummary>> {
    let requests: Vec<RequestId> = rows.iter().map(|row| RequestId(row.request)).collect();
    let mut stamps = sources::of(conn, &requests)?;
    rows.into_iter()
        .map(|row| {
            let request = RequestId(row.request);
            Ok(BuildSummary {
                id: BuildId(row.id),
                builder_id: BuilderId(row.builder_id),
                builder: row.builder,
                number: row.number,
                state: word(&row.state)?,
                result: row.result.as_deref().map(word).transpose()?,
                state_text: row.state_text,
                agent: row.agent,
                request,
                reason: row.reason,
                requested_by: row.requested_by,
                sources: stamps.remove(&request).unwrap_or_default(),
                requested_at: Time(row.requested_at),
                started_at: Time(row.started_at),
                finished_at: row.finished_at.map(Time),
            })
        })
        .collect()
}
