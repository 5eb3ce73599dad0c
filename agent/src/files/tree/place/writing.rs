//! Writing a small file whose content is whole: check, make, write, look. Here and nowhere else a
//! file that stands in the way is moved to the cache or removed. Not here: which thread does it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use windlass_protocol::sha256::digest;
use windlass_protocol::{Code, Failure};

use crate::failure;
use crate::files::cache::Cache;
use crate::files::remove::remove_name;
use crate::files::sparse::SparseFile;
use crate::files::tree::index::{Index, Known};
use crate::files::tree::manifest::Item;
use crate::sys::{self, Folder, Kind, OpenMode, Stat};

/// A folder of the tree, and by what name it stands in the one above.
#[derive(Debug, Clone)]
pub(super) struct Spot {
    pub(super) folder: Arc<Folder>,
    /// `None` for the tree's own folder.
    pub(super) above: Option<(Arc<Folder>, Vec<u8>)>,
}

impl Spot {
    /// Gives the owner the right to write to the folder.
    pub(super) fn open_up(&self) -> io::Result<()> {
        match &self.above {
            Some((above, name)) => above.open_up(sys::os_text(name)),
            None => Ok(()),
        }
    }
}

/// What is needed to replace files: what was known about them, and where they are kept.
#[derive(Debug, Clone, Copy)]
pub(super) struct Desk<'a> {
    pub(super) old: &'a Index,
    pub(super) cache: &'a Cache,
}

impl Desk<'_> {
    /// Checks and writes a file whose content is there.
    pub(super) fn place(
        self,
        spot: &Spot,
        item: Item<'_>,
        content: &[u8],
    ) -> Result<Known, Failure> {
        if digest(content) != item.sha256 {
            return Err(wrong_content(item));
        }
        let stat = self.write(spot, item, content);
        let stat = stat.map_err(|error| failure::of_io(&error, item.path))?;
        Ok(Known::new(item.sha256, &stat))
    }

    fn write(self, spot: &Spot, item: Item<'_>, content: &[u8]) -> io::Result<Stat> {
        let name = item.path.rsplit(|byte| *byte == b'/').next();
        let name = sys::os_text(name.unwrap_or_default());
        let here = &*spot.folder;
        let file = match here.open_file(name, OpenMode::CreateNew) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if !self.rescue(here, item.path, name) {
                    remove_name(here, name)?;
                }
                here.open_file(name, OpenMode::CreateNew)?
            }
            // A folder without the right to write in it, which a build may have left.
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                spot.open_up()?;
                remove_name(here, name)?;
                here.open_file(name, OpenMode::CreateNew)?
            }
            other => other?,
        };
        let mut file = SparseFile::new(file, 0)?;
        file.write(content)?;
        settled(file.finish()?, item.executable)
    }

    /// Moves the file that stands at a path of the tree into the cache, if it is known and
    /// untouched. Says whether the name is free now.
    pub(super) fn rescue(self, here: &Folder, path: &[u8], name: &OsStr) -> bool {
        let Some(known) = self.old.get(path) else {
            return false;
        };
        let untouched = |stat: Stat| stat.kind == Kind::File && known.is_still(&stat);
        here.stat(name).is_ok_and(untouched)
            && self.cache.keep(here, name, known.sha256, known.size)
    }
}

/// Sets the executable bit of a file that was just written, and looks at it.
fn settled(file: File, executable: bool) -> io::Result<Stat> {
    let stat = sys::stat_of(&file)?;
    if stat.executable == executable {
        return Ok(stat);
    }
    sys::set_executable(&file, executable)?;
    sys::stat_of(&file)
}

pub(super) fn wrong_content(item: Item<'_>) -> Failure {
    let text = "the content is not the one that the manifest announced";
    Failure::new(Code::Checksum, text).with_path(item.path)
}
