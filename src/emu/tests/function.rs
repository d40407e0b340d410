//! Spikes, membranes and counts of images small enough to work out by hand.

use super::*;

/// A chain of two list cores: input -> neurons 0, 1 of core 0; neuron 0 -> core 2.
pub(super) fn chain() -> Image {
    let memoryless = |threshold| config(4095, 0, threshold);
    let first = list_core(
        0,
        vec![memoryless(Some(100)), memoryless(None)],
        vec![format(ListKind::Dense, 0)],
        &[(0, vec![synapse(0, 200, 0), synapse(1, 10, 0)])],
        &[(0, AxonOut { core: 2, axon: 0, output: 0 })],
    );
    let second = list_core(
        2,
        vec![memoryless(Some(100))],
        vec![format(ListKind::Sparse, 0)],
        &[(0, vec![synapse(0, 50, 0)])],
        &[],
    );
    image(vec![first, second], &[vec![to(0, 0, 1)]], vec![(0, 0), (0, 1), (2, 0)], 2)
}

#[test]
fn a_chain_of_list_cores_fires_when_worked_out() {
    let result = play(&chain(), &cuba_chip(barrier()), &stimulus(1, 3, &[(0, 0, 1), (1, 0, 1), (2, 0, 1)]), false);
    // 200 << 6 = 12800 > 100 << 6 at once; 50 << 6 = 3200 needs three: 6400 is not above 6400.
    assert_eq!(spikes(&result), [(1, 0), (2, 0), (3, 0), (4, 2)]);
    let sample = &result.samples[0];
    assert_eq!(sample.output_membranes, [[0, 3 * 640, 0]]);
    assert_eq!(sample.output_counts, [[3, 0, 1]]);
    assert_eq!(sample.output_first, [[1, u32::MAX, 4]]);
    assert_eq!((sample.ticks, sample.spike_total), (5, 4));
    assert_eq!(result.population_spikes, [0, 4]);
    assert_eq!(sample.faults, Default::default());
    for (event, expected) in [
        (Event::NeuronAccess, 15),
        (Event::SpikeOut, 4),
        (Event::AxonOut, 6),
        (Event::AxonIn, 6),
        (Event::SynapseDense, 6),
        (Event::SynapseSparse, 3),
        (Event::HopX, 3),
        (Event::HopY, 0),
        (Event::TileLocal, 0),
        (Event::MemoryBit, 0),
        // Core 0: both neurons in ticks 1, 2, 3, and in 4 as u falls back to 0; core 2: ticks 2, 3, 4.
        (Event::NeuronUpdate, 11),
    ] {
        assert_eq!(sample.counts.get(event), expected, "{event:?}");
    }
    assert_eq!(result.core_counts[1].get(Event::AxonIn), 3);
    assert!(sample.tick_times.is_empty() && result.links.is_empty());
}

#[test]
fn values_above_one_are_several_spikes() {
    let result = play(&chain(), &cuba_chip(barrier()), &stimulus(1, 1, &[(0, 0, 3)]), false);
    assert_eq!(result.samples[0].output_membranes, [[0, 3 * 640, 3200]]);
    assert_eq!(result.samples[0].counts.get(Event::SynapseDense), 6);
}

#[test]
fn current_and_membrane_decay_toward_zero_and_delays_add() {
    let core = list_core(
        5,
        vec![config(1023, 2048, None), config(4095, 0, None)],
        vec![format(ListKind::Sparse, 1)],
        &[(0, vec![synapse(0, -8, 0), synapse(1, 3, 2)])],
        &[],
    );
    let image = image(vec![core], &[vec![to(5, 0, 1)]], vec![(5, 0), (5, 1)], 1);
    let membranes: Vec<Vec<i32>> = (1..=5)
        .map(|ticks| {
            let result = play(&image, &cuba_chip(barrier()), &stimulus(1, ticks, &[(0, 0, 1)]), false);
            result.samples[0].output_membranes[0].clone()
        })
        .collect();
    // u: -1024, -768, -576, -432, -324; v = v / 2 + u. Neuron 1: 3 * 2 << 6 in tick 1 + 2.
    assert_eq!(membranes, [[-1024, 0], [-1280, 0], [-1216, 384], [-1040, 384], [-844, 384]]);
}

#[test]
fn negative_exponents_shift_the_sum_not_the_summands() {
    // 3 + 3 = 6, shifted by 2: 1 (floor); each alone would give 0. The other format is not mixed in: -5 >> 1 = -3.
    let axons = [(0, vec![synapse(0, 3, 0)]), (0, vec![synapse(0, 3, 0)]), (1, vec![synapse(1, -5, 0)])];
    let formats = vec![format(ListKind::Sparse, -2), format(ListKind::Dense, -1)];
    let core = list_core(0, vec![config(4095, 0, None); 2], formats, &axons, &[]);
    let image = image(vec![core], &[vec![to(0, 0, 1), to(0, 1, 1), to(0, 2, 1)]], vec![(0, 0), (0, 1)], 1);
    let result = play(&image, &cuba_chip(barrier()), &stimulus(1, 1, &[(0, 0, 1)]), false);
    assert_eq!(result.samples[0].output_membranes, [[64, -3 * 64]]);
}

