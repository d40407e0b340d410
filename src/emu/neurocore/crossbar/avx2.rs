//! The parts of a walk that use what only some processors have: 256-bit vectors, bit counts, prefetching.
#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _MM_HINT_T0, _mm_prefetch, _mm256_add_epi16, _mm256_add_epi32, _mm256_and_si256, _mm256_castsi256_si128,
    _mm256_cmpeq_epi16, _mm256_cmpgt_epi32, _mm256_cvtepi16_epi32, _mm256_extracti128_si256, _mm256_loadu_si256,
    _mm256_movemask_epi8, _mm256_packs_epi16, _mm256_packs_epi32, _mm256_permutevar8x32_epi32, _mm256_set_epi32,
    _mm256_set1_epi16, _mm256_set1_epi32, _mm256_set1_epi64x, _mm256_setr_epi16, _mm256_shuffle_epi8,
    _mm256_storeu_si256,
};

use super::lanes::{Active, Addend, Counts, LANES, Range, Vector};

/// As [`super::lanes::plain`].
#[inline]
pub(super) fn advance(_: Vector, v: &mut [i32; LANES], addends: (&[Addend], usize), leak: i16, range: Range) -> u64 {
    // SAFETY: a `Vector` is made only where the processor has AVX2.
    unsafe { kernel(v, addends, leak, range) }
}

/// As [`super::lanes::touch_plain`].
#[inline]
pub(super) fn touch(_: Vector, rows: &[u64], starts: &[u32], touched: &mut [u64]) -> u64 {
    // SAFETY: a `Vector` is made only where the processor has AVX2 and POPCNT.
    unsafe { counted(rows, starts, touched) }
}

/// As [`super::lanes::count_plain`].
#[inline]
pub(super) fn count(
    _: Vector,
    rows: &[u64],
    active: Active<'_>,
    words: std::ops::Range<usize>,
    counts: &mut Counts,
) -> u64 {
    // SAFETY: a `Vector` is made only where the processor has AVX2 and POPCNT.
    unsafe { counted_by_type(rows, active, words, counts) }
}

#[target_feature(enable = "avx2,popcnt")]
fn counted_by_type(rows: &[u64], active: Active<'_>, words: std::ops::Range<usize>, counts: &mut Counts) -> u64 {
    super::lanes::count_plain(rows, active, words, counts)
}

/// As [`super::lanes::column`].
#[inline]
pub(super) fn column(_: Vector, rows: &[u64], starts: &[u32], word: usize, mask: u64) -> u64 {
    // SAFETY: as in `touch`.
    unsafe { summed(rows, starts, word, mask) }
}

#[target_feature(enable = "avx2,popcnt")]
fn summed(rows: &[u64], starts: &[u32], word: usize, mask: u64) -> u64 {
    super::lanes::column_plain(rows, starts, word, mask)
}

#[target_feature(enable = "avx2,popcnt")]
fn counted(rows: &[u64], starts: &[u32], touched: &mut [u64]) -> u64 {
    super::lanes::touch_plain(rows, starts, touched)
}

/// Asks for a word that will be read soon.
#[inline]
pub(super) fn prefetch<T>(words: &[T], at: usize) {
    if let Some(word) = words.get(at) {
        // SAFETY: the address is that of a word in `words`, and a prefetch changes nothing.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(word).cast()) };
    }
}

#[target_feature(enable = "avx2")]
fn kernel(v: &mut [i32; LANES], (addends, word): (&[Addend], usize), leak: i16, range: Range) -> u64 {
    let mut sums = [_mm256_set1_epi16(leak); 4];
    let bit = _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, i16::MIN);
    // Sixteen bits of a word to all lanes.
    let spread = [0x0100, 0x0302, 0x0504, 0x0706].map(|part| _mm256_set1_epi16(part));
    for addend in addends {
        let (neurons, value) = (_mm256_set1_epi64x(addend.neurons[word] as i64), _mm256_set1_epi16(addend.value));
        for (sum, spread) in sums.iter_mut().zip(spread) {
            let mine = _mm256_and_si256(_mm256_shuffle_epi8(neurons, spread), bit);
            *sum = _mm256_add_epi16(*sum, _mm256_and_si256(_mm256_cmpeq_epi16(mine, bit), value));
        }
    }
    // One signed comparison finds both sides: V - low starts at the smallest number.
    let shift = _mm256_set1_epi32(i32::MIN.wrapping_sub(range.low));
    let inside = range.high.wrapping_sub(range.low).wrapping_add(i32::MIN).wrapping_sub(1);
    let inside = _mm256_set1_epi32(inside);
    let mut outside = 0;
    for half in 0..2 {
        let mut masks = [_mm256_set1_epi32(0); 4];
        for (quarter, mask) in masks.iter_mut().enumerate() {
            let sum = sums[2 * half + quarter / 2];
            let part = if quarter % 2 == 0 { _mm256_castsi256_si128(sum) } else { _mm256_extracti128_si256::<1>(sum) };
            let lanes = &mut v[32 * half + 8 * quarter..][..8];
            let pointer: *mut __m256i = lanes.as_mut_ptr().cast();
            // SAFETY: `lanes` has eight i32, 32 bytes; unaligned access is allowed.
            let after = unsafe { _mm256_add_epi32(_mm256_loadu_si256(pointer), _mm256_cvtepi16_epi32(part)) };
            // SAFETY: as above, and `lanes` is borrowed mutably.
            unsafe { _mm256_storeu_si256(pointer, after) };
            *mask = _mm256_cmpgt_epi32(_mm256_add_epi32(after, shift), inside);
        }
        // Packing goes by 128-bit lanes: groups of four come out as 0 2 4 6 1 3 5 7.
        let words = (_mm256_packs_epi32(masks[0], masks[1]), _mm256_packs_epi32(masks[2], masks[3]));
        let bytes = _mm256_packs_epi16(words.0, words.1);
        let bytes = _mm256_permutevar8x32_epi32(bytes, _mm256_set_epi32(7, 3, 6, 2, 5, 1, 4, 0));
        outside |= u64::from(_mm256_movemask_epi8(bytes) as u32) << (32 * half);
    }
    outside
}
