//! Codes and failures over the wire.

use super::*;

#[test]
fn every_code_survives_and_an_unknown_one_is_internal() {
    for code in Code::ALL {
        assert_eq!(Code::parse(code.as_str()), *code);
    }
    assert_eq!(Code::parse("of-a-later-version"), Code::Internal);
}

#[test]
fn a_failure_can_always_be_told() {
    let failure = Failure::new(Code::Io, "x".repeat(10_000) + "é").with_path(&[b'p'; 9000]);
    let read = Failure::from_box(&failure.to_box());
    assert_eq!(read.text.len(), limits::TEXT_BYTES_MAX);
    assert_eq!(read.path.map(|p| p.len()), Some(limits::PATH_BYTES_MAX));
    let empty = Failure::from_box(&Boxed::new());
    assert_eq!((empty.code, empty.text.as_str()), (Code::Internal, ""));
    let umlauts = Failure::new(Code::Io, "é".repeat(4000));
    assert!(
        Failure::from_box(&umlauts.to_box())
            .text
            .chars()
            .all(|c| c == 'é')
    );
}
