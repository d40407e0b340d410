//! What lava-nc, nengo-loihi and brian2-loihi made of the same networks, against ours in their dialects: u, v and
//! spikes of every neuron in every step, from the compiled and emulated image, from the oracle, and from Loihi 2 with the
//! neuron program `cuba`, exactly.
//!
//! `SPIKELOOM_GOLDEN` names a folder whose `loihi` holds `cases/NAME.json` with `NAME.npz` and
//! `expected/DIALECT/NAME.npz`; without it the copies in `tests/golden` are run. A case that a dialect cannot express
//! must be refused by the compiler, with a reason. `chip_best_guess` has no reference: emulator and oracle are held
//! against each other.

mod case;

use std::path::{Path, PathBuf};

use case::{Case, Series};
use spikeloom::chip::{self, ChipSpec, Dialect, LoadOptions};
use spikeloom::compile::{Compiled, Log, Options, compile};
use spikeloom::diag::Problems;
use spikeloom::emu::{Chip, Program, Quiet, Record, RunOptions, run};
use spikeloom::graph::Network;
use spikeloom::oracle;
use spikeloom::stimulus::{Sample, Stimulus};

/// Loihi (1 or 2) with the dialect, and with biases as wide as the simulators take them, which no longer are the chip's
/// (lava and nengo check none).
fn loihi(name: &str, dialect: Dialect) -> ChipSpec {
    let bias_bits = if matches!(dialect, Dialect::Lava | Dialect::Nengo) { "16" } else { "13" };
    let dialect = ("core.cuba.dialect", dialect.name());
    let set = [dialect, ("core.cuba.bias_bits", bias_bits)];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    chip::load(name, &LoadOptions { set, ..LoadOptions::default() }).expect("the built-in chip loads")
}

/// u and v tick by tick from the chip, spikes from a run with timing.
fn emulate(compiled: &Compiled, chip: &ChipSpec, sample: &Sample) -> Vec<Series> {
    let program = Program::new(&compiled.image, chip).expect("a compiled image is loaded");
    let mut running = Chip::new(&program, false, &Record::None);
    let populations = &compiled.image.populations;
    let mut series: Vec<Series> =
        populations.iter().map(|population| Series::empty(population.places.len(), sample.ticks)).collect();
    for tick in 0..sample.ticks {
        let now: Vec<_> = sample.spikes.iter().filter(|spike| spike.tick == tick).copied().collect();
        running.tick(&now);
        for (series, population) in series.iter_mut().zip(populations) {
            for place in &population.places {
                let state = running.probe(*place).expect("every neuron is loaded");
                series.u.push(state.u.into());
                series.v.push(state.v.into());
            }
        }
    }
    let stimulus = Stimulus { samples: vec![sample.clone()], inputs: program.inputs() };
    let options = RunOptions { timing: true, threads: 1, strict: false, record: Record::All };
    let result = run(&compiled.image, chip, &stimulus, &options, &Quiet).expect("it runs");
    for spike in result.samples[0].spikes.iter().filter(|spike| spike.tick < sample.ticks) {
        series[spike.population as usize].fire(spike.tick, spike.neuron);
    }
    series
}

fn consult(compiled: &Compiled, sample: &Sample, dialect: Dialect) -> Vec<Series> {
    let traced = oracle::cuba::trace(&compiled.network, sample, sample.ticks, dialect);
    let places = compiled.image.populations.iter().map(|population| population.places.len());
    let mut series: Vec<Series> = places.map(|size| Series::empty(size, sample.ticks)).collect();
    for (tick, populations) in (0..).zip(&traced) {
        for (series, traced) in series.iter_mut().zip(populations) {
            series.u.extend(&traced.u);
            series.v.extend(&traced.v);
            traced.fired.iter().for_each(|&neuron| series.fire(tick, neuron));
        }
    }
    series
}

/// Compiles the case as the dialect would build it.
fn build(case: &Case, chip: &ChipSpec, dialect: Dialect) -> Result<Compiled, Problems> {
    let network = Network::Int(case.network(dialect)?);
    compile(&network, chip, &Options::default(), &mut Log::default())
}

