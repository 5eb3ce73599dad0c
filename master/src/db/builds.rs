//! Builds: claimed by the dispatcher, carried on and finished by the runner.

use diesel::prelude::*;

use super::schema::{agents, build_properties, builders, builds};
use super::{Conn, DbError, DbResult, requests, steps};
use crate::clock::Time;
use crate::ids::{AgentId, BuildId, BuilderId, RequestId};
use crate::model::{BuildResult, BuildState, Property, RequestState};

/// Longest text beside a build's state and longest property value, bytes.
const STATE_TEXT_BYTES_MAX: usize = 1_000;
const PROPERTY_BYTES_MAX: usize = 16_384;

/// A build to claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBuild {
    /// The request it serves.
    pub request: RequestId,
    /// The builder.
    pub builder: BuilderId,
    /// Name of the builder, the first part of the folder.
    pub builder_name: String,
    /// The agent it runs on.
    pub agent: AgentId,
    /// Builds the agent may run at a time.
    pub slots: u32,
    /// Name and kind of each step.
    pub steps: Vec<(String, &'static str)>,
}

/// A build that is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Build {
    /// Its id.
    pub id: BuildId,
    /// The builder.
    pub builder: BuilderId,
    /// Name of the builder.
    pub builder_name: String,
    /// Its number in the builder.
    pub number: i64,
    /// The request it serves.
    pub request: RequestId,
    /// The agent it runs on.
    pub agent: AgentId,
    /// Name of the agent.
    pub agent_name: String,
    /// Where it stands.
    pub state: BuildState,
    /// How it ended.
    pub result: Option<BuildResult>,
    /// Its folder on the agent.
    pub folder: String,
    /// When its cancel was asked for.
    pub cancel_at: Option<Time>,
    /// Who asked for its cancel.
    pub cancel_by: Option<String>,
    /// When it was claimed.
    pub started_at: Time,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = builds)]
struct Row {
    id: i64,
    builder_id: i64,
    number: i64,
    request_id: i64,
    agent_id: i64,
    state: String,
    result: Option<String>,
    folder: String,
    cancel_at: Option<i64>,
    cancel_by: Option<String>,
    started_at: i64,
}

/// Claims a request for an agent: the request, the build with the builder's next number, the
/// lowest free folder and the steps, all or nothing.
///
/// Errors: [`DbError::Changed`] when the request was claimed or cancelled by another, or the
/// agent's slots filled up in the meantime.
pub fn claim(conn: &mut Conn, now: Time, new: &NewBuild) -> DbResult<Build> {
    let (from, to) = (RequestState::Pending, RequestState::Claimed);
    requests::advance(conn, now, new.request, from, to)?;
    let open = unfinished(conn)?;
    let here = || open.iter().filter(|build| build.agent == new.agent);
    if here().count() >= usize::try_from(new.slots).unwrap_or(usize::MAX) {
        return Err(DbError::Changed);
    }
    let folder = (0..)
        .map(|n| format!("{}/own-{n}", new.builder_name))
        .find(|folder| here().all(|build| build.folder != *folder))
        .ok_or(DbError::Changed)?;
    let number = super::builders::take_number(conn, new.builder)?;
    let requested = requests::by_id(conn, new.request)?;
    let id: i64 = diesel::insert_into(builds::table)
        .values((
            builds::builder_id.eq(new.builder.0),
            builds::number.eq(number),
            builds::request_id.eq(new.request.0),
            builds::agent_id.eq(new.agent.0),
            builds::state.eq(BuildState::Running.as_str()),
            builds::state_text.eq("starting"),
            builds::folder.eq(folder),
            builds::created_at.eq(requested.created_at.0),
            builds::started_at.eq(now.0),
        ))
        .returning(builds::id)
        .get_result(conn)?;
    steps::insert(conn, BuildId(id), &new.steps)?;
    by_id(conn, BuildId(id))
}

/// The build of this id.
pub fn by_id(conn: &mut Conn, id: BuildId) -> DbResult<Build> {
    let row: (Row, String, String) = builds::table
        .inner_join(builders::table)
        .inner_join(agents::table)
        .filter(builds::id.eq(id.0))
        .select((Row::as_select(), builders::name, agents::name))
        .first(conn)?;
    Ok(build(row))
}

/// The states of builds without a result. Named one by one, because an index finds what a state is
/// and not what it is not.
pub(super) fn open_states() -> Vec<&'static str> {
    let all = BuildState::ALL.iter().map(|state| state.as_str());
    all.filter(|state| *state != BuildState::Finished.as_str())
        .collect()
}

/// Every build that has no result yet, oldest first.
pub fn unfinished(conn: &mut Conn) -> DbResult<Vec<Build>> {
    let rows: Vec<(Row, String, String)> = builds::table
        .inner_join(builders::table)
        .inner_join(agents::table)
        .filter(builds::state.eq_any(open_states()))
        .order(builds::id)
        .select((Row::as_select(), builders::name, agents::name))
        .load(conn)?;
    Ok(rows.into_iter().map(build).collect())
}

