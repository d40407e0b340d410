//! Float integrate-and-fire networks on the spiking somas: biases of the rounds before any input do not count.

use spikeloom::compile::{self, Log, Options};
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::graph::{FcoreSoma, IntNeuron, Network, read_json};
use spikeloom::image::{CoreBody, SomaImage};
use spikeloom::oracle;
use spikeloom::rng::Rng;

use crate::network::{assert_equal, stimulus, tianjic};

/// Weights are whole, the largest 127, so that nothing is rounded; thresholds are far above what biases take off.
#[test]
fn biases_and_first_membranes_are_those_of_the_float_network() {
    let chip = tianjic(&[]);
    let mut rng = Rng::new(67);
    let mut spikes = 0;
    for case in 0..12 {
        // The second layer of every third network is wider than a core has axons.
        let (inputs, hidden) = if case % 3 == 2 { (20, 300) } else { (20, 30) };
        let list = |rng: &mut Rng, count: usize, low: i64, high: i64| -> String {
            let mut numbers: Vec<i64> = (0..count).map(|_| low + rng.below((high - low + 1) as u64) as i64).collect();
            if high == 60 {
                numbers[0] = 127;
            }
            numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        let text = format!(
            r#"{{"version": 1, "name": "biased", "profile": {{"dt": 1.0, "fire": "at_or_above", "reset": "value",
            "reset_time": "same", "multi_spike": false}},
            "populations": [{{"name": "in", "shape": [{inputs}]}},
              {{"name": "mid", "shape": [{hidden}], "neuron": {{"model": "if", "v_threshold": 180, "bias": [{}], "v_initial": [{}]}}}},
              {{"name": "out", "shape": [10], "neuron": {{"model": "if", "v_threshold": 200, "v_reset": 5, "bias": [{}], "v_initial": 40}}}}],
            "projections": [
              {{"source": "in", "target": "mid", "pattern": {{"type": "dense"}}, "weights": [{}]}},
              {{"source": "mid", "target": "out", "pattern": {{"type": "dense"}}, "weights": [{}]}}],
            "outputs": [{{"population": "out"}}]}}"#,
            list(&mut rng, hidden, -20, 20),
            list(&mut rng, hidden, 0, 90),
            list(&mut rng, 10, -20, 20),
            list(&mut rng, inputs * hidden, -40, 60),
            list(&mut rng, hidden * 10, -40, 60),
        );
        let network = read_json(&text, "biased.json").unwrap_or_else(|problems| panic!("{problems}"));
        let Network::Float(graph) = &network else { panic!("a float network") };
        let made = compile::compile(&network, &chip, &Options::default(), &mut Log::default())
            .unwrap_or_else(|problems| panic!("{problems}"));
        let shown = stimulus(&mut rng, inputs as u32, 30, 1);
        assert_equal(&made, &chip, &shown, &format!("case {case}"));
        let options = RunOptions { timing: false, threads: 1, strict: true, record: Record::All };
        let result = emu::run(&made.image, &chip, &shown, &options, &Quiet).expect("runs");
        let reference = oracle::float::run(graph, &shown.samples[0]).expect("runs");
        let wide = hidden > chip.capacity.axons_in as usize;
        for (population, lag) in [(1_u32, 1), (2, if wide { 3 } else { 2 })] {
            let of = result.samples[0].spikes.iter().filter(|spike| spike.population == population);
            let found: Vec<(u32, u32)> = of.map(|spike| (spike.tick, spike.neuron)).collect();
            assert!(found.iter().all(|(tick, _)| *tick >= lag), "case {case}: a spike before any input");
            let found: Vec<(u32, u32)> =
                found.into_iter().map(|(tick, neuron)| (tick - lag, neuron)).filter(|(tick, _)| *tick < 30).collect();
            let wanted = reference.spikes[population as usize].iter().map(|&(tick, neuron, _)| (tick, neuron));
            assert_eq!(found, wanted.collect::<Vec<_>>(), "case {case}, population {population}");
            spikes += found.len();
        }
        // The checker reads first membranes too.
        let mut image = made.image.clone();
        let soma = image.cores.iter_mut().find_map(|core| match &mut core.body {
            CoreBody::Fcore(body) => match &mut body.soma {
                SomaImage::Snn { initial, .. } => Some(initial),
                _ => None,
            },
            _ => None,
        });
        soma.expect("a spiking core")[0] += 1;
        assert!(compile::verify(&image, &made.network, &chip).expect_err("changed").has("verify/fcore"));
        let Some(IntNeuron::Fcore(neuron)) = &made.network.populations[1].neuron else {
            panic!("a spiking population")
        };
        let FcoreSoma::Snn(snn) = &neuron.soma else { panic!("a spiking population") };
        assert_eq!(snn.initial.len(), hidden);
    }
    println!("12 networks, {spikes} spikes equal to the float networks'");
    assert!(spikes > 2_000, "{spikes}");
}
