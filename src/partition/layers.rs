//! Layered networks as a line of text, such as `1x28x28/6k5p2/pool2/16k5/pool2/120/84/10`: connections are a rule,
//! never a list, so that a million neurons take no memory.
//!
//! The first layer is `CHANNELSxHEIGHTxWIDTH`; then `CkK`, with `sS` and `pP` where stride and padding are not 1 and
//! 0, is a convolution to C channels with a K x K kernel, `poolK` joins K x K neurons of a channel, and a bare number
//! is a dense layer of so many neurons.

use super::{Hypergraph, Limits};
use crate::diag::{Problem, Result};

/// Most neurons of a network: they are numbered in 30 bits.
const MOST_NEURONS: u64 = 1 << 30;
/// Most synapses that are listed one by one: 8 bytes each, twice.
const MOST_LISTED: u64 = 1 << 27;

/// How a layer is fed by the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// From outside.
    Outside,
    /// All channels through a window.
    Convolution {
        /// Side of the window.
        kernel: usize,
        /// Step of the window.
        stride: usize,
        /// Rows and columns beyond the edge.
        padding: usize,
    },
    /// The same channel through windows side by side.
    Pool {
        /// Side and step of the window.
        kernel: usize,
    },
    /// Every neuron.
    Dense,
}

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Channels.
    pub channels: usize,
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// How it is fed.
    pub input: Input,
}

/// How the neurons of a layer are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Channel, row, column: as NIR flattens.
    ChannelsFirst,
    /// Row, column, channel.
    ChannelsLast,
}

impl Layer {
    /// Neurons.
    #[must_use]
    pub const fn neurons(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// Synapses into it from a layer.
    fn synapses(&self, before: &Self) -> u64 {
        let window = |kernel: usize| (self.neurons() * kernel * kernel) as u64;
        match self.input {
            Input::Outside => 0,
            Input::Convolution { kernel, .. } => window(kernel).saturating_mul(before.channels as u64),
            Input::Pool { kernel } => window(kernel),
            Input::Dense => (self.neurons() as u64).saturating_mul(before.neurons() as u64),
        }
    }

    /// The number of a neuron within the layer.
    #[must_use]
    pub const fn number(&self, order: Order, channel: usize, row: usize, column: usize) -> usize {
        match order {
            Order::ChannelsFirst => (channel * self.height + row) * self.width + column,
            Order::ChannelsLast => (row * self.width + column) * self.channels + channel,
        }
    }

    /// Kernel, stride and padding of a layer with a window.
    pub(super) const fn window(&self) -> Option<(usize, usize, usize)> {
        match self.input {
            Input::Convolution { kernel, stride, padding } => Some((kernel, stride, padding)),
            Input::Pool { kernel } => Some((kernel, kernel, 0)),
            Input::Outside | Input::Dense => None,
        }
    }
}

/// The lines (rows or columns) of a layer of `lines` whose window holds line `at` of the layer before.
pub(super) fn reached(
    at: usize,
    lines: usize,
    (kernel, stride, padding): (usize, usize, usize),
) -> std::ops::Range<usize> {
    let low = (at + padding + 1).saturating_sub(kernel).div_ceil(stride);
    let high = ((at + padding) / stride + 1).min(lines);
    low.min(high)..high
}

/// A network of layers, each fed by the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layers {
    /// From input to output.
    pub layers: Vec<Layer>,
}

impl Layers {
    /// Reads a line; `place` is what problems are named after.
    ///
    /// # Errors
    /// `partition/layers` with the layer and its number.
    pub fn read(text: &str, place: &str) -> Result<Self> {
        let mut layers: Vec<Layer> = Vec::new();
        let mut neurons = 0_u64;
        for (at, word) in text.split('/').map(str::trim).enumerate() {
            let wrong = |what: &str| {
                Problem::invalid("partition/layers", place, format!("layer {}, '{word}', {what}", at + 1))
                    .help("write CxHxW first, then layers such as 6k5p2, 8k3s2p1, pool2 or 120, with / between them")
            };
            let layer = match layers.last() {
                None => first(word),
                Some(before) => next(word, before),
            };
            let Some(layer) = layer else { return Err(wrong("is none").into()) };
            let size = (layer.channels as u64).saturating_mul(layer.height as u64).saturating_mul(layer.width as u64);
            neurons = neurons.saturating_add(size);
            if size == 0 {
                return Err(wrong("has no neurons: its window is larger than the layer before, or a side is 0").into());
            }
            if neurons > MOST_NEURONS {
                return Err(wrong("makes the network too large").limit(format!("{MOST_NEURONS} neurons")).into());
            }
            layers.push(layer);
        }
        Ok(Self { layers })
    }

