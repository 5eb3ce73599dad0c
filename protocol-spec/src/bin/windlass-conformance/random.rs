//! Numbers that look random and are the same again for the same seed: SHA-256 in counter mode.

use std::io::Read;
use windlass_protocol::sha256::digest;

/// A source of such numbers.
#[derive(Clone, Debug)]
pub(crate) struct Random {
    seed: [u8; 32],
    count: u64,
}

impl Random {
    /// The source of a seed and a word.
    pub(crate) fn new(seed: u64, word: &str) -> Self {
        let seed = digest(&[&seed.to_be_bytes(), word.as_bytes()].concat());
        Self { seed, count: 0 }
    }

    /// The next 32 bytes.
    pub(crate) fn block(&mut self) -> [u8; 32] {
        self.count += 1;
        digest(&[self.seed.as_slice(), &self.count.to_be_bytes()].concat())
    }

    /// The next bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(count + 32);
        while bytes.len() < count {
            bytes.extend_from_slice(&self.block());
        }
        bytes.truncate(count);
        bytes
    }

    /// A number below `end`; 0 if `end` is 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        let block = self.block();
        let mut word = [0; 8];
        word.copy_from_slice(&block[..8]);
        (u64::from_be_bytes(word) % (end.max(1) as u64)) as usize
    }
}

/// A seed that nobody chose.
pub(crate) fn any_seed() -> u64 {
    let mut bytes = [0; 4];
    let read = std::fs::File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes));
    if read.is_err() {
        bytes = std::process::id().to_be_bytes();
    }
    u64::from(u32::from_be_bytes(bytes))
}
