//! Agents: names and keys from the configuration and the command line, and what each told of
//! itself when it last connected.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::schema::agents;
use super::{Conn, DbError, DbResult};
use crate::clock::Time;
use crate::ids::AgentId;

/// An agent as it is stored. Keys are not in it: see [`keys`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// Its id.
    pub id: AgentId,
    /// Its name in the configuration.
    pub name: String,
    /// Whether a key was made for it.
    pub has_key: bool,
    /// The installation that connected last.
    pub installation: Option<String>,
    /// Version of the agent program.
    pub version: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Processor.
    pub arch: Option<String>,
    /// JSON object with what it said of its machine; `{}` before the first connection.
    pub facts: String,
    /// Whether the configuration still names it.
    pub active: bool,
    /// Whether a person keeps new builds from it.
    pub paused: bool,
    /// When it was first named.
    pub created_at: Time,
    /// Since when it is connected; absent when it is not.
    pub connected_at: Option<Time>,
    /// When its last connection began or ended.
    pub last_seen_at: Option<Time>,
    /// Whether it came by a token, and stays without being named in the configuration.
    pub enrolled: bool,
    /// Labels that its token gave it; the configuration's count instead where it is named there.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time that its token gave it.
    pub slots: u32,
    /// Why it takes no new command, in its own words.
    pub refuses: Option<String>,
    /// Since when its owner has been told that it is missing.
    pub missing_at: Option<Time>,
}

/// What a connecting agent is judged by. `Debug` does not show the keys.
#[derive(Clone, PartialEq, Eq)]
pub struct AgentKeys {
    /// Whose.
    pub id: AgentId,
    /// Keys in force as 64 hex digits: the present one, and the one before it during a rotation.
    pub hex: Vec<String>,
}

impl std::fmt::Debug for AgentKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AgentKeys({}, {} secret)", self.id.0, self.hex.len())
    }
}

/// What an agent told of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Its installation id.
    pub installation: String,
    /// Version of the agent program.
    pub version: String,
    /// Operating system.
    pub os: String,
    /// Processor.
    pub arch: String,
    /// JSON object.
    pub facts: String,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = agents)]
struct Row {
    id: i64,
    name: String,
    key_hex: Option<String>,
    installation: Option<String>,
    version: Option<String>,
    os: Option<String>,
    arch: Option<String>,
    facts: String,
    active: bool,
    paused: bool,
    created_at: i64,
    connected_at: Option<i64>,
    last_seen_at: Option<i64>,
    enrolled: bool,
    labels: String,
    slots: i64,
    refuses: Option<String>,
    missing_at: Option<i64>,
}

