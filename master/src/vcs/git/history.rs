//! What is new between two revisions of a branch, and the facts of one revision.

use tokio_util::sync::CancellationToken;

use super::{Mirror, is_object_id};
use crate::vcs::{VcsError, VcsResult};

/// Paths kept per commit; the total is told beside them.
const FILES_MAX: usize = 100;

/// A commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Full id.
    pub revision: String,
    /// Name of the author.
    pub author: String,
    /// Mail address of the author; empty where there is none.
    pub author_email: String,
    /// When it was committed, seconds since 1970 by the committer's clock.
    pub committed_at_s: i64,
    /// Message, several lines.
    pub message: String,
    /// The first of the paths it touched (compared with its first parent).
    pub files: Vec<String>,
    /// Paths it touched.
    pub files_total: usize,
}

/// The newest commits that a branch gained.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCommits {
    /// Oldest first; the newest `max` of them.
    pub commits: Vec<Commit>,
    /// How many there are in all.
    pub total: u64,
}

/// What a build wants to know of its revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionFacts {
    /// Nearest tag and distance, `0.0.0-N-gID` without tags.
    pub describe: String,
    /// When it was committed, seconds since 1970.
    pub committed_at_s: i64,
    /// Name of the author.
    pub author: String,
    /// Mail address of the author.
    pub author_email: String,
}

impl Mirror {
    /// The commits reachable from `new` and not from `old` (full ids), in the order they build
    /// on each other.
    pub async fn commits_between(
        &self,
        old: &str,
        new: &str,
        max: usize,
        stop: &CancellationToken,
    ) -> VcsResult<NewCommits> {
        let range = format!("{old}..{new}");
        let total = self.count(&range, stop).await?;
        let commits = match total {
            0 => Vec::new(),
            _ => self.log(&range, max, stop).await?,
        };
        Ok(NewCommits { commits, total })
    }

    /// One commit (full id).
    pub async fn commit(&self, revision: &str, stop: &CancellationToken) -> VcsResult<Commit> {
        let mut commits = self.log(revision, 1, stop).await?;
        commits.pop().ok_or_else(|| VcsError::Unexpected {
            what: "log".to_owned(),
            text: format!("nothing about {revision}"),
        })
    }

    /// How many commits `range` (a full id, or two with dots between) holds: the position of a
    /// revision on its branch.
    pub async fn count(&self, range: &str, stop: &CancellationToken) -> VcsResult<u64> {
        let output = self
            .call("rev-list")
            .args(["--count", "--end-of-options", range, "--"])
            .run(stop)
            .await?;
        let text = String::from_utf8_lossy(&output);
        text.trim().parse().map_err(|_| VcsError::Unexpected {
            what: "rev-list".to_owned(),
            text: format!("`{}` is no number", text.trim()),
        })
    }

    /// The facts of a revision (full id).
    pub async fn facts(
        &self,
        revision: &str,
        stop: &CancellationToken,
    ) -> VcsResult<RevisionFacts> {
        let commit = self.commit(revision, stop).await?;
        let described = self
            .call("describe")
            .args(["--tags", "--abbrev=12", revision])
            .run(stop)
            .await;
        let describe = match described {
            Ok(output) => String::from_utf8_lossy(&output).trim().to_owned(),
            Err(VcsError::Failed { .. }) => {
                let count = self.count(revision, stop).await?;
                format!("0.0.0-{count}-g{}", &revision[..12])
            }
            Err(error) => return Err(error),
        };
        Ok(RevisionFacts {
            describe,
            committed_at_s: commit.committed_at_s,
            author: commit.author,
            author_email: commit.author_email,
        })
    }

    async fn log(
        &self,
        range: &str,
        max: usize,
        stop: &CancellationToken,
    ) -> VcsResult<Vec<Commit>> {
        let output = self
            .call("log")
            .args([
                "--topo-order",
                "--reverse",
                "--no-color",
                "--no-decorate",
                "-z",
            ])
            .args(["--encoding=UTF-8", "--no-notes", "--no-mailmap"])
            .arg("--format=tformat:%H%x00%an%x00%ae%x00%ct%x00%B")
            .arg(format!("--max-count={max}"))
            .args(["--end-of-options", range, "--"])
            .run(stop)
            .await?;
        let mut commits = parse_log(&output);
        self.add_files(&mut commits, stop).await?;
        Ok(commits)
    }

    async fn add_files(&self, commits: &mut [Commit], stop: &CancellationToken) -> VcsResult<()> {
        let input: String = commits
            .iter()
            .map(|commit| format!("{}\n", commit.revision))
            .collect();
        let output = self
            .call("diff-tree")
            .args([
                "--stdin",
                "--root",
                "-r",
                "-z",
                "--name-only",
                "--no-renames",
            ])
            .arg("--diff-merges=first-parent")
            .input(input.into_bytes())
            .cut()
            .run(stop)
            .await?;
        let mut at = None;
        for token in output.split(|byte| matches!(byte, 0)) {
            let text = String::from_utf8_lossy(token);
            // A commit's own id cannot be the name of a file in it or before it.
            let next = at.map_or(0, |at| at + 1);
            let own = commits[next.min(commits.len())..]
                .iter()
                .position(|commit| commit.revision == text.trim_end());
            if let Some(skipped) = own {
                at = Some(next + skipped);
            } else if let Some(at) = at
                && !token.is_empty()
            {
                let commit = &mut commits[at];
                commit.files_total += 1;
                if commit.files.len() < FILES_MAX {
                    commit.files.push(text.into_owned());
                }
            }
        }
        Ok(())
    }
}

/// Fields and records are separated by NUL, which no field can hold.
fn parse_log(output: &[u8]) -> Vec<Commit> {
    let fields: Vec<&[u8]> = output.split(|byte| *byte == 0).collect();
    let text = |field: &[u8]| String::from_utf8_lossy(field).into_owned();
    let commits = fields.chunks_exact(5).filter_map(|record| {
        let revision = text(record[0]).trim().to_owned();
        is_object_id(&revision).then(|| Commit {
            revision,
            author: text(record[1]),
            author_email: text(record[2]),
            committed_at_s: text(record[3]).trim().parse().unwrap_or(0),
            message: text(record[4]).trim_end().to_owned(),
            files: Vec::new(),
            files_total: 0,
        })
    });
    commits.collect()
}
