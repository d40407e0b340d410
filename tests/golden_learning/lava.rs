//! lava-nc's learning cases through the oracle.

use std::collections::BTreeMap;

use serde_json::Value;
use spikeloom::fixed::decay_toward_zero;
use spikeloom::oracle::learning::lava::{Config, Engine};
use spikeloom::rule::{Decay, Dependency, Draws, Factor, Graded, Product, Rule, Trace, Variable, parse_sum};

use crate::case::Case;

/// The sum of a case as its integers say, and as our parser reads the text beside them.
fn sum(case: &Case, name: &str) -> Vec<Product> {
    let listed = case.text["products"][name].as_array().map_or(&[][..], Vec::as_slice);
    let products: Vec<Product> = listed.iter().map(|node| product(case, node)).collect();
    if let Some(text) = case.text["rule_text"][name].as_str() {
        let parsed = parse_sum(text, &case.name).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(parsed, products, "{}: '{text}' is read as lava-nc reads it", case.name);
    }
    products
}

fn product(case: &Case, node: &Value) -> Product {
    let whole = |value: &Value| value.as_i64().expect("a whole number");
    let factor = |node: &Value| {
        let name = node["var"].as_str().expect("a variable");
        let variable = Variable::ALL.into_iter().find(|variable| variable.name() == name);
        Factor {
            variable: variable.unwrap_or_else(|| panic!("{}: variable {name}", case.name)),
            constant: node["const"].as_i64().unwrap_or(0) as i16,
            sign: node["sgn"].as_bool().unwrap_or(false),
        }
    };
    Product {
        dependency: match node["dependency"].as_str() {
            Some("x0") => Dependency::X0,
            Some("y0") => Dependency::Y0,
            Some("u") => Dependency::U(case.text["decimate_exponent"].as_u64().unwrap_or(0) as u8),
            other => panic!("{}: dependency {other:?}", case.name),
        },
        mantissa: whole(&node["mantissa"]) as i8,
        exponent: whole(&node["exponent"]) as i8,
        factors: node["factors"].as_array().expect("factors").iter().map(factor).collect(),
    }
}

fn trace(case: &Case, name: &str) -> Trace {
    let node = &case.text["traces"][name];
    let part = |index: usize| node["impulse_int_frac"][index].as_i64().expect("an impulse");
    let forgets = node["tau"].as_f64() == Some(0.0);
    let decay = node["decay"].as_f64().expect("a decay");
    Trace {
        impulse: part(0) as u8,
        fraction: part(1) as u16,
        decay: if forgets { Decay::clear() } else { Decay::by(decay) },
    }
}

pub(crate) fn config(case: &Case) -> Config {
    Config {
        sources: case.sources(),
        targets: case.targets(),
        sign: case.sign(),
        epoch: case.number("t_epoch") as u32,
        rule: Rule { weight: sum(case, "dw"), delay: sum(case, "dd"), tag: sum(case, "dt") },
        before: ["x1", "x2"].map(|name| trace(case, name)),
        after: ["y1", "y2", "y3"].map(|name| trace(case, name)),
        supplied: [case.text["rule_kind"] == "3f"; 3],
        longest: 255,
        graded: match case.number("graded_spike_cfg") {
            0 => Graded::Ignored,
            1 => Graded::Overwrite,
            2 => Graded::Saturate,
            3 => Graded::Overflow,
            other => panic!("{}: graded_spike_cfg {other}", case.name),
        },
    }
}

/// Weights as lava-nc stores them: bits that the format has not are cleared, toward minus infinity (toward zero for
/// inhibitory ones).
pub(crate) fn stored_weights(case: &Case) -> Vec<i64> {
    let mode = case.text["sign_mode"].as_str().expect("a sign mode");
    let places = 8 - case.number("num_weight_bits") + i64::from(mode == "mixed");
    let clear = |weight: i64| (weight >> places) << places;
    let weights = case.array("weights0").iter();
    weights.map(|&weight| if mode == "inhibitory" { -clear(-weight) } else { clear(weight) }).collect()
}

