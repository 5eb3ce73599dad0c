//! A stream of ours on its way to the master: joined to full frames, counted, and hashed if its
//! end wants that. Not here: what is in it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};

use windlass_protocol::limits::{DATA_BYTES_MAX, SEND_QUEUE_MAX};
use windlass_protocol::sha256::Sha256;

use crate::session::port::{Gone, Port};

/// The stream behind what an earlier connection brought.
pub(super) struct Outgoing<'a> {
    port: &'a Port,
    /// Offset of the first byte of the buffer.
    offset: u64,
    /// Less than a frame's worth, and zeros up to that.
    buffer: Vec<u8>,
    /// Bytes of the buffer that are of the stream.
    filled: usize,
}

impl<'a> Outgoing<'a> {
    /// Goes on at `offset`, in front of which `sha256` was taken, and ends with the digest of
    /// everything.
    pub(super) fn hashed(port: &'a Port, offset: u64, sha256: Sha256) -> Result<Self, Gone> {
        port.hash_sent(sha256)?;
        Ok(Self::new(port, offset))
    }

    /// Goes on at `offset`, without hashing.
    pub(super) fn new(port: &'a Port, offset: u64) -> Outgoing<'a> {
        Outgoing {
            port,
            offset,
            buffer: vec![0; DATA_BYTES_MAX],
            filled: 0,
        }
    }

    /// Bytes of the stream so far.
    pub(super) fn len(&self) -> u64 {
        self.offset + self.filled as u64
    }

    /// Sends bytes.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> Result<(), Gone> {
        while !bytes.is_empty() {
            let rest = &mut self.buffer[self.filled..];
            let count = bytes.len().min(rest.len());
            rest[..count].copy_from_slice(&bytes[..count]);
            bytes = &bytes[count..];
            self.filled += count;
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
            if self.filled == 0 && left >= DATA_BYTES_MAX as u64 {
                match self.send_pieces(file, left)? {
                    Err(error) => return Ok(Err(error)),
                    Ok(0) => break,
                    Ok(count) => left -= count,
                }
                continue;
            }
            let rest = &mut self.buffer[self.filled..];
            let most = usize::try_from(left).unwrap_or(usize::MAX).min(rest.len());
            let count = match file.read(&mut rest[..most]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Ok(Err(error)),
                Ok(0) => break,
                Ok(count) => count,
            };
            self.filled += count;
            left -= count as u64;
            self.flush_if_full()?;
        }
        Ok(Ok(len - left))
    }

    /// Sends what there is room for of up to `left` bytes of a file, which need not be joined to
    /// anything; says how many those were, 0 at the end of the file.
    fn send_pieces(&mut self, file: &mut File, left: u64) -> Result<io::Result<u64>, Gone> {
        let offset = self.offset;
        let room = self.port.wait(|granted| {
            let room = granted.saturating_sub(offset);
            (room > 0).then_some(room.min(SEND_QUEUE_MAX as u64))
        })?;
        let mut pieces = Vec::new();
        let mut taken = 0;
        while taken < room.min(left) {
            let most = (room.min(left) - taken).min(DATA_BYTES_MAX as u64);
            // At most a frame's worth; nothing is written to it before the file's bytes.
            let mut piece = Vec::with_capacity(usize::try_from(most).unwrap_or(DATA_BYTES_MAX));
            match file.take(most).read_to_end(&mut piece) {
                Err(error) => return Ok(Err(error)),
                Ok(0) => break,
                Ok(count) => taken += count as u64,
            }
            pieces.push(piece);
        }
        self.offset += taken;
        if taken > 0 {
            self.port.send_pieces(offset, pieces)?;
        }
        Ok(Ok(taken))
    }

    fn flush_if_full(&mut self) -> Result<(), Gone> {
        match self.filled == DATA_BYTES_MAX {
            true => self.flush(),
            false => Ok(()),
        }
    }

    /// Sends what the buffer holds, waiting for room.
    pub(super) fn flush(&mut self) -> Result<(), Gone> {
        let mut sent = 0;
        while sent < self.filled {
            let room = self.port.room_at(self.offset)?;
            let count = room.min(self.filled - sent);
            // A copy costs less than a new buffer, which would have to be made of zeros.
            let piece = self.buffer[sent..sent + count].to_vec();
            self.port.send(self.offset, piece)?;
            self.offset += count as u64;
            sent += count;
        }
        self.filled = 0;
        Ok(())
    }

    /// Sends what is left and ends the stream with the digest that `hashed` began, or without
    /// one where the request allows that.
    pub(super) fn finish(mut self) -> Result<(), Gone> {
        self.flush()?;
        self.port.finish(self.offset, None)
    }

    /// Sends what is left and ends the stream with a digest of something else.
    pub(super) fn finish_with(mut self, sha256: [u8; 32]) -> Result<(), Gone> {
        self.flush()?;
        self.port.finish(self.offset, Some(sha256))
    }
}
