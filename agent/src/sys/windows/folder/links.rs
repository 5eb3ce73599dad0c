//! Links of all kinds: what a reparse point is, making and reading symbolic links. Not here:
//! deciding whether a link may be followed; it never is.

use std::ffi::{OsStr, OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::os::windows::io::AsRawHandle;
use std::path::Path;

use crate::sys::Kind;
use crate::sys::windows::names::wide_text;
use crate::sys::windows::{abi, check};

const TAG_SYMLINK: u32 = 0xa000_000c;
const TAG_JUNCTION: u32 = 0xa000_0003;
/// Set in the tag of whatever stands for another name.
const STANDS_FOR_ANOTHER: u32 = 0x2000_0000;

/// `ERROR_STOPPED_ON_SYMLINK`.
const STOPPED_ON_LINK: i32 = 681;
/// `ERROR_PRIVILEGE_NOT_HELD`: making links takes a right, or the developer mode.
const PRIVILEGE_NOT_HELD: i32 = 1314;

/// The error for a link where none may be.
pub(super) fn link_error() -> io::Error {
    io::Error::from_raw_os_error(STOPPED_ON_LINK)
}

/// Whether the error says that a link stood where none may be, or may not be made.
pub(crate) fn is_link_error(error: &io::Error) -> bool {
    matches!(
        error.raw_os_error(),
        Some(STOPPED_ON_LINK | PRIVILEGE_NOT_HELD)
    )
}

/// What kind of thing a reparse point is. One that does not stand for another name has content
/// that only its own driver can give: left alone.
pub(super) fn kind_of(file: &File) -> io::Result<Kind> {
    const ATTRIBUTE_TAG_INFO: u32 = 9;
    // The attributes, then the tag.
    let mut found = [0_u32; 2];
    let out: *mut c_void = found.as_mut_ptr().cast();
    let handle = file.as_raw_handle();
    // SAFETY: pointer and length describe `found`, which lives through the call.
    check(unsafe { abi::GetFileInformationByHandleEx(handle, ATTRIBUTE_TAG_INFO, out, 8) })?;
    Ok(match found[1] & STANDS_FOR_ANOTHER {
        0 => Kind::Other,
        _ => Kind::Link,
    })
}

/// Makes a symbolic link `name` in the folder at that path. Windows wants to know whether it
/// leads to a folder; what is not there yet counts as a file.
pub(super) fn make(folder: &Path, target: &OsStr, name: &OsStr) -> io::Result<()> {
    const TO_FOLDER: u32 = 1;
    const WITHOUT_PRIVILEGE: u32 = 2;
    let target: Vec<u16> = target.encode_wide().map(to_backslash).collect();
    let target = OsString::from_wide(&target);
    let to_folder = match folder.join(&target).is_dir() {
        true => TO_FOLDER,
        false => 0,
    };
    let (link, target) = (
        wide_text(folder.join(name).as_os_str())?,
        wide_text(&target)?,
    );
    let flags = to_folder | WITHOUT_PRIVILEGE;
    // SAFETY: both texts end with zero and live through the call.
    let made = unsafe { abi::CreateSymbolicLinkW(link.as_ptr(), target.as_ptr(), flags) };
    check(made.into())
}

fn to_backslash(unit: u16) -> u16 {
    if unit == u16::from(b'/') {
        u16::from(b'\\')
    } else {
        unit
    }
}

fn to_slash(unit: u16) -> u16 {
    if unit == u16::from(b'\\') {
        u16::from(b'/')
    } else {
        unit
    }
}

/// The text of an open symbolic link or junction.
pub(super) fn read(file: &File) -> io::Result<OsString> {
    const GET_REPARSE_POINT: u32 = 0x0009_00a8;
    // MAXIMUM_REPARSE_DATA_BUFFER_SIZE.
    let mut buffer = vec![0_u8; 16_384];
    let mut length = 0;
    let room = u32::try_from(buffer.len()).map_err(io::Error::other)?;
    // SAFETY: the pointers are to locals that live through the call, with their lengths.
    check(unsafe {
        abi::DeviceIoControl(
            file.as_raw_handle(),
            GET_REPARSE_POINT,
            std::ptr::null(),
            0,
            buffer.as_mut_ptr().cast(),
            room,
            &raw mut length,
            std::ptr::null_mut(),
        )
    })?;
    buffer.truncate(length as usize);
    text_of(&buffer).ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a link"))
}

/// The printed name in a `REPARSE_DATA_BUFFER`: offset and length of it stand at 12 and 14,
/// counted from 16 for a junction and from 20 for a symbolic link.
fn text_of(buffer: &[u8]) -> Option<OsString> {
    let half = |at: usize| {
        Some(usize::from(u16::from_le_bytes(
            buffer.get(at..at + 2)?.try_into().ok()?,
        )))
    };
    let tag = u32::from_le_bytes(buffer.get(..4)?.try_into().ok()?);
    let begin = match tag {
        TAG_SYMLINK => 20,
        TAG_JUNCTION => 16,
        _ => return None,
    };
    let from = begin + half(12)?;
    let text = buffer.get(from..from + half(14)?)?;
    let units: Vec<u16> = text
        .chunks_exact(2)
        .map(|two| to_slash(u16::from_le_bytes([two[0], two[1]])))
        .collect();
    Some(OsString::from_wide(&units))
}
