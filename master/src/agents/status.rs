//! How the agents' machines stand: what each tells of its disk, memory and load is stored, and the
//! dispatcher hears of one that takes no work, or takes it again.

use super::Agents;
use super::registry::event;
use crate::db;
use crate::ids::AgentId;
use crate::session::StatusSaid;

impl Agents {
    /// Stores a STATUS. Pages hear of it at once when the agent's willingness has changed; the
    /// figures they ask for by themselves.
    pub(super) async fn store_status(&self, agent: AgentId, told: StatusSaid) {
        let now = self.shared.clock.now();
        let mut figures = serde_json::json!(told.figures);
        if let Some(why) = &told.upgrade_failed {
            figures["upgrade_failed"] = why.as_str().into();
        }
        let figures = figures.to_string();
        let work = move |conn: &mut db::Conn| {
            let refuses = told.refuses.as_deref();
            let has_turned = db::agents::status(conn, now, agent, &figures, refuses)?;
            match has_turned {
                true => db::events::append(conn, now, &event("agent.status", agent)).map(Some),
                false => Ok(None),
            }
        };
        match self.shared.db.tx_progress("agent status", work).await {
            Ok(None) => {}
            Ok(Some(seq)) => {
                self.announce(seq);
                self.shared.bells.dispatcher.notify_one();
            }
            Err(error) => tracing::error!(%error, "the status of an agent cannot be stored"),
        }
    }
}
