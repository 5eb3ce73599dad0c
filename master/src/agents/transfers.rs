//! Trees and files of agents, carried on over cut connections.

use std::future::Future;

use tokio_util::sync::CancellationToken;

use super::error::After;
use super::{AgentError, Agents};
use crate::ids::AgentId;
use crate::model::{TreeEntry, TreeStats};
use crate::session::{
    self, ByteSink, DirEntry, FileContents, FileFacts, FileTransfer, Link, LinkError, NewFile,
    TreeBounds, TreeContents, TreePlace, TreeSink, TreeTransfer,
};

/// Entries of a listing at most: ten times a large build's output.
const LISTING_MAX: u64 = 200_000;

impl Agents {
    /// Runs `work` over one connection after the other until it is done or fails for good.
    async fn carry<T, F>(
        &self,
        agent: AgentId,
        cancel: &CancellationToken,
        mut work: impl FnMut(Link) -> F,
    ) -> Result<T, AgentError>
    where
        F: Future<Output = Result<T, LinkError>>,
    {
        loop {
            let attempt = async {
                let link = self.link(agent, self.away_max).await?;
                work(link).await.map_err(After::from)
            };
            if let Some(value) = self.once(cancel, attempt).await? {
                return Ok(value);
            }
        }
    }

    /// One attempt, ended by a cancel or by the stop of the master; `None` when the connection was
    /// cut and another attempt may do better.
    async fn once<T>(
        &self,
        cancel: &CancellationToken,
        attempt: impl Future<Output = Result<T, After>>,
    ) -> Result<Option<T>, AgentError> {
        let outcome = tokio::select! {
            biased;
            () = self.shared.stop.cancelled() => return Err(AgentError::Stopping),
            () = cancel.cancelled() => return Err(AgentError::Cancelled),
            outcome = attempt => outcome,
        };
        match outcome {
            Ok(value) => Ok(Some(value)),
            Err(After::Retry) => Ok(None),
            Err(After::Fail(error)) => Err(error),
        }
    }

    /// Delivers the tree of `entries` to `place` on the agent; only contents that are not there yet
    /// are sent.
    pub async fn tree_put(
        &self,
        agent: AgentId,
        place: &TreePlace,
        entries: &[TreeEntry],
        contents: &impl TreeContents,
        cancel: &CancellationToken,
    ) -> Result<TreeStats, AgentError> {
        let put =
            |link: Link| async move { session::tree_put(&link, place, entries, contents).await };
        self.carry(agent, cancel, put).await
    }

    /// Fetches the file at `path` (bytes, below the agent's root) into `out`, refused above
    /// `size_max` bytes. A cut transfer goes on where it was; a file that changes meanwhile is
    /// refused (`changed`). On an error `out` holds some beginning of the file.
    pub async fn get(
        &self,
        agent: AgentId,
        path: &[u8],
        size_max: u64,
        out: &mut impl ByteSink,
        cancel: &CancellationToken,
    ) -> Result<FileFacts, AgentError> {
        let mut transfer = match FileTransfer::new(path, size_max) {
            Ok(transfer) => transfer,
            Err(LinkError::Refused(refusal)) => return Err(refusal.into()),
            Err(error) => return Err(AgentError::Nonsense(error.to_string())),
        };
        loop {
            let attempt = async {
                let link = self.link(agent, self.away_max).await?;
                transfer.run(&link, out).await.map_err(After::from)
            };
            if let Some(facts) = self.once(cancel, attempt).await? {
                return Ok(facts);
            }
        }
    }

    /// Delivers a file; what is at its path is replaced when the file is whole. A cut transfer
    /// goes on where it was.
    pub async fn put(
        &self,
        agent: AgentId,
        file: &NewFile,
        contents: &impl FileContents,
        cancel: &CancellationToken,
    ) -> Result<(), AgentError> {
        let put = |link: Link| async move { session::put(&link, file, contents).await };
        self.carry(agent, cancel, put).await
    }

    /// Fetches the folder at `path` with everything in it into `sink`; its files and links are
    /// returned. A cut transfer goes on where it was; a folder that changes meanwhile is refused
    /// (`changed`). On an error `sink` has some of the files, and perhaps a beginning of one.
    pub async fn tree_get(
        &self,
        agent: AgentId,
        path: &str,
        bounds: TreeBounds,
        sink: &mut impl TreeSink,
        cancel: &CancellationToken,
    ) -> Result<Vec<TreeEntry>, AgentError> {
        let mut transfer = match TreeTransfer::new(path, bounds) {
            Ok(transfer) => transfer,
            Err(LinkError::Refused(refusal)) => return Err(refusal.into()),
            Err(error) => return Err(AgentError::Nonsense(error.to_string())),
        };
        loop {
            let attempt = async {
                let link = self.link(agent, self.away_max).await?;
                transfer.run(&link, sink).await.map_err(After::from)
            };
            if self.once(cancel, attempt).await?.is_some() {
                return Ok(transfer.into_entries());
            }
        }
    }

    /// The entries of a folder, with everything below it if `recursive`; links are not followed.
    pub async fn readdir(
        &self,
        agent: AgentId,
        folder: &str,
        recursive: bool,
        cancel: &CancellationToken,
    ) -> Result<Vec<DirEntry>, AgentError> {
        let list = |link: Link| async move {
            session::listing(&link, folder, recursive, LISTING_MAX).await
        };
        self.carry(agent, cancel, list).await
    }

    /// What stands at a path (bytes, below the agent's root); nothing there is `not-found`.
    pub async fn stat(
        &self,
        agent: AgentId,
        path: &[u8],
        cancel: &CancellationToken,
    ) -> Result<DirEntry, AgentError> {
        let look = |link: Link| async move { session::stat_of(&link, path).await };
        self.carry(agent, cancel, look).await
    }

    /// Makes a folder and those above it; one that exists is fine.
    pub async fn mkdir(
        &self,
        agent: AgentId,
        folder: &str,
        cancel: &CancellationToken,
    ) -> Result<(), AgentError> {
        let make = |link: Link| async move { link.mkdir(folder).await };
        self.carry(agent, cancel, make).await
    }

    /// Deletes what is there, with everything in it; nothing there is fine.
    pub async fn remove(
        &self,
        agent: AgentId,
        path: &str,
        cancel: &CancellationToken,
    ) -> Result<(), AgentError> {
        let remove = |link: Link| async move { link.remove(path).await };
        self.carry(agent, cancel, remove).await
    }

    /// What the agent's machine is like now, as a JSON object.
    pub async fn info(
        &self,
        agent: AgentId,
        cancel: &CancellationToken,
    ) -> Result<String, AgentError> {
        let ask = |link: Link| async move { link.info().await };
        let facts = self.carry(agent, cancel, ask).await?;
        Ok(serde_json::Value::Object(facts).to_string())
    }
}
