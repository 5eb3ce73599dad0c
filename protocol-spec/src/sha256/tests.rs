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

/// Bytes that follow from a seed (xorshift64*).
fn drawn(seed: &mut u64, count: usize) -> Vec<u8> {
    let mut next = || {
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        (seed.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 56) as u8
    };
    (0..count).map(|_| next()).collect()
}

/// SHA-256 by portable code alone, with nothing of what decides between ways.
fn soft_digest(bytes: &[u8]) -> [u8; 32] {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - bytes.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(bytes.len() as u64 * 8).to_be_bytes());
    let mut state = INITIAL;
    soft::compress(&mut state, &padded);
    let mut hash = [0; 32];
    for (out, word) in hash.chunks_exact_mut(4).zip(state) {
        out.copy_from_slice(&word.to_be_bytes());
    }
    hash
}

/// Sixteen messages of `length` bytes hashed in lanes, behind one block that is common to them.
fn in_lanes(common: &[u8; 64], messages: &[Vec<u8>]) -> [[u8; 32]; LANES] {
    let mut begun = Sha256::new();
    begun.update(common);
    let mut lanes = Lanes::new(&begun).unwrap();
    let pieces: [&[u8]; LANES] = std::array::from_fn(|lane| &messages[lane][..]);
    lanes.update(&pieces);
    let whole = pieces[0].len() / 64 * 64;
    lanes.finish(&pieces.map(|piece| &piece[whole..]))
}

#[test]
fn every_way_of_hashing_agrees_with_portable_code_at_drawn_lengths() {
    let mut seed = 0x5eed_0001_u64;
    for round in 0..300 {
        let draw = drawn(&mut seed, 66);
        // Every length around the ends of blocks, then any.
        let length = match round {
            0..140 => round,
            _ => usize::from(draw[0]) << 4 | usize::from(draw[1]) & 15,
        };
        let common: [u8; 64] = draw[2..].try_into().unwrap();
        let messages: Vec<_> = (0..LANES).map(|_| drawn(&mut seed, length)).collect();
        for (message, hash) in messages.iter().zip(in_lanes(&common, &messages)) {
            let whole = [&common[..], message].concat();
            let expected = soft_digest(&whole);
            assert_eq!(hash, expected, "in lanes, {length} bytes, round {round}");
            assert_eq!(digest(&whole), expected, "{length} bytes, round {round}");
        }
        let (mut one, mut other) = (Sha256::new(), Sha256::new());
        let pair = [&messages[0][..], &messages[1][..length / 2]];
        Sha256::update_both([&mut one, &mut other], pair);
        assert_eq!(one.finish(), soft_digest(pair[0]), "{length} bytes beside");
        assert_eq!(other.finish(), soft_digest(pair[1]), "half of {length}");
    }
}

#[test]
fn a_published_vector_comes_out_of_every_lane() {
    // RFC 6234, section 8.5: a million times `a`, of which the first block is common.
    let message = vec![b'a'; 1_000_000 - 64];
    let hashes = in_lanes(&[b'a'; 64], &vec![message; LANES]);
    for hash in hashes {
        assert_eq!(
            hex::encode(&hash),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
        );
    }
}

#[test]
fn lanes_begin_only_between_blocks() {
    let mut begun = Sha256::new();
    begun.update(b"less than a block");
    assert!(Lanes::new(&begun).is_none());
}

#[cfg(target_arch = "x86_64")]
#[test]
fn the_wide_registers_agree_with_portable_code_lane_by_lane() {
    let mut seed = 0x5eed_0002_u64;
    for count in 0..20 {
        let blocks: Vec<_> = (0..LANES).map(|_| drawn(&mut seed, 64 * count)).collect();
        let mut hard: [[u32; 8]; LANES] =
            std::array::from_fn(|lane| INITIAL.map(|word| word.rotate_left(lane as u32)));
        let mut portable = hard;
        let pieces = std::array::from_fn(|lane| &blocks[lane][..]);
        if !wide::compress(&mut hard, &pieces, count) {
            eprintln!("this processor has no AVX-512; nothing to compare");
            return;
        }
        for (state, blocks) in portable.iter_mut().zip(&blocks) {
            soft::compress(state, blocks);
        }
        assert_eq!(hard, portable, "{count} blocks");
    }
}
