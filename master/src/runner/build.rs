//! One build from its first unfinished step to its result.

use std::sync::Arc;

use crate::config::resolved::{Builder, OnLost, Step, StepKind};
use crate::db::builds::Build;
use crate::db::events::{self, NewEvent};
use crate::db::steps::Step as StepRow;
use crate::db::{Conn, builds, steps};
use crate::engine::progress::{Next, StepOutcome, next};
use crate::model::{BuildResult, StepState};

use super::ending::{close_logs, end_without, finish, summary};
use super::step::{Course, StepEnd, StepError};
use super::{Parts, Signals, command, load, product, source, upload};

/// Times that a build is begun anew because its agent was lost; after these it is the build that
/// kills machines.
const RESTARTS_MAX: u32 = 3;

/// Carries a build to its end. `Ok` also when the master stops in between.
pub(super) async fn carry(
    parts: &Parts,
    build: &Build,
    signals: &Signals,
) -> Result<(), StepError> {
    is_over(through(parts, build, signals).await, signals)
}

/// Gives a build up that could not be carried on again and again.
pub(super) async fn give_up(
    parts: &Parts,
    build: &Build,
    signals: &Signals,
) -> Result<(), StepError> {
    let text = "the master could not carry it on: its own log says why";
    is_over(end_without(parts, build, signals, text).await, signals)
}

fn is_over(outcome: Result<(), StepError>, signals: &Signals) -> Result<(), StepError> {
    match outcome {
        Err(StepError::Stopping) => Ok(()),
        Err(StepError::Ours(_)) if signals.stop.is_cancelled() => Ok(()),
        other => other,
    }
}

async fn through(parts: &Parts, build: &Build, signals: &Signals) -> Result<(), StepError> {
    let config = Arc::clone(&parts.config.borrow());
    let Some(builder) = config.builders.get(&build.builder_name) else {
        let text = "the configuration no longer has this builder";
        return end_without(parts, build, signals, text).await;
    };
    let Some(mut rows) = load::steps_of(parts, build, builder).await? else {
        let text = "the builder's steps were changed while the master was away";
        return end_without(parts, build, signals, text).await;
    };
    let course = load::load(parts, build, signals, &config, builder).await?;
    loop {
        let cancelled = signals.cancel.is_cancelled();
        match next(&outcomes(builder, &rows), cancelled) {
            Next::Do(at) => {
                let step = &builder.steps[at];
                let end = match course.step(step, &rows, at).await {
                    Err(StepError::Lost(text)) => {
                        let again = step.on_lost == OnLost::Restart && course.may_restart();
                        return lost(&course, &mut rows, at, &text, again).await;
                    }
                    // Who cancelled does not wait for our disk to be repaired.
                    Err(StepError::Ours(text)) if signals.cancel.is_cancelled() => {
                        tracing::error!(build = build.id.0, text, "a cancelled step is given up");
                        command::give_up(parts, rows[at].id).await?;
                        StepEnd::new(BuildResult::Cancelled, "cancelled and given up")
                    }
                    end => end?,
                };
                course.end_step(&mut rows[at], end).await?;
            }
            Next::Skip(at) => {
                let end = StepEnd::new(BuildResult::Skipped, "");
                course.end_step(&mut rows[at], end).await?;
            }
            Next::Finish(result) => {
                let text = summary(parts, build, &rows, result).await?;
                return finish(parts, build, result, &text, false).await;
            }
        }
    }
}

/// Ends a build whose agent is gone for good: nothing of it is there any more, so no other step is
/// tried. With `again` the same is asked for once more, to be built by another agent.
async fn lost(
    course: &Course<'_>,
    rows: &mut [StepRow],
    at: usize,
    text: &str,
    again: bool,
) -> Result<(), StepError> {
    let cancelled = course.signals.cancel.is_cancelled();
    let (result, text) = match cancelled {
        true => (BuildResult::Cancelled, "cancelled".to_owned()),
        false => (BuildResult::Error, format!("agent-lost: {text}")),
    };
    let end = StepEnd::new(result, &text);
    course.end_step(&mut rows[at], end).await?;
    for row in rows.iter_mut().filter(|row| row.result.is_none()) {
        course
            .end_step(row, StepEnd::new(BuildResult::Skipped, ""))
            .await?;
    }
    let text = match again {
        true => format!("{text}; begun anew"),
        false => text,
    };
    finish(course.parts, course.build, result, &text, again).await
}

