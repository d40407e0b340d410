//! Neurons on placed cores with all that a local search asks for: hops exactly, the load of every core tick by tick.
//!
//! A core is busy in a tick with two things that go on side by side: it goes through its neurons and sends their spikes
//! (`sweep`), and it takes packets in and adds their synapses up (`intake`). The last core to be done ends a tick, so
//! the modelled time of a tick is the largest of both over all cores. What is searched with is the norm of order 8 of
//! these loads: near the maximum, and smooth, so that the second busiest core counts before it is the busiest.

use super::task::{Net, Task};

/// Changes of the hops of a run, and of the smooth time of its ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Change {
    pub(super) hops: f64,
    pub(super) time: f64,
}

/// Loads are summed in so many lanes; ticks are filled up to whole ones.
pub(super) const LANES: usize = 8;

/// A neuron that sends nothing.
const NO_NET: u32 = u32::MAX;

/// A mapping under search.
pub(super) struct State<'a> {
    pub(super) task: &'a Task,
    cores: usize,
    /// Ticks, filled up to whole lanes.
    ticks: usize,
    core: Vec<u32>,
    members: Vec<Vec<u32>>,
    position: Vec<u32>,
    /// The net of each neuron's spikes.
    own: Vec<u32>,
    /// Nets that each neuron is a target of, ascending.
    heard: Vec<Vec<u32>>,
    /// Time of the synapses of each neuron as (tick, picoseconds), ascending.
    synapses: Vec<Vec<(u32, f32)>>,
    /// Targets of each net on each core.
    pins: Vec<u32>,
    /// Cores with targets of each net, without order.
    touched: Vec<Vec<u32>>,
    /// Distinct nets that each core hears, packets that its neurons send when all fire, and synapse memory in bits.
    axons_in: Vec<u64>,
    axons_out: Vec<u64>,
    bits: Vec<u64>,
    /// Loads by core and tick in units of `unit`.
    intake: Vec<f32>,
    sweep: Vec<f32>,
    /// Picoseconds of a unit of load.
    unit: f32,
    /// By how much the smooth time of each tick rises with the sum of powers.
    slope: Vec<f32>,
    /// Changes of the loads of the two cores of a move.
    scratch: [Vec<f32>; 4],
    hops: f64,
    time: f64,
}

/// The eighth power.
#[inline]
fn power(load: f32) -> f32 {
    let square = load * load;
    let fourth = square * square;
    fourth * fourth
}

impl<'a> State<'a> {
    /// `core` names a core of the task for every neuron.
    pub(super) fn new(task: &'a Task, core: Vec<u32>) -> Self {
        let (cores, neurons) = (task.places.len(), task.neurons());
        let ticks = task.ticks.next_multiple_of(LANES);
        let mut state = Self {
            task,
            cores,
            ticks,
            members: vec![Vec::new(); cores],
            position: vec![0; neurons],
            own: vec![NO_NET; neurons],
            heard: vec![Vec::new(); neurons],
            synapses: task.synapse_times(),
            pins: vec![0; task.nets.len() * cores],
            touched: vec![Vec::new(); task.nets.len()],
            axons_in: vec![0; cores],
            axons_out: vec![0; cores],
            bits: vec![0; cores],
            intake: Vec::new(),
            sweep: Vec::new(),
            unit: 1.0,
            slope: vec![0.0; ticks],
            scratch: std::array::from_fn(|_| vec![0.0; ticks]),
            hops: 0.0,
            time: 0.0,
            core,
        };
        state.fill();
        state.refresh();
        // Loads are of the order of 1 from here on.
        let busiest = state.tick_time() as f32;
        if busiest > 0.0 {
            state.unit = busiest;
            state.refresh();
        }
        state
    }

    fn fill(&mut self) {
        for (v, &core) in self.core.iter().enumerate() {
            let members = &mut self.members[core as usize];
            self.position[v] = members.len() as u32;
            members.push(v as u32);
            self.bits[core as usize] += self.task.bits[v];
        }
        for (number, net) in self.task.nets.iter().enumerate() {
            if let Some(source) = net.source {
                self.own[source as usize] = number as u32;
            }
            for &(pin, _) in &net.pins {
                self.heard[pin as usize].push(number as u32);
                self.enter(number, self.core[pin as usize]);
            }
            if let Some(source) = net.source {
                self.axons_out[self.core[source as usize] as usize] += self.touched[number].len() as u64;
            }
        }
    }

