//! A git repository that a test commits to.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A repository with a work tree, in a folder that the test owns.
#[derive(Debug, Clone)]
pub struct Repository {
    dir: PathBuf,
}

impl Repository {
    /// A new, empty repository on branch `main`.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        if let Err(error) = fs::create_dir_all(dir) {
            panic!("{}: {error}", dir.display());
        }
        let repository = Self {
            dir: dir.to_owned(),
        };
        repository.git(&["init", "--quiet"]);
        repository.git(&["symbolic-ref", "HEAD", "refs/heads/main"]);
        repository
    }

    /// Its folder, which is also its URL.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file of the work tree.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.dir.join(name);
        let written = path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, content));
        if let Err(error) = written {
            panic!("{}: {error}", path.display());
        }
    }

    /// Commits everything as Mara and returns the revision.
    pub fn commit(&self, message: &str) -> String {
        self.commit_as("Mara <mara@acme.example>", message)
    }

    /// Commits everything as `author` and returns the revision.
    pub fn commit_as(&self, author: &str, message: &str) -> String {
        let (name, address) = author.rsplit_once(" <").unwrap_or((author, "nobody>"));
        self.git(&["add", "--all"]);
        let address = address.trim_end_matches('>');
        let environment = [("GIT_AUTHOR_NAME", name), ("GIT_AUTHOR_EMAIL", address)];
        self.git_with(
            &["commit", "--quiet", "--allow-empty", "-m", message],
            &environment,
        );
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git and returns what it printed, trimmed.
    pub fn git(&self, arguments: &[&str]) -> String {
        self.git_with(arguments, &[])
    }

    fn git_with(&self, arguments: &[&str], environment: &[(&str, &str)]) -> String {
        let output = Command::new("git")
            .args(arguments)
            .current_dir(&self.dir)
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Mara")
            .env("GIT_AUTHOR_EMAIL", "mara@acme.example")
            .env("GIT_COMMITTER_NAME", "Mara")
            .env("GIT_COMMITTER_EMAIL", "mara@acme.example")
            .envs(environment.iter().copied())
            .stdin(Stdio::null())
            .output();
        let output = output.unwrap_or_else(|error| panic!("git does not run: {error}"));
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "git {arguments:?}: {errors}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}
