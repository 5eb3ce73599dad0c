//! All processes of one command: those in its job, which nothing leaves. Not here: when they are
//! signalled, and why.

use std::io;

use super::{Process, Signal, Used};

/// Jobs hold what elsewhere must be adopted.
pub(crate) fn adopt_orphans() -> bool {
    false
}

/// The processes of one command. What an earlier program left is not among them: it ended with
/// that program.
#[derive(Debug)]
pub(crate) struct Family {
    process: Option<Process>,
}

impl Family {
    /// The family of a process that was started here. The mark in its environment, by which other
    /// systems find it, is not needed.
    pub(crate) fn of(process: Process, _mark: String) -> Family {
        Family {
            process: Some(process),
        }
    }

    /// What an earlier run left of a command: nothing, because its job ended with it.
    pub(crate) fn left_behind(_leader: Option<u32>, _mark: String) -> Family {
        Family { process: None }
    }

    /// The job still tells, whatever became of its first process.
    #[expect(clippy::unused_self, reason = "other systems forget a number here")]
    pub(crate) fn forget_leader(&mut self) {}

    /// Numbers of those that live.
    pub(crate) fn members(&self) -> Vec<u32> {
        let job = self.process.map(|process| &process.0.job);
        job.map_or_else(Vec::new, super::Job::members)
    }

    /// Signals all of them. Gives those that were there.
    pub(crate) fn signal(&self, signal: Signal) -> Vec<u32> {
        let found = self.members();
        if let Some(process) = self.process.filter(|_| !found.is_empty()) {
            process.signal(signal);
        }
        found
    }

    /// Lets what is left outlive this program.
    pub(crate) fn let_go(&self) -> io::Result<()> {
        self.process
            .map_or(Ok(()), |process| process.0.job.let_go())
    }

    /// The first process tells what all of it used.
    #[expect(clippy::unused_self, reason = "other systems ask another way")]
    pub(crate) fn used(&self) -> Option<io::Result<Used>> {
        None
    }
}
