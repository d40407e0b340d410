//! What the chip cannot do is refused by name, and an image that is not the network is found out.

use spikeloom::compile::{self, Log, Options};
use spikeloom::diag::Problems;
use spikeloom::graph::{Delays, IntGraph, Network, Pattern, SteppedNeuron, read_json};
use spikeloom::image::{self, CoreBody, Image, SteppedBody};

use crate::network::{compiled, graph, ka200, population, projection};

fn small() -> IntGraph {
    let lif = |start| SteppedNeuron { theta: Some(vec![0x3c00]), start, ..SteppedNeuron::default() };
    let populations = vec![
        population("in", &[3], None),
        population("a", &[2, 1, 2], Some(lif(1))),
        population("b", &[2], Some(lif(2))),
    ];
    let weights = |count: usize| (0..count).map(|at| 0x3800 + at as i32).collect();
    graph(
        populations,
        vec![
            projection(0, 1, Pattern::Dense { sources: 3, targets: 4 }, weights(12)),
            projection(1, 2, Pattern::Dense { sources: 4, targets: 2 }, weights(8)),
        ],
    )
}

fn refused(graph: &IntGraph, set: &[(&str, &str)]) -> Problems {
    compiled(graph, &ka200(set)).expect_err("it is refused")
}

fn neuron(graph: &mut IntGraph, population: usize) -> &mut SteppedNeuron {
    match &mut graph.populations[population].neuron {
        Some(spikeloom::graph::IntNeuron::Stepped(neuron)) => neuron,
        _ => panic!("a neuron in half precision"),
    }
}

#[test]
fn networks_beyond_the_chip_are_named() {
    type Spoil = fn(&mut IntGraph);
    let cases: [(&str, Spoil); 8] = [
        ("stepped/channel", |graph| neuron(graph, 1).alpha = vec![0x3800, 0x3801, 0x3800, 0x3800]),
        ("stepped/weight", |graph| graph.projections[0].weights[3] = 0x7c00),
        ("stepped/weight", |graph| graph.projections[0].weights[3] = -1),
        ("stepped/delay", |graph| graph.projections[1].delays = Delays::Uniform(256)),
        ("stepped/exponent", |graph| graph.projections[1].exponent = 1),
        ("graph/range", |graph| neuron(graph, 2).beta = vec![0x7c00]),
        ("graph/range", |graph| neuron(graph, 2).bias = vec![0x8000]),
        ("graph/count", |graph| neuron(graph, 2).v_0 = vec![0; 3]),
    ];
    for (code, spoil) in cases {
        let mut graph = small();
        spoil(&mut graph);
        let problems = refused(&graph, &[]);
        assert!(problems.has(code), "{code}: {problems}");
        assert!(problems.to_string().contains('\''), "{code} names its place: {problems}");
    }
    let limits: [(&str, &[(&str, &str)]); 4] = [
        ("stepped/neurons", &[("core.neurons", "1"), ("mesh.cores_per_router", "5")]),
        ("stepped/weights", &[("core.stepped.weights", "19")]),
        ("stepped/sources", &[("core.axons_in", "2")]),
        ("stepped/blocks", &[("core.axons_in", "4"), ("mesh.cores_per_router", "1")]),
    ];
    for (code, set) in limits {
        let problems = refused(&small(), set);
        assert!(problems.has(code), "{code}: {problems}");
    }
    assert!(compiled(&small(), &ka200(&[("core.axons_in", "4"), ("mesh.cores_per_router", "2")])).is_ok());
    let mut huge = small();
    huge.populations[0].shape = vec![1 << 24];
    huge.projections[0].pattern = Pattern::OneToOne { size: 1 << 24, shared: true };
    assert!(compiled(&huge, &ka200(&[])).is_err(), "sizes that do not agree");
}

