//! Composing the linear nodes between two spiking nodes into one projection.

use crate::graph::{Conv2d, Pattern, Pool2d};

/// Most synapses of a composition that has no closed form.
const MAX_SYNAPSES: usize = 1 << 27;

/// A linear map with a constant: what a chain of nodes does to one tick of spikes.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::graph) struct Linear {
    pub pattern: Pattern,
    pub weights: Vec<f64>,
    /// One a target; empty: none.
    pub bias: Vec<f64>,
    /// Number of targets.
    pub targets: usize,
}

impl Linear {
    /// Source i to target i with weight 1.
    pub(in crate::graph) fn identity(size: usize) -> Self {
        let pattern = Pattern::OneToOne { size: size as u32, shared: true };
        Self { pattern, weights: vec![1.0], bias: Vec::new(), targets: size }
    }

    fn sources(&self) -> usize {
        self.pattern.shape().0
    }

    /// Whether it changes nothing.
    pub(in crate::graph) fn is_identity(&self) -> bool {
        matches!(self.pattern, Pattern::OneToOne { shared: true, .. }) && self.weights == [1.0] && self.bias.is_empty()
    }

    /// The map that does `self` first and `next` afterwards.
    pub(in crate::graph) fn then(&self, next: &Self) -> Result<Self, String> {
        if self.is_identity() {
            return Ok(next.clone());
        }
        if next.is_identity() {
            return Ok(self.clone());
        }
        let (pattern, weights) = match scaled(self, next).or_else(|| convolved(self, next)) {
            Some(closed) => closed,
            None => multiplied(self, next)?,
        };
        Ok(Self { pattern, weights, bias: self.bias_through(next), targets: next.targets })
    }

    fn bias_through(&self, next: &Self) -> Vec<f64> {
        if self.bias.is_empty() {
            return next.bias.clone();
        }
        let mut bias = if next.bias.is_empty() { vec![0.0; next.targets] } else { next.bias.clone() };
        for (source, &value) in self.bias.iter().enumerate().filter(|(_, value)| **value != 0.0) {
            next.pattern.visit(source as u32, |target, weight| {
                bias[target as usize] += value * next.weights[weight as usize];
            });
        }
        bias
    }
}

/// A scale after anything, or anything after a scale by one factor: the weights change, the pattern stays.
fn scaled(first: &Linear, next: &Linear) -> Option<(Pattern, Vec<f64>)> {
    let one_factor = |map: &Linear| match (&map.pattern, map.weights.as_slice()) {
        (Pattern::OneToOne { .. }, [factor, rest @ ..]) if rest.iter().all(|other| other == factor) => Some(*factor),
        _ => None,
    };
    if let Some(factor) = one_factor(next) {
        return Some((first.pattern.clone(), first.weights.iter().map(|weight| weight * factor).collect()));
    }
    if let Some(factor) = one_factor(first) {
        return Some((next.pattern.clone(), next.weights.iter().map(|weight| weight * factor).collect()));
    }
    let Pattern::OneToOne { .. } = next.pattern else { return None };
    // One factor a target: a dense map has its weights row by row, a convolution one kernel a channel.
    let rows = match &first.pattern {
        Pattern::Dense { targets, .. } => *targets as usize,
        Pattern::OneToOne { shared: false, size } => *size as usize,
        Pattern::Conv2d(conv) => {
            let area = (conv.output[1] * conv.output[2]) as usize;
            let uniform = next.weights.chunks(area).all(|channel| channel.iter().all(|factor| *factor == channel[0]));
            uniform.then_some(conv.output[0] as usize)?
        }
        _ => return None,
    };
    let (length, each) = (first.weights.len() / rows, next.weights.len() / rows);
    let weights = first.weights.iter().enumerate().map(|(at, weight)| weight * next.weights[at / length * each]);
    Some((first.pattern.clone(), weights.collect()))
}

