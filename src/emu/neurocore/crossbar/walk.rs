//! One tick of one core: synapses, neurons, and which of them fire.

use super::lanes::{self, Active, Addend, Counts, LANES, Range, Vector, WIDE};
use super::{Alike, CrossbarCore, Next, TYPES};
use crate::bits::ones;
use crate::emu::neurocore::stream::Stream;

/// Most active axons whose weights fit 16 bits together, leak included; see [`super::WIDEST`].
pub(super) const MOST_ADDED: usize = 127;

/// Room for the walk, and what it found.
#[derive(Debug, Default)]
pub(in crate::emu) struct Scratch {
    /// Start of the row of every active axon, by type.
    active: Vec<u32>,
    /// End of each type in `active`.
    ends: [usize; TYPES],
    sums: Vec<i32>,
    /// Their counts, by group of [`WIDE`] words.
    counts: Vec<Counts>,
    /// Neurons with a synaptic event, and those that are active, as bits.
    touched: Vec<u64>,
    changed: Vec<u64>,
    /// Neurons that fire, ascending.
    pub(in crate::emu) fires: Vec<u16>,
    /// Synaptic events of the core.
    pub(in crate::emu) events: u64,
    /// Active neurons: with input, a change of state or a spike.
    pub(in crate::emu) updates: u64,
    /// Neurons whose V did not fit its register.
    pub(in crate::emu) overflows: u64,
}

/// What a core is stepped with.
pub(in crate::emu) struct Drive<'a> {
    /// Its neurons, padded to a multiple of 64.
    pub(in crate::emu) v: &'a mut [i32],
    /// Active axons of the tick.
    pub(in crate::emu) row: &'a [u64],
    pub(in crate::emu) stream: Option<&'a mut Stream>,
    /// The vector units, where they may be used.
    pub(in crate::emu) vector: Option<Vector>,
}

impl CrossbarCore {
    /// The tick of every neuron; whether the core is at rest then, so that without input no tick changes anything.
    pub(in crate::emu) fn walk(&self, drive: Drive<'_>, scratch: &mut Scratch) -> bool {
        scratch.fires.clear();
        (scratch.updates, scratch.overflows) = (0, 0);
        self.list_active(drive.row, scratch);
        let input = !scratch.active.is_empty();
        let few = scratch.active.len() <= MOST_ADDED;
        if few && !matches!(self.alike, Alike::No) {
            self.count(drive.vector, scratch);
        } else {
            scratch.touched.clear();
            scratch.touched.resize(self.row_words, 0);
            scratch.events = lanes::touch(drive.vector, &self.rows, &scratch.active, &mut scratch.touched);
        }
        match (self.alike, drive.stream) {
            (Alike::Plain(range), _) if few => self.blocks(drive.v, range, drive.vector, scratch),
            (Alike::Random(range, most), Some(stream)) if few => {
                self.random_blocks(drive.v, range, most, stream, drive.vector, scratch);
            }
            (_, stream) => self.one_by_one(drive.v, drive.row, stream, scratch),
        }
        // A register that sits at its edge and is pushed further does not change, but counts a fault every tick.
        !input && scratch.updates == 0 && scratch.overflows == 0 && !self.draws_every_tick()
    }

    /// Lists the active axons by type.
    fn list_active(&self, row: &[u64], scratch: &mut Scratch) {
        scratch.active.clear();
        // A core without axons has no types to go through.
        scratch.ends = [0; TYPES];
        for (kind, axons) in self.kinds.chunks_exact(self.axon_words.max(1)).enumerate() {
            for (word, (&mine, &active)) in axons.iter().zip(row).enumerate() {
                let mut rest = mine & active;
                while rest != 0 {
                    let axon = word * 64 + rest.trailing_zeros() as usize;
                    scratch.active.push((axon * self.row_words) as u32);
                    rest &= rest - 1;
                }
            }
            scratch.ends[kind] = scratch.active.len();
        }
        scratch.changed.clear();
    }

    /// Counts the active axons of each neuron by type, and notes who has one.
    fn count(&self, vector: Option<Vector>, scratch: &mut Scratch) {
        scratch.counts.resize_with(self.row_words.div_ceil(WIDE), Counts::default);
        scratch.touched.clear();
        scratch.events = 0;
        let active = Active { starts: &scratch.active, ends: &scratch.ends, weights: &self.somas[0].weights };
        for (group, counts) in scratch.counts.iter_mut().enumerate() {
            let words = group * WIDE..self.row_words.min((group + 1) * WIDE);
            scratch.events += lanes::count(vector, &self.rows, active, words, counts);
            scratch.touched.extend_from_slice(&counts.touched);
        }
    }

