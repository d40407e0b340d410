//! Properties: rates go to the values of the units as 1/T, the fast simulation is the float reference, scales change nothing
//! but the thresholds.

use spikeloom::convert::{self, Balance, Coding, Normalise, Plan, Scope, SpikeReset, Units};
use spikeloom::graph::{Ann, Fire, Graph, Network, NeuronKind, read_json, write_json};
use spikeloom::oracle;
use spikeloom::rng::Rng;
use spikeloom::stimulus::{self, Encoding, ImageSet, encode_images};

/// A whole number below `bound`.
fn below(rng: &mut Rng, bound: u64) -> u64 {
    (rng.unit() * bound as f64) as u64
}

/// A random network of two 4x4 channels, a hidden volume, a pool, a dense layer and a read-out, with weights in 64ths so that every
/// sum is exact in single precision.
fn network(seed: u64) -> Graph {
    let mut rng = Rng::new(seed);
    let mut weights = |count: usize, most: u64| {
        let list: Vec<String> =
            (0..count).map(|_| format!("{}", (below(&mut rng, 2 * most + 1) as f64 - most as f64) / 64.0)).collect();
        format!("[{}]", list.join(","))
    };
    let text = format!(
        r#"{{"version":1,"name":"random","profile":{{"preset":"nir","dt":1.0,"fire":"at_or_above","reset":"subtract"}},
        "populations":[{{"name":"x","shape":[2,4,4]}},
          {{"name":"a","shape":[3,4,4],"neuron":{{"model":"if","v_threshold":1.0,"bias":{}}}}},
          {{"name":"p","shape":[3,2,2],"neuron":{{"model":"if","v_threshold":1.0}}}},
          {{"name":"h","shape":[7],"neuron":{{"model":"if","v_threshold":1.0,"bias":{}}}}},
          {{"name":"y","shape":[5],"neuron":{{"model":"i","bias":{}}}}}],
        "projections":[
          {{"source":"x","target":"a","pattern":{{"type":"conv2d","kernel":[3,3],"padding":[1,1]}},"weights":{}}},
          {{"source":"a","target":"p","pattern":{{"type":"pool2d","kernel":[2,2]}},"weights":[0.25]}},
          {{"source":"p","target":"h","pattern":{{"type":"dense"}},"weights":{}}},
          {{"source":"h","target":"y","pattern":{{"type":"dense"}},"weights":{}}}],
        "outputs":[{{"population":"y"}}]}}"#,
        weights(48, 6),
        weights(7, 8),
        weights(5, 8),
        weights(54, 20),
        weights(84, 24),
        weights(35, 32),
    );
    match read_json(&text, "random") {
        Ok(Network::Float(graph)) => graph,
        other => panic!("{other:?}"),
    }
}

fn images(seed: u64, count: usize) -> ImageSet {
    let mut rng = Rng::new(seed);
    let images = (0..count).map(|_| (0..32).map(|_| below(&mut rng, 256) as u8).collect()).collect();
    ImageSet { images, labels: Vec::new(), shape: [2, 4, 4], max: 255, classes: 0 }
}

fn units(seed: u64) -> Units {
    Units::new(Ann::of_graph(network(seed))).expect("units")
}

#[test]
fn rates_go_to_the_values_of_the_units() {
    for seed in 0..12 {
        let (units, images) = (units(seed), images(seed + 100, 6));
        for scope in [Scope::Layer, Scope::Channel] {
            let balance = convert::balance(&units, &images, Normalise::Max, scope).expect("balanced");
            let graph = convert::spiking(&units, &balance, SpikeReset::Subtract, 0.5);
            let ticks = vec![16, 64, 256, 1024, 4096];
            let plan =
                Plan { coding: Coding::Rate, reset: SpikeReset::Subtract, ticks, seed: 0, threads: 1, examined: 6 };
            let found = convert::evaluate(&units, &graph, &balance, &images, &plan, &|_| true).expect("evaluated");
            for (at, point) in found.points.iter().enumerate() {
                for (population, errors) in &point.errors {
                    // Nothing saturates with the largest value as scale, and a residue is worth at most a spike.
                    assert!(errors.clipping == 0.0 && errors.lost == 0.0, "{errors:?}");
                    assert!(errors.residual <= 1.0 / f64::from(point.ticks), "{errors:?}");
                    let depth = f64::from(*population as u32);
                    let bound = 8.0 * depth / f64::from(point.ticks) + 1e-4;
                    assert!(errors.total <= bound, "seed {seed} {scope:?} '{population}' after {at}: {errors:?}");
                }
            }
            assert!(found.points[4].agreed >= 5, "{} of 6 images", found.points[4].agreed);
        }
    }
}

