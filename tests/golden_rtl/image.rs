//! The same cases by way of RANC's own file, the image and `run`: memories, and every spike in its tick.

use std::path::Path;

use serde_json::Value;
use spikeloom::chip::LoadOptions;
use spikeloom::emu::clocked::{ranc_config, run_cycles};
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::foreign::{Imported, read_ranc_json};
use spikeloom::image;
use spikeloom::stimulus::Stimulus;

use crate::case::{Case, by_tick, config, packets_by_tick, simulator_input, stimulus};
use crate::{Difference, cases, events, parse, run_all, value};

/// The simulator's file of a case, read.
pub(crate) fn import(case: &Case) -> Imported {
    import_with(case, &[])
}

fn import_with(case: &Case, packets: &[Vec<Value>]) -> Imported {
    let config = config(case);
    let text = simulator_input(&config, packets).to_string();
    let of = &config.params;
    let keys = [
        ("core.ranc.ticks", of.num_ticks),
        ("core.ranc.reset_modes", of.num_reset_modes),
        ("core.ranc.potential_width", of.potential_width),
        ("core.ranc.weight_width", of.weight_width),
        ("core.ranc.leak_width", of.leak_width),
        ("core.ranc.threshold_width", of.threshold_width),
        ("core.ranc.dx_width", of.dx_width),
        ("core.ranc.dy_width", of.dy_width),
        ("core.ranc.input_buffer", of.input_buffer_depth),
        ("mesh.buffer", of.router_buffer_depth),
        ("mesh.width", of.grid_x),
        ("mesh.height", of.grid_y),
    ];
    let set = keys.map(|(key, value)| (key.to_owned(), value.to_string())).to_vec();
    let options = LoadOptions { set, ..LoadOptions::default() };
    read_ranc_json((&text, "case.json"), None, "ranc", &options).unwrap_or_else(|problems| panic!("{problems}"))
}

fn check(path: &Path) -> Vec<Difference> {
    let case: Case = parse(path);
    let Imported { image, chip, .. } = import(&case);
    let (image, header) = image::decode(&image::encode(&image, chip.digest), "case").expect("decodes");
    image::check(&image, &header, &chip, "case").expect("a sound image");
    let mut wanted = config(&case);
    wanted.cores.sort_by_key(|core| (core.y, core.x));
    let shown = stimulus(&case);
    let tick_of = |cycle: u64| shown.ticks.partition_point(|&tick| tick <= cycle) as u64;
    let named = |name: &str| image.populations.iter().position(|population| population.name == name);
    let population = |name: String| named(&name).expect("a population") as u32;
    let bus = population("outputs".to_owned());
    let lines = image.populations[bus as usize].places.len() as u32;
    let spikes = case
        .expected
        .spikes
        .iter()
        .map(|&(cycle, core, neuron)| (tick_of(cycle), population(format!("core{core}")), neuron));
    let packets = case.expected.out_packets.iter().filter(|(_, line)| *line < lines);
    let theirs: Vec<(u64, u32, u32)> =
        spikes.chain(packets.map(|&(cycle, line)| (tick_of(cycle), bus, line))).collect();
    let options = RunOptions { record: Record::All, ..RunOptions::default() };
    let result = run_cycles(&image, &chip, &shown, &options).unwrap_or_else(|problems| panic!("{problems}"));
    let ours: Vec<(u64, u32, u32)> =
        result.samples[0].spikes.iter().map(|spike| (spike.tick.into(), spike.population, spike.neuron)).collect();
    let config = ranc_config(&image, &chip);
    [
        value(0, "parameters", &config.params, &wanted.params),
        value(0, "cores", &config.cores, &wanted.cores),
        events("(tick, population, neuron)", &ours, &theirs, |event| event.0),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn ranc_is_the_same_by_way_of_its_file_and_the_image() {
    run_all("ranc (import, image, run)", &cases(&["ranc", "ranc_trained"]), check);
}

/// With and without cycles: the same spikes, counts, faults, membranes and digest, unless a packet was late or a core overran.
fn check_timing(path: &Path) -> Vec<Difference> {
    let case: Case = parse(path);
    let shown = stimulus(&case);
    let imported = import_with(&case, &packets_by_tick(&by_tick(&shown), shown.ticks.len()));
    let Some(sample) = imported.stimulus else { return Vec::new() };
    let inputs = imported.image.inputs.iter().map(|input| input.offsets.len() as u32 - 1).sum();
    let shown = Stimulus { samples: vec![sample], inputs };
    let run = |timing: bool| {
        let options = RunOptions { timing, record: Record::All, ..RunOptions::default() };
        emu::run(&imported.image, &imported.chip, &shown, &options, &Quiet)
            .unwrap_or_else(|problems| panic!("{problems}"))
    };
    let (with, without) = (run(true), run(false));
    let faults = with.samples[0].faults;
    if faults.late_packets > 0 || faults.overruns > 0 {
        return Vec::new();
    }
    let spikes = |result: &emu::counters::RunResult| -> Vec<(u64, u32, u32)> {
        result.samples[0].spikes.iter().map(|spike| (spike.tick.into(), spike.population, spike.neuron)).collect()
    };
    [
        events("(tick, population, neuron)", &spikes(&without), &spikes(&with), |event| event.0),
        value(0, "counts", &without.samples[0].counts, &with.samples[0].counts),
        value(0, "counts of cores", &without.core_counts, &with.core_counts),
        value(0, "links", &without.links, &with.links),
        value(0, "faults", &without.samples[0].faults, &faults),
        value(0, "membranes", &without.samples[0].output_membranes, &with.samples[0].output_membranes),
        value(0, "digest", &without.function_digest(), &with.function_digest()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn ranc_without_timing_does_the_same() {
    run_all("ranc (run, timing on and off)", &cases(&["ranc", "ranc_trained"]), check_timing);
}
