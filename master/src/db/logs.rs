//! Logs of steps: where their bytes lie and how many are committed. The bytes are files.

use diesel::prelude::*;

use super::schema::{logs, steps};
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{BuildId, LogId, StepId};

/// A log as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// Its id.
    pub id: LogId,
    /// The step it belongs to.
    pub step: StepId,
    /// Its name, such as `output`.
    pub name: String,
    /// Whether bytes may still come.
    pub open: bool,
    /// Bytes committed.
    pub bytes: u64,
    /// Lines: line feeds committed, and an unfinished last line once it is closed.
    pub lines: u64,
    /// Path of the file below the data folder, `/` between components.
    pub path: String,
    /// Whether the file is compressed.
    pub compressed: bool,
    /// When it was begun.
    pub created_at: Time,
    /// When it was closed.
    pub closed_at: Option<Time>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = logs)]
struct Row {
    id: i64,
    step_id: i64,
    name: String,
    state: String,
    bytes: i64,
    lines: i64,
    path: String,
    compressed: bool,
    created_at: i64,
    closed_at: Option<i64>,
}

/// Begins a log; its path is `logs/BUILD/LOG-NAME.log`. The name must be a [`crate::model::Name`].
pub fn insert(
    conn: &mut Conn,
    now: Time,
    step: StepId,
    name: &crate::model::Name,
) -> DbResult<Log> {
    let build: i64 = steps::table
        .find(step.0)
        .select(steps::build_id)
        .first(conn)?;
    let id: i64 = diesel::insert_into(logs::table)
        .values((
            logs::step_id.eq(step.0),
            logs::name.eq(name.as_str()),
            logs::state.eq("open"),
            logs::bytes.eq(0),
            logs::lines.eq(0),
            logs::path.eq(""),
            logs::compressed.eq(false),
            logs::created_at.eq(now.0),
        ))
        .returning(logs::id)
        .get_result(conn)?;
    let path = format!("logs/{build}/{id}-{name}.log");
    diesel::update(logs::table.find(id))
        .set(logs::path.eq(&path))
        .execute(conn)?;
    by_id(conn, LogId(id))
}

/// The log of this id.
pub fn by_id(conn: &mut Conn, id: LogId) -> DbResult<Log> {
    let row = logs::table
        .find(id.0)
        .select(Row::as_select())
        .first(conn)?;
    Ok(log(row))
}

/// The logs of a step, oldest first.
pub fn of_step(conn: &mut Conn, step: StepId) -> DbResult<Vec<Log>> {
    let rows: Vec<Row> = logs::table
        .filter(logs::step_id.eq(step.0))
        .order(logs::id)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(log).collect())
}

/// The logs of a build, by step and age.
pub fn of_build(conn: &mut Conn, build: BuildId) -> DbResult<Vec<Log>> {
    let rows: Vec<Row> = logs::table
        .inner_join(steps::table)
        .filter(steps::build_id.eq(build.0))
        .order((steps::position, logs::id))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(log).collect())
}

/// How much of an open log is on disk. Fails with [`DbError::Changed`] when it is closed.
pub fn commit(conn: &mut Conn, id: LogId, bytes: u64, lines: u64) -> DbResult<()> {
    let open = logs::table.filter(logs::id.eq(id.0).and(logs::state.eq("open")));
    changed(
        diesel::update(open)
            .set((logs::bytes.eq(number(bytes)), logs::lines.eq(number(lines))))
            .execute(conn)?,
    )
}

/// Closes a log with its final figures; `compressed` says which of its two files holds the bytes.
pub fn close(
    conn: &mut Conn,
    now: Time,
    id: LogId,
    bytes: u64,
    lines: u64,
    compressed: bool,
) -> DbResult<()> {
    let open = logs::table.filter(logs::id.eq(id.0).and(logs::state.eq("open")));
    changed(
        diesel::update(open)
            .set((
                logs::bytes.eq(number(bytes)),
                logs::lines.eq(number(lines)),
                logs::state.eq("closed"),
                logs::compressed.eq(compressed),
                logs::closed_at.eq(now.0),
            ))
            .execute(conn)?,
    )
}

fn changed(rows: usize) -> DbResult<()> {
    match rows {
        0 => Err(DbError::Changed),
        _ => Ok(()),
    }
}

fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn log(row: Row) -> Log {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or(0);
    Log {
        id: LogId(row.id),
        step: StepId(row.step_id),
        name: row.name,
        open: row.state == "open",
        bytes: unsigned(row.bytes),
        lines: unsigned(row.lines),
        path: row.path,
        compressed: row.compressed,
        created_at: Time(row.created_at),
        closed_at: row.closed_at.map(Time),
    }
}
