//! The compression function of SHA-256 for sixteen messages at once with the AVX-512 of x86-64,
//! found at run time: each register holds the same word of every message. Calls that need these
//! instructions, after asking for them, are all that is `unsafe` here.

#![allow(unsafe_code)]

use super::lanes::LANES;
use super::soft::K;
use std::arch::x86_64::{
    __m512i, _mm_set_epi64x, _mm512_add_epi32, _mm512_broadcast_i32x4, _mm512_loadu_si512,
    _mm512_ror_epi32, _mm512_set1_epi32, _mm512_setzero_si512, _mm512_shuffle_epi8,
    _mm512_shuffle_i32x4, _mm512_srli_epi32, _mm512_storeu_si512, _mm512_ternarylogic_epi32,
    _mm512_unpackhi_epi32, _mm512_unpackhi_epi64, _mm512_unpacklo_epi32, _mm512_unpacklo_epi64,
};

/// Truth table of "one or all three of them": exclusive or.
const XOR: i32 = 0x96;
/// Truth table of "the second where the first is set, else the third".
const CHOICE: i32 = 0xca;
/// Truth table of "two of them at least".
const MAJORITY: i32 = 0xe8;

/// Whether the processor and the system have them.
pub(super) fn found() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

/// Takes `count` 64-byte blocks, which every lane must have, into each state; `false`, with
/// nothing done, on a processor without the instructions.
pub(super) fn compress(
    states: &mut [[u32; 8]; LANES],
    blocks: &[&[u8]; LANES],
    count: usize,
) -> bool {
    let found = found();
    if found {
        let mut turned = [[0; LANES]; 8];
        for (lane, state) in states.iter().enumerate() {
            for (word, row) in state.iter().zip(&mut turned) {
                row[lane] = *word;
            }
        }
        // SAFETY: the two feature sets the function needs were found on this processor.
        unsafe { compress_all(&mut turned, blocks, count) };
        for (lane, state) in states.iter_mut().enumerate() {
            for (word, row) in state.iter_mut().zip(&turned) {
                *word = row[lane];
            }
        }
    }
    found
}

/// The sixteen words of a row.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn words(row: &[u32; LANES]) -> __m512i {
    // SAFETY: an unaligned load of exactly the 64 bytes of the array.
    unsafe { _mm512_loadu_si512(row.as_ptr().cast()) }
}

/// The sixteen words of a block, which are big-endian.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn load(block: &[u8; 64]) -> __m512i {
    let swap = _mm_set_epi64x(0x0c0d_0e0f_0809_0a0b, 0x0405_0607_0001_0203);
    // SAFETY: an unaligned load of exactly the 64 bytes of the array.
    let words = unsafe { _mm512_loadu_si512(block.as_ptr().cast()) };
    _mm512_shuffle_epi8(words, _mm512_broadcast_i32x4(swap))
}

/// Rows become columns: before it a register holds a message's block, after it one word of every
/// message's. First within each four lanes, then fours of lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn turn(rows: &mut [__m512i; 16]) {
    for four in rows.as_chunks_mut::<4>().0 {
        let [a, b, c, d] = *four;
        let (low, high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (next_low, next_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
        *four = [
            _mm512_unpacklo_epi64(low, next_low),
            _mm512_unpackhi_epi64(low, next_low),
            _mm512_unpacklo_epi64(high, next_high),
            _mm512_unpackhi_epi64(high, next_high),
        ];
    }
    for at in 0..4 {
        let [a, b, c, d] = [rows[at], rows[at + 4], rows[at + 8], rows[at + 12]];
        let low = _mm512_shuffle_i32x4::<0x44>(a, b);
        let high = _mm512_shuffle_i32x4::<0xee>(a, b);
        let next_low = _mm512_shuffle_i32x4::<0x44>(c, d);
        let next_high = _mm512_shuffle_i32x4::<0xee>(c, d);
        rows[at] = _mm512_shuffle_i32x4::<0x88>(low, next_low);
        rows[at + 4] = _mm512_shuffle_i32x4::<0xdd>(low, next_low);
        rows[at + 8] = _mm512_shuffle_i32x4::<0x88>(high, next_high);
        rows[at + 12] = _mm512_shuffle_i32x4::<0xdd>(high, next_high);
    }
}

/// The exclusive or of a word turned by two counts and of a third value.
macro_rules! mix {
    ($x:expr, $one:literal, $other:literal, $third:expr) => {
        _mm512_ternarylogic_epi32::<XOR>(
            _mm512_ror_epi32::<$one>($x),
            _mm512_ror_epi32::<$other>($x),
            $third,
        )
    };
}

/// One round (FIPS 180-4, 6.2.2). Written out by macros, because a program made small first would
/// keep the words in memory otherwise.
macro_rules! round {
    ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident,
     $word:expr, $constant:expr) => {{
        let s1 = mix!($e, 6, 11, _mm512_ror_epi32::<25>($e));
        let choice = _mm512_ternarylogic_epi32::<CHOICE>($e, $f, $g);
        let added = _mm512_add_epi32($word, _mm512_set1_epi32($constant.cast_signed()));
        let t1 = _mm512_add_epi32(_mm512_add_epi32($h, added), _mm512_add_epi32(s1, choice));
        let s0 = mix!($a, 2, 13, _mm512_ror_epi32::<22>($a));
        let majority = _mm512_ternarylogic_epi32::<MAJORITY>($a, $b, $c);
        $d = _mm512_add_epi32($d, t1);
        $h = _mm512_add_epi32(t1, _mm512_add_epi32(s0, majority));
    }};
}

