//! A projection seen from its targets: what reaches target t.

use crate::graph::{Conv2d, Pattern, Pool2d};

/// The synapses of a pattern by target.
pub(super) enum Incoming<'a> {
    /// Closed forms.
    Closed(&'a Pattern),
    /// Transposed lists: synapses of target t are `entries[offsets[t]..offsets[t + 1]]`, as (source, weight).
    Listed { offsets: Vec<u32>, entries: Vec<(u32, u32)> },
}

impl<'a> Incoming<'a> {
    /// Prepares a pattern with `targets` targets.
    pub(super) fn new(pattern: &'a Pattern, targets: usize) -> Self {
        let Pattern::Sparse { offsets: by_source, .. } = pattern else { return Self::Closed(pattern) };
        let sources = by_source.len().saturating_sub(1) as u32;
        let mut offsets = vec![0_u32; targets + 1];
        for source in 0..sources {
            pattern.visit(source, |target, _| offsets[target as usize + 1] += 1);
        }
        for t in 0..targets {
            offsets[t + 1] += offsets[t];
        }
        let mut next = offsets.clone();
        let mut entries = vec![(0, 0); offsets[targets] as usize];
        for source in 0..sources {
            pattern.visit(source, |target, weight| {
                let at = &mut next[target as usize];
                entries[*at as usize] = (source, weight);
                *at += 1;
            });
        }
        Self::Listed { offsets, entries }
    }

    /// Calls `synapse(source, weight number)` for every synapse of `target`.
    pub(super) fn visit(&self, target: u32, mut synapse: impl FnMut(u32, u32)) {
        match self {
            Self::Listed { offsets, entries } => {
                let range = offsets[target as usize] as usize..offsets[target as usize + 1] as usize;
                entries[range].iter().for_each(|&(source, weight)| synapse(source, weight));
            }
            Self::Closed(Pattern::Dense { sources, .. } | Pattern::Factorised { sources, .. }) => {
                (0..*sources).for_each(|source| synapse(source, target * sources + source));
            }
            Self::Closed(Pattern::OneToOne { shared, .. }) => synapse(target, if *shared { 0 } else { target }),
            Self::Closed(Pattern::Conv2d(conv)) => convolution(conv, target, synapse),
            Self::Closed(Pattern::Pool2d(pool)) => pooling(pool, target, synapse),
            Self::Closed(Pattern::Stochastic(drawn)) => {
                for source in 0..drawn.sources {
                    if let Some(weight) = drawn.synapse(source, target) {
                        synapse(source, weight);
                    }
                }
            }
            Self::Closed(Pattern::Sparse { .. }) => {}
        }
    }
}

/// The positions `0..extent` under window number `at` of one axis, with the kernel offset of each.
fn window(
    at: u32,
    extent: u32,
    [kernel, stride, padding, dilation]: [u32; 4],
) -> impl Iterator<Item = (u32, u32)> + Clone {
    (0..kernel).filter_map(move |k| {
        let ahead = u64::from(at) * u64::from(stride) + u64::from(k) * u64::from(dilation);
        let position = ahead.checked_sub(u64::from(padding))?;
        (position < u64::from(extent)).then_some((position as u32, k))
    })
}

fn convolution(conv: &Conv2d, target: u32, mut synapse: impl FnMut(u32, u32)) {
    let ([_, out_h, out_w], [in_channels, in_h, in_w]) = (conv.output, conv.input);
    let (channel, y, x) = (target / (out_h * out_w), target / out_w % out_h, target % out_w);
    let per_group = in_channels / conv.groups;
    let first = channel / (conv.output[0] / conv.groups) * per_group;
    let axis = |n: usize| [conv.kernel[n], conv.stride[n], conv.padding[n], conv.dilation[n]];
    for within in 0..per_group {
        for (iy, ky) in window(y, in_h, axis(0)) {
            for (ix, kx) in window(x, in_w, axis(1)) {
                let weight = ((channel * per_group + within) * conv.kernel[0] + ky) * conv.kernel[1] + kx;
                synapse(((first + within) * in_h + iy) * in_w + ix, weight);
            }
        }
    }
}

fn pooling(pool: &Pool2d, target: u32, mut synapse: impl FnMut(u32, u32)) {
    let ([_, out_h, out_w], [_, in_h, in_w]) = (pool.output, pool.input);
    let (channel, y, x) = (target / (out_h * out_w), target / out_w % out_h, target % out_w);
    let axis = |n: usize| [pool.kernel[n], pool.stride[n], pool.padding[n], 1];
    for (iy, _) in window(y, in_h, axis(0)) {
        for (ix, _) in window(x, in_w, axis(1)) {
            synapse((channel * in_h + iy) * in_w + ix, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Stochastic;

    fn same_from_both_sides(pattern: &Pattern) {
        let (sources, targets) = pattern.shape();
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        for source in 0..sources as u32 {
            pattern.visit(source, |target, weight| forward.push((source, target, weight)));
        }
        let incoming = Incoming::new(pattern, targets);
        for target in 0..targets as u32 {
            incoming.visit(target, |source, weight| backward.push((source, target, weight)));
        }
        forward.sort_unstable();
        backward.sort_unstable();
        assert_eq!(forward, backward, "{pattern:?}");
    }

    #[test]
    fn every_pattern_is_the_same_from_both_sides() {
        same_from_both_sides(&Pattern::Dense { sources: 5, targets: 3 });
        same_from_both_sides(&Pattern::OneToOne { size: 4, shared: true });
        same_from_both_sides(&Pattern::OneToOne { size: 4, shared: false });
        same_from_both_sides(&Pattern::Sparse {
            offsets: vec![0, 2, 2, 5],
            targets: vec![1, 0, 3, 1, 1],
            weight_index: vec![0, 1, 0, 1, 0],
        });
        same_from_both_sides(&Pattern::Factorised { sources: 4, targets: 3, rank: 2 });
        let drawn = Stochastic { sources: 9, targets: 7, seed: 3, chance: 1 << 31, weights: 4 };
        same_from_both_sides(&Pattern::Stochastic(drawn));
        for (stride, padding, dilation, groups) in [(1, 0, 1, 1), (2, 1, 1, 2), (1, 2, 2, 1), (3, 1, 1, 2)] {
            let extent = |n: u32, k: u32| (n + 2 * padding - dilation * (k - 1) - 1) / stride + 1;
            same_from_both_sides(&Pattern::Conv2d(Conv2d {
                input: [4, 7, 6],
                output: [6, extent(7, 3), extent(6, 2)],
                kernel: [3, 2],
                stride: [stride; 2],
                padding: [padding; 2],
                dilation: [dilation; 2],
                groups,
            }));
        }
        same_from_both_sides(&Pattern::Pool2d(Pool2d {
            input: [2, 5, 6],
            output: [2, 2, 3],
            kernel: [2, 2],
            stride: [2, 2],
            padding: [0, 0],
        }));
    }
}
