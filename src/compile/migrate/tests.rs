//! The search's bookkeeping against counts from nothing, and its results against brute force.

use super::search::{self, Effort};
use super::state::{Change, State};
use super::task::{Limits, Net, Task, Times, synapse_times};
use super::*;
use crate::rng::Rng;
use crate::watch::Quiet;

/// A random network on `cores` cores, two a router in a row.
fn task(neurons: u32, cores: u16, room: u32, seed: u64) -> Task {
    let mut rng = Rng::new(seed);
    let ticks = 11;
    let mut nets = Vec::new();
    for number in 0..neurons + 3 {
        let mut pins: Vec<u32> = (0..4).map(|_| rng.below(neurons.into()) as u32).collect();
        pins.sort_unstable();
        pins.dedup();
        let fires: Vec<(u32, f32)> = (0..ticks).filter(|_| rng.below(3) == 0).map(|tick| (tick, 1.0)).collect();
        nets.push(Net {
            source: (number < neurons).then_some(number),
            spikes: fires.len() as f64,
            fires,
            pins: pins.into_iter().map(|pin| (pin, 3500.0)).collect(),
            axons: 1,
        });
    }
    Task {
        synapses: synapse_times(&nets, neurons as usize, ticks as usize),
        nets,
        ticks: ticks as usize,
        places: (0..cores).map(|core| (core / 2, 0)).collect(),
        host: (0, 0),
        limits: Limits { neurons: room, axons_in: 1000, axons_out: 1000, bits: 1000 },
        times: Times { neuron: 8400.0, spike_out: 900.0, axon_out: 510.0, axon_in: 160.0 },
        bits: vec![1; neurons as usize],
        sizes: vec![1; neurons as usize],
    }
}

/// Hops as they are counted packet by packet.
fn hops(task: &Task, core: &[u32]) -> f64 {
    let of = |net: &Net| {
        let mut to: Vec<u32> = net.pins.iter().map(|pin| core[pin.0 as usize]).collect();
        to.sort_unstable();
        to.dedup();
        let from = net.source.map(|source| core[source as usize]);
        to.into_iter().map(|to| net.spikes * task.hops(from, to)).sum::<f64>()
    };
    task.nets.iter().map(of).sum()
}

/// The mean over ticks of the busiest core's time, in picoseconds.
fn tick_time(task: &Task, core: &[u32]) -> f64 {
    let busy = |tick: u32, at: u32| {
        let (mut sweep, mut intake) = (0.0, 0.0);
        sweep += core.iter().filter(|core| **core == at).count() as f64 * f64::from(task.times.neuron);
        for net in &task.nets {
            let fired: f64 = net.fires.iter().filter(|fire| fire.0 == tick).map(|fire| f64::from(fire.1)).sum();
            let heard: Vec<_> = net.pins.iter().filter(|pin| core[pin.0 as usize] == at).collect();
            let synapses: f64 = heard.iter().map(|pin| f64::from(pin.1)).sum();
            intake += fired * (synapses + f64::from(u8::from(!heard.is_empty())) * f64::from(task.times.axon_in));
            if net.source.is_some_and(|source| core[source as usize] == at) {
                let mut to: Vec<u32> = net.pins.iter().map(|pin| core[pin.0 as usize]).collect();
                to.sort_unstable();
                to.dedup();
                sweep += fired * (f64::from(task.times.spike_out) + to.len() as f64 * f64::from(task.times.axon_out));
            }
        }
        sweep.max(intake)
    };
    let of = |tick| (0..task.places.len() as u32).map(|at| busy(tick, at)).fold(0.0, f64::max);
    (0..task.ticks as u32).map(of).sum::<f64>() / task.ticks as f64
}

#[test]
fn every_move_changes_hops_and_loads_as_counted_from_nothing() {
    for seed in 0..4 {
        let task = task(40, 6, 40, seed);
        let mut rng = Rng::new(seed + 10);
        let start = (0..40).map(|_| rng.below(6) as u32).collect();
        let mut state = State::new(&task, start, seed % 2 == 1);
        for _ in 0..200 {
            let (v, to) = (rng.below(40) as usize, rng.below(6) as u32);
            if to == state.core(v) {
                continue;
            }
            let change = state.change(v, to).expect("no limit is near");
            state.shift(v, to);
            state.note(change);
            let (a, b) = (rng.below(6) as u32, rng.below(6) as u32);
            let change = Change { hops: state.exchange_change(a, b), time: 0.0 };
            state.exchange(a, b);
            state.note(change);
            assert_eq!(state.hops(), hops(&task, &state.places()), "seed {seed}");
            let (kept, counted) = (state.tick_time(), tick_time(&task, &state.places()));
            assert!((kept - counted).abs() < 1e-4 * counted, "seed {seed}: {kept} of {counted}");
        }
        let (hops, tick) = (state.hops(), state.tick_time());
        state.refresh();
        assert_eq!(state.hops(), hops);
        assert!((state.tick_time() - tick).abs() < 1e-4 * tick);
    }
}

#[test]
fn small_moves_change_the_smooth_time_as_told() {
    let task = task(400, 4, 400, 3);
    let mut rng = Rng::new(1);
    let mut state = State::new(&task, (0..400).map(|v| v % 4).collect(), false);
    for _ in 0..50 {
        let (v, before) = (rng.below(400) as usize, state.time());
        let to = (state.core(v) + 1) % 4;
        let told = state.change(v, to).expect("no limit is near").time;
        state.shift(v, to);
        state.refresh();
        // The change is told to first order: its second order is a per cent of the time at most.
        assert!((state.time() - before - told).abs() < 0.2 * told.abs() + 1e-3 * before, "{told}");
    }
}

