//! The operations on files: each works on paths below the root and follows no link on the way.
//! Not here: channels and credit, which `Port` hides; commands.

pub(crate) mod cache;
pub(crate) mod change;
pub(crate) mod copy;
pub(crate) mod facts;
pub(crate) mod get;
pub(crate) mod list;
mod outgoing;
pub(crate) mod put;
pub(crate) mod remove;
mod sparse;
pub(crate) mod tree;
pub(crate) mod tree_get;

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read};

use windlass_protocol::sha256::Sha256;
use windlass_protocol::{Code, Failure, RelPath};

use crate::session::port::Port;
use crate::sys::{Folder, Kind};

/// Bytes read from a file at once: a frame's worth.
const READ_BYTES: usize = 65_536;
/// Taken bytes after which the master is told: a quarter of a mebibyte keeps a 16 MiB window
/// moving without an ACK for every frame.
const ACK_BYTES: u64 = 262_144;

/// Refuses a folder where a file is wanted: opening one would fail with words of the system.
fn refuse_folder(folder: &Folder, name: &OsStr, path: &RelPath) -> Result<(), Failure> {
    match folder.stat(name) {
        Ok(stat) if stat.kind == Kind::Folder => {
            let text = "this is a folder; a file is wanted";
            Err(Failure::new(Code::IsDir, text).with_path(path.as_bytes()))
        }
        _ => Ok(()),
    }
}

/// Like `hash_file`, as long as somebody waits: a build may have made a file of holes that takes
/// years to read.
fn hash_for(port: &Port, file: &mut File, len: u64, sha256: &mut Sha256) -> io::Result<u64> {
    hash_while(|| !port.is_gone(), file, len, sha256)
}

/// Takes up to `len` bytes of a file into the digest; says how many there were.
fn hash_file(file: &mut File, len: u64, sha256: &mut Sha256) -> io::Result<u64> {
    hash_while(|| true, file, len, sha256)
}

fn hash_while(
    is_wanted: impl Fn() -> bool,
    file: &mut File,
    len: u64,
    sha256: &mut Sha256,
) -> io::Result<u64> {
    let mut rest = file.take(len);
    let mut buffer = vec![
        0;
        usize::try_from(len)
            .unwrap_or(usize::MAX)
            .clamp(1, READ_BYTES)
    ];
    let mut total = 0;
    loop {
        if !is_wanted() {
            return Err(io::Error::other("nobody waits for it any more"));
        }
        let count = match rest.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            other => other?,
        };
        if count == 0 {
            return Ok(total);
        }
        sha256.update(&buffer[..count]);
        total += count as u64;
    }
}
