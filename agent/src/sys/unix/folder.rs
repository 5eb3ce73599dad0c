//! A folder held open, and what can be done with the names in it: every call takes one name (no
//! slash) and none follows a symbolic link. Not here: paths of several names; see `root`.

use std::ffi::{CStr, CString, OsStr, OsString, c_char, c_int, c_uint, c_void};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, IntoRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use windlass_protocol::{Failure, RelPath};

use super::check;
use crate::sys::{Kind, Stat};

unsafe extern "C" {
    fn closedir(stream: *mut c_void) -> c_int;
    fn fchmodat(fd: c_int, name: *const c_char, mode: c_uint, flags: c_int) -> c_int;
    fn fdopendir(fd: c_int) -> *mut c_void;
    fn mkdirat(fd: c_int, name: *const c_char, mode: c_uint) -> c_int;
    fn openat(fd: c_int, name: *const c_char, flags: c_int, ...) -> c_int;
    #[cfg_attr(
        all(target_os = "macos", target_arch = "x86_64"),
        link_name = "readdir$INODE64"
    )]
    fn readdir(stream: *mut c_void) -> *const u8;
    fn readlinkat(fd: c_int, name: *const c_char, buffer: *mut u8, len: usize) -> isize;
    fn renameat(from_fd: c_int, from: *const c_char, to_fd: c_int, to: *const c_char) -> c_int;
    fn symlinkat(target: *const c_char, fd: c_int, name: *const c_char) -> c_int;
    fn unlinkat(fd: c_int, name: *const c_char, flags: c_int) -> c_int;
    #[cfg_attr(target_os = "linux", link_name = "__errno_location")]
    #[cfg_attr(not(target_os = "linux"), link_name = "__error")]
    fn errno() -> *mut c_int;
}

/// Numbers of the flags of `open`, which differ by system and processor.
mod flag {
    use std::ffi::c_int;

    pub(super) const WRITE: c_int = 1;
    #[cfg(target_os = "linux")]
    mod by_system {
        use std::ffi::c_int;
        const ARM: bool = cfg!(any(target_arch = "aarch64", target_arch = "arm"));
        pub(in super::super) const CREATE: c_int = 0o100;
        pub(in super::super) const EXCLUSIVE: c_int = 0o200;
        pub(in super::super) const NONBLOCK: c_int = 0o4000;
        pub(in super::super) const CLOEXEC: c_int = 0o200_0000;
        pub(in super::super) const DIRECTORY: c_int = if ARM { 0o4_0000 } else { 0o20_0000 };
        pub(in super::super) const NOFOLLOW: c_int = if ARM { 0o10_0000 } else { 0o40_0000 };
        /// Opens the name itself for a look, even a link, without rights on its content.
        pub(in super::super) const LOOK: c_int = 0o1000_0000 | NOFOLLOW;
        pub(in super::super) const REMOVE_FOLDER: c_int = 0x200;
        pub(in super::super) const CHMOD_NOFOLLOW: c_int = 0x100;
        /// Where the name begins in a `struct dirent`.
        pub(in super::super) const NAME_OFFSET: usize = 19;
    }
    #[cfg(not(target_os = "linux"))]
    mod by_system {
        use std::ffi::c_int;
        pub(in super::super) const CREATE: c_int = 0x200;
        pub(in super::super) const EXCLUSIVE: c_int = 0x800;
        pub(in super::super) const NONBLOCK: c_int = 0x4;
        pub(in super::super) const CLOEXEC: c_int = 0x100_0000;
        pub(in super::super) const DIRECTORY: c_int = 0x10_0000;
        pub(in super::super) const NOFOLLOW: c_int = 0x100;
        pub(in super::super) const LOOK: c_int = 0x20_0000 | NONBLOCK;
        pub(in super::super) const REMOVE_FOLDER: c_int = 0x80;
        pub(in super::super) const CHMOD_NOFOLLOW: c_int = 0x20;
        pub(in super::super) const NAME_OFFSET: usize = 21;
    }
    pub(super) use by_system::*;
}

/// How a file in a folder is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpenMode {
    /// For reading; must exist.
    Read,
    /// For writing; must not exist yet.
    CreateNew,
    /// For reading and writing, kept as it is; made if missing.
    Resume,
}

/// One name found in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: OsString,
}

/// An open folder. Renaming or replacing it elsewhere does not move this handle.
#[derive(Debug)]
pub(crate) struct Folder(OwnedFd);

impl AsRawFd for Folder {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}

