//! Agents as the database knows them; what only the configuration and the connections know is
//! added by the operation.

use std::collections::BTreeMap;

use diesel::prelude::*;

use super::builds;
use crate::clock::Time;
use crate::db::schema::agents;
use crate::db::{Conn, DbResult};
use crate::ids::AgentId;
use crate::model::AgentSummary;

/// Most agents told at once.
const AGENTS_MAX: i64 = 500;

#[derive(Queryable, Selectable)]
#[diesel(table_name = agents)]
struct Row {
    id: i64,
    name: String,
    key_hex: Option<String>,
    version: Option<String>,
    os: Option<String>,
    arch: Option<String>,
    facts: String,
    active: bool,
    paused: bool,
    connected_at: Option<i64>,
    last_seen_at: Option<i64>,
}

/// Every agent of the configuration by name, with its running builds. `connected`, `labels` and
/// `slots` are left empty.
pub fn list(conn: &mut Conn) -> DbResult<Vec<AgentSummary>> {
    let rows: Vec<Row> = agents::table
        .filter(agents::active.eq(true))
        .order(agents::name)
        .limit(AGENTS_MAX)
        .select((
            agents::id,
            agents::name,
            agents::key_hex,
            agents::version,
            agents::os,
            agents::arch,
            agents::facts,
            agents::active,
            agents::paused,
            agents::connected_at,
            agents::last_seen_at,
        ))
        .load(conn)?;
    let running = builds::running(conn)?;
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
        labels: BTreeMap::new(),
        slots: 0,
        active: row.active,
        paused: row.paused,
        connected: false,
        has_key: row.key_hex.is_some(),
        connected_at: row.connected_at.map(Time),
        last_seen_at: row.last_seen_at.map(Time),
    };
    Ok(rows.into_iter().map(agent).collect())
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
