//! The pipes of a command's process, and waiting for them. Not here: reading them.

use std::io::{self, PipeReader, PipeWriter};
use std::os::windows::io::AsRawHandle;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::sys::windows::abi;
use crate::sys::windows::check;

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

/// Nothing: there are no terminals here.
pub(crate) fn is_terminal_end(_error: &io::Error) -> bool {
    false
}

/// Between two looks at pipes, which Windows cannot wait for; longer while nothing comes.
const LOOK_MIN: Duration = Duration::from_millis(1);
const LOOK_MAX: Duration = Duration::from_millis(16);

/// Waits until one of the two can be read (or is closed), at most `timeout_ms` (`None`: for
/// ever). Says which of them are ready.
pub(crate) fn wait_readable(
    first: &PipeReader,
    second: &PipeReader,
    timeout_ms: Option<u32>,
) -> io::Result<(bool, bool)> {
    let begun = Instant::now();
    let mut pause = LOOK_MIN;
    loop {
        let ready = (has_bytes(first)?, has_bytes(second)?);
        let waited = begun.elapsed();
        let over = timeout_ms.is_some_and(|ms| waited >= Duration::from_millis(ms.into()));
        if ready.0 || ready.1 || over {
            return Ok(ready);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LOOK_MAX);
    }
}

/// Whether a read would come back at once, with bytes or with the end.
fn has_bytes(pipe: &PipeReader) -> io::Result<bool> {
    const BROKEN_PIPE: i32 = 109;
    let mut available = 0;
    let nothing = std::ptr::null_mut();
    let handle = pipe.as_raw_handle();
    // SAFETY: the handle is open, the result a local, the rest is not asked for.
    let peeked = check(unsafe {
        abi::PeekNamedPipe(
            handle,
            nothing,
            0,
            nothing.cast(),
            &raw mut available,
            nothing.cast(),
        )
    });
    match peeked {
        Ok(()) => Ok(available > 0),
        Err(error) if error.raw_os_error() == Some(BROKEN_PIPE) => Ok(true),
        Err(error) => Err(error),
    }
}
