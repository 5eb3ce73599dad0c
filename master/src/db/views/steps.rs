//! Steps and logs.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::{builds, word};
use crate::clock::Time;
use crate::db::schema::{commands, logs, steps};
use crate::db::{Conn, DbResult};
use crate::ids::{BuildId, LogId, StepId};
use crate::model::{LogDetail, LogSummary, StepSummary, StepUsage};

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
    let usages = usages(conn, &ids)?;
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
            step.usage = usages.get(&step.id).copied();
            Ok(step)
        })
        .collect()
}

/// The part of a command's result that is told here.
#[derive(serde::Deserialize)]
struct Took {
    user_ms: u64,
    sys_ms: u64,
    memory_bytes_max: u64,
}

/// What the commands of these steps took, of those whose end is known: a command that was lost and
/// started once more counts as often as it told.
fn usages(conn: &mut Conn, steps: &[i64]) -> DbResult<BTreeMap<StepId, StepUsage>> {
    let rows: Vec<(i64, Option<String>)> = commands::table
        .filter(commands::step_id.eq_any(steps))
        .filter(commands::result.is_not_null())
        .select((commands::step_id, commands::result))
        .load(conn)?;
    let mut usages = BTreeMap::new();
    for (step, result) in rows {
        let took = result.and_then(|text| serde_json::from_str::<Took>(&text).ok());
        // Nothing is known of one that was lost or never started.
        let says = |took: &Took| took.user_ms | took.sys_ms | took.memory_bytes_max != 0;
        let Some(took) = took.filter(says) else {
            continue;
        };
        let usage = usages.entry(StepId(step)).or_insert(StepUsage {
            cpu_ms: 0,
            memory_bytes_max: 0,
        });
        // An agent may tell anything.
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let cpu = number(took.user_ms.saturating_add(took.sys_ms));
        usage.cpu_ms = usage.cpu_ms.saturating_add(cpu);
        let memory = number(took.memory_bytes_max);
        usage.memory_bytes_max = usage.memory_bytes_max.max(memory);
    }
    Ok(usages)
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
        usage: None,
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
