//! Agents: the list, the page of one, and what is done with one there.

use actix_web::{HttpResponse, web};
use askama::Template;

use super::fault::Fault;
use super::figures::{Figures, figures};
use super::frame::{Frame, html};
use super::rows::BuildRow;
use super::sessions::see;
use super::{filters, state::Look};
use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::clock::Time;
use crate::error::Error;
use crate::model::{AgentSummary, AgentUpgrade, AgentUpgradeState, BuildFilter};
use crate::ops;

struct AgentRow {
    name: String,
    look: Look,
    version: Option<String>,
    /// What to do when it is not there, or what it says itself.
    advice: String,
    machine: String,
    labels: Vec<String>,
    slots: u32,
    running: Vec<BuildRow>,
    seen: Option<Time>,
    figures: Figures,
}

impl AgentRow {
    fn new(agent: AgentSummary, now: Time) -> Self {
        let labels = agent.labels.iter();
        Self {
            look: look(&agent),
            advice: advice(&agent),
            machine: machine(&agent),
            labels: labels
                .map(|(name, value)| format!("{name}={value}"))
                .collect(),
            slots: agent.slots,
            figures: figures(agent.status.as_ref().filter(|_| agent.connected)),
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

fn look(agent: &AgentSummary) -> Look {
    match (agent.connected, agent.missing_at) {
        (false, Some(_)) => Look::MISSING,
        (false, None) => Look::AWAY,
        (true, _) if agent.paused => Look::PAUSED,
        (true, _) if agent.refuses.is_some() => Look::UNWILLING,
        (true, _) if agent.running.is_empty() => Look::IDLE,
        (true, _) => Look::BUSY,
    }
}

fn advice(agent: &AgentSummary) -> String {
    if let Some(why) = agent.refuses.as_ref().filter(|_| agent.connected) {
        return why.clone();
    }
    let text = match (agent.has_key, agent.connected, agent.last_seen_at) {
        (false, ..) => {
            let name = &agent.name;
            return format!("has no key yet: windlass agent token {name}");
        }
        (true, true, _) => "",
        (true, false, None) => "has never connected: start windlass-agent on the machine",
        (true, false, Some(_)) => "is away: builds it had go on when it comes back",
    };
    text.to_owned()
}

fn machine(agent: &AgentSummary) -> String {
    let known = [&agent.os, &agent.arch].into_iter().flatten().cloned();
    let mut machine: Vec<String> = known.collect();
    if let Some(cpus) = agent.facts.get("cpus") {
        machine.push(format!("{cpus} processors"));
    }
    machine.join(", ")
}

#[derive(Template)]
#[template(path = "agents/list.html")]
struct ListPage {
    frame: Frame,
    /// How many are in each state, those that want a look first.
    counts: Vec<(Look, usize)>,
    /// The state that alone is shown; empty for all.
    state: String,
    agents: Vec<AgentRow>,
    may_add: bool,
}

/// The filter of the list.
#[derive(serde::Deserialize)]
pub struct ListQuery {
    /// Word of a state, such as `missing`.
    #[serde(default)]
    state: String,
}

/// States of agents, those that want a look first.
const STATES: [Look; 6] = [
    Look::MISSING,
    Look::AWAY,
    Look::UNWILLING,
    Look::PAUSED,
    Look::BUSY,
    Look::IDLE,
];

fn counts(agents: &[AgentRow]) -> Vec<(Look, usize)> {
    let counted = STATES.map(|look| {
        let of_it = agents.iter().filter(|agent| agent.look == look);
        (look, of_it.count())
    });
    counted
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
}

/// `GET /agents`.
pub async fn list(
    app: web::Data<App>,
    identity: Identity,
    asked: web::Query<ListQuery>,
) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let state = asked.into_inner().state;
    if !state.is_empty() && !STATES.iter().any(|look| look.word == state) {
        let words = STATES.map(|look| look.word).join(", ");
        let text = format!("no agent is ever in that state: choose one of {words}");
        return Err(Error::bad_input("state", text).into());
    }
    let agents = ops::agents::list(&app, &identity).await?;
    let rows = agents.into_iter().map(|agent| AgentRow::new(agent, now));
    let mut agents: Vec<AgentRow> = rows.collect();
    let counts = counts(&agents);
    agents.retain(|agent| state.is_empty() || agent.look.word == state);
    html(&ListPage {
        frame: Frame::new(&app, &identity, "/agents", "Agents")
            .rest("/api/v1/agents")
            .live("agent build"),
        may_add: identity.require(Permission::Administer).is_ok(),
        counts,
        state,
        agents,
    })
}

#[derive(Template)]
#[template(path = "agents/show.html")]
struct ShowPage {
    frame: Frame,
    agent: AgentRow,
    facts: Facts,
    upgrade: Option<UpgradeRow>,
    may: May,
    builds: Vec<BuildRow>,
    pages: Vec<(&'static str, String)>,
}

/// What is known of an agent besides how it stands.
struct Facts {
    connected: bool,
    enrolled: bool,
    owner: Option<String>,
    contact: Option<String>,
    kernel: Option<String>,
    way: String,
    missing_at: Option<Time>,
    told_at: Option<Time>,
    running: Option<u64>,
}

struct UpgradeRow {
    look: Look,
    version: String,
    text: String,
    asked_by: String,
    changed_at: Time,
    /// Percent sent; none unless it is on its way.
    percent: Option<i64>,
}

/// What the reader may do here.
#[derive(Debug, Default, Clone, Copy)]
struct May {
    pause: bool,
    resume: bool,
    upgrade: bool,
    retire_key: bool,
    remove: bool,
}

/// `GET /agents/{name}`.
pub async fn show(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    let now = app.clock.now();
    let mut agent = ops::agents::show(&app, &identity, &name).await?;
    let filter = BuildFilter {
        agent: Some(agent.name.clone()),
        ..BuildFilter::default()
    };
    let page = ops::builds::list(&app, &identity, filter).await?;
    let is_named = app.config().agents.contains_key(&agent.name);
    let may = match identity.require(Permission::Administer) {
        Ok(()) => May {
            pause: !agent.paused,
            resume: agent.paused,
            upgrade: agent.connected && !is_upgrading(&agent),
            retire_key: agent.has_old_key,
            remove: !is_named,
        },
        Err(_) => May::default(),
    };
    let path = format!("/agents/{}", agent.name);
    let facts = facts(&agent);
    let upgrade = agent.upgrade.take().map(upgrade_row);
    let agent = AgentRow::new(agent, now);
    html(&ShowPage {
        frame: Frame::new(&app, &identity, &path, agent.name.clone())
            .look(agent.look)
            .rest(format!("/api/v1{path}"))
            .live("agent build"),
        builds: BuildRow::all(page.items, now),
        pages: Vec::new(),
        agent,
        facts,
        upgrade,
        may,
    })
}

fn facts(agent: &AgentSummary) -> Facts {
    let mut way = Vec::new();
    way.extend(agent.transport.as_deref().map(|way| match way {
        "dialled" => "dialled by this master".to_owned(),
        "http" => "through the pages' port".to_owned(),
        "tls" => "TLS".to_owned(),
        other => other.to_uppercase(),
    }));
    way.extend(agent.peer.as_ref().map(|peer| format!("from {peer}")));
    way.extend(agent.confidential.map(|confidential| match confidential {
        true => "nobody can read it on the way".to_owned(),
        false => "can be read on the way: it gets no secrets".to_owned(),
    }));
    let status = agent.status.as_ref();
    Facts {
        connected: agent.connected,
        enrolled: agent.enrolled,
        owner: agent.owner.clone(),
        contact: agent.contact.clone(),
        kernel: agent.facts.get("kernel").cloned(),
        way: way.join(", "),
        missing_at: agent.missing_at,
        told_at: status.and_then(|status| status.at),
        running: status.and_then(|status| status.running),
    }
}

fn is_upgrading(agent: &AgentSummary) -> bool {
    let upgrade = agent.upgrade.as_ref();
    upgrade.is_some_and(|upgrade| upgrade.ended_at.is_none())
}

fn upgrade_row(upgrade: AgentUpgrade) -> UpgradeRow {
    let is_sending = upgrade.state == AgentUpgradeState::Sending;
    UpgradeRow {
        look: Look::of_upgrade(upgrade.state),
        percent: is_sending.then(|| upgrade.sent * 100 / upgrade.size.max(1)),
        version: upgrade.version,
        text: upgrade.state_text,
        asked_by: upgrade.asked_by,
        changed_at: upgrade.changed_at,
    }
}

/// `POST /agents/{name}/pause`: keeps new builds from it.
pub async fn pause(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::set_paused(&app, &identity, &name, true).await?;
    Ok(see(&format!("/agents/{name}")).finish())
}

/// `POST /agents/{name}/resume`: lets them come again.
pub async fn resume(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::set_paused(&app, &identity, &name, false).await?;
    Ok(see(&format!("/agents/{name}")).finish())
}

/// `POST /agents/{name}/upgrade`: sends it the program for its system.
pub async fn upgrade(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::upgrade(&app, &identity, &name).await?;
    Ok(see(&format!("/agents/{name}")).finish())
}

/// `POST /agents/{name}/retire-key`: ends the older of its keys.
pub async fn retire_key(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::retire_key(&app, &identity, &name).await?;
    Ok(see(&format!("/agents/{name}")).finish())
}

/// `POST /agents/{name}/remove`: lets it go.
pub async fn remove(
    app: web::Data<App>,
    identity: Identity,
    name: web::Path<String>,
) -> Result<HttpResponse, Fault> {
    ops::agents::remove(&app, &identity, &name).await?;
    Ok(see("/agents").finish())
}
