//! SHA-256 (FIPS 180-4), by hand because the agent may depend on nothing: portable code, and the
//! processor's SHA instructions and wide registers where they are found at run time.

mod lanes;
mod soft;
#[cfg(target_arch = "x86_64")]
mod wide;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use lanes::{LANES, Lanes};

/// The initial state (FIPS 180-4, 5.3.3).
const INITIAL: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

/// Bytes of `Sha256::export`.
pub const STATE_BYTES: usize = 104;

/// A hash being computed.
#[derive(Clone)]
pub struct Sha256 {
    /// The chaining state after all whole blocks.
    state: [u32; 8],
    /// Bytes of the block that is not whole yet.
    block: [u8; 64],
    /// How many of them.
    filled: usize,
    /// Bytes taken altogether.
    total: u64,
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sha256({} bytes)", self.total)
    }
}

impl Sha256 {
    /// Nothing taken yet.
    pub fn new() -> Self {
        Self {
            state: INITIAL,
            block: [0; 64],
            filled: 0,
            total: 0,
        }
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        let bytes = self.fill_block(bytes);
        let whole = bytes.len() / 64 * 64;
        compress(&mut self.state, &bytes[..whole]);
        self.keep(whole, &bytes[whole..]);
    }

    /// Takes bytes into two hashes: sooner done than one after the other where the processor can
    /// work on both.
    pub fn update_both(hashes: [&mut Sha256; 2], bytes: [&[u8]; 2]) {
        let [one, other] = hashes;
        let (a, b) = (one.fill_block(bytes[0]), other.fill_block(bytes[1]));
        let both = a.len().min(b.len()) / 64 * 64;
        let states = [&mut one.state, &mut other.state];
        compress_both(states, [&a[..both], &b[..both]]);
        one.total += both as u64;
        other.total += both as u64;
        one.update(&a[both..]);
        other.update(&b[both..]);
    }

    /// Takes what makes the begun block whole; gives the rest.
    fn fill_block<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        if self.filled == 0 {
            return bytes;
        }
        let (now, later) = bytes.split_at(bytes.len().min(64 - self.filled));
        self.block[self.filled..self.filled + now.len()].copy_from_slice(now);
        self.filled += now.len();
        self.total += now.len() as u64;
        if self.filled == 64 {
            compress(&mut self.state, &self.block);
            self.filled = 0;
        }
        later
    }

    /// Counts whole blocks that were taken, and begins another with what is less than one.
    fn keep(&mut self, whole: usize, rest: &[u8]) {
        self.total += (whole + rest.len()) as u64;
        if !rest.is_empty() {
            self.block[..rest.len()].copy_from_slice(rest);
            self.filled = rest.len();
        }
    }

    /// The hash of everything taken.
    pub fn finish(mut self) -> [u8; 32] {
        let bits = self.total.wrapping_mul(8).to_be_bytes();
        let mut tail = [0u8; 128];
        tail[..self.filled].copy_from_slice(&self.block[..self.filled]);
        tail[self.filled] = 0x80;
        let end = if self.filled < 56 { 64 } else { 128 };
        tail[end - 8..end].copy_from_slice(&bits);
        compress(&mut self.state, &tail[..end]);
        let mut hash = [0; 32];
        for (out, word) in hash.chunks_exact_mut(4).zip(self.state) {
            out.copy_from_slice(&word.to_be_bytes());
        }
        hash
    }

    /// Bytes taken so far.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Where the computation stands, to be written down and taken up by `import`: eight words of
    /// state, the block that is not whole yet, the bytes taken; all big-endian.
    pub fn export(&self) -> [u8; STATE_BYTES] {
        let mut bytes = [0; STATE_BYTES];
        for (out, word) in bytes.chunks_exact_mut(4).zip(self.state) {
            out.copy_from_slice(&word.to_be_bytes());
        }
        bytes[32..32 + self.filled].copy_from_slice(&self.block[..self.filled]);
        bytes[96..].copy_from_slice(&self.total.to_be_bytes());
        bytes
    }

    /// Goes on where `export` stood.
    pub fn import(bytes: &[u8; STATE_BYTES]) -> Self {
        let mut hash = Self::new();
        for (word, four) in hash.state.iter_mut().zip(bytes.chunks_exact(4)) {
            *word = u32::from_be_bytes([four[0], four[1], four[2], four[3]]);
        }
        hash.block.copy_from_slice(&bytes[32..96]);
        let total = bytes[96..]
            .iter()
            .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        hash.total = total;
        hash.filled = (total % 64) as usize;
        hash
    }
}

/// The hash of one piece.
pub fn digest(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(bytes);
    hash.finish()
}

/// Takes whole blocks into the state.
fn compress(state: &mut [u32; 8], blocks: &[u8]) {
    #[cfg(target_arch = "x86_64")]
    if x86::compress(state, blocks) {
        return;
    }
    soft::compress(state, blocks);
}

/// Takes as many whole blocks into each of two states.
fn compress_both(states: [&mut [u32; 8]; 2], blocks: [&[u8]; 2]) {
    let [one, other] = states;
    #[cfg(target_arch = "x86_64")]
    if x86::compress_both([one, other], blocks) {
        return;
    }
    compress(one, blocks[0]);
    compress(other, blocks[1]);
}

#[cfg(test)]
mod tests;
