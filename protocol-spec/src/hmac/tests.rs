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
