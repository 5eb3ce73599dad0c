//! Starting the process of a command: program, environment, pipes, its own session. Not here:
//! anything that happens after it runs.

use std::ffi::OsString;
use std::io::{self, PipeReader, PipeWriter};
use std::process::{Command, Stdio};

use windlass_protocol::CommandId;
use windlass_protocol::journal::RecordKind;
use windlass_protocol::ops::{Output, Program, Stdin};

use super::Task;
use crate::sys;

/// Every process of a command inherits this variable with the command's id, by which the agent
/// recognises what left the command's session, or what an earlier run of the agent left. A
/// process that is to outlive its command is started without it.
const COMMAND_VARIABLE: &str = "WINDLASS_COMMAND";
/// A longer script goes through a file: Linux takes at most 128 KiB in one argument.
const SCRIPT_ARGUMENT_MAX: usize = 100_000;

/// A started process.
pub(super) struct Spawned {
    pub(super) pid: u32,
    /// Where its output comes out.
    pub(super) pipes: Vec<(PipeReader, RecordKind)>,
    /// Where its input goes in, if it has any.
    pub(super) stdin: Option<PipeWriter>,
}

/// The variable and its value as they stand in the environment of a command's processes.
pub(crate) fn mark(id: CommandId) -> String {
    format!("{COMMAND_VARIABLE}={id}")
}

/// Starts the process. The text of an error names the program.
pub(super) fn spawn(task: &Task) -> io::Result<Spawned> {
    let mut command = program(task)?;
    let exec = &task.exec;
    for name in &exec.env_unset {
        command.env_remove(sys::os_text(name));
    }
    for (name, value) in &exec.env_set {
        command.env(sys::os_text(name), sys::os_text(value));
    }
    command.env(COMMAND_VARIABLE, exec.id.to_string());
    let (out, out_writer) = io::pipe()?;
    let mut pipes = vec![(out, RecordKind::Stdout)];
    match exec.output {
        Output::Merge => {
            command.stderr(out_writer.try_clone()?);
        }
        Output::Split => {
            let (err, err_writer) = io::pipe()?;
            command.stderr(err_writer);
            pipes.push((err, RecordKind::Stderr));
        }
    }
    command.stdout(out_writer);
    let stdin = match exec.stdin {
        Stdin::Null => {
            command.stdin(Stdio::null());
            None
        }
        Stdin::Input(_) | Stdin::Stream => {
            let (reader, writer) = io::pipe()?;
            command.stdin(reader);
            Some(writer)
        }
    };
    sys::isolate(&mut command, task.cwd.duplicate()?);
    // Waiting is done by number (see `sys::wait_exit`), so the handle is not kept.
    let child = command.spawn().map_err(|error| {
        let program = command.get_program().display();
        io::Error::new(error.kind(), format!("cannot start `{program}`: {error}"))
    })?;
    Ok(Spawned {
        pid: child.id(),
        pipes,
        stdin,
    })
}

fn program(task: &Task) -> io::Result<Command> {
    match &task.exec.program {
        Program::Argv(argv) => {
            let mut words = argv.iter().map(|word| sys::os_text(word));
            let empty = || io::Error::new(io::ErrorKind::InvalidInput, "no program is named");
            let mut command = Command::new(words.next().ok_or_else(empty)?);
            command.args(words);
            Ok(command)
        }
        Program::Script { text, shell } => {
            let mut command = Command::new(shell);
            if text.len() <= SCRIPT_ARGUMENT_MAX {
                command.arg("-c").arg(sys::os_text(text));
            } else {
                let path = task.folder.join("script");
                std::fs::write(&path, text)?;
                command.arg(OsString::from(path));
            }
            Ok(command)
        }
    }
}
