//! Processes, signals, waiting, randomness and facts about the machine, on Unix. Folders are in
//! `folder`. This file and that one hold all the `unsafe` of the agent.

mod account;
mod control;
mod facts;
mod family;
mod folder;
mod poll;
mod process;
mod terminal;

pub(crate) use account::{act_as, find_account, give_folder};
pub(crate) use control::{
    Control, LinkReader, LinkWriter, connect_control, inherited_folder, own_program, spawn_shim,
};
pub(crate) use facts::{
    boot_id, close_folder, create_private, disk_space, is_superuser, kernel_release,
    load_hundredths, logical_cpus, memory_bytes, memory_space, open_lock, os_name, refuse_open_key,
    sync_folder, system_folders, user_number,
};
pub(crate) use family::{Family, adopt_orphans};
pub(crate) use folder::{
    Folder, OpenMode, canonical, check_path, is_link_error, os_bytes, os_text, set_executable,
    stat_of,
};
pub(crate) use poll::wait_readable;
pub(crate) use process::{
    Exit, Process, Signal, Started, ask_to_end, is_living_child, shell_words, start,
    take_ended_children, wait_for_child,
};
pub(crate) use terminal::is_terminal_end;

use std::ffi::{c_int, c_void};
use std::io::{self, PipeWriter, Read};
use std::os::fd::IntoRawFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicI32, Ordering};

unsafe extern "C" {
    fn getentropy(buffer: *mut c_void, len: usize) -> c_int;
    fn signal(number: c_int, handler: usize) -> usize;
    fn write(fd: c_int, buffer: *const c_void, len: usize) -> isize;
}

/// What stands between the elements of a list in an environment variable.
pub(crate) const LIST_SEPARATOR: &str = ":";

/// What tells variables of the environment apart: here the name itself.
pub(crate) fn variable_key(name: &std::ffi::OsStr) -> std::ffi::OsString {
    name.to_owned()
}

/// Turns a C return value into a result: negative means that `errno` says why.
fn check(value: c_int) -> io::Result<c_int> {
    if value < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(value)
    }
}

/// Becomes that program, in this process: only an error comes back.
pub(crate) fn become_program(command: &mut Command) -> io::Error {
    command.exec()
}

/// Puts a file in the place of a program that may run, at once; the old one stays beside it as
/// `.old` where links are possible.
pub(crate) fn replace_program(new: &Path, program: &Path) -> io::Result<()> {
    let old = program.with_added_extension("old");
    let _ = std::fs::remove_file(&old);
    let _ = std::fs::hard_link(program, &old);
    std::fs::rename(new, program)?;
    sync_folder(program.parent().unwrap_or(Path::new("")))
}

/// Refuses: only Windows starts services in a way of its own.
pub(crate) fn run_as_service(
    _log: &Path,
    _work: impl FnOnce() -> ExitCode + Send + 'static,
) -> io::Result<()> {
    Err(io::Error::new(
        io::ErrorKind::Unsupported,
        "services are started like this on Windows only",
    ))
}

/// Fills the buffer from the operating system's random source.
///
/// Not by `getrandom`: Rust's own library refers to that as something that may be missing, and
/// in a static program made as one piece it is missing then, without a word.
pub(crate) fn fill_random(buffer: &mut [u8]) -> io::Result<()> {
    /// The call gives no more at once.
    const MOST: usize = 256;
    for piece in buffer.chunks_mut(MOST) {
        // SAFETY: pointer and length describe `piece`, which lives through the call.
        check(unsafe { getentropy(piece.as_mut_ptr().cast(), piece.len()) })?;
    }
    Ok(())
}

/// Write end of the pipe that the signal handler writes to; -1 until it is made.
static TERMINATE_FD: AtomicI32 = AtomicI32::new(-1);

extern "C" fn on_terminate(_number: c_int) {
    let fd = TERMINATE_FD.load(Ordering::Relaxed);
    // SAFETY: write is async-signal-safe; the byte is a local; a failure has nobody to be told.
    unsafe { write(fd, [1_u8].as_ptr().cast(), 1) };
}

/// Calls `notify` once for every SIGTERM or SIGINT, on a thread of its own.
pub(crate) fn notify_on_terminate(mut notify: impl FnMut() + Send + 'static) -> io::Result<()> {
    const SIGINT: c_int = 2;
    const SIGTERM: c_int = 15;
    const SIGCHLD: c_int = if cfg!(target_os = "linux") { 17 } else { 20 };
    const DEFAULT: usize = 0;
    let (mut reader, writer): (_, PipeWriter) = io::pipe()?;
    TERMINATE_FD.store(writer.into_raw_fd(), Ordering::Relaxed);
    let handler = on_terminate as extern "C" fn(c_int) as usize;
    // SAFETY: the handler only loads an atomic and calls write; the default needs nothing.
    unsafe {
        signal(SIGTERM, handler);
        signal(SIGINT, handler);
        // Inherited as ignored, it would have the system take ended children away unseen.
        signal(SIGCHLD, DEFAULT);
    }
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut byte = [0];
            while reader.read_exact(&mut byte).is_ok() {
                notify();
            }
        })?;
    Ok(())
}
