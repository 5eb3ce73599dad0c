//! The small repository that is built when none is given: a shell program with a history of three
//! commits, made with the `git` program.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// A file of the sample: name and content.
type File = (&'static str, &'static str);

/// A commit of the sample: author, address, message, and the files it writes.
type Step = (&'static str, &'static str, &'static str, &'static [File]);

/// The history, oldest first. The last commit comes after the tag, as work on a next version does.
const HISTORY: &[Step] = &[
    (
        "Mara Lindqvist",
        "mara@hello.example",
        "Say hello in twelve languages",
        &[
            ("README.md", include_str!("sample/README.md")),
            ("hello.sh", include_str!("sample/hello.sh")),
            ("greetings.txt", include_str!("sample/greetings.txt")),
            ("build.sh", include_str!("sample/build.sh")),
            ("VERSION", "1.0.0\n"),
        ],
    ),
    (
        "Jonas Okafor",
        "jonas@hello.example",
        "Check what is said, and pack it",
        &[
            ("check.sh", include_str!("sample/check.sh")),
            ("package.sh", include_str!("sample/package.sh")),
        ],
    ),
    (
        "Mara Lindqvist",
        "mara@hello.example",
        "Open version 1.1.0",
        &[("VERSION", "1.1.0\n"), (".gitignore", "build/\ndist/\n")],
    ),
];

/// The commit that is tagged `v1.0.0`, counted from 0.
const TAGGED: usize = 1;
/// Seconds since 1970 of the first commit, so that every demo has the same revisions; an hour
/// lies between two.
const FIRST_COMMIT_AT: i64 = 1_760_000_000;

/// Makes the repository in the new folder `dir`, with the branch `main`.
pub(super) fn make(dir: &Path) -> Result<(), String> {
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    git(dir, &["init", "--quiet"], None)?;
    // `init --initial-branch` is younger than some gits.
    git(dir, &["symbolic-ref", "HEAD", "refs/heads/main"], None)?;
    for (at, step) in HISTORY.iter().enumerate() {
        for (name, text) in step.3 {
            let path = dir.join(name);
            fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        git(dir, &["add", "--all"], None)?;
        let seconds = FIRST_COMMIT_AT + 3600 * i64::try_from(at).unwrap_or(0);
        git(
            dir,
            &["commit", "--quiet", "--message", step.2],
            Some((step, seconds)),
        )?;
        if at == TAGGED {
            git(dir, &["tag", "v1.0.0"], None)?;
        }
    }
    Ok(())
}

/// Runs git without the user's configuration, which may sign, hook or rename things.
fn git(dir: &Path, arguments: &[&str], author: Option<(&Step, i64)>) -> Result<(), String> {
    let mut command = Command::new("git");
    command
        .args(["-c", "core.autocrlf=false", "-c", "commit.gpgSign=false"])
        .args(arguments)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .stdin(Stdio::null());
    if let Some((step, seconds)) = author {
        let date = format!("{seconds} +0000");
        for role in ["AUTHOR", "COMMITTER"] {
            command
                .env(format!("GIT_{role}_NAME"), step.0)
                .env(format!("GIT_{role}_EMAIL"), step.1)
                .env(format!("GIT_{role}_DATE"), &date);
        }
    }
    let output = command
        .output()
        .map_err(|error| format!("the git program does not run: {error}; install git"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    Err(format!("git {} failed: {}", arguments[0], text.trim()))
}

#[cfg(test)]
mod tests;
