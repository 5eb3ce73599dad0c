//! The run step: one command on the agent. Its row is stored before it is sent, so that whatever
//! dies in between, it is never started twice and never lost.

use tokio_util::sync::CancellationToken;

use crate::config::resolved::{OnLost, Run, RunCommand};
use crate::db::Conn;
use crate::db::builds::Build;
use crate::db::commands::{self, Command, CommandState, NewCommand};
use crate::engine::environment::{environment, traceparent};
use crate::engine::scope::interpolate;
use crate::ids::StepId;
use crate::logs::LogWriter;
use crate::model::BuildResult;
use crate::session::{Bytes, CommandResult, CommandSpec, EndReason, Program};

use super::Parts;
use super::outputs;
use super::step::{Course, StepEnd, StepError, say};
use super::words::{bytes, span};

/// Times a step is begun on one agent that comes back without it; then the machine is at fault.
pub(super) const BEGUN_MAX: u64 = 4;

/// What a command's terminal is, unless the step says so: nearly every program knows it.
const TERMINAL: &str = "xterm";
/// Longest text for a command to read: what the protocol takes within a request.
const STDIN_BYTES_MAX: usize = 65_536;

/// Runs the command of a step, or takes it up again after a restart. One that the agent lost is
/// started once more if the step allows that.
pub(super) async fn run(
    course: &Course<'_>,
    step: StepId,
    run: &Run,
    on_lost: OnLost,
) -> Result<StepEnd, StepError> {
    loop {
        let result = match once(course, step, run).await? {
            Ended::By(result) => result,
            Ended::GivenUp(end) => return Ok(end),
        };
        let is_lost = matches!(
            result.reason,
            EndReason::AgentLost | EndReason::LeaseExpired
        );
        let may_restart = on_lost == OnLost::Restart && !course.signals.cancel.is_cancelled();
        if !is_lost || !may_restart || begun(course, step).await? >= BEGUN_MAX {
            return Ok(judged(course, run, &result));
        }
        let (_, mut log) = lease(course, step, run).await?;
        let text = &judged(course, run, &result).text;
        say(&mut log, &format!("{text}; started once more")).await?;
    }
}

/// How often a step's command was started.
async fn begun(course: &Course<'_>, step: StepId) -> Result<u64, StepError> {
    let count = move |conn: &mut Conn| commands::count_of_step(conn, step);
    let count = course.parts.db.read("step commands", count).await?;
    Ok(count.unsigned_abs())
}

/// What became of a command.
enum Ended {
    By(CommandResult),
    /// It could not be followed to its end.
    GivenUp(StepEnd),
}

/// Runs the newest command of a step to its end, or the first.
async fn once(course: &Course<'_>, step: StepId, run: &Run) -> Result<Ended, StepError> {
    let find = move |conn: &mut Conn| commands::of_step(conn, step);
    let known = course.parts.db.read("step command", find).await?;
    let (spec, log) = match known {
        Some(known) => {
            if let Some(ended) = ended(course, &known)? {
                return Ok(ended);
            }
            let spec = CommandSpec::from_json(&known.lease.arguments).map_err(broken)?;
            // The command runs, and its secrets must be hidden: a place that cannot be read is
            // waited for.
            let spec = reveal(spec).await.map_err(StepError::Ours)?;
            (spec, known.lease.log)
        }
        None => {
            let (spec, log) = lease(course, step, run).await?;
            (spec, log.id())
        }
    };
    let mut outputs = outputs::open(course.parts, step, log, &spec).await?;
    let cancel = &course.signals.cancel;
    let outcome = course
        .agents
        .exec(course.build.agent, &spec, &mut outputs, cancel)
        .await;
    // The log is closed with the step, also where a fault of ours only has it tried again.
    Ok(Ended::By(outcome?))
}

/// Ends what a step has on the agent without waiting for its build: cancelled if the agent is
/// there, else given up and ended when it comes back.
pub(super) async fn end(parts: &Parts, build: &Build, step: StepId) -> Result<(), StepError> {
    let find = move |conn: &mut Conn| commands::of_step(conn, step);
    let known = parts.db.read("step command", find).await?;
    let Some(known) = known.filter(|known| known.state == CommandState::Leased) else {
        return Ok(());
    };
    let cancel = CancellationToken::new();
    cancel.cancel();
    let ended: Result<(), StepError> = async {
        let spec = CommandSpec::from_json(&known.lease.arguments).map_err(broken)?;
        let spec = reveal(spec).await.map_err(StepError::Ours)?;
        let mut outputs = outputs::open(parts, step, known.lease.log, &spec).await?;
        parts
            .agents
            .exec(build.agent, &spec, &mut outputs, &cancel)
            .await?;
        Ok(())
    }
    .await;
    match ended {
        Ok(()) => Ok(()),
        Err(StepError::Stopping) => Err(StepError::Stopping),
        Err(error) => {
            tracing::warn!(build = build.id.0, %error, "a command is given up");
            give_up(parts, step).await
        }
    }
}

