//! Files of a build's folder on the agent: which there are, and fetching one into the store.

use std::io;

use crate::engine::files::matching;
use crate::model::Blob;
use crate::session::{ByteSink, EntryKind};
use crate::storage::BlobWriter;

use super::step::{Course, StepError};

/// Files one glob may name: a listing beyond is a glob that was meant otherwise.
const FILES_MAX: usize = 1_000;
/// Largest file taken: four times a large installer's 4 GiB.
const FILE_BYTES_MAX: u64 = 16 << 30;

/// A store's file as the place for bytes from an agent.
struct Sink(BlobWriter);

impl ByteSink for Sink {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.0.write(bytes)
    }
}

impl Course<'_> {
    /// Paths below the build's folder of the files in it, sorted. Names that are not UTF-8 are
    /// passed over: nobody could download them by their name.
    pub(super) async fn files(&self) -> Result<Vec<String>, StepError> {
        let (agents, halt) = (&self.parts.agents, &self.signals.halt);
        let listing = agents
            .readdir(self.build.agent, &self.build.folder, true, halt)
            .await?;
        let files = listing
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File);
        Ok(files
            .filter_map(|entry| String::from_utf8(entry.path).ok())
            .collect())
    }

    /// Fetches the file at `path` below the build's folder; it is on disk and its hash was
    /// compared when this returns.
    pub(super) async fn fetch(&self, path: &str) -> Result<Blob, StepError> {
        let ours = |error: io::Error| StepError::Ours(format!("cannot store `{path}`: {error}"));
        let mut sink = Sink(self.parts.blobs.writer().map_err(ours)?);
        let whole = self.path(path).into_bytes();
        let (agents, halt) = (&self.parts.agents, &self.signals.halt);
        let agent = self.build.agent;
        let facts = agents
            .get(agent, &whole, FILE_BYTES_MAX, &mut sink, halt)
            .await?;
        let blob = sink.0.finish().await.map_err(ours)?;
        if blob.sha256 != facts.sha256 || blob.size != facts.size {
            let text = format!("`{path}` arrived otherwise than the agent has it");
            return Err(StepError::Broken(text));
        }
        Ok(blob)
    }
}

/// The files that `glob` names.
pub(super) fn named(glob: &str, files: &[String]) -> Result<Vec<String>, StepError> {
    let paths: Vec<&str> = files.iter().map(String::as_str).collect();
    let found = matching(glob, &paths).map_err(StepError::Failed)?;
    if found.len() > FILES_MAX {
        let text = format!(
            "`{glob}` names {} files; at most {FILES_MAX} are taken",
            found.len()
        );
        return Err(StepError::Failed(text));
    }
    Ok(found.into_iter().map(str::to_owned).collect())
}
