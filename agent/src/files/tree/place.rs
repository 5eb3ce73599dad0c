//! Putting a tree's files, folders and links in their places, and finding out which are there
//! already. In `reuse` what is taken from this machine instead of the master. Not here: where the
//! other bytes come from.

mod reuse;
mod writers;
mod writing;

use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::thread::Scope;

use windlass_protocol::Failure;
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::tree::{Kind as EntryKind, NeedList};

use super::index::{Index, Known};
use super::manifest::{Item, Manifest};
use super::part;
use super::store::Store;
use crate::failure;
use crate::files::hash_file;
use crate::files::remove::remove_name;
use crate::files::sparse::SparseFile;
use crate::sys::{self, Folder, Kind, OpenMode, Stat};
pub(super) use writers::{Bench, Writers};
use writing::{Desk, Spot, wrong_content};

/// Files up to this size are taken whole, checked, and then written into their place at once; of
/// a larger one a part stays when the connection goes. 1 MiB is a few milliseconds of any line.
pub(super) const SMALL_BYTES_MAX: u64 = 1024 * 1024;

/// The tree's folder, and the way to the folder worked in last, which is mostly the next one's.
pub(super) struct Placer<'a> {
    top: Arc<Folder>,
    manifest: &'a Manifest,
    old: &'a Index,
    store: Store<'a>,
    /// What is known about each entry as it was placed.
    new: Vec<Option<Known>>,
    /// Names and handles from the top to the folder worked in last.
    way: Vec<(Vec<u8>, Arc<Folder>)>,
}

/// A large file being written.
pub(super) struct Writing<'a> {
    item: Item<'a>,
    part: OsString,
    file: SparseFile,
    sha256: Sha256,
}

impl Writing<'_> {
    /// Takes the next bytes of the content.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sha256.update(bytes);
        let written = self.file.write(bytes);
        written.map_err(|error| failure::of_io(&error, self.item.path))
    }
}

impl<'a> Placer<'a> {
    /// Nothing is placed yet.
    pub(super) fn new(
        top: Folder,
        manifest: &'a Manifest,
        old: &'a Index,
        store: Store<'a>,
    ) -> Self {
        Placer {
            top: Arc::new(top),
            manifest,
            old,
            store,
            new: vec![None; manifest.len()],
            way: Vec::new(),
        }
    }

    /// What is known about the tree as it was placed, sorted by path.
    pub(super) fn known(&self) -> impl Iterator<Item = (&'a [u8], Known)> {
        let known = |item: Item<'a>| Some((item.path, self.new[item.number]?));
        self.manifest.sorted().filter_map(known)
    }

