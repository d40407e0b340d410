//! Packets between the chips and hosts of any board, whatever its chips are.
//!
//! Each direction of a wire is a line of its own; the wires of a bus share one line for both directions. The links of
//! an unshared border stand side by side: as one line that is as many times as fast. A wire whose bandwidth is unknown
//! takes no time, and one whose latency is unknown has none: `Sent::unknown` names them.

use std::collections::{BTreeMap, BTreeSet};

use super::Routes;
use super::queue::{Journey, Leg, Line, Lines, Load};
use crate::chip::BoardSpec;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::units::Picos;

/// Most packets of a list.
const MOST_PACKETS: u64 = 1 << 24;

/// Packets of one origin, time and destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipment {
    /// When they are ready.
    pub ready: Picos,
    /// Node that sends.
    pub from: usize,
    /// Node that receives.
    pub to: usize,
    /// How many.
    pub packets: u32,
}

/// One line of a board and what it carried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// `FROM -> TO`, or the name of the bus.
    pub name: String,
    /// Kind of link.
    pub kind: String,
    /// Bits of all packets.
    pub bits: u64,
    /// Packets and times.
    pub load: Load,
}

/// What became of the packets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Sent {
    /// Packets delivered.
    pub packets: u64,
    /// Sum of their times under way.
    pub total: u128,
    /// Longest time under way.
    pub worst: Picos,
    /// When the last one arrived.
    pub end: Picos,
    /// Lines that carried something, in wire order.
    pub lines: Vec<Carried>,
    /// Energy of the bits in attojoules; `None` where a line that carried something has no price.
    pub attojoules: Option<u128>,
    /// Kinds of link that carried something, with what is unknown of them.
    pub unknown: BTreeSet<String>,
}

/// The lines of a board: the line of each way, and each line's wire.
struct Layout {
    line_of: Vec<u32>,
    wires: Vec<usize>,
    names: Vec<String>,
    lines: Vec<Line>,
}

impl Layout {
    fn new(board: &BoardSpec) -> Self {
        let mut made = Self { line_of: Vec::new(), wires: Vec::new(), names: Vec::new(), lines: Vec::new() };
        let mut of_bus: BTreeMap<usize, u32> = BTreeMap::new();
        for (number, wire) in board.wires.iter().enumerate() {
            let kind = &board.links[wire.link];
            let occupied = kind.packet_time().map_or(0, |time| time.0.div_ceil(u64::from(wire.lanes.max(1))));
            let line = Line { occupied, latency: kind.latency.unwrap_or(Picos::ZERO).0 };
            for (from, to) in [wire.ends, (wire.ends.1, wire.ends.0)] {
                let shared = wire.bus.and_then(|bus| of_bus.get(&bus).copied());
                let at = shared.unwrap_or(made.lines.len() as u32);
                if shared.is_none() {
                    made.lines.push(line);
                    made.wires.push(number);
                    made.names.push(match wire.bus {
                        Some(bus) => board.buses[bus].clone(),
                        None => format!("{} -> {}", board.node_name(from), board.node_name(to)),
                    });
                    wire.bus.map(|bus| of_bus.insert(bus, at));
                }
                made.line_of.push(at);
            }
        }
        made
    }
}

