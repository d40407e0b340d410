//! `board lay`: a network of structure only onto a whole board.

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::choice::ChipTuning;
use super::super::console::Console;
use super::super::map::{Clock, check_limit, interrupted};
use crate::board::lay::{Busiest, Laid, Laying, lay};
use crate::chip::{BoardSpec, ChipSpec, SIDES, load_board};
use crate::diag::{Problem, Result};
use crate::energy::event_joules;
use crate::event::Event;
use crate::partition::layers::Layers;
use crate::place::Budget;
use crate::units::Picos;

/// Seconds where none are given.
const TIME_LIMIT: f64 = 500.0;

#[derive(Debug, ClapArgs)]
pub(super) struct LayArgs {
    /// A built-in board or a board file
    #[arg(value_name = "NAME|FILE")]
    board: String,
    /// The network, from its layers, such as conv:25x1000x1000/25k5p2/25k5p2 (CxHxW, then conv CkK[sS][pP], poolK or a
    /// dense layer's size); all layers are placed, and no connection is listed
    #[arg(long, value_name = "conv:LAYERS")]
    generate: String,
    /// Spikes of a neuron in a step, for loads of links
    #[arg(long, value_name = "SPIKES", default_value_t = 0.1)]
    rate: f64,
    /// By which share a layer may take more cores than the fewest, for less traffic
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    slack: f64,
    /// Placement strategy with parameters, as for `map place`; bisection cuts along chip borders first
    #[arg(long, value_name = "NAME[,KEY=VALUE...]", default_value = "bisection")]
    strategy: String,
    /// Seed of strategies that draw
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Seconds that the placement may take
    #[arg(long, value_name = "SECONDS")]
    time_limit: Option<f64>,
    #[command(flatten)]
    tuning: ChipTuning,
}

/// What a step asks of the chips' links at a rate.
struct Step {
    /// Time that the busiest border line and the busiest inner link are occupied.
    border: Option<Picos>,
    inner: Option<Picos>,
    /// Joules of the bits over borders.
    joules: Option<f64>,
}

pub(super) fn run(args: &LayArgs, console: &Console) -> Result<u8> {
    check_limit(args.time_limit)?;
    let share = |value: f64, option: &str, most: f64| {
        let problem = || Problem::invalid("cli/range", option, value.to_string()).limit(format!("0 to {most}"));
        if (0.0..=most).contains(&value) { Ok(()) } else { Err(problem()) }
    };
    share(args.rate, "--rate", 1000.0)?;
    share(args.slack, "--slack", 10.0)?;
    let Some(net) = args.generate.strip_prefix("conv:") else {
        let problem =
            Problem::invalid("partition/layers", "--generate", format!("'{}' is no generator", args.generate));
        return Err(problem.limit("conv:LAYERS").help("write conv:25x1000x1000/25k5p2/25k5p2, for example").into());
    };
    let layers = Layers::read(net, "--generate")?;
    let strategy = args.strategy.parse()?;
    let board = load_board(&args.board, &args.tuning.options()?)?;
    let clock = Clock::new(args.time_limit.unwrap_or(TIME_LIMIT), console, "laying");
    let budget = Budget { seed: args.seed, seconds: clock.limit.as_secs_f64(), chains: 1, watch: &clock };
    let laying = Laying { layers: &layers, strategy: &strategy, slack: args.slack, budget };
    let (chip, laid) = lay(&board, &laying)?;
    let seconds = clock.seconds();
    clock.bar.finish_and_clear();
    let step = step(&chip, &laid, args.rate);
    if console.json() {
        console.object("board lay", object(args, &board, &chip, &laid, &step, seconds));
    } else {
        console.result(&text(args, &board, &chip, &laid, &step, seconds));
    }
    Ok(if interrupted() { super::super::INTERRUPTED } else { 0 })
}

