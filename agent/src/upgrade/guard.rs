//! Letting a new program take over. The old program becomes the guard, in the same process: it
//! runs the new one as its child until that has reached the master and stayed for a moment. Then
//! the new one gets the old one's place on the disk, and the guard becomes it; else the guard
//! becomes the old one again. Whatever is cut off in between, the old program is still in place.
//! Commands have supervisors of their own and notice nothing of all this.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use super::{FAILURE_FILE, Successor, trial};
use crate::agent::OnReady;
use crate::clock::{now_ms, until};
use crate::log::log;
use crate::session::Stop;
use crate::sys;

/// The word that makes the program a guard.
pub(crate) const GUARD: &str = "guard";
/// The same, but it ends as a failure instead of becoming an agent: where a service manager owns
/// the process that waits for it, and starts the program again.
pub(crate) const GUARD_ONCE: &str = "guard-once";
/// The word that makes it a new program on probation; arguments of `run` follow.
pub(crate) const PROBATION: &str = "probation";
/// What the new program writes when the master has proved itself and was answered.
const READY: &[u8] = b"ready\n";
/// How long it must stay after that: one that falls over its first work does so at once.
const STEADY_MS: u64 = 3_000;
/// How long it gets to say goodbye before it is killed: longer than a session takes to end.
const LEAVE_MS: u64 = 8_000;

/// What reaches the guard.
enum News {
    /// The new program has reached its master.
    Ready,
    /// Its output ended, as it does when it ends.
    Ended,
    /// We are asked to stop.
    Stop,
}

/// How a probation went.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Passed,
    /// The text says why not.
    Failed(String),
    Stopped,
}

/// What the guard is told by its arguments, in this order.
struct Orders {
    successor: Successor,
    state: PathBuf,
    bound_ms: u64,
    /// Arguments of the agent that is replaced.
    args: Vec<OsString>,
}

/// Makes this process the guard; returns only if that does not work.
pub(crate) fn become_guard(
    word: &str,
    successor: &Successor,
    state: &Path,
    bound_ms: u64,
    args: &[OsString],
) -> io::Error {
    let mut command = Command::new(&successor.program);
    command
        .args([word.as_ref(), successor.program.as_os_str()])
        .args([successor.new.as_os_str(), successor.version.as_ref()])
        .arg(state)
        .arg(bound_ms.to_string())
        .args(args);
    sys::become_program(&mut command)
}

/// On probation: tells the guard when READY is reached, and stops when the guard wants it or dies.
pub(crate) fn heed_guard(stop: &Stop) -> OnReady {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut line = String::new();
        // The guard never writes; the end is all there is to read.
        let _ = io::stdin().lock().read_line(&mut line);
        stop.request();
    });
    OnReady(Box::new(|| {
        let mut output = io::stdout().lock();
        // A guard that is gone has our input end.
        let _ = output.write_all(READY).and_then(|()| output.flush());
    }))
}

/// The guard, given what follows its word.
pub(crate) fn run(word: &str, words: Vec<OsString>) -> ExitCode {
    let Some(orders) = Orders::read(words) else {
        log!("`{word}` is only for this program itself");
        return ExitCode::from(2);
    };
    let (sender, news) = mpsc::channel();
    let on_signal = sender.clone();
    let notify = move || {
        let _ = on_signal.send(News::Stop);
    };
    if let Err(error) = sys::notify_on_terminate(notify) {
        log!("cannot watch for signals: {error}");
    }
    let version = &orders.successor.version;
    match orders.probation(sender, &news) {
        Verdict::Passed => {
            match sys::replace_program(&orders.successor.new, &orders.successor.program) {
                Ok(()) => log!("upgrade: {version} has taken over"),
                Err(error) => orders.note(&format!("cannot put it in place: {error}")),
            }
        }
        Verdict::Failed(why) => orders.note(&why),
        Verdict::Stopped => return ExitCode::SUCCESS,
    }
    if word == GUARD_ONCE {
        return ExitCode::FAILURE;
    }
    let mut command = Command::new(&orders.successor.program);
    let error = sys::become_program(command.args(&orders.args));
    log!(
        "{}: cannot be started: {error}",
        orders.successor.program.display()
    );
    ExitCode::FAILURE
}

