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
