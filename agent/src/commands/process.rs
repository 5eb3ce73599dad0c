//! One command from start to exit box: starts the process, watches its deadlines, ends it, and
//! clears away what it left. Its journal is its only output and notices are its only input, so
//! that all of this can live in another process. Not here: ids, digests, channels.

mod clearing;
mod spawn;
#[cfg(test)]
mod tests;
mod watching;

use std::io;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::Duration;

use windlass_protocol::CancelMode;
use windlass_protocol::journal::RecordKind;
use windlass_protocol::ops::{Exec, ExecResult, Reason, SignalName};

pub(crate) use spawn::mark;

use super::journal::Journal;
use super::output::{Meter, Pumps};
use super::stdin::StdinQueue;
use super::tails::Tails;
use crate::clock::{now_ms, until};
use crate::log::log;
use crate::root::Root;
use crate::sys::{Account, Exit, Family, Folder, Process, Signal};

/// A process that SIGKILL does not end within this hangs in the kernel: the agent gives up.
const KILL_MS: u64 = 30_000;
/// Output of one command when the master names no limit: a runaway loop must not fill the disk.
const OUTPUT_BYTES_MAX: u64 = 16 << 30;

/// How often the exit box is tried; together half an hour, after which nobody is clearing up.
const FINISH_TRIES: u32 = 360;
/// Between two tries to write the exit box.
const FINISH_PAUSE: Duration = Duration::from_secs(5);

/// What the supervision is told.
#[derive(Debug)]
pub(crate) enum Notice {
    /// The process ended (it is not reaped yet).
    Exited,
    /// One pipe is at its end, or was given up.
    PipeEnded,
    /// There was more output than allowed.
    TooMuchOutput,
    /// The journal cannot be written.
    JournalFailed(io::Error),
    /// The master, or the agent's own stop, ends the command.
    End(Reason, CancelMode),
    /// The master sends the command a signal.
    Deliver(SignalName),
    /// The master went away at that agent time, or is back.
    MasterGone(Option<u64>),
}

/// What it takes to run one command.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) exec: Exec,
    /// The working folder, opened without following links.
    pub(crate) cwd: Folder,
    /// The user it runs as, unless that is ours.
    pub(crate) account: Option<Account>,
    /// Where the files lie that are followed.
    pub(crate) root: Root,
    /// Whether this process adopts orphans (see `sys::adopt_orphans`) and runs nothing but this
    /// command: whatever descends from it belongs to the command then.
    pub(crate) adopts: bool,
    /// The command's own folder in the agent's state.
    pub(crate) folder: PathBuf,
    pub(crate) journal: Arc<Journal>,
    pub(crate) stdin: Option<Arc<StdinQueue>>,
    /// For the threads of this command to report to.
    pub(crate) sender: Sender<Notice>,
    pub(crate) notices: Receiver<Notice>,
}

/// Runs the command to its end. Whatever happens, the journal ends with an exit box.
pub(crate) fn supervise(task: Task) {
    let journal = Arc::clone(&task.journal);
    let id = task.exec.id;
    let stdin = task.stdin.clone();
    // A fault of ours must not leave a command without an end: its master waits for that.
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| match Supervision::start(task) {
        Ok(supervision) => supervision.run(),
        Err(error) => {
            let mut result = ExecResult::new(Reason::SpawnFailed);
            result.text = error.to_string();
            result
        }
    }));
    let mut result = ran.unwrap_or_else(|_| {
        let mut result = ExecResult::new(Reason::AgentLost);
        result.text = "the supervision of the command failed inside".into();
        result
    });
    if let Some(stdin) = stdin {
        stdin.close();
    }
    result.wall_ms = journal.elapsed_ms();
    log!("command {id}: {}", result.reason.as_str());
    finish(&journal, &result);
}

/// Writes the exit box. A full disk is waited for, because without this record nobody learns how
/// the command ended.
fn finish(journal: &Journal, result: &ExecResult) {
    for _ in 0..FINISH_TRIES {
        match journal.finish(result) {
            Ok(()) => return,
            Err(error) => log!("cannot write an exit box, trying again: {error}"),
        }
        std::thread::sleep(FINISH_PAUSE);
    }
    // The next start of the agent finds the journal without its end and says `agent-lost`.
    log!("gave up writing an exit box");
}

