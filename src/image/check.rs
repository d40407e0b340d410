//! The semantic check: before an image is used, every index, range and capacity in it is held against the chip.

use std::collections::BTreeMap;

use super::rows::Rows;
use super::{
    CompartmentConfig, CoreBody, CoreImage, Crossbar, CrossbarParameters, CubaCore, Destination, Header, Image,
    InitialState, TinyOdinBody,
};
use crate::chip::{ChipSpec, CrossbarSpec, CubaSpec, Family};
use crate::diag::{Problem, Problems, Result};

/// Problems beyond this number are not listed.
const MOST: usize = 50;
/// The longest run-on after a stimulus that an image may ask for, in ticks.
const MOST_DEPTH: u32 = 1 << 20;
/// The most sums with a negative exponent that a core may keep apart (projections times delays).
const MOST_SHIFTED: u64 = 4096;

/// Checks `image` (with the `header` it came with) against `chip`. `file` is named in problems.
///
/// # Errors
/// `image/chip` where it was compiled for another chip; `image/content` for every index or value that is out of
/// range, up to 50 of them.
pub fn check(image: &Image, header: &Header, chip: &ChipSpec, file: &str) -> Result<()> {
    if header.chip != chip.digest {
        let what = if image.chip_name() == chip.name {
            format!("the image was compiled for another description of chip '{}'", image.chip)
        } else {
            format!("the image was compiled for chip '{}'", image.chip_name())
        };
        return Err(Problem::invalid("image/chip", file, what)
            .limit(format!("this run emulates '{}' (digest {})", chip.name, chip.digest.short()))
            .help("run it on the chip it was compiled for, or compile the network for this one")
            .into());
    }
    contents(image, chip, file)
}

/// The part of [`check`] that needs no header: for images that never were a file.
///
/// # Errors
/// `image/content`, as [`check`].
pub fn contents(image: &Image, chip: &ChipSpec, file: &str) -> Result<()> {
    let mut found = Found { file, problems: Vec::new() };
    cores(image, chip, &mut found);
    for (core, fault) in image.copy_faults(chip) {
        found.require(false, || format!("core {core}"), || fault);
    }
    if let Family::Ranc(_) = &chip.family {
        let whole = image.cores.len() == chip.cores() as usize;
        found.require(whole, || "cores".to_owned(), || "not every position of the grid is described".to_owned());
    }
    populations(image, &mut found);
    inputs(image, chip, &mut found);
    if found.problems.is_empty() {
        found.problems = super::unreachable(image, chip, file);
    }
    Problems::check(found.problems, ())
}

struct Found<'a> {
    file: &'a str,
    problems: Vec<Problem>,
}

impl Found<'_> {
    /// Notes a problem unless `holds`.
    fn require(&mut self, holds: bool, place: impl FnOnce() -> String, what: impl FnOnce() -> String) {
        if !holds && self.problems.len() < MOST {
            let place = format!("{}: {}", self.file, place());
            self.problems.push(
                Problem::invalid("image/content", place, what())
                    .help("the image was not written by this program's compiler; compile the network again"),
            );
        }
    }

    /// Notes a value beyond a limit.
    fn at_most(&mut self, place: impl FnOnce() -> String, what: &str, value: usize, limit: usize) {
        self.require(value <= limit, place, || format!("{what} {value} is more than the chip's {limit}"));
    }
}

