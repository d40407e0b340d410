//! The same digest for any number of threads, and runs that are stopped.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::reference::{bursts, random};
use super::*;
use crate::emu::{Control, Program};
use crate::rng::Rng;

fn samples(rng: &mut Rng, count: usize) -> Stimulus {
    let mut all = bursts(rng);
    for _ in 1..count {
        all.samples.extend(bursts(rng).samples);
    }
    all
}

#[test]
fn digests_do_not_depend_on_threads_in_either_parallel_mode() {
    for crossbar in [false, true] {
        // One sample: cores are shared out; twelve: samples are.
        for count in [1, 12] {
            let mut rng = Rng::new(99);
            let image = random(&mut rng, crossbar);
            let stimulus = samples(&mut rng, count);
            let chip = if crossbar { crossbar_chip(fixed(90_000)) } else { cuba_chip(barrier()) };
            let result = |threads| {
                let options = RunOptions { threads, ..options(true) };
                run(&image, &chip, &stimulus, &options, &Quiet).expect("a good image runs")
            };
            let alone = result(1);
            assert_eq!(alone.samples.len(), count);
            for threads in [2, 3, 8] {
                let shared = result(threads);
                assert_eq!(shared.digest(), alone.digest(), "crossbar {crossbar}, {count} samples, {threads} threads");
                assert_eq!(shared, alone);
            }
            let off = RunOptions { timing: false, ..options(true) };
            let off = run(&image, &chip, &stimulus, &off, &Quiet).expect("a good image runs");
            if alone.samples.iter().all(|sample| sample.faults.late_packets + sample.faults.overruns == 0) {
                assert_eq!(off.function_digest(), alone.function_digest());
            }
            assert_ne!(off.digest(), alone.digest());
        }
    }
}

/// Cores of a recurrent network without delays, which are worked through as one sheet where there is no time.
fn recurrent(rng: &mut Rng, cores: u32, neurons: u16) -> Image {
    let below = |rng: &mut Rng, most: u32| rng.below(most.into()) as u32;
    let cores: Vec<CoreImage> = (0..cores)
        .map(|core| {
            let mut axon = |_| {
                let mut synapses: Vec<Synapse> = (0..12)
                    .map(|_| synapse(below(rng, neurons.into()) as u16, rng.below(120) as i16 - 30, 0))
                    .collect();
                synapses.sort_unstable_by_key(|synapse| synapse.target);
                synapses.dedup_by_key(|synapse| synapse.target);
                (0, synapses)
            };
            let axons: Vec<(u8, Vec<Synapse>)> = (0..8).map(&mut axon).collect();
            let outs: Vec<(usize, AxonOut)> = (0..usize::from(neurons))
                .flat_map(|neuron| [neuron; 2])
                .map(|neuron| (neuron, AxonOut { core: below(rng, cores), axon: below(rng, 8) as u16, output: 0 }))
                .collect();
            let configs = (0..neurons).map(|_| config(900, 300, Some(60 + below(rng, 200)))).collect();
            list_core(core, configs, vec![format(ListKind::Sparse, 0)], &axons, &outs)
        })
        .collect();
    let inputs: Vec<Vec<Destination>> =
        (0..4).map(|_| vec![to(below(rng, cores.len() as u32), below(rng, 8) as u16, 1)]).collect();
    let places = (0..cores.len() as u32).flat_map(|core| (0..neurons).map(move |neuron| (core, neuron))).collect();
    image(cores, &inputs, places, 3)
}

#[test]
fn a_sheet_on_threads_is_the_sheet() {
    let mut rng = Rng::new(12);
    for (round, cores) in [1, 2, 5, 9, 9, 9].into_iter().enumerate() {
        let (image, chip) = (recurrent(&mut rng, cores, 40), cuba_chip(barrier()));
        // An input may count twice in a tick, and there are times of rest.
        let most = 1 + round as u64 % 2 * 2;
        let spikes: Vec<(u32, u32, u16)> = (0..60)
            .filter(|tick| tick % 20 < 12)
            .flat_map(|tick| [(tick, 0, 1 + rng.below(most) as u16), (tick, 1 + rng.below(3) as u32, 1)])
            .collect();
        let stimulus = stimulus(4, 60, &spikes);
        let program = Program::new(&image, &chip).expect("a good image loads");
        assert!(program.sheet(2).is_some());
        let on = |threads| {
            let options = RunOptions { threads, ..options(false) };
            run(&image, &chip, &stimulus, &options, &Quiet).expect("a good image runs")
        };
        let alone = on(1);
        assert!(alone.samples[0].spike_total > 100, "round {round}: {} spikes", alone.samples[0].spike_total);
        for threads in [2, 3, 8] {
            assert_eq!(on(threads), alone, "round {round}, {threads} threads");
        }
        // The same with time, core by core.
        assert_eq!(play(&image, &chip, &stimulus, true).function_digest(), alone.function_digest());
    }
}