fn outcomes(builder: &Builder, rows: &[StepRow]) -> Vec<StepOutcome> {
    let pairs = builder.steps.iter().zip(rows);
    let outcomes = pairs.map(|(step, row)| StepOutcome {
        result: row.result,
        begun: row.state != StepState::Pending,
        always: step.always,
        may_fail: step.may_fail,
    });
    outcomes.collect()
}

impl Course<'_> {
    /// Whether the build may be begun anew when its agent is lost.
    fn may_restart(&self) -> bool {
        self.restarts < RESTARTS_MAX && !self.signals.cancel.is_cancelled()
    }

    /// Does a step, or takes it up again.
    async fn step(&self, step: &Step, rows: &[StepRow], at: usize) -> Result<StepEnd, StepError> {
        let row = &rows[at];
        let (id, build, now) = (row.id, self.build.clone(), self.parts.clock.now());
        let text = format!("step {} of {}: {}", at + 1, rows.len(), step.name);
        let begin = move |conn: &mut Conn| {
            steps::start(conn, now, id)?;
            builds::set_text(conn, build.id, &text)?;
            events::append(conn, now, &event("step.started", &build, String::new()))
        };
        let seq = self.parts.db.tx_progress("step begins", begin).await?;
        announce(self.parts, seq);
        let outcome = match &step.kind {
            StepKind::Source {
                repository,
                into,
                clean,
            } => {
                let place = self.place(into, *clean);
                source::deliver(self, row.id, repository, &place).await
            }
            StepKind::Run(run) => command::run(self, row.id, run, step.on_lost).await,
            StepKind::Upload { files } => upload::upload(self, row.id, files).await,
            StepKind::Product(wanted) => product::record(self, row.id, wanted).await,
        };
        match outcome {
            Ok(end) => Ok(end),
            Err(StepError::Cancelled) if self.signals.stop.is_cancelled() => {
                Err(StepError::Stopping)
            }
            Err(StepError::Cancelled) => Ok(StepEnd::new(BuildResult::Cancelled, "cancelled")),
            Err(StepError::Failed(text)) => Ok(StepEnd::new(BuildResult::Failure, text)),
            Err(StepError::Broken(text)) => Ok(StepEnd::new(BuildResult::Error, text)),
            Err(error) => Err(error),
        }
    }

    async fn end_step(&self, row: &mut StepRow, end: StepEnd) -> Result<(), StepError> {
        row.result = Some(end.result);
        // However it ended, followers of its logs see an end.
        close_logs(self.parts, row.id).await?;
        let (id, build, now) = (row.id, self.build.clone(), self.parts.clock.now());
        let finish = move |conn: &mut Conn| {
            steps::finish(conn, now, id, end.result, &end.text)?;
            let detail = serde_json::json!({ "step": id, "result": end.result });
            events::append(
                conn,
                now,
                &event("step.finished", &build, detail.to_string()),
            )
        };
        let seq = self.parts.db.tx_progress("step ends", finish).await?;
        announce(self.parts, seq);
        Ok(())
    }
}

/// Tells listeners that there is an event.
pub(super) fn announce(parts: &Parts, seq: i64) {
    parts
        .bells
        .events
        .send_modify(|newest| *newest = seq.max(*newest));
}

/// An event about a build.
pub(super) fn event(kind: &'static str, build: &Build, detail: String) -> NewEvent {
    NewEvent {
        kind,
        builder: Some(build.builder),
        build: Some(build.id),
        agent: Some(build.agent),
        detail,
        ..NewEvent::default()
    }
}
