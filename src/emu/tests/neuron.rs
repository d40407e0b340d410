//! The complete TrueNorth neuron: the kernel against the straight-line model, in every combination of modes and
//! options, with values at the edges of every width.

use super::*;
use crate::chip::{DrawComparison, LinearReset, Overflow};
use crate::graph::{NegativeReset, SpikeReset};
use crate::oracle::crossbar::{Generator, Neuron};
use crate::rng::Rng;

const NEURONS: usize = 67;

/// The modes that a neuron combines, each a bit or a choice.
#[derive(Debug, Clone, Copy)]
struct Modes {
    gamma: u8,
    kappa: bool,
    epsilon: bool,
    leak: bool,
    weights: bool,
    mask: bool,
}

fn every_mode() -> Vec<Modes> {
    let bit = |number: u8, at: u8| number >> at & 1 == 1;
    let of = |gamma: u8, n: u8| Modes {
        gamma,
        kappa: bit(n, 0),
        epsilon: bit(n, 1),
        leak: bit(n, 2),
        weights: bit(n, 3),
        mask: bit(n, 4),
    };
    (0..3).flat_map(|gamma| (0..32).map(move |n| of(gamma, n))).collect()
}

fn every_option() -> Vec<CrossbarOptions> {
    let mut all = Vec::new();
    for comparison in [DrawComparison::AtLeast, DrawComparison::Above, DrawComparison::AtLeastNonzero] {
        for linear_reset in [LinearReset::Masked, LinearReset::Plain] {
            for overflow in [Overflow::Saturate, Overflow::Wrap, Overflow::Nemo] {
                let threshold_draw_bits = [8, 13, 18][all.len() % 3];
                all.push(CrossbarOptions { comparison, linear_reset, overflow, threshold_draw_bits });
            }
        }
    }
    all
}

/// At an edge, small, or anywhere in `-most..=most`.
fn signed(rng: &mut Rng, most: i64) -> i64 {
    match rng.below(4) {
        0 => [-most, -1, 0, 1, most][rng.below(5) as usize],
        1 => rng.below(2 * most as u64 + 1) as i64 - most,
        _ => rng.below(13) as i64 - 6,
    }
}

fn unsigned(rng: &mut Rng, bits: u32) -> u32 {
    match rng.below(6) {
        0 => [0, 1, (1 << bits) - 1, 1 << (bits - 1)][rng.below(4) as usize],
        1 => rng.below(1 << bits) as u32,
        _ => rng.below(40) as u32,
    }
}

fn parameters(rng: &mut Rng, modes: Modes) -> CrossbarParameters {
    let mut stochastic_weights = [false; 4];
    if modes.weights {
        stochastic_weights = std::array::from_fn(|_| rng.below(2) == 0);
        stochastic_weights[rng.below(4) as usize] = true;
    }
    let magnitude = (1_i32 << [0, 1, 2, 5, 19][rng.below(5) as usize]) - 1;
    let initial = match rng.below(5) {
        0 => [-(1 << 19), (1 << 19) - 1, 1 - (1 << 19), 0x60000, 0x60001][rng.below(5) as usize],
        _ => rng.below(61) as i32 - 30,
    };
    CrossbarParameters {
        weights: std::array::from_fn(|_| signed(rng, 255) as i16),
        leak: signed(rng, 255) as i16,
        leak_reversal: modes.epsilon,
        threshold: unsigned(rng, 18),
        negative_threshold: unsigned(rng, 18),
        spike_reset: modes.gamma,
        negative_saturate: modes.kappa,
        reset_value: if rng.below(2) == 0 { magnitude } else { -magnitude },
        initial,
        stochastic_weights,
        stochastic_leak: modes.leak,
        threshold_mask_bits: if modes.mask { [1, 3, 7, 8, 9, 18][rng.below(6) as usize] } else { 0 },
    }
}

fn oracle(p: &CrossbarParameters, options: CrossbarOptions) -> Neuron {
    Neuron {
        weights: p.weights.map(i64::from),
        stochastic_weights: p.stochastic_weights,
        leak: i64::from(p.leak),
        stochastic_leak: p.stochastic_leak,
        leak_reversal: p.leak_reversal,
        threshold: i64::from(p.threshold),
        negative_threshold: i64::from(p.negative_threshold),
        threshold_mask_bits: u32::from(p.threshold_mask_bits),
        reset_value: i64::from(p.reset_value),
        spike_reset: [SpikeReset::Value, SpikeReset::Linear, SpikeReset::None][usize::from(p.spike_reset)],
        negative_reset: if p.negative_saturate { NegativeReset::Saturate } else { NegativeReset::Mirror },
        options,
    }
}

