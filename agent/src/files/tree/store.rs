//! Contents that are on this machine already: in the cache, or in a file of this tree or another
//! that is untouched. Not here: putting them in their place.

use std::collections::HashMap;
use std::fs::File;
use std::io;

use windlass_protocol::RelPath;

use super::index::{Index, Known};
use crate::files::cache::Cache;
use crate::root::Root;
use crate::sys::{self, Kind, OpenMode};

/// Where contents may be found.
pub(super) struct Store<'a> {
    root: &'a Root,
    pub(super) cache: &'a Cache,
    /// Untouched files by what they contain.
    files: HashMap<[u8; 32], (RelPath, Known)>,
}

/// A content that was found; it is to be checked.
pub(super) enum Found {
    /// In the cache.
    Cached(File),
    /// A file of a tree.
    Placed(File),
}

impl<'a> Store<'a> {
    /// Only the cache, so far.
    pub(super) fn new(root: &'a Root, cache: &'a Cache) -> Store<'a> {
        Store {
            root,
            cache,
            files: HashMap::new(),
        }
    }

    /// Looks for those contents in the files of a tree.
    pub(super) fn search(&mut self, index: &Index, wanted: impl Fn(&[u8; 32]) -> bool) {
        let Ok(top) = RelPath::parse(index.tree()) else {
            return;
        };
        for (path, known) in index.entries().filter(|(_, known)| wanted(&known.sha256)) {
            if known.size == 0 || self.files.contains_key(&known.sha256) {
                continue;
            }
            if let Ok(path) = RelPath::parse(path).and_then(|path| path.below(&top)) {
                self.files.insert(known.sha256, (path, known));
            }
        }
    }

    /// Opens a content, if it is anywhere.
    pub(super) fn find(&self, sha256: &[u8; 32]) -> Option<Found> {
        if let Some(file) = self.cache.open_file(sha256) {
            return Some(Found::Cached(file));
        }
        let (path, known) = self.files.get(sha256)?;
        self.open(path, known).ok().flatten().map(Found::Placed)
    }

    /// Opens a file if it is untouched.
    fn open(&self, path: &RelPath, known: &Known) -> io::Result<Option<File>> {
        let Ok((folder, name)) = self.root.parent(path) else {
            return Ok(None);
        };
        if folder.stat(&name)?.kind != Kind::File {
            return Ok(None);
        }
        let file = folder.open_file(&name, OpenMode::Read)?;
        Ok(known.is_still(&sys::stat_of(&file)?).then_some(file))
    }
}
