//! The tick of a block for processors with AVX2, eight compartments at a time.

#![allow(unsafe_code)]

use std::arch::x86_64::{
    __m256i, _mm256_abs_epi32, _mm256_add_epi32, _mm256_and_si256, _mm256_andnot_si256, _mm256_blendv_epi8,
    _mm256_castsi256_ps, _mm256_cmpeq_epi32, _mm256_cmpgt_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
    _mm256_max_epi32, _mm256_min_epi32, _mm256_movemask_ps, _mm256_mullo_epi32, _mm256_or_si256, _mm256_set1_epi32,
    _mm256_setzero_si256, _mm256_sign_epi32, _mm256_slli_epi32, _mm256_sllv_epi32, _mm256_srai_epi32,
    _mm256_srav_epi32, _mm256_srli_epi32, _mm256_storeu_si256, _mm256_sub_epi32, _mm256_testz_si256, _mm256_xor_si256,
};
use std::ops::Range;

use super::{Block, Blocks, Cells, LANES, LAVA, Marks, NENGO, Registers, Totals, every};

/// Compartments of one vector.
const WIDTH: usize = 8;
/// Below this limit both halves of a magnitude fit the signed 16 bits of a multiplication.
const NARROW: i32 = 1 << 26;

/// As [`super::tick`]; `None`, and nothing done, where the processor or the width of the state is not for it.
#[inline]
pub(super) fn tick<const RULE: u8, const SILENT: bool, S: Copy + Default + Into<i32>>(
    blocks: &Blocks,
    range: Range<usize>,
    limit: i32,
    cells: &mut Cells<'_, S>,
    marks: &mut Vec<Marks>,
) -> Option<Totals> {
    if limit >= NARROW || !is_x86_feature_detected!("avx2") || !is_x86_feature_detected!("popcnt") {
        return None;
    }
    // SAFETY: the processor has AVX2 and POPCNT, the only things that the function asks for beyond safe code.
    Some(unsafe { tick_all::<RULE, SILENT, S>(blocks, range, limit, cells, marks) })
}

#[target_feature(enable = "avx2,popcnt")]
fn tick_all<const RULE: u8, const SILENT: bool, S: Copy + Default + Into<i32>>(
    blocks: &Blocks,
    range: Range<usize>,
    limit: i32,
    cells: &mut Cells<'_, S>,
    marks: &mut Vec<Marks>,
) -> Totals {
    every(blocks, range, cells, marks, |registers, bias, sums, state| {
        block::<RULE, SILENT>(registers, bias, limit, sums, state)
    })
}

#[target_feature(enable = "avx2,popcnt")]
fn load(block: &Block, part: usize) -> __m256i {
    let lanes: &[i32; WIDTH] = &block.as_chunks().0[part];
    // SAFETY: `lanes` has eight i32, 32 bytes; unaligned access is allowed.
    unsafe { _mm256_loadu_si256(lanes.as_ptr().cast()) }
}

#[target_feature(enable = "avx2,popcnt")]
fn store(block: &mut Block, part: usize, value: __m256i) {
    let lanes: &mut [i32; WIDTH] = &mut block.as_chunks_mut().0[part];
    // SAFETY: as in `load`, and `lanes` is borrowed mutably.
    unsafe { _mm256_storeu_si256(lanes.as_mut_ptr().cast(), value) }
}

/// `sign(x) * ((|x| * keep) >> 12)` in halves of 12 bits; `NARROW` where `|x| < 2^27`.
#[target_feature(enable = "avx2,popcnt")]
fn decay<const NARROW: bool>(x: __m256i, keep: __m256i) -> __m256i {
    let magnitude = _mm256_abs_epi32(x);
    let high = _mm256_srli_epi32::<12>(magnitude);
    let low = _mm256_madd_epi16(_mm256_and_si256(magnitude, _mm256_set1_epi32(4095)), keep);
    let high = if NARROW { _mm256_madd_epi16(high, keep) } else { _mm256_mullo_epi32(high, keep) };
    _mm256_sign_epi32(_mm256_add_epi32(high, _mm256_srli_epi32::<12>(low)), x)
}

/// u and v after a tick, before the comparison, and what is not 0 where a register overflowed.
struct Next {
    u: __m256i,
    v: __m256i,
    overflows: [__m256i; 4],
}

/// As [`super::nengo`].
#[target_feature(enable = "avx2,popcnt")]
fn nengo(limit: i32, a: __m256i, u: __m256i, v: __m256i, bias: __m256i) -> Next {
    let spare = _mm256_set1_epi32(limit.leading_zeros().cast_signed() - 1);
    let wrap = |x| _mm256_srav_epi32(_mm256_sllv_epi32(x, spare), spare);
    let sum = _mm256_srai_epi32::<16>(_mm256_slli_epi32::<16>(a));
    let summed = _mm256_add_epi32(u, _mm256_slli_epi32::<6>(sum));
    let u = wrap(summed);
    let driven = _mm256_add_epi32(u, bias);
    let drive = wrap(driven);
    let wide = _mm256_add_epi32(v, drive);
    let kept = _mm256_max_epi32(_mm256_min_epi32(wide, _mm256_set1_epi32(limit)), _mm256_set1_epi32(-limit));
    let overflows = [
        _mm256_xor_si256(sum, a),
        _mm256_xor_si256(u, summed),
        _mm256_xor_si256(drive, driven),
        _mm256_xor_si256(kept, wide),
    ];
    Next { u, v: kept, overflows }
}

