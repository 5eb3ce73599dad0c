//! Starting the process of a command in a session of its own, waiting for it, and what it
//! used. Not here: what it started in turn (`family`), terminals (`terminal`), and
//! what the agent decides to do about any of these.

use std::ffi::{OsString, c_int, c_void};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use windlass_protocol::ops::SignalName;

use super::account::become_user;
use super::check;
use super::terminal::{self, Terminal};
use crate::sys::{Launch, pipes};

unsafe extern "C" {
    fn fchdir(fd: c_int) -> c_int;
    fn getrusage(who: c_int, usage: *mut Usage) -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn nice(steps: c_int) -> c_int;
    fn setsid() -> c_int;
    fn signal(number: c_int, handler: usize) -> usize;
    fn umask(mask: ModeMask) -> ModeMask;
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut Usage) -> c_int;
    fn waitid(kind: c_int, id: u32, info: *mut c_void, options: c_int) -> c_int;
}

/// `mode_t`, as it is passed to a function.
#[cfg(target_os = "linux")]
type ModeMask = u32;
#[cfg(not(target_os = "linux"))]
type ModeMask = u16;

/// `struct timeval`; the microseconds are an `int` on macOS, padded to the same size.
#[repr(C)]
#[derive(Default, Clone, Copy)]
struct TimeVal {
    seconds: i64,
    micros: i32,
    #[cfg(target_os = "linux")]
    micros_high: i32,
    #[cfg(not(target_os = "linux"))]
    padding: i32,
}

/// `struct rusage` of the 64-bit Unixes.
#[repr(C)]
#[derive(Default)]
struct Usage {
    user: TimeVal,
    system: TimeVal,
    max_rss: i64,
    rest: [i64; 13],
}

/// The signals that the agent sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signal(pub(crate) i32);

impl Signal {
    pub(crate) const KILL: Signal = Signal(9);

    /// The signal that the master means.
    pub(crate) fn of(name: SignalName) -> Signal {
        let by_system = |linux, others| match cfg!(target_os = "linux") {
            true => linux,
            false => others,
        };
        Signal(match name {
            SignalName::Term => 15,
            SignalName::Int => 2,
            SignalName::Hup => 1,
            SignalName::Quit => 3,
            SignalName::Kill => 9,
            SignalName::Usr1 => by_system(10, 30),
            SignalName::Usr2 => by_system(12, 31),
        })
    }
}

/// How a process ended and what it used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Exit status, if it exited.
    pub(crate) code: Option<u32>,
    /// Signal number, if a signal ended it.
    pub(crate) signal: Option<i32>,
    /// What the system ended it with, where it tells that by a number of its own.
    pub(crate) ntstatus: Option<u32>,
    pub(crate) used: Used,
}

/// What processes used of the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    pub(crate) user_ms: u64,
    pub(crate) system_ms: u64,
    /// Largest resident set of one of them, bytes.
    pub(crate) max_rss: u64,
}

/// The process of a command, by its number: it is not reaped before `reap`, so the number stays
/// its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process {
    pid: u32,
    /// Whether this process of ours adopts what the command's processes leave behind.
    adopts: bool,
}

/// A process that was just started, and our ends of its pipes.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) process: Process,
    /// Where its output comes out.
    pub(crate) output: PipeReader,
    /// Where its errors come out, if that is another place.
    pub(crate) errors: Option<PipeReader>,
    /// Where its input goes in, if it has any. A terminal always takes some.
    pub(crate) input: Option<PipeWriter>,
}

/// HUP, INT, QUIT, TERM: whoever started the agent may have had them ignored, and a command that
/// inherits that cannot be asked to end.
const INHERITED: [c_int; 4] = [1, 2, 3, 15];
/// `SIG_DFL`.
const DEFAULT: usize = 0;

