//! The agents' door: accepts connections, bounds strangers, and tells how connections ended.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use windlass_protocol::{CloseReason, MasterHello};

use super::Farewell;
use super::connection::{Ending, Task};
use super::limits::{
    ADDRESSES_MAX, CONNECTIONS_MAX, REFUSALS_AUDITED_PER_HOUR, STRANGERS_PER_ADDRESS_MAX,
};
use super::tasks::spawn_named;
use crate::agents::Agents;
use crate::clock::Time;

/// Waits before accepting again after the system refused to (too many open files, mostly).
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// What the count of refusals is per.
const HOUR: Duration = Duration::from_secs(3600);

/// The agents' door while it is open.
pub struct Door {
    listener: TcpListener,
    agents: Agents,
    deployment: String,
    strangers: Strangers,
    connections: Arc<Semaphore>,
    tracker: TaskTracker,
}

/// Opens the agents' door at `address`; [`Door::run`] serves it. `deployment` is the id that all
/// masters of one installation share.
///
/// Errors: those of binding the address, which the text names.
pub async fn listen(
    address: SocketAddr,
    deployment: String,
    agents: Agents,
) -> std::io::Result<Door> {
    let listener = TcpListener::bind(address).await.map_err(|error| {
        std::io::Error::new(
            error.kind(),
            format!("cannot listen for agents at {address}: {error}"),
        )
    })?;
    Ok(Door {
        listener,
        agents,
        deployment,
        strangers: Strangers::default(),
        connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
        tracker: TaskTracker::new(),
    })
}

impl Door {
    /// Where it listens, with the port that the system chose if it was 0.
    pub fn address(&self) -> std::io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// Serves until `stop`, then says goodbye to every agent and waits for that.
    pub async fn run(self, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => self.receive(stream, peer, &stop),
                    Err(error) => {
                        tracing::warn!(%error, "cannot accept a connection of an agent");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        self.tracker.close();
        self.tracker.wait().await;
    }

    fn receive(&self, stream: tokio::net::TcpStream, peer: SocketAddr, stop: &CancellationToken) {
        let Ok(permit) = Arc::clone(&self.connections).try_acquire_owned() else {
            tracing::warn!(%peer, "an agent's connection was refused: {CONNECTIONS_MAX} are open");
            return;
        };
        let Some(stranger) = self.strangers.enter(peer.ip()) else {
            tracing::warn!(%peer, "a connection was refused: too many of this address are unproved");
            return;
        };
        let prepared = stream.set_nodelay(true).and_then(|()| super::random());
        let nonce = match prepared {
            Ok(nonce) => nonce,
            Err(error) => {
                tracing::warn!(%peer, %error, "a connection could not be prepared");
                return;
            }
        };
        let hello = MasterHello {
            deployment: self.deployment.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            capabilities: Vec::new(),
        };
        let mut task = Task::new(stream, peer, hello, nonce, self.agents.clone());
        task.on_proof = Some(Box::new(move || drop(stranger)));
        let link = task.link();
        let (agents, strangers, stop) = (self.agents.clone(), self.strangers.clone(), stop.clone());
        spawn_named(&self.tracker, "agent connection", async move {
            let run = task.run();
            tokio::pin!(run);
            let ending = tokio::select! {
                ending = &mut run => ending,
                () = stop.cancelled() => {
                    link.dismiss(Farewell::Stopping);
                    run.await
                }
            };
            tell(&agents, &strangers, peer, ending).await;
            drop(permit);
        });
    }
}

/// One log line about how a connection ended, and an audit row if somebody was refused.
async fn tell(agents: &Agents, strangers: &Strangers, peer: SocketAddr, ending: Ending) {
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
    if strangers.may_audit(peer.ip(), agents.clock().now()) {
        agents
            .audit_refusal(name, &format!("{why} (from {peer})"))
            .await;
    }
}

/// Connections that have not proved who they are, by address.
#[derive(Clone, Default)]
struct Strangers {
    addresses: Arc<Mutex<HashMap<IpAddr, Visits>>>,
}

#[derive(Default)]
struct Visits {
    /// Unproved connections that are open.
    open: u32,
    /// Refusals audited since `since`.
    audited: u32,
    /// When the counting began.
    since: Time,
}

/// One stranger; leaving the count is dropping it.
struct Stranger {
    strangers: Strangers,
    address: IpAddr,
}

impl Strangers {
    /// Counts one in; `None` when there are too many.
    fn enter(&self, address: IpAddr) -> Option<Stranger> {
        let mut addresses = self.lock();
        if addresses.len() >= ADDRESSES_MAX && !addresses.contains_key(&address) {
            addresses.retain(|_, visits| visits.open > 0);
            if addresses.len() >= ADDRESSES_MAX {
                return None;
            }
        }
        let visits = addresses.entry(address).or_default();
        if visits.open >= STRANGERS_PER_ADDRESS_MAX {
            return None;
        }
        visits.open += 1;
        Some(Stranger {
            strangers: self.clone(),
            address,
        })
    }

    fn may_audit(&self, address: IpAddr, now: Time) -> bool {
        let mut addresses = self.lock();
        // The table is full of others: one more row does no harm to the bound, forgetting does.
        let Some(visits) = addresses.get_mut(&address) else {
            return false;
        };
        if now.since(visits.since) >= HOUR {
            (visits.audited, visits.since) = (0, now);
        }
        visits.audited += 1;
        visits.audited <= REFUSALS_AUDITED_PER_HOUR
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<IpAddr, Visits>> {
        self.addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if let Some(visits) = self.strangers.lock().get_mut(&self.address) {
            visits.open = visits.open.saturating_sub(1);
        }
    }
}
