//! Putting a tree's files, folders and links in their places, and finding out which are there
//! already. Every file is written beside and renamed over. Not here: where the bytes come from.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind, Write};

use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::tree::{Entry, NeedList};
use windlass_protocol::{Code, Failure, RelPath};

use super::index::{Index, Known};
use super::manifest::Manifest;
use crate::failure;
use crate::files::hash_file;
use crate::files::remove::remove_name;
use crate::root::names;
use crate::sys::{self, Folder, Kind, OpenMode};

/// Where a file of the tree is written before it is renamed. One at a time is written, and
/// whatever is left under this name by an interrupted try is replaced.
const PART_NAME: &str = ".windlass-tree.part";

/// The tree's folder, and the way to the folder worked in last, which is mostly the next one's.
pub(super) struct Placer<'a> {
    top: &'a Folder,
    manifest: &'a Manifest,
    old: &'a Index,
    new: Index,
    /// Names and handles from the top to the folder worked in last.
    way: Vec<(OsString, Folder)>,
    bytes_written: u64,
}

/// A file being written.
pub(super) struct Writing<'a> {
    entry: &'a Entry,
    file: File,
    sha256: Sha256,
}

impl Writing<'_> {
    /// Takes the next bytes of the content.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sha256.update(bytes);
        let written = self.file.write_all(bytes);
        written.map_err(|error| failure::of_io(&error, self.entry.path.as_bytes()))
    }
}

impl<'a> Placer<'a> {
    /// Nothing is placed yet.
    pub(super) fn new(
        top: &'a Folder,
        manifest: &'a Manifest,
        old: &'a Index,
    ) -> Result<Self, Failure> {
        remove_name(top, OsStr::new(PART_NAME)).map_err(|error| failure::of_io(&error, b""))?;
        let new = Index::default();
        Ok(Placer {
            top,
            manifest,
            old,
            new,
            way: Vec::new(),
            bytes_written: 0,
        })
    }

    /// Bytes of content that were written.
    pub(super) fn bytes_written(&self) -> u64 {
        self.bytes_written
    }

    /// What is known about the tree as it was placed.
    pub(super) fn into_index(self) -> Index {
        self.new
    }

    /// Opens the folder that holds a path, going on from the last one; `make` puts folders where
    /// there are none, in place of whatever else is there.
    fn folder_of(&mut self, path: &RelPath, make: bool) -> io::Result<OsString> {
        let mut wanted = names(path);
        let last = wanted.pop().unwrap_or_default();
        let shared = self
            .way
            .iter()
            .zip(&wanted)
            .take_while(|((have, _), want)| have == *want);
        let shared = shared.count();
        self.way.truncate(shared);
        for name in wanted.drain(shared..) {
            let here = self.here();
            let inside = match here.enter(&name) {
                Ok(inside) => inside,
                Err(error) if !make => return Err(error),
                Err(_) => {
                    make_folder(here, &name)?;
                    here.enter(&name)?
                }
            };
            self.way.push((name, inside));
        }
        Ok(last)
    }

    /// The folder worked in last.
    fn here(&self) -> &Folder {
        self.way.last().map_or(self.top, |(_, folder)| folder)
    }

    /// Compares every file with what is there. What is right already is set right in its
    /// executable bit and remembered.
    pub(super) fn find_needed(&mut self) -> Result<NeedList, Failure> {
        let mut need = NeedList::new();
        for entry in self.manifest.files() {
            let present = self.keep_present(entry);
            need.push(!present.map_err(|error| failure::of_io(&error, entry.path.as_bytes()))?);
        }
        Ok(need)
    }

    /// Whether the file is there with the right content.
    fn keep_present(&mut self, entry: &Entry) -> io::Result<bool> {
        let Ok(name) = self.folder_of(&entry.path, false) else {
            return Ok(false);
        };
        let Ok(mut stat) = self.here().stat(&name) else {
            return Ok(false);
        };
        let Some(wanted) = entry.sha256 else {
            return Ok(false);
        };
        if stat.kind != Kind::File || stat.size != entry.size {
            return Ok(false);
        }
        let known = self
            .old
            .get(&entry.path)
            .filter(|known| known.is_still(&stat));
        if known.is_some_and(|known| known.sha256 != wanted) {
            return Ok(false);
        }
        let mode_is_right = stat.executable == entry.executable;
        if known.is_none() || !mode_is_right {
            let Ok(mut file) = self.here().open_file(&name, OpenMode::Read) else {
                return Ok(false);
            };
            if known.is_none() {
                let mut sha256 = Sha256::new();
                hash_file(&mut file, stat.size.saturating_add(1), &mut sha256)?;
                if sha256.finish() != wanted {
                    return Ok(false);
                }
            }
            sys::set_executable(&file, entry.executable)?;
            stat = sys::stat_of(&file)?;
        }
        self.new
            .insert(entry.path.clone(), Known::new(wanted, &stat));
        Ok(true)
    }

