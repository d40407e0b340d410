//! `neuron`: one neuron of a program, tick by tick, with its states as a plot.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::console::{Console, read_text, write};
use crate::diag::{Problem, Problems, Result, nearest};
use crate::isa::{self, BUILTIN, Binding, Draws, Lanes, Program, Sent};

/// Arguments of `neuron`.
#[derive(Debug, Args)]
pub(super) struct NeuronArgs {
    /// The program: a .nmc file or a built-in one such as lif
    pub program: PathBuf,
    /// What an input receives in every tick, or from a tick on and until another (INPUT=VALUE, INPUT=VALUE@FROM..TO)
    #[arg(short, long = "input", value_name = "INPUT=VALUE")]
    pub inputs: Vec<String>,
    /// A parameter
    #[arg(short, long = "set", value_name = "NAME=VALUE")]
    pub parameters: Vec<String>,
    /// Ticks to run
    #[arg(long, default_value_t = 72, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub ticks: u32,
    /// Write states and spikes of every tick as CSV
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Overwrite the output
    #[arg(long)]
    pub force: bool,
}

/// Rows of a plot.
const ROWS: usize = 9;

/// What an input receives from a tick on, until before another.
struct Drive {
    input: usize,
    value: i32,
    from: u32,
    to: u32,
}

/// Everything that the neuron did.
struct Trace {
    /// By state, then tick.
    states: Vec<Vec<i32>>,
    /// By output, then tick: the payload, 1 for a plain spike, `None` where silent.
    outputs: Vec<Vec<Option<i32>>>,
    cycles: u64,
}

pub(super) fn run(args: &NeuronArgs, console: &Console) -> Result<u8> {
    let (name, program) = load(&args.program)?;
    let drives = drives(&program, &args.inputs)?;
    let bound = parameters(&args.parameters)?;
    let lanes = Lanes::new(program.clone(), 1, &bound, Draws { seed: 0, core: 0, first: 0 })?;
    let trace = play(lanes, &drives, args.ticks);
    if let Some(output) = &args.output {
        write(output, csv(&program, &trace, args.ticks).as_bytes(), args.force)?;
    }
    if console.json() {
        let spikes: Vec<_> = program
            .outputs
            .iter()
            .zip(&trace.outputs)
            .map(|(name, of)| json!({ "output": name, "payloads": of }))
            .collect();
        let states: Vec<_> = program
            .states
            .iter()
            .zip(&trace.states)
            .map(|(state, of)| json!({ "state": state.name, "values": of }))
            .collect();
        console.object(
            "neuron",
            json!({ "ticks": args.ticks, "cycles": trace.cycles, "states": states, "spikes": spikes }),
        );
        return Ok(0);
    }
    let mut text = format!("{name}: {} ticks, {} cycles a tick\n", args.ticks, trace.cycles / u64::from(args.ticks));
    let columns = usize::from(console.width()).saturating_sub(14).clamp(20, 100);
    for (state, values) in program.states.iter().zip(&trace.states) {
        plot(&state.name, values, columns, &mut text);
    }
    for (output, sent) in program.outputs.iter().zip(&trace.outputs) {
        raster(output, sent, columns, &mut text);
    }
    console.result(text.trim_end());
    Ok(0)
}

fn load(path: &std::path::Path) -> Result<(String, Program)> {
    let name = path.display().to_string();
    if let Some(text) = isa::builtin_text(&name) {
        return Ok((name.clone(), isa::assemble(text, &name)?));
    }
    if path.extension().is_none() {
        let what = format!("'{name}' is no built-in program");
        let names: Vec<&str> = BUILTIN.iter().map(|(name, _)| *name).collect();
        let problem = Problem::invalid("isa/program", "", what).limit(names.join(", "));
        return Err(match nearest(&name, names) {
            Some(near) => problem.help(format!("did you mean '{near}'?")),
            None => problem.help("name a built-in program or a .nmc file"),
        }
        .into());
    }
    let text = read_text(path)?;
    Ok((name.clone(), isa::assemble(&text, &name)?))
}

fn drives(program: &Program, given: &[String]) -> Result<Vec<Drive>> {
    let mut found = Vec::new();
    let drives =
        given.iter().filter_map(|text| drive(program, text).map_err(|problem| found.push(problem)).ok()).collect();
    Problems::check(found, drives)
}

