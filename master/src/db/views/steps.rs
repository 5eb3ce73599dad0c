//! Steps and logs.

use diesel::prelude::*;

use super::{builds, word};
use crate::clock::Time;
use crate::db::schema::{logs, steps};
use crate::db::{Conn, DbResult};
use crate::ids::{BuildId, LogId, StepId};
use crate::model::{LogDetail, LogSummary, StepSummary};

type StepRow = (
    i64,
    i64,
    String,
    String,
    String,
    Option<String>,
    String,
    Option<i64>,
    Option<i64>,
);
type LogRow = (i64, i64, String, String, i64, i64, Option<i64>);

/// The steps of a build in order, each with its logs.
pub fn of_build(conn: &mut Conn, build: BuildId) -> DbResult<Vec<StepSummary>> {
    let rows: Vec<StepRow> = steps::table
        .filter(steps::build_id.eq(build.0))
        .order(steps::position)
        .select((
            steps::id,
            steps::position,
            steps::name,
            steps::kind,
            steps::state,
            steps::result,
            steps::state_text,
            steps::started_at,
            steps::finished_at,
        ))
        .load(conn)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let logs: Vec<LogRow> = logs::table
        .filter(logs::step_id.eq_any(ids))
        .order(logs::id)
        .select((
            logs::id,
            logs::step_id,
            logs::name,
            logs::state,
            logs::bytes,
            logs::lines,
            logs::closed_at,
        ))
        .load(conn)?;
    let logs: Vec<LogSummary> = logs.into_iter().map(log).collect();
    rows.into_iter()
        .map(|row| {
            let mut step = step(row)?;
            let own = logs.iter().filter(|log| log.step == step.id);
            step.logs = own.cloned().collect();
            Ok(step)
        })
        .collect()
}

/// A log with its step and build.
pub fn of_log(conn: &mut Conn, id: LogId) -> DbResult<LogDetail> {
    let (log_row, step_row, build): (LogRow, StepRow, i64) = logs::table
        .inner_join(steps::table)
        .filter(logs::id.eq(id.0))
        .select((
            (
                logs::id,
                logs::step_id,
                logs::name,
                logs::state,
                logs::bytes,
                logs::lines,
                logs::closed_at,
            ),
            (
                steps::id,
                steps::position,
                steps::name,
                steps::kind,
                steps::state,
                steps::result,
                steps::state_text,
                steps::started_at,
                steps::finished_at,
            ),
            steps::build_id,
        ))
        .first(conn)?;
    Ok(LogDetail {
        log: log(log_row),
        step: step(step_row)?,
        build: builds::summary(conn, BuildId(build))?,
    })
}

fn step(row: StepRow) -> DbResult<StepSummary> {
    let (id, position, name, kind, state, result, state_text, started_at, finished_at) = row;
    Ok(StepSummary {
        id: StepId(id),
        position,
        name,
        kind,
        state: word(&state)?,
        result: result.as_deref().map(word).transpose()?,
        state_text,
        started_at: started_at.map(Time),
        finished_at: finished_at.map(Time),
        logs: Vec::new(),
    })
}

fn log((id, step, name, state, bytes, lines, closed_at): LogRow) -> LogSummary {
    LogSummary {
        id: LogId(id),
        step: StepId(step),
        name,
        open: state == "open",
        bytes,
        lines,
        closed_at: closed_at.map(Time),
    }
}
