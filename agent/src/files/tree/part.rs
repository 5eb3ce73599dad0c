//! The part of a large file that stays in the tree's folder when the connection goes. Its name
//! is made of the content's SHA-256, so that the next try knows whose it is.

use std::ffi::{OsStr, OsString};
use std::io;

use windlass_protocol::hex;
use windlass_protocol::sha256::Sha256;

use crate::files::hash_file;
use crate::files::remove::remove_name;
use crate::files::sparse::SparseFile;
use crate::sys::{self, Folder, Kind, OpenMode};

const PREFIX: &str = ".windlass-tree-";
const SUFFIX: &str = ".part";

/// The name of the part of that content.
pub(super) fn name(sha256: &[u8; 32]) -> OsString {
    format!("{PREFIX}{}{SUFFIX}", hex::encode(&sha256[..16])).into()
}

/// Removes every part but the one of this content; says how many bytes of it are there. A part
/// that is larger than its file goes too.
pub(super) fn keep_only(top: &Folder, wanted: Option<([u8; 32], u64)>) -> io::Result<u64> {
    let wanted = wanted.map(|(sha256, size)| (name(&sha256), size));
    let mut have = 0;
    for listed in top.list()? {
        let bytes = sys::os_bytes(&listed.name);
        if !bytes.starts_with(PREFIX.as_bytes()) || !bytes.ends_with(SUFFIX.as_bytes()) {
            continue;
        }
        let stat = top.stat(&listed.name)?;
        match &wanted {
            Some((name, size))
                if *name == listed.name && stat.kind == Kind::File && stat.size <= *size =>
            {
                have = stat.size;
            }
            _ => {
                remove_name(top, &listed.name)?;
            }
        }
    }
    Ok(have)
}

/// Opens the part behind `have` bytes, which go into the digest; anew if it is 0.
pub(super) fn open(
    top: &Folder,
    name: &OsStr,
    have: u64,
    sha256: &mut Sha256,
) -> io::Result<SparseFile> {
    if have == 0 {
        remove_name(top, name)?;
        return SparseFile::new(top.open_file(name, OpenMode::CreateNew)?, 0);
    }
    let mut file = top.open_file(name, OpenMode::Resume)?;
    if hash_file(&mut file, have, sha256)? != have {
        return Err(io::Error::other("a part became shorter; try again"));
    }
    SparseFile::new(file, have)
}
