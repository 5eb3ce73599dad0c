//! The three hashes of a file in one pass, which can be put down and taken up again: their state is
//! a text, so that a file that comes in pieces over days, and over restarts, is read once.

use crate::hex::hex;
use sha1::Sha1;
use sha2::digest::common::hazmat::SerializableState;
use sha2::{Digest as _, Sha256, Sha512};

use crate::model::{Blob, BlobStore};

/// What the hashes are after some bytes.
#[derive(Clone, Debug, Default)]
pub struct Hashes {
    sha256: Sha256,
    sha1: Sha1,
    sha512: Sha512,
    size: u64,
}

impl Hashes {
    /// Goes on by these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.sha1.update(bytes);
        self.sha512.update(bytes);
        self.size += bytes.len() as u64;
    }

    /// Bytes so far.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The state as text: four parts of hexadecimal digits with dots between.
    #[must_use]
    pub fn save(&self) -> String {
        [
            hex(&self.sha256.serialize()),
            hex(&self.sha1.serialize()),
            hex(&self.sha512.serialize()),
            format!("{:x}", self.size),
        ]
        .join(".")
    }

    /// Takes up what [`Hashes::save`] told; `None` where the text is no such state.
    #[must_use]
    pub fn restore(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let hashes = Self {
            sha256: state(parts.next()?)?,
            sha1: state(parts.next()?)?,
            sha512: state(parts.next()?)?,
            size: u64::from_str_radix(parts.next()?, 16).ok()?,
        };
        parts.next().is_none().then_some(hashes)
    }

    /// What the file is, now that it has come to its end.
    #[must_use]
    pub fn finish(self) -> Blob {
        Blob {
            sha256: hex(&self.sha256.finalize()),
            sha1: hex(&self.sha1.finalize()),
            sha512: hex(&self.sha512.finalize()),
            size: self.size,
            store: BlobStore::Local,
        }
    }
}

fn state<H: SerializableState>(digits: &str) -> Option<H> {
    let pairs = digits.as_bytes().chunks(2);
    let byte = |pair: &[u8]| {
        let is_byte = pair.len() == 2 && pair.iter().all(u8::is_ascii_hexdigit);
        let text = std::str::from_utf8(pair).ok().filter(|_| is_byte)?;
        u8::from_str_radix(text, 16).ok()
    };
    let bytes: Option<Vec<u8>> = pairs.map(byte).collect();
    let state = bytes?.as_slice().try_into().ok()?;
    H::deserialize(&state).ok()
}

#[cfg(test)]
mod tests {
    //! The state of a hash over restarts.

    use super::*;

    #[test]
    fn a_file_that_comes_in_pieces_has_the_hashes_of_the_whole() {
        let bytes: Vec<u8> = (0..1_000_u32).map(|n| (n * 7 % 251) as u8).collect();
        let mut whole = Hashes::default();
        whole.update(&bytes);
        let whole = whole.finish();
        for at in [0, 1, 63, 64, 65, 127, 128, 500, 999, 1_000] {
            let mut first = Hashes::default();
            first.update(&bytes[..at]);
            let mut second = Hashes::restore(&first.save()).unwrap();
            assert_eq!(second.size(), at as u64);
            second.update(&bytes[at..]);
            assert_eq!(second.finish(), whole, "cut at {at}");
        }
    }

    #[test]
    fn what_is_no_state_is_refused() {
        let good = Hashes::default().save();
        for bad in ["", ".", "a.b.c.d", &good[1..], &format!("{good}.0")] {
            assert!(Hashes::restore(bad).is_none(), "{bad}");
        }
    }
}
