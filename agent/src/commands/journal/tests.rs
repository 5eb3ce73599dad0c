//! The promises of the journal, on the machine's own file system. What a disk may lose is in
//! `tests/crash.rs`.

mod crash;
mod room;

use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{ExecResult, Reason};
use windlass_protocol::sha256::digest;

use super::{Journal, Recovered, segment};
use crate::commands::disk::RealDisk;
use crate::scratch::Scratch;

/// Ending a left journal syncs it, which takes a thousand times as long as looking: only some
/// cases do that. A prime, so that every kind of place is among them.
const SOME: usize = 149;

fn stream(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    Journal::reader_in(folder, 0)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn look(folder: &Path) -> std::io::Result<Recovered> {
    Journal::look(&RealDisk::new(folder))
}

fn exited() -> ExecResult {
    let mut result = ExecResult::new(Reason::Exited);
    result.exit = Some(0);
    result
}

/// A finished journal of 4 KiB or so.
fn sample(folder: &Path) -> Vec<u8> {
    let journal = Journal::create(folder).unwrap();
    journal.start(77).unwrap();
    for n in 0..12_u8 {
        journal.append(RecordKind::Stdout, &[n; 300]).unwrap();
    }
    journal.finish(&exited()).unwrap();
    stream(folder).unwrap()
}

#[test]
fn a_journal_reads_back_as_it_was_written_and_takes_nothing_after_the_exit_box() {
    let scratch = Scratch::new();
    let journal = Journal::create(scratch.path()).unwrap();
    journal.start(77).unwrap();
    journal.append(RecordKind::Stdout, b"one\n").unwrap();
    journal.append(RecordKind::Stderr, &[0, 255]).unwrap();
    journal.finish(&exited()).unwrap();
    assert!(journal.append(RecordKind::Note, b"late").is_err());

    let bytes = stream(scratch.path()).unwrap();
    assert_eq!(journal.extent().len, bytes.len() as u64);
    assert_eq!(journal.sha256(), digest(&bytes));
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    let mut kinds = Vec::new();
    while let Some(record) = decoder.next_record().unwrap() {
        kinds.push(record.kind.as_byte());
    }
    assert_eq!(kinds, [4, 1, 2, 9]);
    for from in 0..bytes.len() {
        let mut rest = Vec::new();
        let mut reader = Journal::reader_in(scratch.path(), from as u64).unwrap();
        reader.read_to_end(&mut rest).unwrap();
        assert_eq!(rest, bytes[from..], "from {from}");
    }
    let found = look(scratch.path()).unwrap();
    assert_eq!(
        (found.extent, found.sha256),
        (journal.extent(), digest(&bytes))
    );
}

#[test]
fn a_journal_cut_at_any_byte_keeps_what_is_whole_and_never_has_a_result_of_its_own() {
    let scratch = Scratch::new();
    let whole = sample(scratch.path());
    let path = scratch.path().join(segment::name(0));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 4000);
    for cut in (0..bytes.len()).rev() {
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_len(cut as u64).unwrap();
        let seen = look(scratch.path()).unwrap();
        assert!(
            !seen.extent.finished && whole.starts_with(&stream(scratch.path()).unwrap_or_default())
        );
        if cut % SOME != 0 {
            continue;
        }
        let found = Journal::end_left(RealDisk::new(scratch.path()), "cut", false).unwrap();
        let left = stream(scratch.path()).unwrap();
        assert_eq!(
            (found.extent.len, found.sha256),
            (left.len() as u64, digest(&left))
        );
        let (kept, last) = split(&left);
        assert!(whole.starts_with(kept), "cut at {cut}");
        assert_eq!(last.reason, Reason::AgentLost, "cut at {cut}");
        std::fs::write(&path, &bytes).unwrap();
    }
}

#[test]
fn every_turned_bit_is_noticed_or_harmless_and_never_makes_a_result() {
    let scratch = Scratch::new();
    let whole = sample(scratch.path());
    let path = scratch.path().join(segment::name(0));
    let bytes = std::fs::read(&path).unwrap();
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let mut put = |at: usize, piece: &[u8]| {
        file.seek(SeekFrom::Start(at as u64)).unwrap();
        file.write_all(piece).unwrap();
    };
    for bit in 0..bytes.len() * 8 {
        let at = bit / 8;
        put(at, &[bytes[at] ^ (1 << (bit % 8))]);
        let read = stream(scratch.path());
        // What a reader gives out without an error is what was written.
        assert!(
            read.is_err() || whole.starts_with(&read.unwrap()),
            "bit {bit}"
        );
        assert!(!look(scratch.path()).unwrap().extent.finished, "bit {bit}");
        if bit % SOME != 0 {
            put(at, &bytes[at..=at]);
            continue;
        }
        let found = Journal::end_left(RealDisk::new(scratch.path()), "turned", false).unwrap();
        let left = stream(scratch.path()).unwrap();
        assert_eq!(found.sha256, digest(&left), "bit {bit}");
        let (kept, last) = split(&left);
        assert!(whole.starts_with(kept), "bit {bit}");
        assert_eq!(last.reason, Reason::AgentLost, "bit {bit}");
        put(0, &bytes);
    }
}

/// The stream before its last record, and that record's result.
fn split(stream: &[u8]) -> (&[u8], ExecResult) {
    let mut decoder = Decoder::starting_at(0);
    decoder.push(stream);
    let mut last = None;
    while let Some(record) = decoder.next_record().unwrap() {
        last = Some(record);
    }
    let last = last.unwrap();
    let start = usize::try_from(last.start).unwrap();
    (&stream[..start], last.exit().unwrap())
}

#[test]
fn what_the_master_has_stored_leaves_the_disk_and_the_hash_goes_on() {
    let scratch = Scratch::new();
    let journal = Journal::create(scratch.path()).unwrap();
    journal.start(77).unwrap();
    let files = || std::fs::read_dir(scratch.path()).unwrap().count();
    for n in 0..400_u32 {
        let piece = vec![n.to_be_bytes()[3]; 65_536];
        journal.append(RecordKind::Stdout, &piece).unwrap();
    }
    assert_eq!(files(), 13, "25 MiB in files of 2");
    let mut all = stream(scratch.path()).unwrap();
    let len = journal.extent().len;
    journal.mark_stored(len - 1);
    assert_eq!(files(), 1);
    assert!(Journal::reader_in(scratch.path(), 0).is_err());
    drop(journal);
    let found = Journal::end_left(RealDisk::new(scratch.path()), "lost", true).unwrap();
    assert_eq!((found.pid, found.cut), (Some(77), Some(len)));
    let mut reader = Journal::reader_in(scratch.path(), len).unwrap();
    reader.read_to_end(&mut all).unwrap();
    assert_eq!(
        (found.extent.len, found.sha256),
        (all.len() as u64, digest(&all))
    );
}
