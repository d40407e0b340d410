//! Sixty-four neurons of equal parameters at once: what nearly every neuron of a crossbar core does in a tick.
//!
//! The arithmetic is exact and the same with and without vector units: [`advance`] is both the twin that the
//! vector kernel is compared with and what runs where there is none.

use super::TYPES;

/// Neurons of a block.
pub(super) const LANES: usize = 64;

/// Words of a row that are counted at once.
pub(super) const WIDE: usize = 4;

/// A value, and the neurons of [`WIDE`] words that it is added to, as bits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Addend {
    pub(super) neurons: [u64; WIDE],
    pub(super) value: i16,
}

/// The values that a V of no event may have: from `low` to below `high`, which is above `low`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Range {
    pub(super) low: i32,
    pub(super) high: i32,
}

/// Adds all `addends`, as they are for `word`, and `leak` to the potentials; the neurons whose V is then outside of
/// `range`. The sum of all magnitudes of addends is at most 32,767 - 255.
#[inline]
pub(super) fn advance(
    vector: Option<Vector>,
    v: &mut [i32; LANES],
    (addends, word): (&[Addend], usize),
    leak: i16,
    range: Range,
) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(vector) = vector {
        return super::avx2::advance(vector, v, (addends, word), leak, range);
    }
    let _ = vector;
    plain(v, (addends, word), leak, range)
}

/// [`advance`] without vector units.
pub(super) fn plain(v: &mut [i32; LANES], (addends, word): (&[Addend], usize), leak: i16, range: Range) -> u64 {
    let mut sums = [leak; LANES];
    for &Addend { neurons, value } in addends {
        for (part, sums) in sums.chunks_exact_mut(16).enumerate() {
            let bits = (neurons[word] >> (16 * part)) as u16;
            for (lane, sum) in sums.iter_mut().enumerate() {
                *sum += if bits & (1 << lane) == 0 { 0 } else { value };
            }
        }
    }
    let mut outside = 0;
    for (lane, (v, sum)) in v.iter_mut().zip(sums).enumerate() {
        *v = v.wrapping_add(i32::from(sum));
        outside |= u64::from(*v < range.low || *v >= range.high) << lane;
    }
    outside
}

/// The vector units of this machine: whoever holds one may use them.
#[derive(Debug, Clone, Copy)]
pub(in crate::emu) struct Vector(());

/// The vector units that [`advance`] and [`touch`] can use, where this machine has them.
pub(in crate::emu) fn available() -> Option<Vector> {
    #[cfg(target_arch = "x86_64")]
    return (std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("popcnt"))
        .then_some(Vector(()));
    #[cfg(not(target_arch = "x86_64"))]
    None
}

/// Adds rows of connections, which begin at `starts`, to `touched`; how many synapses they have.
#[inline]
pub(super) fn touch(vector: Option<Vector>, rows: &[u64], starts: &[u32], touched: &mut [u64]) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(vector) = vector {
        return super::avx2::touch(vector, rows, starts, touched);
    }
    let _ = vector;
    touch_plain(rows, starts, touched)
}

/// [`touch`] as it is.
#[inline(always)]
pub(super) fn touch_plain(rows: &[u64], starts: &[u32], touched: &mut [u64]) -> u64 {
    let mut events = 0;
    for &start in starts {
        for (touched, &word) in touched.iter_mut().zip(&rows[start as usize..]) {
            *touched |= word;
            events += u64::from(word.count_ones());
        }
    }
    events
}

/// Synapses under `mask` in one word of the rows that begin at `starts`.
#[inline]
pub(super) fn column(vector: Option<Vector>, rows: &[u64], starts: &[u32], word: usize, mask: u64) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(vector) = vector {
        return super::avx2::column(vector, rows, starts, word, mask);
    }
    let _ = vector;
    column_plain(rows, starts, word, mask)
}

/// [`column`] as it is.
#[inline(always)]
pub(super) fn column_plain(rows: &[u64], starts: &[u32], word: usize, mask: u64) -> u64 {
    starts.iter().map(|&start| u64::from((rows[start as usize + word] & mask).count_ones())).sum()
}

