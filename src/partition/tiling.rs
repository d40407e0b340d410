//! `conv-tiling`: every layer is cut into blocks of rows x columns x channels, a core each.
//!
//! After the layer tiling of NxTF (Rueckauer et al. 2021, arXiv 2101.04261) and of Nengo-Loihi's block shapes.
//! Deviations: blocks are scored by the traffic that they cause, not by cores alone, and in closed form: the cores
//! that a source reaches are a product of rows, columns and channels, so that neither connections nor neurons are
//! listed. Each layer takes the block with the least traffic among those that need at most a share (`slack`) more
//! cores than the fewest. Layers share no core, and every neuron spikes once.

use super::layers::{Input, Layer, Layers, Order, reached};
use super::{Limits, Measures};
use crate::diag::{Problem, Result};

/// Most pairs of cores with traffic that are listed: 16 bytes each.
const MOST_PAIRS: u64 = 1 << 27;

/// A block of neurons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// Rows.
    pub rows: usize,
    /// Columns.
    pub columns: usize,
    /// Channels.
    pub channels: usize,
}

/// How many lines of the layer before meet each block of lines: (block, block before, lines).
type Meeting = (usize, usize, usize);

impl Block {
    /// Blocks along rows, columns and channels of a layer.
    fn counts(&self, layer: &Layer) -> [usize; 3] {
        let along = |size: usize, block: usize| size.div_ceil(block);
        [along(layer.height, self.rows), along(layer.width, self.columns), along(layer.channels, self.channels)]
    }

    fn cores(&self, layer: &Layer) -> usize {
        self.counts(layer).iter().product()
    }
}

/// Layers with their blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tiling<'a> {
    layers: &'a Layers,
    /// The block of each layer.
    pub blocks: Vec<Block>,
}

/// Along one side: for each size of a block how many blocks the lines before reach in all, and the most lines before
/// that one block needs.
struct Side {
    touches: Vec<u64>,
    needs: Vec<u64>,
}

impl Side {
    fn new(before: usize, lines: usize, window: (usize, usize, usize), most: usize) -> Self {
        let most = most.min(lines);
        let mut side = Self { touches: vec![0; most + 1], needs: vec![0; most + 1] };
        for block in 1..=most {
            let mut met = vec![0_u64; lines.div_ceil(block)];
            for at in 0..before {
                let range = reached(at, lines, window);
                if !range.is_empty() {
                    (range.start / block..=(range.end - 1) / block).for_each(|b| met[b] += 1);
                }
            }
            side.touches[block] = met.iter().sum();
            side.needs[block] = met.iter().copied().max().unwrap_or(0);
        }
        side
    }
}

/// Inbound axons of a core and traffic into the layer, for a block.
fn charge(layer: &Layer, before: Option<&Layer>, block: &Block, sides: Option<&[Side; 2]>) -> (u64, u64) {
    let Some(before) = before else { return (0, 0) };
    let [_, _, across] = block.counts(layer).map(|count| count as u64);
    match (layer.input, sides) {
        (Input::Convolution { .. }, Some([y, x])) => {
            let channels = before.channels as u64;
            let needs = y.needs[block.rows] * x.needs[block.columns] * channels;
            (needs, y.touches[block.rows] * x.touches[block.columns] * channels * across)
        }
        (Input::Pool { .. }, Some([y, x])) => {
            let needs = y.needs[block.rows] * x.needs[block.columns] * block.channels as u64;
            (needs, y.touches[block.rows] * x.touches[block.columns] * layer.channels as u64)
        }
        _ => (before.neurons() as u64, before.neurons() as u64 * block.cores(layer) as u64),
    }
}

