//! `chip`: list, show, check, default.

use serde_json::{Value, json};

use super::args::{ChipAction, ChipArgs};
use super::console::Console;
use crate::chip::{self, ChipSpec, LoadOptions, Status};
use crate::diag::{Problem, Problems, Result};

pub(super) fn run(args: &ChipArgs, console: &Console) -> Result<u8> {
    match &args.action {
        ChipAction::List => list(console),
        ChipAction::Show { chip, tuning } => show(&chip::load(chip, &tuning.options()?)?, console),
        ChipAction::Check { files } => check(files, console),
        ChipAction::Default => {
            console.result(chip::default_text());
            Ok(0)
        }
    }
}

fn list(console: &Console) -> Result<u8> {
    let chips: Vec<ChipSpec> =
        chip::builtin_names().iter().map(|name| chip::load(name, &LoadOptions::default())).collect::<Result<_>>()?;
    if console.json() {
        let list: Vec<_> = chips
            .iter()
            .map(
                |chip| json!({ "name": chip.name, "title": chip.title, "cores": chip.cores(), "family": family(chip) }),
            )
            .collect();
        console.object("chip list", json!({ "chips": list }));
        return Ok(0);
    }
    let row = |chip: &ChipSpec| {
        let (cores, neurons) = (chip.cores().to_string(), chip.capacity.neurons.to_string());
        vec![chip.name.clone(), family(chip).to_owned(), cores, neurons, chip.title.clone()]
    };
    let rows = chips.iter().map(row).collect();
    console.result(&console.table(&["name", "family", "cores", "neurons/core", "what"], rows));
    Ok(0)
}

fn show(chip: &ChipSpec, console: &Console) -> Result<u8> {
    if console.json() {
        let object = json!({
            "name": chip.name, "title": chip.title, "family": family(chip), "digest": chip.digest.to_string(),
            "cost_set": chip.energy.cost_set, "supply_mv": chip.energy.supply_mv,
            "numbers": facts_json(&chip.facts), "unknown": chip.unknown,
        });
        console.object("chip show", object);
        return Ok(0);
    }
    let table = console.table(&["key", "value", "unit", "status", "source"], fact_rows(&chip.facts));
    let mut text = format!(
        "{}: {}\n{} cores, family {}, cost set {} ({}), supply {} mV, digest {}\n{table}\n",
        chip.name,
        chip.title,
        chip.cores(),
        family(chip),
        chip.energy.cost_set,
        chip.energy.cost_note,
        chip.energy.supply_mv,
        chip.digest.short()
    );
    for key in &chip.unknown {
        text.push_str(&format!("unknown: {key}\n"));
    }
    console.result(&text);
    Ok(0)
}

/// Numbers with their sources, for a table.
pub(super) fn fact_rows(facts: &[chip::Fact]) -> Vec<Vec<String>> {
    let row = |fact: &chip::Fact| {
        [&fact.key, &fact.value, &fact.unit, status(fact.status), &fact.source]
            .map(|text: &str| text.to_owned())
            .to_vec()
    };
    facts.iter().map(row).collect()
}

/// The same for scripts.
pub(super) fn facts_json(facts: &[chip::Fact]) -> Value {
    let entry = |fact: &chip::Fact| {
        json!({
            "key": fact.key, "value": fact.value, "unit": fact.unit,
            "status": status(fact.status), "source": fact.source,
        })
    };
    facts.iter().map(entry).collect()
}

fn check(files: &[String], console: &Console) -> Result<u8> {
    let mut problems: Vec<Problem> = Vec::new();
    let mut good = Vec::new();
    for file in files {
        match chip::load(file, &LoadOptions::default()) {
            Ok(chip) => good.push((file, chip)),
            Err(found) => problems.extend(found.into_vec()),
        }
    }
    Problems::check(problems, ())?;
    if console.json() {
        let list: Vec<_> = good
            .iter()
            .map(|(file, chip)| json!({ "file": file, "name": chip.name, "digest": chip.digest.to_string() }))
            .collect();
        console.object("chip check", json!({ "chips": list }));
    } else {
        for (file, chip) in &good {
            let (numbers, unknown) = (chip.facts.len(), chip.unknown.len());
            console.result(&format!("{file}: ok, chip '{}', {numbers} numbers, {unknown} unknown", chip.name));
        }
    }
    Ok(0)
}

fn family(chip: &ChipSpec) -> &'static str {
    chip.family.name()
}

const fn status(status: Status) -> &'static str {
    match status {
        Status::Measured => "measured",
        Status::Published => "published",
        Status::Derived => "derived",
        Status::Estimated => "estimated",
    }
}