/// Asks for the end of a running build. Fails with [`DbError::Changed`] when it is finished or
/// was asked before.
pub fn ask_cancel(conn: &mut Conn, now: Time, id: BuildId, by: &str) -> DbResult<()> {
    let running = builds::table
        .find(id.0)
        .filter(builds::state.eq(BuildState::Running.as_str()));
    changed(
        diesel::update(running)
            .set((
                builds::state.eq(BuildState::Stopping.as_str()),
                builds::state_text.eq(format!("stopping: {by} asked for it")),
                builds::cancel_at.eq(now.0),
                builds::cancel_by.eq(by),
            ))
            .execute(conn)?,
    )
}

/// Says what a running build is at.
pub fn set_text(conn: &mut Conn, id: BuildId, text: &str) -> DbResult<()> {
    let running = builds::table
        .find(id.0)
        .filter(builds::state.eq(BuildState::Running.as_str()));
    diesel::update(running)
        .set(builds::state_text.eq(super::storable(text, STATE_TEXT_BYTES_MAX)))
        .execute(conn)?;
    Ok(())
}

/// Gives a build its result and its request its end. Fails with [`DbError::Changed`] when it has
/// one already.
pub fn finish(
    conn: &mut Conn,
    now: Time,
    build: &Build,
    result: BuildResult,
    state_text: &str,
) -> DbResult<()> {
    let open = builds::table
        .find(build.id.0)
        .filter(builds::state.ne(BuildState::Finished.as_str()));
    changed(
        diesel::update(open)
            .set((
                builds::state.eq(BuildState::Finished.as_str()),
                builds::result.eq(result.as_str()),
                builds::state_text.eq(super::storable(state_text, STATE_TEXT_BYTES_MAX)),
                builds::finished_at.eq(now.0),
            ))
            .execute(conn)?,
    )?;
    let (from, to) = (RequestState::Claimed, RequestState::Done);
    requests::advance(conn, now, build.request, from, to)
}

/// The result of the builder's newest finished build before number `number` that says something
/// about its source: cancelled builds do not.
pub fn previous_result(
    conn: &mut Conn,
    builder: BuilderId,
    number: i64,
) -> DbResult<Option<BuildResult>> {
    let text: Option<Option<String>> = builds::table
        .filter(builds::builder_id.eq(builder.0))
        .filter(builds::number.lt(number))
        .filter(builds::state.eq(BuildState::Finished.as_str()))
        .filter(builds::result.ne(BuildResult::Cancelled.as_str()))
        .order(builds::number.desc())
        .select(builds::result)
        .first(conn)
        .optional()?;
    Ok(text.flatten().and_then(|text| text.parse().ok()))
}

/// The agent of the builder's newest build.
pub fn last_agent(conn: &mut Conn, builder: BuilderId) -> DbResult<Option<AgentId>> {
    let id: Option<i64> = builds::table
        .filter(builds::builder_id.eq(builder.0))
        .order(builds::number.desc())
        .select(builds::agent_id)
        .first(conn)
        .optional()?;
    Ok(id.map(AgentId))
}

/// Sets properties of a build; a name that is set already gets the new value.
pub fn set_properties(conn: &mut Conn, id: BuildId, properties: &[Property]) -> DbResult<()> {
    for property in properties {
        let values = (
            build_properties::value.eq(super::storable(&property.value, PROPERTY_BYTES_MAX)),
            build_properties::source.eq(&property.source),
        );
        let row = build_properties::table.find((id.0, &property.name));
        let kept = diesel::update(row).set(values.clone()).execute(conn)?;
        if kept == 0 {
            diesel::insert_into(build_properties::table)
                .values((
                    build_properties::build_id.eq(id.0),
                    build_properties::name.eq(&property.name),
                    values,
                ))
                .execute(conn)?;
        }
    }
    Ok(())
}

/// The properties of a build by name.
pub fn properties(conn: &mut Conn, id: BuildId) -> DbResult<Vec<Property>> {
    let rows: Vec<(String, String, String)> = build_properties::table
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
    Ok(rows.into_iter().map(property).collect())
}

fn changed(rows: usize) -> DbResult<()> {
    match rows {
        0 => Err(DbError::Changed),
        _ => Ok(()),
    }
}

fn build((row, builder_name, agent_name): (Row, String, String)) -> Build {
    Build {
        id: BuildId(row.id),
        builder: BuilderId(row.builder_id),
        builder_name,
        number: row.number,
        request: RequestId(row.request_id),
        agent: AgentId(row.agent_id),
        agent_name,
        state: row.state.parse().unwrap_or(BuildState::Finished),
        result: row.result.and_then(|text| text.parse().ok()),
        folder: row.folder,
        cancel_at: row.cancel_at.map(Time),
        cancel_by: row.cancel_by,
        started_at: Time(row.started_at),
    }
}

#[cfg(test)]
mod tests;
