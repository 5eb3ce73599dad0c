//! Commands: one process on an agent each, leased before it is sent, with how much of its journal
//! is stored here.

use diesel::prelude::*;

use super::schema::commands;
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::{AgentId, LogId, StepId};

/// Where a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    /// May run on its agent.
    Leased,
    /// Its result is stored; the agent may still keep its journal.
    Finished,
    /// The agent was told to forget it, or it was given up.
    Forgotten,
}

impl CommandState {
    fn as_str(self) -> &'static str {
        match self {
            Self::Leased => "leased",
            Self::Finished => "finished",
            Self::Forgotten => "forgotten",
        }
    }

    fn parse(text: &str) -> Self {
        [Self::Leased, Self::Finished]
            .into_iter()
            .find(|state| state.as_str() == text)
            .unwrap_or(Self::Forgotten)
    }
}

/// A command to lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommand {
    /// 32 hex digits, random.
    pub id: String,
    /// The step it belongs to.
    pub step: StepId,
    /// The agent it runs on.
    pub agent: AgentId,
    /// The log that takes its output.
    pub log: LogId,
    /// JSON of what it is; enough to send it again.
    pub arguments: String,
    /// 64 hex digits over the arguments.
    pub digest: String,
    /// Generation of the lease, 1 and up.
    pub generation: u64,
}

/// A command as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What was leased.
    pub lease: NewCommand,
    /// Where it stands.
    pub state: CommandState,
    /// Bytes of its journal that are stored here; always the end of a record.
    pub journal_offset: u64,
    /// Where the running hash of these bytes stands, hex digits; nothing at 0.
    pub journal_hash: Option<String>,
    /// JSON of how it ended, once it is finished.
    pub result: Option<String>,
    /// When it was leased.
    pub created_at: Time,
    /// When its result was stored.
    pub finished_at: Option<Time>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = commands)]
struct Row {
    id: String,
    step_id: i64,
    agent_id: i64,
    log_id: i64,
    arguments: String,
    digest: String,
    generation: i64,
    state: String,
    journal_offset: i64,
    journal_hash: Option<String>,
    result: Option<String>,
    created_at: i64,
    finished_at: Option<i64>,
}

/// Leases a command: to be done before it is sent.
pub fn insert(conn: &mut Conn, now: Time, new: &NewCommand) -> DbResult<()> {
    diesel::insert_into(commands::table)
        .values((
            commands::id.eq(&new.id),
            commands::step_id.eq(new.step.0),
            commands::agent_id.eq(new.agent.0),
            commands::log_id.eq(new.log.0),
            commands::arguments.eq(&new.arguments),
            commands::digest.eq(&new.digest),
            commands::generation.eq(number(new.generation)),
            commands::state.eq(CommandState::Leased.as_str()),
            commands::journal_offset.eq(0),
            commands::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The command of this id.
pub fn by_id(conn: &mut Conn, id: &str) -> DbResult<Command> {
    let row = commands::table
        .find(id)
        .select(Row::as_select())
        .first(conn)?;
    Ok(command(row))
}

/// The newest command of a step, if it ever leased one.
pub fn of_step(conn: &mut Conn, step: StepId) -> DbResult<Option<Command>> {
    let row: Option<Row> = commands::table
        .filter(commands::step_id.eq(step.0))
        .order(commands::created_at.desc())
        .select(Row::as_select())
        .first(conn)
        .optional()?;
    Ok(row.map(command))
}

/// How many commands a step has leased: one, and one more for each that was lost.
pub fn count_of_step(conn: &mut Conn, step: StepId) -> DbResult<i64> {
    Ok(commands::table
        .filter(commands::step_id.eq(step.0))
        .count()
        .get_result(conn)?)
}

/// How far the journal is stored now, and where its running hash stands. Fails with
/// [`DbError::Changed`] when the lease is not that of `generation` any more.
pub fn advance(
    conn: &mut Conn,
    id: &str,
    generation: u64,
    journal_offset: u64,
    journal_hash: &str,
) -> DbResult<()> {
    changed(
        diesel::update(leased(id, generation))
            .set((
                commands::journal_offset.eq(number(journal_offset)),
                commands::journal_hash.eq(journal_hash),
            ))
            .execute(conn)?,
    )
}

/// Stores the result. Fails with [`DbError::Changed`] as [`advance`] does.
pub fn finish(
    conn: &mut Conn,
    now: Time,
    id: &str,
    generation: u64,
    journal_offset: u64,
    result: &str,
) -> DbResult<()> {
    changed(
        diesel::update(leased(id, generation))
            .set((
                commands::state.eq(CommandState::Finished.as_str()),
                commands::journal_offset.eq(number(journal_offset)),
                commands::result.eq(result),
                commands::finished_at.eq(now.0),
            ))
            .execute(conn)?,
    )
}

/// The agent forgot it, or it is given up: should its agent ever name it again, it is ended.
pub fn forget(conn: &mut Conn, id: &str) -> DbResult<()> {
    diesel::update(commands::table.find(id))
        .set(commands::state.eq(CommandState::Forgotten.as_str()))
        .execute(conn)?;
    Ok(())
}

#[diesel::dsl::auto_type(no_type_alias)]
fn leased<'a>(id: &'a str, generation: u64) -> _ {
    let generation: i64 = number(generation);
    commands::table.filter(
        commands::id
            .eq(id)
            .and(commands::generation.eq(generation))
            .and(commands::state.eq("leased")),
    )
}

fn changed(rows: usize) -> DbResult<()> {
    match rows {
        0 => Err(DbError::Changed),
        _ => Ok(()),
    }
}

/// Offsets and generations are far below 2^63.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn command(row: Row) -> Command {
    Command {
        lease: NewCommand {
            id: row.id,
            step: StepId(row.step_id),
            agent: AgentId(row.agent_id),
            log: LogId(row.log_id),
            arguments: row.arguments,
            digest: row.digest,
            generation: unsigned(row.generation),
        },
        state: CommandState::parse(&row.state),
        journal_offset: unsigned(row.journal_offset),
        journal_hash: row.journal_hash,
        result: row.result,
        created_at: Time(row.created_at),
        finished_at: row.finished_at.map(Time),
    }
}