#[test]
fn every_sample_starts_from_the_reset_state() {
    let mut rng = Rng::new(5);
    let image = random(&mut rng, false);
    let one = bursts(&mut rng);
    let thrice = Stimulus { samples: vec![one.samples[0].clone(); 3], ..one.clone() };
    let chip = cuba_chip(barrier());
    let (single, triple) = (play(&image, &chip, &one, true), play(&image, &chip, &thrice, true));
    assert!(triple.samples.iter().all(|sample| *sample == single.samples[0]));
    assert_eq!(triple.core_counts[0].get(Event::NeuronAccess), 3 * single.core_counts[0].get(Event::NeuronAccess));
}

/// Stops after a number of questions; counts finished samples.
struct After {
    left: AtomicUsize,
    done: AtomicUsize,
}

impl Control for After {
    fn stop(&self) -> bool {
        self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_err()
    }

    fn sample_done(&self, done: usize, _total: usize) {
        self.done.store(done, Ordering::SeqCst);
    }
}

#[test]
fn a_stopped_run_keeps_what_it_has() {
    let mut rng = Rng::new(5);
    let image = random(&mut rng, false);
    let stimulus = samples(&mut rng, 4);
    let chip = cuba_chip(barrier());
    let whole = play(&image, &chip, &stimulus, true);
    let ticks = whole.samples[0].ticks as usize;
    for (asked, kept, last) in [(2 * ticks + 10, 3, 10), (2 * ticks, 2, ticks), (0, 0, 0)] {
        let control = After { left: AtomicUsize::new(asked), done: AtomicUsize::new(0) };
        let result = run(&image, &chip, &stimulus, &options(true), &control).expect("a stopped run is no error");
        assert!(result.interrupted);
        assert_eq!(result.samples.len(), kept, "{asked} ticks");
        assert_eq!(result.samples.last().map_or(0, |sample| sample.ticks as usize), last);
        assert_eq!(control.done.load(Ordering::SeqCst), asked / ticks);
    }
    for threads in [3, 8] {
        let control = After { left: AtomicUsize::new(150), done: AtomicUsize::new(0) };
        let options = RunOptions { threads, ..options(true) };
        let result = run(&image, &chip, &stimulus, &options, &control).expect("a stopped run is no error");
        assert!(result.interrupted && result.samples.len() <= 4);
    }
}

#[test]
fn an_image_that_is_given_up_runs_as_one_that_is_kept() {
    for crossbar in [false, true] {
        for timing in [false, true] {
            let mut rng = Rng::new(17);
            let image = random(&mut rng, crossbar);
            let stimulus = samples(&mut rng, 3);
            let chip = if crossbar { crossbar_chip(fixed(90_000)) } else { cuba_chip(barrier()) };
            let kept = run(&image, &chip, &stimulus, &options(timing), &Quiet).expect("a good image runs");
            let mut given = image.clone();
            let result = run_unloading(&mut given, &chip, &stimulus, &options(timing), &Quiet);
            assert_eq!(result.expect("a good image runs"), kept, "crossbar {crossbar}, timing {timing}");
            assert_eq!((&given.populations, &given.inputs), (&image.populations, &image.inputs));
            for (left, whole) in given.cores.iter().zip(&image.cores) {
                assert_eq!((left.core, left.body.neurons()), (whole.core, whole.body.neurons()));
                match &left.body {
                    CoreBody::Cuba(body) => assert!(body.synapses.is_empty() && body.axons_out.is_empty()),
                    body => assert_eq!(*body, whole.body),
                }
            }
            // What is left does not load again, and a refused image stays whole.
            if !crossbar {
                assert!(run_unloading(&mut given, &chip, &stimulus, &options(timing), &Quiet).is_err());
                let mut wrong = image.clone();
                wrong.depth = u32::MAX;
                let before = wrong.clone();
                assert!(run_unloading(&mut wrong, &chip, &stimulus, &options(timing), &Quiet).is_err());
                assert_eq!(wrong, before);
            }
        }
    }
}
