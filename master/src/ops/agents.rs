//! Agents: what users see of them and do with them.

use super::audit::{Attempt, authorise};
use super::programs;
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::db::agent_upgrades::{self, NewAgentUpgrade};
use crate::db::{Conn, DbError, Lane, agent_tokens, agents, audit, views};
use crate::error::{Error, Result};
use crate::ids::AgentUpgradeId;
use crate::model::{AgentSummary, AuditOutcome, Name, Program};
use crate::session;

/// Every agent that may connect by name, with its labels, slots and running builds. Who looks after
/// it is told to those who said who they are.
pub async fn list(app: &App, identity: &Identity) -> Result<Vec<AgentSummary>> {
    identity.require(Permission::Read)?;
    let db = app.db.lane(Lane::Pages);
    let sight = identity.sight();
    let read = move |conn: &mut Conn| views::agents::list(conn, sight);
    let mut agents = db.read("agents.list", read).await?;
    let config = app.config();
    let is_known = !matches!(identity, Identity::Anonymous { .. });
    let states = app.agents.states();
    for agent in &mut agents {
        agent.connected = app.agents.is_connected(agent.id);
        let enrolled = agent.enrolled.then_some((&agent.labels, agent.slots));
        let entry = config.agent(&agent.name, enrolled).unwrap_or_default();
        (agent.labels, agent.slots) = (entry.labels, entry.slots);
        if is_known {
            (agent.owner, agent.contact) = (entry.owner, entry.contact);
        }
        let state = states.iter().find(|state| state.id == agent.id);
        if let Some(state) = state.filter(|state| state.connected) {
            agent.transport = Some(state.way.to_owned());
            agent.confidential = Some(state.confidential);
            agent.peer = is_known.then(|| state.peer.clone());
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

/// Ends the older of an agent's two keys, once the new one is in use. Conflict when there is one
/// key only.
pub async fn retire_key(app: &App, identity: &Identity, name: &str) -> Result<()> {
    let agent = administered(app, identity, name, "agent.retire_key").await?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        agents::retire_previous_key(conn, agent.id)?;
        note(conn, now, &actor, "agent.retire_key", &agent.name)
    };
    match app.db.tx("agent retire key", work).await {
        Err(DbError::Changed) => Err(Error::Conflict(format!("{name} has no second key"))),
        done => Ok(done?),
    }
}

/// Lets an agent go: its keys end at once, its connection too, and it builds no more until it
/// gets a new key. Conflict for one that the configuration names.
pub async fn remove(app: &App, identity: &Identity, name: &str) -> Result<()> {
    let agent = administered(app, identity, name, "agent.remove").await?;
    if app.config().agents.contains_key(name) {
        let text = format!("take [agent.{name}] out of the configuration first");
        return Err(Error::Conflict(text));
    }
    let (id, now, actor) = (agent.id, app.clock.now(), identity.name().to_owned());
    let work = move |conn: &mut Conn| {
        agents::remove(conn, id)?;
        agent_tokens::end_of(conn, now, id)?;
        note(conn, now, &actor, "agent.remove", &agent.name)
    };
    app.db.tx("agent remove", work).await?;
    app.agents.hang_up(id);
    app.bells.dispatcher.notify_one();
    Ok(())
}

/// Asks for a new program for an agent: the one for its system, of those that the master hands out.
/// Conflict when it has that version, when there is none, or when another is under way.
pub async fn upgrade(app: &App, identity: &Identity, name: &str) -> Result<AgentUpgradeId> {
    let agent = administered(app, identity, name, "agent.upgrade").await?;
    let all = programs::list(app, identity).await?;
    let program = fitting(&agent, all).map_err(Error::Conflict)?;
    let (now, actor) = (app.clock.now(), identity.name().to_owned());
    let new = NewAgentUpgrade {
        agent: agent.id,
        file: program.file,
        sha256: program.sha256,
        size: i64::try_from(program.size).map_err(Error::internal)?,
        version: program.version,
        asked_by: actor.clone(),
    };
    let work = move |conn: &mut Conn| {
        let id = agent_upgrades::insert(conn, now, &new)?;
        let (done, action) = (AuditOutcome::Done, "agent.upgrade");
        let detail = format!("{} {} ({})", new.file, new.version, new.sha256);
        audit::append(
            conn,
            now,
            &actor,
            action,
            "agent",
            &agent.name,
            done,
            &detail,
        )?;
        Ok(id)
    };
    match app.db.tx("agent upgrade", work).await {
        Err(DbError::Changed) => {
            let text = format!("a program is on its way to {name} already");
            Err(Error::Conflict(text))
        }
        done => {
            app.bells.upgrades.notify_one();
            Ok(done?)
        }
    }
}

/// The program for an agent's system; the error says why there is none.
fn fitting(agent: &AgentSummary, all: Vec<Program>) -> Result<Program, String> {
    let (Some(os), Some(arch)) = (&agent.os, &agent.arch) else {
        return Err(format!("{} has never connected", agent.name));
    };
    // An agent that speaks TLS by itself says so, and must not lose it.
    let tls = agent.facts.get("tls").is_some_and(|told| told == "1");
    let found = all
        .into_iter()
        .find(|one| one.os == *os && one.arch == *arch && one.tls == tls);
    let flavour = if tls { " with TLS" } else { "" };
    found.ok_or_else(|| {
        format!(
            "the master has no program for {arch} {os}{flavour}: put it into its folder `agents`"
        )
    })
}

/// The agent, for somebody who may administer it.
pub(super) async fn administered(
    app: &App,
    identity: &Identity,
    name: &str,
    action: &'static str,
) -> Result<AgentSummary> {
    let attempt = Attempt {
        action,
        object_kind: "agent",
        object_id: name,
    };
    authorise(app, identity, Permission::Administer, attempt).await?;
    show(app, identity, name).await
}

fn note(conn: &mut Conn, now: Time, actor: &str, action: &str, name: &str) -> Result<(), DbError> {
    let done = AuditOutcome::Done;
    audit::append(conn, now, actor, action, "agent", name, done, "").map(drop)
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
