//! Whole frames in and out of a byte stream, with their MAC once there are keys. What a frame
//! means is decided elsewhere.

use crate::error::ProtocolError;
use crate::header::{FrameType, HEADER_BYTES, Header, PREAMBLE};
use crate::hmac::{self, Hmac};
use crate::limits::{self, MAC_BYTES};

/// One frame as it came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Frame {
    /// Its header.
    pub header: Header,
    /// Its payload.
    pub payload: Vec<u8>,
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
        if !self.greeted {
            let seen = &self.buffer[..self.buffer.len().min(PREAMBLE.len())];
            if !PREAMBLE.starts_with(seen) {
                return Err(ProtocolError::Preamble);
            }
            if seen.len() < PREAMBLE.len() {
                return Ok(None);
            }
            self.at = PREAMBLE.len();
            self.greeted = true;
        }
        let rest = &self.buffer[self.at..];
        let Some((head, rest)) = rest.split_first_chunk::<HEADER_BYTES>() else {
            return Ok(None);
        };
        let header = Header::decode(head);
        let (most, mac_bytes) = match self.key {
            Some(_) => (limits::FRAME_MAX, MAC_BYTES),
            None => (limits::FRAME_BEFORE_AUTH_MAX, 0),
        };
        let length = header.length as usize;
        if length > most {
            return Err(ProtocolError::FrameTooBig(header.length));
        }
        let Some(body) = rest.get(..length + mac_bytes) else {
            return Ok(None);
        };
        let (payload, mac) = body.split_at(length);
        if let Some(key) = &self.key {
            let expected = key.sign(&[&self.sequence.to_be_bytes(), head, payload]);
            if self.sequence >= limits::SEQUENCE_MAX || !hmac::equal(&expected[..MAC_BYTES], mac) {
                return Err(ProtocolError::BadMac);
            }
            self.sequence += 1;
        }
        let frame = Frame {
            header,
            payload: payload.to_vec(),
        };
        self.at += HEADER_BYTES + length + mac_bytes;
        Ok(Some(frame))
    }
}

/// Appends frames to the bytes to be sent, with their MAC once there is a key.
#[derive(Default, Debug)]
pub struct FrameWriter {
    /// The key of this direction, from READY on.
    key: Option<Hmac>,
    /// Frames written with the key.
    sequence: u64,
}

impl FrameWriter {
    /// Before the keys.
    pub fn new() -> Self {
        Self::default()
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

    /// Frames written with the key so far.
    pub fn sequence(&self) -> u64 {
        self.sequence
    }

    /// Appends one frame, its payload given in parts.
    pub fn write(
        &mut self,
        out: &mut Vec<u8>,
        kind: FrameType,
        flags: u8,
        channel: u32,
        parts: &[&[u8]],
    ) {
        self.write_raw(out, kind.tag(), flags, channel, parts);
    }

    /// `write` with a type that need not be known.
    pub fn write_raw(
        &mut self,
        out: &mut Vec<u8>,
        tag: u8,
        flags: u8,
        channel: u32,
        parts: &[&[u8]],
    ) {
        let length = parts.iter().map(|part| part.len()).sum::<usize>() as u32;
        let header = Header {
            length,
            tag,
            flags,
            channel,
        }
        .encode();
        let start = out.len();
        out.extend_from_slice(&header);
        parts.iter().for_each(|part| out.extend_from_slice(part));
        if let Some(key) = &self.key {
            let mac = key.sign(&[&self.sequence.to_be_bytes(), &out[start..]]);
            out.extend_from_slice(&mac[..MAC_BYTES]);
            self.sequence += 1;
        }
    }
}

#[cfg(test)]
mod tests;