    /// One more target of a net on a core; whether it is the first.
    fn enter(&mut self, net: usize, core: u32) -> bool {
        let pins = &mut self.pins[net * self.cores + core as usize];
        *pins += 1;
        let first = *pins == 1;
        if first {
            self.touched[net].push(core);
            self.axons_in[core as usize] += 1;
        }
        first
    }

    /// One target less; whether it was the last.
    fn leave(&mut self, net: usize, core: u32) -> bool {
        let pins = &mut self.pins[net * self.cores + core as usize];
        *pins -= 1;
        let last = *pins == 0;
        if last {
            self.touched[net].retain(|other| *other != core);
            self.axons_in[core as usize] -= 1;
        }
        last
    }

    fn pins_on(&self, net: usize, core: u32) -> u32 {
        self.pins[net * self.cores + core as usize]
    }

    /// Sums loads and hops from nothing, so that no rounding stays.
    pub(super) fn refresh(&mut self) {
        let (task, times) = (self.task, self.task.times);
        let (ticks, scale) = (self.ticks, 1.0 / self.unit);
        let mut intake = vec![0.0; self.cores * ticks];
        let mut sweep = vec![0.0; self.cores * ticks];
        self.hops = 0.0;
        for (v, &core) in self.core.iter().enumerate() {
            let load = &mut intake[core as usize * ticks..][..ticks];
            self.synapses[v].iter().for_each(|&(tick, time)| load[tick as usize] += time * scale);
        }
        for (core, members) in self.members.iter().enumerate() {
            let all = members.len() as f32 * times.neuron * scale;
            sweep[core * ticks..][..task.ticks].fill(all);
        }
        for (net, touched) in task.nets.iter().zip(&self.touched) {
            for &core in touched {
                self.hops += net.spikes * task.hops(self.home(net), core);
                let load = &mut intake[core as usize * ticks..][..ticks];
                net.fires.iter().for_each(|&(tick, n)| load[tick as usize] += n * times.axon_in * scale);
            }
            if let Some(core) = self.home(net) {
                let each = (times.spike_out + touched.len() as f32 * times.axon_out) * scale;
                let load = &mut sweep[core as usize * ticks..][..ticks];
                net.fires.iter().for_each(|&(tick, n)| load[tick as usize] += n * each);
            }
        }
        (self.intake, self.sweep) = (intake, sweep);
        self.time = 0.0;
        for tick in 0..task.ticks {
            let of = |core: usize| power(self.intake[core * ticks + tick]) + power(self.sweep[core * ticks + tick]);
            let sum: f32 = (0..self.cores).map(of).sum();
            // Square roots are exact everywhere, other powers are not.
            let norm = sum.sqrt().sqrt().sqrt();
            self.time += f64::from(norm);
            self.slope[tick] = if sum > 0.0 { norm / (8.0 * sum) } else { 0.0 };
        }
    }

    /// The core that sends a net's spikes; `None` is the host.
    fn home(&self, net: &Net) -> Option<u32> {
        net.source.map(|source| self.core[source as usize])
    }

    /// Links that the packets of the run cross.
    pub(super) fn hops(&self) -> f64 {
        self.hops
    }

    /// Smooth time of all ticks together.
    pub(super) fn time(&self) -> f64 {
        self.time
    }

    /// Picoseconds that the busiest core needs in the mean tick, as modelled.
    pub(super) fn tick_time(&self) -> f64 {
        let of = |tick: usize| {
            let busiest = |core: usize| self.intake[core * self.ticks + tick].max(self.sweep[core * self.ticks + tick]);
            f64::from((0..self.cores).map(busiest).fold(0.0, f32::max))
        };
        (0..self.task.ticks).map(of).sum::<f64>() * f64::from(self.unit) / self.task.ticks.max(1) as f64
    }

