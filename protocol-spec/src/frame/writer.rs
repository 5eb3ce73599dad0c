//! The way out: frames appended to what is to be sent, and given their MACs, several at a time
//! where that is quicker.

use super::TOGETHER_BYTES;
use crate::header::{FrameType, HEADER_BYTES, Header};
use crate::hmac::Hmac;
use crate::limits::MAC_BYTES;
use crate::sha256::{LANES, Lanes, Sha256};
use std::ops::Range;

/// Appends frames to the bytes to be sent, with their MAC once there is a key.
#[derive(Default, Debug)]
pub struct FrameWriter {
    /// The key of this direction, from READY on.
    key: Option<Hmac>,
    /// Frames written with the key.
    sequence: u64,
    /// Frames whose MAC is still zeros: sequence, and where the frame is, its MAC left out.
    unsigned: Vec<(u64, Range<usize>)>,
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

    /// Appends one frame of a stream; `bytes`, which begin at `offset`, are taken into `beside`.
    /// Without that its MAC may have to wait for `sign`.
    pub(crate) fn write_bytes(
        &mut self,
        out: &mut Vec<u8>,
        channel: u32,
        offset: u64,
        bytes: &[u8],
        beside: Option<&mut Sha256>,
    ) {
        let (tag, offset) = (FrameType::Data.tag(), offset.to_be_bytes());
        let waits = beside.is_none() && bytes.len() >= TOGETHER_BYTES && Lanes::are_quick();
        let parts = [&offset[..], bytes];
        self.append(out, [tag, 0], channel, &parts, beside, waits);
    }

    /// Gives every frame of `out` its MAC, several at a time. To be called before anything of
    /// `out` is handed out.
    pub(crate) fn sign(&mut self, out: &mut [u8]) {
        let mut waiting = std::mem::take(&mut self.unsigned);
        let Some(key) = &self.key else {
            return;
        };
        for group in waiting.chunk_by(|(_, one), (_, other)| one.len() == other.len()) {
            for frames in group.chunks(LANES) {
                let message =
                    |(sequence, place): &(u64, Range<usize>)| (*sequence, &out[place.clone()]);
                let messages: Vec<(u64, &[u8])> = frames.iter().map(message).collect();
                let macs = key.sign_all(&messages).unwrap_or_else(|| {
                    let mut macs = [[0; 32]; LANES];
                    for (mac, (sequence, frame)) in macs.iter_mut().zip(messages) {
                        *mac = key.sign(&[&sequence.to_be_bytes(), frame]);
                    }
                    macs
                });
                for ((_, place), mac) in frames.iter().zip(macs) {
                    out[place.end..place.end + MAC_BYTES].copy_from_slice(&mac[..MAC_BYTES]);
                }
            }
        }
        // Its memory is for the next.
        waiting.clear();
        self.unsigned = waiting;
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
        self.append(out, [tag, flags], channel, parts, None, false);
    }

    /// Appends one frame; its last part is taken into `beside`. Its MAC may wait for `sign`.
    fn append(
        &mut self,
        out: &mut Vec<u8>,
        [tag, flags]: [u8; 2],
        channel: u32,
        parts: &[&[u8]],
        beside: Option<&mut Sha256>,
        waits: bool,
    ) {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        let header = Header {
            length: length as u32,
            tag,
            flags,
            channel,
        }
        .encode();
        // At once: growing by and by would copy a frame of data.
        out.reserve(HEADER_BYTES + length + MAC_BYTES);
        let start = out.len();
        out.extend_from_slice(&header);
        parts.iter().for_each(|part| out.extend_from_slice(part));
        let last = parts.last().copied().unwrap_or_default();
        if self.key.is_some() && waits {
            self.unsigned.push((self.sequence, start..out.len()));
            out.extend_from_slice(&[0; MAC_BYTES]);
            self.sequence += 1;
        } else if let Some(key) = &self.key {
            let first = &out[start..out.len() - last.len()];
            let mac = key.sign_beside(&[&self.sequence.to_be_bytes(), first], last, beside);
            out.extend_from_slice(&mac[..MAC_BYTES]);
            self.sequence += 1;
        } else if let Some(beside) = beside {
            beside.update(last);
        }
    }
}
