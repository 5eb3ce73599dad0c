//! Removing a name and everything below it, whatever a build has left: folders without rights,
//! links, trees deeper than a process may have files open. Never follows a link.

#[cfg(test)]
mod tests;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};

use windlass_protocol::hex;

use crate::sys::{self, Folder, Kind};

/// Folders held open at once. Deeper ones are moved up first; a process may have 1024 files
/// open on a common system, and several removals may run at once.
const DEPTH_MAX: usize = 64;

/// What remains to do: names moved into the top folder because they were too deep.
struct Removal<'a> {
    top: &'a Folder,
    moved: Vec<OsString>,
    removed: u64,
}

/// Removes a name in a folder; one that is missing is no error. Returns how many names went.
pub(crate) fn remove_name(folder: &Folder, name: &OsStr) -> io::Result<u64> {
    let mut removal = Removal {
        top: folder,
        moved: Vec::new(),
        removed: 0,
    };
    removal.remove(folder, name, 0)?;
    while let Some(moved) = removal.moved.pop() {
        removal.remove(folder, &moved, 0)?;
    }
    Ok(removal.removed)
}

impl Removal<'_> {
    fn remove(&mut self, folder: &Folder, name: &OsStr, depth: usize) -> io::Result<()> {
        let stat = match folder.stat(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        if stat.kind != Kind::Folder {
            absent_is_fine(folder.unlink(name))?;
            self.removed += 1;
            return Ok(());
        }
        if depth == DEPTH_MAX {
            return self.move_up(folder, name);
        }
        if !stat.owner_full {
            folder.open_up(name)?;
        }
        self.empty(folder, name, depth)?;
        absent_is_fine(folder.unlink_folder(name))?;
        self.removed += 1;
        Ok(())
    }

    /// Removes everything in the folder `name`.
    fn empty(&mut self, folder: &Folder, name: &OsStr, depth: usize) -> io::Result<()> {
        let inside = folder.enter(name)?;
        for listed in inside.list()? {
            self.remove(&inside, &listed.name, depth + 1)?;
        }
        Ok(())
    }

    fn move_up(&mut self, folder: &Folder, name: &OsStr) -> io::Result<()> {
        // Drawn, so that it is free whatever an interrupted removal has left, and short.
        let mut random = [0; 16];
        sys::fill_random(&mut random)?;
        let moved = OsString::from(format!(".removing-{}", hex::encode(&random)));
        // Its rights do not matter later, and renaming a folder needs the right to write to it.
        folder.open_up(name)?;
        folder.rename(name, self.top, &moved)?;
        self.moved.push(moved);
        Ok(())
    }
}

fn absent_is_fine(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
