//! The form of a journal on disk: files of about 2 MiB, each beginning with the state of the
//! running hash, then the records as chunks with a checksum, and a mark after the last. The
//! stream that a master gets is the records alone. Not here: reading or writing files.
//!
//! ```text
//! file    journal.<start offset, 16 hex digits>
//! header  8 magic | u64 start | u32 pid | 104 state of the SHA-256 at start | u32 crc
//! chunk   u32 length | u32 crc | one record        crc over u64 offset ‖ u32 length ‖ record
//! end     u32 0xffffffff | u32 crc | 32 SHA-256 of the stream | u64 cut
//! ```

use windlass_protocol::journal::RECORD_HEADER;
use windlass_protocol::limits::RECORD_BYTES_MAX;
use windlass_protocol::sha256::{STATE_BYTES, Sha256};

use super::crc::crc32;

/// Bytes of records in one file. Large enough that files are few, small enough that what the
/// master has stored leaves the disk soon: the file that is written and one that a reader still
/// has open are on it all the time.
pub(crate) const SEGMENT_BYTES: u64 = 2 << 20;

pub(super) const HEADER_BYTES: usize = 8 + 8 + 4 + STATE_BYTES + 4;
pub(super) const CHUNK_HEADER_BYTES: usize = 8;
const MAGIC: &[u8; 8] = b"WNDLSJ1\n";
/// In place of a chunk's length: nothing follows.
const END: u32 = u32::MAX;
const END_BYTES: usize = CHUNK_HEADER_BYTES + 32 + 8;

/// Name of the file whose first record begins at that offset.
pub(super) fn name(start: u64) -> String {
    format!("journal.{start:016x}")
}

/// The offset in a file's name; `None` for other files.
pub(super) fn parse_name(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("journal.")?;
    let start = u64::from_str_radix(digits, 16).ok()?;
    (self::name(start) == name).then_some(start)
}

/// The first bytes of a file that begins where `sha256` stands.
pub(super) fn header(sha256: &Sha256, pid: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER_BYTES);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&sha256.total().to_be_bytes());
    bytes.extend_from_slice(&pid.to_be_bytes());
    bytes.extend_from_slice(&sha256.export());
    bytes.extend_from_slice(&crc32(&[&bytes]).to_be_bytes());
    bytes
}

/// What stands in a file's header, if it is one of the file of that name.
pub(super) fn read_header(bytes: &[u8], start: u64) -> Option<(Sha256, u32)> {
    let bytes: &[u8; HEADER_BYTES] = bytes.first_chunk()?;
    let (body, crc) = bytes.split_last_chunk::<4>()?;
    let (pid, state) = body[16..].split_first_chunk::<4>()?;
    let sha256 = Sha256::import(state.try_into().ok()?);
    let sound = u32::from_be_bytes(*crc) == crc32(&[body])
        && body.starts_with(MAGIC)
        && sha256.total() == start
        && body[8..16] == start.to_be_bytes();
    sound.then_some((sha256, u32::from_be_bytes(*pid)))
}

/// One record at that offset as it stands in a file.
pub(super) fn chunk(offset: u64, record: &[u8]) -> Vec<u8> {
    framed(record.len() as u32, offset, record)
}

fn framed(length: u32, offset: u64, bytes: &[u8]) -> Vec<u8> {
    let length = length.to_be_bytes();
    let crc = crc32(&[&offset.to_be_bytes(), &length, bytes]);
    let mut out = Vec::with_capacity(CHUNK_HEADER_BYTES + bytes.len());
    out.extend_from_slice(&length);
    out.extend_from_slice(&crc.to_be_bytes());
    out.extend_from_slice(bytes);
    out
}

/// What is told by the mark at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    /// Of the whole stream.
    pub(super) sha256: [u8; 32],
    /// The machine fell over while the command ran: from here on to the end, the stream may once
    /// have held other bytes.
    pub(super) cut: Option<u64>,
}

/// The mark after the last record of a stream of that length.
pub(super) fn end(len: u64, end: &End) -> Vec<u8> {
    let mut bytes = end.sha256.to_vec();
    bytes.extend_from_slice(&end.cut.unwrap_or(u64::MAX).to_be_bytes());
    framed(END, len, &bytes)
}

/// What comes next in a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next<'a> {
    /// A whole record.
    Record(&'a [u8]),
    /// The mark at the end.
    End(End),
    /// Fewer bytes than a chunk has.
    Short,
    /// No chunk that was written at this offset.
    Bad,
}

/// Reads the chunk at the beginning of `bytes`, which is at that offset of the stream.
pub(super) fn next(bytes: &[u8], offset: u64) -> Next<'_> {
    let Some((head, rest)) = bytes.split_first_chunk::<CHUNK_HEADER_BYTES>() else {
        return Next::Short;
    };
    let [l0, l1, l2, l3, c0, c1, c2, c3] = *head;
    let Some(count) = body_bytes([l0, l1, l2, l3]) else {
        return Next::Bad;
    };
    let Some(body) = rest.get(..count) else {
        return Next::Short;
    };
    let crc = crc32(&[&offset.to_be_bytes(), &head[..4], body]);
    if crc != u32::from_be_bytes([c0, c1, c2, c3]) {
        return Next::Bad;
    }
    match (
        head[..4] == END.to_be_bytes(),
        body.split_first_chunk::<32>(),
    ) {
        (true, Some((sha256, cut))) => {
            let cut = cut
                .iter()
                .fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
            let cut = (cut != u64::MAX).then_some(cut);
            let sha256 = *sha256;
            Next::End(End { sha256, cut })
        }
        _ => Next::Record(body),
    }
}

/// How many bytes follow a chunk's header that begins with this length; `None` if none has it.
pub(super) fn body_bytes(length: [u8; 4]) -> Option<usize> {
    match u32::from_be_bytes(length) {
        END => Some(END_BYTES - CHUNK_HEADER_BYTES),
        length => usize::try_from(length)
            .ok()
            .filter(|length| (RECORD_HEADER..=RECORD_HEADER + RECORD_BYTES_MAX).contains(length)),
    }
}