/// Marks what a step has on the agent, which ends it when it connects next.
pub(super) async fn give_up(parts: &Parts, step: StepId) -> Result<(), StepError> {
    let mark = move |conn: &mut Conn| match commands::of_step(conn, step)? {
        Some(known) if known.state == CommandState::Leased => {
            commands::forget(conn, &known.lease.id)
        }
        _ => Ok(()),
    };
    Ok(parts.db.tx("command given up", mark).await?)
}

/// The end of a command that was stored before a restart of the master.
fn ended(course: &Course<'_>, known: &Command) -> Result<Option<Ended>, StepError> {
    Ok(Some(match (known.state, &known.result) {
        (CommandState::Leased, _) => return Ok(None),
        (_, Some(result)) => Ended::By(CommandResult::from_json(result).map_err(broken)?),
        (_, None) if course.signals.cancel.is_cancelled() => {
            Ended::GivenUp(StepEnd::new(BuildResult::Cancelled, "cancelled"))
        }
        (_, None) => {
            let text = "given up: it could not be followed, the master's log says why";
            Ended::GivenUp(StepEnd::new(BuildResult::Error, text))
        }
    }))
}

/// Stores a new command before it is sent.
async fn lease(
    course: &Course<'_>,
    step: StepId,
    run: &Run,
) -> Result<(CommandSpec, LogWriter), StepError> {
    let spec = reveal(specify(course, step, run)?).await;
    let spec = spec.map_err(StepError::Failed)?;
    let agent = course.build.agent;
    // A builder without source has no folder yet.
    course
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

/// Reads the secrets of a command.
async fn reveal(mut spec: CommandSpec) -> Result<CommandSpec, String> {
    let read = tokio::task::spawn_blocking(move || spec.reveal().map(|()| spec));
    match read.await {
        Ok(read) => read.map_err(|error| error.to_string()),
        Err(error) => Err(error.to_string()),
    }
}

fn specify(course: &Course<'_>, step: StepId, run: &Run) -> Result<CommandSpec, StepError> {
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
    if course.scope.value("agent.os") == Some("windows") {
        spec.shell = "cmd".to_owned();
    }
    let mut around = course.around.clone();
    let build = format!("{} {}", around.build_url, course.build.started_at.0);
    around.traceparent = traceparent(&build, step.0);
    let mut variables = environment(&course.scope, &around);
    for (name, value) in &run.env {
        variables.insert(
            name.clone(),
            interpolate(value, &course.scope)?.replace('\0', "\u{fffd}"),
        );
    }
    if run.manner.pty.is_some() {
        variables
            .entry("TERM".to_owned())
            .or_insert_with(|| TERMINAL.to_owned());
    }
    let variables = variables.into_iter();
    spec.env = variables
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    spec.timeout = run.timeout;
    spec.idle = run.idle;
    spec.grace = run.grace;
    spec.output_bytes_max = run.output_bytes_max;
    spec.lease = course.lease;
    if let Some(text) = &run.stdin {
        let text = interpolate(text, &course.scope)?;
        if text.len() > STDIN_BYTES_MAX {
            let text = format!("`stdin` is longer than {}", bytes(STDIN_BYTES_MAX as u64));
            return Err(StepError::Failed(text));
        }
        spec.stdin = Some(text);
    }
    spec.manner = run.manner.clone();
    for path in spec.manner.logs.values_mut() {
        *path = course.path(path);
    }
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
            match result.ntstatus {
                Some(status) => format!("ended by exception 0x{status:08X}"),
                None => format!("ended by signal {}", number(result.signal)),
            },
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
            let lines = match run.manner.lines_max {
                0 => String::new(),
                lines => format!(" or {lines} lines"),
            };
            let most = bytes(run.output_bytes_max);
            let text = format!("wrote more than {most}{lines} and was ended");
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
