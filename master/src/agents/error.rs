//! Why an operation on an agent was not done.

use crate::db::DbError;
use crate::logs::LogError;
use crate::session::{LinkError, Refusal};

/// Why an operation on an agent was not done.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The master stops. A command goes on and is taken up again.
    #[error("the master stops")]
    Stopping,
    /// The caller's token was cancelled before there was a result.
    #[error("cancelled")]
    Cancelled,
    /// The agent was away for longer than the operation waits.
    #[error("the agent was not connected for {0} s")]
    Away(u64),
    /// The agent says no.
    #[error("the agent refused: {0}")]
    Refused(#[from] Refusal),
    /// What the agent sent makes no sense; trying again does not help.
    #[error("the agent's answer makes no sense: {0}")]
    Nonsense(String),
    /// The bytes to send or the place for the bytes received failed.
    #[error("{0}")]
    Local(#[from] std::io::Error),
    /// The log could not be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The database says no; [`DbError::Changed`] when somebody else holds the lease.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// What comes of a failure over one connection: try the next one, or give up.
pub(super) enum After {
    /// The connection is gone; the operation goes on over the next one.
    Retry,
    /// It is final.
    Fail(AgentError),
}

impl From<LinkError> for After {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Lost => Self::Retry,
            // The agent is about to leave, or its connection is.
            LinkError::Refused(refusal) if refusal.code == "shutting-down" => Self::Retry,
            LinkError::Refused(refusal) => Self::Fail(refusal.into()),
            LinkError::Nonsense(text) => Self::Fail(AgentError::Nonsense(text)),
            LinkError::Local(error) => Self::Fail(error.into()),
        }
    }
}

impl<E: Into<AgentError>> From<E> for After {
    fn from(error: E) -> Self {
        Self::Fail(error.into())
    }
}