    /// Equal neurons without draws, 64 at a time.
    fn blocks(&self, v: &mut [i32], range: Range, vector: Option<Vector>, scratch: &mut Scratch) {
        let soma = &self.somas[0];
        let leaks = if soma.leak == 0 { 0 } else { !0 };
        let counts = std::mem::take(&mut scratch.counts);
        for (word, v) in v.chunks_exact_mut(LANES).enumerate() {
            let v: &mut [i32; LANES] = v.try_into().expect("a block has 64 lanes");
            let addends = (&*counts[word / WIDE].addends, word % WIDE);
            let outside = lanes::advance(vector, v, addends, soma.leak, range);
            let there = self.there(word);
            let outside = outside & there;
            let mut changed = (scratch.touched[word] | leaks) & there & !outside;
            for lane in ones(&[outside]) {
                let integrated = v[lane].wrapping_sub(i32::from(soma.leak));
                let before = || integrated.wrapping_sub(sum_of(addends, lane));
                let next = self.soma(word * LANES + lane, i64::from(integrated));
                changed |= settle(next, before, word, lane, v, scratch);
            }
            scratch.close(changed);
        }
        scratch.counts = counts;
    }

    /// Equal neurons that draw for their leak, their threshold, or both, 64 at a time.
    fn random_blocks(
        &self,
        v: &mut [i32],
        range: Range,
        most: i64,
        stream: &mut Stream,
        vector: Option<Vector>,
        scratch: &mut Scratch,
    ) {
        let Some(general) = &self.general else { return };
        let soma = &self.somas[0];
        let sign = soma.leak.signum();
        let mut counts = std::mem::take(&mut scratch.counts);
        for (word, v) in v.chunks_exact_mut(LANES).enumerate() {
            let v: &mut [i32; LANES] = v.try_into().expect("a block has 64 lanes");
            let there = self.there(word);
            let (addends, at) = (&mut counts[word / WIDE].addends, word % WIDE);
            let synaptic = addends.len();
            let (mut etas, mut acts) = ([0; LANES], 0);
            let (draws_leak, draws_mask) = (soma.draws.leak, soma.draws.mask > 0);
            self.draw(stream, there.count_ones() as usize, (draws_leak, draws_mask), &mut etas, &mut acts, most);
            let leak = if draws_leak { 0 } else { soma.leak };
            if draws_leak && sign != 0 {
                addends.push(Addend { neurons: [acts; WIDE], value: sign });
            } else {
                acts = 0;
            }
            let outside = lanes::advance(vector, v, (addends, at), leak, range) & there;
            addends.truncate(synaptic);
            let leaks = if leak == 0 { acts } else { !0 };
            let mut changed = (scratch.touched[word] | leaks) & there & !outside;
            for lane in ones(&[outside]) {
                let amount = i32::from(if draws_leak { sign * i16::from(acts >> lane & 1 == 1) } else { leak });
                let integrated = v[lane].wrapping_sub(amount);
                let before = || integrated.wrapping_sub(sum_of((addends, at), lane));
                let eta = i64::from(etas[lane]) & soma.draws.mask;
                let next = general.finish(self, soma, i64::from(integrated), i64::from(amount), eta);
                changed |= settle(next, before, word, lane, v, scratch);
            }
            scratch.close(changed);
        }
        scratch.counts = counts;
    }

    /// The draws of a block of `count` neurons: which leaks act, and the random parts of the thresholds.
    fn draw(
        &self,
        stream: &mut Stream,
        count: usize,
        (leak, mask): (bool, bool),
        etas: &mut [u8; LANES],
        acts: &mut u64,
        most: i64,
    ) {
        if !leak {
            stream.draws(&mut etas[..count]);
            return;
        }
        let mut draws = [0; LANES];
        if mask {
            let mut both = [0; 2 * LANES];
            stream.draws(&mut both[..2 * count]);
            for ((pair, draw), eta) in both.chunks_exact(2).zip(&mut draws).zip(etas) {
                (*draw, *eta) = (pair[0], pair[1]);
            }
        } else {
            stream.draws(&mut draws[..count]);
        }
        *acts = lanes::up_to(&draws, most);
    }

