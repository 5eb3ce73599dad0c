//! How a build ends: its result with everything that hangs on it, the sentence beside it, and the
//! ends of what it leaves behind.

use std::sync::Arc;

use crate::db::builds::Build;
use crate::db::events;
use crate::db::steps::Step as StepRow;
use crate::db::{Conn, DbError, builds, logs as log_rows, outbox, requests, steps};
use crate::ids::StepId;
use crate::model::{BuildResult, StepState};

use super::build::{announce, event};
use super::step::StepError;
use super::{Parts, Signals, command, words};

/// Ends a build whose steps cannot be done: what it has on the agent is ended first.
pub(super) async fn end_without(
    parts: &Parts,
    build: &Build,
    signals: &Signals,
    text: &str,
) -> Result<(), StepError> {
    let id = build.id;
    let read = move |conn: &mut Conn| steps::of_build(conn, id);
    let rows = parts.db.read("build steps", read).await?;
    for row in rows.into_iter().filter(|row| row.result.is_none()) {
        let result = match row.state {
            StepState::Pending => BuildResult::Skipped,
            _ => {
                command::end(parts, build, row.id).await?;
                close_logs(parts, row.id).await?;
                BuildResult::Error
            }
        };
        let now = parts.clock.now();
        let end = move |conn: &mut Conn| steps::finish(conn, now, row.id, result, "");
        parts.db.tx_progress("step given up", end).await?;
    }
    let result = match signals.cancel.is_cancelled() {
        true => BuildResult::Cancelled,
        false => BuildResult::Error,
    };
    finish(parts, build, result, text, false).await
}

/// The result, the request's end, the event and the mails, and with `again` the request to build
/// the same once more: all or nothing.
pub(super) async fn finish(
    parts: &Parts,
    build: &Build,
    result: BuildResult,
    text: &str,
    again: bool,
) -> Result<(), StepError> {
    let (build, now, text) = (build.clone(), parts.clock.now(), text.to_owned());
    let id = build.id;
    let config = Arc::clone(&parts.config.borrow());
    let work = move |conn: &mut Conn| {
        builds::finish(conn, now, &build, result, &text)?;
        let detail = serde_json::json!({ "result": result }).to_string();
        let seq = events::append(conn, now, &event("build.finished", &build, detail))?;
        outbox::queue_build_mails(conn, now, &config.notifies, seq, build.id)?;
        if again {
            let reason = format!("build {} again: its agent was lost", build.number);
            let request = requests::restart(conn, now, build.request, reason)?;
            let made = events::NewEvent {
                kind: "request.made",
                builder: Some(build.builder),
                detail: serde_json::json!({ "request": request }).to_string(),
                ..events::NewEvent::default()
            };
            return events::append(conn, now, &made);
        }
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
        // It was finished before, and only the answer was lost.
        Err(DbError::Changed) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Closes what is open of a step's logs. One that cannot be written any more ends with what is
/// committed of it.
pub(super) async fn close_logs(parts: &Parts, step: StepId) -> Result<(), StepError> {
    let read = move |conn: &mut Conn| log_rows::of_step(conn, step);
    let known = parts.db.read("step logs", read).await?;
    for log in known.into_iter().filter(|log| log.open) {
        let closed = match parts.logs.open(log.id).await {
            Ok(writer) => writer.close().await,
            Err(error) => Err(error),
        };
        if let Err(error) = closed {
            tracing::error!(log = log.id.0, %error, "the log is closed as it is");
            parts.logs.close_as_committed(log.id).await?;
        }
    }
    Ok(())
}

/// The sentence beside the result: which step it was, or how long it took.
pub(super) async fn summary(
    parts: &Parts,
    build: &Build,
    rows: &[StepRow],
    result: BuildResult,
) -> Result<String, StepError> {
    let span = words::span(parts.clock.now().since(build.started_at));
    let bad = |row: &&StepRow| {
        use BuildResult::{Cancelled, Error, Failure};
        matches!(row.result, Some(Failure | Error | Cancelled))
    };
    Ok(match (result, rows.iter().find(bad)) {
        (BuildResult::Cancelled, _) => {
            // Asked for after the build was read.
            let id = build.id;
            let read = move |conn: &mut Conn| builds::by_id(conn, id);
            match parts.db.read("build", read).await?.cancel_by {
                Some(by) => format!("cancelled by {by} after {span}"),
                None => format!("cancelled after {span}"),
            }
        }
        (_, Some(row)) => format!("`{}` failed after {span}", row.name),
        (_, None) => format!("{} steps in {span}", rows.len()),
    })
}
