//! One build from its first unfinished step to its result.

use std::sync::Arc;

use crate::config::resolved::{Builder, Step, StepKind};
use crate::db::builds::Build;
use crate::db::events::{self, NewEvent};
use crate::db::steps::Step as StepRow;
use crate::db::{Conn, DbError, builds, outbox, steps};
use crate::engine::progress::{Next, StepOutcome, next};
use crate::model::BuildResult;

use super::step::{Course, StepEnd, StepError};
use super::{Parts, Signals, command, load, product, source, upload, words};

/// Carries a build to its end. `Ok` also when the master stops in between.
pub(super) async fn carry(
    parts: &Parts,
    build: &Build,
    signals: &Signals,
) -> Result<(), StepError> {
    match through(parts, build, signals).await {
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
                let end = course.step(&builder.steps[at], &rows, at).await?;
                course.end_step(&mut rows[at], end).await?;
            }
            Next::Skip(at) => {
                let end = StepEnd::new(BuildResult::Skipped, "");
                course.end_step(&mut rows[at], end).await?;
            }
            Next::Finish(result) => {
                let text = summary(build, &rows, result, parts);
                return finish(parts, build, result, &text).await;
            }
        }
    }
}

fn outcomes(builder: &Builder, rows: &[StepRow]) -> Vec<StepOutcome> {
    let pairs = builder.steps.iter().zip(rows);
    let outcomes = pairs.map(|(step, row)| StepOutcome {
        result: row.result,
        always: step.always,
        may_fail: step.may_fail,
    });
    outcomes.collect()
}

impl Course<'_> {
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
            StepKind::Source { repository, into } => {
                source::deliver(self, row.id, repository, into).await
            }
            StepKind::Run(run) => command::run(self, row.id, run).await,
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

/// Ends a build whose steps cannot be done.
async fn end_without(
    parts: &Parts,
    build: &Build,
    signals: &Signals,
    text: &str,
) -> Result<(), StepError> {
    let (id, now) = (build.id, parts.clock.now());
    let skip = move |conn: &mut Conn| {
        let rows = steps::of_build(conn, id)?;
        let open = rows.iter().filter(|row| row.result.is_none());
        for row in open {
            steps::finish(conn, now, row.id, BuildResult::Skipped, "")?;
        }
        Ok(())
    };
    parts.db.tx_progress("steps skipped", skip).await?;
    let result = match signals.cancel.is_cancelled() {
        true => BuildResult::Cancelled,
        false => BuildResult::Error,
    };
    finish(parts, build, result, text).await
}

/// The result, the request's end, the event and the mails: all or nothing.
async fn finish(
    parts: &Parts,
    build: &Build,
    result: BuildResult,
    text: &str,
) -> Result<(), StepError> {
    let (build, now, text) = (build.clone(), parts.clock.now(), text.to_owned());
    let id = build.id;
    let config = Arc::clone(&parts.config.borrow());
    let work = move |conn: &mut Conn| {
        builds::finish(conn, now, &build, result, &text)?;
        let detail = serde_json::json!({ "result": result }).to_string();
        let seq = events::append(conn, now, &event("build.finished", &build, detail))?;
        outbox::queue_build_mails(conn, now, &config.notifies, seq, build.id)?;
        Ok(seq)
    };
    match parts.db.tx("build ends", work).await {
        Ok(seq) => {
            tracing::info!(build = id.0, %result, "the build ended");
            announce(parts, seq);
            parts.bells.dispatcher.notify_one();
            parts.bells.notifier.notify_one();
            Ok(())
        }
        // Another master finished it.
        Err(DbError::Changed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn announce(parts: &Parts, seq: i64) {
    parts
        .bells
        .events
        .send_modify(|newest| *newest = seq.max(*newest));
}

fn event(kind: &'static str, build: &Build, detail: String) -> NewEvent {
    NewEvent {
        kind,
        builder: Some(build.builder),
        build: Some(build.id),
        agent: Some(build.agent),
        detail,
        ..NewEvent::default()
    }
}

/// The sentence beside the result: which step it was, or how long it took.
fn summary(build: &Build, rows: &[StepRow], result: BuildResult, parts: &Parts) -> String {
    let span = words::span(parts.clock.now().since(build.started_at));
    let bad = |row: &&StepRow| {
        use BuildResult::{Cancelled, Error, Failure};
        matches!(row.result, Some(Failure | Error | Cancelled))
    };
    match (result, rows.iter().find(bad)) {
        (BuildResult::Cancelled, _) => match &build.cancel_by {
            Some(by) => format!("cancelled by {by} after {span}"),
            None => format!("cancelled after {span}"),
        },
        (_, Some(row)) => format!("`{}` failed after {span}", row.name),
        (_, None) => format!("{} steps in {span}", rows.len()),
    }
}
