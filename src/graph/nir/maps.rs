//! Each linear node as a map on the shape that arrives, and chains of them.

use super::compose::Linear;
use super::node::{Array, Graph, Op, Pad};
use crate::graph::{Conv2d, Delays, Pattern, Pool2d};

/// Most values of one tick between two nodes.
const MAX_SIZE: u64 = 1 << 24;
/// Longest delay in ticks.
const MAX_DELAY: f64 = 4096.0;

/// What maps are made from.
pub(super) struct Scope<'a> {
    pub nir: &'a Graph,
    pub dt: f64,
}

/// A chain of nodes as one map.
pub(super) struct Chain {
    pub map: Linear,
    pub shape: Vec<u32>,
    pub delays: Delays,
    pub notes: Vec<String>,
}

/// Composes the nodes of `path` after a population of `shape`; an error names the node.
pub(super) fn chain(scope: &Scope, path: &[usize], shape: &[u32]) -> Result<Chain, (usize, String)> {
    let size = volume(shape).map_err(|what| (path.first().copied().unwrap_or(0), what))?;
    let mut map = Linear::identity(size);
    let mut shape = shape.to_vec();
    let mut uniform = 0u16;
    let mut by_source: Option<Vec<u16>> = None;
    let mut notes = Vec::new();
    for &node in path {
        let (name, op) = &scope.nir.nodes[node];
        if let Op::Delay(delay) = op {
            let ticks = ticks(delay, scope.dt, name, &mut notes).map_err(|what| (node, what))?;
            match ticks.as_slice() {
                [one] => uniform = uniform.saturating_add(*one),
                each if matches!(map.pattern, Pattern::OneToOne { .. })
                    && each.len() == size
                    && by_source.is_none() =>
                {
                    by_source = Some(ticks);
                }
                _ => {
                    return Err((node, "delays that differ between neurons must come before other weights".to_owned()));
                }
            }
            continue;
        }
        let (next, after) = linear(op, &shape, name, &mut notes).map_err(|what| (node, what))?;
        if let Some(next) = next {
            map = map.then(&next).map_err(|what| (node, what))?;
        }
        shape = after;
    }
    let delays = match by_source {
        None => Delays::Uniform(uniform),
        Some(each) => per_weight(&mut map, &each, uniform).map_err(|what| (path[path.len() - 1], what))?,
    };
    Ok(Chain { map, shape, delays, notes })
}

pub(in crate::graph) fn volume(shape: &[u32]) -> Result<usize, String> {
    let product = shape.iter().try_fold(1u64, |product, &extent| product.checked_mul(u64::from(extent)));
    match product {
        Some(size) if (1..=MAX_SIZE).contains(&size) => Ok(size as usize),
        _ => Err(format!("shape {shape:?} is empty or holds more than {MAX_SIZE} values")),
    }
}

/// Delays in whole ticks: one where all are equal.
fn ticks(delay: &Array, dt: f64, name: &str, notes: &mut Vec<String>) -> Result<Vec<u16>, String> {
    let mut ticks = Vec::with_capacity(delay.values.len());
    for &seconds in &delay.values {
        let exact = seconds / dt;
        if !(0.0..=MAX_DELAY).contains(&exact.round()) {
            return Err(format!("a delay of {seconds} s is {exact} ticks of {dt} s; the limit is {MAX_DELAY}"));
        }
        let note = format!("'{name}': delays are rounded to whole ticks of {dt} s");
        if (exact - exact.round()).abs() > 1e-3 && !notes.contains(&note) {
            notes.push(note);
        }
        ticks.push(exact.round() as u16);
    }
    if ticks.iter().all(|tick| *tick == ticks[0]) {
        ticks.truncate(1);
    }
    Ok(ticks)
}

