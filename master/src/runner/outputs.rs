//! The logs of a step's command: found again after a restart, else made. Not here: what goes into
//! them.

use crate::db::{Conn, logs as log_rows};
use crate::ids::{LogId, StepId};
use crate::logs::{LogWriter, Logs};
use crate::model::Name;
use crate::session::CommandSpec;

use super::Parts;
use super::command::BEGUN_MAX;
use super::step::StepError;
use crate::agents::{Bounds, Outputs};

/// Room in a step's log for lines of the system's own.
const OWN_BYTES: u64 = 1 << 20;
/// The log that every step has.
pub(super) const OUTPUT: &str = "output";
/// The log of errors that are split from the output.
const ERRORS: &str = "errors";

/// Opens the logs of a command; `output` is the log of its output. Its secrets are hidden in all
/// of them. Of each followed file as much is kept as of the output.
pub(super) async fn open(
    parts: &Parts,
    step: StepId,
    output: LogId,
    spec: &CommandSpec,
) -> Result<Outputs, StepError> {
    let output = parts.logs.open(output).await?;
    let read = move |conn: &mut Conn| log_rows::of_step(conn, step);
    let known = parts.db.read("step logs", read).await?;
    let errors = match spec.manner.split {
        true => Some(named(&parts.logs, &known, step, ERRORS).await?),
        false => None,
    };
    let mut tails = Vec::new();
    for name in spec.manner.logs.keys() {
        tails.push(named(&parts.logs, &known, step, name).await?);
    }
    let most = match spec.output_bytes_max {
        0 => u64::MAX,
        most => most,
    };
    let bounds = Bounds {
        output_bytes_max: most.saturating_mul(BEGUN_MAX).saturating_add(OWN_BYTES),
        tail_bytes_max: most,
    };
    let mut outputs = Outputs::of(output).with(errors, tails, bounds);
    outputs.hide(&spec.secrets());
    Ok(outputs)
}

/// The newest open log of that name among those of a step, else a new one.
pub(super) async fn named(
    logs: &Logs,
    known: &[log_rows::Log],
    step: StepId,
    name: &str,
) -> Result<LogWriter, StepError> {
    let is_open = |log: &&log_rows::Log| log.open && log.name == name;
    if let Some(open) = known.iter().rfind(is_open) {
        return Ok(logs.open(open.id).await?);
    }
    // The configuration has checked the names that are not our own.
    let name: Name = name
        .parse()
        .map_err(|error| StepError::Ours(format!("{error}")))?;
    Ok(logs.create(step, name).await?)
}