fn cores(image: &Image, chip: &ChipSpec, found: &mut Found) {
    for pair in image.cores.windows(2) {
        found.require(
            pair[0].core < pair[1].core,
            || format!("core {}", pair[1].core),
            || "cores are not in ascending order".to_owned(),
        );
    }
    for core in &image.cores {
        let place = || format!("core {}", core.core);
        found.require(core.core < chip.cores(), place, || format!("the chip has {} cores", chip.cores()));
        // The output bus has lines, not neurons; its own check counts them.
        if !matches!(core.body, CoreBody::OutputBus(_)) {
            found.at_most(place, "number of neurons", core.body.neurons(), chip.capacity.neurons as usize);
        }
        found.at_most(place, "number of axons", core.body.axons(), chip.capacity.axons_in as usize);
        match (&core.body, &chip.family) {
            (CoreBody::Crossbar(body), Family::Crossbar(spec)) => crossbar(image, core.core, body, spec, found),
            (CoreBody::Cuba(body), Family::Cuba(spec)) => cuba(image, core.core, body, spec, chip, found),
            (CoreBody::Ranc(body), Family::Ranc(spec)) => told(core, body.faults(spec, chip), found),
            (CoreBody::OutputBus(bus), Family::Ranc(spec)) => {
                told(core, bus.faults(core.core, spec, chip), found);
            }
            (CoreBody::TinyOdin(body), Family::TinyOdin(_)) => told(core, body.faults(), found),
            (CoreBody::Fcore(body), Family::Fcore(spec)) => {
                told(core, body.faults(spec, &chip.capacity), found);
                for out in &body.axons_out {
                    let destination = Destination { core: out.core, axon: out.axon, delay: 1 };
                    target(image, &destination, 1..=1, place, found);
                }
            }
            (CoreBody::Stepped(body), Family::Stepped(_)) => {
                told(core, body.faults(&chip.capacity), found);
                for out in &body.axons_out {
                    let destination = Destination { core: out.core, axon: out.axon, delay: 1 };
                    target(image, &destination, 1..=1, place, found);
                }
            }
            _ => found.require(false, place, || "the core is of another family than the chip's".to_owned()),
        }
    }
}

fn told(core: &CoreImage, faults: Vec<String>, found: &mut Found) {
    for fault in faults {
        found.require(false, || format!("core {}", core.core), || fault);
    }
}

fn crossbar(image: &Image, core: u32, body: &Crossbar, spec: &CrossbarSpec, found: &mut Found) {
    let place = || format!("core {core}");
    let neurons = body.parameter_of.len();
    let words = neurons.div_ceil(64);
    found.require(body.axon_types.iter().all(|&kind| kind < spec.axon_types), place, || {
        format!("an axon type is not below {}", spec.axon_types)
    });
    found.require(body.rows.len() == body.axon_types.len() * words, place, || {
        format!("{} words of connections for {} axons and {neurons} neurons", body.rows.len(), body.axon_types.len())
    });
    if words > 0 && !neurons.is_multiple_of(64) {
        let beyond = !0_u64 << (neurons % 64);
        found.require(
            body.rows.chunks(words).all(|row| row.last().is_none_or(|word| word & beyond == 0)),
            place,
            || "a connection to a neuron that is not there".to_owned(),
        );
    }
    found.require(body.parameter_of.iter().all(|&entry| usize::from(entry) < body.parameters.len()), place, || {
        "a neuron names a parameter entry that is not there".to_owned()
    });
    for parameters in &body.parameters {
        found.require(crossbar_parameters_fit(parameters, spec), place, || format!("{parameters:?} is out of range"));
    }
    found.require(body.destinations.len() == neurons, place, || "not one destination a neuron".to_owned());
    for (neuron, destination) in body.destinations.iter().enumerate() {
        if let Some(destination) = destination {
            let place = || format!("core {core}, neuron {neuron}");
            target(image, destination, spec.delay_min..=spec.delay_max, place, found);
        }
    }
}

fn crossbar_parameters_fit(parameters: &CrossbarParameters, spec: &CrossbarSpec) -> bool {
    let weight = (1_i32 << (spec.weight_bits - 1)) - 1;
    let threshold = (1_u64 << spec.threshold_bits) - 1;
    let potential = 1_i64 << (spec.potential_bits - 1);
    parameters.weights.iter().chain([&parameters.leak]).all(|&w| i32::from(w).abs() <= weight)
        && u64::from(parameters.threshold) <= threshold
        && u64::from(parameters.negative_threshold) <= threshold
        && parameters.spike_reset <= 2
        && (-potential..potential).contains(&i64::from(parameters.initial))
        && i64::from(parameters.reset_value).abs() < potential
        && (parameters.reset_value.unsigned_abs() + 1).is_power_of_two()
        && parameters.threshold_mask_bits <= spec.threshold_bits
}

/// What the core's memory holds; lists, programs and axons must hold already.
fn memory(body: &CubaCore, spec: &CubaSpec, place: impl Fn() -> String + Copy, found: &mut Found) {
    let words = body.synapse_words(spec);
    let least = |amount: u64| usize::try_from(amount).unwrap_or(usize::MAX);
    found.at_most(place, "number of words of synapse memory", least(words), spec.synapse_words as usize);
    if let Some(programs) = &spec.programs {
        let axons = body.axon_offsets.len().saturating_sub(1);
        let bytes = body.program_bytes(axons, body.axons_out.len(), programs).saturating_add(words.saturating_mul(8));
        found.at_most(place, "number of bytes of memory", least(bytes), programs.memory_bytes as usize);
    }
}

