//! Times of ticks, deadlines at their exact picosecond, faults.

use super::super::mesh::zero_load;
use super::function::{chain, crossbar_chain};
use super::*;
use crate::emu::counters::TickTime;
use crate::ids::CoreId;

fn way(chip: &ChipSpec, from: Option<u32>, to: u32) -> u64 {
    zero_load(&chip.mesh, from.map(CoreId), CoreId(to)).expect("the tiny mesh has all latencies").0
}

#[test]
fn a_barrier_tick_ends_when_the_last_core_has_done_its_last_synapse() {
    let chip = cuba_chip(barrier());
    let result = play(&chain(), &chip, &stimulus(1, 3, &[(0, 0, 1), (1, 0, 1), (2, 0, 1)]), true);
    let sample = &result.samples[0];
    assert_eq!(spikes(&result), [(1, 0), (2, 0), (3, 0), (4, 2)]);
    let host = way(&chip, None, 0);
    let hop = way(&chip, Some(0), 2);
    // Tick 0: nobody is active; core 0 takes a packet of two dense synapses in.
    let intake = host + 110 + 2 * 13;
    let busy = intake.max(2 * 500);
    assert_eq!(
        sample.tick_times[0],
        TickTime { duration: Picos(busy + 114_000), busy: Picos(busy), drained: Picos(host) }
    );
    // Tick 1: neuron 0 is done at 800, fires by 820, its packet leaves at 890; neuron 1 is done at 1690.
    let arrival = 890 + hop;
    let busy = (arrival + 110 + 17).max(intake).max(1690);
    let expected = TickTime { duration: Picos(busy + 114_000), busy: Picos(busy), drained: Picos(arrival) };
    assert_eq!(sample.tick_times[1], expected);
    assert_eq!((sample.latency.packets, sample.latency.total), (6, Picos(3 * host + 3 * hop)));
    assert_eq!(sample.latency.worst, Picos(host.max(hop)));
    assert_eq!(result.links.iter().map(|link| link.packets).sum::<u64>(), sample.counts.get(Event::HopX));
}

/// When core 2 of the crossbar chain has the packet of core 0 on its axon.
fn done(chip: &ChipSpec) -> u64 {
    500 + 9 + 300 + 20 + 70 + way(chip, Some(0), 2) + 110
}

#[test]
fn a_packet_is_late_one_picosecond_after_its_tick_has_begun() {
    let needed = done(&crossbar_chip(fixed(1)));
    for (delay, period, late, at) in
        [(1, needed, 0, 2), (1, needed - 1, 1, 18), (2, needed.div_ceil(2), 0, 3), (2, needed.div_ceil(2) - 1, 1, 19)]
    {
        let chip = crossbar_chip(fixed(period));
        let result = play(&crossbar_chain(delay), &chip, &stimulus(1, 20, &[(0, 0, 1)]), true);
        let faults = result.samples[0].faults;
        assert_eq!(
            (faults.late_packets, spikes(&result)),
            (late, vec![(1, 0), (at, 1)]),
            "delay {delay} period {period}"
        );
        let off = play(&crossbar_chain(delay), &chip, &stimulus(1, 20, &[(0, 0, 1)]), false);
        assert_eq!(spikes(&off), [(1, 0), (1 + u32::from(delay), 1)]);
    }
}

#[test]
fn a_late_packet_on_a_list_core_comes_the_next_tick() {
    let chip = cuba_chip(barrier());
    // Taken in: neuron 0 fires as in the barrier test.
    let needed = 890 + way(&chip, Some(0), 2) + 110 + 17;
    let spikes_in = stimulus(1, 6, &[(0, 0, 1)]);
    for (period, late, v) in [(needed.max(1690), 0, 3200), (needed - 1, 1, 3200)] {
        let result = play(&chain(), &cuba_chip(fixed(period)), &spikes_in, true);
        assert_eq!(result.samples[0].faults.late_packets, late, "period {period}");
        assert_eq!(result.samples[0].output_membranes[0][2], v);
        assert_eq!(result.samples[0].tick_times[0].duration, Picos(period));
    }
}

#[test]
fn a_core_overruns_one_picosecond_after_the_tick_and_its_backlog_stays() {
    let idle = || crossbar_chain(1);
    let overruns = |period, ticks| {
        let result = play(&idle(), &crossbar_chip(fixed(period)), &stimulus(1, ticks, &[]), true);
        (result.samples[0].faults.overruns, result.samples[0].tick_times.last().expect("ticks").busy)
    };
    // Two cores of one idle neuron: 500 ps each; depth 2.
    assert_eq!(overruns(500, 3), (0, Picos(500)));
    assert_eq!(overruns(499, 3), (2 * 5, Picos(500 + 4)));
}

#[test]
fn strict_runs_end_at_the_first_fault() {
    let chip = crossbar_chip(fixed(done(&crossbar_chip(fixed(1))) - 1));
    for threads in [1, 2] {
        let strict = RunOptions { strict: true, threads, ..options(true) };
        let problems =
            run(&crossbar_chain(1), &chip, &stimulus(1, 20, &[(0, 0, 1)]), &strict, &Quiet).expect_err("a late packet");
        assert!(problems.has("emu/strict"));
        assert_eq!(problems.exit_code(), 4);
        assert!(problems.to_string().contains("sample 0 's', tick 1: 1 late packets"), "{problems}");
    }
}
