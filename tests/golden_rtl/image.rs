//! The same cases by way of RANC's own file, the image and `run`: memories, and every spike in its tick.

use std::path::Path;

use serde_json::{Value, json};
use spikeloom::chip::LoadOptions;
use spikeloom::emu::clocked::{ranc_config, run_cycles};
use spikeloom::emu::{Record, RunOptions};
use spikeloom::foreign::{Imported, read_ranc_json};
use spikeloom::image;

use crate::ranc::{Case, config, stimulus};
use crate::{Difference, cases, events, parse, run_all, value};

/// The simulator's file of a case, read.
pub(crate) fn import(case: &Value) -> Imported {
    let params = &case["params"];
    let axons = params["num_axons"].as_u64().expect("a number") as usize;
    let neuron = |neuron: &Value| {
        json!({
            "reset_potential": neuron["reset_potential"], "weights": neuron["weights"], "leak": neuron["leak"],
            "positive_threshold": neuron["positive_threshold"], "negative_threshold": neuron["negative_threshold"],
            "destination_core_offset": [neuron["dx"], neuron["dy"]], "destination_axon": neuron["axon"],
            "destination_tick": neuron["delay"], "current_potential": neuron["potential"],
            "reset_mode": neuron["reset_mode"],
        })
    };
    let row = |neuron: &Value| {
        let mut row = vec![0; axons];
        for axon in neuron["connections"].as_array().expect("a list") {
            row[axon.as_u64().expect("an axon") as usize] = 1;
        }
        row
    };
    let core = |core: &Value| {
        let neurons = core["neurons"].as_array().expect("a list");
        json!({
            "axons": core["axon_types"], "coordinates": [core["x"], core["y"]],
            "neurons": neurons.iter().map(neuron).collect::<Vec<_>>(),
            "connections": neurons.iter().map(row).collect::<Vec<_>>(),
        })
    };
    let cores: Vec<Value> = case["cores"].as_array().expect("a list").iter().map(core).collect();
    let bus = json!({ "coordinates": params["output_core"], "num_outputs": params["num_outputs"] });
    let text = json!({ "packets": [], "output_bus": bus, "cores": cores }).to_string();
    let keys = [
        ("core.ranc.ticks", "num_ticks"),
        ("core.ranc.reset_modes", "num_reset_modes"),
        ("core.ranc.potential_width", "potential_width"),
        ("core.ranc.weight_width", "weight_width"),
        ("core.ranc.leak_width", "leak_width"),
        ("core.ranc.threshold_width", "threshold_width"),
        ("core.ranc.dx_width", "dx_width"),
        ("core.ranc.dy_width", "dy_width"),
        ("core.ranc.input_buffer", "input_buffer_depth"),
        ("mesh.buffer", "router_buffer_depth"),
        ("mesh.width", "grid_x"),
        ("mesh.height", "grid_y"),
    ];
    let set = keys.map(|(ours, theirs)| (ours.to_owned(), params[theirs].to_string())).to_vec();
    let options = LoadOptions { set, ..LoadOptions::default() };
    read_ranc_json((&text, "case.json"), None, "ranc", &options).unwrap_or_else(|problems| panic!("{problems}"))
}

fn check(path: &Path) -> Vec<Difference> {
    let (case, raw): (Case, Value) = (parse(path), parse(path));
    let Imported { image, chip, .. } = import(&raw);
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
