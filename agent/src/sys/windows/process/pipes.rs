//! Waiting for the pipes of a command's process. Not here: making them, reading them.

use std::io::{self, PipeReader};
use std::os::windows::io::AsRawHandle;
use std::time::{Duration, Instant};

use crate::sys::windows::abi;
use crate::sys::windows::check;

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