/// A core of neurons that differ, or that are equal but for their initial V. Few have so many axons that a sum can
/// leave 16 bits, and few have none.
fn core(rng: &mut Rng, alike: bool, modes: impl Fn(&mut Rng) -> Modes) -> Crossbar {
    let words = NEURONS.div_ceil(64);
    let axons = [17, 17, 17, 17, 17, 17, 200, 0][rng.below(8) as usize];
    let mut rows = vec![0_u64; axons * words];
    for axon in 0..axons {
        for neuron in (0..NEURONS).filter(|_| rng.below(2) == 0) {
            rows[axon * words + neuron / 64] |= 1 << (neuron % 64);
        }
    }
    let mut parameters: Vec<CrossbarParameters> = (0..NEURONS)
        .map(|_| {
            let modes = modes(rng);
            parameters(rng, modes)
        })
        .collect();
    if alike {
        let first = parameters[0].clone();
        parameters.iter_mut().for_each(|p| *p = CrossbarParameters { initial: p.initial, ..first.clone() });
    }
    Crossbar {
        axon_types: (0..axons).map(|_| rng.below(4) as u8).collect(),
        rows: rows.into(),
        parameters,
        parameter_of: (0..NEURONS as u16).collect(),
        destinations: vec![None; NEURONS],
        seed: rng.next_u64() as u32 * rng.below(2) as u32,
    }
}

/// Final V of every neuron, and all spikes, of the straight-line model.
fn model(core: &Crossbar, options: CrossbarOptions, stimulus: &Stimulus, ticks: u32) -> (Vec<i32>, Vec<(u32, u32)>) {
    let words = NEURONS.div_ceil(64);
    let mut generator = Generator::new(core.seed);
    let mut v: Vec<i64> = core.parameters.iter().map(|p| i64::from(p.initial)).collect();
    let mut spikes = Vec::new();
    let programs: Vec<_> = core.parameters.iter().map(|p| super::programs::TrueNorth::new(p, options)).collect();
    for tick in 0..ticks {
        for (neuron, v) in v.iter_mut().enumerate() {
            let types: Vec<usize> = stimulus.samples[0]
                .spikes
                .iter()
                .filter(|spike| spike.tick + 1 == tick)
                .map(|spike| spike.input as usize)
                .filter(|axon| core.rows[axon * words + neuron / 64] >> (neuron % 64) & 1 == 1)
                .map(|axon| usize::from(core.axon_types[axon]))
                .collect();
            let programmed = programs[neuron].tick(*v, generator, &types);
            let (after, fires) = oracle(&core.parameters[neuron], options).tick(*v, &types, &mut generator);
            assert_eq!(programmed, (after, fires, generator), "the program of neuron {neuron} in tick {tick}");
            *v = after;
            if fires {
                spikes.push((tick, neuron as u32));
            }
        }
    }
    (v.into_iter().map(|v| v as i32).collect(), spikes)
}

/// Compares a run with the model; whether the kernel took the neurons 64 at a time.
fn compare(rng: &mut Rng, core: Crossbar, options: CrossbarOptions, what: &str) -> bool {
    compare_on(rng, core, &optional_chip(fixed(1_000_000_000), options), what)
}

fn compare_on(rng: &mut Rng, core: Crossbar, chip: &ChipSpec, what: &str) -> bool {
    let Family::Crossbar(spec) = &chip.family else { panic!("crossbar") };
    let (options, axons) = (spec.options, core.axon_types.len());
    let blocks = crate::emu::neurocore::CrossbarCore::new(&core, spec, None).takes_blocks();
    let ticks = 1 + rng.below(40) as u32;
    let busy = rng.below(2) * 4;
    let mut shown = Vec::new();
    for tick in 0..ticks {
        // Some ticks are silent, so that cores come to rest where they may.
        let silent = rng.below(3) == 0;
        shown.extend((0..axons as u32).filter(|_| !silent && rng.below(5) < 1 + busy).map(|axon| (tick, axon, 1)));
    }
    let stimulus = stimulus(axons as u32, ticks, &shown);
    let inputs: Vec<Vec<Destination>> = (0..axons as u16).map(|axon| vec![to(3, axon, 1)]).collect();
    let places = (0..NEURONS as u16).map(|neuron| (3, neuron)).collect();
    let expected = model(&core, options, &stimulus, ticks + 1);
    let image = image(vec![CoreImage { core: 3, body: CoreBody::Crossbar(core) }], &inputs, places, 1);
    let result = play(&image, chip, &stimulus, false);
    let told = (result.samples[0].output_membranes[0].clone(), spikes(&result));
    for neuron in 0..NEURONS {
        assert_eq!(told.0[neuron], expected.0[neuron], "{what}: V of neuron {neuron} after {ticks} ticks: {image:?}");
    }
    assert_eq!(told.1, expected.1, "{what}");
    blocks
}

