//! Agents: what users see of them and do with them.

use super::audit::{Attempt, authorise};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{Conn, Lane, agents, audit, views};
use crate::error::{Error, Result};
use crate::model::{AgentSummary, AuditOutcome, Name};
use crate::session;

/// Every agent of the configuration by name, with its labels, slots and running builds.
pub async fn list(app: &App, identity: &Identity) -> Result<Vec<AgentSummary>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let mut agents = db.read("agents.list", views::agents::list).await?;
    let config = app.config();
    for agent in &mut agents {
        agent.connected = app.agents.is_connected(agent.id);
        if let Some(entry) = config.agents.get(&agent.name) {
            agent.labels = entry.labels.clone();
            agent.slots = entry.slots;
        }
    }
    Ok(agents)
}

/// The agent `name`.
pub async fn show(app: &App, identity: &Identity, name: &str) -> Result<AgentSummary> {
    let all = list(app, identity).await?;
    all.into_iter()
        .find(|agent| agent.name == name)
        .ok_or_else(|| Error::NotFound(format!("there is no agent `{name}`")))
}

/// Makes a key for the agent `name`, and the agent if there is none yet, and returns the line for
/// its key file (`wlk1_…`). It is shown once and not stored in that form. A key that was there
/// before stays valid beside the new one until the next is made.
pub async fn add(app: &App, identity: &Identity, name: &str) -> Result<String> {
    let attempt = Attempt {
        action: "agent.add",
        object_kind: "agent",
        object_id: name,
    };
    authorise(app, identity, Permission::Administer, attempt).await?;
    let name: Name = name
        .parse()
        .map_err(|error: crate::model::NameError| Error::bad_input("name", error.to_string()))?;
    let (line, hex) = session::new_key().map_err(Error::internal)?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        let agent = agents::ensure(conn, now, name.as_str())?;
        agents::set_key(conn, agent.id, &hex, true)?;
        let (done, id) = (AuditOutcome::Done, name.as_str());
        let detail = if agent.has_key {
            "another key"
        } else {
            "first key"
        };
        audit::append(conn, now, &actor, "agent.add", "agent", id, done, detail)?;
        Ok(())
    };
    app.db.tx("agent add", work).await?;
    Ok(line)
}

/// Keeps new builds from an agent, or lets them come again. Running builds go on.
pub async fn set_paused(app: &App, identity: &Identity, name: &str, paused: bool) -> Result<()> {
    let action = if paused {
        "agent.pause"
    } else {
        "agent.resume"
    };
    let attempt = Attempt {
        action,
        object_kind: "agent",
        object_id: name,
    };
    authorise(app, identity, Permission::Administer, attempt).await?;
    let agent = show(app, identity, name).await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        agents::set_paused(conn, agent.id, paused)?;
        let done = AuditOutcome::Done;
        audit::append(conn, now, &actor, action, "agent", &agent.name, done, "")?;
        Ok(())
    };
    app.db.tx("agent pause", work).await?;
    app.bells.dispatcher.notify_one();
    Ok(())
}

#[cfg(test)]
mod tests;
