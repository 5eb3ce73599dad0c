//! A table of range headers.

use super::*;

#[test]
fn headers_are_read_as_the_standard_says() {
    let parts = |parts: &[(u64, u64)]| {
        let range = |&(start, end): &(u64, u64)| start..end;
        Wanted::Parts(parts.iter().map(range).collect())
    };
    for (header, size, expected) in [
        ("bytes=0-0", 10, parts(&[(0, 1)])),
        ("bytes=0-9", 10, parts(&[(0, 10)])),
        ("bytes=0-99", 10, parts(&[(0, 10)])),
        ("bytes=5-", 10, parts(&[(5, 10)])),
        ("bytes=-3", 10, parts(&[(7, 10)])),
        ("bytes=-99", 10, parts(&[(0, 10)])),
        ("Bytes = 1 - 2", 10, parts(&[(1, 3)])),
        ("bytes=0-1,4-5", 10, parts(&[(0, 2), (4, 6)])),
        ("bytes=4-5,0-1", 10, parts(&[(4, 6), (0, 2)])),
        ("bytes=0-1, 2-3", 10, parts(&[(0, 2), (2, 4)])),
        ("bytes=0-1,,99-", 10, parts(&[(0, 2)])),
        ("bytes=0-,0-,0-", 10, parts(&[(0, 10)])),
        ("bytes=5-8,0-6", 10, parts(&[(0, 9)])),
        ("bytes=0-99999999999999999999999", 10, parts(&[(0, 10)])),
        ("bytes=10-", 10, Wanted::Nothing),
        ("bytes=99-100,200-", 10, Wanted::Nothing),
        ("bytes=-0", 10, Wanted::Nothing),
        ("bytes=0-", 0, Wanted::Nothing),
        ("bytes=-5", 0, Wanted::Nothing),
        ("bytes=3-2", 10, Wanted::Whole),
        ("bytes=-", 10, Wanted::Whole),
        ("bytes=", 10, Wanted::Whole),
        ("bytes", 10, Wanted::Whole),
        ("", 10, Wanted::Whole),
        ("lines=0-1", 10, Wanted::Whole),
        ("bytes=a-b", 10, Wanted::Whole),
        ("bytes=+1-2", 10, Wanted::Whole),
        ("bytes=0-1-2", 10, Wanted::Whole),
        ("bytes=--1", 10, Wanted::Whole),
    ] {
        assert_eq!(wanted(header, size), expected, "{header}");
    }
}

#[test]
fn more_ranges_than_clients_need_get_the_whole_file() {
    let header = |count: u64| {
        let ranges: Vec<_> = (0..count).map(|n| format!("{}-{}", n * 2, n * 2)).collect();
        format!("bytes={}", ranges.join(","))
    };
    let Wanted::Parts(parts) = wanted(&header(1_024), 1 << 20) else {
        panic!("a thousand ranges are served");
    };
    assert_eq!(parts.len(), 1_024);
    assert_eq!(wanted(&header(1_025), 1 << 20), Wanted::Whole);
}

/// Numbers that look random and are the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % end
    }
}

#[test]
fn any_ranges_give_exactly_the_bytes_that_they_name_each_once_where_they_overlap() {
    let mut dice = Dice(7);
    for _ in 0..20_000 {
        let size = dice.below(40);
        let mut named = vec![false; usize::try_from(size).unwrap()];
        let (mut texts, mut overlap) = (Vec::new(), false);
        for _ in 0..=dice.below(6) {
            let (first, length) = (dice.below(48), dice.below(12));
            let (text, range) = match dice.below(3) {
                0 => (format!("{first}-"), first..size),
                1 => (format!("-{length}"), size.saturating_sub(length)..size),
                _ => (
                    format!("{first}-{}", first + length),
                    first..first + length + 1,
                ),
            };
            texts.push(text);
            for at in range.start..range.end.min(size) {
                let byte = &mut named[usize::try_from(at).unwrap()];
                overlap |= *byte;
                *byte = true;
            }
        }
        let header = format!("bytes={}", texts.join(","));
        let parts = match wanted(&header, size) {
            Wanted::Parts(parts) => parts,
            Wanted::Nothing => Vec::new(),
            Wanted::Whole => panic!("{header} is a good header"),
        };
        let mut sent = vec![false; named.len()];
        for at in parts.iter().cloned().flatten() {
            let byte = &mut sent[usize::try_from(at).unwrap()];
            assert!(!*byte, "{header} of {size} sends {at} twice");
            *byte = true;
        }
        assert_eq!(sent, named, "{header} of {size}");
        assert!(
            !overlap || parts.is_sorted_by_key(|part| part.start),
            "{header}"
        );
    }
}

#[test]
fn no_text_at_all_upsets_the_reader() {
    const PIECES: [&str; 12] = [
        "bytes",
        "=",
        "-",
        ",",
        "0",
        "9",
        " ",
        "18446744073709551615",
        "99999999999999999999",
        "é",
        "\t",
        "1-2",
    ];
    let mut dice = Dice(3);
    for _ in 0..50_000 {
        let text: String = (0..dice.below(12))
            .map(|_| PIECES[usize::try_from(dice.below(12)).unwrap()])
            .collect();
        let size = [0, 1, 10, u64::MAX][usize::try_from(dice.below(4)).unwrap()];
        if let Wanted::Parts(parts) = wanted(&text, size) {
            assert!(!parts.is_empty(), "{text}");
            assert!(
                parts
                    .iter()
                    .all(|part| part.start < part.end && part.end <= size),
                "{text}"
            );
        }
    }
}
