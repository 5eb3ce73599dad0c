//! Starting this program again as the supervisor of one command, the folder handed over to it,
//! and the pipe by which a later agent finds it. Not here: what is said over any of these.

mod pipe;

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::os::windows::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

use super::abi;
use super::check;
use super::folder::Folder;
use pipe::Pipe;

/// The two directions of a link between an agent and a shim.
pub(crate) type LinkReader = Box<dyn Read + Send>;
/// See `LinkReader`.
pub(crate) type LinkWriter = Box<dyn Write + Send>;

/// The number by which Windows knows UTF-8.
const UTF_8: u32 = 65_001;
/// `HANDLE_FLAG_INHERIT`.
const INHERIT: u32 = 1;
/// `ERROR_ACCESS_DENIED`.
const ACCESS_DENIED: i32 = 5;

/// One start at a time: a handle that may pass goes to whatever is started meanwhile.
static STARTING: Mutex<()> = Mutex::new(());

/// The program to start as a shim: the file may be renamed while it runs, but not removed.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// Starts `program` with `words` with a hidden console of its own, standing in `folder` (the
/// command's own in the agent's state), with pipes for its standard input and output and the
/// agent's standard error. `cwd` is handed over; the last word of the command line tells which
/// handle it is.
pub(crate) fn spawn_shim(
    program: &Path,
    words: &[OsString],
    folder: &Path,
    cwd: &Folder,
) -> io::Result<Child> {
    const NEW_PROCESS_GROUP: u32 = 0x200;
    const BREAKAWAY_FROM_JOB: u32 = 0x0100_0000;
    const NO_WINDOW: u32 = 0x0800_0000;
    let handed = cwd.duplicate()?;
    let handle = handed.as_file().as_raw_handle();
    let _one = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
    keep_standard_handles();
    // SAFETY: the handle is open.
    check(unsafe { abi::SetHandleInformation(handle, INHERIT, INHERIT) })?;
    let start = |flags| {
        Command::new(program)
            .args(words)
            .arg(handle.addr().to_string())
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .creation_flags(NEW_PROCESS_GROUP | NO_WINDOW | flags)
            .spawn()
    };
    match start(BREAKAWAY_FROM_JOB) {
        // Whoever started the agent holds it in a job that nothing may leave.
        Err(error) if error.raw_os_error() == Some(ACCESS_DENIED) => start(0),
        other => other,
    }
}

/// Our own standard handles do not pass to shims: whoever waits for their end would wait for
/// the last shim.
fn keep_standard_handles() {
    for which in [-10_i32, -11, -12] {
        // A handle that is not there is no handle that passes.
        // SAFETY: no memory is involved.
        unsafe { abi::SetHandleInformation(abi::GetStdHandle(which.cast_unsigned()), INHERIT, 0) };
    }
}

/// In the shim: takes the folder that was handed over by that word. Called once.
pub(crate) fn inherited_folder(word: &str) -> io::Result<Folder> {
    let number: usize = word.parse().map_err(io::Error::other)?;
    let handle = std::ptr::with_exposed_provenance_mut(number);
    // SAFETY: the agent opened this handle for us alone; nothing else in this process owns it.
    let file = unsafe { File::from(OwnedHandle::from_raw_handle(handle)) };
    if !file.metadata()?.is_dir() {
        return Err(io::Error::other("the folder handed over is no folder"));
    }
    // The duplicate does not pass to the command, as this one would.
    Folder::of(file).duplicate()
}

/// Where a shim waits for agents that come later.
#[derive(Debug)]
pub(crate) struct Control {
    name: Vec<u16>,
    /// The end that waits for the next agent.
    next: Mutex<Pipe>,
}

impl Control {
    /// Begins to listen for the command whose folder this is. Nobody else may listen there: an
    /// error if somebody does.
    pub(crate) fn listen(folder: &Path) -> io::Result<Control> {
        // A shim has a console of its own, which nobody sees: scripts and programs that ask it are
        // told that text is UTF-8. Without a console there is nobody to ask.
        // SAFETY: no memory is involved.
        unsafe {
            abi::SetConsoleCP(UTF_8);
            abi::SetConsoleOutputCP(UTF_8);
        }
        let name = pipe::name_for(folder)?;
        let next = Mutex::new(Pipe::listen(&name, true)?);
        Ok(Control { name, next })
    }

    /// Waits for the next agent.
    pub(crate) fn accept(&self) -> io::Result<(LinkReader, LinkWriter)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        next.wait_for_peer()?;
        let following = Pipe::listen(&self.name, false)?;
        split(std::mem::replace(&mut *next, following))
    }
}

/// In the agent: reaches the shim of the command whose folder this is; an error if none listens.
pub(crate) fn connect_control(folder: &Path) -> io::Result<(LinkReader, LinkWriter)> {
    split(Pipe::connect(&pipe::name_for(folder)?)?)
}

fn split(pipe: Pipe) -> io::Result<(LinkReader, LinkWriter)> {
    Ok((Box::new(pipe.try_clone()?), Box::new(pipe)))
}
