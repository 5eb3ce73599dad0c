//! Reading the stream of a journal out of its files, from any offset, checking every chunk. Not
//! here: how far the stream goes; a reader ends at what is written now and goes on later.

use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::segment::{self, CHUNK_HEADER_BYTES, HEADER_BYTES, Next};

/// Bytes read at once: what a DATA frame takes.
const READ_BYTES: usize = 65_536;

/// A place in a journal.
#[derive(Debug)]
pub(crate) struct Reader {
    folder: PathBuf,
    file: BufReader<File>,
    /// Offset in the stream of the next chunk in `file`.
    next: u64,
    /// Where that chunk begins in the file.
    position: u64,
    /// The record read last, and how much of it was handed out.
    record: Vec<u8>,
    used: usize,
}

impl Reader {
    /// Stands at `offset` of the journal in that folder. `NotFound` if the file that held it was
    /// given up after the master had stored it.
    pub(super) fn open(folder: &Path, offset: u64) -> io::Result<Reader> {
        let mut starts = starts(folder)?;
        starts.retain(|start| *start <= offset);
        starts.sort_unstable();
        let mut opened = None;
        while let (None, Some(start)) = (&opened, starts.pop()) {
            opened = match open_segment(folder, start) {
                Ok(file) => Some((start, file)),
                // It is just being made: the one before ends where it begins.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => None,
                Err(error) => return Err(error),
            };
        }
        let (start, file) = opened.ok_or_else(|| {
            let text = format!("the journal is no longer kept from offset {offset} on");
            io::Error::new(ErrorKind::NotFound, text)
        })?;
        let mut reader = Reader {
            folder: folder.to_owned(),
            file,
            next: start,
            position: HEADER_BYTES as u64,
            record: Vec::new(),
            used: 0,
        };
        while reader.next < offset {
            if !reader.advance()? {
                let text = format!("the journal ends at {}, before {offset}", reader.next);
                return Err(io::Error::new(ErrorKind::UnexpectedEof, text));
            }
        }
        // The offset may lie inside the record read last.
        let beyond = usize::try_from(reader.next - offset).map_err(io::Error::other)?;
        reader.used = reader.record.len() - beyond;
        Ok(reader)
    }

    /// Reads the next record; `false` if there is no whole one yet.
    fn advance(&mut self) -> io::Result<bool> {
        let mut bytes = vec![0; CHUNK_HEADER_BYTES];
        let mut got = read_some(&mut self.file, &mut bytes)?;
        if got == 0 && self.begin_next_segment()? {
            got = read_some(&mut self.file, &mut bytes)?;
        }
        let length = bytes.first_chunk().copied().unwrap_or_default();
        if got == CHUNK_HEADER_BYTES {
            let count = segment::body_bytes(length).ok_or_else(|| self.turned())?;
            bytes.resize(CHUNK_HEADER_BYTES + count, 0);
            got += read_some(&mut self.file, &mut bytes[CHUNK_HEADER_BYTES..])?;
        }
        bytes.truncate(got);
        match segment::next(&bytes, self.next) {
            Next::Record(record) => {
                self.record = record.to_vec();
                self.used = 0;
                self.next += record.len() as u64;
                self.position += bytes.len() as u64;
                Ok(true)
            }
            Next::Bad => Err(self.turned()),
            Next::End(_) | Next::Short => {
                self.file.seek(SeekFrom::Start(self.position))?;
                Ok(false)
            }
        }
    }

    fn begin_next_segment(&mut self) -> io::Result<bool> {
        let current = self.position == HEADER_BYTES as u64;
        if current || !self.folder.join(segment::name(self.next)).try_exists()? {
            return Ok(false);
        }
        self.file = open_segment(&self.folder, self.next)?;
        self.position = HEADER_BYTES as u64;
        Ok(true)
    }

    fn turned(&self) -> io::Error {
        let text = format!(
            "the disk gives the journal back damaged at offset {}",
            self.next
        );
        io::Error::new(ErrorKind::InvalidData, text)
    }
}

impl Read for Reader {
    /// Gives 0 bytes at the end of what is written now.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.used == self.record.len() && !self.advance()? {
            return Ok(0);
        }
        let rest = &self.record[self.used..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.used += count;
        Ok(count)
    }
}

/// Where the files in a folder begin.
fn starts(folder: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let name = entry?.file_name();
        starts.extend(name.to_str().and_then(segment::parse_name));
    }
    Ok(starts)
}

fn open_segment(folder: &Path, start: u64) -> io::Result<BufReader<File>> {
    let mut file =
        BufReader::with_capacity(READ_BYTES, File::open(folder.join(segment::name(start)))?);
    let mut header = [0; HEADER_BYTES];
    file.read_exact(&mut header)?;
    match segment::read_header(&header, start) {
        Some(_) => Ok(file),
        None => {
            let text = format!("the disk gives the journal back damaged at offset {start}");
            Err(io::Error::new(ErrorKind::InvalidData, text))
        }
    }
}

/// Fills as much of the buffer as the file has.
fn read_some(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut got = 0;
    while got < buffer.len() {
        match file.read(&mut buffer[got..]) {
            Ok(0) => break,
            Ok(count) => got += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(got)
}
