//! The stream of a `tree_put` as it comes: credit, digest, and the cutting of the contents into
//! files. Not here: what the entries of the manifest mean.

use windlass_protocol::sha256::Sha256;
use windlass_protocol::tree::NeedList;
use windlass_protocol::{Code, Failure, limits};

use super::manifest::Manifest;
use super::place::Placer;
use super::{Step, step};
use crate::files::ACK_BYTES;
use crate::session::port::{Gone, Inbound, Port};

/// The bytes of the master, in order.
pub(super) struct Stream<'a> {
    port: &'a Port,
    /// Bytes that came.
    received: u64,
    /// Bytes that the master was told about.
    told: u64,
    sha256: Sha256,
    /// Bytes that came and were given back.
    buffer: Vec<u8>,
    ended: bool,
}

impl<'a> Stream<'a> {
    /// Opens the stream for a first window.
    pub(super) fn open(port: &'a Port) -> Result<Stream<'a>, Gone> {
        port.acknowledge(0, limits::FILE_WINDOW)?;
        Ok(Stream {
            port,
            received: 0,
            told: 0,
            sha256: Sha256::new(),
            buffer: Vec::new(),
            ended: false,
        })
    }

    /// The next bytes, one or more; empty at the end, whose length and digest were right.
    pub(super) fn next(&mut self) -> Step<Vec<u8>> {
        if !self.buffer.is_empty() {
            return Ok(Ok(std::mem::take(&mut self.buffer)));
        }
        if self.ended {
            return Ok(Ok(Vec::new()));
        }
        match self.port.receive()? {
            Inbound::Bytes { offset, bytes } => {
                if offset != self.received {
                    let text = format!("bytes at {offset} do not continue at {}", self.received);
                    return Ok(Err(Failure::new(Code::BadRequest, text)));
                }
                self.received += bytes.len() as u64;
                self.sha256.update(&bytes);
                self.acknowledge()?;
                Ok(Ok(bytes))
            }
            Inbound::End { length, sha256 } => {
                self.ended = true;
                let found = std::mem::take(&mut self.sha256).finish();
                if (length, sha256) != (self.received, found) {
                    let text = "the stream is not the one that was announced at its end";
                    return Ok(Err(Failure::new(Code::Checksum, text)));
                }
                Ok(Ok(Vec::new()))
            }
        }
    }

    /// Gives back bytes that were not taken; they come again.
    pub(super) fn put_back(&mut self, bytes: Vec<u8>) {
        self.buffer = bytes;
    }

    fn acknowledge(&mut self) -> Result<(), Gone> {
        if self.received - self.told >= ACK_BYTES {
            self.told = self.received;
            let limit = self.received.saturating_add(limits::FILE_WINDOW);
            self.port.acknowledge(self.received, limit)?;
        }
        Ok(())
    }
}

/// Takes the contents of the needed files, in the order of the manifest, and the end.
pub(super) fn receive(
    stream: &mut Stream<'_>,
    manifest: &Manifest,
    need: &NeedList,
    placer: &mut Placer<'_>,
) -> Step<()> {
    let needed = manifest
        .files()
        .zip(need.iter())
        .filter(|(_, needed)| *needed);
    for (entry, _) in needed {
        let mut file = step!(placer.begin_file(entry));
        let mut left = entry.size;
        while left > 0 {
            let mut bytes = step!(stream.next()?);
            if bytes.is_empty() {
                let text = format!("the contents end {left} bytes early");
                let failure = Failure::new(Code::Checksum, text);
                return Ok(Err(failure.with_path(entry.path.as_bytes())));
            }
            if bytes.len() as u64 > left {
                let keep = usize::try_from(left).unwrap_or(bytes.len());
                stream.put_back(bytes.split_off(keep));
            }
            left -= bytes.len() as u64;
            step!(file.write(&bytes));
        }
        step!(placer.end_file(file));
    }
    let rest = step!(stream.next()?);
    if rest.is_empty() {
        return Ok(Ok(()));
    }
    Ok(Err(Failure::new(
        Code::BadRequest,
        "bytes follow after the last file",
    )))
}
