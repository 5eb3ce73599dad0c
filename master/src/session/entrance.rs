//! Where every connection comes in, whichever way: bounds strangers, serves the protocol, and
//! tells how the connection ended. Not here: sockets that listen.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use windlass_protocol::{CloseReason, MasterHello};

use super::Farewell;
use super::connection::{Ending, Task};
use super::limits::CONNECTIONS_MAX;
use super::strangers::{Stranger, Strangers};
use super::tasks::spawn_named;
use super::wire::Wire;
use crate::agents::Agents;

/// Lets agents in; cheap to clone.
#[derive(Clone)]
pub struct Entrance {
    agents: Agents,
    /// The id that all masters of one installation share.
    deployment: Arc<str>,
    strangers: Strangers,
    connections: Arc<Semaphore>,
    tracker: TaskTracker,
    /// The master stops.
    stop: CancellationToken,
}

/// The place that a connection takes, from its first byte to its end.
pub(super) struct Visit {
    peer: SocketAddr,
    /// Given up with the proof.
    stranger: Option<Stranger>,
    _place: OwnedSemaphorePermit,
}

impl Entrance {
    /// An entrance to `agents`. `deployment` is the id that all masters of one installation
    /// share; after `stop` every connection is told goodbye.
    #[must_use]
    pub fn new(deployment: &str, agents: Agents, stop: CancellationToken) -> Self {
        Self {
            agents,
            deployment: deployment.into(),
            strangers: Strangers::default(),
            connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            tracker: TaskTracker::new(),
            stop,
        }
    }

    /// Waits until the master stops and the last connection has ended.
    pub async fn emptied(&self) {
        self.stop.cancelled().await;
        self.tracker.close();
        self.tracker.wait().await;
    }

    /// Counts a stranger in; `None` when there is no room, which is logged.
    pub(super) fn enter(&self, peer: SocketAddr) -> Option<Visit> {
        if self.stop.is_cancelled() {
            return None;
        }
        let mut visit = self.visit(peer)?;
        visit.stranger = self.strangers.enter(peer.ip());
        if visit.stranger.is_none() {
            tracing::warn!(%peer, "a connection was refused: too many of this address are unproved");
            return None;
        }
        Some(visit)
    }

    /// A place for a connection that we made ourselves.
    pub(super) fn visit(&self, peer: SocketAddr) -> Option<Visit> {
        let Ok(place) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::warn!(%peer, "an agent's connection was refused: {CONNECTIONS_MAX} are open");
            return None;
        };
        Some(Visit {
            peer,
            stranger: None,
            _place: place,
        })
    }

    /// Runs `work` as a task that [`Entrance::emptied`] waits for.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        spawn_named(&self.tracker, "agent connection", work);
    }

    /// Serves a connection to its end. With `expected` only the agent of that name is let in.
    /// Whether it proved itself.
    pub(super) async fn serve(
        &self,
        mut visit: Visit,
        wire: Wire,
        expected: Option<String>,
    ) -> bool {
        let peer = visit.peer;
        let nonce = match super::random() {
            Ok(nonce) => nonce,
            Err(error) => {
                tracing::warn!(%peer, %error, "a connection could not be prepared");
                return false;
            }
        };
        let hello = MasterHello {
            deployment: self.deployment.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            capabilities: Vec::new(),
        };
        let mut task = Task::new(wire, hello, nonce, self.agents.clone());
        task.expected = expected;
        let stranger = visit.stranger.take();
        task.on_proof = Some(Box::new(move || drop(stranger)));
        let link = task.link();
        let run = task.run();
        tokio::pin!(run);
        let ending = tokio::select! {
            ending = &mut run => ending,
            () = self.stop.cancelled() => {
                link.dismiss(Farewell::Stopping);
                run.await
            }
        };
        let is_proved = ending.is_proved;
        self.tell(peer, ending).await;
        is_proved
    }

    /// One log line about how a connection ended, and an audit row if somebody was refused.
    async fn tell(&self, peer: SocketAddr, ending: Ending) {
        let name = ending.name.as_deref().unwrap_or("?");
        if ending.is_proved {
            match ending.reason {
                CloseReason::Bye | CloseReason::Ended => {
                    tracing::info!(agent = name, %peer, "disconnected")
                }
                reason => tracing::warn!(agent = name, %peer, ?reason, "the connection broke"),
            }
            return;
        }
        let why = match ending.reason {
            CloseReason::AuthFailed => "unknown agent or wrong key".to_owned(),
            CloseReason::Protocol(error) => error.to_string(),
            CloseReason::Silent => "it did not prove who it is in time".to_owned(),
            // A duplicate was told and audited by the registry; others hung up by themselves.
            CloseReason::Ended => return,
            CloseReason::Bye | CloseReason::Lost | CloseReason::Refused { .. } => {
                tracing::info!(%peer, agent = name, "a connection ended before it was proved");
                return;
            }
        };
        tracing::warn!(%peer, agent = name, why, "an agent's connection was refused");
        let now = self.agents.clock().now();
        if self.strangers.may_audit(peer.ip(), now) {
            let detail = format!("{why} (from {peer})");
            self.agents.audit_refusal(name, &detail).await;
        }
    }
}
