//! After the end of a command's process: the rest of its output, and the end of whatever it left.
//! Not here: ending the process itself.

use std::collections::HashSet;
use std::time::Duration;

use windlass_protocol::CancelMode;
use windlass_protocol::ops::Leftovers;

use super::{Left, Notice, Supervision};
use crate::clock::now_ms;
use crate::sys::Signal;

/// After the end of a process its output may still be in the pipe, or a child of it may hold the
/// pipe open: this long the agent waits for the end of the output before it clears away.
const DRAIN_MS: u64 = 1_000;
/// How often the group is looked at while it is given time to end; nothing tells of its end.
const LOOK_MS: u64 = 20;
/// How long killed leftovers may take to be gone; mostly a millisecond, longer
/// while the system takes down much memory.
const GONE_MS: u64 = 5_000;
/// How long the last output of an ended command may take to reach a disk that stalls.
const SETTLE_MS: u64 = 300_000;

impl Supervision {
    /// After the end of the process: takes the rest of the output, gives its family what remains
    /// of the grace, kills what is left of it unless it may stay. Says what that was.
    pub(super) fn clear_away(&mut self) -> Left {
        let drained_by = now_ms() + DRAIN_MS;
        let grace_until = self.kill_at_ms.map_or(drained_by, |at| at.max(drained_by));
        self.drain(grace_until);
        while self.kill_at_ms.is_some_and(|at| now_ms() < at) && !self.family.members().is_empty() {
            let notice = self.next_notice(Some(now_ms() + LOOK_MS));
            notice.into_iter().for_each(|notice| self.take(notice));
        }
        let left = if self.may_stay() {
            let alive = self.family.members().len() as u64;
            if let Err(error) = self.family.let_go() {
                self.note(&format!("what is left ends with the agent: {error}"));
            }
            Left { killed: 0, alive }
        } else {
            self.kill_leftovers()
        };
        self.tell(left);
        self.kill_at_ms = None;
        self.drain(now_ms() + DRAIN_MS);
        if !self.pumps.are_done() {
            self.note("something that outlives the command holds its output; let go");
            self.pumps.stop();
            self.settle();
        }
        if let Some(tails) = self.tails.take() {
            tails.finish(Duration::from_millis(SETTLE_MS));
        }
        left
    }

    /// Whether what is left lives on: asked for, and the command ended by itself.
    fn may_stay(&self) -> bool {
        self.task.exec.leftovers == Leftovers::Keep && self.ending.is_none()
    }

    fn tell(&self, left: Left) {
        if left.killed > 0 {
            let killed = left.killed;
            self.note(&format!(
                "killed {killed} process(es) that the command left"
            ));
        }
        if left.alive > 0 {
            let alive = left.alive;
            self.note(&format!("{alive} process(es) of the command live on"));
        }
    }

    /// Kills what is left of the command until nothing is, for a bounded time. The processes
    /// whose group is meant are still known for ours: either the first of them is not reaped yet,
    /// or they are our children and grandchildren.
    fn kill_leftovers(&self) -> Left {
        let by = now_ms() + GONE_MS;
        let mut seen = HashSet::new();
        let mut pause_ms = 1;
        loop {
            let members = self.family.signal(Signal::KILL);
            if members.is_empty() || now_ms() >= by {
                let alive = members.len() as u64;
                let killed = (seen.len() as u64).saturating_sub(alive);
                return Left { killed, alive };
            }
            seen.extend(members);
            // Nothing tells of the end of processes that are not our children.
            std::thread::sleep(Duration::from_millis(pause_ms));
            pause_ms = (pause_ms * 2).min(LOOK_MS);
        }
    }

    /// Waits for threads that were told to stop: they write what the pipes held, and the exit box
    /// must not come before that.
    fn settle(&mut self) {
        let by = now_ms() + SETTLE_MS;
        while !self.pumps.are_done() && now_ms() < by {
            if let Some(Notice::PipeEnded) = self.next_notice(Some(by)) {
                self.pumps.ended();
            }
        }
    }

    /// Waits for the ends of the pipes, at most until that time; an order to kill ends it too.
    fn drain(&mut self, until_ms: u64) {
        while !self.pumps.are_done() && now_ms() < until_ms {
            match self.next_notice(Some(until_ms)) {
                Some(Notice::End(_, CancelMode::Kill)) => {
                    self.kill_at_ms = Some(now_ms());
                    return;
                }
                Some(Notice::PipeEnded) => self.pumps.ended(),
                // Nothing else changes what happens to a process that has ended.
                Some(_) | None => {}
            }
        }
    }
}
