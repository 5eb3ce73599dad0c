//! The threads beside the supervision of a process: its output, its input, its end. Not here: what
//! any of them leads to.

use std::io;
use std::sync::Arc;

use windlass_protocol::journal::RecordKind;
use windlass_protocol::ops::Stdin;

use super::{Notice, Task};
use crate::commands::output::{Meter, Pumps};
use crate::commands::stdin::StdinQueue;
use crate::log::log;
use crate::sys::{Family, Process, Signal, Started};

/// Starts the threads that serve a process: its output, its input, its end.
pub(super) fn watch(task: &Task, started: Started, meter: &Arc<Meter>) -> io::Result<Pumps> {
    let process = started.process;
    let errors = started.errors.map(|pipe| (pipe, RecordKind::Stderr));
    let pipes = std::iter::once((started.output, RecordKind::Stdout)).chain(errors);
    let pumps = Pumps::start(pipes.collect(), &task.journal, meter, &task.sender)?;
    let input = match &task.exec.stdin {
        Stdin::Null => Some(StdinQueue::holding(b"")),
        Stdin::Input(bytes) => Some(StdinQueue::holding(bytes)),
        Stdin::Stream => task.stdin.clone(),
    };
    match (input, started.input) {
        (Some(queue), Some(terminal)) if task.exec.pty.is_some() => queue.type_into(terminal)?,
        (Some(queue), Some(pipe)) => queue.feed(pipe)?,
        _ => {}
    }
    let sender = task.sender.clone();
    let wait = move || {
        if let Err(error) = process.wait() {
            log!("waiting for process {}: {error}", process.id());
        }
        let _ = sender.send(Notice::Exited);
    };
    std::thread::Builder::new()
        .name("wait".into())
        .spawn(wait)?;
    Ok(pumps)
}

/// Ends a process that could not be put under supervision.
pub(super) fn kill_unwatched(process: Process, family: &Family) {
    family.signal(Signal::KILL);
    if let Err(error) = process.reap() {
        log!("process {}: {error}", process.id());
    }
}