/// The random numbers in force in each step.
pub(crate) fn draws(case: &Case, step: usize) -> Draws {
    let small = |key: &str| case.array(key)[step] as u8;
    Draws {
        x_decay: case.draw("rand.x_decay", step),
        y_decay: case.draw("rand.y_decay", step),
        x_impulse: small("rand.x_impulse"),
        y_impulse: small("rand.y_impulse"),
        y_impulse_again: small("rand.y_impulse_mid"),
        synapse: case.draw("rand.syn", step),
    }
}

/// The postsynaptic neurons: spikes as recorded, or those of neurons that the projection drives.
struct Neurons<'a> {
    case: &'a Case,
    u: Vec<i32>,
    v: Vec<i32>,
}

impl Neurons<'_> {
    fn step(&mut self, step: usize, input: &[i64]) -> Vec<bool> {
        let lif = &self.case.text["post_lif"];
        if lif.is_null() {
            let row = self.case.row("post_spikes_in", step, self.case.targets());
            return row.iter().map(|&spike| spike > 0).collect();
        }
        let register = |key: &str| lif[key].as_i64().expect("a register");
        let bias = self.case.array("post_bias");
        let update = |neuron: usize| {
            let mut u =
                i64::from(decay_toward_zero(self.u[neuron], register("decay_u") as u32 + 1)) + (input[neuron] << 6);
            u += if u > 1 << 23 {
                -(1 << 24)
            } else if u <= -(1 << 23) {
                1 << 24
            } else {
                0
            };
            let edge = (1 << 23) - 1;
            let bias = if bias.len() == 1 { bias[0] } else { bias[neuron] };
            let v = i64::from(decay_toward_zero(self.v[neuron], register("decay_v") as u32)) + u + bias;
            let v = v.clamp(-edge, edge);
            let fires = v > register("vth_mant") << 6;
            (self.u[neuron], self.v[neuron]) = (u as i32, if fires { 0 } else { v as i32 });
            fires
        };
        (0..self.case.targets()).map(update).collect()
    }
}

/// Runs the case; every field by name, step by step.
pub(crate) fn consult(case: &Case) -> BTreeMap<&'static str, Vec<i64>> {
    let config = config(case);
    let (sources, targets) = (config.sources, config.targets);
    let supplied = config.supplied.contains(&true);
    let (tags, delays) = (case.array("tag_1_0").to_vec(), case.array("tag_2_0").to_vec());
    let mut engine = Engine::new(config, stored_weights(case), tags, delays);
    let mut neurons = Neurons { case, u: vec![0; targets], v: vec![0; targets] };
    let exponent = case.number("weight_exp");
    let graded = case.number("num_message_bits") > 0;
    let mut found: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    let mut leaving = vec![0; targets];
    for step in 0..case.steps() {
        let values = case.row("pre_spikes", step, sources);
        let spikes: Vec<i64> = values.iter().map(|&value| if graded { value } else { i64::from(value != 0) }).collect();
        let after = neurons.step(step, &leaving);
        found.entry("a_out").or_default().extend(&leaving);
        found.entry("post_spikes").or_default().extend(after.iter().map(|&fired| i64::from(fired)));
        let sums = engine.activation(&spikes);
        leaving = sums.iter().map(|sum| if exponent > 0 { sum << exponent } else { sum >> -exponent }).collect();
        let given: Vec<[u8; 3]> = if supplied {
            let of = |key: &str, target: usize| case.row(key, step, targets)[target] as u8;
            (0..targets).map(|target| ["y1_in", "y2_in", "y3_in"].map(|key| of(key, target))).collect()
        } else {
            Vec::new()
        };
        engine.step(values, &after, &given, &draws(case, step));
        found.entry("weights").or_default().extend(engine.weights());
        found.entry("tag_1").or_default().extend(engine.tags());
        found.entry("tag_2").or_default().extend(engine.delays());
        let traces = [("x1", engine.before(0)), ("x2", engine.before(1)), ("y1", engine.after(0))];
        for (name, values) in traces.into_iter().chain([("y2", engine.after(1)), ("y3", engine.after(2))]) {
            found.entry(name).or_default().extend(values.into_iter().map(i64::from));
        }
    }
    found
}
