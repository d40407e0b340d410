//! RANC from an image.

use std::collections::{BTreeMap, BTreeSet};

use super::super::chip::Outcome;
use super::super::counters::{EventCounts, Faults, LinkLoad, RunResult, SampleResult, TickTime};
use super::super::run::Collector;
use super::{FIRST_PACKET, Owners, RunOptions, Tally, held};
use crate::bits::BitRow;
use crate::chip::{ChipSpec, RancSpec, SyncSpec};
use crate::diag::{Problem, Result};
use crate::emu::mesh::clocked::Flit;
use crate::emu::ranc::{
    Pace, RancChip, RancConfig, RancCore, RancInput, RancNeuron, RancStimulus, RancTicks, RancTrace,
};
use crate::event::Event;
use crate::image::{CoreBody, Image, RancBody};
use crate::stimulus::Sample;
use crate::units::Picos;

/// The RTL's parameters and memories that a checked image stands for.
///
/// # Panics
/// Where the chip is no RANC.
#[must_use]
pub fn ranc_config(image: &Image, chip: &ChipSpec) -> RancConfig {
    let crate::chip::Family::Ranc(spec) = &chip.family else { panic!("chip '{}' is no RANC", chip.name) };
    let width = u32::from(chip.mesh.width);
    let params = spec.params(&chip.capacity, &chip.mesh);
    let core = |loaded: &crate::image::CoreImage| match &loaded.body {
        CoreBody::Ranc(body) => Some(core(loaded.core % width, loaded.core / width, body)),
        _ => None,
    };
    RancConfig { params, cores: image.cores.iter().filter_map(core).collect() }
}

fn core(x: u32, y: u32, body: &RancBody) -> RancCore {
    let axons = body.axon_types.len();
    let rows = body.rows.chunks(axons.div_ceil(64).max(1));
    let neuron = |(neuron, row): (&crate::image::RancNeuron, &[u64])| {
        let mut connections = BitRow::zeros(axons);
        connections.words_mut().copy_from_slice(row);
        RancNeuron {
            connections,
            potential: neuron.potential.into(),
            reset_potential: neuron.reset_potential.into(),
            weights: neuron.weights.iter().map(|&weight| weight.into()).collect(),
            leak: neuron.leak.into(),
            positive_threshold: neuron.positive_threshold.into(),
            negative_threshold: neuron.negative_threshold.into(),
            reset_mode: neuron.reset_mode.into(),
            dx: neuron.dx,
            dy: neuron.dy,
            axon: neuron.axon.into(),
            delay: neuron.delay.into(),
        }
    };
    RancCore {
        x,
        y,
        axon_types: body.axon_types.iter().map(|&kind| kind.into()).collect(),
        neurons: body.neurons.iter().zip(rows).map(neuron).collect(),
    }
}

/// Cycles of a tick: what the cores need at least, and the slack.
fn period(chip: &ChipSpec) -> (u64, u64) {
    let SyncSpec::Clocked { slack, input_interval, .. } = chip.sync else { unreachable!("checked with the chip") };
    (RancSpec::busy_cycles(&chip.capacity) + u64::from(slack), u64::from(input_interval))
}

/// The cycles of a sample: tick pulses, and a packet for every target of every input spike; and how many packets go in
/// after their tick, or never, because the host sends one at a time.
#[must_use]
pub fn ranc_stimulus(image: &Image, chip: &ChipSpec, sample: &Sample) -> (RancStimulus, u64) {
    let (period, interval) = period(chip);
    let ticks = u64::from(sample.ticks) + u64::from(image.depth);
    let (mut packets, mut free, mut late) = (Vec::new(), 0, 0);
    host_packets(image, chip, sample, |tick, flit| {
        let cycle = (tick * period + FIRST_PACKET).max(free);
        free = cycle + interval;
        late += u64::from(cycle >= (tick + 1) * period);
        packets.push(RancInput { cycle, flit });
    });
    (RancStimulus { ticks: (1..ticks).map(|tick| tick * period).collect(), packets, cycles: ticks * period }, late)
}

