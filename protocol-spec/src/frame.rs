//! Whole frames in and out of a byte stream, with their MAC once there are keys. What a frame
//! means is decided elsewhere.

mod foreseen;
mod writer;

use crate::error::ProtocolError;
use crate::header::{HEADER_BYTES, Header, PREAMBLE};
use crate::hmac::{self, Hmac};
use crate::limits::{self, MAC_BYTES};
use crate::sha256::Sha256;

pub(crate) use foreseen::Foreseen;
pub use writer::FrameWriter;

/// Frames of fewer bytes get their MACs one by one: to look for others of their length would take
/// as long.
const TOGETHER_BYTES: usize = 4096;

/// One frame as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Vec<u8>,
}

/// One frame where it came.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut<'a> {
    /// Its header.
    pub(crate) header: Header,
    /// Its payload.
    pub(crate) payload: &'a [u8],
    /// Bytes of the stream up to its end.
    pub(crate) count: usize,
}

impl Cut<'_> {
    /// A copy of its own.
    pub(crate) fn to_frame(self) -> Frame {
        Frame {
            header: self.header,
            payload: self.payload.to_vec(),
        }
    }
}

/// Cuts a byte stream into frames and checks their MACs.
#[derive(Debug)]
pub struct FrameReader {
    /// Bytes that came and are not taken yet, from `at` on. Grows only as bytes come, never by a
    /// claimed length.
    buffer: Vec<u8>,
    /// Where the next frame begins in `buffer`.
    at: usize,
    /// Whether the preamble was read.
    greeted: bool,
    /// The key of this direction, from READY on.
    key: Option<Hmac>,
    /// Frames read with the key.
    sequence: u64,
}

impl Default for FrameReader {
    fn default() -> Self {
        Self::new()
    }
}

impl FrameReader {
    /// Before the preamble.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            at: 0,
            greeted: false,
            key: None,
            sequence: 0,
        }
    }

    /// From here on every frame carries a MAC of this key, the first with sequence 0.
    pub fn set_key(&mut self, key: Hmac) {
        self.key = Some(key);
    }

    /// The key with the sequence of the next frame, for the vectors.
    #[cfg(test)]
    pub(crate) fn set_key_at(&mut self, key: Hmac, sequence: u64) {
        self.key = Some(key);
        self.sequence = sequence;
    }

    /// Frames read with the key so far.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Takes the next bytes of the stream, of any number.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole, genuine frame; `None` means more bytes are needed. After an error the
    /// stream is lost.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, ProtocolError> {
        let buffer = std::mem::take(&mut self.buffer);
        let cut = self.cut(&buffer[self.at..], &Foreseen::default(), |_| None);
        let frame = cut.map(|cut| {
            self.at += cut.map_or(0, |cut| cut.count);
            cut.map(Cut::to_frame)
        });
        self.buffer = buffer;
        frame
    }

    /// For one who cuts frames where they are, instead of `push`: the beginning of a frame that
    /// was kept. It goes back by `keep_begun`, which keeps its memory too.
    pub(crate) fn take_begun(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.buffer)
    }

    /// Keeps the beginning of a frame, or nothing.
    pub(crate) fn keep_begun(&mut self, begun: Vec<u8>) {
        self.buffer = begun;
    }

    /// Moves what is missing of the frame that has begun from `rest` behind it, as far as that
    /// is there; nothing if none has begun.
    pub(crate) fn complete(
        &self,
        begun: &mut Vec<u8>,
        rest: &mut &[u8],
    ) -> Result<(), ProtocolError> {
        while !begun.is_empty() && !rest.is_empty() {
            let missing = self.length(begun)?.saturating_sub(begun.len());
            if missing == 0 {
                break;
            }
            let (now, later) = rest.split_at(missing.min(rest.len()));
            begun.extend_from_slice(now);
            *rest = later;
        }
        Ok(())
    }

    /// Bytes of the preamble, if it is still to come, and of the frame at the beginning of
    /// `bytes`, as far as that can be known: those up to the end of its header at least.
    fn length(&self, bytes: &[u8]) -> Result<usize, ProtocolError> {
        let skip = if self.greeted { 0 } else { PREAMBLE.len() };
        let seen = &bytes[..bytes.len().min(skip)];
        if !PREAMBLE.starts_with(seen) {
            return Err(ProtocolError::Preamble);
        }
        let head = bytes.get(skip..).unwrap_or_default();
        let Some((head, _)) = head.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(skip + HEADER_BYTES);
        };
        let (most, mac_bytes) = match self.key {
            Some(_) => (limits::FRAME_MAX, MAC_BYTES),
            None => (limits::FRAME_BEFORE_AUTH_MAX, 0),
        };
        let header = Header::decode(head);
        let length = header.length as usize;
        match length > most {
            true => Err(ProtocolError::FrameTooBig(header.length)),
            false => Ok(skip + HEADER_BYTES + length + mac_bytes),
        }
    }

    /// The whole, genuine frame at the beginning of `bytes`; `None` means more bytes are needed.
    /// Where there is a key, what follows the offset in a frame of a stream is taken into the hash
    /// that `beside` names for it, whether the frame turns out genuine or not.
    pub(crate) fn cut<'b, 'a>(
        &mut self,
        bytes: &'b [u8],
        foreseen: &Foreseen,
        beside: impl FnOnce(&Header) -> Option<&'a mut Sha256>,
    ) -> Result<Option<Cut<'b>>, ProtocolError> {
        let count = self.length(bytes)?;
        let Some(whole) = bytes.get(..count) else {
            return Ok(None);
        };
        let skip = if self.greeted { 0 } else { PREAMBLE.len() };
        let Some((head, body)) = whole[skip..].split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::decode(head);
        self.greeted = true;
        let (payload, mac) = body.split_at(header.length as usize);
        if let Some(key) = &self.key {
            let (offset, bytes) = payload.split_at(payload.len().min(8));
            let beside = beside(&header);
            let expected = match (foreseen.mac(self.sequence), beside) {
                (Some(mac), beside) => {
                    beside.into_iter().for_each(|hash| hash.update(bytes));
                    *mac
                }
                (None, beside) => {
                    let parts = [&self.sequence.to_be_bytes()[..], head, offset];
                    key.sign_beside(&parts, bytes, beside)
                }
            };
            if self.sequence >= limits::SEQUENCE_MAX || !hmac::equal(&expected[..MAC_BYTES], mac) {
                return Err(ProtocolError::BadMac);
            }
            self.sequence += 1;
        }
        Ok(Some(Cut {
            header,
            payload,
            count,
        }))
    }
}

#[cfg(test)]
mod tests;
