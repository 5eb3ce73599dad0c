//! Questions about one path that move nothing: its content's SHA-256, and the room around it.

use super::files::{named, path_of};
use crate::boxes::{BoxError, Boxed};
use crate::error::Failure;
use crate::hex;
use crate::path::RelPath;
use crate::tree;

/// Size and SHA-256 of a file (answer: `HashResult`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hash {
    /// Which.
    pub path: RelPath,
}

/// What `hash` answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HashResult {
    /// Bytes that were read.
    pub size: u64,
    /// SHA-256 of them.
    pub sha256: [u8; 32],
}

/// Room of the file system that holds a folder (answer: `DfResult`).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Df {
    /// Which folder; the root too.
    pub path: RelPath,
}

/// What `df` answers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DfResult {
    /// Bytes that the agent may still write.
    pub disk_free: u64,
    /// Bytes of the whole.
    pub disk_total: u64,
}

impl Hash {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let path = named(pairs, "path")?;
        Ok(Self { path })
    }
}

impl HashResult {
    /// Keys `size sha256`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push_number("size", self.size);
        pairs.push("sha256", hex::encode(&self.sha256));
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        let sha256 = tree::hash_of(pairs, "sha256")?;
        Ok(Self {
            size: pairs.require_number("size")?,
            sha256: sha256.ok_or(BoxError::Missing("sha256"))?,
        })
    }
}

impl Df {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let path = path_of(pairs, "path")?;
        Ok(Self { path })
    }
}

impl DfResult {
    /// Keys `disk_free disk_total`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push_number("disk_free", self.disk_free);
        pairs.push_number("disk_total", self.disk_total);
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        Ok(Self {
            disk_free: pairs.require_number("disk_free")?,
            disk_total: pairs.require_number("disk_total")?,
        })
    }
}
