//! The stream of a `tree_put` as it comes: credit, its end, and the cutting of the contents into
//! files. Not here: what the entries of the manifest mean.

use windlass_protocol::tree::NeedList;
use windlass_protocol::{Code, Failure, limits};

use super::manifest::Manifest;
use super::place::{Bench, Placer, SMALL_BYTES_MAX, Writers};
use super::{Step, step};
use crate::files::ACK_BYTES;
use crate::session::port::{Gone, Inbound, Port};

/// The bytes of the master, in order.
pub(super) struct Stream<'a> {
    port: &'a Port,
    /// Bytes that came.
    received: u64,
    /// Bytes that were taken.
    taken: u64,
    /// Bytes that the master was told about.
    told: u64,
    /// SHA-256 of the manifest, which stands in the end too: contents have their own.
    manifest: [u8; 32],
    /// The last piece that came, from `at` on not taken yet.
    piece: Vec<u8>,
    at: usize,
    ended: Option<(u64, [u8; 32])>,
}

impl<'a> Stream<'a> {
    /// Opens the stream of that manifest for a first window behind `from` bytes.
    pub(super) fn open(port: &'a Port, from: u64, manifest: [u8; 32]) -> Result<Stream<'a>, Gone> {
        port.acknowledge(from, from.saturating_add(limits::FILE_WINDOW))?;
        Ok(Stream {
            port,
            received: from,
            taken: from,
            told: from,
            manifest,
            piece: Vec::new(),
            at: 0,
            ended: None,
        })
    }

    /// Bytes that were taken, those of earlier connections included.
    pub(super) fn taken(&self) -> u64 {
        self.taken
    }

    /// The next bytes, one or more and at most `most`; empty at the end, which was the right one.
    pub(super) fn next(&mut self, most: u64) -> Step<&[u8]> {
        if self.at == self.piece.len() && !step!(self.fetch()?) {
            return Ok(Ok(&[]));
        }
        let rest = &self.piece[self.at..];
        let count = usize::try_from(most).unwrap_or(rest.len()).min(rest.len());
        let bytes = &rest[..count];
        self.at += count;
        self.taken += count as u64;
        Ok(Ok(bytes))
    }

    /// Waits for the next piece; `false` at the end.
    fn fetch(&mut self) -> Step<bool> {
        if self.ended.is_none() {
            self.acknowledge()?;
            match self.port.receive()? {
                Inbound::Bytes { offset, bytes } => {
                    if offset != self.received {
                        let text =
                            format!("bytes at {offset} do not continue at {}", self.received);
                        return Ok(Err(Failure::new(Code::BadRequest, text)));
                    }
                    self.received += bytes.len() as u64;
                    (self.piece, self.at) = (bytes, 0);
                    return Ok(Ok(true));
                }
                Inbound::End { length, sha256, .. } => self.ended = Some((length, sha256)),
            }
        }
        if self.ended == Some((self.taken, self.manifest)) {
            return Ok(Ok(false));
        }
        let text = "the stream is not the one that was announced at its end";
        Ok(Err(Failure::new(Code::Checksum, text)))
    }

    fn acknowledge(&mut self) -> Result<(), Gone> {
        if self.taken - self.told >= ACK_BYTES {
            self.told = self.taken;
            let limit = self.taken.saturating_add(limits::FILE_WINDOW);
            self.port.acknowledge(self.taken, limit)?;
        }
        Ok(())
    }
}

/// Takes the contents of the needed files, in the order of the manifest, and the end.
pub(super) fn receive<'a>(
    stream: &mut Stream<'_>,
    manifest: &'a Manifest,
    need: &NeedList,
    placer: &mut Placer<'a>,
    bench: &'a Bench,
) -> Step<()> {
    std::thread::scope(|scope| {
        let mut writers = placer.writers(scope, bench);
        let taken = take(stream, manifest, need, placer, &mut writers);
        // What came whole is written whatever came after it.
        let written = writers.finish();
        step!(taken?);
        placer.remember(step!(written));
        Ok(Ok(()))
    })
}

fn take<'a>(
    stream: &mut Stream<'_>,
    manifest: &'a Manifest,
    need: &NeedList,
    placer: &mut Placer<'a>,
    writers: &mut Writers<'_, 'a>,
) -> Step<()> {
    let needed = manifest
        .files()
        .zip(need.iter())
        .filter(|(_, needed)| *needed);
    let mut have = need.have();
    for (item, _) in needed {
        let mut left = item.size - std::mem::take(&mut have);
        if left == item.size && item.size <= SMALL_BYTES_MAX {
            while left > 0 {
                let bytes = step!(stream.next(left)?);
                step!(check_more(bytes, left, item.path));
                left -= bytes.len() as u64;
                writers.content().extend_from_slice(bytes);
            }
            step!(placer.pass_small(writers, item));
            continue;
        }
        let mut file = step!(placer.begin_large(item, item.size - left));
        while left > 0 {
            let bytes = step!(stream.next(left)?);
            step!(check_more(bytes, left, item.path));
            left -= bytes.len() as u64;
            step!(file.write(bytes));
        }
        step!(placer.end_large(file));
    }
    if step!(stream.next(1)?).is_empty() {
        return Ok(Ok(()));
    }
    Ok(Err(Failure::new(
        Code::BadRequest,
        "bytes follow after the last file",
    )))
}

fn check_more(bytes: &[u8], left: u64, path: &[u8]) -> Result<(), Failure> {
    if !bytes.is_empty() {
        return Ok(());
    }
    let text = format!("the contents end {left} bytes early");
    Err(Failure::new(Code::Checksum, text).with_path(path))
}
