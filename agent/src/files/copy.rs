//! Duplicating a file, or a folder with everything in it. Links are copied as links.

use std::ffi::OsStr;
use std::io::{self, ErrorKind};

use windlass_protocol::ops::Copy;
use windlass_protocol::{Boxed, Code, Failure};

use super::remove::remove_name;
use crate::failure;
use crate::root::Root;
use crate::sys::{self, Folder, Kind, OpenMode};

/// Folders within folders that are copied: each level holds two of them open, and a process may
/// have 1024 files open on a common system.
const DEPTH_MAX: usize = 128;

/// Serves one `copy`. The copy appears under its name only when it is complete.
pub(crate) fn copy(root: &Root, copy: &Copy) -> Result<Boxed, Failure> {
    let io_from = |error: io::Error| failure::of_io(&error, copy.path.as_bytes());
    let io_to = |error: io::Error| failure::of_io(&error, copy.to.as_bytes());
    let (from, from_name) = root.parent(&copy.path)?;
    let stat = from.stat(&from_name).map_err(io_from)?;
    if stat.kind == Kind::Folder && !copy.recursive {
        let text = "this is a folder; ask for it with everything in it";
        return Err(Failure::new(Code::IsDir, text).with_path(copy.path.as_bytes()));
    }
    let below = copy.to.as_bytes().strip_prefix(copy.path.as_bytes());
    if below.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/")) {
        let text = "a copy cannot lie in what it copies";
        return Err(Failure::new(Code::BadRequest, text).with_path(copy.to.as_bytes()));
    }
    let (to, to_name) = root.parent(&copy.to)?;
    if !copy.replace && to.stat(&to_name).is_ok() {
        return Err(io_to(ErrorKind::AlreadyExists.into()));
    }
    let mut random = [0; 8];
    sys::fill_random(&mut random).map_err(io_to)?;
    let part = format!(".{:016x}.part", u64::from_ne_bytes(random));
    let part = OsStr::new(&part);
    let mut count = 0;
    let copied = copy_name(&from, &from_name, &to, part, 0, &mut count)
        .and_then(|()| make_way(&to, &to_name, stat.kind))
        .and_then(|()| to.rename(part, &to, &to_name));
    if let Err(error) = copied {
        remove_name(&to, part).map_err(io_to)?;
        return Err(io_to(error));
    }
    let mut pairs = Boxed::new();
    pairs.push_number("copied", count);
    Ok(pairs)
}

/// Renaming replaces a file by a file; anything else has to go first.
fn make_way(folder: &Folder, name: &OsStr, kind: Kind) -> io::Result<()> {
    match folder.stat(name) {
        Ok(there) if kind == Kind::Folder || there.kind == Kind::Folder => {
            remove_name(folder, name).map(|_| ())
        }
        _ => Ok(()),
    }
}

fn copy_name(
    from: &Folder,
    from_name: &OsStr,
    to: &Folder,
    to_name: &OsStr,
    depth: usize,
    count: &mut u64,
) -> io::Result<()> {
    let stat = from.stat(from_name)?;
    *count += 1;
    match stat.kind {
        Kind::File => {
            let mut source = from.open_file(from_name, OpenMode::Read)?;
            let mut target = to.open_file(to_name, OpenMode::CreateNew)?;
            io::copy(&mut source, &mut target)?;
            sys::set_executable(&target, stat.executable)
        }
        Kind::Link => to.link(&from.read_link(from_name)?, to_name),
        Kind::Folder if depth == DEPTH_MAX => Err(io::Error::other(format!(
            "folders lie more than {DEPTH_MAX} deep"
        ))),
        Kind::Folder => {
            to.make(to_name)?;
            let (inside, target) = (from.enter(from_name)?, to.enter(to_name)?);
            for listed in inside.list()? {
                copy_name(
                    &inside,
                    &listed.name,
                    &target,
                    &listed.name,
                    depth + 1,
                    count,
                )?;
            }
            Ok(())
        }
        Kind::Other => Err(io::Error::other(
            "a socket, pipe or device cannot be copied",
        )),
    }
}