/// One delay a weight from one a source; only patterns whose weights have one source each can say that.
fn per_weight(map: &mut Linear, by_source: &[u16], more: u16) -> Result<Delays, String> {
    if let Pattern::OneToOne { shared, .. } = &mut map.pattern
        && std::mem::take(shared)
    {
        map.weights = vec![map.weights[0]; by_source.len()];
    }
    let mut delays = vec![more; map.weights.len()];
    if !matches!(map.pattern, Pattern::Dense { .. } | Pattern::OneToOne { .. } | Pattern::Sparse { .. }) {
        return Err("delays that differ between neurons cannot go into shared weights".to_owned());
    }
    for (source, delay) in by_source.iter().enumerate() {
        map.pattern.visit(source as u32, |_, weight| delays[weight as usize] = more.saturating_add(*delay));
    }
    Ok(Delays::PerWeight(delays))
}

pub(in crate::graph) type Mapped = Result<(Option<Linear>, Vec<u32>), String>;

/// The map of a node (`None`: values pass unchanged) and the shape behind it.
pub(in crate::graph) fn linear(op: &Op, shape: &[u32], name: &str, notes: &mut Vec<String>) -> Mapped {
    match op {
        Op::Affine { weight, bias } => affine(weight, bias.as_deref(), shape),
        Op::Scale(scale) => scaled(scale, shape),
        Op::Conv { .. } => conv(op, shape, name, notes),
        Op::Pool { kernel, stride, padding, average } => pool(*kernel, *stride, *padding, *average, shape),
        Op::Flatten => Ok((None, vec![volume(shape)? as u32])),
        Op::Output | Op::Input(_) | Op::Graph(_) | Op::Delay(_) | Op::Neuron(_) => Ok((None, shape.to_vec())),
    }
}

fn affine(weight: &Array, bias: Option<&[f64]>, shape: &[u32]) -> Mapped {
    let &[targets, sources] = weight.shape.as_slice() else {
        return Err(format!("weight has shape {:?}: two extents, (out, in), are read", weight.shape));
    };
    let size = volume(shape)?;
    if sources != size {
        return Err(format!("weight takes {sources} values, but {size} arrive (shape {shape:?})"));
    }
    volume(&[u32::try_from(targets).unwrap_or(u32::MAX)])?;
    let bias = match bias {
        None | Some([]) => Vec::new(),
        Some([one]) => vec![*one; targets],
        Some(each) if each.len() == targets => each.to_vec(),
        Some(each) => return Err(format!("{} biases for {targets} outputs", each.len())),
    };
    let pattern = Pattern::Dense { sources: sources as u32, targets: targets as u32 };
    Ok((Some(Linear { pattern, weights: weight.values.clone(), bias, targets }), vec![targets as u32]))
}

fn scaled(scale: &Array, shape: &[u32]) -> Mapped {
    let size = volume(shape)?;
    if ![1, size].contains(&scale.values.len()) {
        return Err(format!("{} factors for {size} values (shape {shape:?})", scale.values.len()));
    }
    let pattern = Pattern::OneToOne { size: size as u32, shared: scale.values.len() == 1 };
    Ok((Some(Linear { pattern, weights: scale.values.clone(), bias: Vec::new(), targets: size }), shape.to_vec()))
}

/// (channels, height, width), leading extents of 1 stripped.
pub(in crate::graph) fn three(shape: &[u32]) -> Result<[u32; 3], String> {
    let ones = shape.len().saturating_sub(3);
    match shape {
        _ if shape[..ones].iter().any(|&extent| extent != 1) => Err(format!("shape {shape:?} has too many extents")),
        _ => shape[ones..].try_into().map_err(|_| format!("(channels, height, width) belongs here, {shape:?} arrives")),
    }
}

/// Output extent of a window of `reach` cells, or why there is none.
pub(in crate::graph) fn windows(extent: u32, reach: u64, stride: u32, padded: u64) -> Result<u32, String> {
    let room = u64::from(extent) + padded;
    if stride == 0 || reach == 0 || room < reach {
        return Err(format!("a window of {reach} with stride {stride} does not fit {room} padded cells"));
    }
    u32::try_from((room - reach) / u64::from(stride) + 1).map_err(|_| "too many windows".to_owned())
}

