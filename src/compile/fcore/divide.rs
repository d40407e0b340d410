//! Partition: each population is cut into blocks of rows x columns x channels, the block that needs fewest cores.

use std::collections::BTreeSet;

use super::fan::{FanIn, Source};
use crate::chip::ChipSpec;
use crate::diag::{Problem, Result};
use crate::graph::{IntGraph, Population};

/// What a core does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Everything of its neurons.
    Whole,
    /// The sums of a part of their sources, for the core that follows all parts.
    Partial,
    /// Adds the sums of the parts before it.
    Total,
}

/// One core before it has a place.
pub(super) struct Plan {
    pub(super) kind: Kind,
    pub(super) population: usize,
    /// Neurons of the population, ascending.
    pub(super) members: Vec<u32>,
    /// What its axons are, ascending.
    pub(super) sources: Vec<Source>,
    /// Of a part: the plan that adds it.
    pub(super) total: usize,
}

/// The cores of every population, in network order.
pub(super) fn divide(graph: &IntGraph, chip: &ChipSpec, fan: &FanIn) -> Result<Vec<Plan>> {
    let wide = fan.wide(chip.capacity.axons_in);
    let mut plans = Vec::new();
    for (number, population) in graph.populations.iter().enumerate().filter(|(_, population)| !population.is_input()) {
        let blocks = best(population, number, chip, fan, wide[number]);
        for members in blocks {
            let sources = fan.union(number, &members);
            if !wide[number] {
                plans.push(Plan { kind: Kind::Whole, population: number, members, sources, total: 0 });
                continue;
            }
            let parts = sources.chunks(chip.capacity.axons_in as usize);
            let total = plans.len() + parts.len();
            for part in parts {
                let (members, sources) = (members.clone(), part.to_vec());
                plans.push(Plan { kind: Kind::Partial, population: number, members, sources, total });
            }
            plans.push(Plan { kind: Kind::Total, population: number, members, sources: Vec::new(), total });
        }
        if plans.len() as u32 > chip.usable_cores() {
            let what = format!("the network needs {} cores up to here", plans.len());
            return Err(Problem::misfit("fcore/cores", format!("population '{}'", population.name), what)
                .limit(format!("{} cores on chip '{}'", chip.usable_cores(), chip.name))
                .help("smaller layers, or a board of several chips")
                .into());
        }
    }
    Ok(plans)
}

/// The neurons of each block, for the shape of block that needs fewest cores, ties to the first.
fn best(population: &Population<impl Sized>, number: usize, chip: &ChipSpec, fan: &FanIn, wide: bool) -> Vec<Vec<u32>> {
    let (room, axons) = (chip.capacity.neurons as usize, chip.capacity.axons_in as usize);
    let sides = match population.shape.as_slice() {
        [channels, height, width] => [*channels, *height, *width].map(|side| side as usize),
        _ => [population.size(), 1, 1],
    };
    let lengths = |side: usize| (1..=side).map(|parts| side.div_ceil(parts)).collect::<BTreeSet<usize>>();
    let mut least: Option<(usize, Vec<Vec<u32>>)> = None;
    for rows in lengths(sides[1]) {
        for columns in lengths(sides[2]).into_iter().filter(|columns| rows * columns <= room) {
            for channels in lengths(sides[0]).into_iter().filter(|channels| rows * columns * channels <= room) {
                let blocks = blocks(sides, [channels, rows, columns]);
                if least.as_ref().is_some_and(|(cores, _)| blocks.len() >= *cores) {
                    continue;
                }
                let fed = blocks.iter().map(|block| fan.union(number, block).len());
                let cores = if wide {
                    Some(fed.map(|sources| sources.div_ceil(axons) + 1).sum())
                } else {
                    fed.map(|sources| (sources <= axons).then_some(1)).sum::<Option<usize>>()
                };
                if let Some(cores) = cores.filter(|cores| least.as_ref().is_none_or(|(least, _)| cores < least)) {
                    least = Some((cores, blocks));
                }
            }
        }
    }
    // Blocks of one neuron always fit.
    least.map(|(_, blocks)| blocks).unwrap_or_default()
}

/// Flat numbers of the neurons of every block, blocks of channels innermost.
fn blocks([channels, height, width]: [usize; 3], [deep, high, wide]: [usize; 3]) -> Vec<Vec<u32>> {
    let mut blocks = Vec::new();
    for y in (0..height).step_by(high) {
        for x in (0..width).step_by(wide) {
            for c in (0..channels).step_by(deep) {
                let mut block = Vec::new();
                for channel in c..(c + deep).min(channels) {
                    for row in y..(y + high).min(height) {
                        block.extend(
                            (x..(x + wide).min(width)).map(|column| ((channel * height + row) * width + column) as u32),
                        );
                    }
                }
                blocks.push(block);
            }
        }
    }
    blocks
}
