//! Agents as the database knows them; what only the configuration and the connections know is
//! added by the operation.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::builds;
use crate::clock::Time;
use crate::db::agent_upgrades;
use crate::db::schema::agents;
use crate::db::{Conn, DbResult};
use crate::ids::AgentId;
use crate::model::{AgentStatus, AgentSummary, Sight};

/// Most agents told at once.
const AGENTS_MAX: i64 = 500;

#[derive(Queryable, Selectable)]
#[diesel(table_name = agents)]
struct Row {
    id: i64,
    name: String,
    key_hex: Option<String>,
    key_previous_hex: Option<String>,
    version: Option<String>,
    os: Option<String>,
    arch: Option<String>,
    facts: String,
    active: bool,
    paused: bool,
    connected_at: Option<i64>,
    last_seen_at: Option<i64>,
    enrolled: bool,
    labels: String,
    slots: i64,
    status: String,
    status_at: Option<i64>,
    refuses: Option<String>,
    missing_at: Option<i64>,
}

/// Every agent that may connect by name, with those of its running builds that are there for the
/// asker, and its newest upgrade. What the
/// configuration and the connections know is left empty.
pub fn list(conn: &mut Conn, sight: Sight) -> DbResult<Vec<AgentSummary>> {
    let rows: Vec<Row> = agents::table
        .filter(agents::active.eq(true))
        .order(agents::name)
        .limit(AGENTS_MAX)
        .select(Row::as_select())
        .load(conn)?;
    let running = builds::running(conn, sight)?;
    let mut upgrades = agent_upgrades::newest(conn)?;
    let agent = |row: Row| AgentSummary {
        running: running
            .iter()
            .filter(|build| build.agent == row.name)
            .cloned()
            .collect(),
        id: AgentId(row.id),
        name: row.name,
        version: row.version,
        os: row.os,
        arch: row.arch,
        facts: facts(&row.facts),
        labels: serde_json::from_str(&row.labels).unwrap_or_default(),
        slots: u32::try_from(row.slots).unwrap_or(1),
        active: row.active,
        paused: row.paused,
        connected: false,
        enrolled: row.enrolled,
        has_key: row.key_hex.is_some(),
        has_old_key: row.key_previous_hex.is_some(),
        owner: None,
        contact: None,
        peer: None,
        transport: None,
        confidential: None,
        status: row.status_at.map(|at| status(&row.status, Time(at))),
        refuses: row.refuses,
        missing_at: row.missing_at.map(Time),
        upgrade: upgrades.remove(&AgentId(row.id)),
        connected_at: row.connected_at.map(Time),
        last_seen_at: row.last_seen_at.map(Time),
    };
    Ok(rows.into_iter().map(agent).collect())
}

/// The figures of a STATUS as it was stored.
fn status(json: &str, at: Time) -> AgentStatus {
    let told: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let figure = |name: &str| told.get(name).and_then(serde_json::Value::as_u64);
    AgentStatus {
        disk_free: figure("disk_free"),
        disk_total: figure("disk_total"),
        mem_free: figure("mem_free"),
        mem_total: figure("mem_total"),
        load: figure("load"),
        running: figure("running"),
        at: Some(at),
    }
}

/// A JSON object's members, texts without their quotes.
fn facts(json: &str) -> BTreeMap<String, String> {
    let all: BTreeMap<String, serde_json::Value> = serde_json::from_str(json).unwrap_or_default();
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    all.into_iter()
        .map(|(name, value)| (name, text(value)))
        .collect()
}