    /// Neurons of all layers.
    #[must_use]
    pub fn neurons(&self) -> usize {
        self.layers.iter().map(Layer::neurons).sum()
    }

    /// Synapses of all layers, those beyond an edge included.
    #[must_use]
    pub fn synapses(&self) -> u64 {
        self.layers.windows(2).map(|pair| pair[1].synapses(&pair[0])).sum()
    }

    /// Every connection in a list, a spike a neuron, for strategies that need one.
    ///
    /// # Errors
    /// `partition/size` where the list would be too long.
    pub fn hypergraph(&self, order: Order, place: &str) -> Result<Hypergraph> {
        if self.synapses() > MOST_LISTED {
            return Err(Problem::invalid("partition/size", place, format!("{} synapses", self.synapses()))
                .limit(format!("{MOST_LISTED} in a list"))
                .help("use --strategy conv-tiling, which needs no list")
                .into());
        }
        let mut nets = Vec::new();
        let mut first = 0;
        for pair in self.layers.windows(2) {
            let (from, to) = (&pair[0], &pair[1]);
            let mut fan = vec![Vec::new(); from.neurons()];
            for (number, targets) in fan.iter_mut().enumerate() {
                let (channel, row, column) = coordinates(from, order, number);
                let mut add = |channel, row, column| {
                    targets.push((first + from.neurons() + to.number(order, channel, row, column)) as u32);
                };
                let all = to.window().is_none();
                let lines = |at: usize, lines: usize| to.window().map_or(0..lines, |window| reached(at, lines, window));
                let same = matches!(to.input, Input::Pool { .. });
                let channels = if same { channel..channel + 1 } else { 0..to.channels };
                debug_assert!(!(all && same));
                for c in channels {
                    for y in lines(row, to.height) {
                        lines(column, to.width).for_each(|x| add(c, y, x));
                    }
                }
            }
            let sources = fan.into_iter().enumerate().map(|(number, targets)| ((first + number) as u32, 1, targets));
            nets.extend(sources.filter(|(_, _, targets)| !targets.is_empty()));
            first += from.neurons();
        }
        Ok(Hypergraph::of(self.neurons(), nets, &Limits::of_neurons(u64::MAX)))
    }
}

fn coordinates(layer: &Layer, order: Order, number: usize) -> (usize, usize, usize) {
    match order {
        Order::ChannelsFirst => {
            (number / (layer.height * layer.width), number / layer.width % layer.height, number % layer.width)
        }
        Order::ChannelsLast => {
            let cell = number / layer.channels;
            (number % layer.channels, cell / layer.width, cell % layer.width)
        }
    }
}

/// A side or a count; larger ones could not be multiplied.
fn number(text: &str) -> Option<usize> {
    text.parse().ok().filter(|number| (1..=1 << 30).contains(number))
}

fn first(word: &str) -> Option<Layer> {
    let mut sides = word.split('x').map(number);
    let layer =
        Layer { channels: sides.next()??, height: sides.next()??, width: sides.next()??, input: Input::Outside };
    sides.next().is_none().then_some(layer)
}

fn next(word: &str, before: &Layer) -> Option<Layer> {
    if let Some(kernel) = word.strip_prefix("pool") {
        let kernel = number(kernel)?;
        let (height, width) = (before.height / kernel, before.width / kernel);
        return Some(Layer { channels: before.channels, height, width, input: Input::Pool { kernel } });
    }
    let Some((channels, rest)) = word.split_once('k') else {
        return Some(Layer { channels: number(word)?, height: 1, width: 1, input: Input::Dense });
    };
    let (rest, padding) = match rest.split_once('p') {
        Some((rest, padding)) => (rest, padding.parse().ok().filter(|padding| *padding <= 1 << 20)?),
        None => (rest, 0),
    };
    let (kernel, stride) = match rest.split_once('s') {
        Some((kernel, stride)) => (number(kernel)?, number(stride)?),
        None => (number(rest)?, 1),
    };
    let side = |lines: usize| (lines + 2 * padding).checked_sub(kernel).map_or(0, |left| left / stride + 1);
    let (height, width) = (side(before.height), side(before.width));
    Some(Layer { channels: number(channels)?, height, width, input: Input::Convolution { kernel, stride, padding } })
}
