//! The synthetic recurrent networks that TrueNorth's power was published for (Merolla et al. 2014, supplement;
//! Akopyan et al. 2015): every neuron sends to one random axon, every axon has `synapses` random synapses, and all
//! neurons fire at one mean rate.
//!
//! # How the rate is held
//!
//! Neurons reset linearly (V - alpha), so that no charge is lost: a neuron whose mean drive is `mu` a tick fires
//! exactly `mu / alpha` times a tick in the long run. The drive is the leak alone, because synapses are balanced: axons
//! come in pairs with the same synapses, one of type 0 (weight +w), one of type 1 (weight -w), and all axons
//! are driven at the same rate. Synapses thus make the times of spikes irregular and leave their rate. The weight is a
//! 64th of alpha: at a 16th, differences of rate would grow from neuron to neuron (16 is the root of 256 axons).

use crate::chip::{ChipSpec, CrossbarSpec, Family};
use crate::diag::{Problem, Result};
use crate::ids::CoreId;
use crate::image::{
    CoreBody, CoreImage, Crossbar, CrossbarParameters, Destination, Image, InputImage, Place, PopulationImage,
};
use crate::rng::Rng;

/// Initial potentials of a core's neurons: as many as there are keep the phases apart from the first tick on.
const PHASES: u32 = 32;

/// How the neurons are driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Drive {
    /// A leak in every tick.
    #[default]
    Deterministic,
    /// A leak, and a random threshold: every neuron draws in every tick.
    Stochastic,
}

/// A recurrent network.
#[derive(Debug, Clone, PartialEq)]
pub struct Recurrent {
    /// Mean rate in spikes per neuron and 1,000 ticks (Hz at ticks of 1 ms). 0 is a chip that is quiet: no leak, no
    /// spikes but those of the inputs.
    pub rate: f64,
    /// Synapses of each axon, at most the neurons of a core.
    pub synapses: u16,
    /// Decides everything random.
    pub seed: u64,
    /// How the neurons are driven.
    pub drive: Drive,
    /// The first so many cores are loaded; `None`: all.
    pub cores: Option<u32>,
    /// Host inputs; number `k` goes to axon `k` of the loaded cores, counted on over the cores.
    pub inputs: u32,
}

impl Default for Recurrent {
    /// IBM's operating point: 20 Hz, 128 synapses, the whole chip.
    fn default() -> Self {
        Self { rate: 20.0, synapses: 128, seed: 1, drive: Drive::Deterministic, cores: None, inputs: 0 }
    }
}

/// The image of such a network on `chip`, every neuron and axon of the loaded cores in use.
///
/// # Errors
/// `synthetic/chip` for a chip without crossbars, `synthetic/rate`, `synthetic/synapses` and `synthetic/cores` for
/// what its registers or sizes cannot hold.
pub fn recurrent(chip: &ChipSpec, network: &Recurrent) -> Result<Image> {
    let Family::Crossbar(spec) = &chip.family else {
        return Err(Problem::invalid("synthetic/chip", &chip.name, "the recurrent networks need one-bit crossbars")
            .help("use --chip truenorth")
            .into());
    };
    let cores = network.cores.unwrap_or(chip.cores());
    let size = Size { cores, neurons: chip.capacity.neurons, axons: chip.capacity.axons_in };
    check(chip, network, size)?;
    let neuron = neuron(network, spec)?;
    let mut rng = Rng::new(network.seed);
    let mut destinations = destinations(chip, spec, size, &mut rng).into_iter();
    let core = |core: u32| {
        let body = Crossbar {
            axon_types: (0..size.axons).map(|axon| (axon % 2) as u8).collect(),
            rows: rows(size, network.synapses, &mut rng).into(),
            parameters: phases(&neuron),
            parameter_of: (0..size.neurons).map(|_| rng.below(u64::from(PHASES)) as u16).collect(),
            destinations: destinations.by_ref().take(size.neurons as usize).map(Some).collect(),
            seed: rng.next_u64() as u32,
        };
        CoreImage { core, body: CoreBody::Crossbar(body) }
    };
    let cores: Vec<CoreImage> = (0..cores).map(core).collect();
    Ok(around(chip, network, size, cores))
}

#[derive(Debug, Clone, Copy)]
struct Size {
    cores: u32,
    neurons: u32,
    axons: u32,
}

/// Most neurons, or axons, of a network: four boards of 64 chips.
const MOST_SLOTS: u64 = 1 << 28;