/// A convolution or pooling after another, as one convolution with a larger kernel and stride: exact where no
/// window of the second looks at positions that the first does not have but the input does.
fn convolved(first: &Linear, next: &Linear) -> Option<(Pattern, Vec<f64>)> {
    let (a, a_pool) = as_conv(first)?;
    let (b, b_pool) = as_conv(next)?;
    if a.output != b.input {
        return None;
    }
    let depthwise = |conv: &Conv2d| conv.groups == conv.input[0] && conv.groups == conv.output[0];
    if !depthwise(&a) && !depthwise(&b) {
        return None;
    }
    let mut merged = Conv2d {
        input: a.input,
        output: b.output,
        kernel: [0; 2],
        stride: [a.stride[0] * b.stride[0], a.stride[1] * b.stride[1]],
        padding: [b.padding[0] * a.stride[0] + a.padding[0], b.padding[1] * a.stride[1] + a.padding[1]],
        dilation: [1; 2],
        groups: if depthwise(&b) { a.groups } else { b.groups },
    };
    for axis in 0..2 {
        merged.kernel[axis] = merged_extent(&a, &b, axis)?;
    }
    let weight_of = |map: &Linear, pool: bool, at: usize| map.weights[if pool { 0 } else { at }];
    let in_per_group = (merged.input[0] / merged.groups) as usize;
    let [kernel_h, kernel_w] = merged.kernel.map(|extent| extent as usize);
    let mut weights = vec![0.0; merged.output[0] as usize * in_per_group * kernel_h * kernel_w];
    let taps = |conv: &Conv2d| {
        let [h, w] = conv.kernel.map(|extent| extent as usize);
        (0..h).flat_map(move |y| (0..w).map(move |x| (y, x)))
    };
    let tap = |conv: &Conv2d, row: usize, (y, x): (usize, usize)| {
        (row * conv.kernel[0] as usize + y) * conv.kernel[1] as usize + x
    };
    for out in 0..merged.output[0] as usize {
        for within in 0..in_per_group {
            let row = out * in_per_group + within;
            // The kernel row of each factor: the depthwise one has one row a channel.
            let group = out / (merged.output[0] / merged.groups) as usize;
            let source = group * in_per_group + within;
            let (row_a, row_b) = if depthwise(&b) { (row, out) } else { (source, row) };
            for kb in taps(&b) {
                for ka in taps(&a) {
                    let y = kb.0 * (b.dilation[0] * a.stride[0]) as usize + ka.0 * a.dilation[0] as usize;
                    let x = kb.1 * (b.dilation[1] * a.stride[1]) as usize + ka.1 * a.dilation[1] as usize;
                    weights[(row * kernel_h + y) * kernel_w + x] +=
                        weight_of(first, a_pool, tap(&a, row_a, ka)) * weight_of(next, b_pool, tap(&b, row_b, kb));
                }
            }
        }
    }
    Some((Pattern::Conv2d(merged), weights))
}

/// The kernel extent of the merged convolution along an axis, if it is exact and without holes.
fn merged_extent(a: &Conv2d, b: &Conv2d, axis: usize) -> Option<u32> {
    let [ka, sa, pa, da] = [a.kernel[axis], a.stride[axis], a.padding[axis], a.dilation[axis]].map(i64::from);
    let [kb, sb, pb, db] = [b.kernel[axis], b.stride[axis], b.padding[axis], b.dilation[axis]].map(i64::from);
    let [size, out_a, out_b] = [a.input[axis + 1], a.output[axis + 1], b.output[axis + 1]].map(i64::from);
    let left = pb == 0 || -sa - pa + (ka - 1) * da < 0;
    let reaches = (out_b - 1) * sb - pb + (kb - 1) * db;
    let right = reaches < out_a || out_a * sa - pa >= size;
    let no_holes = (ka == 1 || da == 1) && (kb == 1 || db * sa <= ka);
    let extent = (kb - 1) * db * sa + (ka - 1) * da + 1;
    (left && right && no_holes).then_some(extent).and_then(|extent| u32::try_from(extent).ok())
}

/// The map as a convolution, and whether one weight stands for all taps.
fn as_conv(map: &Linear) -> Option<(Conv2d, bool)> {
    match &map.pattern {
        Pattern::Conv2d(conv) => Some((conv.clone(), false)),
        Pattern::Pool2d(Pool2d { input, output, kernel, stride, padding }) => {
            let conv = Conv2d {
                input: *input,
                output: *output,
                kernel: *kernel,
                stride: *stride,
                padding: *padding,
                dilation: [1; 2],
                groups: input[0],
            };
            Some((conv, true))
        }
        _ => None,
    }
}

