//! A grid to an image.

use std::collections::{BTreeMap, BTreeSet};

use super::{Core, Network, Packet};
use crate::chip::{ChipSpec, Family, RancSpec};
use crate::diag::{Problem, Problems, Result};
use crate::foreign::{reach, stem};
use crate::image::{
    CoreBody, CoreImage, Destination, Image, InputImage, OutputBus, OutputImage, Place, PopulationImage, RancBody,
    RancNeuron,
};
use crate::stimulus::{InputSpike, Sample};

/// The most entries of one kind that the image of a grid may have: positions times neurons times what each of them
/// holds, and positions times axons times the delays of the stimulus. A grid is a few numbers of a file, an image is not.
const MOST_ENTRIES: u64 = 1 << 24;
/// Problems beyond this number are not listed.
const MOST: usize = 50;

/// Names for the image.
pub(super) struct Parts<'a> {
    pub(super) file: &'a str,
    pub(super) chip_name: String,
}

/// The image of a grid on `chip`, and its packets as a stimulus. Inputs are the axons: number
/// `(x + width * y) * axons + axon`, then the same again for each longer delay that a packet has.
pub(super) fn lower(network: &Network, chip: &ChipSpec, parts: Parts<'_>) -> Result<(Image, Option<Sample>)> {
    let Family::Ranc(spec) = &chip.family else {
        let what = format!("chip '{}' is no RANC", chip.name);
        return Err(Problem::invalid("foreign/chip", parts.file, what).help("use --chip ranc").into());
    };
    let width = u32::from(chip.mesh.width);
    let bus = spec.output_core.1 * width + spec.output_core.0;
    let mut found = Vec::new();
    network.packets.iter().for_each(|packet| fitting(packet, chip, spec, parts.file, &mut found));
    Problems::check(found, ())?;
    let delays: BTreeSet<u32> = [0].into_iter().chain(network.packets.iter().map(|packet| packet.delay)).collect();
    sizes(chip, spec, delays.len(), parts.file)?;
    let mut found = Vec::new();
    let mut bodies: BTreeMap<u32, CoreBody> = BTreeMap::new();
    for core in &network.cores {
        let position = core.y * width + core.x;
        if core.x >= width || core.y >= u32::from(chip.mesh.height) || position == bus {
            let what = format!("core ({}, {}) has no place in the grid", core.x, core.y);
            let limit = format!(
                "{width} x {} positions, ({}, {}) is the output bus",
                chip.mesh.height, spec.output_core.0, spec.output_core.1
            );
            found.push(Problem::invalid("foreign/reference", core.place.as_str(), what).limit(limit));
            continue;
        }
        let Some(body) = body(core, spec, chip, &mut found) else { continue };
        if bodies.insert(position, CoreBody::Ranc(body)).is_some() {
            let what = format!("core ({}, {}) is there twice", core.x, core.y);
            found.push(Problem::invalid("foreign/reference", core.place.as_str(), what));
        }
    }
    Problems::check(found, ())?;
    bodies.insert(bus, CoreBody::OutputBus(OutputBus { lines: spec.outputs as u16 }));
    for position in 0..chip.cores() {
        bodies.entry(position).or_insert_with(|| CoreBody::Ranc(silent(spec, chip)));
    }
    let (populations, outputs) = populations(&bodies, &delays, chip, bus);
    let inputs = (0..).zip(&delays).map(|(number, &delay)| axons(number, delay, chip, bus)).collect();
    let image = Image {
        network: stem(parts.file).to_owned(),
        chip: parts.chip_name,
        depth: depth(&bodies, chip, bus),
        cores: bodies.into_iter().map(|(core, body)| CoreImage { core, body }).collect(),
        populations,
        inputs,
        outputs,
    };
    let stimulus = (!network.packets.is_empty()).then(|| stimulus(network, &delays, chip, parts.file));
    Ok((image, stimulus))
}

