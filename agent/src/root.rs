//! The folder below which all work happens, and how a path of the protocol is opened in it: name
//! by name, never through a symbolic link, so that nothing leaves it whatever a build has put
//! there. Not here: what is done with the file that was found.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use windlass_protocol::{Code, Failure, RelPath};

use crate::failure;
use crate::sys::{self, Folder, Kind};

/// The root of the agent's work.
#[derive(Debug)]
pub(crate) struct Root {
    folder: Folder,
    /// Where it is on this machine: for messages and the environment of commands only.
    path: PathBuf,
}

impl Root {
    /// Opens the folder, making it if it is missing.
    pub(crate) fn open(path: &Path) -> Result<Root, String> {
        let cannot = |error| format!("root {}: cannot use it: {error}", path.display());
        std::fs::create_dir_all(path).map_err(cannot)?;
        let path = sys::canonical(path).map_err(cannot)?;
        let folder = Folder::open(&path).map_err(cannot)?;
        Ok(Root { folder, path })
    }

    /// A second handle of the same root.
    pub(crate) fn duplicate(&self) -> std::io::Result<Root> {
        Ok(Root {
            folder: self.folder.duplicate()?,
            path: self.path.clone(),
        })
    }

    /// Where the root is on this machine.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The root itself.
    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }

    /// Opens the folder at a path; the empty path is the root.
    pub(crate) fn walk(&self, path: &RelPath) -> Result<Folder, Failure> {
        walk_names(&self.folder, &checked_names(path)?, path.as_bytes())
    }

    /// Opens the folder that holds the last name of a path, and gives that name.
    pub(crate) fn parent(&self, path: &RelPath) -> Result<(Folder, OsString), Failure> {
        let mut names = checked_names(path)?;
        let last = names.pop().ok_or_else(root_itself)?;
        Ok((walk_names(&self.folder, &names, path.as_bytes())?, last))
    }

    /// Like `parent`, making the folders that are missing on the way.
    pub(crate) fn make_parent(&self, path: &RelPath) -> Result<(Folder, OsString), Failure> {
        let mut names = checked_names(path)?;
        let last = names.pop().ok_or_else(root_itself)?;
        Ok((make_names(&self.folder, &names, path.as_bytes())?, last))
    }

    /// Opens the folder at a path, making whatever is missing of it.
    pub(crate) fn make_folders(&self, path: &RelPath) -> Result<Folder, Failure> {
        make_names(&self.folder, &checked_names(path)?, path.as_bytes())
    }
}

/// The components of a path as names of this machine.
pub(crate) fn names(path: &RelPath) -> Vec<OsString> {
    path.components()
        .map(|name| sys::os_text(name).to_owned())
        .collect()
}

/// Like `names`, refusing what this system has no name for.
fn checked_names(path: &RelPath) -> Result<Vec<OsString>, Failure> {
    sys::check_path(path)?;
    Ok(names(path))
}

fn root_itself() -> Failure {
    Failure::new(
        Code::BadPath,
        "the path names the root itself; name something in it",
    )
}

fn duplicate(folder: &Folder, path: &[u8]) -> Result<Folder, Failure> {
    folder
        .duplicate()
        .map_err(|error| failure::of_io(&error, path))
}

/// Enters one folder after the other; `path` is for the message.
pub(crate) fn walk_names(
    from: &Folder,
    names: &[OsString],
    path: &[u8],
) -> Result<Folder, Failure> {
    let mut folder = duplicate(from, path)?;
    for name in names {
        folder = enter(&folder, name, path)?;
    }
    Ok(folder)
}

/// Like `walk_names`, making what is missing.
pub(crate) fn make_names(
    from: &Folder,
    names: &[OsString],
    path: &[u8],
) -> Result<Folder, Failure> {
    let mut folder = duplicate(from, path)?;
    for name in names {
        folder = make_and_enter(&folder, name, path)?;
    }
    Ok(folder)
}

/// Enters a folder, or says whether a link or a file is in the way.
pub(crate) fn enter(folder: &Folder, name: &OsStr, path: &[u8]) -> Result<Folder, Failure> {
    folder.enter(name).map_err(|error| match folder.stat(name) {
        Ok(stat) if stat.kind == Kind::Link => {
            let name = name.display();
            let text = format!("`{name}` is a symbolic link; the agent does not follow it");
            Failure::new(Code::SymlinkDenied, text).with_path(path)
        }
        _ => failure::of_io(&error, path),
    })
}

/// Enters a folder, making it if it is missing.
pub(crate) fn make_and_enter(
    folder: &Folder,
    name: &OsStr,
    path: &[u8],
) -> Result<Folder, Failure> {
    match folder.make(name) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(failure::of_io(&error, path)),
        _ => enter(folder, name, path),
    }
}
