//! Straight-line models of both cores, walked over the image, against the emulator on random images.

use std::collections::BTreeMap;

use super::*;
use crate::rng::Rng;

const CORES: u32 = 5;
const TICKS: u32 = 60;

/// A random network on every third core of the chip.
pub(super) fn random(rng: &mut Rng, crossbar: bool) -> Image {
    let ids: Vec<u32> = (0..CORES).map(|core| core * 3).collect();
    let axons = 20;
    let neurons = |core: u32| 5 + core as u16 * 33;
    let cores = ids.iter().zip(0..).map(|(&id, core): (&u32, u32)| {
        let body = if crossbar {
            CoreBody::Crossbar(random_crossbar(rng, &ids, axons, neurons(core)))
        } else {
            return random_list_core(rng, id, &ids, axons, neurons(core));
        };
        CoreImage { core: id, body }
    });
    let cores: Vec<CoreImage> = cores.collect();
    let target = |rng: &mut Rng| {
        let delay = if crossbar { 1 + rng.below(15) as u8 } else { 1 };
        to(ids[rng.below(ids.len() as u64) as usize], rng.below(axons) as u16, delay)
    };
    let inputs: Vec<Vec<Destination>> = (0..6).map(|_| (0..rng.below(4)).map(|_| target(rng)).collect()).collect();
    let places = ids.iter().zip(0..).flat_map(|(&id, core)| (0..neurons(core)).map(move |n| (id, n))).collect();
    image(cores, &inputs, places, 7)
}

fn random_crossbar(rng: &mut Rng, ids: &[u32], axons: u64, neurons: u16) -> Crossbar {
    let words = usize::from(neurons).div_ceil(64);
    let mut rows = vec![0_u64; axons as usize * words];
    for axon in 0..axons as usize {
        for neuron in (0..usize::from(neurons)).filter(|_| rng.below(4) == 0) {
            rows[axon * words + neuron / 64] |= 1 << (neuron % 64);
        }
    }
    let parameter = |rng: &mut Rng| CrossbarParameters {
        weights: std::array::from_fn(|_| rng.below(19) as i16 - 7),
        leak: rng.below(5) as i16 - 3,
        leak_reversal: rng.below(2) == 0,
        threshold: 3 + rng.below(9) as u32,
        negative_threshold: rng.below(9) as u32,
        spike_reset: rng.below(3) as u8,
        negative_saturate: rng.below(2) == 0,
        reset_value: [0, 1, 3][rng.below(3) as usize],
        initial: rng.below(3) as i32,
        stochastic_weights: [false; 4],
        stochastic_leak: false,
        threshold_mask_bits: 0,
    };
    let destination = |rng: &mut Rng| {
        let core = ids[rng.below(ids.len() as u64) as usize];
        (rng.below(4) > 0).then(|| to(core, rng.below(axons) as u16, 1 + rng.below(15) as u8))
    };
    Crossbar {
        axon_types: (0..axons).map(|_| rng.below(4) as u8).collect(),
        rows: rows.into(),
        parameters: (0..4).map(|_| parameter(rng)).collect(),
        parameter_of: (0..neurons).map(|_| rng.below(4) as u16).collect(),
        destinations: (0..neurons).map(|_| destination(rng)).collect(),
        seed: 0,
    }
}

fn random_list_core(rng: &mut Rng, id: u32, ids: &[u32], axons: u64, neurons: u16) -> CoreImage {
    let formats: Vec<SynapseFormat> = [(ListKind::Dense, 0), (ListKind::Sparse, -3), (ListKind::Shared, 2)]
        .map(|(kind, exponent)| format(kind, exponent))
        .to_vec();
    let lists: Vec<(u8, Vec<Synapse>)> = (0..axons)
        .map(|_| {
            let format = rng.below(3) as u8;
            let delay = if rng.below(2) == 0 { 0 } else { 9 };
            let first = rng.below(u64::from(neurons)) as u16;
            let synapses = (0..rng.below(40)).map(|k| {
                let target =
                    if delay == 0 && format == 0 { first + k as u16 } else { rng.below(u64::from(neurons)) as u16 };
                synapse(target, rng.below(256) as i16 - 120, rng.below(delay + 1) as u8)
            });
            (format, synapses.filter(|synapse| synapse.target < neurons).collect())
        })
        .collect();
    let configs = (0..neurons).map(|_| CompartmentConfig {
        decay_u: [4095, 0, 1000][rng.below(3) as usize],
        decay_v: [0, 4095, 300][rng.below(3) as usize],
        threshold: (rng.below(5) > 0).then(|| 50 + rng.below(400) as u32),
        bias: if rng.below(8) == 0 { rng.below(200) as i16 - 60 } else { 0 },
        bias_exponent: rng.below(4) as i8,
        ..CompartmentConfig::PROGRAM
    });
    let configs: Vec<CompartmentConfig> = configs.collect();
    let outs: Vec<(usize, AxonOut)> = (0..neurons)
        .filter_map(|n| {
            let out = AxonOut { core: ids[rng.below(5) as usize], axon: rng.below(axons) as u16, output: 0 };
            (rng.below(3) == 0).then_some((usize::from(n), out))
        })
        .collect();
    list_core(id, configs, formats, &lists, &outs)
}

