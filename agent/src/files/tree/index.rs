//! What a tree's files looked like when they were last known to be right: enough to see by one
//! look that a file is still that one. Not here: deciding what a difference means.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use windlass_protocol::RelPath;

use crate::clock;
use crate::log::log;
use crate::sys::Stat;

/// First bytes of an index file; another version is read as no index at all.
const MAGIC: &[u8; 8] = b"WNDLTI3\n";
/// A change within the same tick of the file system's clock leaves the times as they are. Linux
/// ticks every 1 to 10 ms; a file that was changed this shortly before the index was written is
/// not trusted next time, but hashed.
const TICK_NS: i128 = 50_000_000;
/// File systems that keep whole seconds tick that slowly (FAT: two seconds).
const COARSE_TICK_NS: i128 = 2_500_000_000;
/// Bytes of one entry in front of its path.
const HEAD_BYTES: usize = 32 + 8 + 8 + 8 + 8 + 2;

/// What was known about one file or link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    /// SHA-256 of the content; of the target for a link.
    pub(crate) sha256: [u8; 32],
    pub(crate) size: u64,
    /// Nanoseconds since 1970; what lies outside of 64 bits is at their end.
    mtime_ns: i64,
    ctime_ns: i64,
    inode: u64,
}

impl Known {
    /// What is known about content that was seen with that stat.
    pub(crate) fn new(sha256: [u8; 32], stat: &Stat) -> Known {
        let nanos = |time: i128| i64::try_from(time).unwrap_or(i64::MAX);
        Known {
            sha256,
            size: stat.size,
            mtime_ns: nanos(stat.mtime_ns),
            ctime_ns: nanos(stat.ctime_ns),
            inode: stat.inode,
        }
    }

    /// Whether a file with that stat is untouched since.
    pub(crate) fn is_still(&self, stat: &Stat) -> bool {
        *self == Known::new(self.sha256, stat)
    }

    /// Whether it changed so shortly before `now_ns` that its times prove nothing.
    fn is_fresh(&self, now_ns: i128) -> bool {
        let whole_seconds = self.mtime_ns % 1_000_000_000 == 0;
        let tick = if whole_seconds {
            COARSE_TICK_NS
        } else {
            TICK_NS
        };
        i128::from(self.mtime_ns.max(self.ctime_ns)) + tick > now_ns
    }

    fn encode(&self, path: &[u8], out: &mut Vec<u8>) {
        out.extend_from_slice(&self.sha256);
        out.extend_from_slice(&self.size.to_be_bytes());
        out.extend_from_slice(&self.mtime_ns.to_be_bytes());
        out.extend_from_slice(&self.ctime_ns.to_be_bytes());
        out.extend_from_slice(&self.inode.to_be_bytes());
        // A path has 4096 bytes at most.
        let len = u16::try_from(path.len()).unwrap_or(0);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(path);
    }

    /// Reads one entry; gives its path and what follows it.
    fn decode(bytes: &[u8]) -> Option<(Known, &[u8], &[u8])> {
        let (sha256, rest) = bytes.split_first_chunk::<32>()?;
        let (size, rest) = rest.split_first_chunk::<8>()?;
        let (mtime, rest) = rest.split_first_chunk::<8>()?;
        let (ctime, rest) = rest.split_first_chunk::<8>()?;
        let (inode, rest) = rest.split_first_chunk::<8>()?;
        let (len, rest) = rest.split_first_chunk::<2>()?;
        let (path, rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
        let known = Known {
            sha256: *sha256,
            size: u64::from_be_bytes(*size),
            mtime_ns: i64::from_be_bytes(*mtime),
            ctime_ns: i64::from_be_bytes(*ctime),
            inode: u64::from_be_bytes(*inode),
        };
        Some((known, path, rest))
    }
}

/// Bytes at the begin of an index file that hold the tree's folder.
pub(super) const TREE_MAX: u64 = 8 + 2 + 4096;

/// The tree's folder below the root, from the first bytes of an index file.
pub(super) fn tree_in(head: &[u8]) -> Option<&[u8]> {
    let (len, rest) = head.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
    rest.get(..u16::from_be_bytes(*len).into())
}

/// All that is known about one tree: the file's bytes as they are, so that two million entries
/// take little more memory than room on the disk.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Index {
    /// The tree's folder below the root.
    tree: Vec<u8>,
    bytes: Vec<u8>,
    /// Where each entry begins, in the order of their paths.
    starts: Vec<usize>,
}

