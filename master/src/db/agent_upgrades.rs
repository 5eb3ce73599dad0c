//! New programs for agents: what was asked for and how far it is. Sending them is the agents'
//! registry's.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::agent_upgrades;
use super::{Conn, DbError, DbResult, storable};
use crate::clock::Time;
use crate::ids::{AgentId, AgentUpgradeId};
use crate::model::{AgentUpgrade, AgentUpgradeState};

/// Longest text kept, bytes: an agent's refusal is a sentence.
const TEXT_BYTES_MAX: usize = 1_000;
/// Upgrades under way or newest ones read at once: one per agent of the largest fleet.
const READ_MAX: i64 = 4_096;

/// An upgrade to ask for.
#[derive(Debug, Clone)]
pub struct NewAgentUpgrade {
    /// The agent.
    pub agent: AgentId,
    /// Name of the file in the folder of programs.
    pub file: String,
    /// Its SHA-256, 64 hex digits.
    pub sha256: String,
    /// Its bytes.
    pub size: i64,
    /// Version that it is.
    pub version: String,
    /// Who asks.
    pub asked_by: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = agent_upgrades)]
struct Row {
    id: i64,
    agent_id: i64,
    file: String,
    sha256: String,
    size: i64,
    version: String,
    state: String,
    sent: i64,
    state_text: String,
    asked_by: String,
    created_at: i64,
    changed_at: i64,
    ended_at: Option<i64>,
}

/// States in which an upgrade is not over.
fn open_states() -> [&'static str; 3] {
    [
        AgentUpgradeState::Waiting.as_str(),
        AgentUpgradeState::Sending.as_str(),
        AgentUpgradeState::Restarting.as_str(),
    ]
}

/// Asks for one. [`DbError::Changed`] when one is under way.
pub fn insert(conn: &mut Conn, now: Time, new: &NewAgentUpgrade) -> DbResult<AgentUpgradeId> {
    let open: i64 = agent_upgrades::table
        .filter(agent_upgrades::agent_id.eq(new.agent.0))
        .filter(agent_upgrades::state.eq_any(open_states()))
        .count()
        .get_result(conn)?;
    if open > 0 {
        return Err(DbError::Changed);
    }
    let id: i64 = diesel::insert_into(agent_upgrades::table)
        .values((
            agent_upgrades::agent_id.eq(new.agent.0),
            agent_upgrades::file.eq(&new.file),
            agent_upgrades::sha256.eq(&new.sha256),
            agent_upgrades::size.eq(new.size),
            agent_upgrades::version.eq(&new.version),
            agent_upgrades::state.eq(AgentUpgradeState::Waiting.as_str()),
            agent_upgrades::sent.eq(0),
            agent_upgrades::state_text.eq("waits for the agent"),
            agent_upgrades::asked_by.eq(&new.asked_by),
            agent_upgrades::created_at.eq(now.0),
            agent_upgrades::changed_at.eq(now.0),
        ))
        .returning(agent_upgrades::id)
        .get_result(conn)?;
    Ok(AgentUpgradeId(id))
}

/// Those that are not over, oldest first.
pub fn open(conn: &mut Conn) -> DbResult<Vec<AgentUpgrade>> {
    let rows: Vec<Row> = agent_upgrades::table
        .filter(agent_upgrades::state.eq_any(open_states()))
        .order(agent_upgrades::id)
        .limit(READ_MAX)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(upgrade).collect())
}

/// The newest of each agent.
pub fn newest(conn: &mut Conn) -> DbResult<BTreeMap<AgentId, AgentUpgrade>> {
    let ids: Vec<Option<i64>> = agent_upgrades::table
        .group_by(agent_upgrades::agent_id)
        .select(diesel::dsl::max(agent_upgrades::id))
        .limit(READ_MAX)
        .load(conn)?;
    let ids: Vec<i64> = ids.into_iter().flatten().collect();
    let rows: Vec<Row> = agent_upgrades::table
        .filter(agent_upgrades::id.eq_any(ids))
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(upgrade)
        .map(|upgrade| (upgrade.agent, upgrade))
        .collect())
}

/// One upgrade.
pub fn by_id(conn: &mut Conn, id: AgentUpgradeId) -> DbResult<AgentUpgrade> {
    let row: Row = agent_upgrades::table
        .find(id.0)
        .select(Row::as_select())
        .first(conn)?;
    Ok(upgrade(row))
}

/// It is in `state` now, with `sent` bytes away. [`DbError::Changed`] when it is over already.
pub fn advance(
    conn: &mut Conn,
    now: Time,
    id: AgentUpgradeId,
    state: AgentUpgradeState,
    sent: i64,
    text: &str,
) -> DbResult<()> {
    let is_over = matches!(state, AgentUpgradeState::Done | AgentUpgradeState::Failed);
    let open = agent_upgrades::table
        .find(id.0)
        .filter(agent_upgrades::state.eq_any(open_states()));
    let changed = diesel::update(open)
        .set((
            agent_upgrades::state.eq(state.as_str()),
            agent_upgrades::sent.eq(sent),
            agent_upgrades::state_text.eq(storable(text, TEXT_BYTES_MAX)),
            agent_upgrades::changed_at.eq(now.0),
            agent_upgrades::ended_at.eq(is_over.then_some(now.0)),
        ))
        .execute(conn)?;
    match changed {
        1 => Ok(()),
        _ => Err(DbError::Changed),
    }
}

fn upgrade(row: Row) -> AgentUpgrade {
    AgentUpgrade {
        id: AgentUpgradeId(row.id),
        agent: AgentId(row.agent_id),
        file: row.file,
        sha256: row.sha256,
        size: row.size,
        version: row.version,
        state: row.state.parse().unwrap_or(AgentUpgradeState::Failed),
        sent: row.sent,
        state_text: row.state_text,
        asked_by: row.asked_by,
        created_at: Time(row.created_at),
        changed_at: Time(row.changed_at),
        ended_at: row.ended_at.map(Time),
    }
}