#[test]
fn limits_hold_and_the_start_is_never_made_worse() {
    for (seed, time) in [(1, 0.0), (2, 1.0), (3, 5.0)] {
        let mut task = task(60, 8, 10, seed);
        task.limits = Limits { neurons: 10, axons_in: 34, axons_out: 40, bits: 10 };
        let start: Vec<u32> = (0..60).map(|v| v / 8).collect();
        let effort = Effort { sweeps: 60, time, heat: (0.5, 0.01), exchange: 0.5, sharp: seed == 2 };
        let (core, before, after) = search::run(&task, &start, &effort, seed, &Quiet);
        assert_eq!((core.clone(), before, after), search::run(&task, &start, &effort, seed, &Quiet), "it repeats");
        assert_eq!((before.hops, after.hops), (hops(&task, &start), hops(&task, &core)));
        assert!(after.hops < before.hops || time > 0.0 && after.tick < before.tick, "{before:?} {after:?}");
        for at in 0..8 {
            assert!(core.iter().filter(|core| **core == at).count() <= 10);
            let hears = |net: &&Net| net.pins.iter().any(|pin| core[pin.0 as usize] == at);
            let heard = task.nets.iter().filter(hears).count();
            let heard_before =
                task.nets.iter().filter(|net| net.pins.iter().any(|p| start[p.0 as usize] == at)).count();
            assert!(heard <= heard_before.max(34), "{heard} axons");
        }
    }
}

#[test]
fn tiny_networks_reach_the_optimum_of_brute_force() {
    let mut best_found = 0;
    for seed in 0..10 {
        let task = task(7, 4, 2, seed);
        let mut best = f64::INFINITY;
        for code in 0..4_u32.pow(7) {
            let core: Vec<u32> = (0..7).map(|v| code / 4_u32.pow(v) % 4).collect();
            if (0..4).all(|at| core.iter().filter(|core| **core == at).count() <= 2) {
                best = best.min(hops(&task, &core));
            }
        }
        let effort = Effort { sweeps: 400, time: 0.0, heat: (2.0, 0.05), exchange: 0.0, sharp: false };
        let (_, _, after) = search::run(&task, &[0, 0, 1, 1, 2, 2, 3], &effort, seed, &Quiet);
        assert!(after.hops >= best, "seed {seed}");
        best_found += usize::from(after.hops == best);
    }
    assert!(best_found >= 9, "{best_found} of 10");
}

#[test]
fn blocks_count_what_their_neurons_count() {
    for seed in 0..6 {
        let singles = task(48, 5, 48, seed);
        let mut rng = Rng::new(seed + 20);
        let block: Vec<u32> = (0..48).map(|v| v / 3).collect();
        let whole = blocks::grouped(&singles, &block);
        assert_eq!((whole.neurons(), whole.sizes[0], whole.bits[0]), (16, 3, 3));
        assert_eq!(whole.nets.iter().map(|net| net.axons).sum::<u64>(), singles.nets.len() as u64);
        let mut state = State::new(&whole, (0..16).map(|_| rng.below(5) as u32).collect(), false);
        for _ in 0..60 {
            let (v, to) = (rng.below(16) as usize, rng.below(5) as u32);
            if to != state.core(v) {
                let change = state.change(v, to).expect("no limit is near");
                state.shift(v, to);
                state.note(change);
            }
            let core: Vec<u32> = block.iter().map(|block| state.places()[*block as usize]).collect();
            assert_eq!(state.hops(), hops(&singles, &core), "seed {seed}");
            let (kept, counted) = (state.tick_time(), tick_time(&singles, &core));
            assert!((kept - counted).abs() < 1e-4 * counted, "seed {seed}: {kept} of {counted}");
        }
    }
}

#[test]
fn blocks_keep_limits_counted_in_neurons_and_axons() {
    for seed in 1..4 {
        let mut singles = task(60, 8, 12, seed);
        singles.limits = Limits { neurons: 12, axons_in: 46, axons_out: 60, bits: 12 };
        let block: Vec<u32> = (0..60).map(|v| v / 3).collect();
        let whole = blocks::grouped(&singles, &block);
        let start: Vec<u32> = (0..20).map(|v| v / 3).collect();
        let effort = Effort { sweeps: 60, time: 0.5, heat: (0.5, 0.01), exchange: 1.0, sharp: false };
        let (core, before, after) = search::run(&whole, &start, &effort, seed, &Quiet);
        assert!(after.hops < before.hops || after.tick < before.tick, "{before:?} {after:?}");
        let of = |places: &[u32]| -> Vec<u32> { block.iter().map(|block| places[*block as usize]).collect() };
        let (from, to) = (of(&start), of(&core));
        assert_eq!((before.hops, after.hops), (hops(&singles, &from), hops(&singles, &to)));
        for at in 0..8 {
            assert!(to.iter().filter(|core| **core == at).count() <= 12);
            let heard = |core: &[u32]| {
                singles.nets.iter().filter(|net| net.pins.iter().any(|pin| core[pin.0 as usize] == at)).count()
            };
            assert!(heard(&to) <= heard(&from).max(46));
        }
    }
}

#[test]
fn parameters_are_read_shown_and_refused() {
    let pass = Migrate::read("time=0.5,sweeps=9").expect("fine");
    assert_eq!((pass.value("time"), pass.value("sweeps"), pass.value("spare")), (0.5, 9.0, 0.0));
    assert_eq!(Migrate::read("").expect("defaults").to_string(), "migrate");
    let told = Migrate::read("tmie=1").expect_err("misspelt").to_string();
    assert!(told.contains("did you mean 'time'?"), "{told}");
    assert!(Migrate::read("sweeps=0").expect_err("out of range").to_string().contains("1 to 1000000"));
}