#[test]
fn float_neurons_without_a_place_are_named() {
    let text = |model: &str, extra: &str, profile: &str| {
        format!(
            r#"{{"version": 1, "name": "net", "profile": {{"preset": "nir", "dt": 0.001{profile}}},
            "populations": [{{"name": "in", "shape": [2]}},
              {{"name": "out", "shape": [2], "neuron": {{"model": "{model}", "v_threshold": 1.0{extra}}}}}],
            "projections": [{{"source": "in", "target": "out", "pattern": {{"type": "one_to_one", "shared": true}}, "weights": [1]}}],
            "outputs": [{{"population": "out"}}]}}"#
        )
    };
    let cases = [
        ("stepped/dynamics", text("cuba_lif", r#", "tau_mem": 0.01, "tau_syn": 0.002"#, "")),
        ("stepped/reset", text("if", "", r#", "reset": "subtract""#)),
        ("stepped/reset", text("if", "", r#", "reset": "none""#)),
        ("stepped/reset", text("if", "", r#", "reset_time": "next""#)),
        ("stepped/reset", text("if", "", r#", "multi_spike": true"#)),
        ("stepped/range", text("if", r#", "v_reset": 70000"#, "")),
        ("stepped/range", text("if", r#", "r": 1e9"#, "")),
        ("stepped/gain", text("lif", r#", "tau_mem": [0.01, 0.02]"#, "")),
    ];
    for (code, text) in cases {
        let network = read_json(&text, "net.json").unwrap_or_else(|problems| panic!("{text}: {problems}"));
        let result = compile::compile(&network, &ka200(&[]), &Options::default(), &mut Log::default());
        let problems = result.expect_err("it is refused");
        assert!(problems.has(code), "{code}: {problems}");
        assert!(problems.to_string().contains("out"), "{code} names the node: {problems}");
    }
    // A current that keeps nothing is none, and a reset by subtraction does not matter where nothing spikes.
    for text in [
        text("cuba_lif", r#", "tau_mem": 0.01, "tau_syn": 0.001, "w_in": 0.5"#, ""),
        text("li", r#", "tau_mem": 0.01"#, r#", "reset": "subtract""#),
    ] {
        let network = read_json(&text, "net.json").unwrap_or_else(|problems| panic!("{problems}"));
        let made = compile::compile(&network, &ka200(&[]), &Options::default(), &mut Log::default());
        made.unwrap_or_else(|problems| panic!("{problems}"));
    }
    let other = r#"{"version": 1, "name": "net", "populations": [{"name": "in", "shape": [1]},
        {"name": "out", "shape": [1], "neuron": {"model": "cuba_int", "decay_u": 1, "decay_v": 1}}],
        "projections": [], "outputs": [{"population": "out"}]}"#;
    let network = read_json(other, "net.json").unwrap_or_else(|problems| panic!("{problems}"));
    let problems = compile::compile(&network, &ka200(&[]), &Options::default(), &mut Log::default());
    assert!(problems.expect_err("of another chip").has("stepped/family"));
    // And the checker does not take it for granted.
    let Network::Int(other) = network else { panic!("in integers") };
    let image = compiled(&small(), &ka200(&[])).expect("fits").image;
    assert!(compile::verify(&image, &other, &ka200(&[])).expect_err("of another chip").has("stepped/family"));
}

fn body(image: &mut Image) -> &mut SteppedBody {
    match &mut image.cores[0].body {
        CoreBody::Stepped(body) => body,
        _ => panic!("a block in half precision"),
    }
}

#[test]
fn every_changed_synapse_and_register_is_found() {
    let chip = ka200(&[]);
    let made = compiled(&small(), &chip).expect("fits");
    compile::verify(&made.image, &made.network, &chip).expect("as compiled");
    type Spoil = fn(&mut SteppedBody);
    let changes: [Spoil; 11] = [
        |body| body.synapses[5].weight ^= 1,
        |body| body.synapses[5].target ^= 1,
        |body| body.synapses.swap(0, 12),
        |body| body.axon_delays[1] = 1,
        |body| body.parameters[0].alpha ^= 1,
        |body| body.parameters[0].beta = 1,
        |body| body.parameters[0].theta = None,
        |body| body.parameters[0].v_0 = 1,
        |body| body.parameters[0].start = 2,
        |body| body.bias[3] = 0x3c00,
        |body| body.initial[3] = 0x3c00,
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let mut image = made.image.clone();
        change(body(&mut image));
        let problems = compile::verify(&image, &made.network, &chip).expect_err("changed");
        assert!(problems.has("verify/stepped"), "change {number}: {problems}");
    }
    let unsound: [Spoil; 9] = [
        |body| body.synapses[5].weight = 0x7c00,
        |body| body.synapses[5].target = 99,
        |body| body.parameter_of[0] = 9,
        |body| body.parameters[0].theta = Some(0x7e00),
        |body| body.bias[0] = 0x8000,
        |body| body.initial.truncate(1),
        |body| body.axon_offsets[1] = 99,
        |body| body.axon_delays.truncate(1),
        |body| body.out_offsets[1] = 99,
    ];
    for (number, change) in unsound.into_iter().enumerate() {
        let mut image = made.image.clone();
        change(body(&mut image));
        let problems = image::contents(&image, &chip, "image").expect_err("unsound");
        assert!(problems.has("image/content"), "change {number}: {problems}");
    }
}
