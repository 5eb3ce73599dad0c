//! The promises of the journal.

use std::io::{Read, Write};

use windlass_protocol::journal::{Decoder, RecordKind};
use windlass_protocol::ops::{ExecResult, Reason};
use windlass_protocol::sha256::digest;

use super::Journal;
use crate::scratch::Scratch;

#[test]
fn a_journal_reads_back_as_it_was_written_and_takes_nothing_after_the_exit_box() {
    let scratch = Scratch::new();
    let journal = Journal::create(&scratch.path().join("journal")).unwrap();
    journal.start(77).unwrap();
    journal.append(RecordKind::Stdout, b"one\n").unwrap();
    journal.append(RecordKind::Stderr, &[0, 255]).unwrap();
    journal.finish(&ExecResult::new(Reason::Cancelled)).unwrap();
    assert!(journal.append(RecordKind::Note, b"late").is_err());

    let mut bytes = Vec::new();
    journal.reader(0).unwrap().read_to_end(&mut bytes).unwrap();
    assert_eq!(journal.extent().len, bytes.len() as u64);
    assert_eq!(journal.sha256(), digest(&bytes));
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    let mut kinds = Vec::new();
    while let Some(record) = decoder.next_record().unwrap() {
        kinds.push(record.kind.as_byte());
    }
    assert_eq!(kinds, [4, 1, 2, 9]);
}

#[test]
fn a_record_that_was_cut_short_is_cut_away_when_the_journal_is_found_again() {
    let scratch = Scratch::new();
    let path = scratch.path().join("journal");
    let journal = Journal::create(&path).unwrap();
    journal.start(77).unwrap();
    journal.append(RecordKind::Stdout, b"whole").unwrap();
    let (len, sha256) = (journal.extent().len, journal.sha256());
    drop(journal);
    for torn in 1..13 {
        let record = [&[1, 0, 0, 5, 0, 0, 0, 9][..], b"lost"].concat();
        let mut file = std::fs::File::options().append(true).open(&path).unwrap();
        file.write_all(&record[..torn.min(record.len())]).unwrap();
        let (found, pid) = Journal::recover(&path).unwrap();
        assert_eq!(pid, Some(77));
        assert_eq!(
            (found.extent().len, found.sha256()),
            (len, sha256),
            "torn at {torn}"
        );
        assert_eq!(std::fs::metadata(&path).unwrap().len(), len);
    }
}