/// Whether a packet can be sent: its target is there, and the scheduler of the target holds its delay.
fn fitting(packet: &Packet, chip: &ChipSpec, spec: &RancSpec, file: &str, found: &mut Vec<Problem>) {
    let (width, height, axons) = (chip.mesh.width, chip.mesh.height, chip.capacity.axons_in);
    // An image has delays of a byte, the tick of emission counted.
    let ticks = spec.ticks.min(255);
    let wrong = if packet.x >= width.into() || packet.y >= height.into() {
        Some((format!("to core ({}, {})", packet.x, packet.y), format!("the grid has {width} x {height} positions")))
    } else if packet.axon >= axons {
        Some((format!("to axon {}", packet.axon), format!("0..={}", axons - 1)))
    } else if packet.delay >= ticks {
        Some((format!("with 'destination_tick' {}", packet.delay), format!("0..={}", ticks - 1)))
    } else {
        None
    };
    if let Some((what, limit)) = wrong.filter(|_| found.len() < MOST) {
        let place = format!("{file}:{}", packet.line);
        found.push(Problem::invalid("foreign/value", place, format!("a packet {what}")).limit(limit));
    }
}

/// Whether the image can be held, before any of it is made.
fn sizes(chip: &ChipSpec, spec: &RancSpec, delays: usize, file: &str) -> Result<()> {
    let (cores, neurons, axons) = (chip.cores(), chip.capacity.neurons, chip.capacity.axons_in);
    let product = |parts: [u32; 3]| parts.into_iter().fold(1_u64, |product, part| product.saturating_mul(part.into()));
    for (what, parts) in [
        ("words of connections", [cores, neurons, axons.div_ceil(64)]),
        ("weights", [cores, neurons, spec.weights]),
        ("axons, counted for each delay of a packet,", [cores, axons, delays as u32]),
    ] {
        let count = product(parts);
        if count > MOST_ENTRIES {
            let grid = format!("a grid of {} x {}", chip.mesh.width, chip.mesh.height);
            return Err(Problem::invalid("foreign/size", file, format!("{grid} has {count} {what} in all"))
                .limit(MOST_ENTRIES.to_string())
                .help("a smaller grid, or packets of fewer different delays")
                .into());
        }
    }
    Ok(())
}

/// `None` where the core is not of the grid's size.
fn body(core: &Core, spec: &RancSpec, chip: &ChipSpec, found: &mut Vec<Problem>) -> Option<RancBody> {
    let (axons, neurons) = (chip.capacity.axons_in as usize, chip.capacity.neurons as usize);
    let before = found.len();
    for (what, length, expected) in [("axons", core.axon_types.len(), axons), ("neurons", core.neurons.len(), neurons)]
    {
        if length != expected {
            let what = format!("core ({}, {}) has {length} {what}", core.x, core.y);
            found.push(
                Problem::invalid("foreign/value", core.place.as_str(), what).limit(format!("{expected}, as all cores")),
            );
        }
    }
    for (number, neuron) in core.neurons.iter().enumerate() {
        if let Some(fault) = neuron.word.fault(spec, chip) {
            let what = format!("neuron {number} of core ({}, {}): {fault}", core.x, core.y);
            found.push(
                Problem::invalid("foreign/value", core.place.as_str(), what)
                    .help("widths are keys of core.ranc in the chip file: --set core.ranc.KEY=VALUE"),
            );
        }
    }
    if found.len() > before {
        return None;
    }
    let words = axons.div_ceil(64);
    let mut rows = vec![0; core.neurons.len() * words];
    for (row, neuron) in rows.chunks_mut(words.max(1)).zip(&core.neurons) {
        for &axon in neuron.axons.iter().filter(|&&axon| (axon as usize) < axons) {
            row[axon as usize / 64] |= 1_u64 << (axon % 64);
        }
    }
    Some(RancBody {
        axon_types: core.axon_types.iter().map(|&kind| kind as u8).collect(),
        rows,
        neurons: core.neurons.iter().map(|neuron| neuron.word.clone()).collect(),
    })
}

/// A core that the file leaves out: nothing reaches it and it never fires.
fn silent(spec: &RancSpec, chip: &ChipSpec) -> RancBody {
    let (axons, neurons) = (chip.capacity.axons_in as usize, chip.capacity.neurons as usize);
    let neuron = RancNeuron {
        potential: 0,
        reset_potential: 0,
        weights: vec![0; spec.weights as usize],
        leak: 0,
        positive_threshold: ((1_i64 << (spec.threshold_width - 1)) - 1) as i32,
        negative_threshold: 0,
        reset_mode: 0,
        dx: 0,
        dy: 0,
        axon: 0,
        delay: 0,
    };
    RancBody { axon_types: vec![0; axons], rows: vec![0; neurons * axons.div_ceil(64)], neurons: vec![neuron; neurons] }
}