fn step(chip: &ChipSpec, laid: &Laid, rate: f64) -> Step {
    let edge = chip.mesh.edge.as_ref();
    let occupied = |busiest: &Option<Busiest>, each: Option<Picos>| {
        let (packets, each) = (busiest.as_ref().map_or(0.0, |busiest| busiest.packets * rate), each?);
        Some(Picos((packets * each.0 as f64) as u64))
    };
    let bits = laid.crossings * rate * edge.map_or(0.0, |edge| f64::from(edge.packet_bits));
    Step {
        border: occupied(&laid.border, edge.and_then(|edge| edge.cycle)),
        inner: occupied(&laid.inner, chip.mesh.cycle),
        joules: event_joules(&chip.energy, Event::ChipCrossingBit).map(|each| each * bits),
    }
}

fn place(busiest: &Option<Busiest>) -> String {
    let told = |found: &Busiest| format!("router ({}, {}) {}", found.router.0, found.router.1, SIDES[found.side]);
    busiest.as_ref().map_or("none".to_owned(), told)
}

fn packets(busiest: &Option<Busiest>, rate: f64) -> f64 {
    busiest.as_ref().map_or(0.0, |found| found.packets * rate)
}

fn object(
    args: &LayArgs,
    board: &BoardSpec,
    chip: &ChipSpec,
    laid: &Laid,
    step: &Step,
    seconds: f64,
) -> serde_json::Value {
    let rate = args.rate;
    json!({
        "board": board.name, "network": args.generate, "neurons": laid.neurons, "synapses": laid.synapses,
        "cores": laid.measures.cores, "cores_of_board": chip.cores(), "chips": laid.chips,
        "chips_of_board": board.chips.len(), "tiles": laid.tiles, "strategy": laid.strategy, "seed": args.seed,
        "digest": laid.digest.to_string(), "rate": rate, "packets": laid.traffic.packets * rate,
        "hops": laid.traffic.hops * rate, "border_crossings": laid.crossings * rate,
        "busiest_border": place(&laid.border), "busiest_border_packets": packets(&laid.border, rate),
        "busiest_border_ps": step.border.map(|time| time.0), "border_joules": step.joules,
        "busiest_inner": place(&laid.inner), "busiest_inner_packets": packets(&laid.inner, rate),
        "busiest_inner_ps": step.inner.map(|time| time.0), "barrier_ps": laid.barrier.map(|time| time.0),
        "seconds": seconds,
    })
}

fn text(args: &LayArgs, board: &BoardSpec, chip: &ChipSpec, laid: &Laid, step: &Step, seconds: f64) -> String {
    let rate = args.rate;
    let time = |time: Option<Picos>| time.map_or("unknown".to_owned(), |time| time.to_string());
    let border = |what: &str, busiest: &Option<Busiest>, occupied: Option<Picos>| {
        let packets = packets(busiest, rate);
        format!("{what}: {}, {packets:.0} packets a step, occupied {}\n", place(busiest), time(occupied))
    };
    let mut text = format!("{}: {}\n", board.name, args.generate);
    text.push_str(&format!(
        "{} neurons, {} synapses on {} of {} cores, {} of {} chips; {} in {seconds:.1} s, digest {}\n",
        laid.neurons,
        laid.synapses,
        laid.measures.cores,
        chip.cores(),
        laid.chips,
        board.chips.len(),
        laid.strategy,
        laid.digest.short(),
    ));
    text.push_str(&format!(
        "at {rate} spikes a neuron and step: {:.3e} packets, {:.2} hops each; {:.3e} crossings of chip borders ({:.3} a packet)\n",
        laid.traffic.packets * rate,
        laid.traffic.hops / laid.traffic.packets.max(1.0),
        laid.crossings * rate,
        laid.crossings / laid.traffic.packets.max(1.0),
    ));
    text.push_str(&border("busiest line over a border", &laid.border, step.border));
    text.push_str(&border("busiest link inside a chip", &laid.inner, step.inner));
    let energy = step.joules.map_or("unknown".to_owned(), |joules| format!("{joules:.3e} J"));
    text.push_str(&format!("energy of the bits over borders: {energy} a step\n"));
    match laid.barrier {
        Some(barrier) => {
            text.push_str(&format!("barrier over {} tiles of {} chips: {barrier}\n", laid.tiles, laid.chips));
        }
        None => text.push_str("no barrier: ticks of fixed length\n"),
    }
    board.unknown.iter().for_each(|key| text.push_str(&format!("unknown: board.{key}\n")));
    text
}
