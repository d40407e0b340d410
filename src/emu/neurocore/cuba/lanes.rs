//! The compartments' arithmetic, [`LANES`] at a time, in 32-bit lanes.
//!
//! It equals [`super::soma`] wherever [`fits`] holds: no intermediate then needs more than 32 bits, save lava's
//! sums, which wrap there anyway. Brian2, which has no widths, always takes the other way. Processors with AVX2 have
//! a kernel of their own.

#[cfg(target_arch = "x86_64")]
mod avx2;

use std::collections::BTreeMap;
use std::ops::Range;

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

/// Registers of a block save its biases: blocks that have the same share them, so that they stay near.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Registers {
    /// What is kept of u and v in 4096ths.
    keep_u: Block,
    keep_v: Block,
    threshold: Block,
    refractory: Block,
}

/// Registers of all blocks.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    sets: Vec<Registers>,
    set_of: Vec<u32>,
    bias: Vec<Block>,
}

impl Blocks {
    /// Blocks for the compartments of each core, one behind the other; compartments that only fill a last block
    /// stay at 0.
    pub(super) fn of<'c>(cores: impl IntoIterator<Item = &'c [Compartment]>) -> Self {
        let (mut blocks, mut known) = (Self::default(), BTreeMap::new());
        for of in cores.into_iter().flat_map(|core| core.chunks(LANES)) {
            let mut set = Registers {
                keep_u: [0; LANES],
                keep_v: [0; LANES],
                threshold: [i32::MAX; LANES],
                refractory: [1; LANES],
            };
            let mut bias = [0; LANES];
            for (lane, compartment) in of.iter().enumerate() {
                set.keep_u[lane] = 4096 - compartment.decay_u.cast_signed();
                set.keep_v[lane] = 4096 - compartment.decay_v.cast_signed();
                set.threshold[lane] = compartment.threshold;
                set.refractory[lane] = compartment.refractory.into();
                bias[lane] = compartment.bias;
            }
            let sets = &mut blocks.sets;
            let number = *known.entry(set.clone()).or_insert_with(|| {
                sets.push(set);
                sets.len() as u32 - 1
            });
            blocks.set_of.push(number);
            blocks.bias.push(bias);
        }
        blocks
    }

    /// How many there are.
    pub(super) const fn len(&self) -> usize {
        self.bias.len()
    }

    /// Registers and biases of the blocks `range`.
    fn part(&self, range: Range<usize>) -> impl Iterator<Item = (&Registers, &Block)> {
        let sets = self.set_of[range.clone()].iter().map(|&set| &self.sets[set as usize]);
        sets.zip(&self.bias[range])
    }
}

/// Which arithmetic: a const parameter of the ticks.
pub(super) const LAVA: u8 = 0;
/// Of nengo, and of chip_best_guess.
pub(super) const NENGO: u8 = 1;
/// Of both where it is known that neither a sum of weights leaves 16 bits, nor u or u + bias its register.
pub(super) const CALM: u8 = 2;

/// State of some blocks, and the sums that they take in (left at 0).
pub(super) struct Cells<'a, S = i32> {
    pub(super) sums: &'a mut [[S; LANES]],
    pub(super) u: &'a mut [Block],
    pub(super) v: &'a mut [Block],
    pub(super) silent: &'a mut [Block],
}

/// What happened in a block, a bit a compartment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks {
    pub(super) fired: u32,
    pub(super) active: u32,
}

/// What happened in all blocks: compartments that were active, registers that overflowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Totals {
    pub(super) active: u64,
    pub(super) overflows: u64,
}

impl Totals {
    #[inline(always)]
    fn add(&mut self, marks: Marks, overflows: u32) {
        self.active += u64::from(marks.active.count_ones());
        self.overflows += u64::from(overflows);
    }
}

/// The tick of the blocks `range`, whose state `cells` has, and what happened in each and in all. `RULE` chooses the
/// arithmetic, `SILENT` says whether any compartment has a refractory time; `limit` is the largest u and v.
pub(super) fn tick<const RULE: u8, const SILENT: bool, S: Copy + Default + Into<i32>>(
    blocks: &Blocks,
    range: Range<usize>,
    limit: i32,
    cells: &mut Cells<'_, S>,
    marks: &mut Vec<Marks>,
) -> Totals {
    marks.clear();
    #[cfg(target_arch = "x86_64")]
    if let Some(totals) = avx2::tick::<RULE, SILENT, S>(blocks, range.clone(), limit, cells, marks) {
        return totals;
    }
    tick_plain::<RULE, SILENT, S>(blocks, range, limit, cells, marks)
}