#[test]
fn current_wraps_once_and_membrane_saturates_and_both_are_counted() {
    // 32 packets of 255 * 2^7 << 6 = 32 * 2088960 = 66846720: wraps once by 2^24 and stays outside 24 bits (lava);
    // v saturates. 5 packets: 10444800 - 16777216 = -6332416.
    let core = list_core(
        0,
        vec![config(4095, 0, None)],
        vec![format(ListKind::Dense, 7)],
        &[(0, vec![synapse(0, 255, 0)])],
        &[],
    );
    let image = image(vec![core], &[vec![to(0, 0, 1)]], vec![(0, 0)], 1);
    for (value, v, overflows) in [(4, 8_355_840, 0), (5, -6_332_416, 1), (32, (1 << 23) - 1, 2)] {
        let result = play(&image, &cuba_chip(barrier()), &stimulus(1, 1, &[(0, 0, value)]), false);
        assert_eq!(result.samples[0].output_membranes, [[v]], "{value} spikes");
        assert_eq!(result.samples[0].faults.overflows, overflows, "{value} spikes");
    }
}

/// Two crossbar cores in a chain; the second receives `delay` ticks later.
pub(super) fn crossbar_chain(delay: u8) -> Image {
    let first = one_neuron(0, parameters([1, 0, 0, 0], 1), Some(to(2, 0, delay)));
    let second = one_neuron(2, parameters([1, 0, 0, 0], 1), None);
    image(vec![first, second], &[vec![to(0, 0, 1)]], vec![(0, 0), (2, 0)], u32::from(delay) + 1)
}

#[test]
fn crossbar_delays_hold_at_both_ends_of_the_ring() {
    for delay in [1, 2, 15] {
        let chip = crossbar_chip(fixed(1_000_000));
        let result = play(&crossbar_chain(delay), &chip, &stimulus(1, 1, &[(0, 0, 1)]), true);
        assert_eq!(spikes(&result), [(1, 0), (1 + u32::from(delay), 1)], "delay {delay}");
        assert_eq!(result.samples[0].faults.total(), 0);
        let counts = &result.samples[0].counts;
        let rows = u64::from(chip.cores()) * u64::from(chip.capacity.neurons);
        assert_eq!(counts.get(Event::MemoryBit), 410 * rows * u64::from(result.samples[0].ticks));
        assert_eq!(counts.get(Event::SynapseCrossbar), 2);
        assert_eq!(counts.get(Event::NeuronUpdate), 2);
    }
}

#[test]
fn axon_types_choose_the_weight_and_two_spikes_on_an_axon_merge() {
    let body = Crossbar {
        axon_types: vec![0, 1, 2, 3],
        rows: vec![0b11, 0b01, 0b11, 0b10].into(),
        parameters: vec![parameters([1, 2, 4, -8], 1000), parameters([10, 20, 40, -80], 1000)],
        parameter_of: vec![0, 1],
        destinations: vec![None, None],
        seed: 0,
    };
    let core = CoreImage { core: 1, body: CoreBody::Crossbar(body) };
    let inputs: Vec<Vec<Destination>> = (0..4).map(|axon| vec![to(1, axon, 1)]).collect();
    let image = image(vec![core], &inputs, vec![(1, 0), (1, 1)], 1);
    let spikes = [(0, 0, 1), (0, 1, 1), (0, 2, 2), (0, 3, 1)];
    let result = play(&image, &crossbar_chip(fixed(1_000_000)), &stimulus(4, 1, &spikes), false);
    assert_eq!(result.samples[0].output_membranes, [[1 + 2 + 4, 10 + 40 - 80]]);
    assert_eq!(result.samples[0].faults.merged_spikes, 1);
    assert_eq!(result.samples[0].counts.get(Event::AxonIn), 5);
    assert_eq!(result.samples[0].counts.get(Event::SynapseCrossbar), 6);
}

#[test]
fn a_membrane_at_its_edge_saturates_in_every_tick() {
    let rising =
        CrossbarParameters { leak: 255, initial: (1 << 19) - 300, spike_reset: 2, ..parameters([0; 4], 200_000) };
    let image = image(vec![one_neuron(0, rising, None)], &[vec![to(0, 0, 1)]], vec![(0, 0)], 1);
    let result = play(&image, &crossbar_chip(fixed(1_000_000)), &stimulus(1, 9, &[]), false);
    // Tick 0: edge - 44; from tick 1 on the leak pushes at the edge.
    assert_eq!(result.samples[0].output_membranes, [[(1 << 19) - 1]]);
    assert_eq!((result.samples[0].faults.overflows, result.samples[0].spike_total), (9, 10));
}

#[test]
fn a_stimulus_that_does_not_fit_is_refused() {
    let (image, chip) = (chain(), cuba_chip(barrier()));
    for bad in [
        stimulus(2, 3, &[]),
        stimulus(1, 3, &[(0, 1, 1)]),
        stimulus(1, 3, &[(3, 0, 1)]),
        stimulus(1, 3, &[(2, 0, 1), (1, 0, 1)]),
        stimulus(1, u32::MAX, &[]),
    ] {
        let problems = run(&image, &chip, &bad, &options(true), &Quiet).expect_err("a bad stimulus");
        assert!(problems.has("emu/stimulus"), "{problems}");
    }
    let mut broken = chain();
    broken.inputs[0].targets[0].axon = 9;
    assert!(run(&broken, &chip, &stimulus(1, 1, &[]), &options(true), &Quiet).is_err());
}
