//! What differs between operating systems, behind one set of names. Not here: any decision about
//! commands, files or the connection; the rest of the agent has no `cfg` and no `unsafe`.

use std::ffi::OsString;

use windlass_protocol::ops::Pty;

#[expect(unsafe_code, reason = "an allocator of memory hands out addresses")]
mod memory;

mod pipes;

#[cfg(unix)]
#[expect(
    unsafe_code,
    reason = "the system calls that std does not offer are declared here"
)]
mod unix;

#[cfg(unix)]
use unix as system;

#[cfg(windows)]
#[expect(
    unsafe_code,
    reason = "the system calls that std does not offer are declared here"
)]
mod windows;

#[cfg(windows)]
use windows as system;

pub use memory::Memory;
pub(crate) use memory::give_back_memory;
pub(crate) use system::{
    Control, Exit, Family, Folder, LIST_SEPARATOR, LinkReader, LinkWriter, OpenMode, Process,
    Signal, Started, act_as, adopt_orphans, ask_to_end, become_program, boot_id, canonical,
    check_path, close_folder, connect_control, create_private, disk_space, fill_random,
    find_account, give_folder, inherited_folder, is_link_error, is_living_child, is_superuser,
    is_terminal_end, kernel_release, load_hundredths, logical_cpus, memory_bytes, memory_space,
    notify_on_terminate, open_lock, os_bytes, os_name, os_text, own_program, refuse_open_key,
    replace_program, run_as_service, set_executable, shell_words, spawn_shim, start, stat_of,
    sync_folder, system_folders, take_ended_children, user_number, variable_key, wait_for_child,
    wait_readable,
};

/// Whether `A` and `a` are one name on the file systems that this system makes by itself.
pub(crate) const IGNORES_CASE: bool = cfg!(any(target_os = "macos", windows));

/// What it takes to start the process of a command.
#[derive(Debug)]
pub(crate) struct Launch {
    /// The program and its arguments.
    pub(crate) argv: Vec<OsString>,
    /// The whole environment, each name once.
    pub(crate) env: Vec<(OsString, OsString)>,
    /// Where it stands at first.
    pub(crate) cwd: Folder,
    /// Whether errors have a pipe of their own.
    pub(crate) split: bool,
    /// Whether there is input.
    pub(crate) input: bool,
    /// A terminal instead of the pipes.
    pub(crate) pty: Option<Pty>,
    /// The mask for new files, unless it is the agent's.
    pub(crate) umask: Option<u16>,
    /// Steps of lower priority.
    pub(crate) nice: u8,
    /// Whether this process of ours adopts what the command's processes leave behind.
    pub(crate) adopts: bool,
    /// The user it runs as, unless that is ours.
    pub(crate) account: Option<Account>,
}

/// A user of this machine for whom commands run and files are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) name: String,
    /// Number of the user.
    pub(crate) user: u32,
    /// Number of the user's own group.
    pub(crate) group: u32,
    /// Every group, the own one first.
    pub(crate) groups: Vec<u32>,
    /// The user's home folder.
    pub(crate) home: String,
}

/// What kind of thing a name in a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, looked at itself and never through.
    Link,
    /// A socket, pipe or device; the agent neither reads nor writes these.
    Other,
}

/// What the system says about one name, without following a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: Kind,
    /// Bytes.
    pub(crate) size: u64,
    /// Nanoseconds since 1970; negative before.
    pub(crate) mtime_ns: i128,
    /// Time of the last change of content or attributes: a program cannot set it back.
    pub(crate) ctime_ns: i128,
    /// Number of the file on its file system.
    pub(crate) inode: u64,
    /// Whether the owner may execute it.
    pub(crate) executable: bool,
    /// Whether the owner has every right on it.
    pub(crate) owner_full: bool,
}
