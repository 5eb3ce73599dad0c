//! The dispatcher: gives waiting requests to free agents, one build per slot, and tells every
//! other request why it waits. One loop over the queue in the database; a claim is one guarded
//! transaction, so a second dispatcher or a restart never claims twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::bells::Bells;
use crate::clock::Clock;
use crate::config::Config;
use crate::config::resolved::{Builder, StepKind};
use crate::db::builds::{Build, NewBuild};
use crate::db::requests::Request;
use crate::db::{Conn, Db, DbError, DbResult, Lane, agents, builders, builds, events, requests};
use crate::ids::{AgentId, BuilderId, RequestId};
use crate::scheduler::queue::{Candidate, Round, Waiting, assign};

/// Looks again after this long even when nobody rang.
const ROUND_MAX: Duration = Duration::from_secs(10);

/// The dispatcher of one master.
pub struct Dispatcher {
    db: Db,
    clock: Clock,
    bells: Bells,
    config: watch::Receiver<Arc<Config>>,
}

/// What a round decides upon.
struct Queue {
    waiting: Vec<Request>,
    names: BTreeMap<BuilderId, String>,
    round: Round,
    slots: BTreeMap<AgentId, u32>,
}

impl Dispatcher {
    /// A dispatcher for the configuration in force at each round.
    #[must_use]
    pub fn new(db: &Db, clock: Clock, bells: Bells, config: watch::Receiver<Arc<Config>>) -> Self {
        Self {
            db: db.lane(Lane::Engine),
            clock,
            bells,
            config,
        }
    }

    /// Hands out builds until `stop`.
    pub async fn run(mut self, stop: CancellationToken) {
        let bell = Arc::clone(&self.bells.dispatcher);
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                tracing::error!(%error, "the queue cannot be looked at");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(ROUND_MAX) => {}
                () = bell.notified() => {}
                Ok(()) = self.config.changed() => {}
            }
        }
    }

    /// Goes through the queue once.
    pub(crate) async fn round(&self) -> DbResult<()> {
        let config = Arc::clone(&self.config.borrow());
        let queue = self
            .db
            .read("queue", {
                let config = Arc::clone(&config);
                move |conn| look(conn, &config)
            })
            .await?;
        for (request, agent) in &queue.round.assignments {
            self.claim(&config, &queue, *request, *agent).await?;
        }
        let said: BTreeMap<RequestId, &str> = queue
            .waiting
            .iter()
            .map(|request| (request.id, request.wait_reason.as_str()))
            .collect();
        let new: Vec<(RequestId, String)> = queue
            .round
            .reasons
            .iter()
            .filter(|(id, text)| said.get(id) != Some(&text.as_str()))
            .cloned()
            .collect();
        if new.is_empty() {
            return Ok(());
        }
        let work = move |conn: &mut Conn| {
            new.iter()
                .try_for_each(|(id, text)| requests::set_wait_reason(conn, *id, text))
        };
        self.db.tx_progress("wait reasons", work).await
    }

    async fn claim(
        &self,
        config: &Config,
        queue: &Queue,
        request: RequestId,
        agent: AgentId,
    ) -> DbResult<()> {
        let waiting = queue.waiting.iter().find(|waiting| waiting.id == request);
        let name = waiting.and_then(|waiting| queue.names.get(&waiting.builder));
        let builder = name.and_then(|name| config.builders.get(name));
        let (Some(waiting), Some(name), Some(builder)) = (waiting, name, builder) else {
            return Ok(());
        };
        let new = NewBuild {
            request,
            builder: waiting.builder,
            builder_name: name.clone(),
            agent,
            slots: queue.slots.get(&agent).copied().unwrap_or(0),
            steps: step_names(builder),
        };
        let now = self.clock.now();
        let work = move |conn: &mut Conn| {
            let build = builds::claim(conn, now, &new)?;
            events::append(conn, now, &started(&build))
        };
        match self.db.tx("claim", work).await {
            Ok(seq) => {
                self.bells.runner.notify_one();
                self.bells
                    .events
                    .send_modify(|newest| *newest = seq.max(*newest));
                Ok(())
            }
            // Cancelled, merged or claimed by another in between: the next round sees it.
            Err(DbError::Changed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn started(build: &Build) -> events::NewEvent {
    events::NewEvent {
        kind: "build.started",
        builder: Some(build.builder),
        build: Some(build.id),
        agent: Some(build.agent),
        ..events::NewEvent::default()
    }
}

/// Name and kind of each step, as the rows have them.
pub(crate) fn step_names(builder: &Builder) -> Vec<(String, &'static str)> {
    let kind = |kind: &StepKind| match kind {
        StepKind::Source { .. } => "source",
        StepKind::Run(_) => "run",
        StepKind::Upload { .. } => "upload",
        StepKind::Product(_) => "product",
    };
    let steps = builder.steps.iter();
    steps
        .map(|step| (step.name.clone(), kind(&step.kind)))
        .collect()
}

fn look(conn: &mut Conn, config: &Config) -> DbResult<Queue> {
    let waiting = requests::pending(conn)?;
    let names = builders::names(conn)?;
    let running = builds::unfinished(conn)?;
    let mut candidates = Vec::new();
    for agent in agents::list(conn)?.into_iter().filter(|agent| agent.active) {
        let enrolled = agent.enrolled.then_some((&agent.labels, agent.slots));
        let Some(configured) = config.agent(&agent.name, enrolled) else {
            continue;
        };
        let mut labels = configured.labels;
        for (label, told) in [("os", agent.os), ("arch", agent.arch)] {
            if let Some(told) = told {
                labels.entry(label.to_owned()).or_insert(told);
            }
        }
        let busy = running
            .iter()
            .filter(|build| build.agent == agent.id)
            .count();
        candidates.push(Candidate {
            id: agent.id,
            name: agent.name,
            labels,
            slots: configured.slots,
            busy: u32::try_from(busy).unwrap_or(u32::MAX),
            connected: agent.connected_at.is_some(),
            paused: agent.paused,
            refuses: agent.refuses,
        });
    }
    let slots = candidates
        .iter()
        .map(|agent| (agent.id, agent.slots))
        .collect();
    let mut last_agents = BTreeMap::new();
    let mut queue = Vec::with_capacity(waiting.len());
    for request in &waiting {
        let last_agent = match last_agents.get(&request.builder) {
            Some(known) => *known,
            None => builds::last_agent(conn, request.builder)?,
        };
        last_agents.insert(request.builder, last_agent);
        let builder = names
            .get(&request.builder)
            .and_then(|name| config.builders.get(name));
        queue.push(Waiting {
            id: request.id,
            needs: builder.map(|builder| builder.agents.clone()),
            last_agent,
        });
    }
    Ok(Queue {
        round: assign(&queue, candidates),
        waiting,
        names,
        slots,
    })
}

#[cfg(test)]
mod tests;
