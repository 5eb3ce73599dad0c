//! The run step: one command on the agent. Its row is stored before it is sent, so that whatever
//! dies in between, it is never started twice and never lost.

use crate::config::resolved::{Run, RunCommand};
use crate::db::commands::{self, Command, CommandState, NewCommand};
use crate::db::{Conn, logs as log_rows};
use crate::engine::environment::environment;
use crate::engine::scope::interpolate;
use crate::ids::StepId;
use crate::logs::LogWriter;
use crate::model::BuildResult;
use crate::session::{Bytes, CommandResult, CommandSpec, EndReason, Program};

use super::step::{Course, StepEnd, StepError};
use super::words::{bytes, span};

/// Runs the command of a step, or takes it up again after a restart.
pub(super) async fn run(
    course: &Course<'_>,
    step: StepId,
    run: &Run,
) -> Result<StepEnd, StepError> {
    let find = move |conn: &mut Conn| commands::of_step(conn, step);
    let known = course.parts.db.read("step command", find).await?;
    let (spec, mut log) = match known {
        Some(known) => {
            if let Some(end) = finished(course, run, &known).await? {
                return Ok(end);
            }
            let spec = CommandSpec::from_json(&known.lease.arguments).map_err(broken)?;
            (spec, course.parts.logs.open(known.lease.log).await?)
        }
        None => lease(course, step, run).await?,
    };
    let agents = &course.parts.agents;
    let cancel = &course.signals.cancel;
    let outcome = agents
        .exec(course.build.agent, &spec, &mut log, cancel)
        .await;
    let outcome = outcome.map_err(StepError::from);
    if matches!(outcome, Err(StepError::Stopping | StepError::Ours(_))) {
        return Err(outcome.err().unwrap_or(StepError::Stopping));
    }
    log.close().await?;
    Ok(judged(course, run, &outcome?))
}

/// The end of a command whose result was stored before a restart.
async fn finished(
    course: &Course<'_>,
    run: &Run,
    known: &Command,
) -> Result<Option<StepEnd>, StepError> {
    let end = match (known.state, &known.result) {
        (CommandState::Leased, _) => return Ok(None),
        (_, Some(result)) => judged(
            course,
            run,
            &CommandResult::from_json(result).map_err(broken)?,
        ),
        (_, None) => StepEnd::new(BuildResult::Cancelled, "given up"),
    };
    let id = known.lease.log;
    let log = course
        .parts
        .db
        .read("log", move |conn| log_rows::by_id(conn, id))
        .await?;
    if log.open {
        course.parts.logs.open(id).await?.close().await?;
    }
    Ok(Some(end))
}

/// Stores a new command before it is sent.
async fn lease(
    course: &Course<'_>,
    step: StepId,
    run: &Run,
) -> Result<(CommandSpec, LogWriter), StepError> {
    let spec = specify(course, run)?;
    let agent = course.build.agent;
    // A builder without source has no folder yet.
    course
        .parts
        .agents
        .mkdir(agent, &course.build.folder, &course.signals.halt)
        .await?;
    let log = course.log(step).await?;
    let new = NewCommand {
        id: spec.id.to_string(),
        step,
        agent,
        log: log.id(),
        arguments: spec.to_json().map_err(broken)?,
        digest: spec.digest().map_err(broken)?,
        generation: spec.generation,
    };
    let now = course.parts.clock.now();
    let insert = move |conn: &mut Conn| commands::insert(conn, now, &new);
    course.parts.db.tx("command", insert).await?;
    Ok((spec, log))
}

fn specify(course: &Course<'_>, run: &Run) -> Result<CommandSpec, StepError> {
    let program = match &run.command {
        RunCommand::Script(text) => Program::Script(Bytes::Text(interpolate(text, &course.scope)?)),
        RunCommand::Argv(argv) => {
            let filled = argv
                .iter()
                .map(|one| interpolate(one, &course.scope).map(Bytes::Text));
            Program::Argv(filled.collect::<Result<_, _>>()?)
        }
    };
    let spec = CommandSpec::new(program, course.path(&run.cwd));
    let mut spec = spec.map_err(|error| StepError::Ours(error.to_string()))?;
    let mut variables = environment(&course.scope, &course.around);
    for (name, value) in &run.env {
        variables.insert(
            name.clone(),
            interpolate(value, &course.scope)?.replace('\0', "\u{fffd}"),
        );
    }
    let variables = variables.into_iter();
    spec.env = variables
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    spec.timeout = run.timeout;
    spec.idle = run.idle;
    spec.grace = run.grace;
    spec.output_bytes_max = run.output_bytes_max;
    Ok(spec)
}

fn broken(error: crate::session::BadCommand) -> StepError {
    StepError::Broken(error.to_string())
}

/// What the end of a command means for its step.
fn judged(course: &Course<'_>, run: &Run, result: &CommandResult) -> StepEnd {
    let cancelled = course.signals.cancel.is_cancelled();
    let number = |value: Option<u32>| value.map_or("?".to_owned(), |value| value.to_string());
    let (outcome, text) = match result.reason {
        EndReason::Exited if result.is_success() => (BuildResult::Success, String::new()),
        EndReason::Exited => (
            BuildResult::Failure,
            format!("exit code {}", number(result.exit)),
        ),
        EndReason::Signalled => (
            BuildResult::Failure,
            format!("ended by signal {}", number(result.signal)),
        ),
        EndReason::Timeout => {
            let text = format!("took longer than {} and was ended", span(run.timeout));
            (BuildResult::Failure, text)
        }
        EndReason::Idle => (
            BuildResult::Failure,
            format!("said nothing for {} and was ended", span(run.idle)),
        ),
        EndReason::MaxOutput => {
            let text = format!(
                "wrote more than {} and was ended",
                bytes(run.output_bytes_max)
            );
            (BuildResult::Failure, text)
        }
        EndReason::Cancelled if cancelled => (BuildResult::Cancelled, "cancelled".to_owned()),
        EndReason::Cancelled => (BuildResult::Error, "ended on the agent".to_owned()),
        EndReason::SpawnFailed => (
            BuildResult::Failure,
            format!("could not be started: {}", result.text),
        ),
        EndReason::LeaseExpired => (
            BuildResult::Error,
            "agent-lost: no master came for too long".to_owned(),
        ),
        EndReason::AgentLost => (BuildResult::Error, format!("agent-lost: {}", result.text)),
    };
    // The command that a cancel ended may have found its own way out.
    match outcome {
        BuildResult::Failure if cancelled => StepEnd::new(BuildResult::Cancelled, text),
        outcome => StepEnd::new(outcome, text),
    }
}
