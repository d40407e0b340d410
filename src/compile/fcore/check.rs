//! Whether an integer network is within the registers and formats of the chip.

use super::fan::FanIn;
use crate::chip::{ChipSpec, FcoreSpec};
use crate::compile::cannot_learn;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{Activation, Delays, FcoreInput, FcoreNeuron, FcoreSoma, IntGraph, IntNeuron};

/// Problems beyond this number are not listed.
const MOST: usize = 50;

/// All problems of the network at once.
pub(super) fn check(graph: &IntGraph, chip: &ChipSpec, spec: &FcoreSpec, fan: &FanIn) -> Result<()> {
    let mut problems = Vec::new();
    for population in &graph.populations {
        let place = format!("population '{}'", population.name);
        match &population.neuron {
            None => {}
            Some(IntNeuron::Fcore(neuron)) => registers(neuron, spec, &place, &mut problems),
            Some(_) => problems.push(
                Problem::invalid("fcore/family", place, format!("its neurons are not those of chip '{}'", chip.name))
                    .limit("models ann_int and snn_int")
                    .help("give them as ann_int or snn_int, or compile for the chip that they belong to"),
            ),
        }
    }
    formats(graph, &mut problems);
    delays(graph, chip, fan, &mut problems);
    weights(graph, fan, &mut problems);
    problems.extend(cannot_learn(graph, chip));
    problems.truncate(MOST);
    Problems::check(problems, ())
}

fn registers(neuron: &FcoreNeuron, spec: &FcoreSpec, place: &str, problems: &mut Vec<Problem>) {
    let edge = 1_i64 << (spec.accumulator_bits - 1);
    let mut demand = |good: bool, what: &str, limit: String| {
        if !good {
            problems.push(Problem::invalid("fcore/range", place, format!("{what} is out of range")).limit(limit));
        }
    };
    let held = format!("{} to {}", -edge, edge - 1);
    let fits = |values: &[i32]| values.iter().all(|&value| (-edge..edge).contains(&i64::from(value)));
    if let FcoreInput::Spikes { window } = neuron.input {
        let most = spec.window_max;
        demand((1..=most).contains(&window), "the window of spikes", format!("1 to {most} rounds"));
    }
    match &neuron.soma {
        FcoreSoma::Ann(ann) => {
            demand(fits(&ann.bias), "a bias", held);
            demand(ann.shift < spec.accumulator_bits, "the shift", format!("0 to {}", spec.accumulator_bits - 1));
            if let Activation::Table(table) = &ann.activation {
                let values = table.iter().all(|value| (-128..=255).contains(value));
                demand(table.len() == 256 && values, "the table", "256 values from -128 to 255".to_owned());
            }
        }
        FcoreSoma::Snn(snn) => {
            demand(fits(&snn.bias), "a bias", held.clone());
            demand(snn.threshold.as_deref().is_none_or(fits), "a threshold", held.clone());
            demand(fits(&[snn.reset_value]), "the reset value", held.clone());
            demand(fits(&snn.initial), "a first membrane", held);
            let most = spec.accumulator_bits - 1;
            demand(snn.random_bits <= most, "the width of random numbers", format!("0 to {most} bits"));
        }
    }
}

/// A core has one input format: what sends values and what sends spikes cannot feed the same population.
fn formats(graph: &IntGraph, problems: &mut Vec<Problem>) {
    for (number, population) in graph.populations.iter().enumerate() {
        let Some(IntNeuron::Fcore(neuron)) = &population.neuron else { continue };
        let takes_values = neuron.input == FcoreInput::Values;
        for projection in graph.projections.iter().filter(|projection| projection.target.index() == number) {
            let source = &graph.populations[projection.source.index()];
            // The host sends what the population takes.
            let Some(IntNeuron::Fcore(sender)) = &source.neuron else { continue };
            if sender.sends_values() != takes_values {
                let name = |values: bool| if values { "values" } else { "spikes" };
                let what = format!(
                    "'{}' sends {}, but '{}' takes {}",
                    source.name,
                    name(sender.sends_values()),
                    population.name,
                    name(takes_values)
                );
                let place = format!("projection '{}'", projection.name);
                problems.push(
                    Problem::invalid("fcore/format", place, what)
                        .limit("one input format a core")
                        .help(format!("set \"input\": \"{}\" there, or put a population between", name(!takes_values))),
                );
            }
        }
    }
}

fn delays(graph: &IntGraph, chip: &ChipSpec, fan: &FanIn, problems: &mut Vec<Problem>) {
    let wide = fan.wide(chip.capacity.axons_in);
    for projection in &graph.projections {
        let place = format!("projection '{}'", projection.name);
        let expected = u16::from(wide[projection.target.index()]);
        if projection.delays != Delays::Uniform(expected) {
            let what = "it has delays, and the chip's packets are used in the round after";
            let limit = format!("{expected} for every synapse of this population");
            problems.push(Problem::invalid("fcore/delay", place.as_str(), what).limit(limit).help("leave delays out"));
        }
        if projection.exponent != 0 {
            let what = format!("its weights have the exponent {}", projection.exponent);
            let help = "scale the weights, or shift the sum in the soma";
            problems.push(Problem::invalid("fcore/exponent", place, what).limit("0").help(help));
        }
    }
}

/// The first weight of each population that is no byte; parallel synapses are added.
fn weights(graph: &IntGraph, fan: &FanIn, problems: &mut Vec<Problem>) {
    for (number, population) in graph.populations.iter().enumerate() {
        let wrong = (0..population.size() as u32).find_map(|neuron| {
            let of = fan.of(number, neuron).iter();
            of.copied()
                .find(|(_, weight)| i8::try_from(*weight).is_err())
                .map(|(source, weight)| (neuron, source, weight))
        });
        if let Some((neuron, (source, from), weight)) = wrong {
            let name = &graph.populations[source as usize].name;
            let what = format!("neuron {neuron}: weight {weight} from '{name}' {from}");
            let place = format!("population '{}'", population.name);
            problems.push(Problem::invalid("fcore/weight", place, what).limit("-128 to 127").help("scale the weights"));
        }
    }
}