fn cuba(image: &Image, core: u32, body: &CubaCore, spec: &CubaSpec, chip: &ChipSpec, found: &mut Found) {
    let place = || format!("core {core}");
    let neurons = body.config_of.len();
    found.at_most(place, "number of synapse formats", body.formats.len(), usize::from(spec.synapse_formats));
    found.at_most(place, "number of compartment configurations", body.configs.len(), neurons.max(1));
    if let Some(slots) = spec.delay_slots {
        let used = usize::try_from(body.delay_slots()).unwrap_or(usize::MAX);
        found.at_most(place, "number of sums in the delay buffer", used, slots as usize);
    }
    found.at_most(
        place,
        "number of shared configurations",
        body.compartment_configs(),
        spec.compartment_configs.into(),
    );
    found.at_most(place, "number of shared thresholds", body.threshold_configs(), spec.threshold_configs.into());
    found.at_most(place, "number of axons out", body.axons_out.len(), chip.capacity.axons_out as usize);
    found.require(body.config_of.iter().all(|&entry| usize::from(entry) < body.configs.len()), place, || {
        "a compartment names a configuration that is not there".to_owned()
    });
    for config in &body.configs {
        found.require(config_fits(config, spec), place, || format!("{config:?} is out of range"));
    }
    found.require(
        offsets_hold(&body.axon_offsets, body.list_uses.len())
            && offsets_hold(&body.out_offsets, body.axons_out.len())
            && body.out_offsets.len() == neurons + 1,
        place,
        || "axon offsets do not ascend to the number of entries".to_owned(),
    );
    found.require(
        body.initial.windows(2).all(|pair| pair[0].compartment < pair[1].compartment)
            && body.initial.iter().all(|start| initial_fits(start, neurons, spec)),
        place,
        || "initial states do not ascend, or one is out of range".to_owned(),
    );
    programs(body, spec, &chip.name, place, found);
    for fault in body.join_faults(spec) {
        found.require(false, place, || fault);
    }
    let mut next = 0;
    for (number, list) in body.lists.iter().enumerate() {
        found.require(u64::from(list.first) == next, place, || format!("synapse list {number} does not follow"));
        next = u64::from(list.first) + u64::from(list.count);
        let end = u64::from(list.first) + u64::from(list.count);
        let place = || format!("core {core}, synapse list {number}");
        found.require(
            usize::from(list.format) < body.formats.len() && end <= body.synapses.len() as u64,
            place,
            || "its format or its synapses are not there".to_owned(),
        );
    }
    if found.problems.is_empty() {
        for fault in body.compressed_faults(spec) {
            found.require(false, place, || fault);
        }
    }
    if found.problems.is_empty() {
        synapses(core, body, spec, found);
        memory(body, spec, place, found);
    }
    if found.problems.is_empty() {
        let longest = spec.delay_max.min(spec.dialect.delay_max());
        for fault in body.learning_faults(longest, spec.dialect) {
            found.require(false, place, || fault);
        }
        let further = body.outputs_hold();
        found.require(further, place, || "a packet of an output that the program does not have".to_owned());
    }
    for out in &body.axons_out {
        let destination = Destination { core: out.core, axon: out.axon, delay: 1 };
        target(image, &destination, 1..=1, place, found);
    }
}

/// Programs that hold, on a chip that has them, ascending.
fn programs(body: &CubaCore, spec: &CubaSpec, chip: &str, place: impl Fn() -> String + Copy, found: &mut Found) {
    let Some(programs) = &spec.programs else {
        let none = body.programs.is_empty();
        return found.require(none, place, || "the chip's compartments run no programs".to_owned());
    };
    let follows = body
        .programs
        .windows(2)
        .all(|pair| u64::from(pair[0].first) + u64::from(pair[0].count) <= u64::from(pair[1].first));
    found.require(follows, place, || "its programs do not ascend".to_owned());
    for group in &body.programs {
        for fault in group.faults(body.config_of.len(), programs, chip) {
            found.require(false, place, || format!("program '{}': {fault}", group.name));
        }
    }
}

fn initial_fits(start: &InitialState, neurons: usize, spec: &CubaSpec) -> bool {
    let edge = 1_i64 << (spec.state_bits - 1);
    usize::from(start.compartment) < neurons && [start.u, start.v].iter().all(|&x| (-edge..edge).contains(&x.into()))
}

