//! The pipes of a command's process. Not here: waiting for them, reading them.

use std::io::{self, PipeReader, PipeWriter};
use std::process::{Command, Stdio};

/// Our ends: output, errors if they are apart, input if there is any.
pub(super) type Pipes = (PipeReader, Option<PipeReader>, Option<PipeWriter>);

/// Gives the command pipes for its output, and for its input if it has any.
pub(super) fn connect(command: &mut Command, split: bool, input: bool) -> io::Result<Pipes> {
    let (output, out_writer) = io::pipe()?;
    let mut errors = None;
    if split {
        let (reader, err_writer) = io::pipe()?;
        command.stderr(err_writer);
        errors = Some(reader);
    } else {
        command.stderr(out_writer.try_clone()?);
    }
    command.stdout(out_writer);
    if !input {
        command.stdin(Stdio::null());
        return Ok((output, errors, None));
    }
    let (reader, writer) = io::pipe()?;
    command.stdin(reader);
    Ok((output, errors, Some(writer)))
}
