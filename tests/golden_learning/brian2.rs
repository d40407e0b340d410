//! brian2-loihi's STDP cases through the oracle.

use std::collections::BTreeMap;

use spikeloom::fixed::decay_toward_zero;
use spikeloom::oracle::learning::brian2::{Config, Engine};
use spikeloom::rule::{Decay, Draws, Trace, parse_sum};

use crate::case::{Case, to_draw};

fn trace(case: &Case, name: &str) -> Option<Trace> {
    let node = case.text["traces"].get(name)?;
    let (impulse, tau) = (node["impulse"].as_i64()?, node["tau"].as_f64()?);
    Some(Trace { impulse: impulse as u8, fraction: 0, decay: Decay::by(1.0 - 1.0 / tau) })
}

fn config(case: &Case) -> Config {
    let text = case.text["dw"].as_str().expect("a rule");
    let mixed = i64::from(case.text["sign_mode"] == "mixed");
    Config {
        sources: case.sources(),
        targets: case.targets(),
        sign: case.sign(),
        precision: 1 << (8 - (case.number("num_weight_bits") - mixed)),
        products: parse_sum(text, &case.name).unwrap_or_else(|problems| panic!("{problems}")),
        before: ["x1", "x2"].map(|name| trace(case, name)),
        after: ["y1", "y2", "y3"].map(|name| trace(case, name)),
    }
}

/// What a spike adds, before the shift by 6.
fn effective(weight: i64, exponent: i64) -> i64 {
    let shifted = if exponent < 0 { weight >> -exponent } else { weight << exponent };
    shifted.clamp(1 - (1 << 15), (1 << 15) - 1)
}

/// Runs the case; every field by name, step by step.
pub(crate) fn consult(case: &Case) -> BTreeMap<&'static str, Vec<i64>> {
    let config = config(case);
    let (sources, targets, precision) = (config.sources, config.targets, config.precision);
    let draw = to_draw(case.text["r"].as_f64().expect("a random number"));
    let mut engine = Engine::new(config, case.array("weights0").to_vec());
    // Until a rule has acted once, what a spike adds is of the truncated weights.
    let mut weights: Vec<i64> = engine.weights().iter().map(|weight| weight / precision * precision).collect();
    let register = |key: &str| case.number(key);
    let (mut u, mut v, mut fired) = (vec![0_i64; targets], vec![0_i64; targets], vec![false; targets]);
    let mut found: BTreeMap<&str, Vec<i64>> = BTreeMap::new();
    for step in 0..case.steps() {
        let before: Vec<bool> = case.row("pre_spikes", step, sources).iter().map(|&spike| spike > 0).collect();
        let teachers = case.row("teacher_spikes", step, targets);
        let draws = Draws { x_decay: draw, y_decay: draw, synapse: draw, ..Draws::default() };
        engine.step(&before, &fired, &draws);
        for target in 0..targets {
            let row = &weights[target * sources..(target + 1) * sources];
            let learned = row.iter().zip(&before).filter(|(_, spike)| **spike);
            let input: i64 = learned.map(|(&weight, _)| effective(weight, register("weight_exp"))).sum();
            let taught = &case.array("teacher_weights")[target * targets..(target + 1) * targets];
            let taught: i64 = taught.iter().zip(teachers).map(|(weight, &spike)| weight * i64::from(spike > 0)).sum();
            u[target] =
                i64::from(decay_toward_zero(u[target] as i32, register("decay_I") as u32)) + ((input + taught) << 6);
            let wide = i64::from(decay_toward_zero(v[target] as i32, register("decay_v") as u32)) + u[target];
            fired[target] = wide > register("vth_mant") << 6;
            v[target] = if fired[target] { 0 } else { wide };
        }
        weights = engine.weights().to_vec();
        found.entry("w").or_default().extend(&weights);
        found.entry("u").or_default().extend(&u);
        found.entry("v").or_default().extend(&v);
        found.entry("s").or_default().extend(fired.iter().map(|&fired| i64::from(fired)));
        record(&engine, targets, &mut found);
    }
    found
}

/// Traces as they are recorded: by target, then source.
fn record(engine: &Engine, targets: usize, found: &mut BTreeMap<&'static str, Vec<i64>>) {
    for (index, name) in ["x1", "x2"].into_iter().enumerate() {
        let of_sources: Vec<i64> = engine.before().iter().map(|values| values[index].into()).collect();
        found.entry(name).or_default().extend(of_sources.repeat(targets));
    }
    for (index, name) in ["y1", "y2", "y3"].into_iter().enumerate() {
        let of_target = engine.after().iter().map(|values| i64::from(values[index]));
        let repeated = of_target.flat_map(|value| std::iter::repeat_n(value, engine.before().len()));
        found.entry(name).or_default().extend(repeated);
    }
}