/// Starts a process as leader of its own session and process group. The text of an error names
/// the program.
pub(crate) fn start(launch: Launch) -> io::Result<Started> {
    let empty = || io::Error::new(io::ErrorKind::InvalidInput, "no program is named");
    let (program, arguments) = launch.argv.split_first().ok_or_else(empty)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(launch.env.iter().cloned());
    let (output, errors, input) = match launch.pty {
        Some(size) => {
            let Terminal { output, input } = terminal::attach(&mut command, size)?;
            (output, None, Some(input))
        }
        None => pipes::connect(&mut command, launch.split, launch.input)?,
    };
    isolate(&mut command, &launch, launch.pty.is_some())?;
    // Waiting is done by number, so the handle is not kept.
    let child = command.spawn().map_err(|error| {
        let text = format!("cannot start `{}`: {error}", program.display());
        io::Error::new(error.kind(), text)
    })?;
    let process = Process {
        pid: child.id(),
        adopts: launch.adopts,
    };
    Ok(Started {
        process,
        output,
        errors,
        input,
    })
}

/// What happens between fork and exec.
fn isolate(command: &mut Command, launch: &Launch, on_terminal: bool) -> io::Result<()> {
    let cwd = launch.cwd.duplicate()?;
    let mask = launch.umask.map(ModeMask::from);
    let steps = c_int::from(launch.nice);
    let account = launch.account.clone();
    let enter = move || {
        // SAFETY: all are plain system calls, allowed between fork and exec; `cwd` is owned by
        // this closure and therefore open.
        unsafe {
            for number in INHERITED {
                signal(number, DEFAULT);
            }
            check(setsid())?;
            check(fchdir(cwd.as_raw_fd()))?;
            if let Some(mask) = mask {
                umask(mask);
            }
            if steps > 0 {
                // It may give any number, and asking for less never fails.
                nice(steps);
            }
        }
        if on_terminal {
            terminal::control()?;
        }
        // Last, because all of the above may take more rights than this user has.
        match &account {
            Some(account) => become_user(account),
            None => Ok(()),
        }
    };
    // SAFETY: the closure calls only async-signal-safe functions and allocates nothing.
    unsafe { command.pre_exec(enter) };
    Ok(())
}

/// Sends a signal to every process of the group; `false` if there is none any more.
pub(super) fn signal_group(leader: u32, signal: Signal) -> bool {
    // SAFETY: no memory is involved.
    c_int::try_from(leader).is_ok_and(|pid| pid > 1 && unsafe { kill(-pid, signal.0) } == 0)
}

/// Sends a signal to one process.
pub(super) fn signal_one(pid: u32, signal: Signal) {
    if let Ok(pid) = c_int::try_from(pid) {
        // SAFETY: no memory is involved; the caller has just looked whose number it is.
        unsafe { kill(pid, signal.0) };
    }
}

/// Asks a process to end, as a person would.
pub(crate) fn ask_to_end(pid: u32) {
    const SIGTERM: c_int = 15;
    signal_one(pid, Signal(SIGTERM));
}

const WNOHANG: c_int = 1;
const WEXITED: c_int = 4;
const WNOWAIT: c_int = if cfg!(target_os = "linux") {
    0x0100_0000
} else {
    0x20
};

/// Looks for a child that has ended, without taking it away: its number, or `None` if the call
/// need not wait and there is none yet.
fn look_for_ended(kind: c_int, id: u32, options: c_int) -> io::Result<Option<u32>> {
    // siginfo_t is 128 bytes on Linux and 104 on macOS, aligned like a pointer. The number of the
    // child is the fourth (Linux, 64 bits: after padding, the fifth) `int`.
    const PID_AT: usize = if cfg!(target_os = "linux") { 4 } else { 3 };
    let mut info = [0_u32; 32];
    let options = options | WEXITED | WNOWAIT;
    loop {
        #[repr(align(8))]
        struct Aligned([u32; 32]);
        let mut aligned = Aligned(info);
        // SAFETY: the buffer is large enough for a siginfo_t and lives through the call.
        let result = unsafe { waitid(kind, id, aligned.0.as_mut_ptr().cast(), options) };
        match check(result) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => {
                info = aligned.0;
                return Ok((info[PID_AT] != 0).then_some(info[PID_AT]));
            }
        }
    }
}

impl Process {
    /// Its number.
    pub(crate) fn id(self) -> u32 {
        self.pid
    }

    /// Whether this process of ours adopts what the command's processes leave behind.
    pub(super) fn adopts(self) -> bool {
        self.adopts
    }

