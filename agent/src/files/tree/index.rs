//! What a tree's files looked like when they were last known to be right: enough to see by one
//! look that a file is still that one. Not here: deciding what a difference means.

use std::collections::HashMap;
use std::io::{self, Write};
use std::path::Path;

use windlass_protocol::RelPath;

use crate::clock;
use crate::log::log;
use crate::sys::Stat;

/// First bytes of an index file; another version is read as no index at all.
const MAGIC: &[u8; 8] = b"WNDLTI1\n";
/// A change within the same tick of the file system's clock leaves the times as they are. Linux
/// ticks every 1 to 10 ms; a file that was changed this shortly before the index was written is
/// not trusted next time, but hashed.
const TICK_NS: i128 = 50_000_000;
/// File systems that keep whole seconds tick that slowly (FAT: two seconds).
const COARSE_TICK_NS: i128 = 2_500_000_000;
/// Bytes of one entry without its path.
const ENTRY_BYTES: usize = 32 + 8 + 16 + 16 + 8 + 4;

/// What was known about one file or link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// SHA-256 of the content; of the target for a link.
    pub(super) sha256: [u8; 32],
    size: u64,
    mtime_ns: i128,
    ctime_ns: i128,
    inode: u64,
}

impl Known {
    /// What is known about content that was seen with that stat.
    pub(super) fn new(sha256: [u8; 32], stat: &Stat) -> Known {
        let Stat {
            size,
            mtime_ns,
            ctime_ns,
            inode,
            ..
        } = *stat;
        Known {
            sha256,
            size,
            mtime_ns,
            ctime_ns,
            inode,
        }
    }

    /// Whether a file with that stat is untouched since.
    pub(super) fn is_still(&self, stat: &Stat) -> bool {
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
        self.mtime_ns.max(self.ctime_ns) + tick > now_ns
    }
}

/// All that is known about one tree.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    known: HashMap<RelPath, Known>,
}

impl Index {
    /// Reads an index; a missing or damaged one knows nothing, which only costs time.
    pub(super) fn load(path: &Path) -> Index {
        let bytes = match std::fs::read(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Index::default(),
            Err(error) => {
                log!("{}: {error}", path.display());
                return Index::default();
            }
            Ok(bytes) => bytes,
        };
        decode(&bytes).unwrap_or_else(|| {
            log!("{}: damaged; comparing contents instead", path.display());
            Index::default()
        })
    }

    /// Writes it, replacing the older one whole.
    pub(super) fn save(&self, path: &Path) -> io::Result<()> {
        let now_ns = clock::wall_ns();
        let mut bytes = MAGIC.to_vec();
        for (name, known) in &self.known {
            let mut known = *known;
            if known.is_fresh(now_ns) {
                // No file has this time: the next look hashes it.
                known.mtime_ns = i128::MIN;
            }
            encode(name, &known, &mut bytes);
        }
        let part = path.with_extension("part");
        let mut file = std::fs::File::create(&part)?;
        file.write_all(&bytes)?;
        std::fs::rename(part, path)
    }

    /// Remembers one file or link.
    pub(super) fn insert(&mut self, path: RelPath, known: Known) {
        self.known.insert(path, known);
    }

    /// What is known about a path.
    pub(super) fn get(&self, path: &RelPath) -> Option<&Known> {
        self.known.get(path)
    }

    /// Every path that was part of the tree.
    pub(super) fn paths(&self) -> impl Iterator<Item = &RelPath> {
        self.known.keys()
    }
}

fn encode(path: &RelPath, known: &Known, out: &mut Vec<u8>) {
    out.extend_from_slice(&known.sha256);
    out.extend_from_slice(&known.size.to_be_bytes());
    out.extend_from_slice(&known.mtime_ns.to_be_bytes());
    out.extend_from_slice(&known.ctime_ns.to_be_bytes());
    out.extend_from_slice(&known.inode.to_be_bytes());
    // A path has 4096 bytes at most.
    out.extend_from_slice(
        &u32::try_from(path.as_bytes().len())
            .unwrap_or(0)
            .to_be_bytes(),
    );
    out.extend_from_slice(path.as_bytes());
}

fn decode(bytes: &[u8]) -> Option<Index> {
    let mut rest = bytes.strip_prefix(MAGIC)?;
    let mut known = HashMap::with_capacity(rest.len() / (ENTRY_BYTES + 32));
    while !rest.is_empty() {
        let (sha256, after) = rest.split_first_chunk::<32>()?;
        let (size, after) = after.split_first_chunk::<8>()?;
        let (mtime, after) = after.split_first_chunk::<16>()?;
        let (ctime, after) = after.split_first_chunk::<16>()?;
        let (inode, after) = after.split_first_chunk::<8>()?;
        let (len, after) = after.split_first_chunk::<4>()?;
        let len = usize::try_from(u32::from_be_bytes(*len)).ok()?;
        let (path, after) = after.split_at_checked(len)?;
        let entry = Known {
            sha256: *sha256,
            size: u64::from_be_bytes(*size),
            mtime_ns: i128::from_be_bytes(*mtime),
            ctime_ns: i128::from_be_bytes(*ctime),
            inode: u64::from_be_bytes(*inode),
        };
        known.insert(RelPath::parse(path).ok()?, entry);
        rest = after;
    }
    Some(Index { known })
}
