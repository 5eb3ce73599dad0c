//! A bare mirror of one git repository, kept by the `git` program: what branches there are, what
//! is new on them, and the trees of revisions. Names from outside are only ever whole arguments
//! after `--`, full `refs/heads/…` names, or lines on standard input.

mod batch;
#[cfg(test)]
pub(crate) mod fixture;
mod hashes;
mod history;
mod program;
mod repair;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use history::{Commit, NewCommits, RevisionFacts};
use program::Call;
use tokio_util::sync::CancellationToken;
pub use tree::Tree;

use super::{VcsError, VcsResult};

/// Asking for the branches: one round trip, also to a slow server.
const LIST_TIMEOUT: Duration = Duration::from_secs(60);
/// A first fetch of a large repository over a slow line.
const FETCH_TIMEOUT: Duration = Duration::from_secs(60 * 60);
/// Questions to the local mirror.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(120);
/// 100,000 branches with names of ordinary length.
const LIST_BYTES_MAX: usize = 16 << 20;

/// A mirror; cheap to clone.
#[derive(Clone, Debug)]
pub struct Mirror {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    url: String,
    /// Held while the mirror is written.
    writing: tokio::sync::Mutex<()>,
    /// SHA-256 of objects hashed before.
    hashes: hashes::Hashes,
}

/// A branch of the remote repository and its newest revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteBranch {
    /// Name without `refs/heads/`.
    pub name: String,
    /// Full id of the commit.
    pub revision: String,
}