fn tick_plain<const RULE: u8, const SILENT: bool, S: Copy + Default + Into<i32>>(
    blocks: &Blocks,
    range: Range<usize>,
    limit: i32,
    cells: &mut Cells<'_, S>,
    marks: &mut Vec<Marks>,
) -> Totals {
    every(blocks, range, cells, marks, |registers, bias, sums, state| {
        tick_block::<RULE, SILENT>(registers, bias, limit, sums, state)
    })
}

/// Goes through the blocks with `tick`, which gives what happened in one and how many registers overflowed there.
#[inline(always)]
fn every<S: Copy + Default + Into<i32>>(
    blocks: &Blocks,
    range: Range<usize>,
    cells: &mut Cells<'_, S>,
    marks: &mut Vec<Marks>,
    tick: impl Fn(&Registers, &Block, &Block, [&mut Block; 3]) -> (Marks, u32),
) -> Totals {
    let mut totals = Totals::default();
    let state = cells.u.iter_mut().zip(cells.v.iter_mut()).zip(cells.silent.iter_mut());
    for (((registers, bias), sums), ((u, v), silent)) in blocks.part(range).zip(cells.sums.iter_mut()).zip(state) {
        let (of_block, overflows) = tick(registers, bias, &take(sums), [u, v, silent]);
        totals.add(of_block, overflows);
        marks.push(of_block);
    }
    totals
}

/// The sums of a block, which start anew.
#[inline(always)]
fn take<S: Copy + Default + Into<i32>>(sums: &mut [S; LANES]) -> Block {
    let mut taken = [0; LANES];
    for (to, from) in taken.iter_mut().zip(sums.iter_mut()) {
        *to = (*from).into();
        *from = S::default();
    }
    taken
}

