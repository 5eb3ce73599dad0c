//! Files of an agent over one connection: fetching one, looking at one, listing a folder.

use std::future::Future;
use std::io;

use windlass_protocol::limits::FILE_WINDOW;
use windlass_protocol::ops::{Get, GetResult, Readdir, Request, Stat, StatResult};
use windlass_protocol::sha256::Sha256;
use windlass_protocol::tree::{Entry, EntryDecoder, Kind};
use windlass_protocol::{Code, RelPath, hex};

use super::calls::{self, LinkError, Refusal};
use super::channel::{Arrival, Channel};
use super::limits::TRANSFER_SILENCE_MAX;
use super::link::Link;
use crate::storage::BlobWriter;

/// Credit given for one file: where the disk is slower than the line all of it waits in memory, so
/// it is a quarter of the usual. Two files at once still come with 130 MB/s over 60 ms.
const WINDOW: u64 = FILE_WINDOW / 4;
/// Bytes between two acknowledgements: a sixteenth of the window.
const ACKNOWLEDGE_EACH: u64 = WINDOW / 16;

/// Where the bytes of a file go, piece by piece.
pub trait ByteSink: Send {
    /// Takes the next bytes; an error ends the transfer.
    fn write(&mut self, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
}

impl ByteSink for Vec<u8> {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.extend_from_slice(bytes);
        Ok(())
    }
}

impl ByteSink for BlobWriter {
    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.append(bytes::Bytes::copy_from_slice(bytes)).await
    }
}

/// What was fetched, or stands at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFacts {
    /// Bytes.
    pub size: u64,
    /// SHA-256 of its bytes as 64 hex digits.
    pub sha256: String,
    /// Whether it may be executed.
    pub executable: bool,
}

/// What an entry of a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EntryKind {
    /// A file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link.
    Link,
    /// Anything else.
    Other,
}

/// An entry of a folder on an agent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Path below the folder that was listed, `/` between components, bytes as the system has them.
    pub path: Vec<u8>,
    /// What it is.
    pub kind: EntryKind,
    /// Bytes of a file, else 0.
    pub size: u64,
    /// Whether a file may be executed.
    pub executable: bool,
}

/// The fetching of one file, over as many connections as it takes.
pub(crate) struct FileTransfer {
    path: RelPath,
    size_max: u64,
    /// The file as it was when the first byte came.
    expect: Option<GetResult>,
    received: u64,
    sha256: Sha256,
}

impl FileTransfer {
    /// A transfer of the file at `path` (bytes, below the agent's root), refused above `size_max`
    /// bytes.
    pub(crate) fn new(path: &[u8], size_max: u64) -> Result<Self, LinkError> {
        Ok(Self {
            path: RelPath::parse(path).map_err(LinkError::argument)?,
            size_max,
            expect: None,
            received: 0,
            sha256: Sha256::new(),
        })
    }

    /// Goes on over `link` from where the last connection was cut.
    pub(crate) async fn run(
        &mut self,
        link: &Link,
        out: &mut impl ByteSink,
    ) -> Result<FileFacts, LinkError> {
        if self.expect.is_none() {
            self.expect = Some(self.look(link).await?);
        }
        let get = Get {
            path: self.path.clone(),
            max_bytes: self.size_max,
            expect: self.expect,
            // `end` names the file by the hash taken here.
            unhashed: true,
        };
        let mut channel = link.open(&Request::Get(get), self.received, WINDOW)?;
        let mut acknowledged = self.received;
        loop {
            match channel.next_within(TRANSFER_SILENCE_MAX).await? {
                Arrival::Bytes(bytes) => {
                    out.write(&bytes).await?;
                    self.sha256.update(&bytes);
                    self.received += bytes.len() as u64;
                    if self.received - acknowledged >= ACKNOWLEDGE_EACH {
                        acknowledged = self.received;
                        channel.acknowledge(self.received, self.received + WINDOW);
                    }
                }
                Arrival::End { length, sha256 } => {
                    return self.end(link, &mut channel, length, sha256).await;
                }
                Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
                Arrival::Answer(Ok(_)) => {
                    return Err(LinkError::Nonsense(
                        "a file ended without its end".to_owned(),
                    ));
                }
                Arrival::Lost => return Err(LinkError::Lost),
            }
        }
    }

