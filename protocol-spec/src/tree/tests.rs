//! Manifests, listings and need lists.

use super::*;

fn path(text: &str) -> RelPath {
    RelPath::parse(text.as_bytes()).unwrap()
}

fn sample() -> Vec<Entry> {
    let listed = Entry {
        sha256: None,
        mtime_ns: Some(12),
        ..Entry::file(path("z"), true, 9, [0; 32])
    };
    vec![
        Entry::dir(path("src")),
        Entry::file(path("src/main.rs"), false, 1 << 40, [0xab; 32]),
        Entry::link(path("src/latest"), b"../x\xff".to_vec()),
        listed,
    ]
}

#[test]
fn a_manifest_cut_anywhere_gives_the_same_entries_and_the_contents_after_it() {
    let mut bytes = Vec::new();
    sample().iter().for_each(|entry| entry.encode(&mut bytes));
    encode_end(&mut bytes);
    bytes.extend_from_slice(b"contents");
    for piece in 1..bytes.len() {
        let mut decoder = EntryDecoder::new();
        let mut entries = Vec::new();
        let mut at = 0;
        while !decoder.is_ended() {
            let end = (at + piece).min(bytes.len());
            decoder.push(&bytes[at..end]);
            at = end;
            while let Some(entry) = decoder.next_entry().unwrap() {
                entries.push(entry);
            }
        }
        assert_eq!(entries, sample());
        assert_eq!(
            [decoder.into_rest().as_slice(), &bytes[at..]].concat(),
            b"contents"
        );
    }
}

#[test]
fn entries_that_leave_the_root_or_lack_something_are_refused() {
    let refused = |pairs: &[(&str, &[u8])]| {
        let mut entry = Boxed::new();
        pairs.iter().for_each(|(key, value)| entry.push(key, value));
        Entry::from_box(&entry).unwrap_err().code
    };
    assert_eq!(refused(&[("t", b"d"), ("p", b"../x")]), Code::BadPath);
    assert_eq!(refused(&[("t", b"d"), ("p", b"/x")]), Code::BadPath);
    assert_eq!(refused(&[("t", b"d"), ("p", b"")]), Code::BadPath);
    assert_eq!(refused(&[("t", b"f"), ("p", b"x")]), Code::BadRequest);
    assert_eq!(
        refused(&[("t", b"l"), ("p", b"x"), ("l", b"")]),
        Code::BadRequest
    );
    assert_eq!(
        refused(&[("t", b"l"), ("p", b"x"), ("l", b"a\0b")]),
        Code::BadRequest
    );
    assert_eq!(refused(&[("t", b"?"), ("p", b"x")]), Code::BadRequest);
    assert_eq!(
        refused(&[("t", b"d"), ("p", b"x"), ("!acl", b"1")]),
        Code::Unsupported
    );
}

#[test]
fn an_entry_above_the_limit_is_refused_before_it_is_read() {
    let mut decoder = EntryDecoder::new();
    decoder.push(&(limits::ENTRY_BYTES_MAX as u32 + 1).to_be_bytes());
    assert_eq!(decoder.next_entry().unwrap_err().code, Code::TooLarge);
}

#[test]
fn a_need_list_survives_and_must_have_exactly_one_bit_for_each_file() {
    for files in 0..40 {
        let mut list = NeedList::new();
        (0..files).for_each(|n| list.push(n % 3 == 0));
        list.set_have(if files > 0 { 1 << 40 } else { 0 });
        let bytes = list.encode();
        assert_eq!(bytes.len() as u64, NeedList::encoded_len(files as u64));
        assert_eq!(NeedList::decode(&bytes, files), Ok(list));
        assert!(NeedList::decode(&bytes, files + 8).is_err());
        assert!(NeedList::decode(&[&[0], bytes.as_slice()].concat(), files).is_err());
        assert!(NeedList::decode(&bytes[1..], files).is_err());
    }
}