    pub(super) fn core(&self, v: usize) -> u32 {
        self.core[v]
    }

    pub(super) fn cores(&self) -> &[u32] {
        &self.core
    }

    pub(super) fn members(&self, core: u32) -> &[u32] {
        &self.members[core as usize]
    }

    /// Nets that a neuron is a target of.
    pub(super) fn heard(&self, v: usize) -> &[u32] {
        &self.heard[v]
    }

    /// The net of a neuron's spikes.
    pub(super) fn own(&self, v: usize) -> Option<u32> {
        (self.own[v] != NO_NET).then_some(self.own[v])
    }

    /// Whether `core` has room for `v` where `out` leaves it.
    pub(super) fn has_room(&self, core: u32, v: usize, out: Option<usize>) -> bool {
        let (neurons, bits) = (self.members[core as usize].len() as u32, self.bits[core as usize]);
        let less = out.map_or(0, |out| self.task.bits[out]);
        neurons + 1 - u32::from(out.is_some()) <= self.task.limits.neurons
            && bits + self.task.bits[v] - less <= self.task.limits.bits
    }

    /// What moving `v` to core `to` changes; `None` where a core would need more axons than it has.
    pub(super) fn change(&mut self, v: usize, to: u32) -> Option<Change> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let found = self.loads_and_hops(v, to, &mut scratch).map(|hops| {
            let (from, to) = (self.core[v] as usize * self.ticks, to as usize * self.ticks);
            let [in_from, in_to, sweep_from, sweep_to] = &scratch;
            let parts = [
                (&self.intake[from..], in_from),
                (&self.intake[to..], in_to),
                (&self.sweep[from..], sweep_from),
                (&self.sweep[to..], sweep_to),
            ];
            let time = parts.iter().map(|(load, change)| self.rise(&load[..self.ticks], change)).sum();
            Change { hops, time }
        });
        self.scratch = scratch;
        found
    }

    /// Change of the smooth time by that of one load.
    fn rise(&self, load: &[f32], change: &[f32]) -> f64 {
        let mut lanes = [0.0_f32; LANES];
        let parts = load.chunks_exact(LANES).zip(change.chunks_exact(LANES)).zip(self.slope.chunks_exact(LANES));
        for ((load, change), slope) in parts {
            for lane in 0..LANES {
                lanes[lane] += slope[lane] * (power(load[lane] + change[lane]) - power(load[lane]));
            }
        }
        f64::from(lanes.iter().sum::<f32>())
    }

    /// Changes of the loads of both cores into `scratch` and that of the hops.
    fn loads_and_hops(&self, v: usize, to: u32, scratch: &mut [Vec<f32>; 4]) -> Option<f64> {
        let (task, times, scale, from) = (self.task, self.task.times, 1.0 / self.unit, self.core[v]);
        let [in_from, in_to, sweep_from, sweep_to] = scratch;
        in_from.fill(0.0);
        in_to.fill(0.0);
        let (mut hops, mut new) = (0.0, 0);
        let own = self.own(v);
        for &number in &self.heard[v] {
            let (at, net) = (number as usize, &task.nets[number as usize]);
            let (gone, come) = (self.pins_on(at, from) == 1, self.pins_on(at, to) == 0);
            new += u64::from(come);
            if own != Some(number) {
                let home = self.home(net);
                let full = |core: u32| self.axons_out[core as usize] >= task.limits.axons_out;
                if come && !gone && home.is_some_and(full) {
                    return None;
                }
                hops -= if gone { net.spikes * task.hops(home, from) } else { 0.0 };
                hops += if come { net.spikes * task.hops(home, to) } else { 0.0 };
            }
            if times.axon_in > 0.0 {
                let each = times.axon_in * scale;
                let add = |load: &mut [f32], each: f32| net.fires.iter().for_each(|f| load[f.0 as usize] += f.1 * each);
                if gone {
                    add(in_from, -each);
                }
                if come {
                    add(in_to, each);
                }
            }
        }
        if self.axons_in[to as usize] + new > task.limits.axons_in {
            return None;
        }
        for &(tick, time) in &self.synapses[v] {
            in_from[tick as usize] -= time * scale;
            in_to[tick as usize] += time * scale;
        }
        let neuron = times.neuron * scale;
        sweep_from[..task.ticks].fill(-neuron);
        sweep_to[..task.ticks].fill(neuron);
        if let Some(own) = own {
            let (at, net) = (own as usize, &task.nets[own as usize]);
            let touched = &self.touched[at];
            if self.axons_out[to as usize] + touched.len() as u64 + 1 > task.limits.axons_out {
                return None;
            }
            // Where the neuron is the only target on its core, the target goes with it.
            let alone = self.heard[v].binary_search(&own).is_ok() && self.pins_on(at, from) == 1;
            for &core in touched {
                let after = if alone && core == from { 0.0 } else { task.hops(Some(to), core) };
                hops += net.spikes * (after - task.hops(Some(from), core));
            }
            let each = (times.spike_out + touched.len() as f32 * times.axon_out) * scale;
            for &(tick, n) in net.fires.iter().filter(|_| each > 0.0) {
                sweep_from[tick as usize] -= n * each;
                sweep_to[tick as usize] += n * each;
            }
        }
        Some(hops)
    }

    /// Moves `v` to core `to`. Hops and time are those of [`Self::note`].
    pub(super) fn shift(&mut self, v: usize, to: u32) {
        let (task, times, scale, from) = (self.task, self.task.times, 1.0 / self.unit, self.core[v]);
        let (a, b) = (from as usize * self.ticks, to as usize * self.ticks);
        let neuron = times.neuron * scale;
        for tick in 0..task.ticks {
            self.sweep[a + tick] -= neuron;
            self.sweep[b + tick] += neuron;
        }
        for &(tick, time) in &self.synapses[v] {
            self.intake[a + tick as usize] -= time * scale;
            self.intake[b + tick as usize] += time * scale;
        }
        if let Some(own) = self.own(v) {
            let touched = self.touched[own as usize].len();
            self.axons_out[from as usize] -= touched as u64;
            self.axons_out[to as usize] += touched as u64;
            let each = (times.spike_out + touched as f32 * times.axon_out) * scale;
            for &(tick, n) in task.nets[own as usize].fires.iter().filter(|_| each > 0.0) {
                self.sweep[a + tick as usize] -= n * each;
                self.sweep[b + tick as usize] += n * each;
            }
        }
        self.core[v] = to;
        let heard = std::mem::take(&mut self.heard[v]);
        for &number in &heard {
            let net = &task.nets[number as usize];
            let (gone, come) = (self.leave(number as usize, from), self.enter(number as usize, to));
            if times.axon_in > 0.0 {
                let each = times.axon_in * scale;
                for &(tick, n) in &net.fires {
                    self.intake[a + tick as usize] -= if gone { n * each } else { 0.0 };
                    self.intake[b + tick as usize] += if come { n * each } else { 0.0 };
                }
            }
            if let (Some(home), true) = (self.home(net), gone != come) {
                let sign = if come { 1 } else { -1 };
                let home = home as usize;
                self.axons_out[home] = self.axons_out[home].wrapping_add_signed(sign);
                let each = sign as f32 * times.axon_out * scale;
                for &(tick, n) in net.fires.iter().filter(|_| each != 0.0) {
                    self.sweep[home * self.ticks + tick as usize] += n * each;
                }
            }
        }
        self.heard[v] = heard;
        self.bits[from as usize] -= task.bits[v];
        self.bits[to as usize] += task.bits[v];
        let at = self.position[v] as usize;
        let members = &mut self.members[from as usize];
        members.swap_remove(at);
        if let Some(&moved) = members.get(at) {
            self.position[moved as usize] = at as u32;
        }
        let members = &mut self.members[to as usize];
        self.position[v] = members.len() as u32;
        members.push(v as u32);
    }

    /// Adds the change of what was moved.
    pub(super) fn note(&mut self, change: Change) {
        self.hops += change.hops;
        self.time += change.time;
    }
}
