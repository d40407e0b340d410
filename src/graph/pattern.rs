//! Connection patterns: which source reaches which target through which weight. Structure and weights are
//! apart, so that one pattern serves float and integer weights and shared weights are stored once.

use super::Stochastic;
use crate::ids::PopulationId;

/// A bundle of synapses from one population to another.
#[derive(Debug, Clone, PartialEq)]
pub struct Projection<W> {
    /// Unique name.
    pub name: String,
    /// Where spikes come from.
    pub source: PopulationId,
    /// Where they go.
    pub target: PopulationId,
    /// Which source reaches which target.
    pub pattern: Pattern,
    /// The weights that the pattern refers to.
    pub weights: Vec<W>,
    /// Power-of-two scale of integer weights: the effective weight is `w * 2^exponent`; 0 in float graphs.
    pub exponent: i8,
    /// Ticks added to every spike's one tick.
    pub delays: Delays,
}

impl<W> Projection<W> {
    /// Synapses: the multiply-accumulates of one dense evaluation.
    #[must_use]
    pub fn synapses(&self) -> u64 {
        let (sources, _) = self.pattern.shape();
        let mut synapses = 0;
        (0..sources as u32).for_each(|source| self.pattern.visit(source, |_, _| synapses += 1));
        synapses
    }
}

/// Delays of a projection in ticks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Delays {
    /// The same for all synapses.
    Uniform(u16),
    /// One for each weight, in the order of `Projection::weights`.
    PerWeight(Vec<u16>),
}

impl Delays {
    /// The delay of the synapse that uses weight number `weight`.
    #[must_use]
    pub fn of(&self, weight: usize) -> u16 {
        match self {
            Self::Uniform(ticks) => *ticks,
            Self::PerWeight(ticks) => ticks[weight],
        }
    }
}

/// The structure of a projection.
#[derive(Debug, Clone, PartialEq)]
pub enum Pattern {
    /// Every source to every target; weight (target, source) at `target * sources + source`.
    Dense {
        /// Size of the source population.
        sources: u32,
        /// Size of the target population.
        targets: u32,
    },
    /// Source i to target i; one weight each, or one weight for all.
    OneToOne {
        /// Size of both populations.
        size: u32,
        /// Whether a single weight serves all.
        shared: bool,
    },
    /// Compressed rows by source: the synapses of source i are `offsets[i]..offsets[i + 1]`.
    Sparse {
        /// One more than there are sources, ascending.
        offsets: Vec<u32>,
        /// Target of each synapse.
        targets: Vec<u32>,
        /// Weight number of each synapse; empty where synapse k uses weight k.
        weight_index: Vec<u32>,
    },
    /// Two-dimensional cross-correlation as torch's Conv2d; Conv1d has height 1.
    Conv2d(Conv2d),
    /// Sum over windows with one weight (average pooling: 1/area).
    Pool2d(Pool2d),
    /// Every source to every target, the weight a sum of `rank` products of a factor of the target with one of the source.
    /// `Projection::weights` holds the factors: `rank` of each target, then `rank` rows with one of each source. A visit
    /// counts the weights that it stands for, as `Dense` does; [`Projection::expanded`] makes them.
    Factorised {
        /// Size of the source population.
        sources: u32,
        /// Size of the target population.
        targets: u32,
        /// Products a weight.
        rank: u32,
    },
    /// Synapses that a seed draws.
    Stochastic(Stochastic),
}

/// Geometry of a convolution. Weights are (out channel, in channel within the group, kernel y, kernel x).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv2d {
    /// Channels, height, width of the source.
    pub input: [u32; 3],
    /// Channels, height, width of the target.
    pub output: [u32; 3],
    /// Kernel height and width.
    pub kernel: [u32; 2],
    /// Stride in y and x.
    pub stride: [u32; 2],
    /// Zero padding at the top and left (the bottom and right follow from the output size).
    pub padding: [u32; 2],
    /// Dilation in y and x.
    pub dilation: [u32; 2],
    /// Groups; divides both channel counts.
    pub groups: u32,
}

/// Geometry of a pooling: one weight, channels kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool2d {
    /// Channels, height, width of the source.
    pub input: [u32; 3],
    /// Channels, height, width of the target.
    pub output: [u32; 3],
    /// Kernel height and width.
    pub kernel: [u32; 2],
    /// Stride in y and x.
    pub stride: [u32; 2],
    /// Zero padding at the top and left.
    pub padding: [u32; 2],
}

impl Pattern {
    /// Calls `synapse(target, weight number)` for every synapse of `source`, in a fixed order.
    pub fn visit(&self, source: u32, mut synapse: impl FnMut(u32, u32)) {
        match self {
            Self::Dense { sources, targets } | Self::Factorised { sources, targets, .. } => {
                (0..*targets).for_each(|t| synapse(t, t * sources + source));
            }
            Self::OneToOne { shared, .. } => synapse(source, if *shared { 0 } else { source }),
            Self::Sparse { offsets, targets, weight_index } => {
                for k in offsets[source as usize]..offsets[source as usize + 1] {
                    let weight = weight_index.get(k as usize).copied().unwrap_or(k);
                    synapse(targets[k as usize], weight);
                }
            }
            Self::Conv2d(conv) => conv.visit(source, synapse),
            Self::Pool2d(pool) => pool.visit(source, synapse),
            Self::Stochastic(drawn) => drawn.visit(source, synapse),
        }
    }