fn axons(population: u32, delay: u32, chip: &ChipSpec, bus: u32) -> InputImage {
    let (mut offsets, mut targets) = (vec![0], Vec::new());
    for core in 0..chip.cores() {
        for axon in 0..chip.capacity.axons_in {
            if core != bus {
                targets.push(Destination { core, axon: axon as u16, delay: (delay + 1) as u8 });
            }
            offsets.push(targets.len() as u32);
        }
    }
    InputImage { population, offsets, targets }
}

/// The axons as inputs, the lines of the output bus as the output, then the neurons of each core.
fn populations(
    bodies: &BTreeMap<u32, CoreBody>,
    delays: &BTreeSet<u32>,
    chip: &ChipSpec,
    bus: u32,
) -> (Vec<PopulationImage>, Vec<OutputImage>) {
    let input = |delay: &u32| PopulationImage {
        name: if *delay == 0 { "axons".to_owned() } else { format!("axons_delay{delay}") },
        shape: vec![chip.cores(), chip.capacity.axons_in],
        places: Vec::new(),
        copies: Vec::new(),
    };
    let mut populations: Vec<PopulationImage> = delays.iter().map(input).collect();
    let outputs = vec![OutputImage { name: "outputs".to_owned(), population: populations.len() as u32 }];
    let of = |core: u32, name: String| {
        let places: Vec<Place> =
            (0..bodies[&core].neurons()).map(|neuron| Place { core, neuron: neuron as u16 }).collect();
        PopulationImage { name, shape: vec![places.len() as u32], places, copies: Vec::new() }
    };
    populations.push(of(bus, "outputs".to_owned()));
    populations.extend(bodies.keys().filter(|&&core| core != bus).map(|&core| of(core, format!("core{core}"))));
    (populations, outputs)
}

fn stimulus(network: &Network, delays: &BTreeSet<u32>, chip: &ChipSpec, file: &str) -> Sample {
    let (width, axons) = (u32::from(chip.mesh.width), chip.capacity.axons_in);
    let spike = |&Packet { tick, x, y, axon, delay, .. }: &Packet| {
        let block = delays.iter().position(|known| *known == delay).unwrap_or(0) as u32;
        InputSpike { tick, input: (block * chip.cores() + y * width + x) * axons + axon, value: 1 }
    };
    // In the order of the file: the input buffer takes them in that order.
    let spikes = network.packets.iter().map(spike).collect();
    Sample { name: stem(file).to_owned(), spikes, ticks: network.ticks, label: None }
}

/// Ticks from a spike from outside to the last that it can first cause at the bus, along the shortest delays.
fn depth(bodies: &BTreeMap<u32, CoreBody>, chip: &ChipSpec, bus: u32) -> u32 {
    let width = i64::from(chip.mesh.width);
    let mut edges: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    let mut driven: BTreeMap<u32, BTreeSet<u16>> = BTreeMap::new();
    for (&core, body) in bodies {
        let CoreBody::Ranc(body) = body else { continue };
        for neuron in &body.neurons {
            let (x, y) =
                (i64::from(core) % width + i64::from(neuron.dx), i64::from(core) / width + i64::from(neuron.dy));
            if (0..width).contains(&x) && (0..i64::from(chip.mesh.height)).contains(&y) {
                let target = (y * width + x) as u32;
                let delay = u32::from(neuron.delay) + 1;
                edges.entry((core, target)).and_modify(|known| *known = delay.min(*known)).or_insert(delay);
                driven.entry(target).or_default().insert(neuron.axon);
            }
        }
    }
    // Cores with axons that no neuron drives are reached from outside.
    let open = |core: &u32| *core != bus && driven.get(core).map_or(0, BTreeSet::len) < bodies[core].axons();
    reach::ticks(&edges, bodies.keys().copied().filter(|core| open(core)))
}
