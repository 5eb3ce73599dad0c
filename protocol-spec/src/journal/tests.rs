//! Records in and out, cut anywhere.

use super::*;
use crate::ops::Reason;

fn sample() -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_started(4711, &mut bytes);
    encode(RecordKind::Stdout, 5, b"hello\n", &mut bytes);
    encode(RecordKind::Unknown(7), 6, b"of a later version", &mut bytes);
    let result = ExecResult {
        exit: Some(3),
        ..ExecResult::new(Reason::Exited)
    };
    encode_exit(7, &result, &mut bytes);
    bytes
}

fn read_all(bytes: &[u8], piece: usize) -> Vec<Record> {
    let mut decoder = Decoder::starting_at(0);
    let mut records = Vec::new();
    for part in bytes.chunks(piece) {
        decoder.push(part);
        while let Some(record) = decoder.next_record().unwrap() {
            records.push(record);
        }
    }
    assert!(decoder.is_ended());
    assert_eq!(decoder.boundary(), bytes.len() as u64);
    records
}

#[test]
fn a_journal_cut_anywhere_gives_the_same_records() {
    let bytes = sample();
    let whole = read_all(&bytes, bytes.len());
    assert_eq!(whole.len(), 4);
    assert_eq!(whole[1].kind, RecordKind::Stdout);
    assert_eq!(
        (whole[1].ms, whole[1].bytes.as_slice()),
        (5, b"hello\n".as_slice())
    );
    assert_eq!(whole[3].exit().unwrap().exit, Some(3));
    for piece in 1..bytes.len() {
        assert_eq!(read_all(&bytes, piece), whole);
    }
}

#[test]
fn reading_can_begin_at_any_boundary() {
    let bytes = sample();
    let whole = read_all(&bytes, bytes.len());
    for (n, record) in whole.iter().enumerate() {
        let mut decoder = Decoder::starting_at(record.start);
        decoder.push(&bytes[record.start as usize..]);
        let rest: Vec<_> = std::iter::from_fn(|| decoder.next_record().unwrap()).collect();
        assert_eq!(rest, whole[n..]);
    }
}

#[test]
fn long_output_becomes_several_records_and_empty_output_none() {
    let mut bytes = Vec::new();
    encode(RecordKind::Stdout, 1, b"", &mut bytes);
    assert!(bytes.is_empty());
    let output = vec![b'x'; limits::RECORD_BYTES_MAX * 2 + 1];
    encode(RecordKind::Stdout, 1, &output, &mut bytes);
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    let lengths: Vec<_> = std::iter::from_fn(|| decoder.next_record().unwrap())
        .map(|r| r.bytes.len())
        .collect();
    assert_eq!(
        lengths,
        [limits::RECORD_BYTES_MAX, limits::RECORD_BYTES_MAX, 1]
    );
}

#[test]
fn bytes_of_a_followed_file_carry_its_number_in_every_record() {
    let content = vec![b'x'; limits::RECORD_BYTES_MAX];
    let mut bytes = Vec::new();
    encode_tail(3, 1, &content, &mut bytes);
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    let records: Vec<_> = std::iter::from_fn(|| decoder.next_record().unwrap()).collect();
    let pieces: Vec<_> = records.iter().map(|r| r.tail().unwrap()).collect();
    assert_eq!(pieces.len(), 2);
    assert!(pieces.iter().all(|(number, _)| *number == 3));
    assert_eq!(
        pieces.iter().map(|(_, b)| b.len()).sum::<usize>(),
        content.len()
    );
}

#[test]
fn a_record_above_the_limit_and_bytes_after_the_exit_are_errors() {
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&[1, 1, 0, 1, 0, 0, 0, 0]);
    assert!(decoder.next_record().is_err());
    let mut bytes = sample();
    bytes.push(0);
    let mut decoder = Decoder::starting_at(0);
    decoder.push(&bytes);
    for _ in 0..4 {
        decoder.next_record().unwrap().unwrap();
    }
    assert!(decoder.next_record().is_err());
}
