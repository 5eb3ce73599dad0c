//! SHA-256 against published vectors, and both ways of computing it against each other.

use super::*;
use crate::hex;

#[test]
fn the_published_vectors_come_out() {
    // FIPS 180-4 examples and RFC 6234, section 8.5.
    let cases: [(&[u8], &str); 4] = [
        (
            b"",
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        ),
        (
            b"abc",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        (
            b"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ),
        (
            &[b'a'; 1_000_000],
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
        ),
    ];
    for (bytes, expected) in cases {
        assert_eq!(hex::encode(&digest(bytes)), expected);
    }
}

#[test]
fn pieces_of_any_size_give_the_hash_of_the_whole() {
    let bytes: Vec<u8> = (0..400u32).map(|n| (n * 7) as u8).collect();
    for length in 0..bytes.len() {
        let whole = digest(&bytes[..length]);
        for piece in [1, 3, 55, 56, 63, 64, 65, 127, 130] {
            let mut hash = Sha256::new();
            bytes[..length]
                .chunks(piece)
                .for_each(|part| hash.update(part));
            assert_eq!(hash.total(), length as u64);
            assert_eq!(hash.finish(), whole, "{length} in pieces of {piece}");
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_processors_instructions_agree_with_portable_code() {
    let mut blocks: Vec<u8> = (0..64 * 50u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 9) as u8)
        .collect();
    for round in 0..50 {
        let mut soft_state = INITIAL.map(|word| word.rotate_left(round));
        let mut hard_state = soft_state;
        soft::compress(&mut soft_state, &blocks);
        if !x86::compress(&mut hard_state, &blocks) {
            eprintln!("this processor has no SHA instructions; nothing to compare");
            return;
        }
        assert_eq!(soft_state, hard_state);
        blocks.rotate_left(1);
    }
}

#[test]
fn two_hashes_at_once_are_the_two_hashes() {
    let bytes: Vec<u8> = (0..700u32).map(|n| (n * 7) as u8).collect();
    for (a, b) in (0..200).flat_map(|a| (0..330).step_by(7).map(move |b| (a, b))) {
        let (mut one, mut other) = (Sha256::new(), Sha256::new());
        one.update(&bytes[..a]);
        other.update(&bytes[..b % 65]);
        Sha256::update_both(
            [&mut one, &mut other],
            [&bytes[a..], &bytes[b % 65..b + 65]],
        );
        assert_eq!((one.total(), other.total()), (700, b as u64 + 65));
        assert_eq!(one.finish(), digest(&bytes), "{a} {b}");
        assert_eq!(other.finish(), digest(&bytes[..b + 65]), "{a} {b}");
    }
}

#[test]
fn a_computation_that_was_written_down_goes_on_to_the_same_hash_at_every_length() {
    let bytes: Vec<u8> = (0..300_u32).map(|n| (n * 7) as u8).collect();
    for at in 0..bytes.len() {
        let mut first = Sha256::new();
        first.update(&bytes[..at]);
        let mut second = Sha256::import(&first.export());
        second.update(&bytes[at..]);
        assert_eq!(
            (second.total(), second.finish()),
            (300, digest(&bytes)),
            "at {at}"
        );
    }
}
