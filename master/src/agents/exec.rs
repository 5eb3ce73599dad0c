//! Commands: started once, followed over as many connections as it takes, until their result is
//! committed. Bytes are on disk before the agent may discard them.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::error::After;
use super::{AgentError, Agents, Outputs};
use crate::db;
use crate::db::commands::CommandState;
use crate::ids::AgentId;
use crate::session::{
    CommandResult, CommandSpec, Journal, JournalPart, KnownCommand, Link, LinkError, Mark,
};

/// Bytes of output after which the agent is granted as many more: a quarter of the window, so
/// that it does not wait for credit while we keep up.
const GRANT_BYTES: u64 = 256 * 1024;
/// Bytes of output after which they are committed though their time has not come: what comes
/// again after a cut. One sync for so many costs little beside writing them.
const COMMIT_BYTES: u64 = 4 * 1024 * 1024;
/// Output is on disk, and seen by readers, this long after it came.
const COMMIT_EACH: Duration = Duration::from_millis(150);
/// Remarks of the agent that are kept: the last ones say how it ended.
const NOTES_MAX: usize = 20;
/// How long a cancel waits for an agent that is away: the person who cancels waits with it.
const CANCEL_AWAY_MAX: Duration = Duration::from_secs(15);

/// Tries to commit output, one a second: a minute is a restart of the database server.
const DB_ATTEMPTS_MAX: u32 = 60;
/// Between two of them.
const DB_PAUSE: Duration = Duration::from_secs(1);

/// A command being followed, over all its connections.
struct Following<'a> {
    agents: &'a Agents,
    command: &'a CommandSpec,
    outputs: &'a mut Outputs,
    /// How much of the journal is committed here.
    committed: Mark,
    /// Whether the agent is known to have taken the command: it must not be started again.
    is_begun: bool,
    notes: Vec<String>,
}

impl Agents {
    /// Runs a command on an agent, or takes it up again, and returns how it ended, committed.
    ///
    /// Its row must be in `db::commands` already, and the output's log be the one the row names.
    /// What comes is appended to `outputs`, which the caller closes. An agent that is away is waited for as long as
    /// this handle does ([`Agents::patient`]). `cancel` asks the agent to end the command, whose result then says
    /// cancelled; with the agent away the command is given up after 15 s
    /// ([`AgentError::Cancelled`]) and ended when the agent comes back. With
    /// [`AgentError::Stopping`] the command goes on; call this again after the restart.
    pub async fn exec(
        &self,
        agent: AgentId,
        command: &CommandSpec,
        outputs: &mut Outputs,
        cancel: &CancellationToken,
    ) -> Result<CommandResult, AgentError> {
        let id = command.id.to_string();
        let find = move |conn: &mut db::Conn| db::commands::by_id(conn, &id);
        let row = self.shared.db.read("command", find).await?;
        // Leased to another agent: this one has no business with it.
        if row.lease.generation != command.generation || row.lease.agent != agent {
            return Err(db::DbError::Changed.into());
        }
        if let Some(result) = &row.result {
            return CommandResult::from_json(result).map_err(|error| AgentError::Nonsense(error.0));
        }
        if row.state != CommandState::Leased {
            return Err(AgentError::Cancelled);
        }
        let committed = Mark::stored(row.journal_offset, row.journal_hash.as_deref());
        let mut following = Following {
            agents: self,
            command,
            outputs,
            is_begun: row.journal_offset > 0,
            committed: Mark::default(),
            notes: Vec::new(),
        };
        match committed {
            Ok(committed) => following.committed = committed,
            Err(error) => {
                // It cannot be followed any more: it is ended, by the next connection at the latest.
                following.give_up().await?;
                self.hang_up(agent);
                return Err(AgentError::Nonsense(error.0));
            }
        }
        // What the caller appended before stays, whatever the connections do.
        following.outputs.commit().await?;
        following.run(agent, cancel).await
    }
}

