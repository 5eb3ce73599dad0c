//! Operations on single paths, all below the agent's root.

use crate::boxes::{BoxError, Boxed};
use crate::error::Failure;
use crate::hex;
use crate::path::RelPath;
use crate::tree::{self, Kind};

/// Receive a file: the down stream is its content from the offset the agent's first ACK names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Put {
    /// Where it goes.
    pub path: RelPath,
    /// Bytes of the whole file.
    pub size: u64,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
    /// Whether it may be executed.
    pub executable: bool,
    /// Whether an existing file is replaced (else `exists`).
    pub replace: bool,
    /// Whether missing folders above it are made.
    pub parents: bool,
}

/// Send a file: the up stream is its content from the channel's `from`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Get {
    /// Which.
    pub path: RelPath,
    /// Refuse (`too-large`) a file of more bytes; 0 = no limit.
    pub max_bytes: u64,
    /// When resuming: size and modification time as the first answer named them, else `changed`.
    pub expect: Option<GetResult>,
    /// The content may end without its SHA-256, if it is sent from its first byte on.
    pub unhashed: bool,
}

/// What `get` answers after the content, and what a resumed `get` expects.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GetResult {
    /// Bytes of the whole file.
    pub size: u64,
    /// Modification time, nanoseconds since 1970 (0 before).
    pub mtime_ns: u64,
    /// Whether it may be executed.
    pub executable: bool,
}

/// Make a folder; one that exists is `exists` unless `parents`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mkdir {
    /// Which.
    pub path: RelPath,
    /// Make those above it too, and be content with what exists.
    pub parents: bool,
}

/// Delete a file, link or folder.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Remove {
    /// Which; the root itself is `bad-path`.
    pub path: RelPath,
    /// A folder with everything in it (else only an empty one).
    pub recursive: bool,
    /// Nothing there is success (else `not-found`).
    pub missing_ok: bool,
}

/// Move within the root.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rename {
    /// From.
    pub path: RelPath,
    /// To.
    pub to: RelPath,
    /// Whether an existing file is replaced (else `exists`).
    pub replace: bool,
}

/// Duplicate a file, or a folder with `recursive`; links are copied as links.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copy {
    /// From.
    pub path: RelPath,
    /// To; must not exist unless `replace`.
    pub to: RelPath,
    /// A folder with everything in it.
    pub recursive: bool,
    /// Whether an existing file is replaced (else `exists`).
    pub replace: bool,
}

/// Describe one path without following a link.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stat {
    /// Which.
    pub path: RelPath,
}

/// What `stat` answers.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StatResult {
    /// File, folder, link or something else.
    pub kind: Kind,
    /// Bytes of a file, else 0.
    pub size: u64,
    /// Whether a file may be executed.
    pub executable: bool,
    /// Modification time, nanoseconds since 1970 (0 before).
    pub mtime_ns: u64,
    /// Target of a link.
    pub target: Option<Vec<u8>>,
}

pub(super) fn path_of(pairs: &Boxed, key: &'static str) -> Result<RelPath, Failure> {
    RelPath::parse(pairs.require(key)?)
}

pub(super) fn named(pairs: &Boxed, key: &'static str) -> Result<RelPath, Failure> {
    let path = path_of(pairs, key)?;
    match path.is_root() {
        true => Err(Failure::new(
            crate::Code::BadPath,
            format!("`{key}` must not be the root"),
        )),
        false => Ok(path),
    }
}

impl Put {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push_number("size", self.size);
        pairs.push("sha256", hex::encode(&self.sha256));
        pairs.push_flag("x", self.executable);
        pairs.push_flag("replace", self.replace);
        pairs.push_flag("parents", self.parents);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: named(pairs, "path")?,
            size: pairs.require_number("size")?,
            sha256: tree::hash_of(pairs, "sha256")?.ok_or(BoxError::Missing("sha256"))?,
            executable: pairs.flag("x")?,
            replace: pairs.flag("replace")?,
            parents: pairs.flag("parents")?,
        })
    }
}

impl Get {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push_number("max_bytes", self.max_bytes);
        if let Some(expect) = &self.expect {
            expect.write(pairs);
        }
        if self.unhashed {
            pairs.push_flag("unhashed", true);
        }
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        let expect = pairs
            .first("size")
            .map(|_| GetResult::from_box(pairs))
            .transpose()?;
        let max_bytes = pairs.number("max_bytes")?.unwrap_or(0);
        Ok(Self {
            path: named(pairs, "path")?,
            max_bytes,
            expect,
            unhashed: pairs.flag("unhashed")?,
        })
    }
}

impl GetResult {
    fn write(&self, pairs: &mut Boxed) {
        pairs.push_number("size", self.size);
        pairs.push_number("mtime_ns", self.mtime_ns);
        pairs.push_flag("x", self.executable);
    }

    /// Keys `size mtime_ns x`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        self.write(&mut pairs);
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        Ok(Self {
            size: pairs.require_number("size")?,
            mtime_ns: pairs.require_number("mtime_ns")?,
            executable: pairs.flag("x")?,
        })
    }
}

impl Mkdir {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push_flag("parents", self.parents);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: path_of(pairs, "path")?,
            parents: pairs.flag("parents")?,
        })
    }
}

impl Remove {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push_flag("recursive", self.recursive);
        pairs.push_flag("missing_ok", self.missing_ok);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: named(pairs, "path")?,
            recursive: pairs.flag("recursive")?,
            missing_ok: pairs.flag("missing_ok")?,
        })
    }
}

impl Rename {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push("to", self.to.as_bytes());
        pairs.push_flag("replace", self.replace);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: named(pairs, "path")?,
            to: named(pairs, "to")?,
            replace: pairs.flag("replace")?,
        })
    }
}

impl Copy {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
        pairs.push("to", self.to.as_bytes());
        pairs.push_flag("recursive", self.recursive);
        pairs.push_flag("replace", self.replace);
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: named(pairs, "path")?,
            to: named(pairs, "to")?,
            recursive: pairs.flag("recursive")?,
            replace: pairs.flag("replace")?,
        })
    }
}

impl Stat {
    pub(super) fn write(&self, pairs: &mut Boxed) {
        pairs.push("path", self.path.as_bytes());
    }

    pub(super) fn read(pairs: &Boxed) -> Result<Self, Failure> {
        Ok(Self {
            path: path_of(pairs, "path")?,
        })
    }
}

impl StatResult {
    /// Keys `t size x mtime_ns l`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("t", self.kind.as_str());
        pairs.push_number("size", self.size);
        pairs.push_flag("x", self.executable);
        pairs.push_number("mtime_ns", self.mtime_ns);
        if let Some(target) = &self.target {
            pairs.push("l", target);
        }
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, BoxError> {
        Ok(Self {
            kind: tree::kind_of(pairs)?,
            size: pairs.require_number("size")?,
            executable: pairs.flag("x")?,
            mtime_ns: pairs.number("mtime_ns")?.unwrap_or(0),
            target: pairs.first("l").map(<[u8]>::to_vec),
        })
    }
}