    /// The number of sources and of targets.
    #[must_use]
    pub fn shape(&self) -> (usize, usize) {
        let volume = |extents: &[u32; 3]| extents.iter().map(|&e| e as usize).product();
        match self {
            Self::Dense { sources, targets }
            | Self::Factorised { sources, targets, .. }
            | Self::Stochastic(Stochastic { sources, targets, .. }) => (*sources as usize, *targets as usize),
            Self::OneToOne { size, .. } => (*size as usize, *size as usize),
            Self::Sparse { offsets, targets, .. } => {
                (offsets.len() - 1, targets.iter().max().map_or(0, |&t| t as usize + 1))
            }
            Self::Conv2d(conv) => (volume(&conv.input), volume(&conv.output)),
            Self::Pool2d(pool) => (volume(&pool.input), volume(&pool.output)),
        }
    }
}

/// The (position, kernel offset) pairs along one axis through which input `at` reaches outputs `0..outputs`.
fn reach(
    at: u32,
    outputs: u32,
    kernel: u32,
    stride: u32,
    padding: u32,
    dilation: u32,
) -> impl Iterator<Item = (u32, u32)> {
    (0..kernel).filter_map(move |k| {
        let shifted = (at + padding).checked_sub(k * dilation)?;
        (shifted.is_multiple_of(stride) && shifted / stride < outputs).then_some((shifted / stride, k))
    })
}

/// Splits a flat index of a (channels, height, width) volume.
const fn split(index: u32, [_, height, width]: [u32; 3]) -> (u32, u32, u32) {
    (index / (height * width), index / width % height, index % width)
}

impl Conv2d {
    fn visit(&self, source: u32, mut synapse: impl FnMut(u32, u32)) {
        let (channel, y, x) = split(source, self.input);
        let [out_channels, out_h, out_w] = self.output;
        let [kernel_h, kernel_w] = self.kernel;
        let (in_per_group, out_per_group) = (self.input[0] / self.groups, out_channels / self.groups);
        let (group, within) = (channel / in_per_group, channel % in_per_group);
        for out_channel in group * out_per_group..(group + 1) * out_per_group {
            for (oy, ky) in reach(y, out_h, kernel_h, self.stride[0], self.padding[0], self.dilation[0]) {
                for (ox, kx) in reach(x, out_w, kernel_w, self.stride[1], self.padding[1], self.dilation[1]) {
                    let target = (out_channel * out_h + oy) * out_w + ox;
                    let weight = ((out_channel * in_per_group + within) * kernel_h + ky) * kernel_w + kx;
                    synapse(target, weight);
                }
            }
        }
    }
}

impl Pool2d {
    fn visit(&self, source: u32, mut synapse: impl FnMut(u32, u32)) {
        let (channel, y, x) = split(source, self.input);
        let [_, out_h, out_w] = self.output;
        for (oy, _) in reach(y, out_h, self.kernel[0], self.stride[0], self.padding[0], 1) {
            for (ox, _) in reach(x, out_w, self.kernel[1], self.stride[1], self.padding[1], 1) {
                synapse((channel * out_h + oy) * out_w + ox, 0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Straight-line convolution: for every output, the inputs that its window covers.
    fn by_output(conv: &Conv2d) -> Vec<(u32, u32, u32)> {
        let mut found = Vec::new();
        let [_, in_h, in_w] = conv.input;
        let per_group = conv.input[0] / conv.groups;
        for oc in 0..conv.output[0] {
            let group = oc / (conv.output[0] / conv.groups);
            for (oy, ox) in (0..conv.output[1]).flat_map(|y| (0..conv.output[2]).map(move |x| (y, x))) {
                for ic in 0..per_group {
                    for (ky, kx) in (0..conv.kernel[0]).flat_map(|y| (0..conv.kernel[1]).map(move |x| (y, x))) {
                        let y = i64::from(oy * conv.stride[0] + ky * conv.dilation[0]) - i64::from(conv.padding[0]);
                        let x = i64::from(ox * conv.stride[1] + kx * conv.dilation[1]) - i64::from(conv.padding[1]);
                        if (0..i64::from(in_h)).contains(&y) && (0..i64::from(in_w)).contains(&x) {
                            let source = ((group * per_group + ic) * in_h + y as u32) * in_w + x as u32;
                            let target = (oc * conv.output[1] + oy) * conv.output[2] + ox;
                            let weight = ((oc * per_group + ic) * conv.kernel[0] + ky) * conv.kernel[1] + kx;
                            found.push((source, target, weight));
                        }
                    }
                }
            }
        }
        found.sort_unstable();
        found
    }

    #[test]
    fn a_convolution_seen_from_its_sources_is_the_one_seen_from_its_targets() {
        for (stride, padding, dilation, groups) in [(1, 0, 1, 1), (2, 1, 1, 1), (1, 2, 2, 2), (3, 1, 1, 2)] {
            let input = [4, 7, 6];
            let extent = |n: u32, k: u32| (n + 2 * padding - dilation * (k - 1) - 1) / stride + 1;
            let conv = Conv2d {
                input,
                output: [6, extent(7, 3), extent(6, 2)],
                kernel: [3, 2],
                stride: [stride; 2],
                padding: [padding; 2],
                dilation: [dilation; 2],
                groups,
            };
            let expected = by_output(&conv);
            let pattern = Pattern::Conv2d(conv);
            let mut found = Vec::new();
            for source in 0..4 * 7 * 6 {
                pattern.visit(source, |target, weight| found.push((source, target, weight)));
            }
            found.sort_unstable();
            assert_eq!(found, expected);
        }
    }
}
