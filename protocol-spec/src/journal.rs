//! The journal of a command: records of output, notes and the exit box, under one byte offset.
//! Encoding and decoding only; the file is the agent's, the log is the master's.

use crate::boxes::Boxed;
use crate::error::ProtocolError;
use crate::limits;
use crate::ops::ExecResult;

/// Bytes before a record's own bytes: `u8 kind | u24 length | u32 ms`.
pub const RECORD_HEADER: usize = 8;

/// What a record holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RecordKind {
    /// Output (with merged output: both streams in true order).
    Stdout,
    /// Error output, if split.
    Stderr,
    /// A remark of the agent, UTF-8.
    Note,
    /// The command was started: a box with `pid`.
    Started,
    /// Bytes of a followed file: `u8` number of the tail in the request, then what was appended.
    Tail,
    /// How it ended: a box, see `ExecResult`; always the last record.
    Exit,
    /// Of a later version: to be skipped.
    Unknown(u8),
}

impl RecordKind {
    /// The byte on the wire.
    pub fn as_byte(self) -> u8 {
        match self {
            Self::Stdout => 1,
            Self::Stderr => 2,
            Self::Note => 3,
            Self::Started => 4,
            Self::Tail => 5,
            Self::Exit => 9,
            Self::Unknown(byte) => byte,
        }
    }

    fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Stdout,
            2 => Self::Stderr,
            3 => Self::Note,
            4 => Self::Started,
            5 => Self::Tail,
            9 => Self::Exit,
            _ => Self::Unknown(byte),
        }
    }
}

/// One whole record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// What it holds.
    pub kind: RecordKind,
    /// Milliseconds since the command was started.
    pub ms: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Offset of its first header byte in the journal.
    pub start: u64,
    /// Offset after its last byte.
    pub end: u64,
}

/// Appends records with this content to `out`: one, or several if it is longer than
/// `RECORD_BYTES_MAX` (only output may be; none for empty output).
pub fn encode(kind: RecordKind, ms: u32, bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(limits::RECORD_BYTES_MAX) {
        let length = (piece.len() as u32).to_be_bytes();
        out.extend_from_slice(&[kind.as_byte(), length[1], length[2], length[3]]);
        out.extend_from_slice(&ms.to_be_bytes());
        out.extend_from_slice(piece);
    }
}

/// Appends the `started` record.
pub fn encode_started(pid: u64, out: &mut Vec<u8>) {
    let mut pairs = Boxed::new();
    pairs.push_number("pid", pid);
    encode(RecordKind::Started, 0, &pairs.encode(), out);
}

/// Appends bytes of the followed file of this number, as one record or several.
pub fn encode_tail(number: u8, ms: u32, bytes: &[u8], out: &mut Vec<u8>) {
    for piece in bytes.chunks(limits::RECORD_BYTES_MAX - 1) {
        encode(RecordKind::Tail, ms, &[&[number], piece].concat(), out);
    }
}

/// Appends the exit record: the last one.
pub fn encode_exit(ms: u32, result: &ExecResult, out: &mut Vec<u8>) {
    encode(RecordKind::Exit, ms, &result.to_box().encode(), out);
}

/// Reads records from pieces of a journal.
#[derive(Debug)]
pub struct Decoder {
    /// Bytes that are not yet a whole record, from `at` on.
    buffer: Vec<u8>,
    /// Where the next record begins in `buffer`.
    at: usize,
    /// Journal offset of the next record.
    boundary: u64,
    /// Whether the exit record was read.
    ended: bool,
}

impl Decoder {
    /// Begins at an offset where a record begins: 0, or an earlier `boundary`.
    pub fn starting_at(offset: u64) -> Self {
        Self {
            buffer: Vec::new(),
            at: 0,
            boundary: offset,
            ended: false,
        }
    }

    /// Takes the next bytes of the journal, of any length.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole record; `None` means more bytes are needed. A record that is too long, and
    /// anything after the exit record, is an error.
    pub fn next_record(&mut self) -> Result<Option<Record>, ProtocolError> {
        let rest = &self.buffer[self.at..];
        if self.ended && !rest.is_empty() {
            return Err(ProtocolError::Malformed(
                "journal bytes after the exit record",
            ));
        }
        let Some((head, rest)) = rest.split_first_chunk::<RECORD_HEADER>() else {
            return Ok(None);
        };
        let length = u32::from_be_bytes([0, head[1], head[2], head[3]]) as usize;
        if length > limits::RECORD_BYTES_MAX {
            return Err(ProtocolError::Malformed(
                "a journal record is above the limit",
            ));
        }
        let Some(bytes) = rest.get(..length) else {
            return Ok(None);
        };
        let kind = RecordKind::from_byte(head[0]);
        let start = self.boundary;
        let end = start + (RECORD_HEADER + length) as u64;
        let ms = u32::from_be_bytes([head[4], head[5], head[6], head[7]]);
        let record = Record {
            kind,
            ms,
            bytes: bytes.to_vec(),
            start,
            end,
        };
        self.at += RECORD_HEADER + length;
        self.boundary = end;
        self.ended = kind == RecordKind::Exit;
        Ok(Some(record))
    }

    /// Offset of the first byte that is not part of a record already given out: what a receiver
    /// that stores records may call durable.
    pub fn boundary(&self) -> u64 {
        self.boundary
    }

    /// Whether the exit record was given out.
    pub fn is_ended(&self) -> bool {
        self.ended
    }
}

impl Record {
    /// The result in an exit record.
    pub fn exit(&self) -> Result<ExecResult, ProtocolError> {
        let pairs = Boxed::decode(&self.bytes).map_err(|_| BAD_EXIT)?;
        ExecResult::from_box(&pairs).map_err(|_| BAD_EXIT)
    }

    /// Number of the followed file and its bytes in a tail record.
    pub fn tail(&self) -> Result<(u8, &[u8]), ProtocolError> {
        let parts = self.bytes.split_first();
        parts
            .map(|(number, bytes)| (*number, bytes))
            .ok_or(ProtocolError::Malformed("a tail record without its number"))
    }
}

const BAD_EXIT: ProtocolError = ProtocolError::Malformed("the exit box of a journal");

#[cfg(test)]
mod tests;
