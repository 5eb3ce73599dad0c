//! Operations on whole folders: `tree_put` and `readdir`. Their streams are in `tree`.

use super::files::{named, path_of};
use crate::boxes::{BoxError, Boxed};
use crate::error::Failure;
use crate::path::RelPath;

/// What happens to files of the folder that the manifest does not name.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Delete {
    /// They go: the folder becomes exactly the tree.
    #[default]
    Extra,
    /// Only those go that an earlier `tree_put` brought; products of a build stay.
    Tracked,
    /// They stay.
    None,
}

/// Receive a tree; manifest and contents are the down stream, the need list is the up stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreePut {
    /// The folder that becomes the tree; made, with those above it, if missing.
    pub path: RelPath,
    /// What happens to the rest.
    pub delete: Delete,
    /// Paths below `path` that `Delete::Extra` leaves alone with everything below them: folders of
    /// other trees.
    pub keep: Vec<RelPath>,
}

/// What `tree_put` did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TreePutResult {
    /// Files in the tree.
    pub files: u64,
    /// Bytes of content that came over the wire.
    pub bytes: u64,
    /// Files that were there already.
    pub reused: u64,
    /// Files, links and folders that were deleted.
    pub deleted: u64,
}

/// List a folder, sorted by path bytes; the up stream is a listing of `tree` entries.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Readdir {
    /// Which.
    pub path: RelPath,
    /// With everything below; links are not followed.
    pub recursive: bool,
    /// Entries at most, else `too-large`.
    pub max_entries: u64,
}

impl TreePut {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        let delete = match self.delete {
            Delete::Extra => "extra",
            Delete::Tracked => "tracked",
            Delete::None => "none",
        };
        pairs.push("delete", delete);
        for path in &self.keep {
            pairs.push("keep", path.as_bytes());
        }
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let delete = match pairs.text("delete")? {
            None | Some("extra") => Delete::Extra,
            Some("tracked") => Delete::Tracked,
            Some("none") => Delete::None,
            Some(_) => return Err(BoxError::BadValue("delete", "extra, tracked or none").into()),
        };
        let keep = pairs.all("keep").map(RelPath::parse);
        Ok(Self {
            path: named(pairs, "path")?,
            delete,
            keep: keep.collect::<Result<_, _>>()?,
        })
    }
}

impl TreePutResult {
    /// Keys `files bytes reused deleted`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push_number("files", self.files);
        pairs.push_number("bytes", self.bytes);
        pairs.push_number("reused", self.reused);
        pairs.push_number("deleted", self.deleted);
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        Ok(Self {
            files: pairs.require_number("files")?,
            bytes: pairs.require_number("bytes")?,
            reused: pairs.require_number("reused")?,
            deleted: pairs.number("deleted")?.unwrap_or(0),
        })
    }
}

impl Readdir {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push_flag("recursive", self.recursive);
        pairs.push_number("max_entries", self.max_entries);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: path_of(pairs, "path")?,
            recursive: pairs.flag("recursive")?,
            max_entries: pairs.require_number("max_entries")?,
        })
    }
}