/// `current=100` or `current=100@10..20`.
fn drive(program: &Program, text: &str) -> std::result::Result<Drive, Problem> {
    let bad = |what: &str| {
        Problem::invalid("isa/input", format!("--input {text}"), what.to_owned())
            .limit("INPUT=VALUE or INPUT=VALUE@FROM..TO")
    };
    let (name, rest) = text.split_once('=').ok_or_else(|| bad("it has no '='"))?;
    let (value, span) = rest.split_once('@').map_or((rest, None), |(value, span)| (value, Some(span)));
    let input = program.inputs.iter().position(|known| known == name).ok_or_else(|| {
        let problem = bad(&format!("the program has no input '{name}'"));
        let near = nearest(name, program.inputs.iter().map(String::as_str));
        near.map_or(problem.clone(), |near| problem.help(format!("did you mean '{near}'?")))
    })?;
    let value = value.parse().map_err(|_| bad("the value is no whole number of 32 bits"))?;
    let (from, to) = match span.map(|span| span.split_once("..")) {
        None => (0, u32::MAX),
        Some(Some((from, to))) => {
            let tick = |text: &str| text.parse::<u32>().map_err(|_| bad("a tick is no whole number"));
            let (from, to) = (tick(from)?, tick(to)?);
            if from >= to {
                let help = format!("ticks {from} to {from} are {from}..{}", from.saturating_add(1));
                return Err(bad("its span holds no tick: TO is not in it").help(help));
            }
            (from, to)
        }
        Some(None) => return Err(bad("a span is FROM..TO")),
    };
    Ok(Drive { input, value, from, to })
}

fn parameters(given: &[String]) -> Result<Vec<(String, Binding)>> {
    let mut found = Vec::new();
    let mut bound = Vec::new();
    for text in given {
        match text.split_once('=').and_then(|(name, value)| Some((name, value.parse().ok()?))) {
            Some((name, value)) => bound.push((name.to_owned(), Binding::Shared(value))),
            None => {
                let problem = Problem::invalid("isa/parameter", format!("--set {text}"), "it is not NAME=VALUE");
                found.push(problem.limit("a whole number of 32 bits"));
            }
        }
    }
    Problems::check(found, bound)
}

fn play(mut lanes: Lanes, drives: &[Drive], ticks: u32) -> Trace {
    let (states, inputs, outputs) =
        (lanes.program().states.len(), lanes.program().inputs.len(), lanes.program().outputs.len());
    let mut trace = Trace { states: vec![Vec::new(); states], outputs: vec![Vec::new(); outputs], cycles: 0 };
    for tick in 0..ticks {
        let mut sums = vec![[0_i32]; inputs];
        for drive in drives.iter().filter(|drive| (drive.from..drive.to).contains(&tick)) {
            sums[drive.input][0] = sums[drive.input][0].wrapping_add(drive.value);
        }
        let sums: Vec<&[i32]> = sums.iter().map(|sum| &sum[..]).collect();
        trace.outputs.iter_mut().for_each(|sent| sent.push(None));
        let sent = &mut trace.outputs;
        trace.cycles += lanes.step(&sums, tick, &mut |_, what| {
            if let Sent::Spike { output, payload } = what {
                sent[usize::from(output)][tick as usize] = Some(payload.unwrap_or(1));
            }
        });
        for (slot, values) in trace.states.iter_mut().enumerate() {
            values.push(lanes.state(slot)[0]);
        }
    }
    trace
}

fn csv(program: &Program, trace: &Trace, ticks: u32) -> String {
    let names =
        program.states.iter().map(|state| state.name.as_str()).chain(program.outputs.iter().map(String::as_str));
    let mut text = format!("tick,{}\n", names.collect::<Vec<_>>().join(","));
    for tick in 0..ticks as usize {
        let states = trace.states.iter().map(|values| values[tick].to_string());
        let sent = trace.outputs.iter().map(|sent| sent[tick].map_or(String::new(), |payload| payload.to_string()));
        let _ = writeln!(text, "{tick},{}", states.chain(sent).collect::<Vec<_>>().join(","));
    }
    text
}

/// Ticks that a column shows.
fn per_column(ticks: usize, columns: usize) -> usize {
    ticks.div_ceil(columns).max(1)
}

/// A state over time: each column reaches from the least to the greatest value of its ticks.
fn plot(name: &str, values: &[i32], columns: usize, text: &mut String) {
    let (low, high) = (values.iter().min().copied().unwrap_or(0), values.iter().max().copied().unwrap_or(0));
    let span = (i64::from(high) - i64::from(low)).max(1);
    let row = |value: i32| ((i64::from(value) - i64::from(low)) * (ROWS as i64 - 1) / span) as usize;
    let columns: Vec<(usize, usize)> = values
        .chunks(per_column(values.len(), columns))
        .map(|ticks| (row(*ticks.iter().min().unwrap_or(&low)), row(*ticks.iter().max().unwrap_or(&low))))
        .collect();
    let _ = writeln!(text, "\n{name}");
    for level in (0..ROWS).rev() {
        let label = if level == ROWS - 1 {
            high.to_string()
        } else if level == 0 {
            low.to_string()
        } else {
            String::new()
        };
        let line: String =
            columns.iter().map(|(from, to)| if (*from..=*to).contains(&level) { '█' } else { ' ' }).collect();
        let _ = writeln!(text, "{label:>11} ┤{}", line.trim_end());
    }
}

fn raster(name: &str, sent: &[Option<i32>], columns: usize, text: &mut String) {
    let count = sent.iter().flatten().count();
    let line: String = sent
        .chunks(per_column(sent.len(), columns))
        .map(|ticks| if ticks.iter().any(Option::is_some) { '|' } else { '·' })
        .collect();
    let _ = writeln!(text, "\n{name}: {count} spikes\n            │{line}");
}