fn c_name(name: &OsStr) -> io::Result<CString> {
    let bytes = name.as_bytes();
    if bytes.is_empty() || bytes.contains(&b'/') {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not one name"));
    }
    CString::new(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "NUL in a name"))
}

impl Folder {
    /// Opens a folder by a path of this machine, following links: for the agent's own root only.
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        let file = File::open(path)?;
        if !file.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Folder(file.into()))
    }

    /// The folder behind a handle that is known to be one.
    pub(super) fn of(file: File) -> Folder {
        Folder(file.into())
    }

    /// A second handle of the same folder.
    pub(crate) fn duplicate(&self) -> io::Result<Folder> {
        self.0.try_clone().map(Folder)
    }

    fn open_at(&self, name: &CStr, flags: c_int) -> io::Result<OwnedFd> {
        // What a new file may get before the umask; the executable bit is set afterwards.
        const NEW_FILE_MODE: c_uint = 0o666;
        let flags = flags | flag::CLOEXEC;
        // SAFETY: the name is a NUL-ended string that lives through the call.
        let fd = unsafe { openat(self.as_raw_fd(), name.as_ptr(), flags, NEW_FILE_MODE) };
        // SAFETY: the call has just made this descriptor, and nobody else knows it.
        check(fd).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
    }

    /// Opens a folder in this one.
    pub(crate) fn enter(&self, name: &OsStr) -> io::Result<Folder> {
        let flags = flag::DIRECTORY | flag::NOFOLLOW;
        self.open_at(&c_name(name)?, flags).map(Folder)
    }

    /// Opens a regular file in this folder.
    pub(crate) fn open_file(&self, name: &OsStr, mode: OpenMode) -> io::Result<File> {
        let flags = match mode {
            // Without it, opening a named pipe would wait for its other side.
            OpenMode::Read => flag::NONBLOCK,
            OpenMode::CreateNew => flag::WRITE | flag::CREATE | flag::EXCLUSIVE,
            OpenMode::Resume => 2 | flag::CREATE | flag::NONBLOCK,
        };
        let file = File::from(self.open_at(&c_name(name)?, flags | flag::NOFOLLOW)?);
        if mode == OpenMode::CreateNew {
            return Ok(file);
        }
        match file.metadata()?.file_type() {
            kind if kind.is_file() => Ok(file),
            kind if kind.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            )),
        }
    }

    /// Looks at a name itself.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        let file = File::from(self.open_at(&c_name(name)?, flag::LOOK)?);
        stat_of(&file)
    }

    /// Makes a folder; an error if the name is taken.
    pub(crate) fn make(&self, name: &OsStr) -> io::Result<()> {
        let name = c_name(name)?;
        // SAFETY: as in `open_at`.
        check(unsafe { mkdirat(self.as_raw_fd(), name.as_ptr(), 0o777) }).map(|_| ())
    }

    /// Removes a file or a link.
    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        self.unlink_at(name, 0)
    }

    /// Removes an empty folder.
    pub(crate) fn unlink_folder(&self, name: &OsStr) -> io::Result<()> {
        self.unlink_at(name, flag::REMOVE_FOLDER)
    }

    fn unlink_at(&self, name: &OsStr, flags: c_int) -> io::Result<()> {
        let name = c_name(name)?;
        // SAFETY: as in `open_at`.
        check(unsafe { unlinkat(self.as_raw_fd(), name.as_ptr(), flags) }).map(|_| ())
    }

    /// Renames into another (or the same) folder, replacing a file that is there.
    pub(crate) fn rename(&self, from: &OsStr, to_folder: &Folder, to: &OsStr) -> io::Result<()> {
        let (from, to) = (c_name(from)?, c_name(to)?);
        let to_fd = to_folder.as_raw_fd();
        // SAFETY: as in `open_at`, for both names.
        check(unsafe { renameat(self.as_raw_fd(), from.as_ptr(), to_fd, to.as_ptr()) }).map(|_| ())
    }

    /// Makes a symbolic link with that text.
    pub(crate) fn link(&self, target: &OsStr, name: &OsStr) -> io::Result<()> {
        let invalid = |_| io::Error::new(io::ErrorKind::InvalidInput, "NUL in a link");
        let target = CString::new(target.as_bytes()).map_err(invalid)?;
        let name = c_name(name)?;
        // SAFETY: as in `open_at`, for both strings.
        check(unsafe { symlinkat(target.as_ptr(), self.as_raw_fd(), name.as_ptr()) }).map(|_| ())
    }

    /// The text of a symbolic link.
    pub(crate) fn read_link(&self, name: &OsStr) -> io::Result<OsString> {
        // PATH_MAX: no system keeps a longer link.
        let mut text = vec![0_u8; 4096];
        let name = c_name(name)?;
        // SAFETY: pointer and length describe `text`; the name as in `open_at`.
        let len = unsafe {
            readlinkat(
                self.as_raw_fd(),
                name.as_ptr(),
                text.as_mut_ptr(),
                text.len(),
            )
        };
        let len = usize::try_from(len).map_err(|_| io::Error::last_os_error())?;
        text.truncate(len);
        Ok(OsString::from_vec(text))
    }

    /// Gives the owner full rights on a folder in this one, so that names in it can be removed.
    pub(crate) fn open_up(&self, name: &OsStr) -> io::Result<()> {
        if self.stat(name)?.kind != Kind::Folder {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let name = c_name(name)?;
        let fd = self.as_raw_fd();
        // The look above is not enough: a build may put a link there at any moment.
        // SAFETY: as in `open_at`.
        check(unsafe { fchmodat(fd, name.as_ptr(), 0o700, flag::CHMOD_NOFOLLOW) }).map(|_| ())
    }

    /// Every name in the folder, in no order, without `.` and `..`.
    pub(crate) fn list(&self) -> io::Result<Vec<Listed>> {
        // A descriptor of its own, because reading moves a position that handles share.
        let own = self.open_at(c".", flag::DIRECTORY)?;
        // SAFETY: the descriptor is open and handed over; the stream is closed below.
        let stream = unsafe { fdopendir(own.into_raw_fd()) };
        if stream.is_null() {
            return Err(io::Error::last_os_error());
        }
        let mut names = Vec::new();
        let result = loop {
            // SAFETY: the stream is open; errno belongs to this thread; the entry that is handed
            // out stays valid until the next call, and its name ends with NUL.
            let entry = unsafe {
                *errno() = 0;
                readdir(stream)
            };
            if entry.is_null() {
                let error = io::Error::last_os_error();
                break if error.raw_os_error() == Some(0) {
                    Ok(())
                } else {
                    Err(error)
                };
            }
            // SAFETY: see above.
            let name = unsafe { CStr::from_ptr(entry.add(flag::NAME_OFFSET).cast()) };
            let name = name.to_bytes();
            if name != b"." && name != b".." {
                names.push(Listed {
                    name: OsString::from_vec(name.to_vec()),
                });
            }
        };
        // SAFETY: opened above and used no more.
        unsafe { closedir(stream) };
        result.map(|()| names)
    }
}

