//! What happens to output when the spool is full.

use std::sync::Arc;

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{ExecResult, OnFull, Reason};

use super::super::{Journal, Spool, prepare};
use crate::commands::disk::RealDisk;
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
    std::io::Read::read_to_end(&mut reader, &mut bytes).unwrap();
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
