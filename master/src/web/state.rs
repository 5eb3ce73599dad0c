//! How states look: one sign, symbol, word and colour class each, the same on every page.

use std::fmt;

use askama::filters::HtmlSafe;

use crate::model::{
    AgentUpgradeState, BuildResult, BuildState, PlanState, ReleaseState, RequestState, StepState,
    Verdict,
};

/// A state as pages show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Word of the state; also the name of its symbol and colour class, `s-{word}`.
    pub symbol: &'static str,
    /// What people read.
    pub word: &'static str,
}

impl Look {
    const fn new(symbol: &'static str, word: &'static str) -> Self {
        Self { symbol, word }
    }

    /// Of nothing that has happened yet.
    pub const NONE: Self = Self::new("skipped", "no build yet");
    /// Of something waiting.
    pub const PENDING: Self = Self::new("pending", "waiting");

    /// Of an agent without a build.
    pub const IDLE: Self = Self::new("success", "idle");
    /// Of an agent with a build.
    pub const BUSY: Self = Self::new("running", "building");
    /// Of an agent that gets no new builds.
    pub const PAUSED: Self = Self::new("cancelled", "paused");
    /// Of an agent that is not connected.
    pub const AWAY: Self = Self::new("warnings", "away");
    /// Of an agent that has been away for so long that its owner was told.
    pub const MISSING: Self = Self::new("failure", "missing");
    /// Of an agent that takes no new command.
    pub const UNWILLING: Self = Self::new("warnings", "takes no work");

    /// Of a result.
    #[must_use]
    pub fn of_result(result: BuildResult) -> Self {
        match result {
            BuildResult::Success => Self::new("success", "success"),
            BuildResult::Warnings => Self::new("warnings", "warnings"),
            BuildResult::Failure => Self::new("failure", "failure"),
            BuildResult::Error => Self::new("error", "error"),
            BuildResult::Cancelled => Self::new("cancelled", "cancelled"),
            BuildResult::Skipped => Self::new("skipped", "skipped"),
        }
    }

    /// Of a build.
    #[must_use]
    pub fn of_build(state: BuildState, result: Option<BuildResult>) -> Self {
        match (state, result) {
            (BuildState::Running, _) => Self::new("running", "running"),
            (BuildState::Stopping, _) => Self::new("running", "stopping"),
            (BuildState::Finished, Some(result)) => Self::of_result(result),
            (BuildState::Finished, None) => Self::new("error", "error"),
        }
    }

    /// Of a step.
    #[must_use]
    pub fn of_step(state: StepState, result: Option<BuildResult>) -> Self {
        match (state, result) {
            (StepState::Pending, _) => Self::PENDING,
            (StepState::Running, _) => Self::new("running", "running"),
            (StepState::Finished, Some(result)) => Self::of_result(result),
            (StepState::Finished, None) => Self::new("error", "error"),
        }
    }

    /// Of a request.
    #[must_use]
    pub fn of_request(state: RequestState) -> Self {
        match state {
            RequestState::Pending => Self::PENDING,
            RequestState::Claimed => Self::new("running", "running"),
            RequestState::Done => Self::new("success", "done"),
            RequestState::Cancelled => Self::new("cancelled", "cancelled"),
        }
    }

    /// Of what somebody found who tested a product.
    #[must_use]
    pub fn of_verdict(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Untested => Self::new("pending", "untested"),
            Verdict::Good => Self::new("success", "good"),
            Verdict::Bad => Self::new("failure", "bad"),
            Verdict::NeedsWork => Self::new("warnings", "needs work"),
        }
    }

    /// Of a new program for an agent.
    #[must_use]
    pub fn of_upgrade(state: AgentUpgradeState) -> Self {
        match state {
            AgentUpgradeState::Waiting => Self::PENDING,
            AgentUpgradeState::Sending => Self::new("running", "sending"),
            AgentUpgradeState::Restarting => Self::new("running", "restarting"),
            AgentUpgradeState::Done => Self::new("success", "done"),
            AgentUpgradeState::Failed => Self::new("failure", "failed"),
        }
    }

    /// Of a release.
    #[must_use]
    pub fn of_release(state: ReleaseState) -> Self {
        match state {
            ReleaseState::Draft => Self::new("skipped", "draft"),
            ReleaseState::Scheduled => Self::new("pending", "scheduled"),
            ReleaseState::Live => Self::new("success", "live"),
            ReleaseState::Paused => Self::new("cancelled", "paused"),
            ReleaseState::Superseded => Self::new("skipped", "superseded"),
            ReleaseState::Withdrawn => Self::new("warnings", "withdrawn"),
            ReleaseState::RolledBack => Self::new("failure", "rolled back"),
        }
    }

    /// Of a retention plan.
    #[must_use]
    pub fn of_plan(state: PlanState) -> Self {
        match state {
            PlanState::Planned => Self::new("pending", "waits to be applied"),
            PlanState::Refused => Self::new("failure", "refused"),
            PlanState::Applying => Self::new("running", "being applied"),
            PlanState::Applied => Self::new("success", "applied"),
            PlanState::Stale => Self::new("cancelled", "stale"),
        }
    }

    /// The sign at the front of titles.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self.symbol {
            "success" => "✓",
            "failure" => "✗",
            "warnings" => "!",
            "error" => "◆",
            "running" => "●",
            "cancelled" => "■",
            "pending" => "○",
            _ => "–",
        }
    }
}

/// Symbol and word, ready to stand in a page.
impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { symbol, word } = self;
        write!(
            f,
            "<span class=\"state s-{symbol} {symbol}\"><svg class=\"i\" aria-hidden=\"true\">\
             <use href=\"#s-{symbol}\"/></svg>{word}</span>"
        )
    }
}

/// Both words are our own.
impl HtmlSafe for Look {}
