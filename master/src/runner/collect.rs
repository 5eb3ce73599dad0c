//! Files of a build's folder on the agent: which there are, and fetching one into the store.

use std::collections::HashMap;
use std::io;
use std::sync::PoisonError;

use bytes::Bytes;

use crate::agents::AgentError;
use crate::engine::files::{matching, matching_any};
use crate::model::Blob;
use crate::session::{ByteSink, DirEntry, EntryKind};
use crate::storage::{self, BlobWriter};

use super::step::{Course, StepError};

/// Files one glob may name: a listing beyond is a glob that was meant otherwise.
const FILES_MAX: usize = 1_000;
/// Largest file taken: four times a large installer's 4 GiB.
const FILE_BYTES_MAX: u64 = 16 << 30;

/// A file of a build's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundFile {
    /// Path below the build's folder.
    pub(super) path: String,
    /// Bytes, when it was looked at.
    pub(super) size: u64,
}

/// A store's file as the place for bytes from an agent.
struct Sink(BlobWriter);

impl ByteSink for Sink {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        // The agent sends no more than its window until this is done, so a slow disk stops it.
        self.0.append(Bytes::copy_from_slice(bytes)).await
    }
}

impl Course<'_> {
    /// The files that `glob` names, sorted by their paths. Only the folder that
    /// the glob fixes is looked through, so that a build's folder may hold any number of files.
    pub(super) async fn files(&self, glob: &str) -> Result<Vec<FoundFile>, StepError> {
        let (folder, recursive) = fixed_folder(glob);
        let found = named(glob, &self.list(folder, recursive).await?);
        match (found, folder) {
            // Somewhere else there may be what comes near.
            (Err(StepError::Failed(text)), folder) if !(folder.is_empty() && recursive) => {
                match self.list("", true).await {
                    Ok(all) => named(glob, &all),
                    Err(StepError::Broken(_)) => Err(StepError::Failed(text)),
                    Err(error) => Err(error),
                }
            }
            (found, _) => found,
        }
    }

    /// Like [`Course::files`], where naming no file is fine.
    pub(super) async fn files_if_any(&self, glob: &str) -> Result<Vec<FoundFile>, StepError> {
        let (folder, recursive) = fixed_folder(glob);
        let listed = self.list(folder, recursive).await?;
        let paths: Vec<&str> = listed.iter().map(|file| file.path.as_str()).collect();
        match matching_any(glob, &paths).map_err(StepError::Failed)? {
            none if none.is_empty() => Ok(Vec::new()),
            _ => named(glob, &listed),
        }
    }

    /// The files in `folder`, with their paths below the build's; none where there is no folder.
    /// Names that are not UTF-8 are passed over: nobody could download them by their name.
    async fn list(&self, folder: &str, recursive: bool) -> Result<Vec<FoundFile>, StepError> {
        let (agents, halt) = (&self.agents, &self.signals.halt);
        let (agent, path) = (self.build.agent, self.path(folder));
        let listing = match agents.readdir(agent, &path, recursive, halt).await {
            Err(AgentError::Refused(refusal)) if refusal.code == "not-found" => Vec::new(),
            listing => listing?,
        };
        let files = listing
            .into_iter()
            .filter(|entry| entry.kind == EntryKind::File);
        let found = |entry: DirEntry| {
            let below = String::from_utf8(entry.path).ok()?;
            let path = match folder {
                "" => below,
                folder => format!("{folder}/{below}"),
            };
            let size = entry.size;
            Some(FoundFile { path, size })
        };
        Ok(files.filter_map(found).collect())
    }

    /// Fetches the file at `path` below the build's folder; it is on disk and its hash was
    /// compared when this returns.
    pub(super) async fn fetch(&self, path: &str) -> Result<Blob, StepError> {
        let told = |error: io::Error| {
            let full = match storage::is_full(&error) {
                true => "the master's store is full: ",
                false => "",
            };
            format!("cannot store `{path}`: {full}{error}")
        };
        let ours = |error: io::Error| StepError::Ours(told(error));
        let mut sink = Sink(self.parts.blobs.writer().map_err(ours)?);
        let whole = self.path(path).into_bytes();
        let (agents, halt) = (&self.agents, &self.signals.halt);
        let agent = self.build.agent;
        let facts = agents
            .get(agent, &whole, FILE_BYTES_MAX, &mut sink, halt)
            .await;
        let facts = match facts {
            Err(AgentError::Refused(refusal)) if refusal.code == "changed" => {
                let text = format!(
                    "`{path}` changed while it was read: let whatever writes it end before this \
                     step"
                );
                return Err(StepError::Failed(text));
            }
            // The next build may be smaller, or find more room.
            Err(AgentError::Local(error)) => return Err(StepError::Broken(told(error))),
            facts => facts?,
        };
        let (blob, lease) = sink.0.finish_leased().await.map_err(ours)?;
        let mut leases = self.leases.lock().unwrap_or_else(PoisonError::into_inner);
        leases.push(lease);
        drop(leases);
        if blob.sha256 != facts.sha256 || blob.size != facts.size {
            let text = format!("`{path}` arrived otherwise than the agent has it");
            return Err(StepError::Broken(text));
        }
        Ok(blob)
    }
}

