//! RANC's network grid.

use std::collections::BTreeMap;
use std::path::Path;

use spikeloom::emu::ranc::{Pace, RancChip, RancParams, RancTicks};

use crate::case::{Case, by_tick, config, stimulus};
use crate::{Difference, cases, events, parse, run_all, value};

/// Every field of `expected` against the chip's trace and memories.
fn compare(case: &Case, chip: &RancChip) -> Vec<Difference> {
    let (trace, expected, end) = (chip.trace(), &case.expected, case.stimulus.total_cycles);
    let filtered = case.expected_note.is_some();
    let states: Vec<_> =
        trace.tc_state_changes.iter().map(|&(cycle, core, state)| (cycle, core, state as u8)).collect();
    let told: Vec<_> = states.iter().copied().filter(|(_, _, state)| !filtered || [0, 1, 6].contains(state)).collect();
    let mut found: Vec<Difference> = [
        events("out_packets", &trace.out_packets, &expected.out_packets, |event| event.0),
        events("spikes", &trace.spikes, &expected.spikes, |event| event.0),
        events("sched_writes", &trace.sched_writes, &expected.sched_writes, |event| event.0),
        events("sched_writes_lost", &trace.sched_writes_lost, &expected.sched_writes_lost, |event| event.0),
        events("input_accepted", &trace.input_accepted, &expected.input_accepted, |&cycle| cycle),
        events("input_dropped", &trace.input_dropped, &expected.input_dropped, |&cycle| cycle),
        events("tc_state_changes", &told, &expected.tc_state_changes, |event| event.0),
        value(end, "tc_error_cycle", &trace.tc_error_cycle, &expected.tc_error_cycle),
        // The scheduler's error bit cannot be set: its comparison is made at 32 bits.
        value(end, "sched_error_cycle", &None, &expected.sched_error_cycle),
        value(end, "final_potentials", &potentials(chip, &case.params), &expected.final_potentials),
        value(end, "final_sched", &schedulers(chip, &case.params), &expected.final_sched),
        value(end, "final_sched_read_ptr", &pointers(chip, &case.params), &expected.final_sched_read_ptr),
    ]
    .into_iter()
    .flatten()
    .collect();
    for difference in &mut found {
        let near = |event: &&(u64, u32, u8)| event.0.abs_diff(difference.cycle) < 8;
        let ours: Vec<_> = states.iter().filter(near).collect();
        let theirs: Vec<_> = expected.tc_state_changes.iter().filter(near).collect();
        difference.around = format!("(cycle, core, state) ours {ours:?} theirs {theirs:?}");
    }
    found
}

fn potentials(chip: &RancChip, params: &RancParams) -> BTreeMap<u32, Vec<i64>> {
    positions(params).filter_map(|core| Some((core, chip.potentials(core)?))).collect()
}

fn pointers(chip: &RancChip, params: &RancParams) -> BTreeMap<u32, u32> {
    positions(params).filter_map(|core| Some((core, chip.read_pointer(core)?))).collect()
}

/// Rows that are not empty, of cores that have one.
fn schedulers(chip: &RancChip, params: &RancParams) -> BTreeMap<u32, BTreeMap<u32, Vec<u32>>> {
    let rows = |core| {
        let rows = chip.scheduler(core)?;
        let rows: BTreeMap<u32, Vec<u32>> = (0..).zip(rows).filter(|(_, axons)| !axons.is_empty()).collect();
        (!rows.is_empty()).then_some((core, rows))
    };
    positions(params).filter_map(rows).collect()
}

fn positions(params: &RancParams) -> std::ops::Range<u32> {
    0..params.grid_x * params.grid_y
}

fn check(path: &Path, pace: Pace) -> Vec<Difference> {
    let case: Case = parse(path);
    assert_eq!(case.format, "ranc-rtl-golden-v1", "{}", path.display());
    let mut chip = RancChip::new(&config(&case), pace).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    chip.run(&stimulus(&case)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    compare(&case, &chip)
}

#[test]
fn ranc_is_exact_event_by_event() {
    run_all("ranc (events)", &cases(&["ranc", "ranc_trained"]), |path| check(path, Pace::Events));
}

#[test]
fn ranc_is_exact_in_every_cycle() {
    run_all("ranc (every cycle)", &cases(&["ranc", "ranc_trained"]), |path| check(path, Pace::Every));
}

/// The trained networks, whose ticks are far apart, without cycles: the same spikes, lines and potentials, on any threads.
#[test]
fn trained_networks_are_exact_without_cycles() {
    let cases = cases(&["ranc_trained"]);
    if cases.is_empty() && std::env::var_os("SPIKELOOM_GOLDEN").is_none() {
        println!("no trained network here: too large to be committed");
        return;
    }
    run_all("ranc (ticks alone)", &cases, |path| {
        let case: Case = parse(path);
        let (ticks, end) = (&case.stimulus.tick_cycles, case.stimulus.total_cycles);
        let before = |cycle: u64| ticks.partition_point(|&tick| tick <= cycle) as u64;
        let inputs = by_tick(&stimulus(&case));
        let inputs: Vec<_> = inputs.into_iter().filter(|input| input.tick < ticks.len() as u64).collect();
        let mut expected: Vec<(u64, u32)> =
            case.expected.out_packets.iter().map(|&(cycle, line)| (before(cycle) - 1, line)).collect();
        expected.sort_unstable();
        let mut found = Vec::new();
        for threads in 1..=3 {
            let mut chip = RancTicks::new(&config(&case)).unwrap_or_else(|error| panic!("{error}"));
            let mut trace = chip.run(ticks.len() as u64, &inputs, threads).unwrap_or_else(|error| panic!("{error}"));
            trace.out_packets.sort_unstable();
            let at = |core: u32| (core % case.params.grid_x, core / case.params.grid_x);
            let potentials: BTreeMap<u32, Vec<i64>> = positions(&case.params)
                .filter_map(|core| Some((core, chip.potentials(at(core).0, at(core).1)?)))
                .collect();
            found.extend(value(end, "spikes", &trace.spikes, &(case.expected.spikes.len() as u64)));
            found.extend(value(end, "out_packets", &trace.out_packets, &expected));
            found.extend(value(end, "final_potentials", &potentials, &case.expected.final_potentials));
        }
        found
    });
}
