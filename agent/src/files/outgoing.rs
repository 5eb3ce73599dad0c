//! A stream of ours on its way to the master: joined to full frames, counted, and hashed if its
//! end wants that. Not here: what is in it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use windlass_protocol::limits::DATA_BYTES_MAX;
use windlass_protocol::sha256::Sha256;

use crate::session::port::{Gone, Port};

/// The stream behind what an earlier connection brought.
pub(super) struct Outgoing<'a> {
    port: &'a Port,
    /// Offset of the first byte of the buffer.
    offset: u64,
    /// Of everything from offset 0 on, the buffer excluded; none where the end has another one.
    sha256: Option<Sha256>,
    /// Less than a frame's worth.
    buffer: Vec<u8>,
}

impl<'a> Outgoing<'a> {
    /// Goes on at `offset`, in front of which `sha256` was taken.
    pub(super) fn hashed(port: &'a Port, offset: u64, sha256: Sha256) -> Outgoing<'a> {
        Outgoing {
            sha256: Some(sha256),
            ..Self::new(port, offset)
        }
    }

    /// Goes on at `offset`, without hashing.
    pub(super) fn new(port: &'a Port, offset: u64) -> Outgoing<'a> {
        Outgoing {
            port,
            offset,
            sha256: None,
            buffer: Vec::with_capacity(DATA_BYTES_MAX),
        }
    }

    /// Bytes of the stream so far.
    pub(super) fn len(&self) -> u64 {
        self.offset + self.buffer.len() as u64
    }

    /// Sends bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let count = bytes.len().min(DATA_BYTES_MAX - self.buffer.len());
            self.buffer.extend_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.flush_if_full()?;
        }
        Ok(())
    }

    /// Sends up to `len` bytes of a file; says how many there were.
    pub(super) fn write_file(
        &mut self,
        file: &mut File,
        len: u64,
    ) -> Result<io::Result<u64>, Gone> {
        let mut left = len;
        while left > 0 {
            let filled = self.buffer.len();
            let room = usize::try_from(left).unwrap_or(usize::MAX);
            let end = filled + room.min(DATA_BYTES_MAX - filled);
            self.buffer.resize(end, 0);
            let count = match file.read(&mut self.buffer[filled..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => 0,
                Err(error) => return Ok(Err(error)),
                Ok(0) => {
                    self.buffer.truncate(filled);
                    break;
                }
                Ok(count) => count,
            };
            self.buffer.truncate(filled + count);
            left -= count as u64;
            self.flush_if_full()?;
        }
        Ok(Ok(len - left))
    }

    fn flush_if_full(&mut self) -> Result<(), Gone> {
        match self.buffer.len() == DATA_BYTES_MAX {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends what the buffer holds, waiting for room.
    pub(super) fn flush(&mut self) -> Result<(), Gone> {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(&self.buffer);
        }
        while !self.buffer.is_empty() {
            let room = self.port.room_at(self.offset)?;
            let rest = match room < self.buffer.len() {
                true => self.buffer.split_off(room),
                false => Vec::with_capacity(DATA_BYTES_MAX),
            };
            let piece = std::mem::replace(&mut self.buffer, rest);
            let count = piece.len() as u64;
            self.port.send(self.offset, piece)?;
            self.offset += count;
        }
        Ok(())
    }

    /// Sends what is left and ends the stream with its digest.
    pub(super) fn finish(mut self) -> Result<(), Gone> {
        self.flush()?;
        let sha256 = self.sha256.take().unwrap_or_default();
        self.port.finish(self.offset, sha256.finish())
    }

    /// Sends what is left and ends the stream with a digest of something else.
    pub(super) fn finish_with(mut self, sha256: [u8; 32]) -> Result<(), Gone> {
        self.flush()?;
        self.port.finish(self.offset, sha256)
    }
}
