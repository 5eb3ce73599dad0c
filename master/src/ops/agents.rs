//! Agents: what users see of them and do with them.

use crate::app::App;
use crate::auth::{Identity, Permission};
use crate::db::{Lane, views};
use crate::error::{Error, Result};
use crate::model::AgentSummary;

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