/// What outlived the process of a command.
#[derive(Debug, Clone, Copy, Default)]
struct Left {
    /// Processes that were killed.
    killed: u64,
    /// Processes that live on.
    alive: u64,
}

struct Supervision {
    task: Task,
    process: Process,
    /// The process and everything it started.
    family: Family,
    meter: Arc<Meter>,
    pumps: Pumps,
    tails: Option<Tails>,
    /// Agent time of the start.
    started_ms: u64,
    /// Why we are ending it, once we are.
    ending: Option<Reason>,
    /// What of ours made us end it; for the result.
    fault: String,
    /// Agent time at which SIGKILL follows.
    kill_at_ms: Option<u64>,
    /// Agent time at which we stop waiting for a killed process.
    give_up_at_ms: Option<u64>,
    /// Since when there is no master, if there is none.
    master_gone_ms: Option<u64>,
}

impl Supervision {
    fn start(task: Task) -> io::Result<Supervision> {
        let meter = Arc::new(meter_for(&task.exec));
        let tails = Tails::start(
            &task.exec.tails,
            (&task.root, task.account.as_ref()),
            &task.journal,
            &meter,
            &task.sender,
        )?;
        let started = spawn::spawn(&task)?;
        let process = started.process;
        let family = Family::of(process, mark(task.exec.id));
        if let Err(error) = task.journal.start(process.id()) {
            let _ = task.sender.send(Notice::JournalFailed(error));
        }
        let watched = watching::watch(&task, started, &meter);
        let pumps = watched.inspect_err(|_| watching::kill_unwatched(process, &family))?;
        Ok(Supervision {
            task,
            process,
            family,
            meter,
            pumps,
            tails,
            started_ms: now_ms(),
            ending: None,
            fault: String::new(),
            kill_at_ms: None,
            give_up_at_ms: None,
            master_gone_ms: None,
        })
    }

    fn run(mut self) -> ExecResult {
        let exited = self.wait_for_exit();
        if !exited {
            self.note("the process did not end after SIGKILL; the agent gave up waiting");
            self.pumps.stop();
            let mut result = ExecResult::new(self.ending.unwrap_or(Reason::AgentLost));
            result.text = format!("process {} did not end after SIGKILL", self.process.id());
            result.leftovers_left = 1;
            return result;
        }
        self.task.journal.lift_bounds();
        // What it leaves falls to us where we adopt, and has no need of its number then.
        let early = self.task.adopts.then(|| self.process.reap());
        if early.is_some() {
            self.family.forget_leader();
        }
        let left = self.clear_away();
        let exit = early.unwrap_or_else(|| self.process.reap());
        self.result(exit, left)
    }

    /// Serves notices and deadlines until the process ended; `false` if it never does.
    fn wait_for_exit(&mut self) -> bool {
        loop {
            match self.next_notice(self.next_deadline()) {
                Some(Notice::Exited) => return true,
                Some(notice) => self.take(notice),
                None => {}
            }
            if !self.check_deadlines() {
                return false;
            }
        }
    }

    /// Waits for a notice, at most until that time (`None`: as long as it takes; the process's
    /// end always comes as one).
    fn next_notice(&self, deadline_ms: Option<u64>) -> Option<Notice> {
        let wait = deadline_ms.map_or(Duration::MAX, until);
        // Only the time can run out: `self.task.sender` keeps the channel connected.
        self.task.notices.recv_timeout(wait).ok()
    }

    fn take(&mut self, notice: Notice) {
        match notice {
            Notice::Exited => {}
            Notice::PipeEnded => self.pumps.ended(),
            Notice::TooMuchOutput => self.end(Reason::MaxOutput, CancelMode::Term),
            Notice::JournalFailed(error) => {
                log!(
                    "command {}: cannot write its journal: {error}",
                    self.task.exec.id
                );
                self.fault = format!("the agent cannot keep the output: {error}");
                self.end(Reason::MaxOutput, CancelMode::Kill);
            }
            Notice::End(reason, mode) => self.end(reason, mode),
            Notice::Deliver(name) => {
                self.family.signal(Signal::of(name));
            }
            Notice::MasterGone(since) => self.master_gone_ms = since,
        }
    }

