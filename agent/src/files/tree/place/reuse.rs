//! Contents that need not come from the master because they are on this machine, and saving those
//! that are about to go. A content is checked whenever it is copied.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;

use windlass_protocol::ops::{Delete, TreePut};
use windlass_protocol::{Code, Failure};

use super::{Placer, SMALL_BYTES_MAX};
use crate::failure;
use crate::files::tree::index::Index;
use crate::files::tree::manifest::Item;
use crate::files::tree::store::Found;

/// Trees in which contents are looked for: an index of a large tree is read in a tenth of a second.
const OTHER_TREES_MAX: usize = 32;

/// Bytes copied at once.
const COPY_BYTES: usize = 262_144;

impl Placer<'_> {
    /// Looks for contents in the files of this tree and of others.
    pub(super) fn search<I: Iterator<Item = Index>>(
        &mut self,
        missing: &[Item<'_>],
        others: impl FnOnce() -> I,
    ) {
        let cache = self.store.cache;
        let contents = missing.iter().map(|item| item.sha256);
        let wanted: HashSet<_> = contents.filter(|sha256| !cache.has(sha256)).collect();
        if wanted.is_empty() {
            return;
        }
        self.store
            .search(self.old, |sha256| wanted.contains(sha256));
        for index in others().take(OTHER_TREES_MAX) {
            self.store.search(&index, |sha256| wanted.contains(sha256));
        }
    }

    /// Copies a content that is on this machine; `false` if it is not, or cannot be copied.
    pub(super) fn take_from_store(&mut self, item: Item<'_>) -> bool {
        let (mut file, is_cached) = match self.store.find(&item.sha256) {
            Some(Found::Cached(file)) => (file, true),
            Some(Found::Placed(file)) => (file, false),
            None => return false,
        };
        let placed = match item.size <= SMALL_BYTES_MAX {
            true => self.copy_small(item, &mut file),
            false => self.copy_large(item, &mut file),
        };
        if is_cached
            && placed
                .as_ref()
                .is_err_and(|failure| failure.code == Code::Checksum)
        {
            self.store.cache.drop_file(&item.sha256);
        }
        // Whatever went wrong, the master can send it.
        placed.is_ok()
    }

    fn copy_small(&mut self, item: Item<'_>, file: &mut File) -> Result<(), Failure> {
        let mut content = Vec::new();
        let read = file
            .take(item.size.saturating_add(1))
            .read_to_end(&mut content);
        read.map_err(|error| failure::of_io(&error, item.path))?;
        self.place_small(item, &content)
    }

    fn copy_large(&mut self, item: Item<'_>, file: &mut File) -> Result<(), Failure> {
        let mut writing = self.begin_large(item, 0)?;
        let mut rest = file.take(item.size);
        let mut buffer = vec![0; COPY_BYTES];
        loop {
            let count = rest.read(&mut buffer);
            match count.map_err(|error| failure::of_io(&error, item.path))? {
                0 => return self.end_large(writing),
                count => writing.write(&buffer[..count])?,
            }
        }
    }

    /// Moves files that are about to be deleted into the cache; says how many.
    pub(in super::super) fn rescue_gone(&mut self, request: &TreePut) -> u64 {
        if request.delete == Delete::None {
            return 0;
        }
        let (old, manifest) = (self.old, self.manifest);
        let kept = |path: &[u8]| {
            request.keep.iter().any(|keep| {
                let rest = path.strip_prefix(keep.as_bytes());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
            })
        };
        let mut count = 0;
        for (path, _) in old.entries() {
            if manifest.has_leaf(path) || manifest.has_folder(path) || kept(path) {
                continue;
            }
            if let Ok(name) = self.folder_of(path, false) {
                count += u64::from(self.desk().rescue(self.here(), path, name));
            }
        }
        // Windows removes no folder that somebody has open.
        self.way.clear();
        count
    }
}