fn conv(op: &Op, shape: &[u32], name: &str, notes: &mut Vec<String>) -> Mapped {
    let Op::Conv { weight, bias, stride, padding, dilation, groups, input: declared, flat } = op else {
        return Err("no convolution".to_owned());
    };
    let input = match shape {
        [channels, width] if *flat => [*channels, 1, *width],
        _ => three(shape)?,
    };
    if declared.is_some_and(|declared| declared != [input[1], input[2]]) {
        notes.push(format!("'{name}': input_shape {declared:?} is stored, {shape:?} arrives and is taken"));
    }
    let extents: Vec<u32> = weight.shape.iter().map(|&extent| u32::try_from(extent).unwrap_or(u32::MAX)).collect();
    let (out_channels, per_group) = (extents[0], extents[1]);
    let kernel = if *flat { [1, extents[2]] } else { [extents[2], extents[3]] };
    let divides = |channels: u32| *groups > 0 && channels.is_multiple_of(*groups);
    if !divides(input[0]) || !divides(out_channels) || input[0] / groups != per_group {
        let what = format!("weight {:?} with {groups} groups does not take {} channels", weight.shape, input[0]);
        return Err(what);
    }
    if dilation.contains(&0) || kernel.contains(&0) {
        return Err("kernel and dilation must be at least 1".to_owned());
    }
    let mut output = [out_channels, 0, 0];
    let mut before = [0; 2];
    for axis in 0..2 {
        let reach = u64::from(dilation[axis]) * u64::from(kernel[axis] - 1) + 1;
        let padded = match padding {
            // As torch: the odd cell goes to the end; 'same' is for stride 1.
            Pad::Same => {
                before[axis] = ((reach - 1) / 2) as u32;
                reach - 1
            }
            Pad::Zero(padding) => {
                before[axis] = padding[axis];
                2 * u64::from(padding[axis])
            }
            Pad::Sides(front, back) => {
                before[axis] = front[axis];
                u64::from(front[axis]) + u64::from(back[axis])
            }
        };
        output[axis + 1] = windows(input[axis + 1], reach, stride[axis], padded)?;
    }
    let targets = volume(&output)?;
    let area = (output[1] * output[2]) as usize;
    let bias = match bias.as_deref() {
        None | Some([]) => Vec::new(),
        Some(bias) if bias.iter().all(|&value| value == 0.0) => Vec::new(),
        Some(bias) if bias.len() == out_channels as usize => {
            bias.iter().flat_map(|&value| std::iter::repeat_n(value, area)).collect()
        }
        Some(bias) => return Err(format!("{} biases for {out_channels} channels", bias.len())),
    };
    let (stride, dilation, groups) = (*stride, *dilation, *groups);
    let conv = Conv2d { input, output, kernel, stride, padding: before, dilation, groups };
    let map = Linear { pattern: Pattern::Conv2d(conv), weights: weight.values.clone(), bias, targets };
    Ok((Some(map), if *flat { vec![output[0], output[2]] } else { output.to_vec() }))
}

fn pool(kernel: [u32; 2], stride: [u32; 2], padding: [u32; 2], average: bool, shape: &[u32]) -> Mapped {
    let input = three(shape)?;
    let mut output = [input[0], 0, 0];
    for axis in 0..2 {
        let padded = 2 * u64::from(padding[axis]);
        output[axis + 1] = windows(input[axis + 1], u64::from(kernel[axis]), stride[axis], padded)?;
    }
    let targets = volume(&output)?;
    // Padded cells count in the mean, as in torch.
    let weight = if average { 1.0 / (f64::from(kernel[0]) * f64::from(kernel[1])) } else { 1.0 };
    let pattern = Pattern::Pool2d(Pool2d { input, output, kernel, stride, padding });
    Ok((Some(Linear { pattern, weights: vec![weight], bias: Vec::new(), targets }), output.to_vec()))
}
