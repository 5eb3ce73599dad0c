//! The real programs: built once per test run, started as child processes, ended when dropped.

use std::io::BufRead as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;

/// Path of the `windlass` program: the one that `WINDLASS_TEST_PROGRAM` names, such as a released
/// one; else built first if the sources are newer.
#[must_use]
pub fn windlass() -> &'static Path {
    static NAMED: OnceLock<Option<PathBuf>> = OnceLock::new();
    let named = NAMED.get_or_init(|| std::env::var_os("WINDLASS_TEST_PROGRAM").map(PathBuf::from));
    named.as_deref().unwrap_or_else(|| &built().0)
}

/// Path of the `windlass-agent` program, built first if the sources are newer.
#[must_use]
pub fn agent() -> &'static Path {
    &built().1
}

/// Path of the `windlass-agent` program with TLS, built in a folder of its own.
#[must_use]
pub fn agent_with_tls() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let target = agent().with_file_name("with-tls");
        let mut command = cargo();
        command
            .args([
                "build",
                "--quiet",
                "-p",
                "windlass-agent",
                "--features",
                "tls",
            ])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let status = command.status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the agent does not build with TLS"
        );
        target.join("debug/windlass-agent")
    })
}

/// cargo without what it tells the tests that it runs: build scripts look at that, and a crate that is
/// built in here with another name of its package would be built anew by every run of the tests.
fn cargo() -> Command {
    let mut command = Command::new(env!("CARGO"));
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        let is_told = ["CARGO_PKG_", "CARGO_MANIFEST_", "OUT_DIR"];
        if is_told.iter().any(|front| shown.starts_with(front)) {
            command.env_remove(&name);
        }
    }
    command
}

fn built() -> &'static (PathBuf, PathBuf) {
    static BUILT: OnceLock<(PathBuf, PathBuf)> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut command = cargo();
        command.args([
            "build",
            "--quiet",
            "-p",
            "windlass",
            "-p",
            "windlass-agent",
            "--bins",
        ]);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the programs do not build"
        );
        // …/target/debug/deps/it-0123 → …/target/debug
        let own = std::env::current_exe().unwrap_or_default();
        let folder = own.ancestors().nth(2).unwrap_or(Path::new(".")).to_owned();
        (folder.join("windlass"), folder.join("windlass-agent"))
    })
}

/// A folder with the tools that `tests/run` makes, or none: then the test says that it is left
/// out, and fails where `WINDLASS_TEST_ALL` is set.
#[must_use]
pub fn tools(test: &str) -> Option<PathBuf> {
    if let Some(folder) = std::env::var_os("WINDLASS_TEST_TOOLS") {
        return Some(PathBuf::from(folder));
    }
    assert!(
        std::env::var_os("WINDLASS_TEST_ALL").is_none(),
        "{test} needs the tools that tests/run makes"
    );
    eprintln!("left out: {test} needs the tools that tests/run makes");
    None
}

/// What a program printed and how it ended.
#[derive(Debug)]
pub struct Outcome {
    /// How it ended.
    pub status: ExitStatus,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs `windlass` with `arguments` to its end, in `folder`.
#[must_use]
pub fn run_windlass(folder: &Path, arguments: &[&str], stdin: &str) -> Outcome {
    let mut command = Command::new(windlass());
    command.args(arguments).current_dir(folder);
    run(command, stdin)
}

/// Runs `command` to its end with `stdin` as its input.
#[must_use]
pub fn run(mut command: Command, stdin: &str) -> Outcome {
    use std::io::Write as _;
    let spawned = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    if let Some(mut pipe) = child.stdin.take() {
        // A program that does not read its input closes it: that is no fault of the test.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    let output = child.wait_with_output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    Outcome {
        status: output.status,
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A program in the background. Dropping it kills it and waits for its end.
#[derive(Debug)]
pub struct Background {
    child: Child,
}

impl Background {
    /// Starts `command`; its standard error is appended to the file `log`, its standard output is
    /// thrown away.
    #[must_use]
    pub fn start(mut command: Command, log: &Path) -> Self {
        let file = std::fs::File::options().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file)
            .spawn();
        Self {
            child: spawned.unwrap_or_else(|error| panic!("{command:?}: {error}")),
        }
    }

    /// Like [`Background::start`] for a program that prints its address: returns what it wrote
    /// to standard output up to the first line end too.
    #[must_use]
    pub fn start_with_line(mut command: Command, log: &Path) -> (Self, String) {
        let file = std::fs::File::options().create(true).append(true).open(log);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let spawned = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn();
        let mut child = spawned.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            // What cannot be read is missing from the line, which the caller looks at.
            let _ = std::io::BufReader::new(stdout).read_line(&mut line);
        }
        line.truncate(line.trim_end().len());
        (Self { child }, line)
    }

    /// Takes over a program that was started elsewhere.
    #[must_use]
    pub fn of(child: Child) -> Self {
        Self { child }
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal such as `TERM`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "kill -s {name} {id}"
        );
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it has ended by itself; fails the test when it does not.
    pub fn wait(&mut self) -> ExitStatus {
        crate::wait::until("the program has ended", || self.ended())
    }

    /// Kills it and waits for its end.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Path of the `windlass-conformance` program, built first if the sources are newer.
#[must_use]
pub fn conformance() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let arguments = ["build", "--quiet", "-p", "windlass-protocol", "--bins"];
        let mut command = cargo();
        command.args(arguments);
        if !cfg!(debug_assertions) {
            command.arg("--release");
        }
        let status = command.current_dir(env!("CARGO_MANIFEST_DIR")).status();
        assert!(
            status.is_ok_and(|status| status.success()),
            "the conformance runner does not build"
        );
        agent().with_file_name("windlass-conformance")
    })
}
