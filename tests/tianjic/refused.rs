//! What the chip cannot, with place and next step; and images that were tampered with.

use spikeloom::graph::{Activation, Delays, FcoreInput, Pattern};
use spikeloom::image::CoreBody;

use crate::network::{ann, compiled, graph, population, projection, snn, tianjic};

fn dense(sources: u32, targets: u32) -> Pattern {
    Pattern::Dense { sources, targets }
}

#[test]
fn cores_mix_no_formats() {
    let chip = tianjic(&[]);
    let populations = vec![
        population("in", &[4], None),
        population("values", &[4], Some(ann(vec![0], 0, Activation::Relu, FcoreInput::Values))),
        population("spikes", &[4], Some(snn(5, FcoreInput::Spikes { window: 1 }))),
        population("both", &[4], Some(snn(5, FcoreInput::Values))),
    ];
    let ones = || vec![1; 16];
    let projections = vec![
        projection(0, 1, dense(4, 4), ones()),
        projection(0, 2, dense(4, 4), ones()),
        projection(1, 3, dense(4, 4), ones()),
        projection(2, 3, dense(4, 4), ones()),
    ];
    let problems = compiled(&graph(populations, projections), &chip).expect_err("mixed");
    assert!(problems.has("fcore/format"), "{problems}");
    let text = problems.to_string();
    assert!(text.contains("'spikes' sends spikes, but 'both' takes values"), "{text}");
    assert!(text.contains("set \"input\": \"spikes\"") && text.contains("one input format a core"), "{text}");
}

#[test]
fn registers_weights_delays_and_sizes_are_held_to_the_chip() {
    let chip = tianjic(&[]);
    let relu = |bias| ann(vec![bias], 0, Activation::Relu, FcoreInput::Values);
    let one = |neuron, weight, delay| {
        let populations = vec![population("in", &[2], None), population("out", &[2], Some(neuron))];
        let mut projection = projection(0, 1, dense(2, 2), vec![weight; 4]);
        projection.delays = Delays::Uniform(delay);
        compiled(&graph(populations, vec![projection]), &chip)
    };
    assert!(one(relu(1), 127, 0).is_ok());
    for (neuron, weight, delay, code) in [
        (relu(1 << 23), 1, 0, "fcore/range"),
        (relu(0), 128, 0, "fcore/weight"),
        (relu(0), -129, 0, "fcore/weight"),
        (relu(0), 1, 2, "fcore/delay"),
        (snn(5, FcoreInput::Spikes { window: 9 }), 1, 0, "fcore/range"),
        (snn(5, FcoreInput::Spikes { window: 0 }), 1, 0, "fcore/range"),
        (ann(vec![0], 24, Activation::Relu, FcoreInput::Values), 1, 0, "fcore/range"),
        (ann(vec![0], 0, Activation::Table(vec![0; 255]), FcoreInput::Values), 1, 0, "fcore/range"),
    ] {
        let problems = one(neuron, weight, delay).expect_err(code);
        assert!(problems.has(code), "{problems}");
        assert!(problems.to_string().contains("limit: "), "{problems}");
    }
    let populations = vec![population("in", &[1], None), population("out", &[40_000], Some(relu(0)))];
    let wide = graph(populations, vec![projection(0, 1, dense(1, 40_000), vec![1; 40_000])]);
    let problems = compiled(&wide, &chip).expect_err("157 cores");
    assert!(problems.has("fcore/cores") && problems.exit_code() == 3, "{problems}");
}

