//! New programs for agents: the loop that sends what was asked for, and that sees whether the agent
//! came back with it. Rows are the truth; a master that stops in between sends anew.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::registry::event;
use super::{AgentState, Agents};
use crate::db::{self, DbError, DbResult, agent_upgrades};
use crate::ids::AgentUpgradeId;
use crate::model::{AgentUpgrade, AgentUpgradeState as State};
use crate::session::{self, LinkError, NewProgram, spawn_named};
use crate::storage::Programs;

/// Between two looks when nobody rings.
const ROUND: Duration = Duration::from_secs(2);
/// Programs on their way at a time: a fleet is not upgraded at the expense of its builds.
const SENDING_MAX: usize = 4;
/// An agent tries a new program for a minute, and dials again within another.
const RESTART_MAX: Duration = Duration::from_secs(600);
/// Connected for so long with the new version, it stays: an agent goes back within three seconds
/// of a program that ends.
const SETTLED: Duration = Duration::from_secs(5);
/// An agent that was away for a day, or lost every connection, is asked anew by a person.
const WAIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Upgrades whose program is being sent by this master.
type Active = Arc<Mutex<HashSet<AgentUpgradeId>>>;

impl Agents {
    /// Carries upgrades on until `stop`.
    pub(crate) async fn run_upgrades(self, programs: Programs, stop: CancellationToken) {
        let active = Active::default();
        while !stop.is_cancelled() {
            if let Err(error) = self.upgrade_round(&programs, &active).await {
                tracing::error!(%error, "the upgrades of agents cannot be looked at");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(ROUND) => {}
                () = self.shared.bells.upgrades.notified() => {}
            }
        }
    }

    async fn upgrade_round(&self, programs: &Programs, active: &Active) -> DbResult<()> {
        let open = self.shared.db.read("agent upgrades", agent_upgrades::open);
        let states = self.states();
        for upgrade in open.await? {
            let state = states.iter().find(|state| state.id == upgrade.agent);
            let state = state.filter(|state| state.connected);
            match upgrade.state {
                State::Restarting => self.watch_return(upgrade, state).await?,
                _ => {
                    self.send_when_there(programs, active, upgrade, state)
                        .await?
                }
            }
        }
        Ok(())
    }

    /// Begins to send to an agent that is there; one that has the version already is done.
    async fn send_when_there(
        &self,
        programs: &Programs,
        active: &Active,
        upgrade: AgentUpgrade,
        state: Option<&AgentState>,
    ) -> DbResult<()> {
        if is_active(active, upgrade.id) {
            return Ok(());
        }
        let now = self.shared.clock.now();
        if now.since(upgrade.created_at) > WAIT_MAX {
            let text = "the agent did not take it within a day: ask again when it is there";
            return self.note(&upgrade, State::Failed, upgrade.sent, text).await;
        }
        let Some(state) = state else {
            return Ok(());
        };
        // Its answer was lost with the connection, and it is back with what it was sent.
        if upgrade.sent == upgrade.size && state.version == upgrade.version {
            return match now.since(state.since) >= SETTLED {
                true => {
                    let text = format!("the agent works with version {}", state.version);
                    self.note(&upgrade, State::Done, upgrade.sent, &text).await
                }
                false => Ok(()),
            };
        }
        {
            let mut active = lock(active);
            if active.len() >= SENDING_MAX {
                return Ok(());
            }
            active.insert(upgrade.id);
        }
        let (agents, programs, active) = (self.clone(), programs.clone(), Arc::clone(active));
        spawn_named(&self.shared.tracker, "agent upgrade", async move {
            let id = upgrade.id;
            if let Err(error) = agents.send(&programs, upgrade).await {
                tracing::error!(%error, "an upgrade cannot be carried on");
            }
            lock(&active).remove(&id);
            agents.shared.bells.upgrades.notify_one();
        });
        Ok(())
    }