impl Mirror {
    /// The mirror of `url` in `folder`; nothing is read or written yet.
    #[must_use]
    pub fn new(folder: PathBuf, url: String) -> Self {
        let hashes = hashes::Hashes::new(folder.with_extension("sha256"));
        let inner = Inner {
            folder,
            url,
            writing: tokio::sync::Mutex::new(()),
            hashes,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// Where the remote repository is.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.inner.url
    }

    fn folder(&self) -> &Path {
        &self.inner.folder
    }

    /// The branches of the remote repository. Names that are not UTF-8, or that git itself would
    /// refuse, are left out.
    pub async fn list_remote(&self, stop: &CancellationToken) -> VcsResult<Vec<RemoteBranch>> {
        let output = Call::new("ls-remote", LIST_TIMEOUT)
            .arg("--heads")
            .arg("--")
            .arg(self.url())
            .output_bytes_max(LIST_BYTES_MAX)
            .run(stop)
            .await?;
        let branches = output.split(|byte| *byte == b'\n').filter_map(|line| {
            let (revision, name) = std::str::from_utf8(line).ok()?.split_once('\t')?;
            let name = name.strip_prefix("refs/heads/")?;
            (is_object_id(revision) && is_branch_name(name)).then(|| RemoteBranch {
                name: name.to_owned(),
                revision: revision.to_owned(),
            })
        });
        Ok(branches.collect())
    }

    /// Brings the mirror's copies of `branches` and all tags up to date.
    pub async fn fetch(&self, branches: &[String], stop: &CancellationToken) -> VcsResult<()> {
        let _writing = self.inner.writing.lock().await;
        self.make(stop).await?;
        let mut refspecs = String::from("+refs/tags/*:refs/tags/*\n");
        for branch in branches {
            refspecs.push_str(&format!("+refs/heads/{branch}:refs/heads/{branch}\n"));
        }
        let mut outcome = self.fetch_refs(&refspecs, stop).await;
        if matches!(outcome, Err(VcsError::Failed { .. })) && self.unlock().await {
            outcome = self.fetch_refs(&refspecs, stop).await;
        }
        if let Err(error) = &outcome
            && self.discard_if_damaged(error, stop).await?
        {
            self.make(stop).await?;
            // What did not move is missing too.
            let all = "+refs/tags/*:refs/tags/*\n+refs/heads/*:refs/heads/*\n";
            outcome = self.fetch_refs(all, stop).await;
        }
        outcome
    }

    async fn fetch_refs(&self, refspecs: &str, stop: &CancellationToken) -> VcsResult<()> {
        Call::new("fetch", FETCH_TIMEOUT)
            .folder(self.folder())
            .args(["--quiet", "--force", "--no-tags", "--no-write-fetch-head"])
            .args(["--no-recurse-submodules", "--stdin", "--"])
            .arg(self.url())
            .input(refspecs.as_bytes().to_vec())
            .run(stop)
            .await
            .map(drop)
    }

    async fn make(&self, stop: &CancellationToken) -> VcsResult<()> {
        if self.folder().join("HEAD").exists() {
            return Ok(());
        }
        let io = |error| VcsError::Io {
            what: "init".to_owned(),
            error,
        };
        tokio::fs::create_dir_all(self.folder()).await.map_err(io)?;
        Call::new("init", LOCAL_TIMEOUT)
            .args(["--bare", "--quiet", "--"])
            .arg(self.folder())
            .run(stop)
            .await
            .map(drop)
    }

    /// Forgets a branch that was deleted or moved away from `revision`, which stays reachable:
    /// builds of it may be asked for again.
    pub async fn retire(
        &self,
        branch: &str,
        revision: &str,
        deleted: bool,
        stop: &CancellationToken,
    ) -> VcsResult<()> {
        let _writing = self.inner.writing.lock().await;
        if !is_object_id(revision) || !self.has(revision, stop).await? {
            return Ok(());
        }
        let mut input = format!("update refs/windlass/seen/{revision}\0{revision}\0\0");
        if deleted {
            input.push_str(&format!("delete refs/heads/{branch}\0\0"));
        }
        let update = || {
            self.call("update-ref")
                .args(["--stdin", "-z"])
                .input(input.clone().into_bytes())
                .run(stop)
        };
        let mut outcome = update().await;
        if matches!(outcome, Err(VcsError::Failed { .. })) && self.unlock().await {
            outcome = update().await;
        }
        outcome.map(drop)
    }

    /// Whether the mirror holds this commit.
    pub async fn has(&self, revision: &str, stop: &CancellationToken) -> VcsResult<bool> {
        if !self.folder().join("HEAD").exists() {
            return Ok(false);
        }
        let text = format!("{revision}^{{commit}}");
        Ok(self.resolve_text(&text, stop).await?.is_some())
    }

    /// The full id of `revision` (a full or abbreviated id) on `branch`; of the branch's newest
    /// revision when none is given.
    ///
    /// Errors: [`VcsError::Unknown`] with a text for the person who asked.
    pub async fn resolve(
        &self,
        branch: &str,
        revision: Option<&str>,
        stop: &CancellationToken,
    ) -> VcsResult<String> {
        let text = format!("refs/heads/{branch}^{{commit}}");
        let Some(head) = self.resolve_text(&text, stop).await? else {
            let text = format!("there is no branch `{branch}`");
            return Err(VcsError::Unknown(text));
        };
        let Some(revision) = revision else {
            return Ok(head);
        };
        // Shorter ids are ambiguous in any real repository.
        let is_id = (7..=64).contains(&revision.len())
            && revision.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_id {
            let text = format!(
                "`{}` is no revision: 7 to 64 hexadecimal digits are expected",
                revision.chars().take(64).collect::<String>()
            );
            return Err(VcsError::Unknown(text));
        }
        let text = format!("{revision}^{{commit}}");
        let Some(found) = self.resolve_text(&text, stop).await? else {
            let text = format!("there is no revision `{revision}` in the repository");
            return Err(VcsError::Unknown(text));
        };
        let on_branch = self
            .call("merge-base")
            .args(["--is-ancestor", &found, &head])
            .run(stop)
            .await;
        match on_branch {
            Ok(_) => Ok(found),
            Err(VcsError::Failed { text, .. }) if text.is_empty() => Err(VcsError::Unknown(
                format!("the revision `{revision}` is not on the branch `{branch}`"),
            )),
            Err(error) => Err(error),
        }
    }

    /// `text` begins with a hexadecimal digit or `refs/`, so it is never taken for an option.
    async fn resolve_text(
        &self,
        text: &str,
        stop: &CancellationToken,
    ) -> VcsResult<Option<String>> {
        let answer = self
            .call("rev-parse")
            .args(["--verify", "--quiet", "--end-of-options", text])
            .run(stop)
            .await;
        match answer {
            Ok(output) => {
                let id = String::from_utf8_lossy(&output).trim().to_owned();
                Ok(is_object_id(&id).then_some(id))
            }
            Err(VcsError::Failed { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn call(&self, what: &'static str) -> Call<'_> {
        Call::new(what, LOCAL_TIMEOUT).folder(self.folder())
    }
}

/// Whether git takes `name` for a branch: a server that names another must not spoil the fetch of
/// the rest.
fn is_branch_name(name: &str) -> bool {
    let is_bad = |c: char| c.is_control() || " ~^:?*[\\".contains(c);
    let is_good =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    !name.contains(is_bad)
        && !name.contains("..")
        && !name.contains("@{")
        && !name.ends_with('.')
        && name.split('/').all(is_good)
}

/// Whether `text` is a full object id: SHA-1 or SHA-256 in hexadecimal.
fn is_object_id(text: &str) -> bool {
    matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests;
