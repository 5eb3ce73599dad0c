//! The manifest of a tree, whole and consistent. Not here: comparing it with what is there.

use std::collections::{HashMap, HashSet};

use windlass_protocol::path::CaseClash;
use windlass_protocol::tree::{Entry, EntryDecoder, Kind};
use windlass_protocol::{Code, Failure, RelPath};

use super::content::Stream;
use super::{Step, step};
use crate::sys;

/// Every entry in the order in which it was sent, and what each path is.
#[derive(Debug)]
pub(super) struct Manifest {
    entries: Vec<Entry>,
    /// Paths of files and links.
    leaves: HashSet<RelPath>,
    /// Paths of folders, named or implied.
    folders: HashSet<RelPath>,
}

impl Manifest {
    /// Checks that no path comes twice or lies below a file or link.
    pub(super) fn new(entries: Vec<Entry>) -> Result<Manifest, Failure> {
        if sys::IGNORES_CASE {
            let mut clash = CaseClash::new();
            entries
                .iter()
                .try_for_each(|entry| clash.insert(&entry.path))?;
        }
        let mut kinds: HashMap<&RelPath, Kind> = HashMap::with_capacity(entries.len());
        for entry in &entries {
            check_entry(entry)?;
            if kinds.insert(&entry.path, entry.kind).is_some() {
                return Err(refuse(entry, "the path comes twice in the manifest"));
            }
        }
        let mut folders = HashSet::new();
        for entry in &entries {
            if entry.kind == Kind::Dir {
                folders.insert(entry.path.clone());
            }
            let mut above = entry.path.parent();
            while let Some(path) = above.filter(|path| !path.is_root() && !folders.contains(path)) {
                if kinds.get(&path).is_some_and(|kind| *kind != Kind::Dir) {
                    return Err(refuse(entry, "the path lies below a file or link"));
                }
                above = path.parent();
                folders.insert(path);
            }
        }
        let leaf = |entry: &&Entry| entry.kind != Kind::Dir;
        let leaves = entries
            .iter()
            .filter(leaf)
            .map(|entry| entry.path.clone())
            .collect();
        Ok(Manifest {
            entries,
            leaves,
            folders,
        })
    }

    /// The files in the order of the need list.
    pub(super) fn files(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == Kind::File)
    }

    /// The links.
    pub(super) fn links(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.kind == Kind::Link)
    }

    /// The folders, named or implied, those above first.
    pub(super) fn folders(&self) -> Vec<&RelPath> {
        let mut folders: Vec<&RelPath> = self.folders.iter().collect();
        folders.sort_unstable();
        folders
    }

    /// Whether a path is a file or link of the tree.
    pub(super) fn has_leaf(&self, path: &RelPath) -> bool {
        self.leaves.contains(path)
    }

    /// Whether a path is a folder of the tree.
    pub(super) fn has_folder(&self, path: &RelPath) -> bool {
        self.folders.contains(path)
    }
}

fn check_entry(entry: &Entry) -> Result<(), Failure> {
    sys::check_path(&entry.path)?;
    match entry.kind {
        Kind::File if entry.sha256.is_none() => Err(refuse(entry, "a file needs its SHA-256")),
        Kind::Link if entry.target.is_none() => Err(refuse(entry, "a link needs its target")),
        Kind::Other => Err(refuse(entry, "a tree has only files, folders and links")),
        _ => Ok(()),
    }
}

fn refuse(entry: &Entry, why: &str) -> Failure {
    Failure::new(Code::BadRequest, why).with_path(entry.path.as_bytes())
}

/// Takes the manifest off the stream; the first bytes of the contents go back to it.
pub(super) fn receive(stream: &mut Stream<'_>) -> Step<Manifest> {
    let mut decoder = EntryDecoder::new();
    let mut entries = Vec::new();
    while !decoder.is_ended() {
        let bytes = step!(stream.next()?);
        if bytes.is_empty() {
            let text = "the stream ends inside the manifest";
            return Ok(Err(Failure::new(Code::BadRequest, text)));
        }
        decoder.push(&bytes);
        while let Some(entry) = step!(decoder.next_entry()) {
            entries.push(entry);
        }
    }
    stream.put_back(decoder.into_rest());
    Ok(Manifest::new(entries))
}