/// Sums of parts are exact where cores add them; where neurons can only send bits, wide layers are refused with the reason.
#[test]
fn wide_layers_are_split_where_sums_add_up_and_refused_elsewhere() {
    use spikeloom::compile::{self, Log, Options};
    use spikeloom::graph::Network;

    let text = format!(
        r#"{{"version":1,"name":"wide","populations":[{{"name":"in","shape":[600]}},
        {{"name":"wide","shape":[3],"neuron":{{"model":"if","v_threshold":2.0}}}}],
        "projections":[{{"source":"in","target":"wide","pattern":{{"type":"dense"}},"weights":{:?}}}],
        "outputs":[{{"population":"wide"}}],"profile":{{"preset":"sinabs","dt":1.0,"multi_spike":false}}}}"#,
        (0..1800).map(|at| f64::from(at % 11) * 0.1 - 0.45).collect::<Vec<f64>>()
    );
    let network = spikeloom::graph::read_json(&text, "wide.json").unwrap_or_else(|problems| panic!("{problems}"));
    let Network::Float(_) = &network else { panic!("a float network") };
    let compile = |name: &str| {
        let chip = spikeloom::chip::load(name, &spikeloom::chip::LoadOptions::default()).expect("ships");
        compile::compile(&network, &chip, &Options::default(), &mut Log::default())
    };
    let problems = compile("truenorth").expect_err("600 sources");
    assert!(problems.has("crossbar/axons") && problems.exit_code() == 3, "{problems}");
    let text = problems.to_string();
    for part in
        ["256 axons per core", "too many", "--split-fan-in passes sums of parts", "tianjic adds sums of parts exactly"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let made = compile("tianjic").unwrap_or_else(|problems| panic!("{problems}"));
    let parts = made.image.cores.iter().filter(|core| match &core.body {
        CoreBody::Fcore(body) => body.soma == spikeloom::image::SomaImage::Partial,
        _ => false,
    });
    assert_eq!(parts.count(), 3, "600 sources on cores of 256 axons");
    let stimulus = crate::network::stimulus(&mut spikeloom::rng::Rng::new(4), 600, 20, 1);
    let packets = crate::network::assert_equal(&made, &tianjic(&[]), &stimulus, "wide");
    assert!(packets > 5, "{packets}");
}

#[test]
fn changed_images_are_refused_or_found_to_differ() {
    let chip = tianjic(&[]);
    let relu = || ann(vec![3], 1, Activation::Relu, FcoreInput::Values);
    let populations = vec![
        population("in", &[600], None),
        population("mid", &[300], Some(relu())),
        population("out", &[3], Some(relu())),
    ];
    let mut rng = spikeloom::rng::Rng::new(2);
    let mut weights = |count: usize| (0..count).map(|_| rng.below(200) as i32 - 100).collect::<Vec<_>>();
    let projections =
        vec![projection(0, 1, dense(600, 300), weights(180_000)), projection(1, 2, dense(300, 3), weights(900))];
    let made = compiled(&graph(populations, projections), &chip).expect("fits");
    spikeloom::compile::verify(&made.image, &made.network, &chip).expect("as compiled");
    let bodies = made.image.cores.len();
    let (mut refused, mut differ) = (0, 0);
    for core in 0..bodies {
        for change in 0..7 {
            let mut image = made.image.clone();
            let CoreBody::Fcore(body) = &mut image.cores[core].body else { panic!("an FCore") };
            let changed = match change {
                0 => body.weights.last_mut().map(|weight| *weight ^= 1).is_some(),
                1 => body.axons_out.first_mut().map(|out| out.axon ^= 1).is_some(),
                2 => body.axons_out.first_mut().map(|out| out.core = 155).is_some(),
                3 => {
                    body.copy_to = Some(150);
                    true
                }
                4 => body.draw.first_mut().map(|draw| *draw += 1).is_some(),
                5 => {
                    body.neurons += 1;
                    true
                }
                _ => {
                    body.input = spikeloom::image::FcoreFormat::Spikes(3);
                    true
                }
            };
            // Draw numbers of cores of partial sums are read by nobody.
            let draws = change == 4 && body.soma == spikeloom::image::SomaImage::Partial;
            if !changed || draws {
                continue;
            }
            match spikeloom::compile::verify(&image, &made.network, &chip) {
                Ok(()) => panic!("core {core}, change {change} was not seen"),
                Err(problems) if problems.has("verify/fcore") => differ += 1,
                Err(_) => refused += 1,
            }
        }
    }
    assert!(refused > 10 && differ > 10, "{refused} refused, {differ} differ");
}
