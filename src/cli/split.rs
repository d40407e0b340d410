//! What fan-in splitting did to a network, and what that changes: the whole and the split network side by side in the oracle.

use serde_json::{Value, json};

use super::console::Console;
use super::progress;
use crate::compile::{Compiled, Log};
use crate::oracle::Difference;
use crate::stimulus::Stimulus;

/// Runs the network before and after splitting; `None` where nothing was split.
pub(super) fn measure(compiled: &Compiled, stimulus: &Stimulus, console: &Console) -> Option<Difference> {
    let whole = compiled.split.as_ref()?;
    let mut found = Difference::of(&whole.network);
    let bar = progress::bar(console, stimulus.samples.len() as u64, "measuring the split");
    let stop = progress::interrupt();
    for sample in &stimulus.samples {
        if stop.load(std::sync::atomic::Ordering::Relaxed) {
            break;
        }
        found.add((&whole.network, &compiled.network), &whole.lags, sample, whole.depth);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Some(found)
}

/// For `--json`: null where nothing was split.
pub(super) fn to_json(log: &Log, compiled: &Compiled, measured: Option<&Difference>) -> Value {
    let (Some(split), Some(whole)) = (&log.split, &compiled.split) else { return Value::Null };
    let populations = |found: &Difference| {
        let of = |(population, spikes): (&crate::graph::Population<_>, &crate::oracle::Spikes)| {
            json!({
                "name": population.name, "neurons": spikes.neurons, "spikes_whole": spikes.whole,
                "spikes_split": spikes.changed, "spikes_moved": spikes.moved, "neurons_miscounted": spikes.miscounted,
                "spikes_off": spikes.off,
            })
        };
        whole.network.populations.iter().zip(&found.populations).map(of).collect::<Vec<_>>()
    };
    let error = measured.map(|found| {
        json!({
            "samples": found.samples, "agreeing": found.agreeing, "labelled": found.labelled,
            "right_whole": found.right.0, "right_split": found.right.1, "populations": populations(found),
        })
    });
    let lags = whole.network.populations.iter().zip(&whole.lags).map(|(p, lag)| (p.name.clone(), json!(lag)));
    json!({
        "neurons": split.neurons, "parts": split.parts, "levels": split.levels, "cores": split.cores,
        "ticks_later": lags.collect::<serde_json::Map<_, _>>(), "error": error,
    })
}

/// A table of what differs, and a sentence of what is read.
pub(super) fn text(compiled: &Compiled, found: &Difference, console: &Console) -> String {
    let Some(whole) = &compiled.split else { return String::new() };
    let row = |(population, spikes): (&crate::graph::Population<_>, &crate::oracle::Spikes)| {
        let share = 100.0 * spikes.moved as f64 / (spikes.whole + spikes.changed).max(1) as f64;
        let neurons = spikes.neurons * found.samples;
        vec![
            population.name.clone(),
            spikes.whole.to_string(),
            spikes.changed.to_string(),
            format!("{} ({share:.2} %)", spikes.moved),
            format!("{} of {neurons}", spikes.miscounted),
            format!("{:.3}", spikes.off as f64 / neurons.max(1) as f64),
        ]
    };
    let rows = whole.network.populations.iter().zip(&found.populations).filter(|(_, spikes)| spikes.neurons > 0);
    let header =
        ["population", "spikes whole", "split", "in one alone", "neurons with another count", "mean difference"];
    let mut text = console.table(&header, rows.map(row).collect());
    text.push_str(&format!("\nsplit against whole: {} of {} samples read the same", found.agreeing, found.samples));
    if found.labelled > 0 {
        let (whole, split) = found.right;
        text.push_str(&format!(", {whole} right whole and {split} split of {}", found.labelled));
    }
    text
}
