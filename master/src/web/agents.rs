//! Agents: the list.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::frame::{Frame, html};
use super::rows::BuildRow;
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::Identity;
use crate::clock::Time;
use crate::model::AgentSummary;
use crate::ops;

struct AgentRow {
    name: String,
    look: Look,
    version: Option<String>,
    /// What to do when it is not there.
    advice: String,
    machine: String,
    labels: Vec<String>,
    slots: u32,
    running: Vec<BuildRow>,
    seen: Option<Time>,
}

impl AgentRow {
    fn new(agent: AgentSummary, now: Time) -> Self {
        let advice = if !agent.has_key {
            format!("has no key yet: windlass agent add {}", agent.name)
        } else if !agent.connected && agent.last_seen_at.is_none() {
            "has never connected: start windlass-agent on the machine".to_owned()
        } else if !agent.connected {
            "is away: builds it had go on when it comes back".to_owned()
        } else {
            String::new()
        };
        let known = [agent.os, agent.arch].into_iter().flatten();
        let mut machine: Vec<String> = known.collect();
        if let Some(cpus) = agent.facts.get("cpus") {
            machine.push(format!("{cpus} processors"));
        }
        let look = match (agent.connected, agent.paused, agent.running.is_empty()) {
            (false, _, _) => Look::AWAY,
            (true, true, _) => Look::PAUSED,
            (true, false, true) => Look::IDLE,
            (true, false, false) => Look::BUSY,
        };
        Self {
            look,
            advice,
            machine: machine.join(", "),
            labels: agent
                .labels
                .iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            slots: agent.slots,
            running: BuildRow::all(agent.running, now),
            seen: if agent.connected {
                agent.connected_at
            } else {
                agent.last_seen_at
            },
            name: agent.name,
            version: agent.version,
        }
    }
}

#[derive(Template)]
#[template(path = "agents/list.html")]
struct ListPage {
    frame: Frame,
    agents: Vec<AgentRow>,
}

/// `GET /agents`.
pub async fn list(app: web::Data<App>, identity: Identity) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let agents = ops::agents::list(&app, &identity).await?;
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/agents", "Agents")
            .rest("/api/v1/agents")
            .live("agent build"),
        agents: agents
            .into_iter()
            .map(|agent| AgentRow::new(agent, now))
            .collect(),
    })
}