/// Asks the system about an open file or folder.
pub(crate) fn stat_of(file: &File) -> io::Result<Stat> {
    file.metadata().map(|metadata| describe(&metadata))
}

/// Reads what the agent needs out of the system's description.
fn describe(metadata: &Metadata) -> Stat {
    let kind = match metadata.file_type() {
        kind if kind.is_file() => Kind::File,
        kind if kind.is_dir() => Kind::Folder,
        kind if kind.is_symlink() => Kind::Link,
        _ => Kind::Other,
    };
    let nanos = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Stat {
        kind,
        size: metadata.size(),
        mtime_ns: nanos(metadata.mtime(), metadata.mtime_nsec()),
        ctime_ns: nanos(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
        executable: metadata.mode() & 0o100 != 0,
        owner_full: metadata.mode() & 0o700 == 0o700,
    }
}

/// Gives or takes the right to execute, for everyone who may read; the rest of the mode stays.
pub(crate) fn set_executable(file: &File, executable: bool) -> io::Result<()> {
    let mode = file.metadata()?.mode() & 0o7777;
    let wanted = if executable {
        mode | ((mode & 0o444) >> 2)
    } else {
        mode & !0o111
    };
    if wanted == mode {
        return Ok(());
    }
    file.set_permissions(std::fs::Permissions::from_mode(wanted))
}

/// The bytes of a name as the protocol carries them.
pub(crate) fn os_bytes(text: &OsStr) -> &[u8] {
    text.as_bytes()
}

/// The name that the protocol's bytes mean on this machine.
pub(crate) fn os_text(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}

/// Refuses a path that this system has no name for; Unix takes every one.
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems refuse names that Unix takes"
)]
pub(crate) fn check_path(_path: &RelPath) -> Result<(), Failure> {
    Ok(())
}

/// The path with all links resolved.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// Whether the error says that a symbolic link stood where none may be.
pub(crate) fn is_link_error(error: &io::Error) -> bool {
    const ELOOP: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };
    error.raw_os_error() == Some(ELOOP)
}
