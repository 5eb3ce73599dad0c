//! Who is connected: one seat per agent, taken by at most one connection. The newest connection of
//! the same installation takes the seat at once; another installation waits until it is free.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use super::{AgentError, Agents};
use crate::clock::{self, Time};
use crate::db::agent_tokens::Asking;
use crate::db::agents::Presence;
use crate::db::events::NewEvent;
use crate::db::{self, DbResult};
use crate::ids::AgentId;
use crate::model::AuditOutcome;
use crate::session::{Farewell, Link, LinkError, Registry, Said, StatusSaid, spawn_named};

/// An agent as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentState {
    /// Its id.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Whether it is connected and may be asked.
    pub connected: bool,
    /// Version of the agent program.
    pub version: String,
    /// Operating system.
    pub os: String,
    /// Processor.
    pub arch: String,
    /// JSON object with what it said of its machine.
    pub facts: String,
    /// Where it connected from.
    pub peer: String,
    /// How it connected: `tcp`, `tls`, `http` (through the pages' port) or `dialled`.
    pub way: &'static str,
    /// Whether nobody can read its connection on the way.
    pub confidential: bool,
    /// When it connected or left last.
    pub since: Time,
}

/// One agent's place.
pub(super) struct Seat {
    /// The agent.
    pub(super) id: AgentId,
    /// Who sits here, from the proof to the end of the connection.
    holder: Mutex<Option<(Link, Said)>>,
    /// The connection to use: set when its facts are stored, empty when it ends.
    link: watch::Sender<Option<Link>>,
    /// What the holder was, or is.
    state: Mutex<AgentState>,
    /// Held while the row is written, so that rows follow the seat.
    writing: tokio::sync::Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Agents {
    /// Every agent that connected since the master started, by name.
    #[must_use]
    pub fn states(&self) -> Vec<AgentState> {
        let mut states: Vec<_> = lock(&self.shared.seats)
            .values()
            .map(|seat| lock(&seat.state).clone())
            .collect();
        states.sort_by(|one, other| one.name.cmp(&other.name));
        states
    }

    /// Whether an agent is connected and may be asked.
    #[must_use]
    pub fn is_connected(&self, agent: AgentId) -> bool {
        lock(&self.shared.seats)
            .get(&agent)
            .is_some_and(|seat| seat.link.borrow().as_ref().is_some_and(Link::is_usable))
    }

    /// Waits for a connection of the agent that is not over or about to be, at most `away_max`.
    pub(super) async fn link(
        &self,
        agent: AgentId,
        away_max: Duration,
    ) -> Result<Link, AgentError> {
        let mut links = self.seat(agent).link.subscribe();
        let open = links.wait_for(|link| link.as_ref().is_some_and(Link::is_usable));
        tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => Err(AgentError::Stopping),
            found = tokio::time::timeout(clock::real(away_max), open) => match found {
                Ok(Ok(link)) => link.clone().ok_or(AgentError::Stopping),
                Ok(Err(_)) => Err(AgentError::Stopping),
                Err(_) => Err(AgentError::Away(away_max.as_secs())),
            },
        }
    }

    fn seat(&self, agent: AgentId) -> Arc<Seat> {
        let mut seats = lock(&self.shared.seats);
        let seat = seats.entry(agent).or_insert_with(|| {
            Arc::new(Seat {
                id: agent,
                holder: Mutex::default(),
                link: watch::Sender::new(None),
                state: Mutex::new(AgentState {
                    id: agent,
                    name: String::new(),
                    connected: false,
                    version: String::new(),
                    os: String::new(),
                    arch: String::new(),
                    facts: "{}".to_owned(),
                    peer: String::new(),
                    way: "",
                    confidential: false,
                    since: Time::default(),
                }),
                writing: tokio::sync::Mutex::default(),
            })
        });
        Arc::clone(seat)
    }

