//! Names and texts between the protocol's bytes (WTF-8) and Windows' 16-bit units. Not here:
//! which names the protocol itself refuses.

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;

use windlass_protocol::{Failure, RelPath};

/// Stands for bytes that are no text: no program, file or link has this name.
const NO_TEXT: &str = "\u{fffd}";

/// The bytes of a name as the protocol carries them.
pub(crate) fn os_bytes(text: &OsStr) -> &[u8] {
    text.as_encoded_bytes()
}

/// The name that the protocol's bytes mean on this machine. Paths were checked to be text before;
/// whatever else is not WTF-8 becomes one replacement character.
pub(crate) fn os_text(bytes: &[u8]) -> &OsStr {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return OsStr::new(text);
    }
    if !is_wtf8(bytes) {
        return OsStr::new(NO_TEXT);
    }
    // SAFETY: on Windows the encoded bytes are WTF-8, which these are, as the look above found.
    unsafe { OsStr::from_encoded_bytes_unchecked(bytes) }
}

/// Whether the bytes are UTF-8 in which lone halves of surrogate pairs may stand, each as the
/// three bytes `ED A0..BF 80..BF`, but no pair: that would have been one character.
fn is_wtf8(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    let mut high_before = false;
    loop {
        match std::str::from_utf8(rest) {
            Ok(_) => return true,
            Err(error) => {
                high_before &= error.valid_up_to() == 0;
                rest = &rest[error.valid_up_to()..];
            }
        }
        let &[0xed, second @ 0xa0..=0xbf, 0x80..=0xbf, ref after @ ..] = rest else {
            return false;
        };
        let high = second < 0xb0;
        if high_before && !high {
            return false;
        }
        high_before = high;
        rest = after;
    }
}

/// Refuses a path that has no name on Windows, or another one than it seems to have.
pub(crate) fn check_path(path: &RelPath) -> Result<(), Failure> {
    path.check_windows()
}

/// One name of a folder in the system's units. Names that are listed are taken as they are.
pub(super) fn wide_name(name: &OsStr) -> io::Result<Vec<u16>> {
    let invalid = |why| Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    let wide: Vec<u16> = name.encode_wide().collect();
    // A colon would name a hidden stream of the file, the others a path.
    let parts = [0, u16::from(b'/'), u16::from(b'\\'), u16::from(b':')];
    if wide.is_empty() || wide.iter().any(|unit| parts.contains(unit)) || wide == [46, 46] {
        return invalid("not one name");
    }
    if wide.len() > COMPONENT_UNITS_MAX {
        return Err(io::ErrorKind::InvalidFilename.into());
    }
    Ok(wide)
}

/// What NTFS keeps of a name.
const COMPONENT_UNITS_MAX: usize = 255;

/// A text with the zero at its end that the system wants; one inside is an error.
pub(super) fn wide_text(text: &OsStr) -> io::Result<Vec<u16>> {
    let mut wide: Vec<u16> = text.encode_wide().collect();
    if wide.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "NUL in a text"));
    }
    wide.push(0);
    Ok(wide)
}

#[cfg(test)]
mod tests;
