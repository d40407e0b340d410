//! [`Model`] to text, laid out as NSCS does it: model, crossbar types, neuron types, then one `core` key a core.

use std::fmt::Write;

use super::parse::number_of;
use super::{Core, Model, NeuronType, Row, Rows, runs};
use crate::foreign::json::quoted;

/// Writes a model file. Reading it gives the same model.
#[must_use]
pub fn write_nscs(model: &Model) -> String {
    let mut parts = vec![format!("\t/* General model parameters */\n\t\"model\":{}", model.header.print(Some(1)))];
    if !model.prototypes.is_empty() {
        let prototypes: Vec<String> = model.prototypes.iter().map(|(name, rows)| prototype(name, rows)).collect();
        parts.push(format!("\t/* Crossbar type library */\n\t\"crossbarTypes\":[\n{}\n\t]", prototypes.join(",\n")));
    }
    let types: Vec<String> = model.types.iter().map(neuron_type).collect();
    parts.push(format!("\t/* Neuron type library */\n\t\"neuronTypes\":[\n{}\n\t]", types.join(",\n")));
    parts.extend(model.cores.iter().map(|one| core(one, &model.types)));
    format!("{{\n{}\n}}\n", parts.join(",\n"))
}

fn prototype(name: &str, list: &[Row]) -> String {
    format!("\t\t{{\n\t\t\t\"name\":{},\n\t\t\t\"crossbar\":{}\n\t\t}}", quoted(name), rows(list))
}

fn rows(list: &[Row]) -> String {
    let mut text = String::from("{\n\t\t\t/* Row parameters */\n\t\t\t\"rows\":[\n");
    for (index, row) in list.iter().enumerate() {
        let bytes: Vec<String> = row.synapses.iter().map(|byte| format!("{byte:02X}")).collect();
        let comma = if index + 1 < list.len() { "," } else { "" };
        _ = writeln!(text, "\t\t\t\t{{\"type\":\"S{}\",\"synapses\":\"{}\"}}{comma}", row.kind, bytes.join(" "));
    }
    text + "\t\t\t]\n\t\t\t}"
}

fn neuron_type(n: &NeuronType) -> String {
    let mut text = format!("\t\t{{\"name\":{},\"class\":\"NeuronGeneral\"", quoted(&n.name));
    for (kind, sigma) in n.sigma.iter().enumerate() {
        _ = write!(text, ",\"sigma{kind}\":{sigma}");
    }
    for (kind, s) in n.s.iter().enumerate() {
        _ = write!(text, ",\"s{kind}\":{s}");
    }
    for (kind, b) in n.b.iter().enumerate() {
        _ = write!(text, ",\"b{kind}\":{b}");
    }
    _ = write!(text, ",\"sigma_lambda\":{},\"lambda\":{}", n.sigma_lambda, n.lambda);
    _ = write!(text, ",\"c_lambda\":{},\"epsilon\":{}", n.c_lambda, n.epsilon);
    _ = write!(text, ",\"alpha\":{},\"beta\":{},\"TM\":{}", n.alpha, n.beta, n.tm);
    _ = write!(text, ",\"gamma\":{},\"kappa\":{}", n.gamma, n.kappa);
    _ = write!(text, ",\"sigma_VR\":{},\"VR\":{},\"V\":{}}}", n.sigma_vr, n.vr, n.v);
    text
}

fn core(core: &Core, types: &[NeuronType]) -> String {
    let mut text = String::from("\t/* Core parameters */\n\t\"core\":{\n");
    if let Some(metadata) = &core.metadata {
        _ = writeln!(text, "\t\t\"metadata\":{},", metadata.print(Some(2)));
    }
    _ = writeln!(text, "\t\t\"id\":{},\n\t\t\"timeScaleExponent\":0,\n\t\t\"rngSeed\":{},", core.id, core.seed);
    _ = writeln!(text, "\t\t/* Core neuron connectivity parameters */\n\t\t\"neurons\":{},", neurons(core, types));
    let crossbar = match &core.rows {
        Rows::Named(name) => format!("{{\n\t\t\t\"name\":{}\n\t\t}}", quoted(name)),
        Rows::Own(list) => rows(list),
    };
    _ = write!(text, "\t\t/* Core crossbar parameters */\n\t\t\"crossbar\":{crossbar}\n\t}}");
    text
}

/// Run-length lists where every type has a number, else one object a neuron.
fn neurons(core: &Core, types: &[NeuronType]) -> String {
    let numbers: Option<Vec<i64>> = core
        .neurons
        .iter()
        .map(|link| link.kind.map_or(Some(0), |kind| number_of(&types[kind as usize].name)))
        .collect();
    let Some(numbers) = numbers else {
        // Unused neurons have no name: they are left out.
        let used = core.neurons.iter().filter_map(|link| link.kind.map(|kind| (kind, link)));
        let objects: Vec<String> = used
            .map(|(kind, link)| {
                let name = quoted(&types[kind as usize].name);
                let (core, axon, delay) = (link.core, link.axon, link.delay);
                format!(
                    "\t\t\t{{\"type\":{name},\"dendrite\":{},\"destCore\":{core},\"destAxon\":{axon},\"delay\":{delay}}}",
                    link.dendrite
                )
            })
            .collect();
        return format!("[\n{}\n\t\t]", objects.join(",\n"));
    };
    let list = |numbers: Vec<i64>| runs::compress(&numbers);
    let column = |of: fn(&super::Link) -> i64| list(core.neurons.iter().map(of).collect());
    let lists = [
        ("dendrites", column(|link| i64::from(link.dendrite))),
        ("types", list(numbers)),
        ("destCores", column(|link| i64::from(link.core))),
        ("destAxons", column(|link| i64::from(link.axon))),
        ("destDelays", column(|link| i64::from(link.delay))),
    ];
    let lines: Vec<String> = lists.iter().map(|(key, list)| format!("\t\t\t\"{key}\":{list}")).collect();
    format!("{{\n{}\n\t\t}}", lines.join(",\n"))
}