impl Following<'_> {
    async fn run(
        &mut self,
        agent: AgentId,
        cancel: &CancellationToken,
    ) -> Result<CommandResult, AgentError> {
        let mut db_attempts = 0;
        loop {
            let link = match self.wait(agent, cancel).await {
                Err(error @ (AgentError::Cancelled | AgentError::Away(_))) => {
                    self.give_up().await?;
                    return Err(error);
                }
                outcome => outcome?,
            };
            match self.follow(&link, cancel).await {
                Ok(result) => {
                    self.forget(&link).await;
                    return Ok(result);
                }
                Err(After::Retry) => db_attempts = 0,
                Err(After::Fail(AgentError::Db(error))) if is_passing(&error) => {
                    db_attempts += 1;
                    if db_attempts == DB_ATTEMPTS_MAX {
                        self.abandon(&link).await;
                        return Err(error.into());
                    }
                    tracing::warn!(command = %self.command.id, %error, "output waits");
                    tokio::time::sleep(DB_PAUSE).await;
                }
                Err(After::Fail(AgentError::Refused(refusal)))
                    if !self.is_begun && cancel.is_cancelled() && refusal.code == "unknown-id" =>
                {
                    self.give_up().await?;
                    return Err(AgentError::Cancelled);
                }
                // It was started with a secret that is another one by now.
                Err(After::Fail(AgentError::Refused(refusal)))
                    if !self.is_begun
                        && self.command.has_secrets()
                        && refusal.code == "id-mismatch" =>
                {
                    self.is_begun = true;
                }
                Err(After::Fail(AgentError::Refused(refusal)))
                    if self.is_begun && matches!(refusal.code, "unknown-id" | "bad-request") =>
                {
                    // An attach from an offset is bad only if the agent's machine fell over and
                    // its disk lost the end of the journal.
                    let text = match refusal.code {
                        "unknown-id" => "the agent does not know the command any more",
                        _ => "the agent's machine lost the end of the command's journal",
                    };
                    return self.finish(CommandResult::lost(text)).await;
                }
                // The command is somebody else's now, or goes on without us.
                Err(After::Fail(
                    error @ (AgentError::Stopping | AgentError::Db(db::DbError::Changed)),
                )) => return Err(error),
                Err(After::Fail(error)) => {
                    self.abandon(&link).await;
                    return Err(error);
                }
            }
        }
    }

    /// Ends a command that cannot be followed any more, as well as that can be done.
    async fn abandon(&self, link: &Link) {
        if let Err(error) = self.give_up().await {
            tracing::error!(command = %self.command.id, %error, "a command could not be given up");
        }
        let known = KnownCommand {
            id: self.command.id,
            generation: self.command.generation,
            running: true,
        };
        self.agents.settle_beside(link, known);
    }

    /// Waits for a connection; for a short while only once the command is cancelled.
    async fn wait(&self, agent: AgentId, cancel: &CancellationToken) -> Result<Link, AgentError> {
        let patient = self.agents.link(agent, self.agents.away_max);
        tokio::select! {
            biased;
            found = patient => return found,
            () = cancel.cancelled() => {}
        }
        match self.agents.link(agent, CANCEL_AWAY_MAX).await {
            Err(AgentError::Away(_)) => Err(AgentError::Cancelled),
            outcome => outcome,
        }
    }

    /// Follows the journal over one connection.
    async fn follow(
        &mut self,
        link: &Link,
        cancel: &CancellationToken,
    ) -> Result<CommandResult, After> {
        // A command whose cancel came first is not started for it: only looked for.
        let mut journal = match self.is_begun || cancel.is_cancelled() {
            true => Journal::attach(link, self.command, self.committed.clone())?,
            false => Journal::start(link, self.command)?,
        };
        // What an earlier connection brought and was not committed comes again.
        self.outputs.rewind(&self.committed).await?;
        let mut is_cancelled = false;
        let mut commit_at: Option<Instant> = None;
        let (mut uncommitted, mut ungranted) = (0, 0);
        loop {
            tokio::select! {
                biased;
                () = self.agents.shared.stop.cancelled() => {
                    self.commit(&journal).await?;
                    return Err(After::Fail(AgentError::Stopping));
                }
                () = cancel.cancelled(), if !is_cancelled => {
                    is_cancelled = true;
                    journal.cancel();
                }
                () = at(commit_at), if commit_at.is_some() => {
                    self.commit(&journal).await?;
                    (commit_at, uncommitted) = (None, 0);
                }
                part = journal.next() => {
                    self.is_begun |= journal.is_begun;
                    let part = match part {
                        // What came is kept: over a line that is cut every moment it gets on too.
                        Err(LinkError::Lost) if uncommitted > 0 => {
                            self.commit(&journal).await?;
                            return Err(After::Retry);
                        }
                        part => part?,
                    };
                    let count = self.outputs.take(&part).await?;
                    uncommitted += count;
                    ungranted += count;
                    match part {
                        JournalPart::Exit(result) => {
                            self.committed = journal.mark().clone();
                            let result = self.finish(result).await?;
                            journal.acknowledge(self.committed.offset);
                            return Ok(result);
                        }
                        JournalPart::Note(note) => self.note(note),
                        _ => {}
                    }
                    self.outputs.mark(journal.mark());
                    if uncommitted >= COMMIT_BYTES {
                        if !self.outputs.is_settled() {
                            self.outputs.settle(journal.mark(), false).await?;
                        }
                        self.commit(&journal).await?;
                        (commit_at, uncommitted) = (None, 0);
                    } else if commit_at.is_none() {
                        commit_at = Some(Instant::now() + COMMIT_EACH);
                    }
                    if ungranted >= GRANT_BYTES {
                        journal.acknowledge(self.committed.offset);
                        ungranted = 0;
                    }
                }
            }
        }
    }

    fn note(&mut self, note: String) {
        if self.notes.len() == NOTES_MAX {
            self.notes.remove(0);
        }
        self.notes.push(note);
    }

    /// Brings the output to the disk, then log and journal offset into the database together,
    /// then tells the agent.
    async fn commit(&mut self, journal: &Journal) -> Result<(), AgentError> {
        let point = self.outputs.sync().await?;
        let stored = point.clone();
        let (id, generation) = (self.command.id.to_string(), self.command.generation);
        let write = move |conn: &mut db::Conn| {
            let mark = &stored.mark;
            db::commands::advance(conn, &id, generation, mark.offset, &mark.state())?;
            stored.commit(conn)
        };
        let db = &self.agents.shared.db;
        db.tx_progress("command output", write).await?;
        self.outputs.committed(&point);
        journal.acknowledge(point.mark.offset);
        self.committed = point.mark;
        Ok(())
    }

    /// Commits the result with the last of the output.
    async fn finish(&mut self, mut result: CommandResult) -> Result<CommandResult, AgentError> {
        result.notes = std::mem::take(&mut self.notes);
        let json = result
            .to_json()
            .map_err(|error| AgentError::Nonsense(error.0))?;
        self.outputs.settle(&self.committed, true).await?;
        let point = self.outputs.sync().await?;
        let ends = point.clone();
        let (id, generation) = (self.command.id.to_string(), self.command.generation);
        let (offset, now) = (self.committed.offset, self.agents.shared.clock.now());
        let write = move |conn: &mut db::Conn| {
            db::commands::finish(conn, now, &id, generation, offset, &json)?;
            ends.commit(conn)
        };
        self.agents.shared.db.tx("command result", write).await?;
        self.outputs.committed(&point);
        Ok(result)
    }

    /// Lets the agent delete its journal. What fails here is done when the agent connects next.
    async fn forget(&self, link: &Link) {
        if let Err(error) = link.forget(self.command.id, self.command.generation).await {
            tracing::debug!(command = %self.command.id, %error, "to be forgotten later");
            return;
        }
        let id = self.command.id.to_string();
        let write = move |conn: &mut db::Conn| db::commands::forget(conn, &id);
        if let Err(error) = self
            .agents
            .shared
            .db
            .tx_progress("command forgotten", write)
            .await
        {
            tracing::debug!(command = %self.command.id, %error, "to be forgotten later");
        }
    }

    /// Marks the command so that its agent ends it when it comes back.
    async fn give_up(&self) -> Result<(), AgentError> {
        let id = self.command.id.to_string();
        let write = move |conn: &mut db::Conn| db::commands::forget(conn, &id);
        Ok(self.agents.shared.db.tx("command given up", write).await?)
    }
}

/// Whether trying again may help: the database is busy, restarts or is full for the moment.
fn is_passing(error: &db::DbError) -> bool {
    !matches!(error, db::DbError::Changed | db::DbError::NotFound)
}

async fn at(moment: Option<Instant>) {
    if let Some(moment) = moment {
        tokio::time::sleep_until(moment).await;
    }
}
