//! Starting this program again as the supervisor of one command, the folder handed over to it,
//! and the socket by which a later agent finds it. Not here: what is said over any of these.

use std::ffi::{OsString, c_int};
use std::fs::{File, Permissions};
use std::io::{self, Read, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::{check, folder::Folder};

unsafe extern "C" {
    fn fcntl(fd: c_int, command: c_int, argument: c_int) -> c_int;
    fn setsid() -> c_int;
}

/// Name of the socket in the command's folder.
const SOCKET: &str = "sock";
/// `F_SETFD`, whose argument 0 lets the descriptor pass through `exec`.
const SET_FLAGS: c_int = 2;

/// The two directions of a link between an agent and a shim.
pub(crate) type LinkReader = Box<dyn Read + Send>;
/// See `LinkReader`.
pub(crate) type LinkWriter = Box<dyn Write + Send>;

/// The program to start as a shim: this very file, even after it was replaced or removed.
pub(crate) fn own_program() -> io::Result<PathBuf> {
    let running = Path::new("/proc/self/exe");
    if running.exists() {
        return Ok(running.to_owned());
    }
    std::env::current_exe()
}

/// Starts `program` with `words` in a session of its own, standing in `folder` (the command's
/// own in the agent's state), with pipes for its standard input and output and the agent's
/// standard error. `cwd` is handed over; the last word of the command line tells which it is.
pub(crate) fn spawn_shim(
    program: &Path,
    words: &[OsString],
    folder: &Path,
    cwd: &Folder,
) -> io::Result<Child> {
    let fd = cwd.as_raw_fd();
    let mut command = Command::new(program);
    command
        .arg0("windlass-agent")
        .args(words)
        .arg(fd.to_string())
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let enter = move || {
        // SAFETY: plain system calls, allowed between fork and exec; the descriptor is open as
        // long as the caller's `cwd`.
        unsafe {
            check(setsid())?;
            check(fcntl(fd, SET_FLAGS, 0))?;
        }
        Ok(())
    };
    // SAFETY: the closure calls only async-signal-safe functions and allocates nothing.
    unsafe { command.pre_exec(enter) };
    command.spawn()
}

/// In the shim: takes the folder that was handed over by that word. Called once.
pub(crate) fn inherited_folder(word: &str) -> io::Result<Folder> {
    let fd: RawFd = word.parse().map_err(io::Error::other)?;
    // SAFETY: the agent opened this descriptor for us alone; nothing else in this process owns it.
    let file = unsafe { File::from(OwnedFd::from_raw_fd(fd)) };
    if !file.metadata()?.is_dir() {
        return Err(io::Error::other("the folder handed over is no folder"));
    }
    // The duplicate is closed when the command's program starts, as this one is not.
    Folder::of(file).duplicate()
}

/// Where a shim waits for agents that come later.
#[derive(Debug)]
pub(crate) struct Control(UnixListener);

impl Control {
    /// Begins to listen for the command whose folder this is. Nobody else may listen there: an
    /// error if somebody does.
    pub(crate) fn listen(folder: &Path) -> io::Result<Control> {
        let path = short(&folder.join(SOCKET));
        let listener = UnixListener::bind(&path)?;
        // Whatever the mask says: nobody else ends commands or types into them.
        std::fs::set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(Control(listener))
    }

    /// Waits for the next agent.
    pub(crate) fn accept(&self) -> io::Result<(LinkReader, LinkWriter)> {
        self.0.accept().and_then(|(stream, _)| split(stream))
    }
}

/// In the agent: reaches the shim of the command whose folder this is; an error if none listens.
pub(crate) fn connect_control(folder: &Path) -> io::Result<(LinkReader, LinkWriter)> {
    UnixStream::connect(short(&folder.join(SOCKET))).and_then(split)
}

fn split(stream: UnixStream) -> io::Result<(LinkReader, LinkWriter)> {
    Ok((Box::new(stream.try_clone()?), Box::new(stream)))
}

/// The path seen from where this process stands: a socket's path may have 100 bytes or so.
fn short(path: &Path) -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).to_owned()
}
