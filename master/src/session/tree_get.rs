//! Fetching a tree: its manifest, then the contents of its files one behind the other; over as
//! many connections as it takes.

use std::future::Future;
use std::io;

use windlass_protocol::RelPath;
use windlass_protocol::limits::FILE_WINDOW;
use windlass_protocol::ops::{ManifestId, Request, TreeGet, TreeGetResult};
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::tree::{Entry, EntryDecoder, Kind, NeedList};

use super::calls::{self, LinkError};
use super::channel::{Arrival, Channel};
use super::limits::TRANSFER_SILENCE_MAX;
use super::link::Link;
use crate::model::{TreeEntry, TreeKind};

/// Bytes between two acknowledgements: a sixteenth of the window.
const ACKNOWLEDGE_EACH: u64 = FILE_WINDOW / 16;

/// Where the files of a tree go, one after the other.
pub trait TreeSink: Send {
    /// The next file begins; nothing was written of it. Asked again for the same file when its
    /// content was not the announced one.
    fn begin(&mut self, file: &TreeEntry) -> impl Future<Output = io::Result<()>> + Send;
    /// The next bytes of the file that was begun.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// The file is whole and its SHA-256 was right.
    fn end(&mut self, file: &TreeEntry) -> impl Future<Output = io::Result<()>> + Send;
}

/// How far a tree may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeBounds {
    /// Entries at most.
    pub entries_max: u64,
    /// Bytes of all files at most.
    pub bytes_max: u64,
}

/// The fetching of one tree.
pub(crate) struct TreeTransfer {
    path: RelPath,
    bounds: TreeBounds,
    /// The manifest's, once it is whole.
    id: Option<ManifestId>,
    entries: Vec<TreeEntry>,
    /// Places of the files among the entries.
    files: Vec<usize>,
    /// Files that are whole.
    done: usize,
    /// Bytes of the next one that are here, their digest, and whether its place was made.
    have: u64,
    sha256: Sha256,
    is_begun: bool,
}

impl TreeTransfer {
    /// A transfer of the folder at `path`, refused (`too-large`) above the bounds.
    pub(crate) fn new(path: &str, bounds: TreeBounds) -> Result<Self, LinkError> {
        Ok(Self {
            path: calls::path(path)?,
            bounds,
            id: None,
            entries: Vec::new(),
            files: Vec::new(),
            done: 0,
            have: 0,
            sha256: Sha256::new(),
            is_begun: false,
        })
    }

    /// Everything in the tree, once it was fetched.
    pub(crate) fn into_entries(self) -> Vec<TreeEntry> {
        self.entries
    }

    /// Goes on over `link` from where the last connection was cut.
    pub(crate) async fn run(
        &mut self,
        link: &Link,
        sink: &mut impl TreeSink,
    ) -> Result<(), LinkError> {
        let request = TreeGet {
            path: self.path.clone(),
            max_entries: self.bounds.entries_max,
            max_bytes: self.bounds.bytes_max,
            expect: self.id,
        };
        let from = self.id.map_or(0, |id| id.size);
        let mut channel = link.open(&Request::TreeGet(request), from, FILE_WINDOW)?;
        let mut received = match self.id {
            Some(id) => id.size,
            None => self.receive_manifest(&mut channel).await?,
        };
        self.ask(&mut channel).await?;
        let mut acknowledged = from;
        loop {
            match channel.next_within(TRANSFER_SILENCE_MAX).await? {
                Arrival::Bytes(bytes) => {
                    received += bytes.len() as u64;
                    self.take(&bytes, sink).await?;
                    if received - acknowledged >= ACKNOWLEDGE_EACH {
                        acknowledged = received;
                        channel.acknowledge(received, received + FILE_WINDOW);
                    }
                }
                Arrival::End { length, sha256 } => {
                    let manifest = self.id.map_or([0; 32], |id| id.sha256);
                    calls::check_end((length, sha256), received, manifest)?;
                    // Files without bytes at the end.
                    self.take(&[], sink).await?;
                    return self.end(&mut channel).await;
                }
                Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
                Arrival::Answer(Ok(_)) => {
                    return Err(LinkError::Nonsense(
                        "a tree ended without its end".to_owned(),
                    ));
                }
                Arrival::Lost => return Err(LinkError::Lost),
            }
        }
    }