/// The packets of a sample in order, each with the tick that the host sends it in.
pub(super) fn host_packets(image: &Image, chip: &ChipSpec, sample: &Sample, mut tell: impl FnMut(u64, Flit)) {
    let mut inputs: Vec<_> = image.inputs.iter().collect();
    inputs.sort_by_key(|input| input.population);
    let targets: Vec<&[_]> = inputs
        .iter()
        .flat_map(|input| input.offsets.windows(2).map(|ends| &input.targets[ends[0] as usize..ends[1] as usize]))
        .collect();
    let width = u32::from(chip.mesh.width);
    for spike in &sample.spikes {
        for _ in 0..spike.value {
            for to in targets[spike.input as usize] {
                let (dx, dy) = ((to.core % width) as i32, (to.core / width) as i32);
                tell(spike.tick.into(), Flit { dx, dy, axon: to.axon.into(), delay: u32::from(to.delay) - 1 });
            }
        }
    }
}

/// Shows a RANC image a stimulus that is given by cycle, as one sample.
///
/// # Errors
/// `image/content` where the image does not hold on the chip, `ranc/stimulus` where the stimulus does not.
pub fn run_cycles(image: &Image, chip: &ChipSpec, stimulus: &RancStimulus, options: &RunOptions) -> Result<RunResult> {
    crate::image::contents(image, chip, "image")?;
    let crate::chip::Family::Ranc(spec) = &chip.family else {
        return Err(Problem::invalid("ranc/stimulus", chip.name.as_str(), "only RANC is shown packets by cycle").into());
    };
    let Design { known, chip: mut device, .. } = Design::new(image, chip)?;
    device.run(stimulus)?;
    let ran = Ran { stimulus, trace: device.trace(), potentials: |core| device.potentials(core) };
    let outcome = outcome(image, chip, spec, &known, &ran, options);
    let mut collector = Collector::default();
    collector.put(0, held(outcome, options, "the sample".to_owned())?, false);
    collector.finish(false)
}

/// A chip after reset, and what it was made from.
pub(super) struct Design {
    known: Known,
    chip: RancChip,
    /// The same without cycles, where cycles make no difference but for faults.
    ticks: Option<RancTicks>,
}

impl Design {
    pub(super) fn new(image: &Image, chip: &ChipSpec) -> Result<Self> {
        let config = ranc_config(image, chip);
        let mut chip = RancChip::new(&config, Pace::Events)?;
        chip.keep_states(false);
        let ticks = super::ranc_ticks::chip(&config)?;
        Ok(Self { known: Known::new(image, config), chip, ticks })
    }
}

/// What every sample is counted by.
struct Known {
    config: RancConfig,
    owners: Owners,
    /// The place among `config.cores` of each position's core.
    places: Vec<Option<usize>>,
    /// Of each core: neurons that each axon leads to.
    fans: Vec<Vec<u64>>,
}

impl Known {
    fn new(image: &Image, config: RancConfig) -> Self {
        let mut places = vec![None; (config.params.grid_x * config.params.grid_y) as usize];
        for (index, core) in config.cores.iter().enumerate() {
            places[(core.y * config.params.grid_x + core.x) as usize] = Some(index);
        }
        Self { owners: Owners::new(image), places, fans: config.cores.iter().map(fan_out).collect(), config }
    }
}

/// What happened, and to what it was shown.
struct Ran<'a, P> {
    stimulus: &'a RancStimulus,
    trace: &'a RancTrace,
    /// Potentials of a core after it; none where the output bus is.
    potentials: P,
}

pub(super) fn show(
    design: &Design,
    image: &Image,
    chip: &ChipSpec,
    spec: &RancSpec,
    sample: &Sample,
    options: &RunOptions,
) -> Result<Outcome> {
    if let (false, Some(ticks)) = (options.timing, &design.ticks)
        && let Some((stimulus, trace, device)) =
            super::ranc_ticks::show(ticks, &design.known.config, image, chip, sample)?
    {
        let width = design.known.config.params.grid_x;
        let ran = Ran {
            stimulus: &stimulus,
            trace: &trace,
            potentials: |core| device.potentials(core % width, core / width),
        };
        return Ok(outcome(image, chip, spec, &design.known, &ran, options));
    }
    let (stimulus, late) = ranc_stimulus(image, chip, sample);
    let mut device = design.chip.clone();
    device.run(&stimulus)?;
    let ran = Ran { stimulus: &stimulus, trace: device.trace(), potentials: |core| device.potentials(core) };
    let mut outcome = outcome(image, chip, spec, &design.known, &ran, options);
    outcome.sample.faults.late_packets += late;
    Ok(outcome)
}

