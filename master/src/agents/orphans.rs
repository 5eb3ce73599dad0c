//! Commands that an agent still knows and nobody waits for: each is ended and forgotten.

use std::time::Duration;

use super::Agents;
use crate::db;
use crate::db::commands::CommandState;
use crate::session::{KnownCommand, Link, LinkError, spawn_named};

/// Tries to have a killed orphan forgotten: it dies at once, and its pipes drain within seconds.
const FORGET_ATTEMPTS: u32 = 30;
/// Between two of them.
const FORGET_PAUSE: Duration = Duration::from_secs(1);

impl Agents {
    /// [`Self::settle`] in a task of its own, for a command that was given up.
    pub(super) fn settle_beside(&self, link: &Link, command: KnownCommand) {
        let (agents, link) = (self.clone(), link.clone());
        spawn_named(&self.shared.tracker, "settle a command", async move {
            agents.settle(&link, command).await;
        });
    }

    /// Ends what an agent still knows of a command that nobody waits for: its result is stored, it
    /// was given up, or this database never leased it to this agent.
    pub(super) async fn settle(&self, link: &Link, command: KnownCommand) {
        // The next connection of the agent tells of it again.
        let Some(agent) = self.held_by(link).map(|seat| seat.id) else {
            return;
        };
        let id = command.id.to_string();
        let find = move |conn: &mut db::Conn| db::commands::by_id(conn, &id);
        let found = self.shared.db.read("command", find).await;
        match found {
            Ok(row) if row.state == CommandState::Leased && row.lease.agent == agent => return,
            Ok(_) | Err(db::DbError::NotFound) => {}
            Err(error) => {
                tracing::error!(%error, "a command of an agent could not be looked up");
                return;
            }
        }
        tracing::info!(command = %command.id, "an old command is cleared away");
        if command.running {
            // It may have ended meanwhile; whether it did is seen below.
            let _ = link.kill(command.id, command.generation).await;
        }
        for _ in 0..FORGET_ATTEMPTS {
            match link.forget(command.id, command.generation).await {
                Err(LinkError::Refused(refusal)) if refusal.code == "busy" => {
                    tokio::time::sleep(FORGET_PAUSE).await;
                }
                _ => return,
            }
        }
    }
}
