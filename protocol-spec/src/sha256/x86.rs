//! The compression function of SHA-256 with the SHA instructions of x86-64, found at run time.
//! The only `unsafe` of the crate: calls that need these instructions, after asking for them.

#![allow(unsafe_code)]

use super::soft::K;
use std::arch::x86_64::{
    __m128i, _mm_add_epi32, _mm_alignr_epi8, _mm_loadu_si128, _mm_set_epi64x, _mm_setzero_si128,
    _mm_sha256msg1_epu32, _mm_sha256msg2_epu32, _mm_sha256rnds2_epu32, _mm_shuffle_epi8,
    _mm_shuffle_epi32, _mm_storeu_si128,
};

/// Takes whole 64-byte blocks into the state; `false`, with nothing done, on a processor without
/// the instructions.
pub(super) fn compress(state: &mut [u32; 8], blocks: &[u8]) -> bool {
    let found = is_x86_feature_detected!("sha")
        && is_x86_feature_detected!("ssse3")
        && is_x86_feature_detected!("sse4.1");
    if found {
        // SAFETY: the three feature sets the function needs were found on this processor.
        unsafe { compress_sha(state, blocks) };
    }
    found
}

/// Four message words as the instructions want them.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn load(bytes: &[u8; 16]) -> __m128i {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // SAFETY: an unaligned load of exactly the 16 bytes of the array.
    _mm_shuffle_epi8(unsafe { _mm_loadu_si128(bytes.as_ptr().cast()) }, swap)
}

/// Four words of an array.
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn words(four: &[u32; 4]) -> __m128i {
    // SAFETY: an unaligned load of exactly the 16 bytes of the array.
    unsafe { _mm_loadu_si128(four.as_ptr().cast()) }
}

#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress_sha(state: &mut [u32; 8], blocks: &[u8]) {
    let [a, b, c, d, e, f, g, h] = *state;
    // The instructions keep the state as (A B E F) and (C D G H), highest word first.
    let mut abef = words(&[f, e, b, a]);
    let mut cdgh = words(&[h, g, d, c]);
    for block in blocks.as_chunks::<64>().0 {
        let (saved_abef, saved_cdgh) = (abef, cdgh);
        let mut w = [_mm_setzero_si128(); 4];
        for (group, constants) in K.as_chunks::<4>().0.iter().enumerate() {
            let message = if group < 4 {
                load(&block.as_chunks::<16>().0[group])
            } else {
                // W[t-16] + s0(W[t-15]) + W[t-7], then s1 of W[t-2], four words at once.
                let [w0, w1, w2, w3] = w;
                let sum = _mm_add_epi32(_mm_sha256msg1_epu32(w0, w1), _mm_alignr_epi8(w3, w2, 4));
                _mm_sha256msg2_epu32(sum, w3)
            };
            w = [w[1], w[2], w[3], message];
            let keyed = _mm_add_epi32(message, words(constants));
            cdgh = _mm_sha256rnds2_epu32(cdgh, abef, keyed);
            abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(keyed, 0x0e));
        }
        abef = _mm_add_epi32(abef, saved_abef);
        cdgh = _mm_add_epi32(cdgh, saved_cdgh);
    }
    let mut high = [0u32; 4];
    let mut low = [0u32; 4];
    // SAFETY: unaligned stores of exactly the 16 bytes of each array.
    unsafe {
        _mm_storeu_si128(high.as_mut_ptr().cast(), abef);
        _mm_storeu_si128(low.as_mut_ptr().cast(), cdgh);
    }
    *state = [
        high[3], high[2], low[3], low[2], high[1], high[0], low[1], low[0],
    ];
}
