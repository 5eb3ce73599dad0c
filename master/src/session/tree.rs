//! Delivering a tree over one connection: the manifest, then only the contents the agent lacks.

use std::io;

use bytes::{Buf as _, Bytes, BytesMut};
use tokio::sync::mpsc;
use windlass_protocol::limits::{DATA_BYTES_MAX, ENTRY_BYTES_MAX};
use windlass_protocol::ops::{Delete, ManifestId, Request, TreePut, TreePutResult};
use windlass_protocol::sha256::{Sha256, digest};
use windlass_protocol::tree::{self, Entry, NeedList};
use windlass_protocol::{Boxed, RelPath};

use super::calls::{self, LinkError};
use super::channel::{Arrival, Channel};
use super::limits::TRANSFER_SILENCE_MAX;
use super::link::Link;
use crate::model::{TreeEntry, TreeKind, TreeStats};

/// Where the contents of a tree come from.
pub trait TreeContents: Send + Sync {
    /// The contents of the entries of these indices, rising, one behind the other without
    /// anything between. The channel ends after the last byte.
    fn open(&self, wanted: Vec<usize>) -> mpsc::Receiver<io::Result<Bytes>>;
}

/// Where a tree goes, and what becomes of what is there already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TreePlace {
    /// Folder below the agent's root.
    pub folder: String,
    /// Only what an earlier tree brought is deleted, and what commands made stays; else the folder
    /// becomes exactly the tree.
    pub keeps_output: bool,
    /// Paths below the folder that stay in any case: folders of other trees.
    pub keep: Vec<String>,
}

/// Our stream: bytes are counted as they go.
struct Outgoing {
    channel: Channel,
    length: u64,
    /// Bytes that went over the wire.
    sent: u64,
}

impl Outgoing {
    /// `false` when the agent has answered already, takes nothing for too long, or the connection
    /// is gone.
    async fn send(&mut self, bytes: Bytes) -> bool {
        self.length += bytes.len() as u64;
        self.sent += bytes.len() as u64;
        let sent = tokio::time::timeout(TRANSFER_SILENCE_MAX, self.channel.send(bytes));
        sent.await.unwrap_or(false)
    }
}

/// Delivers the tree of `entries` to `place`.
pub(crate) async fn tree_put(
    link: &Link,
    place: &TreePlace,
    entries: &[TreeEntry],
    contents: &impl TreeContents,
) -> Result<TreeStats, LinkError> {
    let files: Vec<usize> = (0..entries.len())
        .filter(|index| matches!(entries[*index].kind, TreeKind::File { .. }))
        .collect();
    let manifest = sum(entries).await?;
    let request = request(place, manifest)?;
    let need_bytes = NeedList::encoded_len(files.len() as u64);
    let mut channel = link.open(&Request::TreePut(request), 0, need_bytes)?;
    let begin = channel.begin().await?;
    let mut out = Outgoing {
        channel,
        length: 0,
        sent: 0,
    };
    if begin == manifest.size {
        // The agent has kept it.
        out.length = manifest.size;
    } else if begin != 0 {
        let text = format!("a manifest was wanted from {begin} on");
        return Err(LinkError::Nonsense(text));
    } else if !send_manifest(&mut out, entries).await? {
        return Err(refused(&mut out.channel).await);
    }
    let need = receive_need(&mut out.channel, files.len()).await?;
    let wanted: Vec<usize> = files
        .iter()
        .zip(need.iter())
        .filter_map(|(index, needed)| needed.then_some(*index))
        .collect();
    let sent_files = wanted.len() as u64;
    let answer = deliver(&mut out, entries, &manifest, wanted, need.have(), contents).await?;
    let result = TreePutResult::from_box(&answer).map_err(LinkError::nonsense)?;
    if result.files != files.len() as u64 {
        return Err(LinkError::Nonsense(
            "the agent counts other files".to_owned(),
        ));
    }
    Ok(TreeStats {
        entries: entries.len() as u64,
        sent_files,
        sent_bytes: out.sent,
        total_bytes: entries.iter().map(size_of).sum(),
    })
}

fn request(place: &TreePlace, manifest: ManifestId) -> Result<TreePut, LinkError> {
    let keep = place.keep.iter().map(|path| calls::path(path));
    Ok(TreePut {
        path: calls::path(&place.folder)?,
        manifest,
        delete: match place.keeps_output {
            true => Delete::Tracked,
            false => Delete::Extra,
        },
        keep: keep.collect::<Result<_, _>>()?,
    })
}

fn size_of(entry: &TreeEntry) -> u64 {
    match entry.kind {
        TreeKind::File { size, .. } => size,
        TreeKind::Link { .. } => 0,
    }
}

/// The manifest, in pieces of about a frame.
struct Pieces<'a> {
    entries: std::slice::Iter<'a, TreeEntry>,
    ended: bool,
}

