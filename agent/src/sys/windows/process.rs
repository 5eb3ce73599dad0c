//! Starting the process of a command in a job of its own, waiting for it, and what it used. Not
//! here: pipes and consoles (`pipes`), jobs (`job`), and what the agent decides to do about any
//! of these.

mod family;
mod job;
mod pipes;
mod script;

use std::io::{self, PipeReader, PipeWriter};
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use windlass_protocol::ops::SignalName;

use super::abi::{self, ThreadEntry};
use super::{check, own};
use crate::sys::Launch;
use crate::sys::pipes::connect;
pub(crate) use family::{Family, adopt_orphans};
use job::Job;
pub(crate) use pipes::{is_terminal_end, wait_readable};
pub(crate) use script::shell_words;

/// Exit status of processes that the agent kills; no program ends with it by itself.
const KILLED: u32 = 0xe057_4c4b;

/// The signals that the agent sends. Windows has two ways: asking by Ctrl-Break, and killing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal(pub(crate) i32);

impl Signal {
    pub(crate) const KILL: Signal = Signal(9);

    /// The signal that the master means.
    pub(crate) fn of(name: SignalName) -> Signal {
        Signal(match name {
            SignalName::Term => 15,
            SignalName::Int => 2,
            SignalName::Hup => 1,
            SignalName::Quit => 3,
            SignalName::Kill => 9,
            SignalName::Usr1 => 10,
            SignalName::Usr2 => 12,
        })
    }
}

/// How a process ended and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Exit status, if it exited.
    pub(crate) code: Option<u32>,
    /// 9 if we killed it.
    pub(crate) signal: Option<i32>,
    /// What the system ended it with: such a status is not one that a program gives by itself.
    pub(crate) ntstatus: Option<u32>,
    pub(crate) used: Used,
}

/// What processes used of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) user_ms: u64,
    pub(crate) system_ms: u64,
    /// Most memory of all of them at one time, bytes.
    pub(crate) max_rss: u64,
}

/// The process of a command, with the job that holds it and all its children. Kept until this
/// program ends, which runs few commands: with the last handle of a job its processes end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(&'static Held);

#[derive(Debug)]
struct Held {
    pid: u32,
    process: OwnedHandle,
    job: Job,
    killed: AtomicBool,
}

/// A process that was just started, and our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: Process,
    /// Where its output comes out.
    pub(crate) output: PipeReader,
    /// Where its errors come out, if that is another place.
    pub(crate) errors: Option<PipeReader>,
    /// Where its input goes in, if it has any.
    pub(crate) input: Option<PipeWriter>,
}

/// Starts a process in a job that it cannot leave and that ends with this program: it is in it
/// before its first instruction. The text of an error names the program.
pub(crate) fn start(launch: Launch) -> io::Result<Started> {
    const SUSPENDED: u32 = 0x4;
    const NEW_PROCESS_GROUP: u32 = 0x200;
    refuse_what_is_not_there(&launch)?;
    let empty = || io::Error::new(io::ErrorKind::InvalidInput, "no program is named");
    let (program, arguments) = launch.argv.split_first().ok_or_else(empty)?;
    let mut command = Command::new(program);
    script::give_arguments(&mut command, program, arguments);
    command
        .env_clear()
        .envs(launch.env.iter().cloned())
        .current_dir(launch.cwd.path()?)
        .creation_flags(SUSPENDED | NEW_PROCESS_GROUP | priority(launch.nice));
    let (output, errors, input) = connect(&mut command, launch.split, launch.input)?;
    let job = Job::new()?;
    let mut child = command.spawn().map_err(|error| {
        let text = format!("cannot start `{}`: {error}", program.display());
        io::Error::new(error.kind(), text)
    })?;
    let pid = child.id();
    let let_go = job.take(child.as_raw_handle()).and_then(|()| resume(pid));
    if let Err(error) = let_go {
        child.kill()?;
        return Err(error);
    }
    let held = Held {
        pid,
        process: child.into(),
        job,
        killed: AtomicBool::new(false),
    };
    Ok(Started {
        process: Process(Box::leak(Box::new(held))),
        output,
        errors,
        input,
    })
}