/// Eight rounds, after which the words are where they were before.
macro_rules! rounds {
    ($words:ident, $constants:expr, $first:literal;
     $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {{
        round!($a $b $c $d $e $f $g $h, $words[$first], $constants[$first]);
        round!($h $a $b $c $d $e $f $g, $words[$first + 1], $constants[$first + 1]);
        round!($g $h $a $b $c $d $e $f, $words[$first + 2], $constants[$first + 2]);
        round!($f $g $h $a $b $c $d $e, $words[$first + 3], $constants[$first + 3]);
        round!($e $f $g $h $a $b $c $d, $words[$first + 4], $constants[$first + 4]);
        round!($d $e $f $g $h $a $b $c, $words[$first + 5], $constants[$first + 5]);
        round!($c $d $e $f $g $h $a $b, $words[$first + 6], $constants[$first + 6]);
        round!($b $c $d $e $f $g $h $a, $words[$first + 7], $constants[$first + 7]);
    }};
}

/// The next message words in the places of the oldest: W[t-16] + s0(W[t-15]) + W[t-7] + s1(W[t-2]).
macro_rules! schedule {
    ($words:ident; $($at:literal)+) => {
        $({
            let (early, late) = ($words[($at + 1) % 16], $words[($at + 14) % 16]);
            let s0 = mix!(early, 7, 18, _mm512_srli_epi32::<3>(early));
            let s1 = mix!(late, 17, 19, _mm512_srli_epi32::<10>(late));
            let old = _mm512_add_epi32($words[$at], $words[($at + 9) % 16]);
            $words[$at] = _mm512_add_epi32(old, _mm512_add_epi32(s0, s1));
        })+
    };
}

/// `rows` hold one word of every state each.
#[target_feature(enable = "avx512f,avx512bw")]
fn compress_all(rows: &mut [[u32; LANES]; 8], blocks: &[&[u8]; LANES], count: usize) {
    let blocks = blocks.map(|blocks| blocks.as_chunks::<64>().0);
    let mut state = [_mm512_setzero_si512(); 8];
    for (to, row) in state.iter_mut().zip(&*rows) {
        *to = words(row);
    }
    for at in 0..count {
        let mut words = [_mm512_setzero_si512(); 16];
        for (to, blocks) in words.iter_mut().zip(&blocks) {
            *to = load(&blocks[at]);
        }
        turn(&mut words);
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
        for (part, constants) in K.as_chunks::<16>().0.iter().enumerate() {
            if part > 0 {
                schedule!(words; 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
            }
            rounds!(words, constants, 0; a b c d e f g h);
            rounds!(words, constants, 8; a b c d e f g h);
        }
        for (sum, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *sum = _mm512_add_epi32(*sum, word);
        }
    }
    for (row, words) in rows.iter_mut().zip(state) {
        // SAFETY: an unaligned store of exactly the 64 bytes of the array.
        unsafe { _mm512_storeu_si512(row.as_mut_ptr().cast(), words) };
    }
}