    async fn look(&self, link: &Link) -> Result<GetResult, LinkError> {
        let stat = stat(link, &self.path).await?;
        Ok(GetResult {
            size: stat.size,
            mtime_ns: stat.mtime_ns,
            executable: stat.executable,
        })
    }

    /// The end of the bytes, and that the file is still the one that was begun: one that was
    /// written meanwhile may be half old and half new.
    async fn end(
        &mut self,
        link: &Link,
        channel: &mut Channel,
        length: u64,
        sha256: Option<[u8; 32]>,
    ) -> Result<FileFacts, LinkError> {
        // A cut before the answer leads here again.
        let own = self.sha256.clone().finish();
        calls::check_end((length, sha256), self.received, own)?;
        let answer = channel.answer().await?;
        let facts = GetResult::from_box(&answer).map_err(LinkError::nonsense)?;
        if Some(self.look(link).await?) != self.expect {
            return Err(LinkError::Refused(Refusal {
                code: Code::Changed.as_str(),
                text: "the file changed while it was read".to_owned(),
            }));
        }
        Ok(FileFacts {
            size: length,
            sha256: hex::encode(&own),
            executable: facts.executable,
        })
    }
}

async fn stat(link: &Link, path: &RelPath) -> Result<StatResult, LinkError> {
    let request = Stat { path: path.clone() };
    let answer = link.ask(&Request::Stat(request)).await?;
    StatResult::from_box(&answer).map_err(LinkError::nonsense)
}

/// What stands at a path; links are not followed. Its path is the one asked for.
pub(crate) async fn stat_of(link: &Link, path: &[u8]) -> Result<DirEntry, LinkError> {
    let path = RelPath::parse(path).map_err(LinkError::argument)?;
    let stat = stat(link, &path).await?;
    Ok(DirEntry {
        path: path.as_bytes().to_vec(),
        kind: kind(stat.kind),
        size: stat.size,
        executable: stat.executable,
    })
}

/// The entries of a folder, sorted by path; more than `entries_max` are refused (`too-large`).
pub(crate) async fn listing(
    link: &Link,
    folder: &str,
    recursive: bool,
    entries_max: u64,
) -> Result<Vec<DirEntry>, LinkError> {
    let request = Readdir {
        path: calls::path(folder)?,
        recursive,
        max_entries: entries_max,
    };
    let mut channel = link.open(&Request::Readdir(request), 0, WINDOW)?;
    let mut decoder = EntryDecoder::new();
    let mut entries = Vec::new();
    let mut received = 0;
    let mut sha256 = Sha256::new();
    let mut is_whole = false;
    loop {
        match channel.next_within(TRANSFER_SILENCE_MAX).await? {
            Arrival::Bytes(bytes) => {
                received += bytes.len() as u64;
                sha256.update(&bytes);
                decoder.push(&bytes);
                while let Some(entry) = decoder.next_entry().map_err(LinkError::nonsense)? {
                    entries.push(dir_entry(entry));
                }
                channel.acknowledge(received, received + WINDOW);
            }
            Arrival::End {
                length,
                sha256: said,
            } => {
                calls::check_end((length, said), received, sha256.clone().finish())?;
                is_whole = true;
            }
            Arrival::Answer(Ok(_)) if decoder.is_ended() && is_whole => return Ok(entries),
            Arrival::Answer(Ok(_)) => {
                return Err(LinkError::Nonsense(
                    "a listing ended in the middle".to_owned(),
                ));
            }
            Arrival::Answer(Err(failure)) => return Err(LinkError::Refused(failure.into())),
            Arrival::Lost => return Err(LinkError::Lost),
        }
    }
}

fn dir_entry(entry: Entry) -> DirEntry {
    DirEntry {
        path: entry.path.as_bytes().to_vec(),
        kind: kind(entry.kind),
        size: entry.size,
        executable: entry.executable,
    }
}

fn kind(kind: Kind) -> EntryKind {
    match kind {
        Kind::File => EntryKind::File,
        Kind::Dir => EntryKind::Folder,
        Kind::Link => EntryKind::Link,
        Kind::Other => EntryKind::Other,
    }
}