fn check(chip: &ChipSpec, network: &Recurrent, size: Size) -> Result<()> {
    if size.cores == 0 || size.cores > chip.cores() {
        return Err(Problem::misfit("synthetic/cores", &chip.name, format!("{} cores", size.cores))
            .limit(format!("the chip has {}", chip.cores()))
            .help("ask for fewer cores, at least one")
            .into());
    }
    let slots = u64::from(size.cores) * u64::from(size.neurons.max(size.axons));
    if slots > MOST_SLOTS {
        return Err(Problem::misfit("synthetic/size", &chip.name, format!("{slots} neurons or axons"))
            .limit(format!("{MOST_SLOTS} in one network"))
            .help("ask for fewer cores")
            .into());
    }
    if u32::from(network.synapses) > size.neurons {
        return Err(Problem::misfit(
            "synthetic/synapses",
            &chip.name,
            format!("{} synapses an axon", network.synapses),
        )
        .limit(format!("a core has {} neurons", size.neurons))
        .help("ask for fewer synapses")
        .into());
    }
    if u64::from(network.inputs) > u64::from(size.cores) * u64::from(size.axons) {
        return Err(Problem::misfit("synthetic/inputs", &chip.name, format!("{} inputs", network.inputs))
            .limit(format!("the loaded cores have {} axons", u64::from(size.cores) * u64::from(size.axons)))
            .help("ask for fewer inputs")
            .into());
    }
    Ok(())
}

/// The registers that make a neuron fire at the rate.
fn neuron(network: &Recurrent, spec: &CrossbarSpec) -> Result<CrossbarParameters> {
    let most_leak = f64::from((1_i32 << (spec.weight_bits - 1)) - 1);
    let most_alpha = f64::from((1_u32 << spec.threshold_bits) - 1);
    let per_tick = network.rate / 1000.0;
    let leak = (most_alpha * per_tick).floor().min(most_leak);
    let stochastic = network.drive == Drive::Stochastic && network.rate > 0.0;
    let bits = if stochastic { mask_bits(leak) } else { 0 };
    let alpha = match (network.rate > 0.0, stochastic) {
        (false, _) => most_alpha,
        (true, false) => (leak / per_tick).round(),
        (true, true) => (leak / per_tick - mean_mask(leak, bits)).round().min(most_alpha),
    };
    if !(0.0..=1000.0).contains(&network.rate) || (network.rate > 0.0 && (leak < 1.0 || alpha < 1.0)) {
        return Err(Problem::invalid("synthetic/rate", "rate", format!("{} spikes in 1000 ticks", network.rate))
            .limit("0, or from about 0.01 to 1000 (one a tick)".to_owned())
            .help("ask for a rate in between")
            .into());
    }
    let weight = (alpha / 64.0).clamp(1.0, most_leak) as i16;
    Ok(CrossbarParameters {
        weights: [weight, -weight, 0, 0],
        leak: leak as i16,
        leak_reversal: false,
        threshold: alpha as u32,
        negative_threshold: most_alpha as u32,
        spike_reset: 1,
        negative_saturate: true,
        reset_value: 0,
        initial: 0,
        stochastic_weights: [false; 4],
        stochastic_leak: false,
        threshold_mask_bits: bits,
    })
}

/// Bits of the random threshold that goes with a leak: at most a quarter of it, so that the rate stays known.
fn mask_bits(leak: f64) -> u8 {
    ((leak / 4.0 + 1.0).log2().floor() as u8).clamp(1, 8)
}

/// Mean of the random part of the threshold at the moment of firing, for V that comes in steps of `leak`: at the first
/// step from alpha on it may be too large, at the second it is not.
fn mean_mask(leak: f64, bits: u8) -> f64 {
    let (most, steps) = (f64::from((1_u32 << bits) - 1), leak.max(1.0) as u32);
    let of = |above: u32| {
        let above = f64::from(above);
        let at_once = ((above + 1.0) / (most + 1.0)).min(1.0);
        at_once * above.min(most) / 2.0 + (1.0 - at_once) * most / 2.0
    };
    (0..steps).map(of).sum::<f64>() / f64::from(steps)
}

/// The neuron with initial potentials from 0 to below alpha.
fn phases(neuron: &CrossbarParameters) -> Vec<CrossbarParameters> {
    let quiet = neuron.leak == 0;
    let initial =
        |phase: u32| if quiet { 0 } else { u64::from(neuron.threshold) * u64::from(phase) / u64::from(PHASES) };
    (0..PHASES).map(|phase| CrossbarParameters { initial: initial(phase) as i32, ..neuron.clone() }).collect()
}

