//! Neurons on placed cores with all that a local search asks for: hops exactly, the load of every core tick by tick.
//!
//! A core is busy in a tick with two things that go on side by side: it goes through its neurons and sends their spikes
//! (`sweep`), and it takes packets in and adds their synapses up (`intake`). The last core to be done ends a tick, so
//! the modelled time of a tick is the largest of both over all cores. What is searched with is the norm of order 8 or 16 of
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

/// A mapping under search.
pub(super) struct State<'a> {
    pub(super) task: &'a Task,
    /// The place of each core, and the core of each place: whole cores may exchange theirs.
    seat: Vec<u32>,
    at_seat: Vec<u32>,
    /// Whether the norm is of order 16 and not of 8.
    sharp: bool,
    cores: usize,
    /// Ticks, filled up to whole lanes.
    ticks: usize,
    core: Vec<u32>,
    members: Vec<Vec<u32>>,
    position: Vec<u32>,
    /// Compartments in use by core.
    neurons: Vec<u32>,
    /// The nets of each neuron's spikes: one, where it sends and is not a block.
    own: Vec<Vec<u32>>,
    /// Nets that each neuron is a target of, ascending.
    heard: Vec<Vec<u32>>,
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

/// The eighth power, or the sixteenth.
#[inline]
fn power<const SHARP: bool>(load: f32) -> f32 {
    let square = load * load;
    let fourth = square * square;
    let eighth = fourth * fourth;
    if SHARP { eighth * eighth } else { eighth }
}

