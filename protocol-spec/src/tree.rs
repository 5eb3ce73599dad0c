//! Entries of a manifest (`tree_put`, `tree_get`) and of a listing (`readdir`), read and written as a
//! stream; in `need` the list that answers a manifest. Walking folders is not done here.

mod need;

pub use need::NeedList;

use crate::boxes::{BoxError, Boxed};
use crate::error::{Code, Failure};
use crate::hex;
use crate::limits;
use crate::path::RelPath;

/// What stands at a path.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// A file.
    File,
    /// A folder.
    Dir,
    /// A symbolic link.
    Link,
    /// Anything else; never in a manifest.
    Other,
}

impl Kind {
    /// The letter on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::File => "f",
            Self::Dir => "d",
            Self::Link => "l",
            Self::Other => "o",
        }
    }
}

/// One entry.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Where, below the root of the tree; never the root itself.
    pub path: RelPath,
    /// Whether a file may be executed.
    pub executable: bool,
    /// Bytes of a file, else 0.
    pub size: u64,
    /// SHA-256 of a file's content: always in a manifest, never in a listing.
    pub sha256: Option<[u8; 32]>,
    /// Modification time in a listing, nanoseconds since 1970.
    pub mtime_ns: Option<u64>,
    /// Target of a link, as bytes, stored as given.
    pub target: Option<Vec<u8>>,
}

impl Entry {
    /// A file of a manifest.
    pub fn file(path: RelPath, executable: bool, size: u64, sha256: [u8; 32]) -> Self {
        let sha256 = Some(sha256);
        Self {
            kind: Kind::File,
            path,
            executable,
            size,
            sha256,
            mtime_ns: None,
            target: None,
        }
    }

    /// A folder.
    pub fn dir(path: RelPath) -> Self {
        Self::plain(Kind::Dir, path, None)
    }

    /// A link.
    pub fn link(path: RelPath, target: Vec<u8>) -> Self {
        Self::plain(Kind::Link, path, Some(target))
    }

    fn plain(kind: Kind, path: RelPath, target: Option<Vec<u8>>) -> Self {
        Self {
            kind,
            path,
            executable: false,
            size: 0,
            sha256: None,
            mtime_ns: None,
            target,
        }
    }

    /// Keys `t p x s h m l`.
    pub fn to_box(&self) -> Boxed {
        let mut pairs = Boxed::new();
        pairs.push("t", self.kind.as_str());
        pairs.push("p", self.path.as_bytes());
        if self.kind == Kind::File {
            pairs.push_flag("x", self.executable);
            pairs.push_number("s", self.size);
        }
        if let Some(hash) = &self.sha256 {
            pairs.push("h", hex::encode(hash));
        }
        if let Some(mtime) = self.mtime_ns {
            pairs.push_number("m", mtime);
        }
        if let Some(target) = &self.target {
            pairs.push("l", target);
        }
        pairs
    }

    /// Reads `to_box`.
    pub fn from_box(pairs: &Boxed) -> Result<Self, Failure> {
        pairs.check_understood(&[])?;
        let kind = kind_of(pairs)?;
        let path = RelPath::parse(pairs.require("p")?)?;
        if path.is_root() {
            return Err(Failure::new(
                Code::BadPath,
                "an entry must not be the root of its tree",
            ));
        }
        let mut entry = Self::plain(kind, path, None);
        if kind == Kind::File {
            entry.executable = pairs.flag("x")?;
            entry.size = pairs.require_number("s")?;
            entry.sha256 = hash_of(pairs, "h")?;
        }
        if kind == Kind::Link {
            let target = pairs.require("l")?;
            if target.is_empty() || target.len() > limits::PATH_BYTES_MAX || target.contains(&0) {
                return Err(BoxError::BadValue("l", "1 to 4096 bytes without NUL").into());
            }
            entry.target = Some(target.to_vec());
        }
        entry.mtime_ns = pairs.number("m")?;
        Ok(entry)
    }

    /// Appends the entry to a stream: `u32 length | box`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let bytes = self.to_box().encode();
        out.extend_from_slice(&(bytes.len() as u32).to_be_bytes());
        out.extend_from_slice(&bytes);
    }
}

/// Appends the end mark of a manifest or listing: a length of zero.
pub fn encode_end(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0; 4]);
}

/// Reads entries from pieces of a stream.
#[derive(Default, Debug)]
pub struct EntryDecoder {
    /// Bytes that are not yet a whole entry, from `at` on.
    buffer: Vec<u8>,
    /// Where the next entry begins in `buffer`.
    at: usize,
    /// Entries read so far.
    count: u64,
    /// Whether the end mark was read.
    ended: bool,
}

impl EntryDecoder {
    /// At the beginning of a stream.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next piece of the stream, of any length.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole entry; `None` means more bytes are needed, or the end (see `is_ended`).
    pub fn next_entry(&mut self) -> Result<Option<Entry>, Failure> {
        let rest = &self.buffer[self.at..];
        let Some((length, rest)) = rest.split_first_chunk::<4>() else {
            return Ok(None);
        };
        if self.ended {
            return Ok(None);
        }
        let length = u32::from_be_bytes(*length) as usize;
        if length == 0 {
            self.ended = true;
            self.at += 4;
            return Ok(None);
        }
        if length > limits::ENTRY_BYTES_MAX || self.count == limits::ENTRIES_MAX {
            return Err(Failure::new(
                Code::TooLarge,
                "an entry or the tree is above the limit",
            ));
        }
        let Some(bytes) = rest.get(..length) else {
            return Ok(None);
        };
        let entry = Entry::from_box(&Boxed::decode(bytes)?)?;
        self.at += 4 + length;
        self.count += 1;
        Ok(Some(entry))
    }

    /// Whether the end mark was read.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// The bytes after the end mark: the first contents. Only after `is_ended`.
    pub fn into_rest(mut self) -> Vec<u8> {
        self.buffer.split_off(self.at)
    }
}

pub(crate) fn kind_of(pairs: &Boxed) -> Result<Kind, BoxError> {
    match pairs.require("t")? {
        b"f" => Ok(Kind::File),
        b"d" => Ok(Kind::Dir),
        b"l" => Ok(Kind::Link),
        b"o" => Ok(Kind::Other),
        _ => Err(BoxError::BadValue("t", "f, d, l or o")),
    }
}

pub(crate) fn hash_of(pairs: &Boxed, key: &'static str) -> Result<Option<[u8; 32]>, BoxError> {
    let Some(value) = pairs.first(key) else {
        return Ok(None);
    };
    hex::decode_array(value)
        .map(Some)
        .ok_or(BoxError::BadValue(key, "64 lower-case hex digits"))
}

#[cfg(test)]
mod tests;