/// As [`super::lava`].
#[target_feature(enable = "avx2,popcnt")]
fn lava(limit: i32, a: __m256i, u: __m256i, v: __m256i, bias: __m256i) -> Next {
    let clamp = |x, most: i32| _mm256_max_epi32(_mm256_min_epi32(x, _mm256_set1_epi32(most)), _mm256_set1_epi32(-most));
    let span = _mm256_set1_epi32((limit + 1) * 2);
    let summed = _mm256_add_epi32(u, _mm256_slli_epi32::<6>(a));
    let back = _mm256_and_si256(_mm256_cmpgt_epi32(summed, _mm256_set1_epi32(limit + 1)), span);
    let forth = _mm256_and_si256(_mm256_cmpgt_epi32(_mm256_set1_epi32(-limit), summed), span);
    let u = _mm256_add_epi32(_mm256_sub_epi32(summed, back), forth);
    let wide = _mm256_add_epi32(_mm256_add_epi32(v, bias), clamp(u, 1 << 30));
    let kept = clamp(wide, limit);
    let none = _mm256_setzero_si256();
    Next { u, v: kept, overflows: [_mm256_or_si256(back, forth), _mm256_xor_si256(kept, wide), none, none] }
}

/// As [`super::calm`].
#[target_feature(enable = "avx2,popcnt")]
fn calm(limit: i32, a: __m256i, u: __m256i, v: __m256i, bias: __m256i) -> Next {
    let u = _mm256_add_epi32(u, _mm256_slli_epi32::<6>(a));
    let wide = _mm256_add_epi32(_mm256_add_epi32(v, u), bias);
    let kept = _mm256_max_epi32(_mm256_min_epi32(wide, _mm256_set1_epi32(limit)), _mm256_set1_epi32(-limit));
    let none = _mm256_setzero_si256();
    Next { u, v: kept, overflows: [_mm256_xor_si256(kept, wide), none, none, none] }
}

/// How many lanes of all are not 0.
#[target_feature(enable = "avx2,popcnt")]
fn count(flags: [__m256i; 4]) -> u32 {
    let any = _mm256_or_si256(_mm256_or_si256(flags[0], flags[1]), _mm256_or_si256(flags[2], flags[3]));
    if _mm256_testz_si256(any, any) == 1 {
        return 0;
    }
    flags.iter().map(|&flag| (!bits(_mm256_cmpeq_epi32(flag, _mm256_setzero_si256())) & 255).count_ones()).sum()
}

/// The sign of every lane.
#[target_feature(enable = "avx2,popcnt")]
fn bits(mask: __m256i) -> u32 {
    _mm256_movemask_ps(_mm256_castsi256_ps(mask)).cast_unsigned()
}

#[target_feature(enable = "avx2,popcnt")]
fn block<const RULE: u8, const SILENT: bool>(
    r: &Registers,
    bias: &Block,
    limit: i32,
    sums: &Block,
    [us, vs, silents]: [&mut Block; 3],
) -> (Marks, u32) {
    let none = _mm256_setzero_si256();
    let (mut marks, mut overflows) = (Marks::default(), 0);
    for part in 0..LANES / WIDTH {
        let (a, u_before, v_before) = (load(sums, part), load(us, part), load(vs, part));
        let v_kept = decay::<true>(v_before, load(&r.keep_v, part));
        let (keep_u, bias) = (load(&r.keep_u, part), load(bias, part));
        let next = match RULE {
            LAVA => lava(limit, a, decay::<false>(u_before, keep_u), v_kept, bias),
            NENGO => nengo(limit, a, decay::<true>(u_before, keep_u), v_kept, bias),
            _ => calm(limit, a, decay::<true>(u_before, keep_u), v_kept, bias),
        };
        let threshold = load(&r.threshold, part);
        let mut changed = _mm256_or_si256(a, _mm256_xor_si256(next.u, u_before));
        let (mut held, mut fires) = (next.v, _mm256_cmpgt_epi32(next.v, threshold));
        if SILENT {
            let silent = load(silents, part);
            let awake = _mm256_cmpeq_epi32(silent, none);
            held = _mm256_and_si256(held, awake);
            fires = _mm256_and_si256(_mm256_cmpgt_epi32(held, threshold), awake);
            let left = _mm256_blendv_epi8(silent, load(&r.refractory, part), fires);
            store(silents, part, _mm256_max_epi32(_mm256_sub_epi32(left, _mm256_set1_epi32(1)), none));
            changed = _mm256_or_si256(changed, silent);
        }
        let v = _mm256_andnot_si256(fires, held);
        changed = _mm256_or_si256(changed, _mm256_or_si256(_mm256_xor_si256(v, v_before), fires));
        store(us, part, next.u);
        store(vs, part, v);
        let shift = part * WIDTH;
        marks.fired |= bits(fires) << shift;
        marks.active |= (!bits(_mm256_cmpeq_epi32(changed, none)) & 255) << shift;
        overflows += count(next.overflows);
    }
    (marks, overflows)
}