    /// Sends the program and notes what the agent said to it.
    async fn send(&self, programs: &Programs, upgrade: AgentUpgrade) -> DbResult<()> {
        let sent = Arc::new(AtomicU64::new(0));
        let program = match open(programs, &upgrade, &sent).await {
            Ok(program) => program,
            Err(text) => return self.note(&upgrade, State::Failed, 0, &text).await,
        };
        let Ok(link) = self.link(upgrade.agent, Duration::ZERO).await else {
            // It left a moment ago; the next round looks again.
            return Ok(());
        };
        self.note(&upgrade, State::Sending, 0, "the program is on its way")
            .await?;
        let work = session::upgrade(&link, program);
        tokio::pin!(work);
        let outcome = loop {
            tokio::select! {
                outcome = &mut work => break outcome,
                () = tokio::time::sleep(ROUND) => {
                    let bytes = count(&sent);
                    self.note(&upgrade, State::Sending, bytes, "the program is on its way").await?;
                }
            }
        };
        let bytes = count(&sent);
        match outcome {
            Ok(()) => {
                let text = "the agent has it and starts anew";
                self.note(&upgrade, State::Restarting, upgrade.size, text)
                    .await
            }
            Err(LinkError::Lost) => {
                let text = "the connection was lost: it is sent again";
                self.note(&upgrade, State::Waiting, bytes, text).await
            }
            Err(error) => {
                let text = format!("the agent did not take it: {error}");
                self.note(&upgrade, State::Failed, bytes, &text).await
            }
        }
    }

    /// Sees whether the agent is back, and with what.
    async fn watch_return(
        &self,
        upgrade: AgentUpgrade,
        state: Option<&AgentState>,
    ) -> DbResult<()> {
        let now = self.shared.clock.now();
        let asked = upgrade.changed_at;
        let sent = upgrade.size;
        let back = state.filter(|state| state.since > asked);
        let Some(state) = back else {
            if now.since(asked) > RESTART_MAX {
                let text = "the agent has not come back";
                return self.note(&upgrade, State::Failed, sent, text).await;
            }
            return Ok(());
        };
        let agent = upgrade.agent;
        let read = move |conn: &mut db::Conn| db::agents::upgrade_failed(conn, agent, asked);
        let why = self.shared.db.read("agent upgrade failed", read).await?;
        if let Some(why) = why {
            let text = format!("the agent went back to {}: {why}", state.version);
            return self.note(&upgrade, State::Failed, sent, &text).await;
        }
        if state.version == upgrade.version {
            if now.since(state.since) >= SETTLED {
                let text = format!("the agent works with version {}", state.version);
                return self.note(&upgrade, State::Done, sent, &text).await;
            }
        } else if now.since(state.since) >= SETTLED {
            let text = format!("the agent came back with version {}", state.version);
            return self.note(&upgrade, State::Failed, sent, &text).await;
        }
        Ok(())
    }

    async fn note(
        &self,
        upgrade: &AgentUpgrade,
        state: State,
        sent: i64,
        text: &str,
    ) -> DbResult<()> {
        let (now, id, agent) = (self.shared.clock.now(), upgrade.id, upgrade.agent);
        let told = text.to_owned();
        let work = move |conn: &mut db::Conn| {
            agent_upgrades::advance(conn, now, id, state, sent, &told)?;
            db::events::append(conn, now, &event("agent.upgrade", agent))
        };
        match self.shared.db.tx_progress("agent upgrade", work).await {
            Ok(seq) => {
                self.announce(seq);
                Ok(())
            }
            // It was ended by another.
            Err(DbError::Changed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Opens the program that was asked for; the error says why it is not there any more.
async fn open(
    programs: &Programs,
    upgrade: &AgentUpgrade,
    sent: &Arc<AtomicU64>,
) -> Result<NewProgram, String> {
    let (programs, wanted) = (programs.clone(), upgrade.clone());
    let open = move || {
        let all = programs.list().map_err(|error| error.to_string())?;
        let found = all.into_iter().find(|one| one.sha256 == wanted.sha256);
        let found = found.ok_or("the program is not handed out any more")?;
        let file = programs.open(&found).map_err(|error| error.to_string())?;
        Ok((found, file))
    };
    let opened: Result<_, String> = match tokio::task::spawn_blocking(open).await {
        Ok(opened) => opened,
        Err(error) => Err(error.to_string()),
    };
    let (program, file) = opened?;
    Ok(NewProgram {
        file,
        size: program.size,
        sha256: program.sha256,
        version: upgrade.version.clone(),
        sent: Arc::clone(sent),
    })
}

fn count(sent: &AtomicU64) -> i64 {
    i64::try_from(sent.load(Ordering::Relaxed)).unwrap_or(i64::MAX)
}

fn is_active(active: &Active, id: AgentUpgradeId) -> bool {
    lock(active).contains(&id)
}

fn lock(active: &Active) -> std::sync::MutexGuard<'_, HashSet<AgentUpgradeId>> {
    active.lock().unwrap_or_else(PoisonError::into_inner)
}