/// What a finished run is in the terms of the house.
fn outcome(
    image: &Image,
    chip: &ChipSpec,
    spec: &RancSpec,
    known: &Known,
    ran: &Ran<'_, impl Fn(u32) -> Option<Vec<i64>>>,
    options: &RunOptions,
) -> Outcome {
    let Ran { stimulus, trace, potentials } = ran;
    let (config, owners) = (&known.config, &known.owners);
    let bus = spec.output_core.1 * config.params.grid_x + spec.output_core.0;
    let tick_of = |cycle: u64| stimulus.ticks.partition_point(|&tick| tick <= cycle) as u32;
    let mut tally = Tally::new(image, &options.record);
    for &(cycle, core, neuron) in &trace.spikes {
        if let Some(owner) = owners.of(core, neuron) {
            tally.spike(tick_of(cycle), owner);
        }
    }
    for &(cycle, line) in &trace.out_packets {
        if let Some(owner) = owners.of(bus, line) {
            tally.spike(tick_of(cycle), owner);
        }
    }
    let mut counts = vec![EventCounts::default(); image.cores.len()];
    let (merged, links) = count(known, stimulus, trace, &mut counts);
    let ticks = stimulus.ticks.len() as u32 + 1;
    let mut total = EventCounts::default();
    counts.iter().for_each(|of_core| total.merge(of_core));
    for input in accepted(stimulus, trace) {
        total.add(Event::AxonOut, 1);
        total.add(Event::HopX, u64::from(input.flit.dx.unsigned_abs()));
        total.add(Event::HopY, u64::from(input.flit.dy.unsigned_abs()));
    }
    let sample = SampleResult {
        ticks,
        counts: total,
        faults: Faults {
            late_packets: (trace.sched_writes_lost.len() + trace.input_dropped.len()) as u64,
            // The chip has one error bit, and it stays: how often is not told.
            overruns: u64::from(trace.tc_error_cycle.is_some()),
            merged_spikes: merged,
            overflows: 0,
        },
        tick_times: times(chip, stimulus, trace, options.timing),
        ..SampleResult::default()
    };
    // The lines of the bus have no potential.
    let of_outputs: BTreeMap<u32, Vec<i64>> = image
        .outputs
        .iter()
        .flat_map(|output| &image.populations[output.population as usize].places)
        .map(|place| place.core)
        .collect::<BTreeSet<u32>>()
        .into_iter()
        .filter_map(|core| Some((core, potentials(core)?)))
        .collect();
    let membrane =
        |place: crate::image::Place| of_outputs.get(&place.core)?.get(usize::from(place.neuron)).map(|&v| v as i32);
    Outcome { core_counts: counts, links, ..tally.outcome(sample, membrane) }
}

/// Times of the ticks, where the clock is known.
fn times(chip: &ChipSpec, stimulus: &RancStimulus, trace: &RancTrace, timing: bool) -> Vec<TickTime> {
    let SyncSpec::Clocked { clock: Some(clock), .. } = chip.sync else { return Vec::new() };
    if !timing {
        return Vec::new();
    }
    let busy = RancSpec::busy_cycles(&chip.capacity);
    let starts: Vec<u64> = [0].into_iter().chain(stimulus.ticks.iter().copied()).collect();
    let ends = starts[1..].iter().copied().chain([stimulus.cycles]);
    let time = |(start, end): (u64, u64)| {
        let arrived = trace.sched_writes.partition_point(|event| event.0 < end);
        let last = trace.sched_writes[..arrived].last().map_or(start, |event| event.0.max(start));
        TickTime {
            duration: Picos((end - start) * clock.0),
            busy: Picos(if start == 0 { 0 } else { busy.min(end - start) * clock.0 }),
            drained: Picos((last - start) * clock.0),
        }
    };
    starts.iter().copied().zip(ends).map(time).collect()
}