/// Forgets who was connected: at the start of a master nobody is.
pub fn forget_connections(conn: &mut Conn) -> DbResult<()> {
    diesel::update(agents::table)
        .set((
            agents::connected_at.eq(None::<i64>),
            agents::refuses.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Makes the rows fit the configuration: missing names are added, named ones become active,
/// all others inactive, but those that enrolled unless `named_only`.
pub fn sync(conn: &mut Conn, now: Time, names: &[String], named_only: bool) -> DbResult<()> {
    diesel::update(agents::table)
        .set(agents::active.eq(agents::enrolled))
        .execute(conn)?;
    if named_only {
        diesel::update(agents::table)
            .set(agents::active.eq(false))
            .execute(conn)?;
    }
    for name in names {
        let kept = diesel::update(agents::table.filter(agents::name.eq(name)))
            .set(agents::active.eq(true))
            .execute(conn)?;
        if kept == 0 {
            insert(conn, now, name)?;
        }
    }
    Ok(())
}

fn insert(conn: &mut Conn, now: Time, name: &str) -> DbResult<()> {
    diesel::insert_into(agents::table)
        .values((
            agents::name.eq(name),
            agents::facts.eq("{}"),
            agents::active.eq(true),
            agents::paused.eq(false),
            agents::created_at.eq(now.0),
        ))
        .execute(conn)?;
    Ok(())
}

/// The agent of this name, made (and active) if there is none yet.
pub fn ensure(conn: &mut Conn, now: Time, name: &str) -> DbResult<Agent> {
    match by_name(conn, name) {
        Err(DbError::NotFound) => {
            insert(conn, now, name)?;
            by_name(conn, name)
        }
        found => found,
    }
}

/// Every agent, by name.
pub fn list(conn: &mut Conn) -> DbResult<Vec<Agent>> {
    let rows: Vec<Row> = agents::table
        .order(agents::name)
        .select(Row::as_select())
        .load(conn)?;
    Ok(rows.into_iter().map(agent).collect())
}

/// The agent of this id.
pub fn by_id(conn: &mut Conn, id: AgentId) -> DbResult<Agent> {
    let row = agents::table
        .find(id.0)
        .select(Row::as_select())
        .first(conn)?;
    Ok(agent(row))
}

/// The agent of this name.
pub fn by_name(conn: &mut Conn, name: &str) -> DbResult<Agent> {
    let row = agents::table
        .filter(agents::name.eq(name))
        .select(Row::as_select())
        .first(conn)?;
    Ok(agent(row))
}

/// The keys of an active agent; `None` for an unknown or inactive one and one without a key.
pub fn keys(conn: &mut Conn, name: &str) -> DbResult<Option<AgentKeys>> {
    let row: Option<(i64, Option<String>, Option<String>)> = agents::table
        .filter(agents::name.eq(name).and(agents::active.eq(true)))
        .select((agents::id, agents::key_hex, agents::key_previous_hex))
        .first(conn)
        .optional()?;
    Ok(row.and_then(|(id, present, previous)| {
        let hex: Vec<String> = present.into_iter().chain(previous).collect();
        (!hex.is_empty()).then_some(AgentKeys {
            id: AgentId(id),
            hex,
        })
    }))
}

/// Stores a new key (64 hex digits); with `keep_previous` the old one stays valid beside it.
pub fn set_key(conn: &mut Conn, id: AgentId, key_hex: &str, keep_previous: bool) -> DbResult<()> {
    let old: Option<String> = agents::table
        .find(id.0)
        .select(agents::key_hex)
        .first(conn)?;
    diesel::update(agents::table.find(id.0))
        .set((
            agents::key_hex.eq(key_hex),
            agents::key_previous_hex.eq(old.filter(|_| keep_previous)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Ends the key that was valid beside the present one. [`DbError::Changed`] when there is none.
pub fn retire_previous_key(conn: &mut Conn, id: AgentId) -> DbResult<()> {
    let held = agents::table
        .find(id.0)
        .filter(agents::key_previous_hex.is_not_null());
    let changed = diesel::update(held)
        .set(agents::key_previous_hex.eq(None::<String>))
        .execute(conn)?;
    match changed {
        0 => Err(DbError::Changed),
        _ => Ok(()),
    }
}

/// What a token gives to the agent that enrols with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Enrolled {
    /// The agent's name.
    pub name: String,
    /// Its key as 64 hex digits.
    pub key_hex: String,
    /// Labels of the token.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time.
    pub slots: u32,
    /// Whether the key in force is one that the same token gave, and is replaced.
    pub again: bool,
}

/// Makes or finds the agent and gives it its key. One that the configuration names stays the
/// configuration's. The key in force before stays valid until the new one was used.
pub fn enrol(conn: &mut Conn, now: Time, new: &Enrolled) -> DbResult<AgentId> {
    let named = by_name(conn, &new.name).is_ok_and(|agent| agent.active && !agent.enrolled);
    let agent = ensure(conn, now, &new.name)?;
    if !named {
        diesel::update(agents::table.find(agent.id.0))
            .set((
                agents::enrolled.eq(true),
                agents::active.eq(true),
                agents::labels.eq(json(&new.labels)),
                agents::slots.eq(i64::from(new.slots)),
            ))
            .execute(conn)?;
    }
    if new.again {
        one(diesel::update(agents::table.find(agent.id.0))
            .set(agents::key_hex.eq(&new.key_hex))
            .execute(conn)?)?;
    } else {
        set_key(conn, agent.id, &new.key_hex, true)?;
    }
    Ok(agent.id)
}

/// Lets an agent go: its keys end, and it stays away unless the configuration names it.
pub fn remove(conn: &mut Conn, id: AgentId) -> DbResult<()> {
    one(diesel::update(agents::table.find(id.0))
        .set((
            agents::key_hex.eq(None::<String>),
            agents::key_previous_hex.eq(None::<String>),
            agents::enrolled.eq(false),
            agents::active.eq(false),
            agents::missing_at.eq(None::<i64>),
        ))
        .execute(conn)?)
}

/// Keeps new builds from an agent, or lets them come again.
pub fn set_paused(conn: &mut Conn, id: AgentId, paused: bool) -> DbResult<()> {
    one(diesel::update(agents::table.find(id.0))
        .set(agents::paused.eq(paused))
        .execute(conn)?)
}

/// The agent connected.
pub fn connected(conn: &mut Conn, now: Time, id: AgentId, presence: &Presence) -> DbResult<()> {
    one(diesel::update(agents::table.find(id.0))
        .set((
            agents::installation.eq(&presence.installation),
            agents::version.eq(&presence.version),
            agents::os.eq(&presence.os),
            agents::arch.eq(&presence.arch),
            agents::facts.eq(&presence.facts),
            agents::connected_at.eq(now.0),
            agents::last_seen_at.eq(now.0),
        ))
        .execute(conn)?)
}

/// The agent told how its machine stands: a JSON object, and why it takes no new command.
/// `true` when that reason is another than before.
pub fn status(
    conn: &mut Conn,
    now: Time,
    id: AgentId,
    status: &str,
    refuses: Option<&str>,
) -> DbResult<bool> {
    let before: Option<String> = agents::table
        .find(id.0)
        .select(agents::refuses)
        .first(conn)?;
    diesel::update(agents::table.find(id.0))
        .set((
            agents::status.eq(status),
            agents::status_at.eq(now.0),
            agents::refuses.eq(refuses),
        ))
        .execute(conn)?;
    Ok(before.as_deref() != refuses)
}

/// Why the agent went back from a new program, as it told after `since`.
pub fn upgrade_failed(conn: &mut Conn, id: AgentId, since: Time) -> DbResult<Option<String>> {
    let found: Option<String> = agents::table
        .find(id.0)
        .filter(agents::status_at.gt(since.0))
        .select(agents::status)
        .first(conn)
        .optional()?;
    let told = found.and_then(|json| serde_json::from_str::<serde_json::Value>(&json).ok());
    Ok(told.and_then(|told| Some(told.get("upgrade_failed")?.as_str()?.to_owned())))
}

/// Remembers that the owner was told of an absence that began to count at `since`, or that it is
/// over.
pub fn set_missing(conn: &mut Conn, id: AgentId, since: Option<Time>) -> DbResult<()> {
    one(diesel::update(agents::table.find(id.0))
        .set(agents::missing_at.eq(since.map(|at| at.0)))
        .execute(conn)?)
}

/// The agent is gone.
pub fn disconnected(conn: &mut Conn, now: Time, id: AgentId) -> DbResult<()> {
    one(diesel::update(agents::table.find(id.0))
        .set((
            agents::connected_at.eq(None::<i64>),
            agents::last_seen_at.eq(now.0),
            // It says anew how it stands when it is back.
            agents::refuses.eq(None::<String>),
        ))
        .execute(conn)?)
}

fn one(rows: usize) -> DbResult<()> {
    match rows {
        0 => Err(DbError::NotFound),
        _ => Ok(()),
    }
}

fn agent(row: Row) -> Agent {
    Agent {
        id: AgentId(row.id),
        name: row.name,
        has_key: row.key_hex.is_some(),
        installation: row.installation,
        version: row.version,
        os: row.os,
        arch: row.arch,
        facts: row.facts,
        active: row.active,
        paused: row.paused,
        created_at: Time(row.created_at),
        connected_at: row.connected_at.map(Time),
        last_seen_at: row.last_seen_at.map(Time),
        enrolled: row.enrolled,
        labels: map(&row.labels),
        slots: u32::try_from(row.slots).unwrap_or(1),
        refuses: row.refuses,
        missing_at: row.missing_at.map(Time),
    }
}

/// Labels as they are stored.
pub(super) fn json(labels: &BTreeMap<String, String>) -> String {
    serde_json::json!(labels).to_string()
}

/// Labels as they were stored.
pub(super) fn map(json: &str) -> BTreeMap<String, String> {
    serde_json::from_str(json).unwrap_or_default()
}
