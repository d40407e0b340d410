//! Verification of changed images.

use spikeloom::compile::crossbar::verify;
use spikeloom::image::{CoreBody, CrossbarParameters, Image};
use spikeloom::rng::Rng;

use super::interpret::{chip, compile, dense, network, plain, population};

/// Every small change of an image that the chip would notice is caught.
#[test]
fn verify_catches_mutated_images() {
    let mut rng = Rng::new(11);
    let chip = chip(8, 16, 24);
    let populations = vec![
        population("in", &[4], None),
        population("a", &[5], Some(plain(3))),
        population("b", &[6], Some(plain(2))),
        population("c", &[14], Some(plain(4))),
    ];
    let projections = vec![
        dense(0, 1, 4, 5, |_| [1, 2, -1][rng.below(3) as usize]),
        dense(1, 2, 5, 6, |_| 3),
        dense(2, 3, 6, 14, |k| [1, -1][k as usize % 2]),
    ];
    let graph = network(populations, projections);
    let good = compile(&graph, &chip).expect("fits");
    let mut tried = 0;
    let mut caught = |change: &dyn Fn(&mut Image)| {
        let mut image = good.clone();
        change(&mut image);
        if image != good {
            tried += 1;
            let problems = verify(&image, &graph, &chip).expect_err("a changed image passed");
            assert_eq!(problems.exit_code(), 4, "{problems}");
        }
    };
    for core in 0..good.cores.len() {
        let CoreBody::Crossbar(body) = &good.cores[core].body else { panic!("family") };
        let on_core = |image: &mut Image, change: &dyn Fn(&mut spikeloom::image::Crossbar)| {
            if let CoreBody::Crossbar(body) = &mut image.cores[core].body {
                change(body);
            }
        };
        for axon in 0..body.axon_types.len() {
            for slot in 0..body.parameter_of.len() {
                // A bit of an unused axon type adds weight 0, which changes nothing.
                let p = &body.parameters[usize::from(body.parameter_of[slot])];
                if p.weights[usize::from(body.axon_types[axon])] != 0 {
                    caught(&|image| on_core(image, &|body| body.rows[axon] ^= 1 << slot));
                }
            }
        }
        for slot in 0..body.destinations.len() {
            caught(&|image| on_core(image, &|body| body.destinations[slot] = None));
            for (axon, delay) in [(1, 0), (0, 1), (200, 0), (0, 20)] {
                let change = |d: &mut spikeloom::image::Destination| {
                    d.axon ^= axon;
                    d.delay += delay;
                };
                caught(&|image| on_core(image, &|body| body.destinations[slot].iter_mut().for_each(change)));
            }
        }
        for number in 0..body.parameters.len() {
            let changes: [&dyn Fn(&mut CrossbarParameters); 5] =
                [&|p| p.leak += 1, &|p| p.threshold += 1, &|p| p.spike_reset ^= 1, &|p| p.initial += 1, &|p| {
                    p.weights[0] += 1
                }];
            for change in changes {
                // A relay may have any threshold up to its weight, and unused weights do not matter.
                let before = body.parameters[number].clone();
                if before.threshold > 1 && before.weights[0] != 0 {
                    caught(&|image| on_core(image, &|body| change(&mut body.parameters[number])));
                }
            }
        }
    }
    caught(&|image| image.depth += 1);
    caught(&|image| drop(image.cores.pop()));
    caught(&|image| image.populations[1].places.swap(0, 1));
    caught(&|image| drop(image.outputs.pop()));
    caught(&|image| image.inputs[0].targets.truncate(1));
    println!("{tried} mutations caught");
    assert!(tried > 200);
}