    /// Opens the folder that holds a path, going on from the last one; `make` puts folders where
    /// there are none, in place of whatever else is there.
    fn folder_of<'p>(&mut self, path: &'p [u8], make: bool) -> io::Result<&'p OsStr> {
        let mut names = path.split(|byte| *byte == b'/');
        let last = names.next_back().unwrap_or_default();
        let mut depth = 0;
        for name in names {
            if self.way.get(depth).is_some_and(|(have, _)| have == name) {
                depth += 1;
                continue;
            }
            self.way.truncate(depth);
            let here = self.here();
            let text = sys::os_text(name);
            let inside = match here.enter(text) {
                Ok(inside) => inside,
                Err(error) if !make => return Err(error),
                Err(_) => {
                    make_folder(here, text)?;
                    here.enter(text)?
                }
            };
            self.way.push((name.to_owned(), Arc::new(inside)));
            depth += 1;
        }
        self.way.truncate(depth);
        Ok(sys::os_text(last))
    }

    /// The folder worked in last.
    fn here(&self) -> &Arc<Folder> {
        self.way.last().map_or(&self.top, |(_, folder)| folder)
    }

    /// Compares every file with what is there. What is right already is set right in its
    /// executable bit and remembered; what is elsewhere on this machine, in `others` too, is
    /// copied. Of what an earlier try has left, only the part of the first file that is needed
    /// stays.
    pub(super) fn find_needed<I: Iterator<Item = Index>>(
        &mut self,
        others: impl FnOnce() -> I,
    ) -> Result<NeedList, Failure> {
        let manifest = self.manifest;
        let mut missing = Vec::new();
        let mut absent: &[u8] = b"";
        for item in manifest.files() {
            let present = self.keep_present(item, &mut absent);
            if !present.map_err(|error| failure::of_io(&error, item.path))? {
                missing.push(item);
            }
        }
        self.search(&missing, others);
        missing.retain(|item| !self.take_from_store(*item));
        let mut still = missing.iter().map(|item| item.number).peekable();
        let mut need = NeedList::new();
        for item in manifest.files() {
            need.push(still.next_if_eq(&item.number).is_some());
        }
        let first = missing.first();
        let first = first.map(|item| (item.sha256, item.size));
        let have = part::keep_only(&self.top, first);
        need.set_have(have.map_err(|error| failure::of_io(&error, b""))?);
        Ok(need)
    }

    /// Whether the file is there with the right content. `absent` is a folder that is not, with
    /// its slash; what is below it need not be looked for.
    fn keep_present(&mut self, item: Item<'a>, absent: &mut &'a [u8]) -> io::Result<bool> {
        if !absent.is_empty() && item.path.starts_with(absent) {
            return Ok(false);
        }
        let Ok(name) = self.folder_of(item.path, false) else {
            // Where it failed.
            let mut names = item.path.split_inclusive(|byte| *byte == b'/');
            let len = names
                .by_ref()
                .take(self.way.len() + 1)
                .map(<[u8]>::len)
                .sum();
            *absent = &item.path[..len];
            return Ok(false);
        };
        let Ok(mut stat) = self.here().stat(name) else {
            return Ok(false);
        };
        if stat.kind != Kind::File || stat.size != item.size {
            return Ok(false);
        }
        let known = self.old.get(item.path);
        let known = known.filter(|known| known.is_still(&stat));
        if known.is_some_and(|known| known.sha256 != item.sha256) {
            return Ok(false);
        }
        let mode_is_right = stat.executable == item.executable;
        if known.is_none() || !mode_is_right {
            let Ok(mut file) = self.here().open_file(name, OpenMode::Read) else {
                return Ok(false);
            };
            if known.is_none() {
                let mut sha256 = Sha256::new();
                hash_file(&mut file, stat.size.saturating_add(1), &mut sha256)?;
                if sha256.finish() != item.sha256 {
                    return Ok(false);
                }
            }
            sys::set_executable(&file, item.executable)?;
            stat = sys::stat_of(&file)?;
        }
        self.new[item.number] = Some(Known::new(item.sha256, &stat));
        Ok(true)
    }

    /// Makes every folder that the manifest names; those of files are made with the files.
    pub(super) fn make_folders(&mut self) -> Result<(), Failure> {
        let manifest = self.manifest;
        for item in manifest.items().filter(|item| item.kind == EntryKind::Dir) {
            let made = self.folder_of(item.path, true).and_then(|name| {
                let is_there = |stat: Stat| stat.kind == Kind::Folder;
                if self.here().stat(name).is_ok_and(is_there) {
                    return Ok(());
                }
                make_folder(self.here(), name)
            });
            made.map_err(|error| failure::of_io(&error, item.path))?;
        }
        Ok(())
    }

    /// Checks and writes a file whose content is there.
    pub(super) fn place_small(&mut self, item: Item<'_>, content: &[u8]) -> Result<(), Failure> {
        let way = self.folder_of(item.path, true);
        way.map_err(|error| failure::of_io(&error, item.path))?;
        let known = self.desk().place(&self.spot(), item, content)?;
        self.new[item.number] = Some(known);
        Ok(())
    }

    fn desk(&self) -> Desk<'a> {
        Desk {
            old: self.old,
            cache: self.store.cache,
        }
    }

    /// The folder worked in last, to be worked in elsewhere.
    fn spot(&self) -> Spot {
        let above = self.way.split_last().map(|((name, _), above)| {
            let above = above.last().map_or(&self.top, |(_, folder)| folder);
            (Arc::clone(above), name.clone())
        });
        Spot {
            folder: Arc::clone(self.here()),
            above,
        }
    }

    /// Threads to which small files are given; none yet.
    pub(super) fn writers<'s>(
        &self,
        scope: &'s Scope<'s, 'a>,
        bench: &'a Bench,
    ) -> Writers<'s, 'a> {
        Writers::new(scope, bench, self.desk(), self.manifest)
    }

    /// Gives a small file, whose content the writers have, to them; its folder is there then.
    pub(super) fn pass_small(
        &mut self,
        writers: &mut Writers<'_, '_>,
        item: Item<'_>,
    ) -> Result<(), Failure> {
        let way = self.folder_of(item.path, true);
        way.map_err(|error| failure::of_io(&error, item.path))?;
        let is_here = |spot: &Spot| Arc::ptr_eq(&spot.folder, self.here());
        if !writers.last_spot().is_some_and(is_here) {
            writers.go_to(self.spot());
        }
        writers.push(item)
    }

    /// Remembers what the writers wrote.
    pub(super) fn remember(&mut self, written: Vec<(usize, Known)>) {
        for (number, known) in written {
            self.new[number] = Some(known);
        }
    }

    /// Begins to write a large file behind the bytes that are there.
    pub(super) fn begin_large<'i>(
        &self,
        item: Item<'i>,
        have: u64,
    ) -> Result<Writing<'i>, Failure> {
        let part = part::name(&item.sha256);
        let mut sha256 = Sha256::new();
        let opened = part::open(&self.top, &part, have, &mut sha256);
        Ok(Writing {
            item,
            part,
            file: opened.map_err(|error| failure::of_io(&error, item.path))?,
            sha256,
        })
    }

    /// Checks a large file and puts it in its place.
    pub(super) fn end_large(&mut self, writing: Writing<'_>) -> Result<(), Failure> {
        let Writing {
            item, part, file, ..
        } = writing;
        if writing.sha256.finish() != item.sha256 {
            // What is there cannot become the file any more.
            let removed = remove_name(&self.top, &part);
            removed.map_err(|error| failure::of_io(&error, item.path))?;
            return Err(wrong_content(item));
        }
        let placed = self.rename_part(item, &part, file);
        let stat = placed.map_err(|error| failure::of_io(&error, item.path))?;
        self.new[item.number] = Some(Known::new(item.sha256, &stat));
        Ok(())
    }

    fn rename_part(&mut self, item: Item<'_>, part: &OsStr, file: SparseFile) -> io::Result<Stat> {
        let file = file.finish()?;
        sys::set_executable(&file, item.executable)?;
        let name = self.folder_of(item.path, true)?;
        self.desk().rescue(self.here(), item.path, name);
        match self.top.rename(part, self.here(), name) {
            // A folder stands where the file belongs.
            Err(error) if error.kind() == ErrorKind::IsADirectory => {
                remove_name(self.here(), name)?;
                self.top.rename(part, self.here(), name)?;
            }
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.spot().open_up()?;
                self.top.rename(part, self.here(), name)?;
            }
            other => other?,
        }
        sys::stat_of(&file)
    }

    /// Makes every link, after everything else: nothing was ever written through one.
    pub(super) fn make_links(&mut self) -> Result<(), Failure> {
        let manifest = self.manifest;
        for item in manifest.items().filter(|item| item.kind == EntryKind::Link) {
            let made = self.make_link(item);
            made.map_err(|error| failure::of_io(&error, item.path))?;
        }
        Ok(())
    }

    fn make_link(&mut self, item: Item<'_>) -> io::Result<()> {
        let name = self.folder_of(item.path, true)?;
        let here = self.here();
        if !here
            .read_link(name)
            .is_ok_and(|there| sys::os_bytes(&there) == item.target)
        {
            remove_name(here, name)?;
            here.link(sys::os_text(item.target), name)?;
        }
        let stat = here.stat(name)?;
        self.new[item.number] = Some(Known::new(digest(item.target), &stat));
        Ok(())
    }
}

/// Makes a folder in place of whatever else has that name. A folder that is there stays with what
/// is in it, which may be files that the master was told are there.
pub(super) fn make_folder(folder: &Folder, name: &OsStr) -> io::Result<()> {
    match folder.stat(name) {
        // A build may have taken its own rights away.
        Ok(stat) if stat.kind == Kind::Folder && !stat.owner_full => folder.open_up(name),
        Ok(stat) if stat.kind == Kind::Folder => Ok(()),
        Ok(_) => {
            remove_name(folder, name)?;
            folder.make(name)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => folder.make(name),
        Err(error) => Err(error),
    }
}
