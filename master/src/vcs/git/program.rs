//! One call of the `git` program: no prompts, no hooks, no system configuration, bounded output,
//! and an end. The program is killed when the caller goes away.

use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::vcs::{VcsError, VcsResult};

/// Output of an ordinary question: far above a log of a thousand commits.
const OUTPUT_BYTES_MAX: usize = 64 << 20;
/// The end of the error output that is shown to people.
const ERROR_BYTES_MAX: usize = 2_000;

/// Settings that no configuration file overrides: nothing a repository brings along is run, and
/// housekeeping does not outlive the call.
const SETTINGS: [&str; 7] = [
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "protocol.ext.allow=never",
    "gc.autoDetach=false",
    "maintenance.autoDetach=false",
    "core.quotePath=false",
    "log.showSignature=false",
];

/// What another git around us could have left in the environment.
const UNSET: [&str; 8] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CEILING_DIRECTORIES",
    "GIT_EXTERNAL_DIFF",
];

/// A call in the making.
pub(super) struct Call<'a> {
    what: &'static str,
    timeout: Duration,
    folder: Option<&'a Path>,
    arguments: Vec<OsString>,
    input: Vec<u8>,
    output_bytes_max: usize,
    cut: bool,
}

impl<'a> Call<'a> {
    pub(super) fn new(what: &'static str, timeout: Duration) -> Self {
        Self {
            what,
            timeout,
            folder: None,
            arguments: Vec::new(),
            input: Vec::new(),
            output_bytes_max: OUTPUT_BYTES_MAX,
            cut: false,
        }
    }

    /// The bare repository that is asked.
    pub(super) fn folder(mut self, folder: &'a Path) -> Self {
        self.folder = Some(folder);
        self
    }

    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    pub(super) fn args<S: AsRef<OsStr>>(mut self, all: impl IntoIterator<Item = S>) -> Self {
        let owned = all.into_iter().map(|one| one.as_ref().to_owned());
        self.arguments.extend(owned);
        self
    }

    /// What the program reads on its standard input.
    pub(super) fn input(mut self, bytes: Vec<u8>) -> Self {
        self.input = bytes;
        self
    }

    pub(super) fn output_bytes_max(mut self, bytes: usize) -> Self {
        self.output_bytes_max = bytes;
        self
    }

    /// Output above the maximum is dropped instead of being an error.
    pub(super) fn cut(mut self) -> Self {
        self.cut = true;
        self
    }

    /// Starts the program with pipes on all three ends.
    pub(super) fn spawn(&self) -> VcsResult<Child> {
        let mut command = Command::new("git");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        if let Some(folder) = self.folder {
            command.arg("--git-dir").arg(folder);
        }
        command.arg(self.what).args(&self.arguments);
        for name in UNSET {
            command.env_remove(name);
        }
        if std::env::var_os("GIT_SSH_COMMAND").is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -oBatchMode=yes");
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.io(error))
    }

    /// Runs the program and returns its output.
    pub(super) async fn run(self, stop: &CancellationToken) -> VcsResult<Vec<u8>> {
        tokio::select! {
            outcome = tokio::time::timeout(self.timeout, self.talk()) => {
                outcome.unwrap_or_else(|_| Err(VcsError::TimedOut {
                    what: self.what.to_owned(),
                    seconds: self.timeout.as_secs(),
                }))
            }
            () = stop.cancelled() => Err(VcsError::Cancelled),
        }
    }

    async fn talk(&self) -> VcsResult<Vec<u8>> {
        let mut child = self.spawn()?;
        let (stdin, stdout, stderr) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = (stdin, stdout, stderr) else {
            return Err(self.io(std::io::Error::other("a pipe is missing")));
        };
        let feed = async move {
            // A program that ends early does not read it all; its status tells what was wrong.
            let _ = stdin.write_all(&self.input).await;
        };
        let ((), output, errors) = tokio::join!(
            feed,
            read_bounded(stdout, self.output_bytes_max),
            read_bounded(stderr, ERROR_BYTES_MAX * 8),
        );
        let status = child.wait().await.map_err(|error| self.io(error))?;
        if !status.success() {
            let errors = errors.map(|(bytes, _)| bytes).unwrap_or_default();
            return Err(VcsError::Failed {
                what: self.what.to_owned(),
                text: last_words(&errors),
            });
        }
        match output.map_err(|error| self.io(error))? {
            (_, true) if !self.cut => Err(VcsError::Unexpected {
                what: self.what.to_owned(),
                text: format!("more than {} bytes", self.output_bytes_max),
            }),
            (bytes, _) => Ok(bytes),
        }
    }

    fn io(&self, error: std::io::Error) -> VcsError {
        VcsError::Io {
            what: self.what.to_owned(),
            error,
        }
    }
}

/// Reads to the end, keeps the first `max` bytes and says whether there were more.
async fn read_bounded(
    mut from: impl AsyncRead + Unpin,
    max: usize,
) -> std::io::Result<(Vec<u8>, bool)> {
    let (mut kept, mut more) = (Vec::new(), false);
    let mut piece = vec![0; 64 << 10];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok((kept, more));
        }
        let room = (max - kept.len()).min(read);
        kept.extend_from_slice(&piece[..room]);
        more |= room < read;
    }
}

/// The end of an error output as one line without control characters or passwords of addresses.
pub(super) fn last_words(errors: &[u8]) -> String {
    let text = String::from_utf8_lossy(errors);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let from = lines.len().saturating_sub(4);
    let words: Vec<String> = lines[from..]
        .join("; ")
        .chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect::<String>()
        .split(' ')
        .map(without_password)
        .collect();
    let text = words.join(" ");
    text[..text.floor_char_boundary(ERROR_BYTES_MAX)].to_owned()
}

/// `https://user:secret@host/…` without what stands before the `@`.
fn without_password(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else {
        return word.to_owned();
    };
    let end = rest.find('/').unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://***{}", &rest[at..]),
        None => word.to_owned(),
    }
}
