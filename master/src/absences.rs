//! The loop that notices agents that are missing and tells their owners, once when an agent has
//! been away for long, and once when it is back; and that shows those out who were removed. Time is counted while this master looks on, never
//! by the time of day, so a restart or a jump of the clock makes nobody missing.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::agents::Agents;
use crate::bells::Bells;
use crate::clock::{Clock, Stopwatch, real};
use crate::config::Config;
use crate::config::resolved::Agent as Entry;
use crate::db::agents::Agent;
use crate::db::outbox::{ABSENCE_KINDS, Absence, queue_absences};
use crate::db::{Conn, Db, DbResult, agents};
use crate::ids::AgentId;

/// Between two looks; an absence counts in minutes.
const ROUND: Duration = Duration::from_secs(15);

/// The loop; make it with [`Absences::new`], then run it.
pub(crate) struct Absences {
    db: Db,
    clock: Clock,
    bells: Bells,
    config: watch::Receiver<Arc<Config>>,
    agents: Agents,
    /// Since when each absent agent is seen absent; bounded by the agents that there are.
    away: HashMap<AgentId, Stopwatch>,
}

/// What is told to one owner at one time.
struct News {
    kind: &'static str,
    owner: Option<String>,
    agents: Vec<(AgentId, Absence)>,
}

impl Absences {
    /// From its parts.
    pub(crate) fn new(
        db: &Db,
        clock: Clock,
        bells: Bells,
        config: watch::Receiver<Arc<Config>>,
        agents: Agents,
    ) -> Self {
        Self {
            db: db.clone(),
            clock,
            bells,
            config,
            agents,
            away: HashMap::new(),
        }
    }

    /// Looks until `stop`.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            if let Err(error) = self.round().await {
                tracing::error!(%error, "the agents cannot be looked at");
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(real(ROUND)) => {}
                Ok(()) = self.config.changed() => {}
            }
        }
    }

    /// Looks once.
    async fn round(&mut self) -> DbResult<()> {
        let config = Arc::clone(&self.config.borrow());
        let rows = self.db.read("absences", agents::list).await?;
        let [missing, recovered] = ABSENCE_KINDS;
        let mut turned: BTreeMap<(&'static str, Option<String>), Vec<_>> = BTreeMap::new();
        for row in &rows {
            // Removed by a command beside this process.
            if !row.active && row.connected_at.is_some() {
                self.agents.hang_up(row.id);
            }
        }
        for row in rows.into_iter().filter(|row| row.active) {
            let enrolled = row.enrolled.then_some((&row.labels, row.slots));
            let Some(entry) = config.agent(&row.name, enrolled) else {
                continue;
            };
            let kind = match self.judge(&row, &entry) {
                Some(true) => missing,
                Some(false) => recovered,
                None => continue,
            };
            let absence = Absence {
                name: row.name,
                since: row.missing_at.or(row.last_seen_at),
                contact: entry.contact,
            };
            // Without [mail] nobody can be told; the pages show it all the same.
            let owner = entry.owner.filter(|_| config.mail.is_some());
            let news = turned.entry((kind, owner)).or_default();
            news.push((row.id, absence));
        }
        for ((kind, owner), agents) in turned {
            let news = News {
                kind,
                owner,
                agents,
            };
            self.tell(news).await?;
        }
        Ok(())
    }

    /// Whether an agent has become missing (`true`), is back (`false`), or neither.
    fn judge(&mut self, row: &Agent, entry: &Entry) -> Option<bool> {
        // Who never came is expected, not missing.
        if row.connected_at.is_some() || row.last_seen_at.is_none() {
            self.away.remove(&row.id);
            return row.missing_at.and(Some(false));
        }
        let away = self.away.entry(row.id).or_insert_with(Stopwatch::start);
        let is_long = away.elapsed() >= entry.missing_after;
        (is_long && row.missing_at.is_none()).then_some(true)
    }

    async fn tell(&self, news: News) -> DbResult<()> {
        let now = self.clock.now();
        let names: Vec<&str> = news
            .agents
            .iter()
            .map(|(_, one)| one.name.as_str())
            .collect();
        tracing::warn!(
            kind = news.kind,
            agents = names.join(" "),
            owner = news.owner
        );
        let work = move |conn: &mut Conn| {
            let mut told = Vec::with_capacity(news.agents.len());
            for (id, absence) in &news.agents {
                let since = absence.since.unwrap_or(now);
                let is_missing = news.kind == ABSENCE_KINDS[0];
                agents::set_missing(conn, *id, is_missing.then_some(since))?;
                told.push(absence.clone());
            }
            queue_absences(conn, now, news.kind, news.owner.as_deref(), &told)
        };
        let seq = self.db.tx("absences", work).await?;
        self.bells.notifier.notify_one();
        let newest = &self.bells.events;
        newest.send_modify(|newest| *newest = seq.max(*newest));
        Ok(())
    }
}

#[cfg(test)]
mod tests;
