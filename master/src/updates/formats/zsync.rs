//! The control files of zsync, which AppImage updates by: made of a file's bytes, or one that the
//! build made with the address set anew. The address inside is that of the immutable file; what
//! has another SHA-1 is an update to the client.

use crate::hex::hex;
use md4::{Digest as _, Md4};
use sha1::Sha1;

/// Bytes per block of files below [`LARGE_BYTES`], as zsyncmake chooses.
const BLOCK_BYTES: usize = 2048;
/// Bytes per block of larger files.
const LARGE_BLOCK_BYTES: usize = 4096;
/// From here on blocks are larger, so that the control file stays small.
const LARGE_BYTES: u64 = 100_000_000;
/// Longest head of a control file that is read: ten lines and a long address.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// What stands in the head of a control file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About<'a> {
    /// Name of the file.
    pub name: &'a str,
    /// Its immutable address.
    pub url: &'a str,
    /// Its SHA-1, lower-case hexadecimal.
    pub sha1: &'a str,
    /// Its bytes.
    pub size: u64,
}

/// Reads a file once and keeps the sums of its blocks.
#[derive(Debug)]
pub struct Maker {
    lengths: Lengths,
    /// The bytes of the block that is not full.
    rest: Vec<u8>,
    sums: Vec<u8>,
    sha1: Sha1,
    size: u64,
}

/// How much is kept per block, as zsyncmake counts: enough that a false match is rare in a file of
/// that size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Lengths {
    block: usize,
    /// Blocks that must match in a row.
    in_row: u8,
    rolling: usize,
    strong: usize,
}

impl Lengths {
    fn of(size: u64) -> Self {
        let block = if size < LARGE_BYTES {
            BLOCK_BYTES
        } else {
            LARGE_BLOCK_BYTES
        };
        let in_row: u8 = if size > block as u64 { 2 } else { 1 };
        // Logarithms of base 2; a file of no bytes counts as one.
        let bits = (size.max(1) as f64).log2();
        let blocks = (1.0 + (size / block as u64) as f64).log2();
        let row = f64::from(in_row);
        let rolling = ((bits + (block as f64).log2() - 8.6) / row / 8.0).ceil();
        let strong = ((20.0 + bits + blocks) / row / 8.0).ceil();
        let least = ((7.9 + 20.0 + blocks) / 8.0).floor();
        Self {
            block,
            in_row,
            rolling: whole(rolling).clamp(2, 4),
            strong: whole(strong.max(least)).clamp(3, 16),
        }
    }
}

/// A small number that is whole already.
fn whole(number: f64) -> usize {
    (0..64)
        .find(|n: &u8| f64::from(*n) >= number)
        .map_or(64, usize::from)
}

impl Maker {
    /// Begins a file of `size` bytes.
    #[must_use]
    pub fn new(size: u64) -> Self {
        let lengths = Lengths::of(size);
        Self {
            lengths,
            rest: Vec::with_capacity(lengths.block),
            sums: Vec::new(),
            sha1: Sha1::new(),
            size: 0,
        }
    }

    /// Takes the next bytes.
    pub fn write(&mut self, mut bytes: &[u8]) {
        self.sha1.update(bytes);
        self.size += bytes.len() as u64;
        while !bytes.is_empty() {
            let room = self.lengths.block - self.rest.len();
            let (now, later) = bytes.split_at(room.min(bytes.len()));
            self.rest.extend_from_slice(now);
            bytes = later;
            if self.rest.len() == self.lengths.block {
                self.close_block();
            }
        }
    }

    /// The control file; nothing where the bytes were not those of `about`.
    #[must_use]
    pub fn finish(mut self, about: &About<'_>) -> Option<Vec<u8>> {
        if !self.rest.is_empty() {
            // The last block counts as if zeros followed.
            self.rest.resize(self.lengths.block, 0);
            self.close_block();
        }
        let sha1 = hex(&self.sha1.finalize());
        if sha1 != about.sha1 || self.size != about.size {
            return None;
        }
        let Lengths {
            block,
            in_row,
            rolling,
            strong,
        } = self.lengths;
        let head = format!(
            "zsync: 0.6.2\nFilename: {}\nBlocksize: {block}\nLength: {}\n\
             Hash-Lengths: {in_row},{rolling},{strong}\nURL: {}\nSHA-1: {sha1}\n\n",
            line(about.name),
            about.size,
            line(about.url),
        );
        let mut file = head.into_bytes();
        file.append(&mut self.sums);
        Some(file)
    }

    fn close_block(&mut self) {
        let (mut a, mut b) = (0_u16, 0_u16);
        let mut weight = self.lengths.block;
        for byte in &self.rest {
            let byte = u16::from(*byte);
            a = a.wrapping_add(byte);
            // Blocks are at most 4,096 bytes: the weight fits.
            b = b.wrapping_add(byte.wrapping_mul(u16::try_from(weight).unwrap_or(0)));
            weight -= 1;
        }
        let mut rolling = [0; 4];
        rolling[..2].copy_from_slice(&a.to_be_bytes());
        rolling[2..].copy_from_slice(&b.to_be_bytes());
        // Of the rolling sum the end, which tells more; of the strong one the beginning.
        self.sums
            .extend_from_slice(&rolling[4 - self.lengths.rolling..]);
        let strong = Md4::digest(&self.rest);
        self.sums.extend_from_slice(&strong[..self.lengths.strong]);
        self.rest.clear();
    }
}

/// A control file that the build made, with name and address set anew; nothing where it is no such
/// file or is about other bytes than `about`.
#[must_use]
pub fn readdress(made: &[u8], about: &About<'_>) -> Option<Vec<u8>> {
    let front = &made[..made.len().min(HEAD_BYTES_MAX)];
    let end = front.windows(2).position(|two| two == b"\n\n")?;
    let head = std::str::from_utf8(&made[..end]).ok()?;
    let mut lines: Vec<String> = Vec::new();
    let (mut is_ours, mut is_whole) = (false, false);
    for text in head.split('\n') {
        let (key, value) = text.split_once(": ")?;
        match key {
            // Z-URL and Z-Map2 are about a compressed copy that is not here.
            "URL" | "Filename" => continue,
            "Z-URL" | "Z-Filename" | "Z-Map2" | "Recompress" => return None,
            "SHA-1" => is_ours = value.trim().eq_ignore_ascii_case(about.sha1),
            "Length" => is_whole = value.trim().parse() == Ok(about.size),
            _ => {}
        }
        lines.push(text.to_owned());
    }
    if !is_ours || !is_whole || !lines.first()?.starts_with("zsync: ") {
        return None;
    }
    lines.insert(1, format!("Filename: {}", line(about.name)));
    lines.push(format!("URL: {}", line(about.url)));
    let mut file = lines.join("\n").into_bytes();
    file.extend_from_slice(&made[end..]);
    Some(file)
}

/// A value of the head: one line.
fn line(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '_' } else { c })
        .collect()
}