fn refuse_what_is_not_there(launch: &Launch) -> io::Result<()> {
    let unsupported = |what| Err(io::Error::new(io::ErrorKind::Unsupported, what));
    if launch.pty.is_some() {
        return unsupported("this agent has no terminals on Windows");
    }
    if launch.adopts {
        return unsupported("nothing is adopted here: a job holds what a command starts");
    }
    if launch.account.is_some() {
        return unsupported("this agent runs commands as itself on Windows");
    }
    if launch.umask.is_some() {
        return unsupported("Windows has no mask for new files");
    }
    Ok(())
}

/// The class of priority that is nearest to so many steps.
fn priority(nice: u8) -> u32 {
    const BELOW_NORMAL: u32 = 0x4000;
    const IDLE: u32 = 0x40;
    match nice {
        0 => 0,
        1..=9 => BELOW_NORMAL,
        _ => IDLE,
    }
}

/// Lets the only thread of a new process run.
fn resume(pid: u32) -> io::Result<()> {
    const THREADS: u32 = 4;
    const SUSPEND_RESUME: u32 = 2;
    // SAFETY: no memory is involved.
    let snapshot = own(unsafe { abi::CreateToolhelp32Snapshot(THREADS, 0) })?;
    let mut entry = ThreadEntry {
        length: u32::try_from(size_of::<ThreadEntry>()).map_err(io::Error::other)?,
        ..ThreadEntry::default()
    };
    let handle = snapshot.as_raw_handle();
    // SAFETY: the entry carries its length and lives through the call.
    let mut found = unsafe { abi::Thread32First(handle, &raw mut entry) };
    while found != 0 {
        if entry.process == pid {
            // SAFETY: no memory is involved.
            let thread = own(unsafe { abi::OpenThread(SUSPEND_RESUME, 0, entry.thread) })?;
            // SAFETY: the handle is open.
            let before = unsafe { abi::ResumeThread(thread.as_raw_handle()) };
            return check(i32::from(before != u32::MAX));
        }
        // SAFETY: as above.
        found = unsafe { abi::Thread32Next(handle, &raw mut entry) };
    }
    Err(io::Error::other("the new process has no thread"))
}

impl Process {
    /// Its number.
    pub(crate) fn id(self) -> u32 {
        self.0.pid
    }

    /// Waits until it has ended. Its number stays taken.
    pub(crate) fn wait(self) -> io::Result<()> {
        const FOR_EVER: u32 = u32::MAX;
        const SIGNALLED: u32 = 0;
        // SAFETY: the handle is open.
        match unsafe { abi::WaitForSingleObject(self.0.process.as_raw_handle(), FOR_EVER) } {
            SIGNALLED => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    /// Says how the ended process ended, and what it used with everything it started.
    pub(crate) fn reap(self) -> io::Result<Exit> {
        /// Statuses from here on are the system's.
        const NTSTATUS: u32 = 0xc000_0000;
        self.wait()?;
        let process = self.0.process.as_raw_handle();
        let mut status = 0;
        // SAFETY: the handle is open, the result a local.
        check(unsafe { abi::GetExitCodeProcess(process, &raw mut status) })?;
        let killed = self.0.killed.load(Ordering::Relaxed) && status == KILLED;
        let times = self.0.job.times().or_else(|_| job::process_times(process));
        let (user_ms, system_ms) = times?;
        Ok(Exit {
            code: (!killed).then_some(status),
            signal: killed.then_some(Signal::KILL.0),
            ntstatus: (!killed && status >= NTSTATUS).then_some(status),
            used: Used {
                user_ms,
                system_ms,
                max_rss: self.0.job.peak_memory(process),
            },
        })
    }

    /// Asks by Ctrl-Break, or kills the whole job: also one that cannot be asked, because it has
    /// no console or the system does not deliver; to wait for it would be in vain.
    fn signal(self, signal: Signal) {
        const CTRL_BREAK: u32 = 1;
        // SAFETY: no memory is involved. The group has the number of its first process.
        let asked = signal != Signal::KILL
            && unsafe { abi::GenerateConsoleCtrlEvent(CTRL_BREAK, self.0.pid) } != 0;
        if !asked {
            self.0.killed.store(true, Ordering::Relaxed);
            // It fails only if there is nobody any more.
            let _ = self.0.job.end(KILLED);
        }
    }
}
