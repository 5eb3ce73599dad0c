//! The folder itself. Only symbolic links are ever made or removed in it, and only below it: a
//! file or folder that a person put there stays.

use std::fs;
use std::io;
use std::path::{Component, Path, PathBuf};

use crate::db::products::links::Link;
use crate::storage::Blobs;

/// Entries of one folder that are looked at; a version has tens, a branch some thousands.
const ENTRIES_MAX: usize = 1_000_000;

/// The folder of links and the store that they lead to.
#[derive(Clone)]
pub(super) struct Tree {
    pub(super) folder: PathBuf,
    pub(super) blobs: Blobs,
}

/// What stands in one folder, by paths below the whole.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) links: Vec<String>,
    pub(super) folders: Vec<PathBuf>,
}

impl Tree {
    /// Makes or removes one link.
    pub(super) fn put_right(&self, link: &Link) -> io::Result<()> {
        let path = Path::new(&link.path);
        let is_below = |part| matches!(part, Component::Normal(_));
        if !path.components().all(is_below) || path.as_os_str().is_empty() {
            return Err(io::Error::other(format!(
                "`{}` is no path below by-name",
                link.path
            )));
        }
        match link.is_wanted {
            true => self.make(path, &link.sha256),
            false => self.remove(path),
        }
    }

    fn make(&self, path: &Path, sha256: &str) -> io::Result<()> {
        let target = self.target(path, sha256)?;
        let place = self.folder.join(path);
        match fs::symlink_metadata(&place) {
            Ok(there) if !there.is_symlink() => return Ok(()),
            Ok(_) if fs::read_link(&place)? == target => return Ok(()),
            Ok(_) => fs::remove_file(&place)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent)?;
        }
        symlink(&target, &place)
    }

    /// Where the link leads: up out of the folder, then down into the store.
    fn target(&self, path: &Path, sha256: &str) -> io::Result<PathBuf> {
        let stored = self.blobs.path(sha256)?;
        let base = self.folder.parent().unwrap_or(&self.folder);
        let Ok(below) = stored.strip_prefix(base) else {
            return Ok(stored);
        };
        let mut target = PathBuf::new();
        for _ in path.components() {
            target.push("..");
        }
        Ok(target.join(below))
    }

    /// Removes a link, and the folders above it that are empty then.
    fn remove(&self, path: &Path) -> io::Result<()> {
        let place = self.folder.join(path);
        match fs::symlink_metadata(&place) {
            Ok(there) if there.is_symlink() => fs::remove_file(&place)?,
            Ok(_) => return Ok(()),
            Err(error) if is_missing(&error) => return Ok(()),
            Err(error) => return Err(error),
        }
        let mut above = path.parent();
        while let Some(folder) = above.filter(|folder| !folder.as_os_str().is_empty()) {
            if fs::remove_dir(self.folder.join(folder)).is_err() {
                // Something is left in it.
                break;
            }
            above = folder.parent();
        }
        Ok(())
    }

    /// The links and folders of one folder.
    pub(super) fn list(&self, folder: &Path) -> io::Result<Listed> {
        let mut listed = Listed::default();
        let entries = match fs::read_dir(self.folder.join(folder)) {
            Err(error) if is_missing(&error) => return Ok(listed),
            entries => entries?,
        };
        for entry in entries.take(ENTRIES_MAX) {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                listed.folders.push(path);
            } else if kind.is_symlink()
                && let Some(path) = path.to_str()
            {
                listed.links.push(path.to_owned());
            }
        }
        Ok(listed)
    }

    /// Removes those of the links at `paths` that no row of `known` wants.
    pub(super) fn keep_only(&self, known: &[Link], paths: &[String]) -> io::Result<()> {
        for path in paths {
            let is_known = known
                .iter()
                .any(|link| link.is_wanted && link.path == *path);
            if !is_known {
                self.remove(Path::new(path))?;
            }
        }
        Ok(())
    }
}

/// A file where a folder was expected is somebody's own, and nothing of ours is below it.
fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

#[cfg(unix)]
fn symlink(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(windows)]
fn symlink(target: &Path, place: &Path) -> io::Result<()> {
    std::os::windows::fs::symlink_file(target, place)
}
