//! Facts about the machine and its files: name of the system, memory, disk space, whether a key
//! file is private. Not here: anything that changes something.

use std::ffi::c_int;
use std::fs::{File, Metadata, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::{check, folder::Folder};

unsafe extern "C" {
    fn geteuid() -> u32;
    fn getloadavg(averages: *mut f64, count: c_int) -> c_int;
    fn fstatvfs(fd: c_int, figures: *mut [u64; 32]) -> c_int;
}

/// Name of the operating system as the protocol writes it.
pub(crate) fn os_name() -> &'static str {
    std::env::consts::OS
}

/// Release of the kernel, where the system tells it in a file; else empty.
pub(crate) fn kernel_release() -> String {
    first_line("/proc/sys/kernel/osrelease")
}

/// A text that changes with every start of the machine, where the system tells it; else empty.
pub(crate) fn boot_id() -> String {
    first_line("/proc/sys/kernel/random/boot_id")
}

fn first_line(path: &str) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().next().unwrap_or_default().trim().to_owned()
}

/// Processors that this process may use.
pub(crate) fn logical_cpus() -> u64 {
    std::thread::available_parallelism().map_or(1, |count| count.get() as u64)
}

/// Memory of the machine in bytes, where the system tells it in a file; else 0.
pub(crate) fn memory_bytes() -> u64 {
    memory_space().map_or(0, |(_, total)| total)
}

/// Bytes of memory that can be had and all of them, where the system tells it in a file.
pub(crate) fn memory_space() -> Option<(u64, u64)> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let bytes = |name| {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.split_ascii_whitespace().next()?.parse().ok()?;
        Some(kib.saturating_mul(1024))
    };
    Some((bytes("MemAvailable:")?, bytes("MemTotal:")?))
}

/// Load average of one minute × 100, where the system tells it.
pub(crate) fn load_hundredths() -> Option<u64> {
    let mut average = 0.0;
    // SAFETY: there is room for the one figure that is asked for.
    let count = unsafe { getloadavg(&raw mut average, 1) };
    // A negative or absurd figure becomes 0 or the largest number.
    let hundredths = (average * 100.0) as u64;
    (count == 1).then_some(hundredths)
}

/// Whether we may do everything on this machine.
pub(crate) fn is_superuser() -> bool {
    user_number() == 0
}

/// The number of the user we run as.
pub(crate) fn user_number() -> u32 {
    // SAFETY: a system call without arguments that cannot fail.
    unsafe { geteuid() }
}

/// The folders of the whole machine for configurations and for data, if we may write there.
pub(crate) fn system_folders() -> Option<(PathBuf, PathBuf)> {
    let data = if cfg!(target_os = "linux") {
        "/var/lib"
    } else {
        "/var/db"
    };
    is_superuser().then(|| ("/etc".into(), data.into()))
}

/// Free (for this user) and total bytes of the file system that holds the folder.
pub(crate) fn disk_space(folder: &Folder) -> io::Result<(u64, u64)> {
    // struct statvfs is 112 bytes on 64-bit Linux, smaller on macOS; 256 leave room.
    let mut figures = [0_u64; 32];
    // SAFETY: the buffer is larger than the structure and lives through the call.
    check(unsafe { fstatvfs(folder.as_raw_fd(), &raw mut figures) })?;
    if cfg!(target_os = "linux") {
        // f_bsize, f_frsize, f_blocks, f_bfree, f_bavail: one 64-bit word each.
        let unit = figures[1];
        return Ok((
            figures[4].saturating_mul(unit),
            figures[2].saturating_mul(unit),
        ));
    }
    // macOS: two words, then 32-bit f_blocks, f_bfree, f_bavail.
    let unit = figures[1];
    let total = figures[2] & 0xffff_ffff;
    let free = figures[3] & 0xffff_ffff;
    Ok((free.saturating_mul(unit), total.saturating_mul(unit)))
}

/// Makes a file that nobody else can read; an error if there is one.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.write(true).create_new(true).mode(0o600).open(path)
}

/// Opens a file that is there to be locked, making it if it is missing. Nobody else may open it:
/// whoever can open a file can lock it too, and keep it locked.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    let options = options.write(true).create(true).truncate(false);
    let file = options.mode(0o600).open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(file)
}

/// Lets others pass through a folder, but not see what is in it.
pub(crate) fn close_folder(path: &Path) -> io::Result<()> {
    std::fs::set_permissions(path, Permissions::from_mode(0o711))
}

/// Has the names in a folder survive a power cut; the empty path is where we stand.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    let here = Path::new(".");
    let path = if path.as_os_str().is_empty() {
        here
    } else {
        path
    };
    File::open(path)?.sync_all()
}

/// Refuses a key file that the group or others may read. The text says what to do.
pub(crate) fn refuse_open_key(file: &File) -> io::Result<Result<(), String>> {
    let mode = Metadata::mode(&file.metadata()?) & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(Ok(()));
    }
    Ok(Err(format!("others can read it (mode {mode:03o})")))
}
