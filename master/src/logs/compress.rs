//! Compressed logs: the seekable format of zstd, so that `zstdcat` reads the whole and we read any
//! range. Frames of a fixed number of bytes, then a skippable frame with the table of their sizes.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// Bytes of a log in one frame: what a reader of a range unpacks at most too much. Larger frames
/// gain under 2 % on build logs.
const FRAME_BYTES: usize = 1024 * 1024;
/// The usual level: at the speed of a disk, and three quarters of what the slow levels gain.
const LEVEL: i32 = 3;
/// Begins a skippable frame that holds a seek table.
const TABLE_MAGIC: u32 = 0x184D_2A5E;
/// Ends the file.
const SEEKABLE_MAGIC: u32 = 0x8F92_EAB1;
/// Number of frames, descriptor byte, magic.
const FOOTER_BYTES: usize = 9;
/// Compressed and plain size of one frame.
const ENTRY_BYTES: usize = 8;

/// Where the compressed twin of a log file lies.
pub(super) fn twin(plain: &Path) -> PathBuf {
    let mut name = plain.as_os_str().to_owned();
    name.push(".zst");
    PathBuf::from(name)
}

/// Writes the compressed twin of the file at `plain`, whole and on disk when this returns.
pub(super) fn compress(plain: &Path) -> io::Result<()> {
    let target = twin(plain);
    let part = target.with_extension("part");
    let mut source = File::open(plain)?;
    let mut out = File::create(&part)?;
    let mut table = Vec::new();
    let mut frame = Vec::with_capacity(FRAME_BYTES);
    loop {
        frame.clear();
        Read::by_ref(&mut source)
            .take(FRAME_BYTES as u64)
            .read_to_end(&mut frame)?;
        if frame.is_empty() {
            break;
        }
        let packed = zstd::bulk::compress(&frame, LEVEL)?;
        out.write_all(&packed)?;
        table.extend_from_slice(&size(packed.len())?);
        table.extend_from_slice(&size(frame.len())?);
    }
    let frames = size(table.len() / ENTRY_BYTES)?;
    out.write_all(&TABLE_MAGIC.to_le_bytes())?;
    out.write_all(&size(table.len() + FOOTER_BYTES)?)?;
    out.write_all(&table)?;
    out.write_all(&frames)?;
    out.write_all(&[0])?;
    out.write_all(&SEEKABLE_MAGIC.to_le_bytes())?;
    out.sync_all()?;
    fs::rename(&part, &target)?;
    File::open(target.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Reads the bytes from `from` on, at most `max`, of the log whose compressed file is `path`.
pub(super) fn read(path: &Path, from: u64, max: usize) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let table = read_table(&file)?;
    let mut bytes = Vec::new();
    let (mut packed_at, mut plain_at) = (0_u64, 0_u64);
    for entry in table.chunks_exact(ENTRY_BYTES) {
        let packed = u64::from(number(&entry[..4])?);
        let plain = u64::from(number(&entry[4..])?);
        if plain_at + plain > from && bytes.len() < max {
            let mut frame = vec![0; usize::try_from(packed).map_err(io::Error::other)?];
            file.read_exact_at(&mut frame, packed_at)?;
            let frame = zstd::bulk::decompress(&frame, FRAME_BYTES)?;
            let skip = usize::try_from(from.saturating_sub(plain_at)).map_err(io::Error::other)?;
            let wanted = frame.get(skip..).unwrap_or_default();
            bytes.extend_from_slice(&wanted[..wanted.len().min(max - bytes.len())]);
        }
        packed_at += packed;
        plain_at += plain;
    }
    Ok(bytes)
}

fn read_table(file: &File) -> io::Result<Vec<u8>> {
    let length = file.metadata()?.len();
    let footer_at = length.checked_sub(FOOTER_BYTES as u64).ok_or_else(broken)?;
    let mut footer = [0; FOOTER_BYTES];
    file.read_exact_at(&mut footer, footer_at)?;
    if number(&footer[5..])? != SEEKABLE_MAGIC {
        return Err(broken());
    }
    let bytes = u64::from(number(&footer[..4])?) * ENTRY_BYTES as u64;
    let table_at = footer_at.checked_sub(bytes).ok_or_else(broken)?;
    let mut table = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    file.read_exact_at(&mut table, table_at)?;
    Ok(table)
}

fn broken() -> io::Error {
    io::Error::other("is no compressed log: its table is missing")
}

fn size(bytes: usize) -> io::Result<[u8; 4]> {
    u32::try_from(bytes)
        .map(u32::to_le_bytes)
        .map_err(io::Error::other)
}

fn number(bytes: &[u8]) -> io::Result<u32> {
    bytes
        .try_into()
        .map(u32::from_le_bytes)
        .map_err(io::Error::other)
}
