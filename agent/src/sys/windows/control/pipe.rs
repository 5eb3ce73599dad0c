//! A named pipe that is read and written at the same time, which takes operations with events of
//! their own. Not here: what goes through it.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::path::Path;

use crate::sys::windows::abi::{self, Bool, Handle, Overlapped};
use crate::sys::windows::names::wide_text;
use crate::sys::windows::security::Private;
use crate::sys::windows::{check, own};

/// What either side may have on the way; a news is smaller.
const BUFFER_BYTES: u32 = 65_536;
/// An end that is being replaced is free again within microseconds.
const BUSY_WAIT_MS: u32 = 2_000;

const BROKEN_PIPE: i32 = 109;
const NOT_CONNECTED: i32 = 233;
const PIPE_BUSY: i32 = 231;
const PIPE_CONNECTED: i32 = 535;
const IO_PENDING: i32 = 997;
const OVERLAPPED_FLAG: u32 = 0x4000_0000;

/// The pipe's name for the command whose folder this is: the folder's own name, which is drawn.
pub(super) fn name_for(folder: &Path) -> io::Result<Vec<u16>> {
    let folder = std::path::absolute(folder)?;
    let last = folder.file_name().unwrap_or(OsStr::new(""));
    let mut name = OsStr::new(r"\\.\pipe\windlass-").to_owned();
    name.push(last);
    wide_text(&name)
}

/// One end of a pipe.
#[derive(Debug)]
pub(super) struct Pipe {
    handle: OwnedHandle,
    /// For the operation under way, of which this end has one at a time.
    event: OwnedHandle,
}

fn event() -> io::Result<OwnedHandle> {
    // SAFETY: neither security nor a name are given.
    own(unsafe { abi::CreateEventW(std::ptr::null(), 1, 0, std::ptr::null()) })
}

impl Pipe {
    /// An end that waits for a peer: of this user, on this machine. The first of its name fails
    /// if there is one already.
    pub(super) fn listen(name: &[u16], first: bool) -> io::Result<Pipe> {
        const DUPLEX: u32 = 3;
        const FIRST_INSTANCE: u32 = 0x8_0000;
        const REJECT_REMOTE: u32 = 8;
        const UNLIMITED: u32 = 255;
        let private = Private::new()?;
        let attributes = private.attributes();
        let first = if first { FIRST_INSTANCE } else { 0 };
        // SAFETY: the name ends with zero; it and the attributes live through the call.
        let handle = own(unsafe {
            abi::CreateNamedPipeW(
                name.as_ptr(),
                DUPLEX | OVERLAPPED_FLAG | first,
                REJECT_REMOTE,
                UNLIMITED,
                BUFFER_BYTES,
                BUFFER_BYTES,
                0,
                &raw const attributes,
            )
        })?;
        Ok(Pipe {
            handle,
            event: event()?,
        })
    }

    /// Waits until a peer has opened the other end.
    pub(super) fn wait_for_peer(&mut self) -> io::Result<()> {
        // SAFETY: `run` keeps the structure alive until the operation has ended.
        let connected = self.run(|handle, _, over| unsafe { abi::ConnectNamedPipe(handle, over) });
        match connected {
            // It came between the making and the waiting.
            Err(error) if error.raw_os_error() == Some(PIPE_CONNECTED) => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Opens the other end of a pipe that somebody listens on.
    pub(super) fn connect(name: &[u16]) -> io::Result<Pipe> {
        const READ_WRITE: u32 = 0xc000_0000;
        const OPEN_EXISTING: u32 = 3;
        // The listener may learn who we are, but not act as if it were us.
        const IDENTIFICATION: u32 = 0x11_0000;
        let open = || {
            // SAFETY: the name ends with zero and lives through the call.
            own(unsafe {
                abi::CreateFileW(
                    name.as_ptr(),
                    READ_WRITE,
                    0,
                    std::ptr::null(),
                    OPEN_EXISTING,
                    OVERLAPPED_FLAG | IDENTIFICATION,
                    std::ptr::null_mut(),
                )
            })
        };
        let handle = match open() {
            Err(error) if error.raw_os_error() == Some(PIPE_BUSY) => {
                // SAFETY: as above. If it stays busy, opening says so.
                unsafe { abi::WaitNamedPipeW(name.as_ptr(), BUSY_WAIT_MS) };
                open()
            }
            other => other,
        }?;
        Ok(Pipe {
            handle,
            event: event()?,
        })
    }

    /// A second handle of this end, for the other direction.
    pub(super) fn try_clone(&self) -> io::Result<Pipe> {
        Ok(Pipe {
            handle: self.handle.try_clone()?,
            event: event()?,
        })
    }

    /// Begins an operation and waits for its end. Gives the bytes that moved.
    fn run(
        &mut self,
        begin: impl FnOnce(Handle, *mut u32, *mut Overlapped) -> Bool,
    ) -> io::Result<usize> {
        let mut over = Overlapped {
            status: 0,
            information: 0,
            offset: 0,
            event: self.event.as_raw_handle(),
        };
        let mut count = 0;
        let handle = self.handle.as_raw_handle();
        match check(begin(handle, std::ptr::null_mut(), &raw mut over)) {
            Err(error) if error.raw_os_error() != Some(IO_PENDING) => return Err(error),
            _ => {}
        }
        // SAFETY: the operation was begun with this structure, which lives until it has ended.
        check(unsafe { abi::GetOverlappedResult(handle, &raw mut over, &raw mut count, 1) })?;
        Ok(count as usize)
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = u32::try_from(buffer.len()).unwrap_or(u32::MAX);
        let start = buffer.as_mut_ptr();
        // SAFETY: pointer and length describe `buffer`; `run` waits for the end of the operation.
        let read = self.run(|handle, count, over| unsafe {
            abi::ReadFile(handle, start, length, count, over)
        });
        match read {
            Err(error) if matches!(error.raw_os_error(), Some(BROKEN_PIPE | NOT_CONNECTED)) => {
                Ok(0)
            }
            other => other,
        }
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        let start = bytes.as_ptr();
        // SAFETY: pointer and length describe `bytes`; `run` waits for the end of the operation.
        self.run(|handle, count, over| unsafe {
            abi::WriteFile(handle, start, length, count, over)
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