    /// Every neuron by itself, ascending.
    fn one_by_one(&self, v: &mut [i32], row: &[u64], stream: Option<&mut Stream>, scratch: &mut Scratch) {
        self.sum_up(scratch);
        match (&self.general, stream) {
            (Some(general), Some(stream)) => {
                self.neurons(v, scratch, |neuron, v| general.soma(self, neuron, v, row, stream));
            }
            _ => self.neurons(v, scratch, |neuron, v| self.soma(neuron, v)),
        }
    }

    #[inline]
    fn neurons(&self, v: &mut [i32], scratch: &mut Scratch, mut soma: impl FnMut(usize, i64) -> Next) {
        for word in 0..self.row_words {
            let mut changed = scratch.touched[word];
            for (lane, v) in v[word * LANES..self.neurons.min((word + 1) * LANES)].iter_mut().enumerate() {
                let neuron = word * LANES + lane;
                let before = *v;
                let next = soma(neuron, i64::from(before) + i64::from(scratch.sums[neuron]));
                *v = next.v;
                changed |= u64::from(next.v != before || next.fires) << lane;
                scratch.overflows += u64::from(next.overflows);
                if next.fires {
                    scratch.fires.push(neuron as u16);
                }
            }
            scratch.close(changed);
        }
    }

    /// Sums the synapses of every neuron, in 32 bits.
    fn sum_up(&self, scratch: &mut Scratch) {
        scratch.sums.clear();
        scratch.sums.resize(self.neurons, 0);
        let mut first = 0;
        for (kind, &end) in scratch.ends.iter().enumerate() {
            for &start in &scratch.active[first..end] {
                let row = &self.rows[start as usize..start as usize + self.row_words];
                if let Some(weights) = self.weights.get(kind * self.neurons..(kind + 1) * self.neurons) {
                    ones(row).for_each(|neuron| scratch.sums[neuron] += i32::from(weights[neuron]));
                } else {
                    let weight = i32::from(self.somas[0].weights[kind]);
                    ones(row).for_each(|neuron| scratch.sums[neuron] += weight);
                }
            }
            first = end;
        }
    }

    /// Neurons of a block that there are, as bits.
    fn there(&self, word: usize) -> u64 {
        match self.neurons - word * LANES {
            0..LANES => (1 << (self.neurons % LANES)) - 1,
            _ => !0,
        }
    }

    /// Synaptic events and active neurons up to each neuron of `scratch.fires`, itself included.
    pub(in crate::emu) fn before_fires(
        &self,
        vector: Option<Vector>,
        scratch: &Scratch,
        mut tell: impl FnMut(u16, u64, u64),
    ) {
        let (mut word, mut events, mut updates) = (0, 0, 0);
        let rows: &[u64] = &self.rows;
        let count = |word: usize, mask: u64| lanes::column(vector, rows, &scratch.active, word, mask);
        for &neuron in &scratch.fires {
            while word < usize::from(neuron) / LANES {
                events += count(word, !0);
                updates += u64::from(scratch.changed[word].count_ones());
                word += 1;
            }
            let upto = !0_u64 >> (LANES - 1 - usize::from(neuron) % LANES);
            let within = u64::from((scratch.changed[word] & upto).count_ones());
            tell(neuron, events + count(word, upto), updates + within);
        }
    }
}

impl Scratch {
    /// Ends a block with these active neurons.
    fn close(&mut self, changed: u64) {
        self.updates += u64::from(changed.count_ones());
        self.changed.push(changed);
    }
}

/// What the addends add to one neuron of a word.
fn sum_of((addends, word): (&[Addend], usize), lane: usize) -> i32 {
    addends.iter().map(|addend| i32::from(addend.value) * (addend.neurons[word] >> lane & 1) as i32).sum()
}

/// Writes the tick of a neuron that was taken out of its block; its bit where it is active.
#[inline]
fn settle(
    next: Next,
    before: impl Fn() -> i32,
    word: usize,
    lane: usize,
    v: &mut [i32; LANES],
    scratch: &mut Scratch,
) -> u64 {
    v[lane] = next.v;
    scratch.overflows += u64::from(next.overflows);
    if next.fires {
        scratch.fires.push((word * LANES + lane) as u16);
    }
    let event = scratch.touched[word] >> lane & 1 == 1;
    // What it was before has to be worked out, and is seldom asked for.
    u64::from(event || next.fires || next.v != before()) << lane
}
