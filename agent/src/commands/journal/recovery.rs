//! Finding a journal again that its writer left, whole or in the middle of anything. What cannot
//! have been written as it stands is cut away, so that no damage ever passes for a result. Not
//! here: what becomes of the command.

use std::collections::VecDeque;
use std::io;

use windlass_protocol::Boxed;
use windlass_protocol::journal::{RECORD_HEADER, RecordKind};
use windlass_protocol::ops::{ExecResult, Reason};
use windlass_protocol::sha256::Sha256;

use super::segment::{self, HEADER_BYTES, Next};
use super::{Extent, Journal, Spool};
use crate::commands::disk::Disk;

/// What is known of a journal whose writer is gone.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) extent: Extent,
    /// Of the whole stream, if it is finished.
    pub(crate) sha256: [u8; 32],
    /// Offset from which on an earlier reader may have seen other bytes.
    pub(crate) cut: Option<u64>,
    /// Of the command's process, if it was noted.
    pub(crate) pid: Option<u32>,
}

/// Where going through one file ended.
struct Scan {
    start: u64,
    /// Bytes of the file that count.
    file_len: u64,
    sha256: Sha256,
    pid: u32,
    end: Option<segment::End>,
}

impl<D: Disk> Journal<D> {
    /// Reads what is there, changing nothing. An error if nothing of it can be trusted.
    pub(crate) fn look(disk: &D) -> io::Result<Recovered> {
        Ok(Self::scan(disk)?.1.recovered())
    }

    /// Ends a journal that has no end, saying that the command's supervision died. `rebooted`:
    /// the machine has started anew meanwhile, so that what was not synced may be missing.
    pub(crate) fn end_left(disk: D, text: &str, rebooted: bool) -> io::Result<Recovered> {
        let (segments, scan) = Self::scan(&disk)?;
        if scan.end.is_some() {
            return Ok(scan.recovered());
        }
        let pid = scan.pid;
        let journal = Self::reopen(disk, segments, scan)?;
        let cut = rebooted.then(|| journal.extent().len);
        let mut result = ExecResult::new(Reason::AgentLost);
        result.text = text.into();
        journal.finish_with(&result, cut)?;
        Ok(Recovered {
            extent: journal.extent(),
            sha256: journal.sha256(),
            cut,
            pid: (pid > 0).then_some(pid),
        })
    }

    /// Goes through the newest file that is sound at its beginning.
    fn scan(disk: &D) -> io::Result<(VecDeque<u64>, Scan)> {
        let names = disk.names()?;
        let mut starts: Vec<u64> = names
            .iter()
            .filter_map(|name| segment::parse_name(name))
            .collect();
        starts.sort_unstable();
        if starts.is_empty() {
            // The machine fell over before the command was started.
            return Ok((VecDeque::from([0]), Scan::empty()));
        }
        let mut segments = VecDeque::from(starts);
        while let Some(start) = segments.back().copied() {
            let bytes = disk.read(&segment::name(start))?;
            if let Some(scan) = scan_file(&bytes, start) {
                return Ok((segments, scan));
            }
            segments.pop_back();
            if start == 0 {
                return Ok((VecDeque::from([0]), Scan::empty()));
            }
        }
        let text = "no file of the journal can be trusted";
        Err(io::Error::new(io::ErrorKind::InvalidData, text))
    }

    /// Opens the journal for one more record, cutting away what does not count.
    fn reopen(disk: D, segments: VecDeque<u64>, mut scan: Scan) -> io::Result<Journal<D>> {
        let newest = segments.back().copied();
        for name in disk.names()? {
            if segment::parse_name(&name).is_some_and(|start| Some(start) > newest) {
                disk.remove(&name)?;
            }
        }
        let mut file = disk.open(&segment::name(scan.start))?;
        disk.truncate(&mut file, scan.file_len)?;
        if scan.file_len == 0 {
            let header = segment::header(&Sha256::new(), 0);
            disk.append(&mut file, &header)?;
            scan.file_len = header.len() as u64;
        }
        disk.sync_names()?;
        let journal = Journal::new(disk, Spool::UNBOUNDED, file, scan.file_len);
        {
            let mut inner = journal.lock();
            inner.segments = segments;
            inner.len = scan.sha256.total();
            inner.sha256 = scan.sha256;
            inner.pid = scan.pid;
        }
        Ok(journal)
    }
}

impl Scan {
    fn empty() -> Scan {
        Scan {
            start: 0,
            file_len: 0,
            sha256: Sha256::new(),
            pid: 0,
            end: None,
        }
    }

    fn recovered(self) -> Recovered {
        Recovered {
            extent: Extent {
                len: self.sha256.total(),
                finished: self.end.is_some(),
            },
            cut: self.end.and_then(|end| end.cut),
            pid: (self.pid > 0).then_some(self.pid),
            sha256: self.sha256.finish(),
        }
    }
}

/// Whether these bytes are a file of a journal, as far as they go: the way by which tests hand
/// strange ones over.
pub(crate) fn is_file(bytes: &[u8], start: u64) -> bool {
    scan_file(bytes, start).is_some()
}

/// Goes through the chunks of one file to the end or to the first that cannot be right.
fn scan_file(bytes: &[u8], start: u64) -> Option<Scan> {
    let (sha256, pid) = segment::read_header(bytes, start)?;
    let mut scan = Scan {
        start,
        file_len: HEADER_BYTES as u64,
        sha256,
        pid,
        end: None,
    };
    let mut rest = &bytes[HEADER_BYTES..];
    while let Next::Record(record) = segment::next(rest, scan.sha256.total()) {
        let taken = segment::CHUNK_HEADER_BYTES + record.len();
        rest = &rest[taken..];
        let mut sha256 = scan.sha256.clone();
        sha256.update(record);
        if record.first() == Some(&RecordKind::Exit.as_byte()) {
            // It is told to nobody before it and the mark behind it are durable.
            if let Next::End(end) = segment::next(rest, sha256.total())
                && end.sha256 == sha256.clone().finish()
            {
                scan.sha256 = sha256;
                scan.end = Some(end);
            }
            break;
        }
        if scan.pid == 0 {
            scan.pid = pid_of(record).unwrap_or(0);
        }
        scan.sha256 = sha256;
        scan.file_len += taken as u64;
    }
    Some(scan)
}

/// The number in a `started` record.
fn pid_of(record: &[u8]) -> Option<u32> {
    let (head, bytes) = record.split_first_chunk::<RECORD_HEADER>()?;
    if head[0] != RecordKind::Started.as_byte() {
        return None;
    }
    let pid = Boxed::decode(bytes).ok()?.number("pid").ok()??;
    u32::try_from(pid).ok()
}
