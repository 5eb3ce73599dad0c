//! Which waiting request goes to which agent, and why the others wait.

use std::collections::BTreeMap;

use crate::ids::{AgentId, RequestId};

/// Agents named in one wait reason; more only make it longer.
const NAMED_MAX: usize = 5;

/// A request that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// The request.
    pub id: RequestId,
    /// Labels an agent must carry; `None` when the configuration no longer has the builder.
    pub needs: Option<BTreeMap<String, String>>,
    /// The agent of the builder's last build, which has most of the source already.
    pub last_agent: Option<AgentId>,
}

/// An agent of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The agent.
    pub id: AgentId,
    /// Its name.
    pub name: String,
    /// Labels of the configuration, and what it told of itself (`os`, `arch`) where they do not
    /// say otherwise.
    pub labels: BTreeMap<String, String>,
    /// Builds at a time.
    pub slots: u32,
    /// Builds now.
    pub busy: u32,
    /// Whether it is connected.
    pub connected: bool,
    /// Whether a person keeps new builds from it.
    pub paused: bool,
    /// Why it takes no new command itself, such as a full disk.
    pub refuses: Option<String>,
}

/// A round's outcome.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Round {
    /// What begins where.
    pub assignments: Vec<(RequestId, AgentId)>,
    /// Why the others wait.
    pub reasons: Vec<(RequestId, String)>,
}

/// Goes through `waiting` (most urgent first) and gives each the best free agent: the one that
/// built last for it, else the one with most free slots, else the first by name.
#[must_use]
pub fn assign(waiting: &[Waiting], mut agents: Vec<Candidate>) -> Round {
    agents.sort_by(|a, b| a.name.cmp(&b.name));
    let mut round = Round::default();
    for request in waiting {
        let Some(needs) = &request.needs else {
            let text = "the configuration no longer has this builder";
            round.reasons.push((request.id, text.to_owned()));
            continue;
        };
        let free = agents.iter_mut().filter(|agent| is_free(agent, needs));
        let best = free.max_by_key(|agent| {
            let last = request.last_agent == Some(agent.id);
            // `max_by_key` takes the last of equals; the name decides in the first's favour.
            let name = std::cmp::Reverse(agent.name.clone());
            (last, agent.slots.saturating_sub(agent.busy), name)
        });
        match best {
            Some(agent) => {
                agent.busy += 1;
                round.assignments.push((request.id, agent.id));
            }
            None => round.reasons.push((request.id, reason(needs, &agents))),
        }
    }
    round
}

fn is_free(agent: &Candidate, needs: &BTreeMap<String, String>) -> bool {
    let is_willing = agent.connected && !agent.paused && agent.refuses.is_none();
    fits(agent, needs) && is_willing && agent.busy < agent.slots
}

fn fits(agent: &Candidate, needs: &BTreeMap<String, String>) -> bool {
    needs
        .iter()
        .all(|(label, value)| agent.labels.get(label) == Some(value))
}

fn reason(needs: &BTreeMap<String, String>, agents: &[Candidate]) -> String {
    if agents.is_empty() {
        return "the configuration has no agent".to_owned();
    }
    let labels: Vec<String> = needs
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let labels = labels.join(" ");
    let fitting: Vec<&Candidate> = agents.iter().filter(|agent| fits(agent, needs)).collect();
    let connected = fitting.iter().filter(|agent| agent.connected);
    let (paused, open): (Vec<&Candidate>, Vec<&Candidate>) =
        connected.copied().partition(|agent| agent.paused);
    let (unwilling, busy): (Vec<&Candidate>, Vec<&Candidate>) =
        open.into_iter().partition(|agent| agent.refuses.is_some());
    if fitting.is_empty() {
        let known = named(agents, |agent| agent.name.clone());
        return format!("no connected agent has {labels} (known: {known})");
    }
    if busy.is_empty() && !unwilling.is_empty() {
        return named(unwilling, |agent| {
            let why = agent.refuses.as_deref().unwrap_or_default();
            format!("{} takes no work: {why}", agent.name)
        });
    }
    if busy.is_empty() && paused.is_empty() {
        let names = named(fitting, |agent| agent.name.clone());
        return format!("not connected: {names}");
    }
    if busy.is_empty() {
        let names = named(paused, |agent| agent.name.clone());
        return format!("paused: {names}");
    }
    let names = named(busy, |agent| {
        format!("{} {} of {}", agent.name, agent.busy, agent.slots)
    });
    format!("every slot is taken: {names}")
}

fn named<'a>(
    agents: impl IntoIterator<Item = &'a Candidate>,
    text: impl Fn(&Candidate) -> String,
) -> String {
    let mut agents = agents.into_iter();
    let mut texts: Vec<String> = agents.by_ref().take(NAMED_MAX).map(text).collect();
    let more = agents.count();
    if more > 0 {
        texts.push(format!("{more} more"));
    }
    texts.join(", ")
}

#[cfg(test)]
mod tests;
