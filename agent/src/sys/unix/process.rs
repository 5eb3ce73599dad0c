//! Starting a process in a session of its own, signalling its group, waiting for it and for its
//! pipes. Not here: what the agent decides to do about any of these.

use std::ffi::{c_int, c_void};
use std::io::{self, PipeReader};
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

use windlass_protocol::ops::SignalName;

use super::{check, folder::Folder};

unsafe extern "C" {
    fn fchdir(fd: c_int) -> c_int;
    fn kill(pid: c_int, signal: c_int) -> c_int;
    fn poll(fds: *mut PollFd, count: PollCount, timeout_ms: c_int) -> c_int;
    fn setsid() -> c_int;
    fn signal(number: c_int, handler: usize) -> usize;
    fn wait4(pid: c_int, status: *mut c_int, options: c_int, usage: *mut Usage) -> c_int;
    fn waitid(kind: c_int, id: u32, info: *mut c_void, options: c_int) -> c_int;
}

#[cfg(target_os = "linux")]
type PollCount = std::ffi::c_ulong;
#[cfg(not(target_os = "linux"))]
type PollCount = std::ffi::c_uint;

#[repr(C)]
struct PollFd {
    fd: c_int,
    events: i16,
    revents: i16,
}

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
        let is_linux = cfg!(target_os = "linux");
        Signal(match name {
            SignalName::Term => 15,
            SignalName::Int => 2,
            SignalName::Hup => 1,
            SignalName::Quit => 3,
            SignalName::Kill => 9,
            SignalName::Usr1 => {
                if is_linux {
                    10
                } else {
                    30
                }
            }
            SignalName::Usr2 => {
                if is_linux {
                    12
                } else {
                    31
                }
            }
        })
    }
}

/// How a process ended and what it used, itself and the children it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exit {
    /// Exit status, if it exited.
    pub(crate) code: Option<i32>,
    /// Signal number, if a signal ended it.
    pub(crate) signal: Option<i32>,
    pub(crate) user_ms: u64,
    pub(crate) system_ms: u64,
    /// Largest resident set, bytes.
    pub(crate) max_rss: u64,
}

/// HUP, INT, QUIT, TERM: whoever started the agent may have had them ignored, and a command that
/// inherits that cannot be asked to end.
const INHERITED: [c_int; 4] = [1, 2, 3, 15];
/// `SIG_DFL`.
const DEFAULT: usize = 0;

/// Makes the command start as leader of its own session and process group, standing in `cwd`.
pub(crate) fn isolate(command: &mut Command, cwd: Folder) {
    let enter = move || {
        // SAFETY: all are plain system calls, allowed between fork and exec; `cwd` is owned by
        // this closure and therefore open.
        unsafe {
            for number in INHERITED {
                signal(number, DEFAULT);
            }
            check(setsid())?;
            check(fchdir(cwd.as_raw_fd()))?;
        }
        Ok(())
    };
    // SAFETY: the closure calls only async-signal-safe functions and allocates nothing.
    unsafe { command.pre_exec(enter) };
}

/// Sends a signal to every process of the group; `false` if there is none any more.
pub(crate) fn signal_group(leader: u32, signal: Signal) -> bool {
    // SAFETY: no memory is involved.
    c_int::try_from(leader).is_ok_and(|pid| pid > 1 && unsafe { kill(-pid, signal.0) } == 0)
}

/// Waits until the child has ended, but leaves it there: its number stays taken, so that its
/// group can still be signalled without hitting a stranger.
pub(crate) fn wait_exit(pid: u32) -> io::Result<()> {
    const P_PID: c_int = 1;
    const WEXITED: c_int = 4;
    const WNOWAIT: c_int = if cfg!(target_os = "linux") {
        0x0100_0000
    } else {
        0x20
    };
    // siginfo_t is 128 bytes on Linux and 104 on macOS, aligned like a pointer.
    let mut info = [0_u64; 16];
    loop {
        // SAFETY: the buffer is large enough for a siginfo_t and lives through the call.
        let result = unsafe { waitid(P_PID, pid, info.as_mut_ptr().cast(), WEXITED | WNOWAIT) };
        match check(result) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other.map(|_| ()),
        }
    }
}