/// A burst, a long silence, a burst: cores come to rest and wake.
pub(super) fn bursts(rng: &mut Rng) -> Stimulus {
    let mut spikes: Vec<(u32, u32, u16)> = (0..60)
        .map(|_| (rng.below(6) as u32 + 42 * rng.below(2) as u32, rng.below(6) as u32, 1 + rng.below(2) as u16))
        .collect();
    spikes.sort_unstable();
    stimulus(6, TICKS, &spikes)
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    spikes: Vec<(u32, u32)>,
    membranes: Vec<i32>,
    active: u64,
    synaptic: u64,
    merged: u64,
}

/// Where packets go in the models: (tick, core, axon) -> how many.
type Arrived = BTreeMap<(u32, u32, u16), u64>;

fn places(image: &Image) -> &[Place] {
    &image.populations[1].places
}

fn host(image: &Image, stimulus: &Stimulus) -> Arrived {
    let mut arrived = Arrived::new();
    for spike in &stimulus.samples[0].spikes {
        let input = &image.inputs[0];
        let (from, until) = (input.offsets[spike.input as usize], input.offsets[spike.input as usize + 1]);
        for target in &input.targets[from as usize..until as usize] {
            *arrived.entry((spike.tick + u32::from(target.delay), target.core, target.axon)).or_default() +=
                u64::from(spike.value);
        }
    }
    arrived
}

fn crossbar_model(image: &Image, stimulus: &Stimulus) -> Told {
    let mut told = Told::default();
    let mut arrived = host(image, stimulus);
    let body = |core: u32| match &image.core(core).expect("loaded").body {
        CoreBody::Crossbar(body) => body,
        _ => unreachable!("crossbar"),
    };
    let soma = |place: &Place| {
        let body = body(place.core);
        &body.parameters[usize::from(body.parameter_of[usize::from(place.neuron)])]
    };
    told.membranes = places(image).iter().map(|place| soma(place).initial).collect();
    for tick in 0..TICKS + image.depth {
        for (number, place) in places(image).iter().enumerate() {
            let (body, p, n) = (body(place.core), soma(place), usize::from(place.neuron));
            let words = body.parameter_of.len().div_ceil(64);
            let before = told.membranes[number];
            let (mut v, mut events) = (before, 0);
            for (axon, &kind) in body.axon_types.iter().enumerate() {
                let connected = body.rows[axon * words + n / 64] >> (n % 64) & 1 == 1;
                if connected && arrived.contains_key(&(tick, place.core, axon as u16)) {
                    v += i32::from(p.weights[usize::from(kind)]);
                    events += 1;
                }
            }
            let sign = if p.leak_reversal { v.signum() } else { 1 };
            let leaked = v + sign * i32::from(p.leak);
            v = if p.leak_reversal && leaked.signum() != v.signum() { 0 } else { leaked };
            let (alpha, beta) = (p.threshold as i32, p.negative_threshold as i32);
            let fires = v >= alpha;
            if fires {
                v = [p.reset_value, v - alpha, v][usize::from(p.spike_reset)];
            } else if v < -beta {
                let mirrored = [-p.reset_value, v + beta, v][usize::from(p.spike_reset)];
                v = if p.negative_saturate { -beta } else { mirrored };
            }
            told.membranes[number] = v;
            told.synaptic += events;
            told.active += u64::from(events > 0 || v != before || fires);
            if fires {
                told.spikes.push((tick, number as u32));
                if let Some(d) = body.destinations[n] {
                    *arrived.entry((tick + u32::from(d.delay), d.core, d.axon)).or_default() += 1;
                }
            }
        }
    }
    told.merged = arrived.values().map(|count| count - 1).sum();
    told
}