    /// Takes the manifest; says how many bytes it has.
    async fn receive_manifest(&mut self, channel: &mut Channel) -> Result<u64, LinkError> {
        let (mut decoder, mut sha256, mut received) = (EntryDecoder::new(), Sha256::new(), 0);
        let mut entries = Vec::new();
        while !decoder.is_ended() {
            let bytes = match channel.next_within(TRANSFER_SILENCE_MAX).await? {
                Arrival::Bytes(bytes) => bytes,
                Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
                Arrival::Lost => return Err(LinkError::Lost),
                Arrival::End { .. } | Arrival::Answer(Ok(_)) => {
                    let text = "a tree ended inside its manifest";
                    return Err(LinkError::Nonsense(text.to_owned()));
                }
            };
            received += bytes.len() as u64;
            sha256.update(&bytes);
            decoder.push(&bytes);
            while let Some(entry) = decoder.next_entry().map_err(LinkError::nonsense)? {
                entries.extend(tree_entry(entry)?);
                if entries.len() as u64 > self.bounds.entries_max {
                    return Err(LinkError::nonsense("more entries than were allowed"));
                }
            }
            channel.acknowledge(received, received + FILE_WINDOW);
        }
        if !decoder.into_rest().is_empty() {
            return Err(LinkError::nonsense("contents came that nobody asked for"));
        }
        let is_file = |at: &usize| matches!(entries[*at].kind, TreeKind::File { .. });
        self.files = (0..entries.len()).filter(is_file).collect();
        self.entries = entries;
        self.id = Some(ManifestId {
            size: received,
            sha256: sha256.finish(),
        });
        Ok(received)
    }

    /// Sends the need list.
    async fn ask(&self, channel: &mut Channel) -> Result<(), LinkError> {
        let mut need = NeedList::new();
        (0..self.files.len()).for_each(|at| need.push(at >= self.done));
        need.set_have(self.have);
        let bytes = need.encode();
        let end = (bytes.len() as u64, digest(&bytes));
        // What is refused or lost is told by what arrives next.
        let _ = channel.send(bytes.into()).await;
        channel.finish(end.0, end.1);
        Ok(())
    }

    /// Takes contents.
    async fn take(&mut self, mut bytes: &[u8], sink: &mut impl TreeSink) -> Result<(), LinkError> {
        while let Some(at) = self.files.get(self.done) {
            let file = &self.entries[*at];
            let TreeKind::File { size, sha256, .. } = &file.kind else {
                return Err(LinkError::nonsense("a link among files"));
            };
            if !self.is_begun {
                sink.begin(file).await?;
                self.is_begun = true;
            }
            let left = usize::try_from(size - self.have).unwrap_or(usize::MAX);
            let (now, later) = bytes.split_at(left.min(bytes.len()));
            if !now.is_empty() {
                sink.write(now).await?;
                self.sha256.update(now);
                self.have += now.len() as u64;
            }
            bytes = later;
            if self.have < *size {
                return Ok(());
            }
            let found = std::mem::take(&mut self.sha256).finish();
            (self.have, self.is_begun) = (0, false);
            if found != *sha256 {
                return Err(LinkError::nonsense("a file is not what its manifest says"));
            }
            sink.end(file).await?;
            self.done += 1;
        }
        match bytes.is_empty() {
            true => Ok(()),
            false => Err(LinkError::nonsense("bytes follow after the last file")),
        }
    }

    async fn end(&mut self, channel: &mut Channel) -> Result<(), LinkError> {
        let answer = channel.answer().await?;
        let result = TreeGetResult::from_box(&answer).map_err(LinkError::nonsense)?;
        if self.done != self.files.len() || result.files != self.files.len() as u64 {
            return Err(LinkError::nonsense("a tree ended before its last file"));
        }
        Ok(())
    }
}

/// The entry as the rest of the master knows it; none for a folder.
fn tree_entry(entry: Entry) -> Result<Option<TreeEntry>, LinkError> {
    let kind = match (entry.kind, entry.sha256, entry.target) {
        (Kind::Dir, ..) => return Ok(None),
        (Kind::File, Some(sha256), _) => TreeKind::File {
            executable: entry.executable,
            size: entry.size,
            sha256,
            object: String::new(),
        },
        (Kind::Link, _, Some(target)) => TreeKind::Link { target },
        _ => return Err(LinkError::nonsense("an entry that no manifest has")),
    };
    Ok(Some(TreeEntry {
        path: entry.path.as_bytes().to_vec(),
        kind,
    }))
}
