//! Image to [`Model`].

use std::collections::BTreeMap;

use super::{Core, Link, Model, NeuronType, OUTPUT, Row, Rows, SIDE};
use crate::diag::{Problem, Problems, Result};
use crate::foreign::json::{Json, Kind};
use crate::image::{CoreBody, Crossbar, CrossbarParameters, Image, Place};

impl Model {
    /// The model of an image with crossbar cores. Outputs named `output0`, `output1`
    /// and so on go to these connectors, others to connectors one after the other, 256 pins each, in order of
    /// their neurons. The sign of a zero is 1, of a leak -1.
    ///
    /// # Errors
    /// `foreign/chip` for every core that is none of TrueNorth's.
    pub fn of_image(image: &Image) -> Result<Self> {
        let pins = pins(image);
        let mut types: BTreeMap<&CrossbarParameters, u32> = BTreeMap::new();
        let mut found = Vec::new();
        let mut cores = Vec::new();
        for loaded in &image.cores {
            match &loaded.body {
                CoreBody::Crossbar(body) if body.parameter_of.len().max(body.axon_types.len()) <= SIDE => {
                    cores.push(core(loaded.core, body, &pins, &mut types));
                }
                _ => found.push(
                    Problem::invalid("foreign/chip", format!("core {}", loaded.core), "NSCS cannot describe this core")
                        .limit(format!("crossbar cores of at most {SIDE} axons and {SIDE} neurons")),
                ),
            }
        }
        let mut numbered: Vec<(&CrossbarParameters, u32)> = types.into_iter().collect();
        numbered.sort_unstable_by_key(|(_, number)| *number);
        let types = numbered.into_iter().map(|(p, number)| encode(p, format!("N{:08X}", number + 1))).collect();
        Problems::check(found, Self { header: header(cores.len()), types, prototypes: Vec::new(), cores })
    }
}

/// The connector that an output of an imported model is named after.
fn connector_of(name: &str) -> Option<i32> {
    name.strip_prefix("output").and_then(|number| number.parse().ok()).filter(|number| (0..1 << 20).contains(number))
}

/// Connector and pin of each neuron that is read.
fn pins(image: &Image) -> BTreeMap<Place, (i32, i32)> {
    let mut pins = BTreeMap::new();
    let mut connector = 0;
    let small = |population: u32| {
        image.populations.get(population as usize).is_some_and(|population| population.places.len() <= SIDE)
    };
    let named = image.outputs.iter().all(|output| connector_of(&output.name).is_some() && small(output.population));
    for output in &image.outputs {
        if named {
            connector = connector_of(&output.name).unwrap_or(connector);
        }
        let Some(population) = image.populations.get(output.population as usize) else { continue };
        for (pin, place) in population.places.iter().enumerate() {
            pins.insert(*place, (OUTPUT - connector - (pin / SIDE) as i32, (pin % SIDE) as i32));
        }
        connector += population.places.len().div_ceil(SIDE) as i32;
    }
    pins
}

fn core<'a>(
    id: u32,
    body: &'a Crossbar,
    pins: &BTreeMap<Place, (i32, i32)>,
    types: &mut BTreeMap<&'a CrossbarParameters, u32>,
) -> Core {
    let words = body.parameter_of.len().div_ceil(64);
    let mut rows = vec![Row { kind: 0, synapses: [0; SIDE / 8] }; SIDE];
    for (axon, &kind) in body.axon_types.iter().enumerate() {
        rows[axon].kind = kind;
        for byte in 0..8 * words {
            let word = body.rows[axon * words + byte / 8];
            rows[axon].synapses[byte] = ((word >> (8 * (byte % 8))) as u8).reverse_bits();
        }
    }
    let mut neurons = Vec::with_capacity(SIDE);
    for dendrite in 0..SIDE {
        let used = dendrite < body.parameter_of.len();
        let pin = pins.get(&Place { core: id, neuron: dendrite as u16 });
        let destination = body.destinations.get(dendrite).copied().flatten();
        let (core, axon, delay) = match (destination, pin) {
            (Some(to), _) => (to.core as i32, i32::from(to.axon), to.delay),
            (None, Some(&(connector, pin))) => (connector, pin, 1),
            (None, None) => (-1, 0, 1),
        };
        let parameters = used.then(|| &body.parameters[usize::from(body.parameter_of[dendrite])]);
        let kind = parameters.filter(|p| **p != CrossbarParameters::SILENT || core != -1).map(|p| {
            let next = types.len() as u32;
            *types.entry(p).or_insert(next)
        });
        neurons.push(Link { dendrite: dendrite as u8, kind, core, axon, delay });
    }
    Core { line: 0, id, seed: body.seed, metadata: None, neurons, rows: Rows::Own(rows) }
}

fn encode(p: &CrossbarParameters, name: String) -> NeuronType {
    let sign = |negative: bool| if negative { -1 } else { 1 };
    NeuronType {
        name,
        sigma: p.weights.map(|weight| sign(weight < 0)),
        s: p.weights.map(|weight| weight.unsigned_abs() as u8),
        b: p.stochastic_weights,
        sigma_lambda: sign(p.leak <= 0),
        lambda: p.leak.unsigned_abs() as u8,
        c_lambda: p.stochastic_leak,
        epsilon: p.leak_reversal,
        alpha: p.threshold,
        beta: p.negative_threshold,
        tm: p.threshold_mask_bits,
        gamma: p.spike_reset,
        kappa: p.negative_saturate,
        sigma_vr: sign(p.reset_value < 0),
        vr: (p.reset_value.unsigned_abs() + 1).ilog2() as u8,
        v: p.initial,
    }
}

fn header(cores: usize) -> Json {
    let json = |kind| Json { line: 0, kind };
    let text = |text: &str| json(Kind::Text(text.to_owned()));
    let number = |number: usize| json(Kind::Number(number.to_string()));
    let entries = [
        ("coreCount", number(cores)),
        ("neuronclass", text("NeuronGeneral")),
        ("crossbarSize", number(SIDE)),
        ("crossbarclass", text("CrossbarBinary")),
        ("networking", text("INTRA")),
        ("useCrossbarPrototypes", json(Kind::Bool(false))),
    ];
    json(Kind::Object(entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()))
}
