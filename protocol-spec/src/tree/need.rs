//! The need list: the answer to a manifest. Whether a file is wanted is decided elsewhere.

use crate::error::{Code, Failure};

/// Bytes of `have` behind the bits.
const HAVE_BYTES: usize = 8;

/// Which files of a manifest its receiver lacks: one bit for each entry of kind file in the order
/// of the manifest, the first in the highest bit of the first byte, padded with zeros to a byte;
/// then `u64 have`, the bytes of the first wanted file that need not be sent again.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct NeedList {
    /// The answers in order.
    bits: Vec<bool>,
    /// Bytes of the first wanted file that are there already.
    have: u64,
}

impl NeedList {
    /// No answers yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes of the whole list for a manifest of `files` files.
    pub fn encoded_len(files: u64) -> u64 {
        files.div_ceil(8) + HAVE_BYTES as u64
    }

    /// Appends the answer for the next file.
    pub fn push(&mut self, needed: bool) {
        self.bits.push(needed);
    }

    /// The answers in order.
    pub fn iter(&self) -> impl Iterator<Item = bool> {
        self.bits.iter().copied()
    }

    /// Bytes of the first wanted file that an earlier try has left and that need not be sent.
    pub fn have(&self) -> u64 {
        self.have
    }

    /// Says how many bytes of the first wanted file need not be sent.
    pub fn set_have(&mut self, have: u64) {
        self.have = have;
    }

    /// The bytes of the need list's stream.
    pub fn encode(&self) -> Vec<u8> {
        let byte = |bits: &[bool]| {
            bits.iter()
                .enumerate()
                .fold(0, |byte, (at, bit)| byte | (u8::from(*bit) << (7 - at)))
        };
        let mut bytes: Vec<u8> = self.bits.chunks(8).map(byte).collect();
        bytes.extend_from_slice(&self.have.to_be_bytes());
        bytes
    }

    /// Reads the whole stream for a manifest of `files` files; a wrong length, wrong padding, or
    /// `have` without a wanted file is `bad-request`.
    pub fn decode(bytes: &[u8], files: usize) -> Result<Self, Failure> {
        let wrong = || {
            let text = format!(
                "the need list must have {files} bits, zeros to the byte, and 8 bytes of `have`"
            );
            Failure::new(Code::BadRequest, text)
        };
        let (bits, have) = bytes.split_last_chunk::<HAVE_BYTES>().ok_or_else(wrong)?;
        let bit = |at: usize| bits[at / 8] & (0x80 >> (at % 8)) != 0;
        if bits.len() != files.div_ceil(8) || (files..bits.len() * 8).any(bit) {
            return Err(wrong());
        }
        let list = Self {
            bits: (0..files).map(bit).collect(),
            have: u64::from_be_bytes(*have),
        };
        if list.have > 0 && !list.bits.contains(&true) {
            let text = "`have` of the need list must be 0 when no file is wanted";
            return Err(Failure::new(Code::BadRequest, text));
        }
        Ok(list)
    }
}