impl<'a> Tiling<'a> {
    /// The best blocks within `limits`.
    ///
    /// # Errors
    /// `partition/neuron` where a neuron of a layer needs more axons than a core has.
    pub fn choose(layers: &'a Layers, limits: &Limits, slack: f64, place: &str) -> Result<Self> {
        let mut blocks = Vec::with_capacity(layers.layers.len());
        for (at, layer) in layers.layers.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &layers.layers[before]);
            let Some(block) = best(layer, before, limits, slack) else {
                return Err(Problem::misfit(
                    "partition/neuron",
                    place,
                    format!("a neuron of layer {} fits no core alone", at + 1),
                )
                .limit(format!("{} neurons, {} inbound axons a core", limits.neurons, limits.axons))
                .help("larger cores, or split the fan-in of this layer first")
                .into());
            };
            blocks.push(block);
        }
        Ok(Self { layers, blocks })
    }

    /// Cores of all layers.
    #[must_use]
    pub fn cores(&self) -> usize {
        self.blocks.iter().zip(&self.layers.layers).map(|(block, layer)| block.cores(layer)).sum()
    }

    /// The core of every neuron.
    #[must_use]
    pub fn division(&self, order: Order) -> Vec<u32> {
        let mut division = Vec::with_capacity(self.layers.neurons());
        let mut first = 0;
        for (layer, block) in self.layers.layers.iter().zip(&self.blocks) {
            let (start, [_, wide, deep]) = (division.len(), block.counts(layer));
            division.resize(start + layer.neurons(), 0);
            for channel in 0..layer.channels {
                for row in 0..layer.height {
                    for column in 0..layer.width {
                        let core = (row / block.rows * wide + column / block.columns) * deep + channel / block.channels;
                        division[start + layer.number(order, channel, row, column)] = (first + core) as u32;
                    }
                }
            }
            first += block.cores(layer);
        }
        division
    }

    /// Cost and load, from the blocks alone. Every neuron spikes once.
    #[must_use]
    pub fn measures(&self) -> Measures {
        let mut found = Measures { cores: self.cores(), ..Measures::default() };
        let (mut nets, mut touches) = (0_u64, 0_u64);
        for (at, (layer, block)) in self.layers.layers.iter().zip(&self.blocks).enumerate() {
            let clip = |block: usize, size: usize| block.min(size);
            let neurons = clip(block.rows, layer.height)
                * clip(block.columns, layer.width)
                * clip(block.channels, layer.channels);
            found.neurons_max = found.neurons_max.max(neurons as u64);
            let Some(before) = at.checked_sub(1).map(|before| &self.layers.layers[before]) else { continue };
            let sides = sides(layer, before, block.rows, block.columns);
            let (axons, traffic) = charge(layer, Some(before), block, sides.as_ref());
            found.axons_max = found.axons_max.max(axons);
            found.axons_sum += traffic;
            found.km1 += traffic;
            let heard = |lines: usize, before: usize| match layer.window() {
                Some(window) => (0..before).filter(|&at| !reached(at, lines, window).is_empty()).count() as u64,
                None => before as u64,
            };
            let sources =
                heard(layer.height, before.height) * heard(layer.width, before.width) * before.channels as u64;
            found.cut += sources;
            nets += sources;
            touches += traffic + sources;
        }
        found.connectivity = touches as f64 / nets.max(1) as f64;
        found
    }

    /// Spikes from core to core: (source, target, spikes).
    ///
    /// # Errors
    /// `partition/size` where the list would be too long.
    pub fn traffic(&self, place: &str) -> Result<Vec<(u32, u32, f64)>> {
        let mut list = Vec::new();
        let mut first = 0;
        for at in 1..self.layers.layers.len() {
            let (before, layer) = (&self.layers.layers[at - 1], &self.layers.layers[at]);
            let (from, to) = (&self.blocks[at - 1], &self.blocks[at]);
            let [y, x] = [
                meetings(before.height, layer.height, layer.window(), from.rows, to.rows),
                meetings(before.width, layer.width, layer.window(), from.columns, to.columns),
            ];
            let channels = across(layer, before, from, to);
            let pairs = (y.len() as u64).saturating_mul(x.len() as u64).saturating_mul(channels.len() as u64);
            if pairs.saturating_add(list.len() as u64) > MOST_PAIRS {
                return Err(Problem::invalid(
                    "partition/size",
                    place,
                    format!("{pairs} pairs of cores in layer {}", at + 1),
                )
                .limit(format!("{MOST_PAIRS} pairs"))
                .help("larger cores")
                .into());
            }
            let after = first + from.cores(before);
            let ([_, from_wide, from_deep], [_, wide, deep]) = (from.counts(before), to.counts(layer));
            for &(row, row_before, rows) in &y {
                for &(column, column_before, columns) in &x {
                    for &(channel, channel_before, depth) in &channels {
                        let source = first + (row_before * from_wide + column_before) * from_deep + channel_before;
                        let target = after + (row * wide + column) * deep + channel;
                        list.push((source as u32, target as u32, (rows * columns * depth) as f64));
                    }
                }
            }
            first = after;
        }
        Ok(list)
    }
}

/// Channels of the layer before that meet each block of channels.
fn across(layer: &Layer, before: &Layer, from: &Block, to: &Block) -> Vec<Meeting> {
    let window = if matches!(layer.input, Input::Pool { .. }) { Some((1, 1, 0)) } else { None };
    meetings(before.channels, layer.channels, window, from.channels, to.channels)
}

fn meetings(
    before: usize,
    lines: usize,
    window: Option<(usize, usize, usize)>,
    from: usize,
    to: usize,
) -> Vec<Meeting> {
    let mut met: Vec<Meeting> = Vec::new();
    for source in 0..before.div_ceil(from) {
        let mut count = vec![0; lines.div_ceil(to)];
        let (mut first, mut last) = (usize::MAX, 0);
        for at in source * from..((source + 1) * from).min(before) {
            let range = window.map_or(0..lines, |window| reached(at, lines, window));
            if range.is_empty() {
                continue;
            }
            let blocks = range.start / to..(range.end - 1) / to + 1;
            (first, last) = (first.min(blocks.start), last.max(blocks.end));
            blocks.for_each(|block| count[block] += 1);
        }
        met.extend((first..last).filter(|&block| count[block] > 0).map(|block| (block, source, count[block])));
    }
    met
}

