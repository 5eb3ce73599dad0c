//! A terminal for a command instead of pipes. Not here: what is read from it or typed into it.

use std::ffi::{CStr, OsStr, c_char, c_int, c_ulong};
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Command;

use windlass_protocol::ops::Pty;

use super::check;

unsafe extern "C" {
    fn grantpt(fd: c_int) -> c_int;
    fn ioctl(fd: c_int, request: c_ulong, ...) -> c_int;
    fn posix_openpt(flags: c_int) -> c_int;
    fn unlockpt(fd: c_int) -> c_int;
    #[cfg(not(target_os = "linux"))]
    fn ptsname(fd: c_int) -> *const c_char;
    #[cfg(target_os = "linux")]
    fn ptsname_r(fd: c_int, buffer: *mut c_char, len: usize) -> c_int;
}

/// `O_RDWR`.
const READ_WRITE: c_int = 2;
#[cfg(target_os = "linux")]
mod number {
    use std::ffi::{c_int, c_ulong};
    pub(super) const NOCTTY: c_int = 0o400;
    pub(super) const CLOEXEC: c_int = 0o200_0000;
    pub(super) const SET_SIZE: c_ulong = 0x5414;
    pub(super) const SET_CONTROLLING: c_ulong = 0x540e;
}
#[cfg(not(target_os = "linux"))]
mod number {
    use std::ffi::{c_int, c_ulong};
    pub(super) const NOCTTY: c_int = 0x2_0000;
    pub(super) const CLOEXEC: c_int = 0x100_0000;
    pub(super) const SET_SIZE: c_ulong = 0x8008_7467;
    pub(super) const SET_CONTROLLING: c_ulong = 0x2000_7461;
}

/// Our side of a terminal.
pub(super) struct Terminal {
    pub(super) output: PipeReader,
    pub(super) input: PipeWriter,
}

/// `struct winsize`.
#[repr(C)]
struct Size {
    rows: u16,
    columns: u16,
    pixels: [u16; 2],
}

/// Makes a terminal and gives its other side to the command as input, output and errors.
pub(super) fn attach(command: &mut Command, pty: Pty) -> io::Result<Terminal> {
    // SAFETY: no memory is involved; the descriptor is new and nobody else knows it.
    let ours = unsafe {
        let fd = check(posix_openpt(READ_WRITE | number::NOCTTY | number::CLOEXEC))?;
        OwnedFd::from_raw_fd(fd)
    };
    let fd = ours.as_raw_fd();
    let size = Size {
        rows: pty.rows,
        columns: pty.columns,
        pixels: [0; 2],
    };
    // SAFETY: the descriptor is open; the pointer is to a local of the layout that is expected.
    unsafe {
        check(grantpt(fd))?;
        check(unlockpt(fd))?;
        check(ioctl(fd, number::SET_SIZE, &raw const size))?;
    }
    let theirs = File::options()
        .read(true)
        .write(true)
        .custom_flags(number::NOCTTY)
        .open(other_side(fd)?)?;
    command
        .stdin(theirs.try_clone()?)
        .stdout(theirs.try_clone()?)
        .stderr(theirs);
    let input = PipeWriter::from(ours.try_clone()?);
    let output = PipeReader::from(ours);
    Ok(Terminal { output, input })
}

/// Path of the command's side.
fn other_side(fd: c_int) -> io::Result<std::path::PathBuf> {
    // Longer than any `/dev/pts/` number.
    let mut name: [c_char; 128] = [0; 128];
    // SAFETY: pointer and length describe `name`. Elsewhere than on Linux the text is the
    // system's own, overwritten by the next call; it is copied at once, and a process starts one
    // terminal at a time.
    let text = unsafe {
        #[cfg(target_os = "linux")]
        {
            if ptsname_r(fd, name.as_mut_ptr(), name.len()) != 0 {
                return Err(io::Error::last_os_error());
            }
            CStr::from_ptr(name.as_ptr())
        }
        #[cfg(not(target_os = "linux"))]
        {
            let found = ptsname(fd);
            if found.is_null() {
                return Err(io::Error::last_os_error());
            }
            CStr::from_ptr(found)
        }
    };
    Ok(OsStr::from_bytes(text.to_bytes()).into())
}

/// In the new process, which leads its session: makes its standard input the terminal of the
/// session. Only a system call, allowed between fork and exec.
pub(super) fn control() -> io::Result<()> {
    // SAFETY: no memory is involved.
    check(unsafe { ioctl(0, number::SET_CONTROLLING, 0) }).map(|_| ())
}

/// Whether reading failed only because nobody has the terminal open any more: its end of file.
pub(crate) fn is_terminal_end(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    error.raw_os_error() == Some(EIO)
}