    /// Hangs up on an agent, for one that was removed from the configuration or got a new key.
    /// Commands go on.
    pub fn hang_up(&self, agent: AgentId) {
        if let Some((link, _)) = &*lock(&self.seat(agent).holder) {
            link.dismiss(Farewell::Replaced);
        }
    }

    /// The seat that a connection holds.
    pub(super) fn held_by(&self, link: &Link) -> Option<Arc<Seat>> {
        let holds =
            |seat: &&Arc<Seat>| matches!(&*lock(&seat.holder), Some((held, _)) if held.is(link));
        lock(&self.shared.seats).values().find(holds).cloned()
    }

    /// Takes the seat for a connection, or says why not.
    fn sit(&self, seat: &Seat, said: &Said, link: &Link) -> Result<(), Farewell> {
        if self.shared.stop.is_cancelled() {
            return Err(Farewell::Stopping);
        }
        let mut holder = lock(&seat.holder);
        if let Some((old, before)) = &*holder
            && !old.is_closed()
        {
            if before.installation != said.installation {
                return Err(Farewell::Duplicate);
            }
            old.dismiss(Farewell::Replaced);
        }
        *holder = Some((link.clone(), said.clone()));
        seat.link.send_replace(None);
        Ok(())
    }

    /// Learns what the agent's machine is like, writes its row, settles old commands, and lets it
    /// be used.
    async fn welcome(self, seat: Arc<Seat>, said: Said, link: Link) {
        let facts = match link.info().await {
            Ok(facts) => serde_json::Value::Object(facts).to_string(),
            Err(LinkError::Lost) => return,
            Err(error) => {
                tracing::warn!(agent = said.name, %error, "the agent does not tell its facts");
                "{}".to_owned()
            }
        };
        {
            let _writing = seat.writing.lock().await;
            let is_holder = matches!(&*lock(&seat.holder), Some((held, _)) if held.is(&link));
            if !is_holder || link.is_closed() {
                return;
            }
            if let Err(error) = self.write_connected(seat.id, &said, &facts).await {
                tracing::error!(agent = said.name, %error, "the agent's row cannot be written");
                link.dismiss(Farewell::Stopping);
                return;
            }
            *lock(&seat.state) = AgentState {
                id: seat.id,
                name: said.name.clone(),
                connected: true,
                version: said.version.clone(),
                os: said.os.clone(),
                arch: said.arch.clone(),
                facts,
                peer: said.peer.to_string(),
                way: said.way.as_str(),
                confidential: said.confidential,
                since: self.shared.clock.now(),
            };
            let holder = lock(&seat.holder);
            // It may have gone, or been replaced, while the row was written.
            if matches!(&*holder, Some((held, _)) if held.is(&link)) {
                seat.link.send_replace(Some(link.clone()));
            }
        }
        let way = said.way.as_str();
        tracing::info!(agent = said.name, peer = %said.peer, version = said.version, way,
            confidential = said.confidential, "connected");
        self.shared.bells.dispatcher.notify_one();
        for command in &said.commands {
            self.settle(&link, *command).await;
        }
    }

    async fn write_connected(&self, id: AgentId, said: &Said, facts: &str) -> DbResult<()> {
        let now = self.shared.clock.now();
        let presence = Presence {
            installation: said.installation.clone(),
            version: said.version.clone(),
            os: said.os.clone(),
            arch: said.arch.clone(),
            facts: facts.to_owned(),
        };
        let write = move |conn: &mut db::Conn| {
            db::agents::connected(conn, now, id, &presence)?;
            // It stores its key before it says that it is ready.
            db::agent_tokens::settle(conn, now, id, &presence.installation)?;
            db::events::append(conn, now, &event("agent.connected", id))
        };
        let seq = self.shared.db.tx_progress("agent connected", write).await?;
        self.announce(seq);
        Ok(())
    }

    async fn write_disconnected(&self, id: AgentId) -> DbResult<()> {
        let now = self.shared.clock.now();
        let write = move |conn: &mut db::Conn| {
            db::agents::disconnected(conn, now, id)?;
            db::events::append(conn, now, &event("agent.disconnected", id))
        };
        let seq = self
            .shared
            .db
            .tx_progress("agent disconnected", write)
            .await?;
        self.announce(seq);
        Ok(())
    }