/// `sign(x) * ((|x| * keep) >> 12)`, in halves so that no product leaves 32 bits.
#[inline(always)]
fn decay(x: i32, keep: i32) -> i32 {
    let (magnitude, keep) = (x.unsigned_abs(), keep.cast_unsigned());
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

/// The same where only v can reach an edge.
#[inline(always)]
fn calm(limit: i32, a: i32, u: i32, v: i32, bias: i32) -> (i32, i32, i32) {
    let u = u.wrapping_add(a << 6);
    let wide = v.wrapping_add(u).wrapping_add(bias);
    let kept = wide.clamp(-limit, limit);
    (u, kept, i32::from(kept != wide))
}

#[inline(always)]
fn tick_block<const RULE: u8, const SILENT: bool>(
    r: &Registers,
    bias: &Block,
    limit: i32,
    sums: &Block,
    [us, vs, silents]: [&mut Block; 3],
) -> (Marks, u32) {
    let (mut fired, mut active, mut overflows) = (0_u32, 0_u32, 0_i32);
    for lane in 0..LANES {
        let (a, u_before, v_before) = (sums[lane], us[lane], vs[lane]);
        let (u_decayed, v_decayed) = (decay(u_before, r.keep_u[lane]), decay(v_before, r.keep_v[lane]));
        let (u, v, over) = match RULE {
            LAVA => lava(limit, a, u_decayed, v_decayed, bias[lane]),
            NENGO => nengo(limit, a, u_decayed, v_decayed, bias[lane]),
            _ => calm(limit, a, u_decayed, v_decayed, bias[lane]),
        };
        let silent = if SILENT { silents[lane] } else { 0 };
        let held = if SILENT && silent > 0 { 0 } else { v };
        let fires = (silent == 0) & (held > r.threshold[lane]);
        let v = if fires { 0 } else { held };
        (us[lane], vs[lane]) = (u, v);
        if SILENT {
            silents[lane] = (if fires { r.refractory[lane] } else { silent } - 1).max(0);
        }
        let changed = a | (u ^ u_before) | (v ^ v_before) | silent;
        fired |= if fires { 1 << lane } else { 0 };
        active |= if (changed != 0) | fires { 1 << lane } else { 0 };
        overflows += over;
    }
    (Marks { fired, active }, overflows.cast_unsigned())
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

    type Tick = fn(&Blocks, Range<usize>, i32, &mut Cells<'_>, &mut Vec<Marks>) -> Totals;

    /// One tick of random compartments; `refractory` is the largest register.
    fn equals_the_soma(tick: Tick, chosen: u8, refractory: u64) {
        let (nengo, calm) = (chosen != LAVA, chosen == CALM);
        let rule = if nengo { soma::nengo } else { soma::lava };
        let mut rng = Rng::new(7);
        for round in 0..1000 {
            let compartments: Vec<Compartment> = (0..LANES)
                .map(|_| Compartment {
                    decay_u: rng.below(4096) as u32 + 1,
                    decay_v: rng.below(4097) as u32,
                    bias: some(&mut rng, if calm { 20 } else { 28 }),
                    threshold: some(&mut rng, 24),
                    refractory: 1 + rng.below(refractory) as u8,
                })
                .collect();
            let draw = |rng: &mut Rng, bits| std::array::from_fn::<i32, LANES, _>(|_| some(rng, bits));
            // In dialect lava u may be anything; v never leaves its range.
            let u = draw(
                &mut rng,
                if calm {
                    20
                } else if nengo {
                    23
                } else {
                    31
                },
            );
            let (a, v) =
                (draw(&mut rng, if calm { 14 } else { 31 }), draw(&mut rng, 23).map(|v| v.clamp(-LIMIT, LIMIT)));
            let silent = std::array::from_fn::<i32, LANES, _>(|_| rng.below(refractory) as i32);
            let mut all = [[a], [u], [v], [silent]];
            let [sums, us, vs, silents] = &mut all;
            let mut cells = Cells { sums, u: us, v: vs, silent: silents };
            let mut marks = Vec::new();
            let totals = tick(&Blocks::of([&compartments[..]]), 0..1, LIMIT, &mut cells, &mut marks);
            let mut overflows = 0;
            for (lane, compartment) in compartments.iter().enumerate() {
                let next = rule(compartment, LIMIT, a[lane], u[lane], v[lane]);
                overflows += u64::from(next.overflows);
                let held = if silent[lane] > 0 { 0 } else { next.v };
                let fires = silent[lane] == 0 && held > compartment.threshold;
                let kept = if fires { 0 } else { held };
                let left = (if fires { compartment.refractory.into() } else { silent[lane] } - 1).max(0);
                let place =
                    format!("round {round} lane {lane} {compartment:?} a {} u {} v {}", a[lane], u[lane], v[lane]);
                let after = std::array::from_fn::<i32, 4, _>(|of| all[of][0][lane]);
                assert_eq!(after, [0, next.u, kept, left], "{place}");
                assert_eq!(marks[0].fired >> lane & 1 == 1, fires, "{place}");
                let changed = a[lane] != 0 || next.u != u[lane] || kept != v[lane] || fires || silent[lane] > 0;
                assert_eq!(marks[0].active >> lane & 1 == 1, changed, "{place}");
            }
            let active = u64::from(marks[0].active.count_ones());
            assert_eq!(totals, Totals { active, overflows }, "round {round}");
        }
    }

    #[test]
    fn lanes_equal_the_soma_in_every_value_on_every_processor() {
        for (fast, plain, rule, refractory) in [
            (tick::<NENGO, true, i32> as Tick, tick_plain::<NENGO, true, i32> as Tick, NENGO, 3),
            (tick::<NENGO, false, i32>, tick_plain::<NENGO, false, i32>, NENGO, 1),
            (tick::<LAVA, true, i32>, tick_plain::<LAVA, true, i32>, LAVA, 3),
            (tick::<LAVA, false, i32>, tick_plain::<LAVA, false, i32>, LAVA, 1),
            (tick::<CALM, true, i32>, tick_plain::<CALM, true, i32>, CALM, 3),
            (tick::<CALM, false, i32>, tick_plain::<CALM, false, i32>, CALM, 1),
        ] {
            equals_the_soma(fast, rule, refractory);
            equals_the_soma(plain, rule, refractory);
        }
    }

    #[test]
    fn blocks_with_the_same_registers_share_them() {
        let plain = |bias| Compartment { decay_u: 1, decay_v: 2, bias, threshold: 64, refractory: 1 };
        let first: Vec<Compartment> = (0..70).map(plain).collect();
        let second: Vec<Compartment> = (0..32).map(plain).collect();
        let blocks = Blocks::of([&first[..], &second[..]]);
        assert_eq!((blocks.len(), blocks.sets.len(), &blocks.set_of[..]), (4, 2, &[0, 0, 1, 0][..]));
        assert_eq!((blocks.bias[1][0], blocks.bias[2][6], blocks.bias[3][31]), (32, 0, 31));
    }
}