    /// Waits until it has ended, but leaves it there: its number stays taken, so that its group
    /// can still be signalled without hitting a stranger. Adopted processes that end meanwhile
    /// are taken away.
    pub(crate) fn wait(self) -> io::Result<()> {
        const P_ALL: c_int = 0;
        const P_PID: c_int = 1;
        if !self.adopts {
            return look_for_ended(P_PID, self.pid, 0).map(drop);
        }
        loop {
            match look_for_ended(P_ALL, 0, 0)? {
                Some(pid) if pid == self.pid => return Ok(()),
                Some(pid) => drop(wait_for(pid, 0)?),
                None => {}
            }
        }
    }

    /// Takes the ended process away and says how it ended.
    pub(crate) fn reap(self) -> io::Result<Exit> {
        wait_for(self.pid, 0)?.ok_or_else(|| io::ErrorKind::WouldBlock.into())
    }
}

/// Takes every adopted process away that has ended; `true` if no child is left.
pub(super) fn reap_adopted() -> bool {
    loop {
        // ECHILD is the only thing that this can say against us.
        match wait_for_any() {
            Ok(true) => {}
            Ok(false) => return false,
            Err(_) => return true,
        }
    }
}

/// Takes every child away that has ended and that this program image did not start: to be called
/// before it starts any. An image that took over a process has the children of the one before.
pub(crate) fn take_ended_children() {
    reap_adopted();
}

/// Whether that process is a child of ours that has not ended. One that has is taken away.
pub(crate) fn is_living_child(pid: u32) -> bool {
    matches!(wait_for(pid, WNOHANG), Ok(None))
}

/// Waits for the end of a child that was started by the image before, and takes it away.
pub(crate) fn wait_for_child(pid: u32) {
    // If it is no child there is nothing to take away.
    let _ = wait_for(pid, 0);
}

fn wait_for_any() -> io::Result<bool> {
    let (mut status, mut usage) = (0, Usage::default());
    // SAFETY: both pointers are to locals of the layout that the call expects.
    check(unsafe { wait4(-1, &raw mut status, WNOHANG, &raw mut usage) }).map(|pid| pid > 0)
}

fn wait_for(pid: u32, options: c_int) -> io::Result<Option<Exit>> {
    let mut status: c_int = 0;
    let mut usage = Usage::default();
    let pid = c_int::try_from(pid).map_err(io::Error::other)?;
    let found = loop {
        // SAFETY: both pointers are to locals of the layout that the call expects.
        match check(unsafe { wait4(pid, &raw mut status, options, &raw mut usage) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(found) => break found,
        }
    };
    let signal = status & 0x7f;
    let exit = Exit {
        code: (signal == 0).then_some((status >> 8).cast_unsigned() & 0xff),
        signal: (signal != 0).then_some(signal),
        ntstatus: None,
        used: used(&usage),
    };
    Ok((found > 0).then_some(exit))
}

/// What all children of this process used that ended and were taken away, and their children in
/// turn.
pub(super) fn used_by_children() -> io::Result<Used> {
    const RUSAGE_CHILDREN: c_int = -1;
    let mut usage = Usage::default();
    // SAFETY: the pointer is to a local of the layout that the call expects.
    check(unsafe { getrusage(RUSAGE_CHILDREN, &raw mut usage) })?;
    Ok(used(&usage))
}

fn used(usage: &Usage) -> Used {
    let milliseconds = |time: TimeVal| {
        time.seconds.unsigned_abs() * 1000 + u64::from(time.micros.unsigned_abs()) / 1000
    };
    let rss_unit = if cfg!(target_os = "linux") { 1024 } else { 1 };
    Used {
        user_ms: milliseconds(usage.user),
        system_ms: milliseconds(usage.system),
        max_rss: usage.max_rss.unsigned_abs() * rss_unit,
    }
}

/// The words that have a shell run a script: as an argument, or through a file in `folder` if it
/// is too long for one (Linux takes at most 128 KiB in one argument).
pub(crate) fn shell_words(
    shell: &str,
    text: &[u8],
    folder: &std::path::Path,
) -> io::Result<Vec<OsString>> {
    const ARGUMENT_MAX: usize = 100_000;
    let text_word = super::os_text(text).to_owned();
    if text.len() <= ARGUMENT_MAX {
        return Ok(vec![shell.into(), "-c".into(), text_word]);
    }
    let path = folder.join("script");
    std::fs::write(&path, text)?;
    Ok(vec![shell.into(), path.into()])
}