/// Counts the events of every core; tells merged spikes and the load of the links.
fn count(
    known: &Known,
    stimulus: &RancStimulus,
    trace: &RancTrace,
    counts: &mut [EventCounts],
) -> (u64, Vec<LinkLoad>) {
    let Known { config, places, fans, .. } = known;
    let width = config.params.grid_x;
    let pulses = stimulus.ticks.len() as u64;
    let mut links = vec![LinkLoad::default(); (width * config.params.grid_y * 4) as usize];
    for core in &config.cores {
        counts[(core.y * width + core.x) as usize].add(Event::NeuronAccess, pulses * core.neurons.len() as u64);
    }
    for &(_, core, neuron) in &trace.spikes {
        let Some(loaded) = places[core as usize] else { continue };
        let neuron = &config.cores[loaded].neurons[neuron as usize];
        let of_core = &mut counts[core as usize];
        of_core.add(Event::SpikeOut, 1);
        of_core.add(Event::AxonOut, 1);
        of_core.add(Event::HopX, u64::from(neuron.dx.unsigned_abs()));
        of_core.add(Event::HopY, u64::from(neuron.dy.unsigned_abs()));
        of_core.add(Event::TileLocal, u64::from((neuron.dx, neuron.dy) == (0, 0)));
        pass(&mut links, (width, config.params.grid_y), (core % width, core / width), (neuron.dx, neuron.dy));
    }
    for input in accepted(stimulus, trace) {
        pass(&mut links, (width, config.params.grid_y), (0, 0), (input.flit.dx, input.flit.dy));
    }
    let (mut merged, mut waiting) = (0, BTreeMap::new());
    for &(cycle, core, axon, row) in &trace.sched_writes {
        counts[core as usize].add(Event::AxonIn, 1);
        // The same bit again before its row has had its tick is no further spike.
        let pointer_moves = stimulus.ticks.partition_point(|&tick| tick + 1 < cycle) as u64;
        let rows = u64::from(config.params.num_ticks);
        let pointer = (pointer_moves + rows - 1) % rows;
        let due = pointer_moves + (u64::from(row) + rows - pointer) % rows;
        if waiting.insert((core, axon, row), due) == Some(due) {
            merged += 1;
        } else if let Some(loaded) = places[core as usize] {
            let fan = fans[loaded].get(axon as usize).copied().unwrap_or(0);
            counts[core as usize].add(Event::SynapseCrossbar, fan);
        }
    }
    (merged, links)
}

/// Packets of the host that the input buffer took.
fn accepted<'a>(stimulus: &'a RancStimulus, trace: &'a RancTrace) -> impl Iterator<Item = &'a RancInput> {
    stimulus.packets.iter().filter(|input| trace.input_accepted.binary_search(&input.cycle).is_ok())
}

/// Neurons that each axon of a core leads to.
fn fan_out(core: &RancCore) -> Vec<u64> {
    let mut fan = vec![0; core.axon_types.len()];
    for neuron in &core.neurons {
        crate::bits::ones(neuron.connections.words()).for_each(|axon| fan[axon] += 1);
    }
    fan
}

/// Loads the links of a packet's way, x first.
fn pass(links: &mut [LinkLoad], (width, height): (u32, u32), (mut x, mut y): (u32, u32), (dx, dy): (i32, i32)) {
    let mut cross = |x: u32, y: u32, direction: u32| {
        if let Some(link) = links.get_mut(((y * width + x) * 4 + direction) as usize) {
            link.packets += 1;
        }
    };
    for _ in 0..dx.unsigned_abs() {
        cross(x, y, u32::from(dx < 0));
        x = if dx > 0 { x + 1 } else { x.wrapping_sub(1) };
        if x >= width {
            return;
        }
    }
    // The house counts y to the south; RANC's north is the higher y.
    for _ in 0..dy.unsigned_abs() {
        cross(x, y, if dy > 0 { 3 } else { 2 });
        y = if dy > 0 { y + 1 } else { y.wrapping_sub(1) };
        if y >= height {
            return;
        }
    }
}
