//! Build requests as pages and REST show them.

use super::{RequestState, SourceStamp};
use crate::clock::Time;
use crate::ids::{BuildId, RequestId};

/// A build asked for.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct RequestSummary {
    /// Its id.
    pub id: RequestId,
    /// Name of the builder.
    pub builder: String,
    /// The schedule that asked, if one did.
    pub schedule: Option<String>,
    /// Why.
    pub reason: String,
    /// Who or which schedule asked.
    pub requested_by: String,
    /// Higher goes first.
    pub priority: i64,
    /// Where it is.
    pub state: RequestState,
    /// Why it waits; empty when it does not.
    pub wait_reason: String,
    /// What is to be built, by codebase.
    pub sources: Vec<SourceStamp>,
    /// When it was made.
    pub created_at: Time,
    /// When its build ended or it was taken back.
    pub ended_at: Option<Time>,
    /// The build that runs or ran it.
    pub build: Option<BuildId>,
}

/// Which requests to list.
#[derive(Debug, Clone, Default)]
pub struct RequestFilter {
    /// In this state only.
    pub state: Option<RequestState>,
    /// For this builder only.
    pub builder: Option<String>,
    /// Older than this one only.
    pub before: Option<RequestId>,
}
