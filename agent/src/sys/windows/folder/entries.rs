//! The entries of a folder: listing, renaming and removing them by handle. Not here: opening.

use std::ffi::{OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::AsRawHandle;

use super::{ATTRIBUTE_NORMAL, ATTRIBUTE_READ_ONLY, Listed};
use crate::sys::windows::abi::{self, BasicInfo, Handle, IoStatus};
use crate::sys::windows::{check, check_status};

/// Bytes of one batch of entries: several hundred of usual length.
const BATCH_BYTES: usize = 65_536;

/// Every name but `.` and `..`, read through a handle of its own.
pub(super) fn list(folder: &File) -> io::Result<Vec<Listed>> {
    const FULL_DIRECTORY: u32 = 14;
    const FULL_DIRECTORY_RESTART: u32 = 15;
    const ERROR_FILE_NOT_FOUND: i32 = 2;
    const ERROR_NO_MORE_FILES: i32 = 18;
    let mut names = Vec::new();
    // Units of 8 bytes: the entries are aligned to that.
    let mut batch = vec![0_u64; BATCH_BYTES / 8];
    let length = u32::try_from(BATCH_BYTES).map_err(io::Error::other)?;
    let mut class = FULL_DIRECTORY_RESTART;
    loop {
        let out: *mut c_void = batch.as_mut_ptr().cast();
        let handle = folder.as_raw_handle();
        // SAFETY: pointer and length describe `batch`, which lives through the call.
        let got = check(unsafe { abi::GetFileInformationByHandleEx(handle, class, out, length) });
        match got.map_err(|error| (error.raw_os_error(), error)) {
            Ok(()) => take_batch(&batch, &mut names)?,
            Err((Some(ERROR_NO_MORE_FILES | ERROR_FILE_NOT_FOUND), _)) => return Ok(names),
            Err((_, error)) => return Err(error),
        }
        class = FULL_DIRECTORY;
    }
}

/// Goes through the `FILE_FULL_DIR_INFO` of a batch: the distance to the next one (0 at the last)
/// in the first four bytes, the bytes of the name at 60, the name from 68.
fn take_batch(batch: &[u64], names: &mut Vec<Listed>) -> io::Result<()> {
    const LENGTH_AT: usize = 60;
    const NAME_AT: usize = 68;
    let bytes: Vec<u8> = batch.iter().flat_map(|unit| unit.to_ne_bytes()).collect();
    let word = |at: usize| -> io::Result<usize> {
        let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
        let four = four.ok_or_else(|| io::Error::other("a folder's entry is cut short"))?;
        Ok(u32::from_ne_bytes(four) as usize)
    };
    let mut at = 0;
    loop {
        let (step, length) = (word(at)?, word(at + LENGTH_AT)?);
        let name = bytes.get(at + NAME_AT..at + NAME_AT + length);
        let name = name.ok_or_else(|| io::Error::other("a folder's entry is cut short"))?;
        let units: Vec<u16> = name
            .chunks_exact(2)
            .map(|two| u16::from_ne_bytes([two[0], two[1]]))
            .collect();
        let name = OsString::from_wide(&units);
        if name != "." && name != ".." {
            names.push(Listed { name });
        }
        if step == 0 {
            return Ok(());
        }
        at += step;
    }
}

/// Sets one kind of information about an open file.
fn set(file: &File, class: u32, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
    let mut status = IoStatus {
        status: 0,
        information: 0,
    };
    // The structures hold pointers and long numbers: aligned to 8.
    let mut aligned = vec![0_u64; bytes.len().div_ceil(8)];
    for (unit, chunk) in aligned.iter_mut().zip(bytes.chunks(8)) {
        let mut eight = [0; 8];
        eight[..chunk.len()].copy_from_slice(chunk);
        *unit = u64::from_ne_bytes(eight);
    }
    // SAFETY: pointer and length describe `aligned`, which lives through the call.
    check_status(unsafe {
        abi::NtSetInformationFile(
            file.as_raw_handle(),
            &raw mut status,
            aligned.as_ptr().cast(),
            length,
            class,
        )
    })
}

/// Removes what is open from its folder, at once where the system can do that: otherwise the name
/// stays until the last handle is closed. A mark against changes is no obstacle.
pub(super) fn remove(file: &File) -> io::Result<()> {
    const DISPOSITION: u32 = 13;
    const DISPOSITION_EX: u32 = 64;
    // Delete, at once, without asking for the image section, although it is read-only.
    const HOW: u32 = 0x1 | 0x2 | 0x10;
    match set(file, DISPOSITION_EX, &HOW.to_ne_bytes()) {
        Err(error) if is_unknown(&error) => {}
        other => return other,
    }
    make_writable(file)?;
    set(file, DISPOSITION, &[1])
}

/// Renames what is open, replacing a file that has the name, also one that somebody holds open
/// where the system can do that.
pub(super) fn rename(file: &File, to_folder: Handle, to: &[u16]) -> io::Result<()> {
    const RENAME: u32 = 10;
    const RENAME_EX: u32 = 65;
    // Replace, also what is open, although it is read-only.
    const HOW: u32 = 0x1 | 0x2 | 0x40;
    let request = |flags: u32| {
        let mut bytes = Vec::with_capacity(24 + to.len() * 2);
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&to_folder.expose_provenance().to_ne_bytes());
        bytes.extend_from_slice(&u32::try_from(to.len() * 2).unwrap_or(0).to_ne_bytes());
        bytes.extend(to.iter().flat_map(|unit| unit.to_ne_bytes()));
        // The system wants the whole structure, however short the name.
        bytes.resize(bytes.len().max(24), 0);
        bytes
    };
    match set(file, RENAME_EX, &request(HOW)) {
        Err(error) if is_unknown(&error) => set(file, RENAME, &request(1)),
        other => other,
    }
}

/// Whether the system, or this file system, does not know the newer way.
fn is_unknown(error: &io::Error) -> bool {
    const INVALID_FUNCTION: i32 = 1;
    const NOT_SUPPORTED: i32 = 50;
    const INVALID_PARAMETER: i32 = 87;
    const CALL_NOT_IMPLEMENTED: i32 = 120;
    matches!(
        error.raw_os_error(),
        Some(INVALID_FUNCTION | NOT_SUPPORTED | INVALID_PARAMETER | CALL_NOT_IMPLEMENTED)
    )
}

/// Takes the mark off that it may not be changed.
pub(super) fn make_writable(file: &File) -> io::Result<()> {
    const BASIC_INFO: u32 = 0;
    let mut basic = BasicInfo::default();
    let length = u32::try_from(size_of::<BasicInfo>()).map_err(io::Error::other)?;
    let pointer: *mut BasicInfo = &raw mut basic;
    let handle = file.as_raw_handle();
    // SAFETY: pointer and length describe `basic`, which lives through both calls.
    unsafe {
        check(abi::GetFileInformationByHandleEx(
            handle,
            BASIC_INFO,
            pointer.cast(),
            length,
        ))?;
        if (*pointer).attributes & ATTRIBUTE_READ_ONLY == 0 {
            return Ok(());
        }
        let rest = (*pointer).attributes & !ATTRIBUTE_READ_ONLY;
        // Times of 0 stay as they are; attributes of 0 would as well.
        *pointer = BasicInfo {
            attributes: if rest == 0 { ATTRIBUTE_NORMAL } else { rest },
            ..BasicInfo::default()
        };
        check(abi::SetFileInformationByHandle(
            handle,
            BASIC_INFO,
            pointer.cast(),
            length,
        ))
    }
}
