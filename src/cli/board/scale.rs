//! `board scale`: throughput of measured networks over the chips of a board.

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::choice::ChipTuning;
use super::super::console::Console;
use crate::board::scale::{Division, Measured, SOURCE, measured, predict};
use crate::chip::{Family, SteppedSpec, load_board};
use crate::diag::{Problem, Result, nearest};

#[derive(Debug, ClapArgs)]
pub(super) struct ScaleArgs {
    /// A built-in board or a board file of stepped chips, such as `ka200_server`
    #[arg(value_name = "NAME|FILE")]
    board: String,
    /// The measured network, as the chip file names it
    #[arg(long, value_name = "NAME", default_value = "resnetlif50")]
    workload: String,
    /// Steps of a sample
    #[arg(long, value_name = "T", default_value_t = 48, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    steps: u32,
    /// Chips that share a model: 1 (time split alone) or 2
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=2))]
    ways: u32,
    #[command(flatten)]
    tuning: ChipTuning,
}

/// One number of chips.
struct Row {
    chips: u32,
    frames: f64,
    latency_ms: f64,
    published: Option<Measured>,
}

impl Row {
    /// Of the frames a second, in percent.
    fn error(&self) -> Option<f64> {
        self.published.map(|published| 100.0 * (self.frames / published.frames - 1.0))
    }
}

pub(super) fn run(args: &ScaleArgs, console: &Console) -> Result<u8> {
    let board = load_board(&args.board, &args.tuning.options()?)?;
    let spec = board.kinds.iter().find_map(|kind| match &kind.family {
        Family::Stepped(spec) if board.kinds.len() == 1 => Some(spec),
        _ => None,
    });
    let Some(spec) = spec else {
        let what = "its chips are not stepped ones of one kind";
        return Err(Problem::invalid("board/scale", board.name.as_str(), what)
            .limit("chips of family 'stepped', such as ka200")
            .help("use ka200_server or hp300; networks for other boards are compiled and run")
            .into());
    };
    let rows = rows(args, spec, board.chips.len() as u32)?;
    let idle = board.idle_nanowatts.map(|power| power as f64 * 1e-9);
    if console.json() {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| {
                json!({
                    "chips": row.chips, "frames_per_second": row.frames, "latency_ms": row.latency_ms,
                    "published": row.published.map(|published| published.frames),
                    "published_latency_ms": row.published.and_then(|published| published.latency_ms),
                    "error_percent": row.error(), "fitted": row.published.map(|published| published.fitted),
                })
            })
            .collect();
        let object = json!({
            "board": board.name, "workload": args.workload, "steps": args.steps, "ways": args.ways, "rows": rows,
            "idle_watts": idle, "active_watts": null, "source": SOURCE,
        });
        console.object("board scale", object);
        return Ok(0);
    }
    let told = |value: Option<f64>, digits: usize| value.map_or(String::new(), |value| format!("{value:.digits$}"));
    let table = rows.iter().map(|row| {
        vec![
            row.chips.to_string(),
            format!("{:.2}", row.frames),
            told(row.published.map(|published| published.frames), 2),
            row.error().map_or(String::new(), |error| format!("{error:+.1} %")),
            row.published.map_or("", |published| if published.fitted { "fitted" } else { "held out" }).to_owned(),
            format!("{:.1}", row.latency_ms),
            told(row.published.and_then(|published| published.latency_ms), 0),
        ]
    });
    let header = ["chips", "frames/s", "published", "error", "", "latency ms", "published"];
    let split = if args.ways > 1 { "time x 2-way model split" } else { "time split" };
    let idle = idle.map_or("unknown".to_owned(), |watts| format!("{watts:.2} W"));
    console.result(&format!(
        "{}: {}, {} steps, {split}\n{}\nidle power of the board: {idle}; active power: unknown (not published)\npublished: {SOURCE}",
        board.name,
        args.workload,
        args.steps,
        console.table(&header, table.collect()),
    ));
    Ok(0)
}

fn rows(args: &ScaleArgs, spec: &SteppedSpec, chips: u32) -> Result<Vec<Row>> {
    let Some(workload) = spec.workloads.iter().find(|workload| workload.name == args.workload) else {
        let names: Vec<&str> = spec.workloads.iter().map(|workload| workload.name.as_str()).collect();
        let what = format!("the chip file has no workload '{}'", args.workload);
        let mut problem = Problem::invalid("board/workload", "--workload", what).limit(names.join(", "));
        problem.help = nearest(&args.workload, names).map(|near| format!("did you mean '{near}'?"));
        return Err(problem.into());
    };
    let published = measured();
    let rows: Vec<Row> = (1..=chips)
        .filter_map(|chips| {
            let division = Division { steps: args.steps, chips, ways: args.ways };
            let found = predict(workload, division)?;
            let same = |row: &&Measured| row.workload == args.workload && row.division == division;
            let published = published.iter().find(same).copied();
            Some(Row { chips, frames: found.frames, latency_ms: found.latency.as_seconds() * 1e3, published })
        })
        .collect();
    if rows.is_empty() {
        let what = format!("workload '{}' was not measured with {} chips a model", args.workload, args.ways);
        return Err(Problem::invalid("board/scale", "--ways", what).help("use --ways 1").into());
    }
    Ok(rows)
}
