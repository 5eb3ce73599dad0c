//! A folder held open, and what can be done with the names in it: every call takes one name,
//! relative to the handle, and none follows a link of any kind. Such names have no limit on the
//! length of the whole path, and devices have no names here. Not here: paths of several names;
//! see `root`.

mod entries;
mod flags;
mod links;

use std::ffi::{OsStr, OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::{Path, PathBuf};

use super::abi::{self, BasicInfo, FileInformation, IoStatus, ObjectAttributes, UnicodeString};
use super::names::wide_name;
use super::{check, check_status};
use crate::sys::{Kind, Stat};
use flags::{
    ATTRIBUTE_FOLDER, ATTRIBUTE_NORMAL, ATTRIBUTE_READ_ONLY, ATTRIBUTE_REPARSE, SHARE_ALL, access,
    disposition, option,
};
pub(crate) use links::is_link_error;

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
pub(crate) struct Folder(File);

/// How a name is opened.
struct Opening {
    access: u32,
    disposition: u32,
    options: u32,
}

impl Folder {
    /// Opens a folder by a path of this machine, following links: for the agent's own root only.
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        // FILE_FLAG_BACKUP_SEMANTICS: without it no folder is opened.
        const BACKUP_SEMANTICS: u32 = 0x0200_0000;
        let file = File::options()
            .access_mode(
                access::LIST | access::TRAVERSE | access::READ_ATTRIBUTES | access::SYNCHRONIZE,
            )
            .custom_flags(BACKUP_SEMANTICS)
            .open(path)?;
        if !file.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        Ok(Folder(file))
    }

    /// The folder behind a handle that is known to be one.
    pub(in crate::sys) fn of(file: File) -> Folder {
        Folder(file)
    }

    /// A second handle of the same folder.
    pub(crate) fn duplicate(&self) -> io::Result<Folder> {
        self.0.try_clone().map(Folder)
    }

    fn handle(&self) -> abi::Handle {
        self.0.as_raw_handle()
    }

    /// The file handle, for calls that take one.
    pub(in crate::sys) fn as_file(&self) -> &File {
        &self.0
    }

    /// Opens a name in this folder; an empty one is the folder itself.
    fn open_units(&self, units: &mut [u16], opening: &Opening) -> io::Result<File> {
        // OBJ_CASE_INSENSITIVE, as every program of Windows sees names.
        const CASE_INSENSITIVE: u32 = 0x40;
        let bytes = u16::try_from(units.len() * 2).map_err(io::Error::other)?;
        let name = UnicodeString {
            length: bytes,
            capacity: bytes,
            buffer: units.as_mut_ptr(),
        };
        let attributes = ObjectAttributes {
            length: u32::try_from(size_of::<ObjectAttributes>()).map_err(io::Error::other)?,
            root: self.handle(),
            name: &raw const name,
            attributes: CASE_INSENSITIVE,
            security: std::ptr::null_mut(),
            quality: std::ptr::null_mut(),
        };
        let mut status = IoStatus {
            status: 0,
            information: 0,
        };
        let mut handle = std::ptr::null_mut();
        // SAFETY: every pointer is to a local (or to `units`) that lives through the call.
        check_status(unsafe {
            abi::NtCreateFile(
                &raw mut handle,
                opening.access | access::SYNCHRONIZE,
                &raw const attributes,
                &raw mut status,
                std::ptr::null(),
                ATTRIBUTE_NORMAL,
                SHARE_ALL,
                opening.disposition,
                opening.options | option::SYNCHRONOUS | option::REPARSE_POINT,
                std::ptr::null(),
                0,
            )
        })?;
        // SAFETY: the call has just made this handle, and nobody else knows it.
        Ok(File::from(unsafe { OwnedHandle::from_raw_handle(handle) }))
    }

    fn open_name(&self, name: &OsStr, opening: &Opening) -> io::Result<File> {
        self.open_units(&mut wide_name(name)?, opening)
    }

    /// Opens a folder in this one.
    pub(crate) fn enter(&self, name: &OsStr) -> io::Result<Folder> {
        let opening = Opening {
            access: access::LIST | access::TRAVERSE | access::READ_ATTRIBUTES,
            disposition: disposition::OPEN,
            options: option::DIRECTORY | option::BACKUP_INTENT,
        };
        let file = self.open_name(name, &opening)?;
        match stat_of(&file)?.kind {
            Kind::Folder => Ok(Folder(file)),
            Kind::Link => Err(links::link_error()),
            _ => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    /// Opens a regular file in this folder.
    pub(crate) fn open_file(&self, name: &OsStr, mode: OpenMode) -> io::Result<File> {
        let (access, disposition) = match mode {
            OpenMode::Read => (access::GENERIC_READ, disposition::OPEN),
            OpenMode::CreateNew => (
                access::GENERIC_WRITE | access::READ_ATTRIBUTES,
                disposition::CREATE,
            ),
            OpenMode::Resume => (
                access::GENERIC_READ | access::GENERIC_WRITE,
                disposition::OPEN_OR_CREATE,
            ),
        };
        let opening = Opening {
            access,
            disposition,
            options: option::NON_DIRECTORY,
        };
        let file = self
            .open_name(name, &opening)
            .map_err(|error| self.explain(name, error))?;
        match stat_of(&file)?.kind {
            Kind::File => Ok(file),
            Kind::Link => Err(links::link_error()),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "not a regular file",
            )),
        }
    }

    /// The system says `access denied` of a folder where a file is wanted.
    fn explain(&self, name: &OsStr, error: io::Error) -> io::Error {
        let kind = self.stat(name).map(|stat| stat.kind);
        match (error.kind(), kind) {
            (io::ErrorKind::PermissionDenied, Ok(Kind::Folder)) => {
                io::ErrorKind::IsADirectory.into()
            }
            _ => error,
        }
    }

    /// Looks at a name itself.
    pub(crate) fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        let opening = Opening {
            access: access::READ_ATTRIBUTES,
            disposition: disposition::OPEN,
            options: option::BACKUP_INTENT,
        };
        stat_of(&self.open_name(name, &opening)?)
    }

    /// Makes a folder; an error if the name is taken.
    pub(crate) fn make(&self, name: &OsStr) -> io::Result<()> {
        let opening = Opening {
            access: access::LIST,
            disposition: disposition::CREATE,
            options: option::DIRECTORY,
        };
        self.open_name(name, &opening).map(|_| ())
    }

    /// Removes a file or a link.
    pub(crate) fn unlink(&self, name: &OsStr) -> io::Result<()> {
        let file = self.open_to_remove(name, 0)?;
        if stat_of(&file)?.kind == Kind::Folder {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        entries::remove(&file)
    }

    /// Removes an empty folder.
    pub(crate) fn unlink_folder(&self, name: &OsStr) -> io::Result<()> {
        let file = self.open_to_remove(name, option::DIRECTORY)?;
        if stat_of(&file)?.kind != Kind::Folder {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        entries::remove(&file)
    }

    fn open_to_remove(&self, name: &OsStr, options: u32) -> io::Result<File> {
        let opening = Opening {
            access: access::DELETE | access::READ_ATTRIBUTES | access::WRITE_ATTRIBUTES,
            disposition: disposition::OPEN,
            options: options | option::BACKUP_INTENT,
        };
        self.open_name(name, &opening)
    }

    /// Renames into another (or the same) folder, replacing a file that is there.
    pub(crate) fn rename(&self, from: &OsStr, to_folder: &Folder, to: &OsStr) -> io::Result<()> {
        let file = self.open_to_remove(from, 0)?;
        entries::rename(&file, to_folder.handle(), &wide_name(to)?).map_err(|error| match to_folder
            .stat(to)
            .map(|stat| stat.kind)
        {
            Ok(Kind::Folder) => io::ErrorKind::IsADirectory.into(),
            _ => error,
        })
    }

    /// Makes a symbolic link with that text.
    pub(crate) fn link(&self, target: &OsStr, name: &OsStr) -> io::Result<()> {
        // The only call that makes a link without the right of an administrator takes a path.
        wide_name(name)?;
        links::make(&self.path()?, target, name)?;
        match self.stat(name)?.kind {
            Kind::Link => Ok(()),
            _ => Err(links::link_error()),
        }
    }

    /// The text of a symbolic link, with `/` between names as the protocol writes them.
    pub(crate) fn read_link(&self, name: &OsStr) -> io::Result<OsString> {
        let opening = Opening {
            access: access::READ_ATTRIBUTES,
            disposition: disposition::OPEN,
            options: option::BACKUP_INTENT,
        };
        links::read(&self.open_name(name, &opening)?)
    }

    /// Takes the mark off a folder that it may not be changed, so that it can be removed.
    pub(crate) fn open_up(&self, name: &OsStr) -> io::Result<()> {
        let file = self.open_to_remove(name, option::DIRECTORY)?;
        if stat_of(&file)?.kind != Kind::Folder {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        entries::make_writable(&file)
    }

    /// Every name in the folder, in no order, without `.` and `..`.
    pub(crate) fn list(&self) -> io::Result<Vec<Listed>> {
        // A handle of its own, because reading moves a position that duplicates share.
        let opening = Opening {
            access: access::LIST,
            disposition: disposition::OPEN,
            options: option::DIRECTORY | option::BACKUP_INTENT,
        };
        let own = self.open_units(&mut [], &opening)?;
        entries::list(&own)
    }

    /// Where the folder is now, for the calls that know only paths.
    pub(in crate::sys) fn path(&self) -> io::Result<PathBuf> {
        // The longest path that Windows has.
        let mut units = vec![0_u16; 32_768];
        let room = u32::try_from(units.len()).map_err(io::Error::other)?;
        // SAFETY: pointer and length describe `units`, which lives through the call.
        let len =
            unsafe { abi::GetFinalPathNameByHandleW(self.handle(), units.as_mut_ptr(), room, 0) };
        check(i32::from(len > 0 && len < room))?;
        units.truncate(len as usize);
        Ok(plain(PathBuf::from(OsString::from_wide(&units))))
    }
}

/// A path as people and old programs write it: without the prefix for long paths.
fn plain(path: PathBuf) -> PathBuf {
    let units: Vec<u16> = path.as_os_str().encode_wide().collect();
    let prefix = |text: &str| text.encode_utf16().collect::<Vec<u16>>();
    if let Some(share) = units.strip_prefix(&prefix(r"\\?\UNC\")[..]) {
        let share = [&prefix(r"\\")[..], share].concat();
        return OsString::from_wide(&share).into();
    }
    match units.strip_prefix(&prefix(r"\\?\")[..]) {
        Some(rest) if rest.get(1) == Some(&u16::from(b':')) => OsString::from_wide(rest).into(),
        _ => path,
    }
}

/// The path with all links resolved and spelt as the system spells it.
pub(crate) fn canonical(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize().map(plain)
}

/// Makes the names in a folder durable. NTFS keeps a journal of them itself and offers no call.
pub(crate) fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

/// Asks the system about an open file or folder.
pub(crate) fn stat_of(file: &File) -> io::Result<Stat> {
    const BASIC_INFO: u32 = 0;
    let handle = file.as_raw_handle();
    let mut found = FileInformation::default();
    // SAFETY: the structure lives through the call.
    check(unsafe { abi::GetFileInformationByHandle(handle, &raw mut found) })?;
    let mut basic = BasicInfo::default();
    let length = u32::try_from(size_of::<BasicInfo>()).map_err(io::Error::other)?;
    let out: *mut c_void = (&raw mut basic).cast();
    // SAFETY: pointer and length describe `basic`, which lives through the call.
    check(unsafe { abi::GetFileInformationByHandleEx(handle, BASIC_INFO, out, length) })?;
    let kind = match found.attributes {
        bits if bits & ATTRIBUTE_REPARSE != 0 => links::kind_of(file)?,
        bits if bits & ATTRIBUTE_FOLDER != 0 => Kind::Folder,
        _ => Kind::File,
    };
    let join = |high: u32, low: u32| u64::from(high) << 32 | u64::from(low);
    Ok(Stat {
        kind,
        size: join(found.size_high, found.size_low),
        mtime_ns: since_1970(basic.written),
        ctime_ns: since_1970(basic.changed),
        inode: join(found.index_high, found.index_low),
        executable: false,
        owner_full: kind != Kind::Folder || found.attributes & ATTRIBUTE_READ_ONLY == 0,
    })
}

/// Nanoseconds since 1970 from 100 ns since 1601.
fn since_1970(ticks: i64) -> i128 {
    const SECONDS_BETWEEN: i128 = 11_644_473_600;
    i128::from(ticks) * 100 - SECONDS_BETWEEN * 1_000_000_000
}

/// Nothing: Windows tells programs by their names.
pub(crate) fn set_executable(_file: &File, _executable: bool) -> io::Result<()> {
    Ok(())
}
