//! Waiting for one of two pipes. Not here: reading them.

use std::ffi::c_int;
use std::io::{self, PipeReader};
use std::os::fd::AsRawFd;

use super::check;

unsafe extern "C" {
    fn poll(fds: *mut PollFd, count: PollCount, timeout_ms: c_int) -> c_int;
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
