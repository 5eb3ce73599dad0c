//! The compression function of SHA-256 with the SHA instructions of x86-64, found at run time.
//! Each of these instructions waits for the one before; two hashes at once, turn by turn, fill
//! the waits. Calls that need these instructions, after asking for them, are all that is
//! `unsafe` here.

#![allow(unsafe_code)]

use super::soft::K;
use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_loadu_si128, _mm_set_epi64x, _mm_sha256msg1_epu32,
    _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8, _mm_shuffle_epi32,
    _mm_storeu_si128,
};

fn found() -> bool {
    is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1")
}

/// Takes whole 64-byte blocks into the state; `false`, with nothing done, on a processor without
/// the instructions.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[u8]) -> bool {
    let found = found();
    if found {
        // SAFETY: the three feature sets the function needs were found on this processor.
        unsafe { compress_one(state, blocks) };
    }
    found
}

/// Takes as many whole 64-byte blocks into each of two states; `false`, with nothing done, on a
/// processor without the instructions.
pub(super) fn compress_both(states: [&mut [u32; 8]; 2], blocks: [&[u8]; 2]) -> bool {
    let found = found();
    if found {
        // SAFETY: the three feature sets the function needs were found on this processor.
        unsafe { compress_two(states, blocks) };
    }
    found
}

/// Four message words as the instructions want them.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn load(bytes: &[u8; 16]) -> __m128i {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // SAFETY: an unaligned load of exactly the 16 bytes of the array.
    _mm_shuffle_epi8(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }, swap)
}

/// Four words of an array.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn words(four: &[u32; 4]) -> __m128i {
    // SAFETY: an unaligned load of exactly the 16 bytes of the array.
    unsafe { _mm_loadu_si128(four.as_ptr().cast()) }
}

/// One hash on its way.
#[derive(Clone, Copy)]
struct Lane {
    /// The instructions keep the state as (A B E F) and (C D G H), highest word first.
    abef: __m128i,
    cdgh: __m128i,
}

impl Lane {
    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn new(&[a, b, c, d, e, f, g, h]: &[u32; 8]) -> Lane {
        Lane {
            abef: words(&[f, e, b, a]),
            cdgh: words(&[h, g, d, c]),
        }
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn add(&mut self, other: &Lane) {
        self.abef = _mm_add_epi32(self.abef, other.abef);
        self.cdgh = _mm_add_epi32(self.cdgh, other.cdgh);
    }

    #[inline]
    #[target_feature(enable = "sha,ssse3,sse4.1")]
    fn store(&self, state: &mut [u32; 8]) {
        let mut high = [0u32; 4];
        let mut low = [0u32; 4];
        // SAFETY: unaligned stores of exactly the 16 bytes of each array.
        unsafe {
            _mm_storeu_si128(high.as_mut_ptr().cast(), self.abef);
            _mm_storeu_si128(low.as_mut_ptr().cast(), self.cdgh);
        }
        *state = [
            high[3], high[2], low[3], low[2], high[1], high[0], low[1], low[0],
        ];
    }
}

/// Four rounds of each lane. Written out by macros, because a program made small first would
/// keep the message words in memory otherwise.
macro_rules! rounds {
    ($constants:expr; $($lane:ident $message:ident),+) => {{
        let constants = words($constants);
        $(let $message = _mm_add_epi32($message, constants);)+
        $($lane.cdgh = _mm_sha256rnds2_epu32($lane.cdgh, $lane.abef, $message);)+
        $($lane.abef = _mm_sha256rnds2_epu32(
            $lane.abef, $lane.cdgh, _mm_shuffle_epi32($message, 0x0e));)+
    }};
}

/// The next four message words in the place of the oldest: W[t-16] + s0(W[t-15]) + W[t-7], then
/// s1 of W[t-2].
macro_rules! schedule {
    ($($w0:ident $w1:ident $w2:ident $w3:ident),+) => {
        $($w0 = _mm_sha256msg2_epu32(
            _mm_add_epi32(_mm_sha256msg1_epu32($w0, $w1), _mm_alignr_epi8($w3, $w2, 4)),
            $w3,
        );)+
    };
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress_one(state: &mut [u32; 8], blocks: &[u8]) {
    let mut a = Lane::new(state);
    let (first, rest) = K.as_chunks::<4>().0.split_at(4);
    for block in blocks.as_chunks::<64>().0 {
        let saved = a;
        let [w0, w1, w2, w3] = block.as_chunks::<16>().0 else {
            continue;
        };
        let (mut w0, mut w1, mut w2, mut w3) = (load(w0), load(w1), load(w2), load(w3));
        rounds!(&first[0]; a w0);
        rounds!(&first[1]; a w1);
        rounds!(&first[2]; a w2);
        rounds!(&first[3]; a w3);
        for constants in rest.as_chunks::<4>().0 {
            schedule!(w0 w1 w2 w3);
            rounds!(&constants[0]; a w0);
            schedule!(w1 w2 w3 w0);
            rounds!(&constants[1]; a w1);
            schedule!(w2 w3 w0 w1);
            rounds!(&constants[2]; a w2);
            schedule!(w3 w0 w1 w2);
            rounds!(&constants[3]; a w3);
        }
        a.add(&saved);
    }
    a.store(state);
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress_two(states: [&mut [u32; 8]; 2], blocks: [&[u8]; 2]) {
    let (mut a, mut b) = (Lane::new(states[0]), Lane::new(states[1]));
    let (first, rest) = K.as_chunks::<4>().0.split_at(4);
    let pairs = blocks[0].as_chunks::<64>().0.iter();
    for (one, other) in pairs.zip(blocks[1].as_chunks::<64>().0) {
        let saved = (a, b);
        let ([w0, w1, w2, w3], [x0, x1, x2, x3]) =
            (one.as_chunks::<16>().0, other.as_chunks::<16>().0)
        else {
            continue;
        };
        let (mut w0, mut w1, mut w2, mut w3) = (load(w0), load(w1), load(w2), load(w3));
        let (mut x0, mut x1, mut x2, mut x3) = (load(x0), load(x1), load(x2), load(x3));
        rounds!(&first[0]; a w0, b x0);
        rounds!(&first[1]; a w1, b x1);
        rounds!(&first[2]; a w2, b x2);
        rounds!(&first[3]; a w3, b x3);
        for constants in rest.as_chunks::<4>().0 {
            schedule!(w0 w1 w2 w3, x0 x1 x2 x3);
            rounds!(&constants[0]; a w0, b x0);
            schedule!(w1 w2 w3 w0, x1 x2 x3 x0);
            rounds!(&constants[1]; a w1, b x1);
            schedule!(w2 w3 w0 w1, x2 x3 x0 x1);
            rounds!(&constants[2]; a w2, b x2);
            schedule!(w3 w0 w1 w2, x3 x0 x1 x2);
            rounds!(&constants[3]; a w3, b x3);
        }
        a.add(&saved.0);
        b.add(&saved.1);
    }
    let [one, other] = states;
    a.store(one);
    b.store(other);
}
