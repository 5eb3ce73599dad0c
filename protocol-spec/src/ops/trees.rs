//! Operations on whole folders: `tree_put`, `tree_get` and `readdir`. Their streams are in `tree`.

use super::files::{named, path_of};
use crate::boxes::{BoxError, Boxed};
use crate::error::Failure;
use crate::hex;
use crate::path::RelPath;
use crate::tree::hash_of;

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

/// Size and SHA-256 of a whole manifest, its end mark included: which tree it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ManifestId {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

/// Receive a tree; manifest and contents are the down stream, the need list is the up stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreePut {
    /// The folder that becomes the tree; made, with those above it, if missing.
    pub path: RelPath,
    /// Which manifest comes; an agent that still has it lets the stream begin behind it.
    pub manifest: ManifestId,
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

/// Send a tree; manifest and contents are the up stream, the need list is the down stream.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TreeGet {
    /// The folder; the root too.
    pub path: RelPath,
    /// Entries at most, else `too-large`.
    pub max_entries: u64,
    /// Refuse (`too-large`) files of more bytes altogether; 0 = no limit.
    pub max_bytes: u64,
    /// When resuming behind the manifest: the one that came, else `changed`.
    pub expect: Option<ManifestId>,
}

/// What `tree_get` answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct TreeGetResult {
    /// Files in the tree.
    pub files: u64,
    /// Bytes of content that were sent on this channel.
    pub bytes: u64,
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

impl ManifestId {
    fn write(&self, pairs: &mut Boxed) {
        pairs.push_number("manifest_size", self.size);
        pairs.push("manifest_sha256", hex::encode(&self.sha256));
    }

    /// The manifest a request names, if it names one.
    fn read(pairs: &Boxed) -> Result<Option<Self>, BoxError> {
        let Some(size) = pairs.number("manifest_size")? else {
            return Ok(None);
        };
        let sha256 = hash_of(pairs, "manifest_sha256")?;
        let sha256 = sha256.ok_or(BoxError::Missing("manifest_sha256"))?;
        Ok(Some(Self { size, sha256 }))
    }
}

impl TreePut {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        self.manifest.write(pairs);
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
            manifest: ManifestId::read(pairs)?.ok_or(BoxError::Missing("manifest_size"))?,
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

impl TreeGet {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push_number("max_entries", self.max_entries);
        pairs.push_number("max_bytes", self.max_bytes);
        if let Some(expect) = &self.expect {
            expect.write(pairs);
        }
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: path_of(pairs, "path")?,
            max_entries: pairs.require_number("max_entries")?,
            max_bytes: pairs.number("max_bytes")?.unwrap_or(0),
            expect: ManifestId::read(pairs)?,
        })
    }
}

impl TreeGetResult {
    /// Keys `files bytes`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push_number("files", self.files);
        pairs.push_number("bytes", self.bytes);
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        Ok(Self {
            files: pairs.require_number("files")?,
            bytes: pairs.require_number("bytes")?,
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
