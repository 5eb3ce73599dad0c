//! Which step is next, and the result of the build once none is.

use crate::model::BuildResult;

/// A step as far as the decision needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepOutcome {
    /// How it ended; `None` while it did not.
    pub result: Option<BuildResult>,
    /// Whether it was begun: it may have a command on the agent, which must come to its end.
    pub begun: bool,
    /// Runs even after a failure.
    pub always: bool,
    /// Its failure only makes warnings.
    pub may_fail: bool,
}

/// What a build does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Do (or take up again) the step of this index.
    Do(usize),
    /// The step of this index is not done.
    Skip(usize),
    /// The build ends with this result.
    Finish(BuildResult),
}

/// Decides from the steps in order, and whether a cancel was asked for. After a failure only
/// `always` steps are done; after a cancel none. What was begun before a restart is taken up in any
/// case, so that nothing of it goes on unseen.
#[must_use]
pub fn next(steps: &[StepOutcome], cancelled: bool) -> Next {
    let failed = steps.iter().any(is_failed);
    match steps.iter().position(|step| step.result.is_none()) {
        Some(at) if steps[at].begun => Next::Do(at),
        Some(at) if cancelled || (failed && !steps[at].always) => Next::Skip(at),
        Some(at) => Next::Do(at),
        None if cancelled => Next::Finish(BuildResult::Cancelled),
        None => Next::Finish(result(steps)),
    }
}

fn is_failed(step: &StepOutcome) -> bool {
    use BuildResult::{Cancelled, Error, Failure};
    !step.may_fail && matches!(step.result, Some(Failure | Error | Cancelled))
}

fn result(steps: &[StepOutcome]) -> BuildResult {
    let worst = |wanted| {
        let mut steps = steps.iter().filter(|step| is_failed(step));
        steps.any(|step| step.result == Some(wanted))
    };
    let is_blemished = |step: &StepOutcome| {
        !matches!(
            step.result,
            Some(BuildResult::Success | BuildResult::Skipped)
        )
    };
    if worst(BuildResult::Cancelled) {
        BuildResult::Cancelled
    } else if worst(BuildResult::Error) {
        BuildResult::Error
    } else if worst(BuildResult::Failure) {
        BuildResult::Failure
    } else if steps.iter().any(is_blemished) {
        BuildResult::Warnings
    } else {
        BuildResult::Success
    }
}