/// Sends all of them at their times.
#[must_use]
pub fn send(board: &BoardSpec, shipments: &[Shipment]) -> Sent {
    let (routes, layout) = (Routes::new(board), Layout::new(board));
    let mut lines = Lines::new(layout.lines.clone());
    let (mut legs, mut journeys) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<(usize, usize), std::ops::Range<usize>> = BTreeMap::new();
    for shipment in shipments {
        let way = known.entry((shipment.from, shipment.to)).or_insert_with(|| {
            let first = legs.len();
            let ways = routes.between(shipment.from, shipment.to);
            legs.extend(ways.into_iter().map(|way| Leg { line: layout.line_of[way], before: 0 }));
            first..legs.len()
        });
        let journey = Journey { ready: shipment.ready.0, legs: way.clone(), after: 0 };
        journeys.extend(std::iter::repeat_n(journey, shipment.packets as usize));
    }
    let mut ends = Vec::new();
    lines.carry(&journeys, &legs, &mut ends);
    let mut sent = Sent { packets: journeys.len() as u64, attojoules: Some(0), ..Sent::default() };
    for (journey, end) in journeys.iter().zip(&ends) {
        let time = end - journey.ready;
        sent.total += u128::from(time);
        sent.worst = sent.worst.max(Picos(time));
        sent.end = sent.end.max(Picos(*end));
    }
    for (line, load) in lines.loads().iter().enumerate().filter(|(_, load)| load.packets > 0) {
        let kind = &board.links[board.wires[layout.wires[line]].link];
        let bits = load.packets * u64::from(kind.packet_bits);
        let price = kind.attojoules_per_bit;
        sent.attojoules = sent.attojoules.zip(price).map(|(sum, each)| sum + u128::from(each) * u128::from(bits));
        for (missing, what) in [
            (kind.bits_per_second.is_none(), "bandwidth"),
            (kind.latency.is_none(), "latency"),
            (price.is_none(), "energy_per_bit"),
        ] {
            if missing {
                sent.unknown.insert(format!("link.{}.{what}", kind.name));
            }
        }
        sent.lines.push(Carried { name: layout.names[line].clone(), kind: kind.name.clone(), bits, load: *load });
    }
    sent
}

/// Reads a list of packets: lines `time_ns,from,to,packets` under this header; nodes by name.
///
/// # Errors
/// `board/traffic` for every line that is none, with its number.
pub fn read(text: &str, file: &str, board: &BoardSpec) -> Result<Vec<Shipment>> {
    const HEADER: &str = "time_ns,from,to,packets";
    let mut rows = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = rows.next().map(|(_, line)| line.trim());
    if header != Some(HEADER) {
        let what = format!("the first line is '{}'", header.unwrap_or_default());
        return Err(Problem::invalid("board/traffic", file, what).limit(HEADER).help("write the header first").into());
    }
    let names: BTreeMap<&str, usize> = (0..board.nodes()).map(|node| (board.node_name(node), node)).collect();
    let (mut list, mut problems, mut sum) = (Vec::new(), Vec::new(), 0_u64);
    for (number, line) in rows {
        match row(line, &names) {
            Ok(shipment) => {
                sum += u64::from(shipment.packets);
                list.push(shipment);
            }
            Err((what, help)) => {
                let problem = Problem::invalid("board/traffic", format!("{file}:{}", number + 1), what);
                problems.push(problem.limit(HEADER).help(help));
            }
        }
        if problems.len() >= 20 {
            break;
        }
    }
    if sum > MOST_PACKETS {
        let problem = Problem::invalid("board/traffic", file, format!("{sum} packets"));
        problems.push(problem.limit(format!("{MOST_PACKETS} packets")).help("send a shorter time"));
    }
    Problems::check(problems, list)
}

fn row(line: &str, names: &BTreeMap<&str, usize>) -> std::result::Result<Shipment, (String, String)> {
    // Names of array chips hold a comma: what is in brackets belongs together.
    let mut depth = 0_i32;
    let cells: Vec<&str> = line
        .split(|c| {
            depth += i32::from(c == '[') - i32::from(c == ']');
            c == ',' && depth == 0
        })
        .map(str::trim)
        .collect();
    let [time, from, to, packets] = cells.as_slice() else {
        return Err((format!("{} fields", cells.len()), "write four, with commas between them".to_owned()));
    };
    let number = |text: &str, most: u64| text.parse::<u64>().ok().filter(|number| *number <= most);
    let Some(ns) = number(time, 1_000_000_000_000) else {
        return Err((format!("time '{time}'"), "whole nanoseconds, at most 10^12".to_owned()));
    };
    let Some(packets) = number(packets, MOST_PACKETS) else {
        return Err((format!("'{packets}' packets"), format!("a whole number, at most {MOST_PACKETS}")));
    };
    let node = |name: &str| {
        names.get(name).copied().ok_or_else(|| {
            let near = nearest(name, names.keys().copied());
            let help =
                near.map_or("`spikeloom board show` lists them".to_owned(), |near| format!("did you mean '{near}'?"));
            (format!("'{name}' is neither a chip nor a host of the board"), help)
        })
    };
    Ok(Shipment { ready: Picos::from_nanos(ns), from: node(from)?, to: node(to)?, packets: packets as u32 })
}
