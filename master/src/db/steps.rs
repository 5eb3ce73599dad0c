//! Steps of builds: written by the runner alone.

use diesel::prelude::*;

use super::schema::steps;
use super::{Conn, DbResult};
use crate::clock::Time;
use crate::ids::{BuildId, StepId};
use crate::model::{BuildResult, StepState};

/// Longest text beside a step's state, bytes: a sentence or two.
const STATE_TEXT_BYTES_MAX: usize = 1_000;

/// A step as the runner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its id.
    pub id: StepId,
    /// Its place in the builder's list, from 0.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// `source`, `run`, `upload` or `product`.
    pub kind: String,
    /// Where it stands.
    pub state: StepState,
    /// How it ended.
    pub result: Option<BuildResult>,
}

/// Lays out the steps of a new build: pairs of name and kind, in order.
pub(super) fn insert(
    conn: &mut Conn,
    build: BuildId,
    names: &[(String, &'static str)],
) -> DbResult<()> {
    for (position, (name, kind)) in (0_i64..).zip(names) {
        diesel::insert_into(steps::table)
            .values((
                steps::build_id.eq(build.0),
                steps::position.eq(position),
                steps::name.eq(name),
                steps::kind.eq(*kind),
                steps::state.eq(StepState::Pending.as_str()),
                steps::state_text.eq(""),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// The steps of a build in order.
pub fn of_build(conn: &mut Conn, build: BuildId) -> DbResult<Vec<Step>> {
    type Row = (i64, i64, String, String, String, Option<String>);
    let rows: Vec<Row> = steps::table
        .filter(steps::build_id.eq(build.0))
        .order(steps::position)
        .select((
            steps::id,
            steps::position,
            steps::name,
            steps::kind,
            steps::state,
            steps::result,
        ))
        .load(conn)?;
    let step = |(id, position, name, kind, state, result): Row| Step {
        id: StepId(id),
        position,
        name,
        kind,
        state: state.parse().unwrap_or(StepState::Finished),
        result: result.and_then(|text| text.parse().ok()),
    };
    Ok(rows.into_iter().map(step).collect())
}

/// The step begins; one that was begun before a restart keeps its time.
pub fn start(conn: &mut Conn, now: Time, id: StepId) -> DbResult<()> {
    let pending = steps::table
        .find(id.0)
        .filter(steps::state.eq(StepState::Pending.as_str()));
    diesel::update(pending)
        .set((
            steps::state.eq(StepState::Running.as_str()),
            steps::started_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The step has a result; a finished step never changes again.
pub fn finish(
    conn: &mut Conn,
    now: Time,
    id: StepId,
    result: BuildResult,
    state_text: &str,
) -> DbResult<()> {
    let open = steps::table
        .find(id.0)
        .filter(steps::state.ne(StepState::Finished.as_str()));
    diesel::update(open)
        .set((
            steps::state.eq(StepState::Finished.as_str()),
            steps::result.eq(result.as_str()),
            steps::state_text.eq(super::storable(state_text, STATE_TEXT_BYTES_MAX)),
            steps::finished_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// Says what a running step is at.
pub fn set_text(conn: &mut Conn, id: StepId, text: &str) -> DbResult<()> {
    diesel::update(steps::table.find(id.0))
        .set(steps::state_text.eq(super::storable(text, STATE_TEXT_BYTES_MAX)))
        .execute(conn)?;
    Ok(())
}