/// What came of one case in one dialect.
enum Outcome {
    /// Equal in so many values.
    Exact(usize),
    /// Equal with each other, but there is no reference.
    Unreferenced,
    /// The dialect cannot express it.
    Refused(String),
    /// What differs first, and where.
    Differs(String),
}

fn judge(folder: &Path, case: &Case, dialect: Dialect) -> Outcome {
    let chip = loihi("loihi", dialect);
    let expected = case.expected(&folder.join("expected").join(dialect.name()));
    let compiled = match (build(case, &chip, dialect), &expected) {
        (Ok(compiled), _) => compiled,
        (Err(problems), None) => return Outcome::Refused(first_line(&problems)),
        (Err(problems), Some(_)) => return Outcome::Differs(format!("refused, but there is a reference: {problems}")),
    };
    let sample = case.sample();
    let emulated = emulate(&compiled, &chip, &sample);
    let consulted = consult(&compiled, &sample, dialect);
    // Loihi 2 runs the same network with the neuron program 'cuba'.
    let programmable = loihi("loihi2", dialect);
    let programmed = match build(case, &programmable, dialect) {
        Ok(compiled) => emulate(&compiled, &programmable, &sample),
        Err(problems) => return Outcome::Differs(format!("refused on Loihi 2: {problems}")),
    };
    let Some(expected) = expected else {
        let apart = case.first_difference(&emulated, &consulted).map(|at| format!("emulator against oracle: {at}"));
        let apart = apart.or_else(|| {
            case.first_difference(&emulated, &programmed).map(|at| format!("emulator against microprogram: {at}"))
        });
        return apart.map_or(Outcome::Unreferenced, Outcome::Differs);
    };
    for (path, found) in [("emulator", &emulated), ("oracle", &consulted), ("microprogram", &programmed)] {
        if let Some(at) = case.first_difference(found, &expected) {
            return Outcome::Differs(format!("{path} against reference: {at}"));
        }
    }
    Outcome::Exact(expected.iter().map(|series| series.u.len() + series.v.len() + series.s.len()).sum())
}

fn first_line(problems: &Problems) -> String {
    let problem = &problems.all()[0];
    let limit = problem.limit.as_ref().map(|limit| format!(" ({limit})")).unwrap_or_default();
    format!("{}: {}{limit}", problem.place, problem.what)
}

#[test]
fn every_case_is_exact_in_every_dialect_that_can_express_it() {
    let given = std::env::var_os("SPIKELOOM_GOLDEN").map(PathBuf::from);
    let root = given.clone().unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden"));
    let folder = root.join("loihi");
    let cases = case::read_all(&folder.join("cases"));
    assert!(!cases.is_empty(), "no case in {} (SPIKELOOM_GOLDEN is {given:?})", folder.display());
    let mut failed = Vec::new();
    for (dialect, name) in Dialect::ALL {
        let (mut exact, mut refused, mut unreferenced, mut values) = (0, 0, 0, 0);
        for case in &cases {
            match judge(&folder, case, dialect) {
                Outcome::Exact(count) => (exact, values) = (exact + 1, values + count),
                Outcome::Unreferenced => {
                    unreferenced += 1;
                    if dialect != Dialect::ChipBestGuess {
                        println!("{name} {}: no reference; emulator and oracle agree", case.name);
                    }
                }
                Outcome::Refused(why) => {
                    refused += 1;
                    println!("{name} {}: not expressible: {why}", case.name);
                }
                Outcome::Differs(what) => failed.push(format!("{name} {}: {what}", case.name)),
            }
        }
        println!(
            "golden_loihi {name}: {exact} of {} cases exact in {values} values, {refused} not expressible, \
             {unreferenced} without reference",
            cases.len()
        );
        assert!(
            exact > 0 || dialect == Dialect::ChipBestGuess || !failed.is_empty(),
            "nothing was compared in dialect {name} in {}",
            folder.display()
        );
    }
    assert!(failed.is_empty(), "{} differ:\n{}", failed.len(), failed.join("\n"));
}
