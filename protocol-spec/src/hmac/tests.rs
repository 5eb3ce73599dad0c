//! HMAC against RFC 4231, and the comparison.

use super::*;
use crate::hex;

#[test]
fn the_vectors_of_rfc_4231_come_out() {
    let counted: Vec<u8> = (1..=25).collect();
    let cases: [(&[u8], &[u8], &str); 6] = [
        (
            &[0x0b; 20],
            b"Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
        ),
        (
            b"Jefe",
            b"what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            &[0xaa; 20],
            &[0xdd; 50],
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
        ),
        (
            &counted,
            &[0xcd; 50],
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
        ),
        (
            &[0xaa; 131],
            b"Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
        ),
        (
            &[0xaa; 131],
            b"This is a test using a larger than block-size key and a larger than block-size \
              data. The key needs to be hashed before being used by the HMAC algorithm.",
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
        ),
    ];
    for (key, message, expected) in cases {
        let mac = Hmac::new(key);
        assert_eq!(hex::encode(&mac.sign(&[message])), expected);
        let (head, tail) = message.split_at(message.len() / 3);
        assert_eq!(hex::encode(&mac.sign(&[head, b"", tail])), expected);
    }
}

#[test]
fn only_equal_values_are_equal() {
    assert!(equal(b"", b"") && equal(b"abc", b"abc"));
    for other in [b"abd".as_slice(), b"bbc", b"ab", b"abcd", b""] {
        assert!(!equal(b"abc", other) && !equal(other, b"abc"), "{other:?}");
    }
}

#[test]
fn messages_signed_together_have_the_codes_they_have_alone() {
    let mac = Hmac::new(b"a key");
    let bytes: Vec<u8> = (0..20_000u32).map(|n| ((n * n) >> 7) as u8).collect();
    // Around the ends of blocks behind the number, and a frame's worth.
    for length in (56..200).chain([4096, 16_402]) {
        for count in [1, 2, 7, 8, 15, 16] {
            let message = |at: usize| (at as u64 * 1_000_003, &bytes[at * 9..at * 9 + length]);
            let messages: Vec<_> = (0..count).map(message).collect();
            let codes = mac.sign_in_lanes(&messages).unwrap();
            for ((number, message), code) in messages.iter().zip(codes) {
                let alone = mac.sign(&[&number.to_be_bytes(), message]);
                assert_eq!(code, alone, "{length} bytes, {count} messages");
            }
        }
    }
}

#[test]
fn only_enough_messages_of_one_length_are_signed_together() {
    let mac = Hmac::new(b"a key");
    let bytes = [7; 300];
    let of = |lengths: &[usize]| -> Vec<(u64, &[u8])> {
        lengths
            .iter()
            .map(|length| (1, &bytes[..*length]))
            .collect()
    };
    for refused in [&[][..], &[100; 7], &[100; 17], &[10; 16]] {
        assert!(mac.sign_all(&of(refused)).is_none(), "{refused:?}");
    }
    let mut lengths = [100; 16];
    assert_eq!(mac.sign_all(&of(&lengths)).is_some(), Lanes::are_quick());
    lengths[9] = 101;
    assert!(mac.sign_all(&of(&lengths)).is_none(), "one is longer");
}
