//! Boxes in and out, and what is refused.

use super::*;

#[test]
fn a_box_survives_with_lists_order_and_any_bytes() {
    let mut pairs = Boxed::new();
    pairs.push("arg", "one");
    pairs.push("!must", [0, 255]);
    pairs.push("arg", "");
    pairs.push_number("n", u64::MAX);
    pairs.push_flag("yes", true);
    pairs.push_flag("no", false);
    let read = Boxed::decode(&pairs.encode()).unwrap();
    assert_eq!(read, pairs);
    assert_eq!(pairs.encoded_len(), pairs.encode().len());
    assert_eq!(
        read.all("arg").collect::<Vec<_>>(),
        [b"one".as_slice(), b""]
    );
    assert_eq!(read.number("n"), Ok(Some(u64::MAX)));
    assert_eq!((read.flag("yes"), read.flag("no")), (Ok(true), Ok(false)));
    assert_eq!(read.check_understood(&["!must"]), Ok(()));
    assert_eq!(
        read.check_understood(&[]),
        Err(BoxError::NotUnderstood("!must".into()))
    );
}

#[test]
fn a_box_cut_inside_a_pair_is_refused() {
    let mut pairs = Boxed::new();
    pairs.push("key", "value");
    pairs.push("k", "");
    let bytes = pairs.encode();
    let first = 1 + 3 + 4 + 5;
    for end in 1..bytes.len() {
        let result = Boxed::decode(&bytes[..end]);
        assert_eq!(result.is_ok(), end == first, "cut at {end}");
    }
}

#[test]
fn keys_are_short_plain_words() {
    let with_key =
        |key: &[u8]| Boxed::decode(&[&[key.len() as u8], key, &[0; 4]].concat()).map(|b| b.len());
    for key in [b"a".as_slice(), b"!a", b"env.set", b"x-0_9", &[b'k'; 64]] {
        assert_eq!(with_key(key), Ok(1), "{key:?}");
    }
    for key in [
        b"".as_slice(),
        b"!",
        b"A",
        b"a b",
        b"a!",
        b"\xff",
        &[b'k'; 65],
    ] {
        assert_eq!(with_key(key), Err(BoxError::BadKey), "{key:?}");
    }
}

#[test]
fn the_number_of_pairs_is_bounded() {
    let pair = [1, b'k', 0, 0, 0, 0];
    assert!(Boxed::decode(&pair.repeat(limits::BOX_PAIRS_MAX)).is_ok());
    let result = Boxed::decode(&pair.repeat(limits::BOX_PAIRS_MAX + 1));
    assert_eq!(result, Err(BoxError::TooManyPairs));
}

#[test]
fn numbers_have_one_spelling() {
    for wrong in [
        "",
        "01",
        "+1",
        "-1",
        " 1",
        "1 ",
        "0x1",
        "1e3",
        "18446744073709551616",
        "١",
    ] {
        assert_eq!(parse_number(wrong.as_bytes()), None, "{wrong:?}");
    }
    assert_eq!(parse_number(b"0"), Some(0));
    assert_eq!(parse_number(b"18446744073709551615"), Some(u64::MAX));
}

#[test]
fn a_claimed_length_is_never_allocated() {
    let bytes = [&[1, b'k'], u32::MAX.to_be_bytes().as_slice(), b"short"].concat();
    assert_eq!(Boxed::decode(&bytes), Err(BoxError::Truncated));
}