    pub(super) fn announce(&self, seq: i64) {
        self.shared.bells.events.send_if_modified(|newest| {
            let grows = seq > *newest;
            *newest = seq.max(*newest);
            grows
        });
    }
}

impl Agents {
    /// Adds the audit row of a refused connection.
    pub(crate) async fn audit_refusal(&self, name: &str, detail: &str) {
        let (name, detail, now) = (name.to_owned(), detail.to_owned(), self.shared.clock.now());
        let add = move |conn: &mut db::Conn| {
            let outcome = AuditOutcome::Refused;
            let (actor, action) = ("session", "agent.connect");
            db::audit::append(conn, now, actor, action, "agent", &name, outcome, &detail)
        };
        if let Err(error) = self.shared.db.tx("agent refused", add).await {
            tracing::error!(%error, "a refusal could not be audited");
        }
    }
}

pub(super) fn event(kind: &'static str, agent: AgentId) -> NewEvent {
    NewEvent {
        kind,
        agent: Some(agent),
        ..NewEvent::default()
    }
}

impl Registry for Agents {
    async fn keys(&self, name: &str) -> Vec<String> {
        let asked = name.to_owned();
        let find = move |conn: &mut db::Conn| db::agents::keys(conn, &asked);
        match self.shared.db.read("agent keys", find).await {
            Ok(found) => found.map(|keys| keys.hex).unwrap_or_default(),
            Err(error) => {
                tracing::error!(agent = name, %error, "the keys of an agent cannot be read");
                Vec::new()
            }
        }
    }

    async fn token(&self, id: &str) -> Option<String> {
        self.token_secret(id).await
    }

    async fn enrol(&self, asking: Asking, peer: SocketAddr) -> bool {
        self.store_enrolment(asking, peer).await
    }

    async fn status(&self, link: &Link, told: StatusSaid) {
        let agent = self.held_by(link).map(|seat| seat.id);
        if let Some(agent) = agent {
            self.store_status(agent, told).await;
        }
    }

    async fn admit(&self, said: Said, link: Link) -> Result<(), Farewell> {
        let asked = said.name.clone();
        let find = move |conn: &mut db::Conn| db::agents::by_name(conn, &asked);
        let row = self.shared.db.read("agent", find).await.map_err(|error| {
            tracing::error!(agent = said.name, %error, "the row of an agent cannot be read");
            Farewell::Stopping
        })?;
        let seat = self.seat(row.id);
        if let Err(farewell) = self.sit(&seat, &said, &link) {
            if farewell == Farewell::Duplicate {
                let detail = format!(
                    "another machine is connected by this name (refused installation {} from {})",
                    said.installation, said.peer
                );
                tracing::warn!(
                    agent = said.name,
                    detail,
                    "an agent's connection was refused"
                );
                self.audit_refusal(&said.name, &detail).await;
            }
            return Err(farewell);
        }
        let welcome = self.clone().welcome(seat, said, link);
        spawn_named(&self.shared.tracker, "agent welcome", welcome);
        Ok(())
    }

    async fn gone(&self, name: &str, link: &Link) {
        // A newer connection has the seat already.
        let Some(seat) = self.held_by(link) else {
            return;
        };
        {
            let mut holder = lock(&seat.holder);
            if !matches!(&*holder, Some((held, _)) if held.is(link)) {
                return;
            }
            *holder = None;
            seat.link.send_replace(None);
        }
        let _writing = seat.writing.lock().await;
        if lock(&seat.holder).is_some() {
            return;
        }
        {
            let mut state = lock(&seat.state);
            state.connected = false;
            state.since = self.shared.clock.now();
        }
        if let Err(error) = self.write_disconnected(seat.id).await {
            tracing::error!(agent = name, %error, "the agent's row cannot be written");
        }
        self.shared.bells.dispatcher.notify_one();
    }
}
