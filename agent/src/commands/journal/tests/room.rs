//! What happens to output when the spool is full.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{ExecResult, OnFull, Reason};

use super::super::{Journal, Spool, prepare};
use crate::commands::disk::{Disk, RealDisk};
use crate::scratch::Scratch;

/// A journal that may have 4 KiB unstored.
fn journal(scratch: &Scratch, on_full: OnFull) -> Journal {
    let disk = RealDisk::new(scratch.path());
    prepare(&disk).unwrap();
    let spool = Spool {
        bytes_max: 4096,
        on_full,
        ..Spool::UNBOUNDED
    };
    Journal::begin(disk, spool).unwrap()
}

fn output(scratch: &Scratch) -> (usize, ExecResult) {
    let mut bytes = Vec::new();
    let mut reader = Journal::reader_in(scratch.path(), 0).unwrap();
    io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    let (mut count, mut result) = (0, None);
    while let Some(record) = decoder.next_record().unwrap() {
        match record.kind {
            RecordKind::Stdout => count += record.bytes.len(),
            RecordKind::Exit => result = Some(record.exit().unwrap()),
            _ => {}
        }
    }
    (count, result.unwrap())
}

fn exited() -> ExecResult {
    let mut result = ExecResult::new(Reason::Exited);
    result.exit = Some(0);
    result
}

#[test]
fn a_full_spool_holds_the_writer_until_the_master_has_stored_something_and_loses_nothing() {
    let scratch = Scratch::new();
    let journal = Arc::new(journal(&scratch, OnFull::Block));
    let writing = Arc::clone(&journal);
    let writer = std::thread::spawn(move || {
        for _ in 0..50 {
            writing.append(RecordKind::Stdout, &[7; 1000]).unwrap();
        }
    });
    while !writer.is_finished() {
        let len = journal.extent().len;
        assert!(len <= 50_400);
        // Never more ahead of what is stored than allowed.
        journal.mark_stored(len);
    }
    writer.join().unwrap();
    journal.finish(&exited()).unwrap();
    let (count, result) = output(&scratch);
    assert_eq!(
        (count, result.reason, result.dropped),
        (50_000, Reason::Exited, 0)
    );
}

#[test]
fn a_writer_that_waits_goes_on_when_the_process_has_ended() {
    let scratch = Scratch::new();
    let journal = Arc::new(journal(&scratch, OnFull::Block));
    let writing = Arc::clone(&journal);
    let writer = std::thread::spawn(move || {
        for _ in 0..50 {
            writing.append(RecordKind::Stdout, &[7; 1000]).unwrap();
        }
    });
    while journal.held_up_until_ms() == 0 && journal.extent().len < 3000 {
        std::thread::yield_now();
    }
    assert!(journal.extent().len <= 4096 && !writer.is_finished());
    journal.lift_bounds();
    writer.join().unwrap();
    journal.finish(&exited()).unwrap();
    assert_eq!(output(&scratch).0, 50_000);
}

#[test]
fn with_drop_the_rest_is_thrown_away_counted_and_told() {
    let scratch = Scratch::new();
    let journal = journal(&scratch, OnFull::Drop);
    for _ in 0..50 {
        journal.append(RecordKind::Stdout, &[7; 1000]).unwrap();
    }
    journal.finish(&exited()).unwrap();
    let (count, result) = output(&scratch);
    assert_eq!((count, result.dropped), (4000, 46_000));
}

#[test]
fn with_kill_the_writer_is_told_so() {
    let scratch = Scratch::new();
    let journal = journal(&scratch, OnFull::Kill);
    let written = (0..50).take_while(|_| journal.append(RecordKind::Stdout, &[7; 1000]).is_ok());
    assert_eq!(written.count(), 4);
}

/// A folder on a disk of that many bytes.
#[derive(Debug)]
struct SmallDisk(RealDisk, u64);

impl Disk for SmallDisk {
    type File = File;

    fn open(&self, name: &str) -> io::Result<File> {
        self.0.open(name)
    }
    fn append(&self, file: &mut File, bytes: &[u8]) -> io::Result<()> {
        self.0.append(file, bytes)
    }
    fn truncate(&self, file: &mut File, len: u64) -> io::Result<()> {
        self.0.truncate(file, len)
    }
    fn sync(&self, file: &File) -> io::Result<()> {
        self.0.sync(file)
    }
    fn sync_names(&self) -> io::Result<()> {
        self.0.sync_names()
    }
    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        self.0.read(name)
    }
    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.0.rename(from, to)
    }
    fn remove(&self, name: &str) -> io::Result<()> {
        self.0.remove(name)
    }
    fn names(&self) -> io::Result<Vec<String>> {
        self.0.names()
    }
    fn free_bytes(&self) -> u64 {
        let files = std::fs::read_dir(self.0.folder()).unwrap().flatten();
        let used: u64 = files
            .map(|file| file.metadata().map_or(0, |m| m.len()))
            .sum();
        self.1.saturating_sub(used)
    }
}

#[test]
fn a_disk_at_its_reserve_has_room_again_when_the_master_has_stored_what_is_there() {
    let scratch = Scratch::new();
    // Full before the first file is.
    let disk = SmallDisk(RealDisk::new(scratch.path()), 7 << 19);
    prepare(&disk).unwrap();
    let spool = Spool {
        reserve_bytes: 2 << 20,
        ..Spool::UNBOUNDED
    };
    let journal = Arc::new(Journal::begin(disk, spool).unwrap());
    let writing = Arc::clone(&journal);
    let writer = std::thread::spawn(move || {
        for _ in 0..320 {
            writing.append(RecordKind::Stdout, &[7; 65_000]).unwrap();
        }
    });
    let begun = Instant::now();
    while !writer.is_finished() {
        // The master is away until there is no room.
        if journal.held_up_until_ms() > 0 {
            journal.mark_stored(journal.extent().len);
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "stands still");
        std::thread::yield_now();
    }
    writer.join().unwrap();
    journal.finish(&exited()).unwrap();
    assert!(journal.extent().len > 320 * 65_000);
}