#[test]
fn every_mode_under_every_option_does_what_the_straight_line_neuron_does() {
    let mut rng = Rng::new(4);
    let (mut compared, mut blocks) = (0, 0);
    for options in every_option() {
        for modes in every_mode() {
            for alike in [false, true] {
                let core = core(&mut rng, alike, |_| modes);
                let what = format!("{modes:?} {options:?} alike {alike}");
                blocks += usize::from(compare(&mut rng, core, options, &what));
                compared += 1;
            }
        }
    }
    assert_eq!(compared, 18 * 96 * 2);
    // Neither leak reversal nor stochastic weights: a quarter of the equal cores, less those without a range and those
    // whose options make a draw more than one at a time can be.
    assert!((200..=18 * 24).contains(&blocks), "{blocks} cores took the lanes");
}

#[test]
fn weights_wider_than_the_lanes_are_added_exactly() {
    let mut rng = Rng::new(11);
    let mut chip = optional_chip(fixed(1_000_000_000), CrossbarOptions::default());
    let Family::Crossbar(spec) = &mut chip.family else { panic!("crossbar") };
    spec.weight_bits = 16;
    let plain = Modes { gamma: 1, kappa: true, epsilon: false, leak: false, weights: false, mask: false };
    for round in 0..200 {
        let mut core = core(&mut rng, true, |_| plain);
        let wide = [256, 1_000, 32_767][round % 3];
        core.parameters.iter_mut().for_each(|p| (p.weights[round % 4], p.threshold) = (wide, 200_000));
        assert!(!compare_on(&mut rng, core, &chip, &format!("round {round}, weight {wide}")));
    }
}

/// The room of a core is used again by the next one: nothing of a core that was fed may be left in it.
#[test]
fn a_core_without_axons_follows_one_that_is_fed() {
    let fed = one_neuron(0, super::parameters([5; 4], 100), Some(to(0, 0, 1)));
    let mut alone = one_neuron(1, super::parameters([5; 4], 1_000), None);
    let CoreBody::Crossbar(body) = &mut alone.body else { panic!("crossbar") };
    (body.axon_types, body.rows) = (Vec::new(), Vec::new().into());
    body.parameters[0].leak = 3;
    let image = image(vec![fed, alone], &[vec![to(0, 0, 1)]], vec![(0, 0), (1, 0)], 1);
    let stimulus = stimulus(1, 10, &[(0, 0, 1), (3, 0, 1)]);
    let chip = crossbar_chip(fixed(1_000_000_000));
    assert_eq!(play(&image, &chip, &stimulus, false).samples[0].output_membranes[0], [10, 33]);
}

#[test]
fn cores_of_mixed_modes_share_one_generator() {
    let modes = every_mode();
    for seed in 0..200 {
        let mut rng = Rng::new(seed);
        let options = every_option()[seed as usize % 18];
        let core = core(&mut rng, false, |rng| modes[rng.below(96) as usize]);
        compare(&mut rng, core, options, &format!("seed {seed}"));
    }
}

#[test]
fn registers_beyond_their_encoding_are_refused() {
    let good = super::parameters([255, -255, 0, 1], 1);
    let chip = crossbar_chip(fixed(1_000_000));
    let with = |change: &dyn Fn(&mut CrossbarParameters)| {
        let mut changed = good.clone();
        change(&mut changed);
        let image = image(vec![one_neuron(0, changed, None)], &[vec![to(0, 0, 1)]], vec![(0, 0)], 1);
        crate::image::contents(&image, &chip, "test").is_ok()
    };
    let accepted: [&dyn Fn(&mut CrossbarParameters); 8] = [
        &|p| p.leak = 255,
        &|p| p.leak = -255,
        &|p| p.threshold = (1 << 18) - 1,
        &|p| p.initial = -(1 << 19),
        &|p| p.initial = (1 << 19) - 1,
        &|p| p.reset_value = (1 << 19) - 1,
        &|p| p.reset_value = -7,
        &|p| p.threshold_mask_bits = 18,
    ];
    assert!(accepted.iter().all(|change| with(change)));
    let refused: [&dyn Fn(&mut CrossbarParameters); 10] = [
        &|p| p.leak = 256,
        &|p| p.weights[3] = -256,
        &|p| p.threshold = 1 << 18,
        &|p| p.negative_threshold = 1 << 18,
        &|p| p.initial = 1 << 19,
        &|p| p.reset_value = 2,
        &|p| p.reset_value = -6,
        &|p| p.reset_value = i32::MIN,
        &|p| p.threshold_mask_bits = 19,
        &|p| p.spike_reset = 3,
    ];
    assert!(refused.iter().all(|change| !with(change)));
}
