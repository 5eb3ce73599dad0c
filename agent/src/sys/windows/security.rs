//! Who may do what: files and pipes that only this user can open, and whether a key file is such
//! a file. Not here: what is in them.

use std::ffi::{OsString, c_void};
use std::fs::File;
use std::io;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;

use super::abi::{self, SecurityAttributes};
use super::names::wide_text;
use super::{check, own};

/// The permission for this user and the system itself, and nobody else.
pub(super) struct Private(*mut c_void);

impl Private {
    /// Asks the system who we are.
    pub(super) fn new() -> io::Result<Private> {
        const REVISION: u32 = 1;
        let words = format!("D:P(A;;GA;;;{})(A;;GA;;;SY)", own_identity()?);
        let words = wide_text(words.as_ref())?;
        let mut descriptor = std::ptr::null_mut();
        // SAFETY: the text ends with zero; the result is a local; the length is not asked for.
        check(unsafe {
            abi::ConvertStringSecurityDescriptorToSecurityDescriptorW(
                words.as_ptr(),
                REVISION,
                &raw mut descriptor,
                std::ptr::null_mut(),
            )
        })?;
        Ok(Private(descriptor))
    }

    /// For a call that makes something; valid as long as this is.
    pub(super) fn attributes(&self) -> SecurityAttributes {
        SecurityAttributes {
            length: u32::try_from(size_of::<SecurityAttributes>()).unwrap_or(0),
            descriptor: self.0,
            inherit: 0,
        }
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // SAFETY: the system made it for us, and nothing points to it any more.
        unsafe { abi::LocalFree(self.0) };
    }
}

/// What the system says about this program's token.
fn token_information(class: u32) -> io::Result<Vec<u64>> {
    const QUERY: u32 = 8;
    let mut token = std::ptr::null_mut();
    // SAFETY: the first is a constant that stands for this process, the result a local.
    check(unsafe { abi::OpenProcessToken(abi::GetCurrentProcess(), QUERY, &raw mut token) })?;
    // SAFETY: the call has just made it.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // An identity has 68 bytes at most, and 16 come before it; aligned for the pointer in front.
    let mut found = vec![0_u64; 32];
    let room = u32::try_from(size_of_val(&found[..])).map_err(io::Error::other)?;
    let mut length = 0;
    let out: *mut c_void = found.as_mut_ptr().cast();
    // SAFETY: pointer and length describe `found`, which lives through the call.
    check(unsafe {
        abi::GetTokenInformation(token.as_raw_handle(), class, out, room, &raw mut length)
    })?;
    Ok(found)
}

/// The user as a text `S-1-…`.
fn own_identity() -> io::Result<String> {
    const USER: u32 = 1;
    let found = token_information(USER)?;
    let mut text: *mut u16 = std::ptr::null_mut();
    // SAFETY: the first word points to the identity, which lies in `found`.
    check(unsafe {
        let identity = found.as_ptr().cast::<*const c_void>().read();
        abi::ConvertSidToStringSidW(identity, &raw mut text)
    })?;
    // SAFETY: the system gave a text that ends with zero, and it is freed once.
    let units = unsafe {
        let length = (0..).take_while(|at| *text.add(*at) != 0).count();
        let units = std::slice::from_raw_parts(text, length).to_vec();
        abi::LocalFree(text.cast());
        units
    };
    OsString::from_wide(&units)
        .into_string()
        .map_err(|_| io::Error::other("the user's identity is no text"))
}

/// Whether we may do everything on this machine: the token is that of an administrator who said
/// so, or of the system.
pub(crate) fn is_superuser() -> bool {
    const ELEVATION: u32 = 20;
    token_information(ELEVATION).is_ok_and(|found| found[0] & 0xffff_ffff != 0)
}

/// Makes a file that nobody else can read; an error if there is one.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    const GENERIC_WRITE: u32 = 0x4000_0000;
    const SHARE_ALL: u32 = 7;
    const CREATE_NEW: u32 = 1;
    const NORMAL: u32 = 0x80;
    let name = wide_text(path.as_os_str())?;
    let private = Private::new()?;
    let attributes = private.attributes();
    // SAFETY: the text ends with zero; it and the attributes live through the call.
    let handle = unsafe {
        abi::CreateFileW(
            name.as_ptr(),
            GENERIC_WRITE,
            SHARE_ALL,
            &raw const attributes,
            CREATE_NEW,
            NORMAL,
            std::ptr::null_mut(),
        )
    };
    own(handle).map(File::from)
}

/// The groups that hold everybody, as the system numbers well-known identities: Everyone,
/// Authenticated Users, Users, Guests.
const EVERYBODY: [u32; 4] = [1, 17, 27, 28];
/// Rights by which the bytes of a file come out: reading them, reading in general, all rights.
const READING: u32 = 0x1 | 0x8000_0000 | 0x1000_0000;

/// Refuses a key file that everybody may read. The text says what to do.
pub(crate) fn refuse_open_key(file: &File) -> io::Result<Result<(), String>> {
    const FILE_OBJECT: u32 = 1;
    const DACL: u32 = 4;
    let nobody = std::ptr::null_mut();
    let mut list: *mut c_void = std::ptr::null_mut();
    let mut descriptor: *mut c_void = std::ptr::null_mut();
    let handle = file.as_raw_handle();
    // SAFETY: both results are locals; the others are not asked for.
    let failed = unsafe {
        abi::GetSecurityInfo(
            handle,
            FILE_OBJECT,
            DACL,
            nobody,
            nobody,
            &raw mut list,
            nobody,
            &raw mut descriptor,
        )
    };
    if failed != 0 {
        return Err(io::Error::from_raw_os_error(failed.cast_signed()));
    }
    let open = list.is_null() || lets_everybody_read(list);
    // SAFETY: the system made the descriptor for us; `list` points into it and is used no more.
    unsafe { abi::LocalFree(descriptor) };
    Ok(if open {
        Err("everybody on this machine can read it".into())
    } else {
        Ok(())
    })
}

/// Whether the list has an entry that lets one of the large groups read.
fn lets_everybody_read(list: *const c_void) -> bool {
    const ALLOWED: u8 = 0;
    const INHERIT_ONLY: u8 = 8;
    for index in 0.. {
        let mut entry = std::ptr::null_mut();
        // SAFETY: the list is the system's; the call checks the index.
        if check(unsafe { abi::GetAce(list, index, &raw mut entry) }).is_err() {
            return false;
        }
        // SAFETY: an entry has type, flags, length (2), rights (4) and, if it allows, an identity.
        let (kind, flags, rights) = unsafe {
            (
                *entry,
                *entry.add(1),
                entry.add(4).cast::<u32>().read_unaligned(),
            )
        };
        // SAFETY: see above.
        let is_everybody = |group| unsafe { abi::IsWellKnownSid(entry.add(8), group) } != 0;
        let counts = kind == ALLOWED && flags & INHERIT_ONLY == 0 && rights & READING != 0;
        if counts && EVERYBODY.into_iter().any(is_everybody) {
            return true;
        }
    }
    false
}
