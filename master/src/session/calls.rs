//! How a call over a connection fails, and calls without streams.

use std::time::Duration;

use windlass_protocol::ops::{Forget, Mkdir, Order, Remove, Request, Signal};
use windlass_protocol::{Boxed, CancelMode, Failure, RelPath};

use super::channel::Arrival;
use super::command::CommandId;
use super::link::Link;

/// An agent answers small requests at once; this long is a machine that hangs.
const ANSWER_MAX: Duration = Duration::from_secs(60);

/// What an agent answered instead of a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {text}")]
pub struct Refusal {
    /// A word of the protocol's closed list, such as `not-found`.
    pub code: &'static str,
    /// A sentence for a person.
    pub text: String,
}

/// Why a call over one connection has no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// The connection ended first; another may carry it on.
    #[error("the connection was lost")]
    Lost,
    /// The agent says no.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// What the agent sent makes no sense.
    #[error("the agent's answer makes no sense: {0}")]
    Nonsense(String),
    /// Reading or writing on our side failed.
    #[error("{0}")]
    Local(#[from] std::io::Error),
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let mut text = failure.text;
        if let Some(path) = failure.path {
            text = format!("{text} ({})", String::from_utf8_lossy(&path));
        }
        Self {
            code: failure.code.as_str(),
            text,
        }
    }
}

impl LinkError {
    pub(super) fn nonsense(error: impl std::fmt::Display) -> Self {
        Self::Nonsense(error.to_string())
    }

    /// Our own argument is one the protocol does not take.
    pub(super) fn argument(failure: Failure) -> Self {
        Self::Refused(failure.into())
    }
}

/// A path below the agent's root as the protocol takes it.
pub(super) fn path(text: &str) -> Result<RelPath, LinkError> {
    RelPath::from_user(text).map_err(LinkError::argument)
}

/// Whether a stream is what its end says: length and SHA-256, where that may not be left out.
pub(super) fn check_end(
    said: (u64, Option<[u8; 32]>),
    length: u64,
    sha256: [u8; 32],
) -> Result<(), LinkError> {
    match said.0 == length && said.1.is_none_or(|said| said == sha256) {
        true => Ok(()),
        false => Err(LinkError::Nonsense(
            "a stream is not what its end says: length or SHA-256 differ".to_owned(),
        )),
    }
}

impl Link {
    /// Asks and waits for the answer, 60 s at most; what streams in meanwhile is dropped.
    pub(super) async fn ask(&self, request: &Request) -> Result<Boxed, LinkError> {
        let mut channel = self.open(request, 0, 0)?;
        let answer = async {
            loop {
                match channel.next().await {
                    Arrival::Answer(Ok(answer)) => return Ok(answer),
                    Arrival::Answer(Err(failure)) => {
                        return Err(LinkError::Refused(failure.into()));
                    }
                    Arrival::Lost => return Err(LinkError::Lost),
                    Arrival::Bytes(_) | Arrival::End { .. } => {}
                }
            }
        };
        match tokio::time::timeout(ANSWER_MAX, answer).await {
            Ok(answer) => answer,
            Err(_) => Err(LinkError::Refused(Refusal {
                code: "timeout",
                text: "the agent did not answer in 60 s".to_owned(),
            })),
        }
    }

    /// What the agent's machine is like: a JSON object of its answers, numbers as numbers.
    pub(crate) async fn info(
        &self,
    ) -> Result<serde_json::Map<String, serde_json::Value>, LinkError> {
        let answer = self.ask(&Request::Info).await?;
        let mut facts = serde_json::Map::new();
        for (key, value) in answer
            .pairs()
            .filter(|(key, _)| *key != "ok" && !key.starts_with("x-"))
        {
            let text = String::from_utf8_lossy(value).into_owned();
            let value = text.parse::<u64>().map_or_else(|_| text.into(), Into::into);
            facts.insert(key.to_owned(), value);
        }
        Ok(facts)
    }

    /// Makes a folder and those above it; one that exists is fine.
    pub(crate) async fn mkdir(&self, folder: &str) -> Result<(), LinkError> {
        let request = Mkdir {
            path: path(folder)?,
            parents: true,
        };
        self.ask(&Request::Mkdir(request)).await.map(drop)
    }

    /// Deletes what is there, with everything in it; nothing there is fine.
    pub(crate) async fn remove(&self, what: &str) -> Result<(), LinkError> {
        let request = Remove {
            path: path(what)?,
            recursive: true,
            missing_ok: true,
        };
        self.ask(&Request::Remove(request)).await.map(drop)
    }

    /// Kills a command without being attached to it.
    pub(crate) async fn kill(&self, id: CommandId, generation: u64) -> Result<(), LinkError> {
        let request = Signal {
            id: id.wire(),
            generation,
            order: Order::End(CancelMode::Kill),
        };
        self.ask(&Request::Signal(request)).await.map(drop)
    }

    /// Lets the agent delete a finished command; an unknown one is fine, a running one `busy`.
    pub(crate) async fn forget(&self, id: CommandId, generation: u64) -> Result<(), LinkError> {
        let request = Forget {
            id: id.wire(),
            generation,
        };
        self.ask(&Request::Forget(request)).await.map(drop)
    }
}