impl<'a> Pieces<'a> {
    fn new(entries: &'a [TreeEntry]) -> Self {
        Self {
            entries: entries.iter(),
            ended: false,
        }
    }
}

impl Iterator for Pieces<'_> {
    type Item = Result<Vec<u8>, LinkError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut piece = Vec::with_capacity(DATA_BYTES_MAX + ENTRY_BYTES_MAX);
        while piece.len() < DATA_BYTES_MAX {
            let Some(entry) = self.entries.next() else {
                tree::encode_end(&mut piece);
                self.ended = true;
                break;
            };
            match wire_entry(entry) {
                Ok(entry) => entry.encode(&mut piece),
                Err(error) => return Some(Err(error)),
            }
        }
        Some(Ok(piece))
    }
}

fn wire_entry(entry: &TreeEntry) -> Result<Entry, LinkError> {
    let path = RelPath::parse(&entry.path).map_err(LinkError::argument)?;
    Ok(match &entry.kind {
        TreeKind::File {
            executable,
            size,
            sha256,
            ..
        } => Entry::file(path, *executable, *size, *sha256),
        TreeKind::Link { target } => Entry::link(path, target.clone()),
    })
}

/// Size and digest of a manifest. It is made twice rather than held, because it may be large.
async fn sum(entries: &[TreeEntry]) -> Result<ManifestId, LinkError> {
    let (mut size, mut sha256) = (0, Sha256::new());
    for piece in Pieces::new(entries) {
        let piece = piece?;
        size += piece.len() as u64;
        sha256.update(&piece);
        // Others have their turn while a large one is made.
        tokio::task::yield_now().await;
    }
    let sha256 = sha256.finish();
    Ok(ManifestId { size, sha256 })
}

async fn send_manifest(out: &mut Outgoing, entries: &[TreeEntry]) -> Result<bool, LinkError> {
    for piece in Pieces::new(entries) {
        if !out.send(Bytes::from(piece?)).await {
            return Ok(false);
        }
    }
    Ok(true)
}

async fn receive_need(channel: &mut Channel, files: usize) -> Result<NeedList, LinkError> {
    let mut bytes = Vec::with_capacity(files.div_ceil(8));
    loop {
        match channel.next_within(TRANSFER_SILENCE_MAX).await? {
            Arrival::Bytes(piece) => bytes.extend(piece),
            Arrival::End { length, sha256 } => {
                calls::check_end((length, sha256), bytes.len() as u64, digest(&bytes))?;
                return NeedList::decode(&bytes, files).map_err(LinkError::nonsense);
            }
            Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
            Arrival::Answer(Ok(_)) => {
                return Err(LinkError::Nonsense(
                    "a tree was answered too early".to_owned(),
                ));
            }
            Arrival::Lost => return Err(LinkError::Lost),
        }
    }
}

async fn deliver(
    out: &mut Outgoing,
    entries: &[TreeEntry],
    manifest: &ManifestId,
    wanted: Vec<usize>,
    have: u64,
    contents: &impl TreeContents,
) -> Result<Boxed, LinkError> {
    let promised: u64 = wanted.iter().map(|index| size_of(&entries[*index])).sum();
    let first = wanted.first().map_or(0, |index| size_of(&entries[*index]));
    if have > first {
        let text = format!("{have} bytes of a file of {first} bytes are there");
        return Err(LinkError::Nonsense(text));
    }
    let mut sent = 0;
    if promised > have {
        let mut source = contents.open(wanted);
        // Small files are joined, so that frames are full.
        let mut piece = BytesMut::with_capacity(DATA_BYTES_MAX);
        while let Some(bytes) = source.recv().await {
            let mut bytes = bytes?;
            let skipped = have.saturating_sub(sent).min(bytes.len() as u64);
            sent += bytes.len() as u64;
            if sent > promised {
                break;
            }
            // Less than the piece has.
            bytes.advance(usize::try_from(skipped).unwrap_or(0));
            let whole = match bytes.len() < DATA_BYTES_MAX || !piece.is_empty() {
                true => {
                    piece.extend_from_slice(&bytes);
                    match piece.len() >= DATA_BYTES_MAX {
                        true => std::mem::take(&mut piece).freeze(),
                        false => continue,
                    }
                }
                false => bytes,
            };
            if !out.send(whole).await {
                return Err(refused(&mut out.channel).await);
            }
        }
        if sent != promised {
            let text = format!("the tree's contents have {sent} bytes, its entries {promised}");
            return Err(LinkError::Local(io::Error::other(text)));
        }
        if !piece.is_empty() && !out.send(piece.freeze()).await {
            return Err(refused(&mut out.channel).await);
        }
    }
    out.channel.finish(out.length, manifest.sha256);
    out.channel.answer().await
}

/// Why the agent does not want the rest.
async fn refused(channel: &mut Channel) -> LinkError {
    match channel.answer().await {
        Ok(_) => LinkError::Nonsense("a tree was answered too early".to_owned()),
        Err(error) => error,
    }
}