#[test]
fn the_fast_simulation_is_the_float_reference() {
    let mut spikes = 0;
    for seed in 0..10 {
        let (units, images) = (units(seed), images(seed, 3));
        // Scales of powers of two keep every sum exact.
        let scales = vec![vec![1.0], vec![2.0], vec![1.0], vec![4.0], vec![1.0]];
        let balance = Balance { scales, thresholds: vec![1.0; 5] };
        for (reset, initial) in [(SpikeReset::Subtract, 0.5), (SpikeReset::Zero, 0.0), (SpikeReset::Zero, 0.25)] {
            let graph = convert::spiking(&units, &balance, reset, initial);
            assert_eq!(graph.profile.fire, Fire::AtOrAbove);
            let options =
                stimulus::Options { ticks: Some(40), encoding: Some(Encoding::Rate), ..stimulus::Options::default() };
            let shown = encode_images(&images.images, 255, &options, &[]);
            let plan = Plan { coding: Coding::Rate, reset, ticks: vec![40], seed: 0, threads: 1, examined: 0 };
            let found = convert::evaluate(&units, &graph, &balance, &images, &plan, &|_| true).expect("evaluated");
            let runs: Vec<_> =
                shown.samples.iter().map(|sample| oracle::float::run(&graph, sample).expect("runs")).collect();
            for population in 1..5 {
                let reference: usize = runs.iter().map(|run| run.spikes[population].len()).sum();
                assert_eq!(
                    found.points[0].spikes[population], reference as u64,
                    "seed {seed} {reset:?} population {population}"
                );
                spikes += reference;
            }
        }
    }
    assert!(spikes > 10_000, "only {spikes} spikes compared");
}

#[test]
fn a_graph_survives_its_file_with_what_it_starts_from() {
    let units = units(3);
    let balance =
        convert::balance(&units, &images(1, 4), Normalise::Percentile(95.0), Scope::Channel).expect("balanced");
    let graph = convert::spiking(&units, &balance, SpikeReset::Zero, 0.5);
    assert!(graph.populations[1].neuron.as_ref().is_some_and(|neuron| neuron.v_initial.len() == 48));
    let text = write_json(&Network::Float(graph.clone()));
    assert_eq!(read_json(&text, "again").expect("it is read"), Network::Float(graph));
}

#[test]
fn tuning_brings_resets_to_zero_nearer() {
    let (units, images) = (units(5), images(8, 10));
    let balance = convert::balance(&units, &images, Normalise::Max, Scope::Layer).expect("balanced");
    let tuned = convert::tune(&units, &balance, &images, SpikeReset::Zero, 0.5, 32).expect("tuned");
    let total = |balance: &Balance| {
        let graph = convert::spiking(&units, balance, SpikeReset::Zero, 0.5);
        let plan =
            Plan { coding: Coding::Rate, reset: SpikeReset::Zero, ticks: vec![32], seed: 0, threads: 1, examined: 10 };
        let found = convert::evaluate(&units, &graph, balance, &images, &plan, &|_| true).expect("evaluated");
        found.points[0].agreed
    };
    assert_ne!(tuned, balance);
    assert!(total(&tuned) >= total(&balance), "{} {}", total(&tuned), total(&balance));
}

#[test]
fn images_and_networks_that_do_not_fit_are_refused() {
    let units = units(1);
    let refused = |set: &ImageSet| units.check_images(set, "test.npz").expect_err("refused");
    assert!(refused(&ImageSet::default()).has("convert/calibration"));
    let mut wrong = images(1, 2);
    wrong.images[1].pop();
    assert!(refused(&wrong).to_string().contains("image 1: has 31 pixels"));
    let dark = ImageSet { max: 16, ..images(1, 2) };
    assert!(refused(&dark).to_string().contains("pixels 0..=16"));
    let labelled = ImageSet { labels: vec![4, 5], ..images(1, 2) };
    assert!(refused(&labelled).to_string().contains("label 1: is 5"));
    let mut leaky = network(1);
    if let Some(neuron) = &mut leaky.populations[1].neuron {
        neuron.kind = NeuronKind::Lif;
    }
    assert!(Units::new(Ann::of_graph(leaky)).expect_err("refused").has("convert/network"));
    let mut loops = network(1);
    loops.projections[0].source = loops.projections[2].target;
    assert!(Units::new(Ann::of_graph(loops)).expect_err("refused").to_string().contains("loop"));
}
