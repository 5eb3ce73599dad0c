//! Writing a file front to back without writing pages of zeros: the system keeps holes for them.
//! Not here: what the bytes are.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// Unit in which holes are left: the page of every file system in use, or a multiple of it.
const PAGE_BYTES: usize = 4096;

/// A file that grows at its end.
#[derive(Debug)]
pub(crate) struct SparseFile {
    file: File,
    /// Where the next byte goes.
    at: u64,
    /// The last bytes are a hole that the file does not reach yet.
    ends_in_hole: bool,
}

impl SparseFile {
    /// Goes on at `at`, where the file ends.
    pub(crate) fn new(mut file: File, at: u64) -> io::Result<SparseFile> {
        // One that was just made stands there.
        if at > 0 {
            file.seek(SeekFrom::Start(at))?;
        }
        Ok(SparseFile {
            file,
            at,
            ends_in_hole: false,
        })
    }

    /// Appends bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let zeros = zero_pages(rest, self.at);
            if zeros > 0 {
                self.at += zeros as u64;
                rest = &rest[zeros..];
                self.ends_in_hole = true;
                continue;
            }
            let count = until_zero_page(rest, self.at);
            if std::mem::take(&mut self.ends_in_hole) {
                self.file.seek(SeekFrom::Start(self.at))?;
            }
            self.file.write_all(&rest[..count])?;
            self.at += count as u64;
            rest = &rest[count..];
        }
        Ok(())
    }

    /// Makes the file reach to the last byte that was appended.
    pub(crate) fn settle(&mut self) -> io::Result<()> {
        if self.ends_in_hole {
            self.file.set_len(self.at)?;
        }
        Ok(())
    }

    /// The file with all its bytes.
    pub(crate) fn finish(mut self) -> io::Result<File> {
        self.settle()?;
        Ok(self.file)
    }

    /// Where the next byte goes.
    pub(crate) fn len(&self) -> u64 {
        self.at
    }
}

/// Bytes to the next page.
fn to_page(at: u64) -> usize {
    // Less than a page.
    (at.wrapping_neg() % PAGE_BYTES as u64) as usize
}

fn is_zero(page: &[u8]) -> bool {
    let (words, rest) = page.as_chunks::<16>();
    words.iter().all(|word| u128::from_ne_bytes(*word) == 0) && rest.iter().all(|byte| *byte == 0)
}

/// Bytes of whole pages of zeros that `bytes`, which begin at `at`, begin with.
fn zero_pages(bytes: &[u8], at: u64) -> usize {
    if to_page(at) > 0 {
        return 0;
    }
    let pages = bytes.as_chunks::<PAGE_BYTES>().0;
    pages.iter().take_while(|page| is_zero(*page)).count() * PAGE_BYTES
}

/// Bytes before the first whole page of zeros.
fn until_zero_page(bytes: &[u8], at: u64) -> usize {
    let head = to_page(at).min(bytes.len());
    let pages = bytes[head..].as_chunks::<PAGE_BYTES>().0;
    match pages.iter().position(|page| is_zero(page)) {
        Some(count) if head + count * PAGE_BYTES > 0 => head + count * PAGE_BYTES,
        _ => bytes.len(),
    }
}

#[cfg(test)]
mod tests;