/// Sums that dialect lava shifts by themselves.
fn shifted_sums(body: &CubaCore) -> u64 {
    let mut delays: BTreeMap<(u32, i8), u64> = BTreeMap::new();
    for list in &body.lists {
        let exponent = body.formats[usize::from(list.format)].weight_exponent;
        if exponent < 0 {
            let first = list.first as usize;
            let synapses = &body.synapses[first..first + list.count as usize];
            let count = synapses.iter().map(|synapse| u64::from(synapse.delay) + 1).max().unwrap_or(1);
            let known = delays.entry((list.projection, exponent)).or_default();
            *known = count.max(*known);
        }
    }
    for list in body.compressed.iter().filter(|list| list.weight_exponent < 0) {
        let known = delays.entry((list.projection, list.weight_exponent)).or_default();
        *known = (u64::from(list.longest_delay()) + 1).max(*known);
    }
    delays.values().sum()
}

fn config_fits(config: &CompartmentConfig, spec: &CubaSpec) -> bool {
    let decay = 1_u32 << spec.decay_bits;
    let bias = 1_i32 << (spec.bias_bits - 1);
    u32::from(config.decay_u) < decay
        && u32::from(config.decay_v) < decay
        && config.threshold.is_none_or(|threshold| u64::from(threshold) < 1_u64 << spec.threshold_bits)
        && (-bias..bias).contains(&i32::from(config.bias))
        && (spec.dialect.has_bias() || config.bias == 0)
        && i16::from(config.bias_exponent) <= i16::from(spec.bias_exponent_max)
        && config.bias_exponent >= spec.dialect.bias_exponent_min()
        && (1..=spec.dialect.refractory_max()).contains(&config.refractory)
        && config.extras_fit(spec)
}

fn offsets_hold(offsets: &[u32], entries: usize) -> bool {
    offsets.first() == Some(&0) && offsets.last().is_some_and(|&last| last as usize == entries) && offsets.is_sorted()
}

/// Every synapse of every use of a list: needs lists and formats that hold.
fn synapses(core: u32, body: &CubaCore, spec: &CubaSpec, found: &mut Found) {
    let neurons = body.config_of.len();
    let weight = 1_i32 << (spec.weight_bits - 1);
    let longest = spec.delay_max.min(spec.dialect.delay_max());
    let shifted = shifted_sums(body);
    found.require(
        shifted <= MOST_SHIFTED,
        || format!("core {core}"),
        || format!("{shifted} sums with negative exponents are more than {MOST_SHIFTED}"),
    );
    for fault in body.format_faults(spec) {
        found.require(false, || format!("core {core}"), || fault);
    }
    found.require(
        body.synapses
            .iter()
            .all(|synapse| (-weight..weight).contains(&i32::from(synapse.weight)) && synapse.delay <= longest),
        || format!("core {core}"),
        || "a synapse's weight or delay is out of range".to_owned(),
    );
    let last_target: Vec<Option<u16>> = body
        .lists
        .iter()
        .map(|list| {
            let first = list.first as usize;
            body.synapses[first..first + list.count as usize].iter().map(|synapse| synapse.target).max()
        })
        .collect();
    for (number, used) in body.list_uses.iter().enumerate() {
        let last = last_target.get(used.list as usize);
        found.require(
            last.is_some_and(|last| last.is_none_or(|last| usize::from(used.base) + usize::from(last) < neurons)),
            || format!("core {core}, list use {number}"),
            || "the list or a target compartment is not there".to_owned(),
        );
    }
}

/// A packet's target must be a loaded core's axon, with a delay that the chip can hold.
fn target(
    image: &Image,
    destination: &Destination,
    delays: std::ops::RangeInclusive<u8>,
    place: impl Fn() -> String,
    found: &mut Found,
) {
    let core = image.core(destination.core);
    found.require(core.is_some_and(|core| usize::from(destination.axon) < core.body.axons()), &place, || {
        format!("its target, axon {} of core {}, is not there", destination.axon, destination.core)
    });
    found.require(delays.contains(&destination.delay), &place, || {
        format!("delay {} is outside {}..={}", destination.delay, delays.start(), delays.end())
    });
}

