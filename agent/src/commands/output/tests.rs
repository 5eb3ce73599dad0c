//! Limits on output are exact, whatever the pieces it comes in.

use super::*;

/// What is kept of pieces, and at which piece the overflow was told.
fn keep(meter: &Meter, pieces: &[&str]) -> (String, Vec<usize>) {
    let mut kept = String::new();
    let mut told = Vec::new();
    for (at, piece) in pieces.iter().enumerate() {
        let (admitted, overflows) = meter.admit(piece.as_bytes());
        kept += &piece[..admitted];
        if overflows {
            told.push(at);
        }
    }
    (kept, told)
}

/// Bytes and lines that were let pass.
fn kept(meter: &Meter) -> (u64, u64) {
    let count = meter.lock();
    (count.bytes, count.lines)
}

#[test]
fn bytes_are_cut_at_exactly_the_limit_and_it_is_told_once() {
    let meter = Meter::new(5, u64::MAX);
    assert_eq!(keep(&meter, &["abc", "de"]), ("abcde".into(), vec![]));
    assert_eq!(keep(&meter, &["f", "g"]), (String::new(), vec![0]));
    assert_eq!(kept(&meter), (5, 0));
}

#[test]
fn lines_are_cut_behind_the_last_allowed_newline() {
    let meter = Meter::new(u64::MAX, 3);
    assert_eq!(
        keep(&meter, &["1\n2", "\n3\n4\n", "5\n"]),
        ("1\n2\n3\n".into(), vec![1])
    );
    assert_eq!(kept(&meter), (6, 3));
    let exact = Meter::new(u64::MAX, 2);
    assert_eq!(keep(&exact, &["1\n2\n"]), ("1\n2\n".into(), vec![]));
    let both = Meter::new(4, 2);
    assert_eq!(keep(&both, &["1\n22\n3"]), ("1\n22".into(), vec![0]));
    assert_eq!(kept(&both).1, 1);
}
