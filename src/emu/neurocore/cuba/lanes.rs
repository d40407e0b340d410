//! The compartments' arithmetic, [`LANES`] at a time, in 32-bit lanes that the compiler makes vectors of.
//!
//! It equals [`super::soma`] wherever [`fits`] holds: no intermediate then needs more than 32 bits, save lava's
//! sums, which wrap there anyway. Brian2, which has no widths, always takes the other way.

#![allow(unsafe_code)]

use super::soma::Compartment;

/// Compartments of one block; arrays are padded to a multiple.
pub(super) const LANES: usize = 32;

/// One 32-bit word for each compartment of a block.
pub(super) type Block = [i32; LANES];

/// The widest state and bias for which no sum leaves 32 bits: 2^27 + 2^27 + 2^28.
const WIDEST_STATE: u32 = 28;
const LARGEST_BIAS: u32 = 1 << 28;

/// Whether the lanes hold every value of these compartments.
pub(super) fn fits(compartments: &[Compartment], state_bits: u32) -> bool {
    state_bits <= WIDEST_STATE && compartments.iter().all(|c| c.bias.unsigned_abs() <= LARGEST_BIAS)
}

/// Registers of one block.
#[derive(Debug, Clone)]
pub(super) struct Registers {
    /// What is kept of u and v in 4096ths.
    keep_u: [u32; LANES],
    keep_v: [u32; LANES],
    bias: Block,
    threshold: Block,
    refractory: Block,
}

impl Registers {
    /// Blocks for all compartments; those that only fill the last one stay at 0.
    pub(super) fn of(compartments: &[Compartment]) -> Vec<Self> {
        let blank = Self {
            keep_u: [0; LANES],
            keep_v: [0; LANES],
            bias: [0; LANES],
            threshold: [i32::MAX; LANES],
            refractory: [1; LANES],
        };
        let block = |of: &[Compartment]| {
            let mut block = blank.clone();
            for (lane, compartment) in of.iter().enumerate() {
                block.keep_u[lane] = 4096 - compartment.decay_u;
                block.keep_v[lane] = 4096 - compartment.decay_v;
                block.bias[lane] = compartment.bias;
                block.threshold[lane] = compartment.threshold;
                block.refractory[lane] = compartment.refractory.into();
            }
            block
        };
        compartments.chunks(LANES).map(block).collect()
    }
}

/// State of one block, and the sums that it takes in (left at 0).
pub(super) struct Cells<'a> {
    pub(super) sums: &'a mut Block,
    pub(super) u: &'a mut Block,
    pub(super) v: &'a mut Block,
    pub(super) silent: &'a mut Block,
}

/// What happened in a block, a bit a compartment, and how many registers overflowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) fired: u32,
    pub(super) active: u32,
    pub(super) overflows: u32,
}

/// The tick of one block. `NENGO` chooses between nengo's arithmetic and lava's, `SILENT` whether any compartment
/// has a refractory time; `limit` is the largest u and v.
#[inline]
pub(super) fn tick<const NENGO: bool, const SILENT: bool>(
    registers: &Registers,
    limit: i32,
    cells: &mut Cells<'_>,
) -> Marks {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only thing that the function asks for beyond safe code.
        return unsafe { tick_avx2::<NENGO, SILENT>(registers, limit, cells) };
    }
    tick_plain::<NENGO, SILENT>(registers, limit, cells)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tick_avx2<const NENGO: bool, const SILENT: bool>(r: &Registers, limit: i32, cells: &mut Cells<'_>) -> Marks {
    tick_plain::<NENGO, SILENT>(r, limit, cells)
}

/// `sign(x) * ((|x| * keep) >> 12)`, in halves so that no product leaves 32 bits.
#[inline(always)]
fn decay(x: i32, keep: u32) -> i32 {
    let magnitude = x.unsigned_abs();
    let kept = (magnitude >> 12).wrapping_mul(keep).wrapping_add(((magnitude & 4095) * keep) >> 12);
    let sign = x >> 31;
    (kept.cast_signed() ^ sign).wrapping_sub(sign)
}

/// u and v after a tick, before the comparison, and how many registers overflowed.
#[inline(always)]
fn nengo(limit: i32, a: i32, u: i32, v: i32, bias: i32) -> (i32, i32, i32) {
    let spare = limit.leading_zeros() - 1;
    let wrap = |x: i32| (x << spare) >> spare;
    let sum = (a << 16) >> 16;
    let summed = u + (sum << 6);
    let u = wrap(summed);
    let driven = u + bias;
    let drive = wrap(driven);
    let wide = v + drive;
    let kept = wide.clamp(-limit, limit);
    (u, kept, i32::from(sum != a) + i32::from(u != summed) + i32::from(drive != driven) + i32::from(kept != wide))
}

/// The same in dialect lava, whose u may leave its range: v saturates all the same.
#[inline(always)]
fn lava(limit: i32, a: i32, u: i32, v: i32, bias: i32) -> (i32, i32, i32) {
    let far = 1 << 30;
    let summed = u.wrapping_add(a.wrapping_shl(6));
    let span = (limit + 1) * 2;
    let back = if summed > limit + 1 { span.wrapping_neg() } else { 0 };
    let forth = if summed < -limit { span } else { 0 };
    let u = summed.wrapping_add(back).wrapping_add(forth);
    let wide = (v + bias) + u.clamp(-far, far);
    let kept = wide.clamp(-limit, limit);
    (u, kept, i32::from(back | forth != 0) + i32::from(kept != wide))
}

#[inline(always)]
fn tick_plain<const NENGO: bool, const SILENT: bool>(r: &Registers, limit: i32, cells: &mut Cells<'_>) -> Marks {
    let (mut fired, mut active, mut overflows) = (0_u32, 0_u32, 0_i32);
    for lane in 0..LANES {
        let (a, u_before, v_before) = (cells.sums[lane], cells.u[lane], cells.v[lane]);
        let (u_decayed, v_decayed) = (decay(u_before, r.keep_u[lane]), decay(v_before, r.keep_v[lane]));
        let rule = if NENGO { nengo } else { lava };
        let (u, v, over) = rule(limit, a, u_decayed, v_decayed, r.bias[lane]);
        let silent = if SILENT { cells.silent[lane] } else { 0 };
        let held = if SILENT && silent > 0 { 0 } else { v };
        let fires = (silent == 0) & (held > r.threshold[lane]);
        let v = if fires { 0 } else { held };
        (cells.sums[lane], cells.u[lane], cells.v[lane]) = (0, u, v);
        if SILENT {
            cells.silent[lane] = (if fires { r.refractory[lane] } else { silent } - 1).max(0);
        }
        let changed = a | (u ^ u_before) | (v ^ v_before) | silent;
        fired |= if fires { 1 << lane } else { 0 };
        active |= if (changed != 0) | fires { 1 << lane } else { 0 };
        overflows += over;
    }
    Marks { fired, active, overflows: overflows.cast_unsigned() }
}