    /// Makes every folder of the tree.
    pub(super) fn make_folders(&mut self) -> Result<(), Failure> {
        for path in self.manifest.folders() {
            let made = self.folder_of(path, true).and_then(|name| {
                if self
                    .here()
                    .stat(&name)
                    .is_ok_and(|stat| stat.kind == Kind::Folder)
                {
                    return Ok(());
                }
                make_folder(self.here(), &name)
            });
            made.map_err(|error| failure::of_io(&error, path.as_bytes()))?;
        }
        Ok(())
    }

    /// Begins to write a file.
    pub(super) fn begin_file<'e>(&self, entry: &'e Entry) -> Result<Writing<'e>, Failure> {
        let file = self
            .top
            .open_file(OsStr::new(PART_NAME), OpenMode::CreateNew);
        let file = file.map_err(|error| failure::of_io(&error, entry.path.as_bytes()))?;
        Ok(Writing {
            entry,
            file,
            sha256: Sha256::new(),
        })
    }

    /// Checks a written file and puts it in its place.
    pub(super) fn end_file(&mut self, writing: Writing<'_>) -> Result<(), Failure> {
        let Writing {
            entry,
            file,
            sha256,
        } = writing;
        let found = sha256.finish();
        if entry.sha256 != Some(found) {
            let text = "the content is not the one that the manifest announced";
            return Err(Failure::new(Code::Checksum, text).with_path(entry.path.as_bytes()));
        }
        let placed = self.put_in_place(entry, &file);
        let stat = placed.map_err(|error| failure::of_io(&error, entry.path.as_bytes()))?;
        self.bytes_written += entry.size;
        self.new
            .insert(entry.path.clone(), Known::new(found, &stat));
        Ok(())
    }

    fn put_in_place(&mut self, entry: &Entry, file: &File) -> io::Result<sys::Stat> {
        sys::set_executable(file, entry.executable)?;
        let name = self.folder_of(&entry.path, true)?;
        let part = OsStr::new(PART_NAME);
        match self.top.rename(part, self.here(), &name) {
            // A folder stands where the file belongs.
            Err(error) if matches!(error.kind(), ErrorKind::IsADirectory) => {
                remove_name(self.here(), &name)?;
                self.top.rename(part, self.here(), &name)?;
            }
            // A folder without the right to write in it, which a build may have left.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                self.open_up_here()?;
                self.top.rename(part, self.here(), &name)?;
            }
            other => other?,
        }
        sys::stat_of(file)
    }

    /// Gives the owner the right to write to the folder worked in last.
    fn open_up_here(&self) -> io::Result<()> {
        let Some(((name, _), above)) = self.way.split_last() else {
            return Ok(());
        };
        above
            .last()
            .map_or(self.top, |(_, folder)| folder)
            .open_up(name)
    }

    /// Makes every link, after everything else: nothing was ever written through one.
    pub(super) fn make_links(&mut self) -> Result<(), Failure> {
        for entry in self.manifest.links() {
            let made = self.make_link(entry);
            made.map_err(|error| failure::of_io(&error, entry.path.as_bytes()))?;
        }
        Ok(())
    }

    fn make_link(&mut self, entry: &Entry) -> io::Result<()> {
        let target = entry.target.as_deref().unwrap_or_default();
        let name = self.folder_of(&entry.path, true)?;
        let here = self.here();
        if !here
            .read_link(&name)
            .is_ok_and(|there| sys::os_bytes(&there) == target)
        {
            remove_name(here, &name)?;
            here.link(sys::os_text(target), &name)?;
        }
        let stat = here.stat(&name)?;
        self.new
            .insert(entry.path.clone(), Known::new(digest(target), &stat));
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
