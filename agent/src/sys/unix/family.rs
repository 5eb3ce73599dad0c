//! All processes of one command, whatever they did to get away: found, counted, signalled. Not
//! here: when and why.

use std::collections::HashSet;
use std::ffi::c_int;
use std::io;

use super::process::{
    Process, Signal, Used, reap_adopted, signal_group, signal_one, used_by_children,
};

/// Makes this process the one to which orphans among its descendants fall: whatever a command
/// does to leave its session, it stays ours. `false` where the system cannot do that.
#[cfg(target_os = "linux")]
pub(crate) fn adopt_orphans() -> bool {
    use std::ffi::c_ulong;
    unsafe extern "C" {
        fn prctl(option: c_int, ...) -> c_int;
    }
    const PR_SET_CHILD_SUBREAPER: c_int = 36;
    let (on, unused): (c_ulong, c_ulong) = (1, 0);
    // SAFETY: no memory is involved.
    unsafe { prctl(PR_SET_CHILD_SUBREAPER, on, unused, unused, unused) == 0 }
}

/// See above.
#[cfg(not(target_os = "linux"))]
pub(crate) fn adopt_orphans() -> bool {
    false
}

/// The processes of one command.
///
/// In a process that adopts orphans and runs nothing else, those are all its descendants.
/// Elsewhere they are those in the group or session of the command's process, and those that
/// left both but still carry the command's mark in the environment they were started with; where
/// the system has no `/proc`, only the group.
#[derive(Debug)]
pub(crate) struct Family {
    /// The process that was started, if its number is surely still its own.
    leader: Option<u32>,
    /// `NAME=value`, unique to the command.
    mark: String,
    /// Whether this process adopts orphans.
    adopts: bool,
}

/// One line of `/proc`.
struct Found {
    pid: u32,
    parent: u32,
    group: u32,
    session: u32,
    is_dead: bool,
}

impl Family {
    /// The family of a process that was started here.
    pub(crate) fn of(process: Process, mark: String) -> Family {
        Family {
            leader: Some(process.id()),
            mark,
            adopts: process.adopts(),
        }
    }

    /// What an earlier run left of a command: by its mark, and by the group of `leader` if a
    /// process of it still carries the mark, because the number may be a stranger's by now.
    pub(crate) fn left_behind(leader: Option<u32>, mark: String) -> Family {
        let group = |leader| Family {
            leader: Some(leader),
            mark: String::new(),
            adopts: false,
        };
        let is_ours = |leader: &u32| {
            let members = group(*leader).members();
            members.into_iter().any(|pid| has_mark(pid, &mark))
        };
        Family {
            leader: leader.filter(is_ours),
            mark,
            adopts: false,
        }
    }

    /// The leader is reaped: its number may be a stranger's from now on.
    pub(crate) fn forget_leader(&mut self) {
        self.leader = None;
    }

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
            if !in_group {
                signal_one(pid, signal);
            }
        }
        found.into_iter().map(|(pid, _)| pid).collect()
    }

    /// Lets what is left outlive this process; here it does anyway.
    #[expect(
        clippy::unused_self,
        clippy::unnecessary_wraps,
        reason = "other systems hold a family together"
    )]
    pub(crate) fn let_go(&self) -> io::Result<()> {
        Ok(())
    }

    /// What all of it used, once it is gone; `None` where only its leader can tell.
    pub(crate) fn used(&self) -> Option<io::Result<Used>> {
        self.adopts.then(used_by_children)
    }

    /// Number of each member, and whether it is in the leader's group.
    fn found(&self) -> Vec<(u32, bool)> {
        // Mostly nothing is left, and the system says so at once.
        if self.adopts && self.leader.is_none() && reap_adopted() {
            return Vec::new();
        }
        let all = look_at_all();
        let descendants = self.adopts.then(|| descendants(&all));
        all.iter()
            .filter(|one| !one.is_dead)
            .filter(|one| match &descendants {
                Some(ours) => ours.contains(&one.pid),
                None => self.is_member(one),
            })
            .map(|one| (one.pid, self.leader == Some(one.group)))
            .collect()
    }

    fn is_member(&self, one: &Found) -> bool {
        let of_leader = [Some(one.group), Some(one.session)].contains(&self.leader);
        (self.leader.is_some() && of_leader) || has_mark(one.pid, &self.mark)
    }
}

fn look_at_all() -> Vec<Found> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid| *pid > 1 && *pid != std::process::id())
        .filter_map(look_at)
        .collect()
}

/// Reads the line `pid (name) state ppid pgrp session …`, where the name may hold anything, even
/// brackets.
fn look_at(pid: u32) -> Option<Found> {
    let line = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = line.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let is_dead = matches!(fields.next()?, "Z" | "X");
    let mut number = || fields.next()?.parse().ok();
    Some(Found {
        pid,
        parent: number()?,
        group: number()?,
        session: number()?,
        is_dead,
    })
}

/// Everything below this process.
fn descendants(all: &[Found]) -> HashSet<u32> {
    let mut ours = HashSet::from([std::process::id()]);
    loop {
        let before = ours.len();
        for one in all {
            if ours.contains(&one.parent) {
                ours.insert(one.pid);
            }
        }
        if ours.len() == before {
            return ours;
        }
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