fn sides(layer: &Layer, before: &Layer, rows: usize, columns: usize) -> Option<[Side; 2]> {
    let window = layer.window()?;
    Some([Side::new(before.height, layer.height, window, rows), Side::new(before.width, layer.width, window, columns)])
}

/// The block of a layer with the least traffic among those with few cores.
fn best(layer: &Layer, before: Option<&Layer>, limits: &Limits, slack: f64) -> Option<Block> {
    let room = usize::try_from(limits.neurons).unwrap_or(usize::MAX);
    let sides = before.and_then(|before| sides(layer, before, room, room));
    let mut legal: Vec<(usize, u64, usize, Block)> = Vec::new();
    for rows in 1..=layer.height.min(room) {
        for columns in 1..=layer.width.min(room / rows) {
            let most = layer.channels.min(room / (rows * columns));
            // Fewer channels than fit help where axons are limited and a pool's axons grow with them.
            let mut channels = most;
            while channels > 0 {
                let block = Block { rows, columns, channels };
                let (axons, traffic) = charge(layer, before, &block, sides.as_ref());
                if axons <= limits.axons {
                    legal.push((block.cores(layer), traffic, rows.abs_diff(columns), block));
                    break;
                }
                channels = if matches!(layer.input, Input::Pool { .. }) { channels - 1 } else { 0 };
            }
        }
    }
    let fewest = legal.iter().map(|found| found.0).min()?;
    let most = (fewest as f64 * (1.0 + slack)) as usize;
    let few = legal.into_iter().filter(|found| found.0 <= most);
    few.min_by_key(|&(cores, traffic, skew, _)| (traffic, cores, skew)).map(|found| found.3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::measure;

    #[test]
    fn the_closed_form_is_what_the_pins_say() {
        let nets = ["1x28x28/6k5p2/pool2/16k5/pool2/120/84/10", "2x9x7/3k3s2p1/5k2/pool2/4", "3x8x8/4k3p1", "5x6/7"];
        let mut ran = 0;
        for text in nets {
            let Ok(layers) = Layers::read(text, "net") else { continue };
            for (neurons, axons) in [(64, 1 << 20), (16, 1 << 20), (256, 1_600), (7, 1_200)] {
                let limits = Limits { axons, ..Limits::of_neurons(neurons) };
                let Ok(tiling) = Tiling::choose(&layers, &limits, 0.1, "net") else { continue };
                for order in [Order::ChannelsFirst, Order::ChannelsLast] {
                    let graph = layers.hypergraph(order, "net").expect("small");
                    let told = tiling.measures();
                    assert_eq!(told, measure(&graph, &tiling.division(order), &limits), "{text} {limits:?}");
                    let traffic = tiling.traffic("net").expect("small");
                    let sum: f64 = traffic.iter().map(|pair| pair.2).sum();
                    assert_eq!(sum, told.km1 as f64, "{text} {limits:?}");
                }
                ran += 1;
            }
        }
        assert_eq!(ran, 12, "of 12 tilings");
    }

    #[test]
    fn the_chosen_block_is_the_best_of_all() {
        let layers = Layers::read("2x12x10/4k3p1", "net").expect("a net");
        let limits = Limits { axons: 90, ..Limits::of_neurons(20) };
        let chosen = Tiling::choose(&layers, &limits, 0.0, "net").expect("fits");
        let mut least = (usize::MAX, u64::MAX);
        for rows in 1..=12 {
            for columns in 1..=10 {
                for channels in 1..=4 {
                    let block = Block { rows, columns, channels };
                    let tiling = Tiling { layers: &layers, blocks: vec![chosen.blocks[0], block] };
                    let found = tiling.measures();
                    if found.neurons_max <= 20 && found.axons_max <= 90 {
                        least = least.min((found.cores, found.km1));
                    }
                }
            }
        }
        assert_eq!((chosen.cores(), chosen.measures().km1), least);
    }

    #[test]
    fn lines_that_are_no_network_are_refused() {
        let tell = |text: &str| Layers::read(text, "net").expect_err(text).to_string();
        assert!(tell("5x6/7").contains("layer 1, '5x6', is none"));
        assert!(tell("1x4x4/6k5").contains("layer 2, '6k5', has no neurons"));
        assert!(tell("1x4x4/k5").contains("layer 2, 'k5', is none"));
        assert!(tell("1x40000x40000").contains("too large"));
        assert!(tell("1x4x4/pool9").contains("has no neurons"));
        let layers = Layers::read("4x256x256/8k5p2/4k5p2", "net").expect("a net");
        assert_eq!((layers.neurons(), layers.synapses()), (1_048_576, 104_857_600));
        assert!(Tiling::choose(&layers, &Limits { axons: 99, ..Limits::of_neurons(9) }, 0.0, "net").is_err());
    }
}