impl Index {
    /// Reads an index; a missing or damaged one knows nothing, which only costs time.
    pub(crate) fn load(path: &Path) -> Index {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Index::default(),
            Err(error) => {
                log!("{}: {error}", path.display());
                return Index::default();
            }
            Ok(bytes) => bytes,
        };
        read(bytes).unwrap_or_else(|| {
            log!("{}: damaged; comparing contents instead", path.display());
            Index::default()
        })
    }

    /// The tree's folder below the root; empty if nothing is known.
    pub(crate) fn tree(&self) -> &[u8] {
        &self.tree
    }

    /// What is known about a path.
    pub(crate) fn get(&self, path: &[u8]) -> Option<Known> {
        let found = self.starts.binary_search_by(|start| {
            self.bytes[start + HEAD_BYTES..]
                .get(..self.path_len(*start))
                .unwrap_or_default()
                .cmp(path)
        });
        let start = self.starts[found.ok()?];
        Known::decode(&self.bytes[start..]).map(|(known, ..)| known)
    }

    fn path_len(&self, start: usize) -> usize {
        let len = self.bytes[start + HEAD_BYTES - 2..].first_chunk::<2>();
        len.map_or(0, |len| u16::from_be_bytes(*len).into())
    }

    /// Every path that was part of the tree, sorted, and what is known about it.
    pub(crate) fn entries(&self) -> impl DoubleEndedIterator<Item = (&[u8], Known)> {
        let entry = |start: &usize| Known::decode(&self.bytes[*start..]);
        self.starts
            .iter()
            .filter_map(entry)
            .map(|(known, path, _)| (path, known))
    }
}

/// Writes the index of the tree in that folder, replacing the older one whole. The paths come
/// sorted.
pub(super) fn save<'a>(
    path: &Path,
    tree: &[u8],
    entries: impl Iterator<Item = (&'a [u8], Known)>,
) -> io::Result<()> {
    let now_ns = clock::wall_ns();
    let part = path.with_extension("part");
    let mut file = BufWriter::new(File::create(&part)?);
    file.write_all(MAGIC)?;
    // A path has 4096 bytes at most.
    file.write_all(&u16::try_from(tree.len()).unwrap_or(0).to_be_bytes())?;
    file.write_all(tree)?;
    let mut bytes = Vec::new();
    for (name, mut known) in entries {
        if known.is_fresh(now_ns) {
            // No file has this time: the next look hashes it.
            known.mtime_ns = i64::MIN;
        }
        bytes.clear();
        known.encode(name, &mut bytes);
        file.write_all(&bytes)?;
    }
    file.flush()?;
    std::fs::rename(part, path)
}

/// Checks that every entry is whole, its path proper and behind the one before.
fn read(bytes: Vec<u8>) -> Option<Index> {
    let (len, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
    let (tree, mut rest) = rest.split_at_checked(u16::from_be_bytes(*len).into())?;
    let tree = tree.to_vec();
    let mut starts = Vec::with_capacity(rest.len() / (HEAD_BYTES + 32));
    let mut last: &[u8] = b"";
    while !rest.is_empty() {
        starts.push(bytes.len() - rest.len());
        let (_, path, after) = Known::decode(rest)?;
        if path <= last || RelPath::parse(path).is_err() {
            return None;
        }
        (last, rest) = (path, after);
    }
    Some(Index {
        tree,
        bytes,
        starts,
    })
}