/// The product of two maps, dense where the second is, else sparse.
fn multiplied(first: &Linear, next: &Linear) -> Result<(Pattern, Vec<f64>), String> {
    let (sources, targets) = (first.sources(), next.targets);
    let dense = matches!(next.pattern, Pattern::Dense { .. });
    if dense && sources.saturating_mul(targets) > MAX_SYNAPSES {
        return Err(format!("{sources} x {targets} synapses are too many"));
    }
    let mut row = vec![0.0; targets];
    let mut weights = vec![0.0; if dense { sources * targets } else { 0 }];
    let (mut offsets, mut ends, mut touched) = (vec![0u32], Vec::new(), Vec::new());
    for source in 0..sources {
        first.pattern.visit(source as u32, |middle, weight| {
            let factor = first.weights[weight as usize];
            next.pattern.visit(middle, |target, weight| {
                row[target as usize] += factor * next.weights[weight as usize];
                if !dense {
                    touched.push(target);
                }
            });
        });
        if dense {
            for (target, value) in row.iter_mut().enumerate() {
                weights[target * sources + source] = std::mem::take(value);
            }
            continue;
        }
        touched.sort_unstable();
        touched.dedup();
        for target in touched.drain(..) {
            ends.push(target);
            weights.push(std::mem::take(&mut row[target as usize]));
        }
        if weights.len() > MAX_SYNAPSES {
            return Err("the composition has too many synapses".to_owned());
        }
        offsets.push(ends.len() as u32);
    }
    if dense {
        return Ok((Pattern::Dense { sources: sources as u32, targets: targets as u32 }, weights));
    }
    Ok((Pattern::Sparse { offsets, targets: ends, weight_index: Vec::new() }, weights))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume(extents: [u32; 3]) -> usize {
        extents.iter().product::<u32>() as usize
    }

    fn apply(map: &Linear, x: &[f64]) -> Vec<f64> {
        let mut y = if map.bias.is_empty() { vec![0.0; map.targets] } else { map.bias.clone() };
        for (source, value) in x.iter().enumerate() {
            map.pattern.visit(source as u32, |target, weight| {
                y[target as usize] += value * map.weights[weight as usize];
            });
        }
        y
    }

    fn numbers(seed: u64, count: usize) -> Vec<f64> {
        (0..count as u64)
            .map(|n| (n.wrapping_mul(2_654_435_761) ^ seed.wrapping_mul(97)) as u8)
            .map(|b| f64::from(b) - 128.0)
            .collect()
    }

    fn conv(input: [u32; 3], out: u32, kernel: u32, stride: u32, padding: u32, groups: u32, seed: u64) -> Linear {
        let extent = |n: u32| (n + 2 * padding - kernel) / stride + 1;
        let output = [out, extent(input[1]), extent(input[2])];
        let weights = numbers(seed, (out * input[0] / groups * kernel * kernel) as usize);
        let [kernel, stride, padding] = [[kernel; 2], [stride; 2], [padding; 2]];
        let conv = Conv2d { input, output, kernel, stride, padding, dilation: [1; 2], groups };
        Linear {
            pattern: Pattern::Conv2d(conv),
            weights,
            bias: numbers(seed + 1, volume(output)),
            targets: volume(output),
        }
    }

    fn pool(input: [u32; 3], kernel: u32, stride: u32, padding: u32) -> Linear {
        let extent = |n: u32| (n + 2 * padding - kernel) / stride + 1;
        let output = [input[0], extent(input[1]), extent(input[2])];
        let [kernel, stride, padding] = [[kernel; 2], [stride; 2], [padding; 2]];
        let pool = Pool2d { input, output, kernel, stride, padding };
        Linear { pattern: Pattern::Pool2d(pool), weights: vec![2.0], bias: Vec::new(), targets: volume(output) }
    }

    fn output(map: &Linear) -> [u32; 3] {
        match &map.pattern {
            Pattern::Conv2d(conv) => conv.output,
            Pattern::Pool2d(pool) => pool.output,
            _ => panic!("not a volume"),
        }
    }

    #[test]
    fn a_composition_does_what_its_parts_do_one_after_the_other() {
        let input = [4, 9, 10];
        let firsts = [pool(input, 2, 2, 0), pool(input, 3, 2, 1), pool(input, 2, 3, 0), conv(input, 6, 3, 2, 1, 1, 3)];
        let firsts = firsts.into_iter().chain([conv(input, 4, 3, 1, 1, 4, 5), conv(input, 8, 2, 1, 0, 2, 7)]);
        let mut closed = 0;
        for first in firsts {
            let middle = output(&first);
            let count = volume(middle);
            let one_to_one = |weights: Vec<f64>| Linear {
                pattern: Pattern::OneToOne { size: count as u32, shared: weights.len() == 1 },
                weights,
                bias: Vec::new(),
                targets: count,
            };
            let channels = (0..count).map(|n| (n / volume([1, middle[1], middle[2]])) as f64 + 1.0).collect();
            let dense = Linear {
                pattern: Pattern::Dense { sources: count as u32, targets: 5 },
                weights: numbers(11, count * 5),
                bias: numbers(12, 5),
                targets: 5,
            };
            let nexts = [pool(middle, 2, 2, 0), pool(middle, 2, 2, 1), conv(middle, 6, 3, 1, 1, 2, 13)];
            let nexts = nexts.into_iter().chain([conv(middle, 4, 3, 2, 2, 1, 17), dense]);
            for next in nexts.chain([one_to_one(numbers(19, count)), one_to_one(vec![3.0]), one_to_one(channels)]) {
                let x = numbers(23, volume(input));
                let both = first.then(&next).expect("small");
                assert_eq!(apply(&both, &x), apply(&next, &apply(&first, &x)), "{first:?} {next:?}");
                closed += usize::from(matches!(both.pattern, Pattern::Conv2d(_)));
            }
        }
        assert!(closed >= 12, "{closed} compositions stayed convolutions");
    }
}
