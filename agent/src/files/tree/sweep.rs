//! What is remembered about trees and is of no use any more: of trees that are gone, of tries
//! that were given up, and the oldest beyond a number. Not here: remembering it.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use windlass_protocol::{Code, RelPath};

use super::index;
use crate::log::log;
use crate::root::Root;

/// Kept manifests: each only saves sending it again, and a machine works on a few trees at once.
pub(super) const MANIFESTS_MAX: usize = 64;
/// Indexes of trees that are there: more than the builders of any master times their levels.
pub(super) const INDEXES_MAX: usize = 4_096;

/// Removes what is of no use from the folder of indexes. `all`: nobody writes there now, so halves
/// of files go too.
pub(super) fn sweep(folder: &Path, root: &Root, all: bool) {
    let (mut manifests, mut indexes) = (Vec::new(), Vec::new());
    for found in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = found.path();
        let changed = found.metadata().and_then(|stat| stat.modified());
        let changed = changed.unwrap_or(SystemTime::UNIX_EPOCH);
        match path.extension().and_then(|kind| kind.to_str()) {
            Some("manifest") => manifests.push((changed, path)),
            Some("index") if is_gone(root, &path) => remove(&path),
            Some("index") => indexes.push((changed, path)),
            Some("part" | "manifest-part") if all => remove(&path),
            _ => {}
        }
    }
    keep_newest(manifests, MANIFESTS_MAX);
    keep_newest(indexes, INDEXES_MAX);
}

/// Whether the folder of that index's tree is surely not there any more.
fn is_gone(root: &Root, path: &Path) -> bool {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(index::TREE_MAX).read_to_end(&mut head));
    let tree = read.ok().and_then(|_| index::tree_in(&head));
    // One that cannot be read is looked at, and told of, by who needs it.
    let Some(Ok(tree)) = tree.map(RelPath::parse) else {
        return false;
    };
    matches!(root.walk(&tree), Err(failure) if failure.code == Code::NotFound)
}

fn keep_newest(mut found: Vec<(SystemTime, PathBuf)>, most: usize) {
    found.sort_unstable();
    let old = found.len().saturating_sub(most);
    found[..old].iter().for_each(|(_, path)| remove(path));
}

/// What stays wastes a little room, no more.
fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != ErrorKind::NotFound
    {
        log!("{}: {error}", path.display());
    }
}
