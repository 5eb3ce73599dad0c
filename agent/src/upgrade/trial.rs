//! Running a new program before it is trusted: it must say its version and pass its own test on
//! this machine. Not here: what that test looks at (`selftest`).

use std::io::{self, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use windlass_protocol::{Code, Failure};

/// Both runs together take well under a second; a busy machine gets more.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(30);
/// Output of a trial that is looked at.
const OUTPUT_BYTES_MAX: u64 = 16_384;
/// A file just written may be held open for writing by a process that another thread is starting
/// at this moment; it lets go when that process begins.
const BUSY_TRIES_MAX: u32 = 40;
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// Fails with `bad-request` and the reason if the program is not that version or does not work.
pub(super) fn run(program: &Path, version: &str) -> Result<(), Failure> {
    let bad = |why: String| Failure::new(Code::BadRequest, format!("the new program {why}"));
    let said = output_of(program, "--version").map_err(bad)?;
    if said.split_ascii_whitespace().nth(1) != Some(version) {
        let said = said.lines().next().unwrap_or_default().to_owned();
        return Err(bad(format!("says it is `{said}`, not {version}")));
    }
    output_of(program, "selftest").map(drop).map_err(bad)
}

/// What the program prints when it is run with that word; the error continues `the new program`.
fn output_of(program: &Path, word: &str) -> Result<String, String> {
    let cannot = |error: io::Error| format!("cannot be started: {error}");
    let mut command = Command::new(program);
    command
        .arg(word)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = spawn(&mut command).map_err(cannot)?;
    let mut pipe = child.stdout.take().ok_or("has no output")?;
    let (sender, ended) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = pipe.by_ref().take(OUTPUT_BYTES_MAX).read_to_end(&mut text);
        // Nobody listens once the time is over.
        let _ = sender.send(text);
        let _ = io::copy(&mut pipe, &mut io::sink());
    });
    let text = match ended.recv_timeout(TRIAL_TIMEOUT) {
        Ok(text) => text,
        Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            let _ = child.kill();
            let _ = child.wait();
            return Err(format!("did not end after `{word}`"));
        }
    };
    let text = String::from_utf8_lossy(&text).into_owned();
    let status = end(&mut child)?;
    if status.success() {
        return Ok(text);
    }
    let failed = text.lines().find(|line| line.contains("FAILED"));
    let why = failed.map_or(String::new(), |line| format!(": {line}"));
    Err(format!("ended with {status} after `{word}`{why}"))
}

fn end(child: &mut Child) -> Result<std::process::ExitStatus, String> {
    child
        .wait()
        .map_err(|error| format!("cannot be waited for: {error}"))
}

/// Starts a program whose file was written a moment ago.
pub(super) fn spawn(command: &mut Command) -> io::Result<Child> {
    for _ in 0..BUSY_TRIES_MAX {
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => {
                std::thread::sleep(BUSY_WAIT);
            }
            other => return other,
        }
    }
    command.spawn()
}
