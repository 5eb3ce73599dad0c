//! Enrolling: a machine that has proved a one-time token gets a key of its own. The proof is
//! `session`'s; what a token allows is decided in the transaction of `db::agent_tokens`.

use std::net::SocketAddr;

use super::Agents;
use crate::db::agent_tokens::{self, Asking};
use crate::db::{self, DbError};
use crate::model::AuditOutcome;

impl Agents {
    /// The secret of a token that is not over.
    pub(super) async fn token_secret(&self, id: &str) -> Option<String> {
        let (asked, now) = (id.to_owned(), self.shared.clock.now());
        let find = move |conn: &mut db::Conn| agent_tokens::secret(conn, now, &asked);
        match self.shared.db.read("agent token", find).await {
            Ok(found) => found,
            Err(error) => {
                tracing::error!(%error, "a token cannot be read");
                None
            }
        }
    }

    /// Stores the agent, its key and the token's use, with the audit row, in one transaction that
    /// is on disk when this returns `true`. A refusal is audited too.
    pub(super) async fn store_enrolment(&self, asking: Asking, peer: SocketAddr) -> bool {
        let now = self.shared.clock.now();
        let told = asking.clone();
        let work = move |conn: &mut db::Conn| {
            let outcome = agent_tokens::enrol(conn, now, &told)?;
            let (outcome, why) = match outcome {
                Ok(_) => (AuditOutcome::Done, ""),
                Err(why) => (AuditOutcome::Refused, why),
            };
            audit(conn, now, &told, peer, outcome, why)?;
            Ok(outcome == AuditOutcome::Done)
        };
        match self.shared.db.tx("agent enrol", work).await {
            Ok(true) => {
                let (agent, token) = (&asking.name, &asking.public_id);
                tracing::info!(agent, token, %peer, "enrolled");
                self.shared.bells.dispatcher.notify_one();
                true
            }
            Ok(false) => false,
            Err(DbError::Changed | DbError::Taken(_)) => {
                self.audit_lost_race(asking, peer).await;
                false
            }
            Err(error) => {
                tracing::error!(agent = asking.name, %error, "an enrolment cannot be stored");
                false
            }
        }
    }

    async fn audit_lost_race(&self, asking: Asking, peer: SocketAddr) {
        let now = self.shared.clock.now();
        let work = move |conn: &mut db::Conn| {
            audit(
                conn,
                now,
                &asking,
                peer,
                AuditOutcome::Refused,
                agent_tokens::SPENT,
            )
        };
        if let Err(error) = self.shared.db.tx("agent enrol refused", work).await {
            tracing::error!(%error, "a refusal could not be audited");
        }
    }
}

fn audit(
    conn: &mut db::Conn,
    now: crate::clock::Time,
    asking: &Asking,
    peer: SocketAddr,
    outcome: AuditOutcome,
    why: &str,
) -> db::DbResult<()> {
    let Asking {
        public_id,
        name,
        installation,
        ..
    } = asking;
    let stop = if why.is_empty() { "" } else { ": " };
    let detail = format!("token {public_id}, installation {installation}, from {peer}{stop}{why}");
    let (actor, action) = ("session", "agent.enrol");
    db::audit::append(conn, now, actor, action, "agent", name, outcome, &detail).map(drop)
}

#[cfg(test)]
mod tests;
