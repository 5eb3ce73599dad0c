//! The small operations that change names: mkdir, remove, rename.

use std::io::{Error, ErrorKind};

use windlass_protocol::ops::{Mkdir, Remove, Rename};
use windlass_protocol::{Boxed, Code, Failure};

use super::remove::remove_name;
use crate::failure;
use crate::root::Root;
use crate::sys::Kind;

/// Makes a folder.
pub(crate) fn mkdir(root: &Root, mkdir: &Mkdir) -> Result<Boxed, Failure> {
    let path = mkdir.path.as_bytes();
    if mkdir.parents {
        return match (root.make_folders(&mkdir.path), root.parent(&mkdir.path)) {
            (Ok(_), _) => Ok(Boxed::new()),
            // What is above it is there: it is the name itself that is something else.
            (Err(failure), Ok((folder, name)))
                if folder
                    .stat(&name)
                    .is_ok_and(|stat| stat.kind != Kind::Folder) =>
            {
                Err(Failure::new(Code::Exists, failure.text).with_path(path))
            }
            (Err(failure), _) => Err(failure),
        };
    }
    if mkdir.path.is_root() {
        return Err(Failure::new(Code::Exists, "the root is there").with_path(path));
    }
    let (folder, name) = root.parent(&mkdir.path)?;
    folder
        .make(&name)
        .map_err(|error| failure::of_io(&error, path))?;
    Ok(Boxed::new())
}

/// Removes a name, with everything below it if asked. Answers with the number of names that went.
pub(crate) fn remove(root: &Root, remove: &Remove) -> Result<Boxed, Failure> {
    let path = remove.path.as_bytes();
    let io = |error: Error| failure::of_io(&error, path);
    let found = root.parent(&remove.path).and_then(|(folder, name)| {
        let stat = folder.stat(&name).map_err(io)?;
        Ok((folder, name, stat))
    });
    let (folder, name, stat) = match found {
        Err(failure) if failure.code == Code::NotFound && remove.missing_ok => {
            return Ok(removed(0));
        }
        other => other?,
    };
    match stat.kind {
        Kind::Folder if remove.recursive => remove_name(&folder, &name).map(removed).map_err(io),
        Kind::Folder => folder.unlink_folder(&name).map(|()| removed(1)).map_err(io),
        _ => folder.unlink(&name).map(|()| removed(1)).map_err(io),
    }
}

fn removed(count: u64) -> Boxed {
    let mut pairs = Boxed::new();
    pairs.push_number("removed", count);
    pairs
}

/// Renames within the root.
pub(crate) fn rename(root: &Root, rename: &Rename) -> Result<Boxed, Failure> {
    let (from, from_name) = root.parent(&rename.path)?;
    let (to, to_name) = root.parent(&rename.to)?;
    from.stat(&from_name)
        .map_err(|error| failure::of_io(&error, rename.path.as_bytes()))?;
    if !rename.replace && to.stat(&to_name).is_ok() {
        let error = Error::from(ErrorKind::AlreadyExists);
        return Err(failure::of_io(&error, rename.to.as_bytes()));
    }
    let below = rename.to.as_bytes().strip_prefix(rename.path.as_bytes());
    if below.is_some_and(|rest| rest.starts_with(b"/")) {
        let text = "a folder cannot be moved into itself";
        return Err(Failure::new(Code::BadRequest, text).with_path(rename.to.as_bytes()));
    }
    let renamed = from.rename(&from_name, &to, &to_name);
    renamed.map_err(|error| failure::of_io(&error, rename.to.as_bytes()))?;
    Ok(Boxed::new())
}