/// Asks for a word that will be read soon, where the processor can be asked.
#[inline]
pub(in crate::emu) fn prefetch<T>(words: &[T], at: usize) {
    #[cfg(target_arch = "x86_64")]
    super::avx2::prefetch(words, at);
    #[cfg(not(target_arch = "x86_64"))]
    let _ = (words, at);
}

/// Bits of a count of active axons, of which there are at most [`super::walk::MOST_ADDED`].
const PLACES: usize = 7;

/// What the active axons do to the neurons of [`WIDE`] words.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts {
    /// How many axons of a type each neuron is connected with, times their weight: one addend a binary place.
    pub(super) addends: Vec<Addend>,
    /// Neurons with a synaptic event.
    pub(super) touched: [u64; WIDE],
}

/// The active axons: where their rows begin, by type, where those of each type end, and the weights of the types.
#[derive(Debug, Clone, Copy)]
pub(super) struct Active<'a> {
    pub(super) starts: &'a [u32],
    pub(super) ends: &'a [usize; TYPES],
    pub(super) weights: &'a [i16; TYPES],
}

/// Counts the connections of the active axons in these words of their rows; how many there are. Words behind the end of
/// the row have no meaning.
#[inline]
pub(super) fn count(
    vector: Option<Vector>,
    rows: &[u64],
    active: Active<'_>,
    words: std::ops::Range<usize>,
    counts: &mut Counts,
) -> u64 {
    #[cfg(target_arch = "x86_64")]
    if let Some(vector) = vector {
        return super::avx2::count(vector, rows, active, words, counts);
    }
    let _ = vector;
    count_plain(rows, active, words, counts)
}

/// [`count`] as it is.
#[inline(always)]
pub(super) fn count_plain(rows: &[u64], active: Active<'_>, words: std::ops::Range<usize>, counts: &mut Counts) -> u64 {
    counts.addends.clear();
    let (mut touched, mut first, mut events) = ([0; WIDE], 0, 0);
    for (&end, &weight) in active.ends.iter().zip(active.weights) {
        let starts = &active.starts[first..end];
        first = end;
        let depth = if weight == 0 { 0 } else { (usize::BITS - starts.len().leading_zeros()) as usize };
        let mut places = [[0; WIDE]; PLACES];
        let places = &mut places[..depth];
        for &start in starts {
            let row = &rows[start as usize + words.start..start as usize + words.end];
            let mut carry: [u64; WIDE] = row.try_into().unwrap_or_else(|_| padded(row));
            for (touched, word) in touched.iter_mut().zip(carry) {
                *touched |= word;
                events += u64::from(word.count_ones());
            }
            for place in &mut *places {
                for (place, carry) in place.iter_mut().zip(&mut carry) {
                    (*place, *carry) = (*place ^ *carry, *place & *carry);
                }
            }
        }
        let addend = |(place, &neurons): (usize, &[u64; WIDE])| Addend { neurons, value: weight << place };
        counts.addends.extend(places.iter().enumerate().map(addend));
    }
    counts.touched = touched;
    events
}

fn padded(row: &[u64]) -> [u64; WIDE] {
    std::array::from_fn(|word| row.get(word).copied().unwrap_or_default())
}