    fn next_deadline(&self) -> Option<u64> {
        let watched = [self.total(), self.idle(), self.lease()];
        let watched = watched
            .into_iter()
            .flatten()
            .filter(|_| self.ending.is_none());
        watched
            .chain(self.kill_at_ms)
            .chain(self.give_up_at_ms)
            .min()
    }

    fn total(&self) -> Option<u64> {
        after(self.started_ms, self.task.exec.timeout_ms)
    }

    fn idle(&self) -> Option<u64> {
        // A command that waits for room in the spool is silent against its will.
        let last = self.meter.last_output_ms();
        let since = last.max(self.task.journal.held_up_until_ms());
        after(since, self.task.exec.idle_ms)
    }

    fn lease(&self) -> Option<u64> {
        after(
            self.master_gone_ms?,
            self.task.exec.lease_s.saturating_mul(1000),
        )
    }

    /// Acts on the deadlines that are past; `false` if there is nothing left to try.
    fn check_deadlines(&mut self) -> bool {
        let now = now_ms();
        let past = |deadline: Option<u64>| deadline.is_some_and(|at| at <= now);
        if self.ending.is_none() {
            let reason = match () {
                () if past(self.total()) => Some(Reason::Timeout),
                () if past(self.idle()) => Some(Reason::Idle),
                () if past(self.lease()) => Some(Reason::LeaseExpired),
                () => None,
            };
            if let Some(reason) = reason {
                self.end(reason, CancelMode::Term);
            }
        }
        if past(self.kill_at_ms) {
            self.kill_at_ms = None;
            self.give_up_at_ms = Some(now.saturating_add(KILL_MS));
            self.family.signal(Signal::KILL);
        }
        !past(self.give_up_at_ms)
    }

    /// Begins to end the command; a second order can only make it quicker.
    fn end(&mut self, reason: Reason, mode: CancelMode) {
        let first = self.ending.is_none();
        self.ending.get_or_insert(reason);
        let now = now_ms();
        let ask = mode == CancelMode::Term && self.task.exec.grace_ms > 0;
        if ask && first {
            self.note(&format!("ending the command: {}", reason.as_str()));
            self.family.signal(Signal::of(self.task.exec.term_signal));
            self.kill_at_ms = Some(now.saturating_add(self.task.exec.grace_ms));
        } else if !ask {
            self.note(&format!("killing the command: {}", reason.as_str()));
            self.kill_at_ms = Some(now);
        }
    }

    fn result(&self, exit: io::Result<Exit>, left: Left) -> ExecResult {
        let mut result = ExecResult::new(Reason::AgentLost);
        result.text.clone_from(&self.fault);
        result.leftovers_killed = left.killed;
        result.leftovers_left = left.alive;
        match exit {
            Ok(exit) => {
                result.exit = exit.code;
                result.signal = exit.signal.and_then(|number| u32::try_from(number).ok());
                result.ntstatus = exit.ntstatus;
                let own = if exit.signal.is_some() || exit.ntstatus.is_some() {
                    Reason::Signalled
                } else {
                    Reason::Exited
                };
                result.reason = self.ending.unwrap_or(own);
                let used = self.family.used().and_then(Result::ok).unwrap_or(exit.used);
                result.user_ms = used.user_ms;
                result.sys_ms = used.system_ms;
                result.max_rss = used.max_rss;
            }
            Err(error) => result.text = format!("cannot learn how it ended: {error}"),
        }
        result
    }

    fn note(&self, text: &str) {
        if let Err(error) = self.task.journal.append(RecordKind::Note, text.as_bytes()) {
            log!(
                "command {}: cannot note `{text}`: {error}",
                self.task.exec.id
            );
        }
    }
}

/// That long after a time; `None` if the length is 0, which means no limit.
fn after(start_ms: u64, length_ms: u64) -> Option<u64> {
    (length_ms > 0).then(|| start_ms.saturating_add(length_ms))
}

/// What the limits of a command are.
fn meter_for(exec: &Exec) -> Meter {
    let unless_zero = |limit: u64, usual: u64| if limit == 0 { usual } else { limit };
    let bytes_max = unless_zero(exec.max_bytes, OUTPUT_BYTES_MAX).min(OUTPUT_BYTES_MAX);
    Meter::new(bytes_max, unless_zero(exec.max_lines, u64::MAX))
}