fn populations(image: &Image, found: &mut Found) {
    found.require(image.depth <= MOST_DEPTH, || "depth".to_owned(), || format!("{} ticks are too many", image.depth));
    let input_of = |number: usize| image.inputs.iter().any(|input| input.population as usize == number);
    for (number, population) in image.populations.iter().enumerate() {
        let place = || format!("population '{}'", population.name);
        let size = population.shape.iter().try_fold(1_u64, |size, &extent| size.checked_mul(u64::from(extent)));
        let expected = if input_of(number) { 0 } else { population.places.len() as u64 };
        found.require(
            size.is_some_and(|size| if input_of(number) { size <= 1 << 31 } else { size == expected })
                && population.places.len() as u64 == expected,
            place,
            || format!("{} places for shape {:?}", population.places.len(), population.shape),
        );
        let copies = population.copies.iter().map(|copy| &copy.place);
        for at in population.places.iter().chain(copies) {
            let there = image.core(at.core).is_some_and(|core| usize::from(at.neuron) < core.body.neurons());
            found.require(there, place, || format!("neuron {} of core {} is not there", at.neuron, at.core));
        }
        found.require(
            population.copies.iter().all(|copy| (copy.neuron as usize) < population.places.len()),
            place,
            || "a copy of a neuron that is not there".to_owned(),
        );
    }
    for output in &image.outputs {
        let there = (output.population as usize) < image.populations.len() && !input_of(output.population as usize);
        found.require(there, || format!("output '{}'", output.name), || "it reads no population of neurons".to_owned());
    }
}

fn inputs(image: &Image, chip: &ChipSpec, found: &mut Found) {
    let delays = match &chip.family {
        Family::Crossbar(spec) => spec.delay_min..=spec.delay_max,
        Family::Ranc(spec) => 1..=spec.ticks.min(255) as u8,
        Family::Cuba(_) | Family::TinyOdin(_) | Family::Fcore(_) | Family::Stepped(_) => 1..=1,
    };
    for input in &image.inputs {
        let place = || format!("input population {}", input.population);
        let Some(population) = image.populations.get(input.population as usize) else {
            found.require(false, place, || "it is not there".to_owned());
            continue;
        };
        let size = population.shape.iter().try_fold(1_u64, |size, &extent| size.checked_mul(u64::from(extent)));
        found.require(
            size.and_then(|size| size.checked_add(1)) == Some(input.offsets.len() as u64)
                && offsets_hold(&input.offsets, input.targets.len()),
            place,
            || "its offsets do not ascend to the number of targets".to_owned(),
        );
        for destination in &input.targets {
            target(image, destination, delays.clone(), place, found);
        }
    }
}

impl CoreBody {
    /// Neurons in use.
    #[must_use]
    pub fn neurons(&self) -> usize {
        match self {
            Self::Crossbar(body) => body.parameter_of.len(),
            Self::Cuba(body) => body.config_of.len(),
            Self::Ranc(body) => body.neurons.len(),
            Self::OutputBus(bus) => usize::from(bus.lines),
            Self::TinyOdin(body) => body.neurons.len(),
            Self::Fcore(body) => usize::from(body.neurons),
            Self::Stepped(body) => body.parameter_of.len(),
        }
    }

    /// Inbound axons in use.
    #[must_use]
    pub fn axons(&self) -> usize {
        match self {
            Self::Crossbar(body) => body.axon_types.len(),
            Self::Cuba(body) => body.axon_offsets.len().saturating_sub(1),
            Self::Ranc(body) => body.axon_types.len(),
            // Lines may be more than a core has axons; nobody sends to one that is not there.
            Self::OutputBus(_) => 0,
            Self::TinyOdin(_) => TinyOdinBody::ADDRESSES,
            Self::Fcore(body) => body.ports(),
            Self::Stepped(body) => body.axon_delays.len(),
        }
    }
}

impl Image {
    /// Puts the crosspoints of all cores side by side in memory, which makes runs of large images faster.
    pub fn gather_rows(&mut self) {
        Rows::gather(self.cores.iter_mut().filter_map(|core| match &mut core.body {
            CoreBody::Crossbar(body) => Some(&mut body.rows),
            _ => None,
        }));
    }

    /// The loaded core with this physical number. Cores ascend, which the check makes sure of.
    #[must_use]
    pub fn core(&self, core: u32) -> Option<&CoreImage> {
        self.cores.binary_search_by_key(&core, |loaded| loaded.core).ok().map(|at| &self.cores[at])
    }
}