impl<'a> State<'a> {
    /// `core` names a core of the task for every neuron; `sharp`: the smooth time is of order 16 and not of 8.
    pub(super) fn new(task: &'a Task, core: Vec<u32>, sharp: bool) -> Self {
        let (cores, neurons) = (task.places.len(), task.neurons());
        let ticks = task.ticks.next_multiple_of(LANES);
        let mut state = Self {
            task,
            seat: (0..cores as u32).collect(),
            at_seat: (0..cores as u32).collect(),
            sharp,
            cores,
            ticks,
            members: vec![Vec::new(); cores],
            position: vec![0; neurons],
            neurons: vec![0; cores],
            own: vec![Vec::new(); neurons],
            heard: vec![Vec::new(); neurons],
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
            self.neurons[core as usize] += self.task.sizes[v];
        }
        for (number, net) in self.task.nets.iter().enumerate() {
            if let Some(source) = net.source {
                self.own[source as usize].push(number as u32);
            }
            for &(pin, _) in &net.pins {
                self.heard[pin as usize].push(number as u32);
                self.enter(number, self.core[pin as usize]);
            }
            if let Some(source) = net.source {
                self.axons_out[self.core[source as usize] as usize] += net.axons * self.touched[number].len() as u64;
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
            self.axons_in[core as usize] += self.task.nets[net].axons;
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
            self.axons_in[core as usize] -= self.task.nets[net].axons;
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
            self.task.synapses[v].iter().for_each(|&(tick, time)| load[tick as usize] += time * scale);
        }
        for (core, neurons) in self.neurons.iter().enumerate() {
            let all = *neurons as f32 * times.neuron * scale;
            sweep[core * ticks..][..task.ticks].fill(all);
        }
        for (net, touched) in task.nets.iter().zip(&self.touched) {
            for &core in touched {
                self.hops += net.spikes * self.way(self.home(net), core);
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
            let loads = |core: usize| [self.intake[core * ticks + tick], self.sweep[core * ticks + tick]];
            let power = if self.sharp { power::<true> } else { power::<false> };
            let sum: f32 = (0..self.cores).flat_map(loads).map(power).sum();
            // Square roots are exact everywhere, other powers are not.
            let eighth = sum.sqrt().sqrt().sqrt();
            let (norm, order) = if self.sharp { (eighth.sqrt(), 16.0) } else { (eighth, 8.0) };
            self.time += f64::from(norm);
            self.slope[tick] = if sum > 0.0 { norm / (order * sum) } else { 0.0 };
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

    /// The place of every neuron, by the numbers of the task.
    pub(super) fn places(&self) -> Vec<u32> {
        self.core.iter().map(|core| self.seat[*core as usize]).collect()
    }

    /// The place that a core has.
    pub(super) fn seat(&self, core: u32) -> u32 {
        self.seat[core as usize]
    }

    /// The core that has a place.
    pub(super) fn at_seat(&self, seat: u32) -> u32 {
        self.at_seat[seat as usize]
    }

    /// Links between a core, or the host, and another.
    fn way(&self, from: Option<u32>, to: u32) -> f64 {
        self.task.hops(from.map(|core| self.seat[core as usize]), self.seat[to as usize])
    }

    /// What it changes of the hops that two cores exchange their places; nothing else changes.
    pub(super) fn exchange_change(&mut self, a: u32, b: u32) -> f64 {
        let of = |core: u32| core == a || core == b;
        let concerned = |at: &usize| {
            let net = &self.task.nets[*at];
            net.spikes > 0.0 && (self.home(net).is_some_and(of) || self.touched[*at].iter().any(|core| of(*core)))
        };
        let nets: Vec<usize> = (0..self.touched.len()).filter(concerned).collect();
        let sum = |state: &Self| nets.iter().map(|at| state.net_hops(*at)).sum::<f64>();
        let before = sum(self);
        self.exchange(a, b);
        let after = sum(self);
        self.exchange(a, b);
        after - before
    }

    /// Links that the packets of a net cross.
    fn net_hops(&self, at: usize) -> f64 {
        let net = &self.task.nets[at];
        let home = self.home(net);
        self.touched[at].iter().map(|core| net.spikes * self.way(home, *core)).sum()
    }

    /// Two cores exchange their places.
    pub(super) fn exchange(&mut self, a: u32, b: u32) {
        self.seat.swap(a as usize, b as usize);
        [a, b].into_iter().for_each(|core| self.at_seat[self.seat[core as usize] as usize] = core);
    }

    pub(super) fn members(&self, core: u32) -> &[u32] {
        &self.members[core as usize]
    }

    /// Nets that a neuron is a target of.
    pub(super) fn heard(&self, v: usize) -> &[u32] {
        &self.heard[v]
    }

    /// The nets of a neuron's spikes.
    pub(super) fn own(&self, v: usize) -> &[u32] {
        &self.own[v]
    }

    /// Whether `core` has room for `v` where `out` leaves it.
    pub(super) fn has_room(&self, core: u32, v: usize, out: Option<usize>) -> bool {
        let (task, core) = (self.task, core as usize);
        let (fewer, less) = out.map_or((0, 0), |out| (task.sizes[out], task.bits[out]));
        self.neurons[core] + task.sizes[v] - fewer <= task.limits.neurons
            && self.bits[core] + task.bits[v] - less <= task.limits.bits
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
        if self.sharp { self.rise_of::<true>(load, change) } else { self.rise_of::<false>(load, change) }
    }

    fn rise_of<const SHARP: bool>(&self, load: &[f32], change: &[f32]) -> f64 {
        let mut lanes = [0.0_f32; LANES];
        let parts = load.chunks_exact(LANES).zip(change.chunks_exact(LANES)).zip(self.slope.chunks_exact(LANES));
        for ((load, change), slope) in parts {
            for lane in 0..LANES {
                lanes[lane] += slope[lane] * (power::<SHARP>(load[lane] + change[lane]) - power::<SHARP>(load[lane]));
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
            new += if come { net.axons } else { 0 };
            if !own.contains(&number) {
                let home = self.home(net);
                let full = |core: u32| self.axons_out[core as usize] + net.axons > task.limits.axons_out;
                if come && !gone && home.is_some_and(full) {
                    return None;
                }
                hops -= if gone { net.spikes * self.way(home, from) } else { 0.0 };
                hops += if come { net.spikes * self.way(home, to) } else { 0.0 };
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
        for &(tick, time) in &self.task.synapses[v] {
            in_from[tick as usize] -= time * scale;
            in_to[tick as usize] += time * scale;
        }
        let neurons = task.sizes[v] as f32 * times.neuron * scale;
        sweep_from[..task.ticks].fill(-neurons);
        sweep_to[..task.ticks].fill(neurons);
        let sent = |own: &u32| (self.touched[*own as usize].len() as u64 + 1) * task.nets[*own as usize].axons;
        let out: u64 = own.iter().map(sent).sum();
        if !own.is_empty() && self.axons_out[to as usize] + out > task.limits.axons_out {
            return None;
        }
        for &own in own {
            let (at, net) = (own as usize, &task.nets[own as usize]);
            let touched = &self.touched[at];
            // Where the neuron is the only target on its core, the target goes with it.
            let alone = self.heard[v].binary_search(&own).is_ok() && self.pins_on(at, from) == 1;
            for &core in touched {
                let after = if alone && core == from { 0.0 } else { self.way(Some(to), core) };
                hops += net.spikes * (after - self.way(Some(from), core));
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
        let neurons = task.sizes[v] as f32 * times.neuron * scale;
        for tick in 0..task.ticks {
            self.sweep[a + tick] -= neurons;
            self.sweep[b + tick] += neurons;
        }
        for &(tick, time) in &self.task.synapses[v] {
            self.intake[a + tick as usize] -= time * scale;
            self.intake[b + tick as usize] += time * scale;
        }
        for &own in &self.own[v] {
            let (touched, net) = (self.touched[own as usize].len(), &task.nets[own as usize]);
            self.axons_out[from as usize] -= touched as u64 * net.axons;
            self.axons_out[to as usize] += touched as u64 * net.axons;
            let each = (times.spike_out + touched as f32 * times.axon_out) * scale;
            for &(tick, n) in net.fires.iter().filter(|_| each > 0.0) {
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
                self.axons_out[home] = self.axons_out[home].wrapping_add_signed(sign * net.axons as i64);
                let each = sign as f32 * times.axon_out * scale;
                for &(tick, n) in net.fires.iter().filter(|_| each != 0.0) {
                    self.sweep[home * self.ticks + tick as usize] += n * each;
                }
            }
        }
        self.heard[v] = heard;
        self.bits[from as usize] -= task.bits[v];
        self.bits[to as usize] += task.bits[v];
        self.neurons[from as usize] -= task.sizes[v];
        self.neurons[to as usize] += task.sizes[v];
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