/// Connections of one core: `synapses` random neurons a pair of axons.
fn rows(size: Size, synapses: u16, rng: &mut Rng) -> Vec<u64> {
    let words = size.neurons.div_ceil(64) as usize;
    let mut rows = vec![0_u64; words * size.axons as usize];
    for pair in rows.chunks_mut(2 * words) {
        let (first, second) = pair.split_at_mut(words);
        subset(first, size.neurons, u32::from(synapses), rng);
        second.copy_from_slice(&first[..second.len()]);
    }
    rows
}

/// A uniformly random set of `count` of the `neurons` bits: each bit is drawn with about the right chance, then
/// random bits are set or cleared until their number is right.
fn subset(row: &mut [u64], neurons: u32, count: u32, rng: &mut Rng) {
    let chance = count * 256 / neurons;
    for (number, word) in row.iter_mut().enumerate() {
        let bits = 64.min(neurons - 64 * number as u32);
        // One random bit of each place of the chance, from the lowest: AND for a 0, OR for a 1.
        *word = (0..8).fold(0, |bits, place| {
            let random = rng.next_u64();
            if chance >> place & 1 == 1 { bits | random } else { bits & random }
        }) & (!0 >> (64 - bits));
        if chance == 256 {
            *word = !0 >> (64 - bits);
        }
    }
    let mut have: u32 = row.iter().map(|word| word.count_ones()).sum();
    while have != count {
        let bit = rng.below(u64::from(neurons));
        let (word, mask) = (&mut row[bit as usize / 64], 1_u64 << (bit % 64));
        if (*word & mask == 0) == (have < count) {
            *word ^= mask;
            have = if have < count { have + 1 } else { have - 1 };
        }
    }
}

/// Where each neuron sends, by core and neuron: a random axon, its own where there are as many as neurons (so that spikes
/// never merge), with a random delay. Cores lie in squares no wider than a packet reaches, and targets in the square of their source.
fn destinations(chip: &ChipSpec, spec: &CrossbarSpec, size: Size, rng: &mut Rng) -> Vec<Destination> {
    let side = spec.reach.saturating_add(1);
    let square = |core: u32| {
        let (x, y) = chip.router_of(CoreId(core));
        (y / side, x / side)
    };
    let none = Destination { core: 0, axon: 0, delay: spec.delay_min };
    let mut all = vec![none; size.cores as usize * size.neurons as usize];
    let mut by_square: Vec<u32> = (0..size.cores).collect();
    by_square.sort_by_key(|&core| square(core));
    let axons = size.axons.max(size.neurons);
    for cores in by_square.chunk_by(|&a, &b| square(a) == square(b)) {
        let mut slots: Vec<u32> = (0..cores.len() as u32 * axons).collect();
        rng.shuffle(&mut slots);
        for (neuron, slot) in (0..cores.len() as u32 * size.neurons).zip(slots) {
            let source = cores[(neuron / size.neurons) as usize] as usize;
            let delays = u64::from(spec.delay_max - spec.delay_min) + 1;
            all[source * size.neurons as usize + (neuron % size.neurons) as usize] = Destination {
                core: cores[(slot / axons) as usize],
                axon: (slot % axons % size.axons) as u16,
                delay: spec.delay_min + rng.below(delays) as u8,
            };
        }
    }
    all
}

/// The image around loaded cores: one population of all neurons, and the inputs.
fn around(chip: &ChipSpec, network: &Recurrent, size: Size, cores: Vec<CoreImage>) -> Image {
    let places = (0..size.cores).flat_map(|core| (0..size.neurons as u16).map(move |neuron| Place { core, neuron }));
    let population = |name: &str, count: u32, places: Vec<Place>| PopulationImage {
        name: name.to_owned(),
        shape: vec![count],
        places,
        copies: Vec::new(),
    };
    let mut populations = vec![population("neurons", size.cores * size.neurons, places.collect())];
    let mut inputs = Vec::new();
    if network.inputs > 0 {
        populations.push(population("inputs", network.inputs, Vec::new()));
        let target = |k: u32| Destination { core: k / size.axons, axon: (k % size.axons) as u16, delay: 1 };
        inputs.push(InputImage {
            population: 1,
            offsets: (0..=network.inputs).collect(),
            targets: (0..network.inputs).map(target).collect(),
        });
    }
    let mut image = Image {
        network: format!("recurrent, {} Hz, {} synapses an axon", network.rate, network.synapses),
        chip: chip.name.clone(),
        cores,
        populations,
        inputs,
        outputs: Vec::new(),
        depth: 0,
    };
    image.gather_rows();
    image
}
