//! Deleting what a tree's folder holds beyond the tree. Not here: the tree itself.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::io;

use windlass_protocol::ops::{Delete, TreePut};
use windlass_protocol::{Failure, RelPath};

use super::index::Index;
use super::manifest::Manifest;
use crate::failure;
use crate::files::remove::remove_name;
use crate::root::{self, names};
use crate::sys::{self, Folder, Kind};

/// Deletes as asked. Returns how many names went.
pub(super) fn remove(
    top: &Folder,
    manifest: &Manifest,
    old: &Index,
    request: &TreePut,
) -> Result<u64, Failure> {
    match request.delete {
        Delete::None => Ok(0),
        Delete::Extra => remove_extra(top, manifest, &Kept::new(&request.keep), &RelPath::root()),
        Delete::Tracked => remove_tracked(top, manifest, old),
    }
}

/// What stays though the manifest does not name it.
struct Kept<'a> {
    paths: &'a [RelPath],
    /// The folders above them.
    above: HashSet<RelPath>,
}

impl<'a> Kept<'a> {
    fn new(paths: &'a [RelPath]) -> Self {
        let mut above = HashSet::new();
        for path in paths {
            let mut at = path.parent();
            while let Some(folder) = at {
                at = folder.parent();
                above.insert(folder);
            }
        }
        Self { paths, above }
    }
}

/// Deletes everything that the manifest does not name and nobody wants kept. Only folders of the
/// manifest and those above kept ones are entered, which are as deep as paths are long.
fn remove_extra(
    folder: &Folder,
    manifest: &Manifest,
    kept: &Kept<'_>,
    at: &RelPath,
) -> Result<u64, Failure> {
    let io = |error: io::Error| failure::of_io(&error, at.as_bytes());
    let mut removed = 0;
    for listed in folder.list().map_err(io)? {
        let path = RelPath::parse(sys::os_bytes(&listed.name)).and_then(|name| name.below(at));
        match path {
            Ok(path) if manifest.has_leaf(path.as_bytes()) || kept.paths.contains(&path) => {}
            Ok(path)
                if manifest.has_folder(path.as_bytes())
                    || kept.above.contains(&path) && is_folder(folder, &listed.name) =>
            {
                if !folder.stat(&listed.name).map_err(io)?.owner_full {
                    // A build may have taken its own rights away.
                    folder.open_up(&listed.name).map_err(io)?;
                }
                let inside = root::enter(folder, &listed.name, path.as_bytes())?;
                removed += remove_extra(&inside, manifest, kept, &path)?;
            }
            // A path too long for the protocol is certainly not in the manifest.
            Ok(_) | Err(_) => removed += remove_name(folder, &listed.name).map_err(io)?,
        }
    }
    Ok(removed)
}

fn is_folder(folder: &Folder, name: &OsStr) -> bool {
    folder
        .stat(name)
        .is_ok_and(|stat| stat.kind == Kind::Folder)
}

/// Deletes what an earlier tree brought and this one does not, and folders that are empty then.
fn remove_tracked(top: &Folder, manifest: &Manifest, old: &Index) -> Result<u64, Failure> {
    let mut removed = 0;
    // Backwards: what lies deeper goes first, so that folders become empty.
    let gone = old.entries().rev().map(|(path, _)| path);
    for path in gone.filter(|path| !manifest.has_leaf(path) && !manifest.has_folder(path)) {
        let path = &RelPath::parse(path)?;
        let mut wanted = names(path);
        let name = wanted.pop().unwrap_or_default();
        let Ok(folder) = root::walk_names(top, &wanted, path.as_bytes()) else {
            continue;
        };
        let is_leaf = folder
            .stat(&name)
            .is_ok_and(|stat| stat.kind != Kind::Folder);
        if is_leaf {
            let gone = remove_name(&folder, &name);
            removed += gone.map_err(|error| failure::of_io(&error, path.as_bytes()))?;
        }
        removed += remove_empty_above(top, manifest, path, wanted);
    }
    Ok(removed)
}

fn remove_empty_above(
    top: &Folder,
    manifest: &Manifest,
    path: &RelPath,
    mut above: Vec<OsString>,
) -> u64 {
    let mut removed = 0;
    let mut at = path.parent();
    let stays = |at: &RelPath| manifest.has_folder(at.as_bytes());
    while let (Some(folder), Some(name)) = (at.filter(|at| !stays(at)), above.pop()) {
        let holder = root::walk_names(top, &above, folder.as_bytes());
        // A folder that is not empty stays, and so do those above it.
        if !holder.is_ok_and(|holder| holder.unlink_folder(&name).is_ok()) {
            break;
        }
        removed += 1;
        at = folder.parent();
    }
    removed
}
