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

/// State of a core by blocks, and the sums that it takes in (left at 0).
pub(super) struct Cells<'a> {
    pub(super) sums: &'a mut [Block],
    pub(super) u: &'a mut [Block],
    pub(super) v: &'a mut [Block],
    pub(super) silent: &'a mut [Block],
}

/// What happened in a block, a bit a compartment, and how many registers overflowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Marks {
    pub(super) fired: u32,
    pub(super) active: u32,
    pub(super) overflows: u32,
}

/// The tick of all blocks, and what happened in each. `NENGO` chooses between nengo's arithmetic and lava's,
/// `SILENT` whether any compartment has a refractory time; `limit` is the largest u and v.
pub(super) fn tick<const NENGO: bool, const SILENT: bool>(
    registers: &[Registers],
    limit: i32,
    cells: &mut Cells<'_>,
    marks: &mut Vec<Marks>,
) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2, the only thing that the function asks for beyond safe code.
        return unsafe { tick_avx2::<NENGO, SILENT>(registers, limit, cells, marks) };
    }
    tick_all::<NENGO, SILENT>(registers, limit, cells, marks);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn tick_avx2<const NENGO: bool, const SILENT: bool>(
    registers: &[Registers],
    limit: i32,
    cells: &mut Cells<'_>,
    marks: &mut Vec<Marks>,
) {
    tick_all::<NENGO, SILENT>(registers, limit, cells, marks);
}

#[inline(always)]
fn tick_all<const NENGO: bool, const SILENT: bool>(
    registers: &[Registers],
    limit: i32,
    cells: &mut Cells<'_>,
    marks: &mut Vec<Marks>,
) {
    marks.clear();
    let state = cells.u.iter_mut().zip(cells.v.iter_mut()).zip(cells.silent.iter_mut());
    let blocks = registers.iter().zip(cells.sums.iter_mut()).zip(state);
    // A loop, not a closure: closures are not made for the vector unit of the function around them.
    for ((registers, sums), ((u, v), silent)) in blocks {
        marks.push(tick_block::<NENGO, SILENT>(registers, limit, [sums, u, v, silent]));
    }
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
fn tick_block<const NENGO: bool, const SILENT: bool>(
    r: &Registers,
    limit: i32,
    [sums, us, vs, silents]: [&mut Block; 4],
) -> Marks {
    let (mut fired, mut active, mut overflows) = (0_u32, 0_u32, 0_i32);
    for lane in 0..LANES {
        let (a, u_before, v_before) = (sums[lane], us[lane], vs[lane]);
        let (u_decayed, v_decayed) = (decay(u_before, r.keep_u[lane]), decay(v_before, r.keep_v[lane]));
        let rule = if NENGO { nengo } else { lava };
        let (u, v, over) = rule(limit, a, u_decayed, v_decayed, r.bias[lane]);
        let silent = if SILENT { silents[lane] } else { 0 };
        let held = if SILENT && silent > 0 { 0 } else { v };
        let fires = (silent == 0) & (held > r.threshold[lane]);
        let v = if fires { 0 } else { held };
        (sums[lane], us[lane], vs[lane]) = (0, u, v);
        if SILENT {
            silents[lane] = (if fires { r.refractory[lane] } else { silent } - 1).max(0);
        }
        let changed = a | (u ^ u_before) | (v ^ v_before) | silent;
        fired |= if fires { 1 << lane } else { 0 };
        active |= if (changed != 0) | fires { 1 << lane } else { 0 };
        overflows += over;
    }
    Marks { fired, active, overflows: overflows.cast_unsigned() }
}

#[cfg(test)]
mod tests {
    use super::super::soma;
    use super::*;
    use crate::rng::Rng;

    const LIMIT: i32 = (1 << 23) - 1;

    /// Values near all edges, from small to beyond the registers.
    fn some(rng: &mut Rng, bits: u64) -> i32 {
        (rng.below(1 << 32) as u32).cast_signed() >> (31 - rng.below(bits))
    }

    fn equals_the_soma<const NENGO: bool>(rule: fn(&Compartment, i32, i32, i32, i32) -> soma::Next) {
        let mut rng = Rng::new(7);
        for round in 0..2000 {
            let compartments: Vec<Compartment> = (0..LANES)
                .map(|_| Compartment {
                    decay_u: rng.below(4096) as u32 + 1,
                    decay_v: rng.below(4097) as u32,
                    bias: some(&mut rng, 28),
                    threshold: some(&mut rng, 24),
                    refractory: 1 + rng.below(3) as u8,
                })
                .collect();
            let draw = |rng: &mut Rng, bits| std::array::from_fn::<i32, LANES, _>(|_| some(rng, bits));
            // In dialect lava u may be anything; v never leaves its range.
            let u = draw(&mut rng, if NENGO { 23 } else { 31 });
            let (a, v) = (draw(&mut rng, 31), draw(&mut rng, 23).map(|v| v.clamp(-LIMIT, LIMIT)));
            let silent = std::array::from_fn::<i32, LANES, _>(|_| rng.below(3) as i32);
            let mut all = [[a], [u], [v], [silent]];
            let [sums, us, vs, silents] = &mut all;
            let mut cells = Cells { sums, u: us, v: vs, silent: silents };
            let mut marks = Vec::new();
            tick::<NENGO, true>(&Registers::of(&compartments), LIMIT, &mut cells, &mut marks);
            let mut overflows = 0;
            for (lane, compartment) in compartments.iter().enumerate() {
                let next = rule(compartment, LIMIT, a[lane], u[lane], v[lane]);
                overflows += next.overflows;
                let held = if silent[lane] > 0 { 0 } else { next.v };
                let fires = silent[lane] == 0 && held > compartment.threshold;
                let kept = if fires { 0 } else { held };
                let place =
                    format!("round {round} lane {lane} {compartment:?} a {} u {} v {}", a[lane], u[lane], v[lane]);
                assert_eq!((all[0][0][lane], all[1][0][lane], all[2][0][lane]), (0, next.u, kept), "{place}");
                assert_eq!(marks[0].fired >> lane & 1 == 1, fires, "{place}");
                let changed = a[lane] != 0 || next.u != u[lane] || kept != v[lane] || fires || silent[lane] > 0;
                assert_eq!(marks[0].active >> lane & 1 == 1, changed, "{place}");
            }
            assert_eq!(marks[0].overflows, overflows, "round {round}");
        }
    }

    #[test]
    fn lanes_equal_the_soma_in_every_value() {
        equals_the_soma::<true>(soma::nengo);
        equals_the_soma::<false>(soma::lava);
    }
}