/// The draws up to `most`, as bits.
#[inline]
pub(super) fn up_to(draws: &[u8; LANES], most: i64) -> u64 {
    let mut bits = 0;
    for (part, draws) in draws.chunks_exact(8).enumerate() {
        // One byte of eight comparisons, gathered by a multiplication.
        let acts = draws.iter().rev().fold(0_u64, |acts, &draw| acts << 8 | u64::from(i64::from(draw) <= most));
        bits |= (acts.wrapping_mul(0x0102_0408_1020_4080) >> 56) << (8 * part);
    }
    bits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn vector_units_do_what_the_plain_kernel_does() {
        let mut rng = Rng::new(8);
        for _ in 0..20_000 {
            let edge = [10, 1_000, 1 << 19][rng.below(3) as usize];
            let mut draw = |most: i64| (rng.below(2 * most as u64 + 1) as i64 - most) as i32;
            let mut v: [i32; LANES] = std::array::from_fn(|_| draw(edge));
            let (low, high) = (-draw(edge).abs(), 1 + draw(edge).abs());
            let leak = draw(255) as i16;
            let count = draw(12).unsigned_abs() as usize;
            let mut addend =
                || Addend { neurons: std::array::from_fn(|_| rng.next_u64()), value: rng.below(511) as i16 - 255 };
            let addends: Vec<Addend> = (0..count).map(|_| addend()).collect();
            let (mut twin, word) = (v, rng.below(WIDE as u64) as usize);
            let outside = advance(available(), &mut v, (&addends, word), leak, Range { low, high });
            assert_eq!(outside, plain(&mut twin, (&addends, word), leak, Range { low, high }));
            assert_eq!(v, twin);
        }
    }

    #[test]
    fn rows_are_joined_and_counted_with_and_without_vector_units() {
        let mut rng = Rng::new(10);
        for words in 1..6 {
            let rows: Vec<u64> = (0..words * 40).map(|_| rng.next_u64() & rng.next_u64()).collect();
            let starts: Vec<u32> = (0..rng.below(40)).map(|_| (rng.below(40) * words) as u32).collect();
            let (mut touched, mut twin) = (vec![0; words as usize], vec![0; words as usize]);
            let events = touch(available(), &rows, &starts, &mut touched);
            assert_eq!((events, &touched), (touch_plain(&rows, &starts, &mut twin), &twin));
            for (word, mask) in (0..words as usize).flat_map(|word| [0, !0, rng.next_u64()].map(|mask| (word, mask))) {
                let counted = column(available(), &rows, &starts, word, mask);
                assert_eq!(counted, column_plain(&rows, &starts, word, mask));
                assert!(
                    mask != !0
                        || (0..words as usize).map(|word| column_plain(&rows, &starts, word, !0)).sum::<u64>()
                            == events
                );
            }
            let mut ends = [0; TYPES].map(|_: usize| rng.below(starts.len() as u64 + 1) as usize);
            ends.sort_unstable();
            ends[TYPES - 1] = starts.len();
            let (mut counts, mut plain) = (Counts::default(), Counts::default());
            let weights = std::array::from_fn(|_| rng.below(7) as i16 - 3);
            let (some, active) =
                (0..(words as usize).min(WIDE), Active { starts: &starts, ends: &ends, weights: &weights });
            let counted = count(available(), &rows, active, some.clone(), &mut counts);
            assert_eq!(counted, count_plain(&rows, active, some.clone(), &mut plain));
            assert_eq!(counts.touched[some.clone()], plain.touched[some.clone()]);
            assert_eq!(counts.addends.len(), plain.addends.len());
            for (counted, plain) in counts.addends.iter().zip(&plain.addends) {
                assert_eq!(
                    (counted.value, &counted.neurons[some.clone()]),
                    (plain.value, &plain.neurons[some.clone()])
                );
            }
            // Neuron by neuron, the addends are the weighted sum.
            let first = |kind: usize| if kind == 0 { 0 } else { ends[kind - 1] };
            for neuron in 0..64 * some.len() {
                let (word, lane) = (neuron / 64, neuron % 64);
                let on = |bits: u64| i32::from(bits >> lane & 1 == 1);
                let summed = (0..TYPES).map(|kind| {
                    let row = |&start: &u32| on(rows[start as usize + word]);
                    i32::from(weights[kind]) * starts[first(kind)..ends[kind]].iter().map(row).sum::<i32>()
                });
                let added = counts.addends.iter().map(|addend| i32::from(addend.value) * on(addend.neurons[word]));
                assert_eq!(added.sum::<i32>(), summed.sum::<i32>());
            }
        }
    }

    #[test]
    fn draws_are_compared_one_by_one() {
        let mut rng = Rng::new(9);
        for most in [-1, 0, 1, 100, 254, 255, 256] {
            let draws: [u8; LANES] = std::array::from_fn(|_| rng.next_u64() as u8);
            let bits = up_to(&draws, most);
            for (lane, &draw) in draws.iter().enumerate() {
                assert_eq!(bits >> lane & 1 == 1, i64::from(draw) <= most);
            }
        }
    }
}