impl Orders {
    fn read(words: Vec<OsString>) -> Option<Orders> {
        let mut words = words.into_iter();
        Some(Orders {
            successor: Successor {
                program: words.next()?.into(),
                new: words.next()?.into(),
                version: words.next()?.into_string().ok()?,
            },
            state: words.next()?.into(),
            bound_ms: words.next()?.to_str()?.parse().ok()?,
            args: words.collect(),
        })
    }

    /// Runs the new program until it is clear what it is worth; it has ended when this returns.
    fn probation(&self, sender: Sender<News>, news: &Receiver<News>) -> Verdict {
        let mut command = Command::new(&self.successor.new);
        command
            .arg(PROBATION)
            .args(&self.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = match trial::spawn(&mut command) {
            Ok(child) => child,
            Err(error) => return Verdict::Failed(format!("cannot be started: {error}")),
        };
        let Some(output) = child.stdout.take() else {
            return Verdict::Failed("has no output".into());
        };
        let input = child.stdin.take();
        std::thread::spawn(move || {
            let mut lines = BufReader::new(output).split(b'\n');
            if matches!(lines.next(), Some(Ok(line)) if line == READY[..READY.len() - 1]) {
                let _ = sender.send(News::Ready);
            }
            lines.for_each(drop);
            let _ = sender.send(News::Ended);
        });
        let verdict = judge(news, self.bound_ms, STEADY_MS);
        let ended = leave(child, input, news);
        match verdict {
            Verdict::Failed(why) => Verdict::Failed(format!("{why} ({ended})")),
            other => other,
        }
    }

    /// Writes down why the old program goes on, for its next STATUS.
    fn note(&self, why: &str) {
        let text = format!("{} {why}", self.successor.version);
        log!("upgrade went back: {text}");
        let _ = std::fs::remove_file(&self.successor.new);
        if let Err(error) = std::fs::write(self.state.join(FAILURE_FILE), text) {
            log!("cannot write that down: {error}");
        }
    }
}

/// Waits until the new program was ready and stayed, or did not.
fn judge(news: &Receiver<News>, bound_ms: u64, steady_ms: u64) -> Verdict {
    let mut by = now_ms().saturating_add(bound_ms);
    let mut ready = false;
    loop {
        match news.recv_timeout(until(by)) {
            Ok(News::Ready) => {
                ready = true;
                by = now_ms().saturating_add(steady_ms);
            }
            Ok(News::Ended) if ready => {
                return Verdict::Failed("ended right after it had reached the master".into());
            }
            Ok(News::Ended) => {
                return Verdict::Failed("ended before it had reached the master".into());
            }
            Ok(News::Stop) => return Verdict::Stopped,
            Err(_) if ready => return Verdict::Passed,
            Err(_) => {
                return Verdict::Failed(format!("did not reach the master within {bound_ms} ms"));
            }
        }
    }
}

/// Has the new program say goodbye and end, in the end by killing it. Says how it ended.
fn leave(mut child: Child, input: Option<ChildStdin>, news: &Receiver<News>) -> String {
    drop(input);
    let by = now_ms().saturating_add(LEAVE_MS);
    while let Ok(None) = child.try_wait() {
        if now_ms() >= by {
            let _ = child.kill();
            break;
        }
        // Its output ends with it; a child of it that holds the pipe must not keep us.
        let _ = news.recv_timeout(until(by).min(Duration::from_millis(20)));
    }
    match child.wait() {
        Ok(status) => status.to_string(),
        Err(error) => format!("cannot be waited for: {error}"),
    }
}