/// The folder in which everything lies that `glob` names, empty for the build's own, and whether
/// it may lie deeper in it.
fn fixed_folder(glob: &str) -> (&str, bool) {
    let leaves = glob.starts_with('/') || glob.split(['/', '\\']).any(|part| part == "..");
    let bare = glob.strip_prefix("./").unwrap_or(glob);
    let wild = bare.find(['*', '?', '[', '{', '\\']).unwrap_or(bare.len());
    let end = bare[..wild].rfind('/');
    let (folder, rest) = match end {
        Some(end) => (&bare[..end], &bare[end + 1..]),
        None => ("", bare),
    };
    // A glob that leaves the build's folder, or is written oddly, is judged by `matching`.
    match leaves || folder.split('/').any(|part| part == "." || part.is_empty()) && end.is_some() {
        true => ("", true),
        false => (folder, rest.contains('/') || rest.contains("**")),
    }
}

/// The files that `glob` names.
fn named(glob: &str, files: &[FoundFile]) -> Result<Vec<FoundFile>, StepError> {
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    let found = matching(glob, &paths).map_err(StepError::Failed)?;
    if found.len() > FILES_MAX {
        let text = format!(
            "`{glob}` names {} files; at most {FILES_MAX} are taken",
            found.len()
        );
        return Err(StepError::Failed(text));
    }
    let sizes: HashMap<&str, u64> = files
        .iter()
        .map(|file| (file.path.as_str(), file.size))
        .collect();
    let file = |path: &str| FoundFile {
        path: path.to_owned(),
        size: sizes.get(path).copied().unwrap_or(0),
    };
    Ok(found.into_iter().map(file).collect())
}

#[cfg(test)]
mod tests {
    //! The folders as a table.

    use super::*;

    #[test]
    fn only_the_folder_that_a_glob_fixes_is_looked_through() {
        let table = [
            ("dist/editor-*.tar.gz", ("dist", false)),
            ("./dist/a/editor.zip", ("dist/a", false)),
            ("dist/*/x", ("dist", true)),
            ("dist/**", ("dist", true)),
            ("dist/{a/x,b}", ("dist", true)),
            ("*.zip", ("", false)),
            ("**/*.zip", ("", true)),
            ("a[/]b", ("", true)),
            ("dist//x", ("", true)),
            ("../dist/x", ("", true)),
            ("/etc/x", ("", true)),
        ];
        for (glob, expected) in table {
            assert_eq!(fixed_folder(glob), expected, "{glob}");
        }
    }
}
