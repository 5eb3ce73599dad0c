//! Randomness, orders to stop and text, on Windows. Folders, processes and facts are in the files
//! below; together with `unix` this holds all the `unsafe` of the agent.

mod abi;
mod account;
mod control;
mod facts;
mod folder;
mod names;
mod process;
mod program;
mod security;
mod service;

pub(crate) use account::{act_as, find_account, give_folder};
pub(crate) use control::{
    Control, LinkReader, LinkWriter, connect_control, inherited_folder, own_program, spawn_shim,
};
pub(crate) use facts::{
    boot_id, disk_space, kernel_release, load_hundredths, logical_cpus, memory_bytes, memory_space,
    os_name, system_folders, user_number,
};
pub(crate) use folder::{
    Folder, OpenMode, canonical, is_link_error, set_executable, stat_of, sync_folder,
};
pub(crate) use names::{check_path, os_bytes, os_text};
pub(crate) use process::{
    Exit, Family, Process, Signal, Started, adopt_orphans, is_terminal_end, shell_words, start,
    wait_readable,
};
pub(crate) use program::{become_program, replace_program};
pub(crate) use security::{create_private, is_superuser, refuse_open_key};
pub(crate) use service::run_as_service;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::os::windows::io::{FromRawHandle, OwnedHandle};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use abi::{Bool, Handle};

/// What stands between the elements of a list in an environment variable.
pub(crate) const LIST_SEPARATOR: &str = ";";

/// What tells variables of the environment apart: their names, however they are written.
pub(crate) fn variable_key(name: &OsStr) -> OsString {
    name.to_str().map_or_else(
        || name.to_ascii_uppercase(),
        |text| text.to_uppercase().into(),
    )
}

/// Opens a file that is there to be locked, making it if it is missing.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create(true).truncate(false).open(path)
}

/// Rights on a folder are those of the one above it here.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems have rights of their own"
)]
pub(crate) fn close_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// There is no such order here; what is to end is told by its control endpoint.
pub(crate) fn ask_to_end(_pid: u32) {}

/// Nothing is left of processes that have ended and have no handle.
pub(crate) fn take_ended_children() {}

/// A new program is a new process here: it inherits no children.
pub(crate) fn is_living_child(_pid: u32) -> bool {
    false
}

/// See above.
pub(crate) fn wait_for_child(_pid: u32) {}

/// Turns a result that is 0 on failure into one that says why.
fn check(value: Bool) -> io::Result<()> {
    if value == 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

/// Turns a status of the native calls into an error of the usual numbers.
fn check_status(status: i32) -> io::Result<()> {
    if status >= 0 {
        return Ok(());
    }
    // SAFETY: no memory is involved.
    let number = unsafe { abi::RtlNtStatusToDosError(status) };
    Err(io::Error::from_raw_os_error(number.cast_signed()))
}

/// Takes a handle that a call has just made; null and -1 mean that it failed.
fn own(handle: Handle) -> io::Result<OwnedHandle> {
    if handle.is_null() || handle.addr() == usize::MAX {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call has just made this handle, and nobody else knows it.
    Ok(unsafe { OwnedHandle::from_raw_handle(handle) })
}

/// Fills the buffer from the operating system's random source.
pub(crate) fn fill_random(buffer: &mut [u8]) -> io::Result<()> {
    // SAFETY: pointer and length describe the buffer, which lives through the call.
    check(unsafe { abi::ProcessPrng(buffer.as_mut_ptr(), buffer.len()) })
}

/// What is called when the agent is asked to stop.
static ON_TERMINATE: Mutex<Option<Box<dyn FnMut() + Send>>> = Mutex::new(None);

/// Whether somebody asked before there was anything to call.
static ASKED_EARLY: AtomicBool = AtomicBool::new(false);

/// Asks the agent to stop.
fn ask_to_stop() {
    let mut notify = ON_TERMINATE.lock().unwrap_or_else(PoisonError::into_inner);
    match notify.as_mut() {
        Some(notify) => notify(),
        None => ASKED_EARLY.store(true, Ordering::SeqCst),
    }
}

unsafe extern "system" fn on_control(_event: u32) -> Bool {
    ask_to_stop();
    // Handled: the system does not end the process by itself.
    1
}

/// Calls `notify` once for every Ctrl-C, Ctrl-Break, closed console, log-off or shutdown, on a
/// thread of the system's.
pub(crate) fn notify_on_terminate(notify: impl FnMut() + Send + 'static) -> io::Result<()> {
    *ON_TERMINATE.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(notify));
    if ASKED_EARLY.load(Ordering::SeqCst) {
        ask_to_stop();
    }
    // SAFETY: the handler is a function of this program and stays.
    check(unsafe { abi::SetConsoleCtrlHandler(Some(on_control), 1) })
}