fn list_model(image: &Image, stimulus: &Stimulus) -> Told {
    let mut told = Told::default();
    let mut arrived = host(image, stimulus);
    let body = |core: u32| match &image.core(core).expect("loaded").body {
        CoreBody::Cuba(body) => body,
        _ => unreachable!("list core"),
    };
    let mut u = vec![0_i64; places(image).len()];
    let mut v = u.clone();
    // (tick, core, neuron, exponent, delay) -> sum; a projection has one format here.
    let mut sums: BTreeMap<(u32, u32, u16, i8, u8), i64> = BTreeMap::new();
    for tick in 0..TICKS + image.depth {
        for (&(_, core, axon), &count) in arrived.range((tick, 0, 0)..(tick + 1, 0, 0)) {
            let body = body(core);
            let axon = usize::from(axon);
            for used in &body.list_uses[body.axon_offsets[axon] as usize..body.axon_offsets[axon + 1] as usize] {
                let list = &body.lists[used.list as usize];
                let exponent = body.formats[usize::from(list.format)].weight_exponent;
                for s in &body.synapses[list.first as usize..(list.first + list.count) as usize] {
                    let key = (tick + u32::from(s.delay), core, used.base + s.target, exponent, s.delay);
                    *sums.entry(key).or_default() += i64::from(s.weight) * count as i64;
                }
            }
        }
        for (number, place) in places(image).iter().enumerate() {
            let (body, n) = (body(place.core), usize::from(place.neuron));
            let c = &body.configs[usize::from(body.config_of[n])];
            let here =
                (tick, place.core, place.neuron, i8::MIN, 0)..=(tick, place.core, place.neuron, i8::MAX, u8::MAX);
            let a: i64 = sums.range(here).map(|(&(.., e, _), &sum)| if e < 0 { sum >> -e } else { sum << e }).sum();
            let decay = |x: i64, d: i64| x.signum() * ((x.abs() * (4096 - d)) >> 12);
            let (u_before, v_before) = (u[number], v[number]);
            u[number] = decay(u_before, i64::from(c.decay_u) + 1) + (a << 6);
            let edge = 1_i64 << 23;
            if u[number] > edge {
                u[number] -= 2 * edge;
            } else if u[number] <= -edge {
                u[number] += 2 * edge;
            }
            v[number] = decay(v_before, i64::from(c.decay_v)) + u[number] + (i64::from(c.bias) << c.bias_exponent);
            v[number] = v[number].clamp(-(1 << 23) + 1, (1 << 23) - 1);
            let fires = c.threshold.is_some_and(|mantissa| v[number] > i64::from(mantissa) << 6);
            if fires {
                v[number] = 0;
                told.spikes.push((tick, number as u32));
                for out in &body.axons_out[body.out_offsets[n] as usize..body.out_offsets[n + 1] as usize] {
                    *arrived.entry((tick + 1, out.core, out.axon)).or_default() += 1;
                }
            }
            told.active += u64::from(a != 0 || u[number] != u_before || v[number] != v_before || fires);
        }
    }
    told.membranes = v.iter().map(|&v| v as i32).collect();
    for (&(_, core, axon), &count) in &arrived {
        let body = body(core);
        let uses = &body.list_uses
            [body.axon_offsets[usize::from(axon)] as usize..body.axon_offsets[usize::from(axon) + 1] as usize];
        told.synaptic += count * uses.iter().map(|used| u64::from(body.lists[used.list as usize].count)).sum::<u64>();
    }
    told
}

#[test]
fn random_networks_do_what_the_straight_line_models_do() {
    let mut quiet = 0;
    for seed in 0..40 {
        for crossbar in [false, true] {
            let mut rng = Rng::new(seed);
            let image = random(&mut rng, crossbar);
            let stimulus = bursts(&mut rng);
            let (chip, model) = if crossbar {
                (crossbar_chip(fixed(1_000_000_000)), crossbar_model(&image, &stimulus))
            } else {
                (cuba_chip(barrier()), list_model(&image, &stimulus))
            };
            for timing in [false, true] {
                let result = play(&image, &chip, &stimulus, timing);
                let sample = &result.samples[0];
                let told = Told {
                    spikes: spikes(&result),
                    membranes: sample.output_membranes[0].clone(),
                    active: sample.counts.get(Event::NeuronUpdate),
                    synaptic: sample.counts.synaptic(),
                    merged: sample.faults.merged_spikes,
                };
                assert_eq!(told, model, "seed {seed}, crossbar {crossbar}, timing {timing}");
                assert_eq!(sample.counts.get(Event::AxonOut), sample.counts.get(Event::AxonIn));
            }
            quiet += u32::from(model.spikes.len() < 50);
        }
    }
    assert!(quiet < 60, "most random networks are alive: {quiet} of 80 are not");
}