/// Takes the ended child away and says how it ended.
pub(crate) fn reap(pid: u32) -> io::Result<Exit> {
    let mut status: c_int = 0;
    let mut usage = Usage::default();
    let pid = c_int::try_from(pid).map_err(io::Error::other)?;
    loop {
        // SAFETY: both pointers are to locals of the layout that the call expects.
        match check(unsafe { wait4(pid, &raw mut status, 0, &raw mut usage) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => break,
        }
    }
    let signal = status & 0x7f;
    let rss_unit = if cfg!(target_os = "linux") { 1024 } else { 1 };
    Ok(Exit {
        code: (signal == 0).then_some((status >> 8) & 0xff),
        signal: (signal != 0).then_some(signal),
        user_ms: milliseconds(usage.user),
        system_ms: milliseconds(usage.system),
        max_rss: usage.max_rss.unsigned_abs() * rss_unit,
    })
}

fn milliseconds(time: TimeVal) -> u64 {
    time.seconds.unsigned_abs() * 1000 + u64::from(time.micros.unsigned_abs()) / 1000
}

/// The processes of one command: those in the group or session of its leader, and those that
/// left both but still carry the command's mark in the environment they were started with.
/// Where the system has no `/proc`, only the group is known.
#[derive(Debug)]
pub(crate) struct Family {
    /// The process that was started, if its number is surely still its own.
    pub(crate) leader: Option<u32>,
    /// `NAME=value`, unique to the command.
    pub(crate) mark: String,
}

impl Family {
    /// Numbers of those that live; one that ended and is not reaped yet does not.
    pub(crate) fn members(&self) -> Vec<u32> {
        self.found().into_iter().map(|(pid, _)| pid).collect()
    }

    /// Sends a signal to the group and to each of the others. Gives those that were there.
    pub(crate) fn signal(&self, signal: Signal) -> Vec<u32> {
        let found = self.found();
        if let Some(leader) = self.leader {
            signal_group(leader, signal);
        }
        for &(pid, in_group) in &found {
            if let (false, Ok(pid)) = (in_group, c_int::try_from(pid)) {
                // SAFETY: no memory is involved; the number comes from a look just taken.
                unsafe { kill(pid, signal.0) };
            }
        }
        found.into_iter().map(|(pid, _)| pid).collect()
    }

    /// Number of each member, and whether it is in the leader's group.
    fn found(&self) -> Vec<(u32, bool)> {
        let Ok(entries) = std::fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter(|pid| *pid > 1 && *pid != std::process::id())
            .filter_map(|pid| Some((pid, self.place_of(pid)?)))
            .collect()
    }

    /// `None` for a stranger or a dead process, else whether it is in the group. Read from the
    /// `stat` line `pid (name) state ppid pgrp session …`, where the name may hold anything, even
    /// brackets.
    fn place_of(&self, pid: u32) -> Option<bool> {
        let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, fields) = line.rsplit_once(')')?;
        let mut fields = fields.split_ascii_whitespace();
        let state = fields.next()?;
        let group: u32 = fields.nth(1)?.parse().ok()?;
        let session: u32 = fields.next()?.parse().ok()?;
        let in_group = self.leader == Some(group);
        let is_ours = in_group || self.leader == Some(session) || has_mark(pid, &self.mark);
        (is_ours && !matches!(state, "Z" | "X")).then_some(in_group)
    }
}

/// Whether a process was started with that text in its environment.
fn has_mark(pid: u32, mark: &str) -> bool {
    !mark.is_empty()
        && std::fs::read(format!("/proc/{pid}/environ")).is_ok_and(|all| {
            all.split(|byte| *byte == 0)
                .any(|one| one == mark.as_bytes())
        })
}

/// Waits until one of the two can be read (or is closed), at most `timeout_ms` (`None`: for
/// ever). Says which of them are ready.
pub(crate) fn wait_readable(
    first: &PipeReader,
    second: &PipeReader,
    timeout_ms: Option<u32>,
) -> io::Result<(bool, bool)> {
    const POLLIN: i16 = 1;
    let ask = |fd: &PipeReader| PollFd {
        fd: fd.as_raw_fd(),
        events: POLLIN,
        revents: 0,
    };
    let mut fds = [ask(first), ask(second)];
    let timeout = timeout_ms.map_or(-1, |ms| c_int::try_from(ms).unwrap_or(c_int::MAX));
    loop {
        // SAFETY: the array has two entries and lives through the call.
        match check(unsafe { poll(fds.as_mut_ptr(), 2, timeout) }) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
            Ok(_) => return Ok((fds[0].revents != 0, fds[1].revents != 0)),
        }
    }
}

/// Whether a living process of the group was started with that text in its environment.
/// `false` where the system has no `/proc`.
pub(crate) fn group_has_mark(leader: u32, mark: &str) -> bool {
    let group = Family {
        leader: Some(leader),
        mark: String::new(),
    };
    group.members().into_iter().any(|pid| has_mark(pid, mark))
}
