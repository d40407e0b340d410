//! Each linear operator as a map on the extents that arrive, by the definitions of the ONNX operator set.

use super::model::{Node, Tensor};
use crate::graph::nir::compose::Linear;
use crate::graph::nir::maps::{linear, three, volume, windows};
use crate::graph::nir::node::{Array, Op, Pad};
use crate::graph::{Pattern, Pool2d};

/// What an operator does: a map (`None`: values pass unchanged), the extents behind it with the batch of 1 in front,
/// and its multiply-accumulates.
pub(super) struct Step {
    pub(super) map: Option<Linear>,
    pub(super) dims: Vec<u32>,
    pub(super) macs: u64,
}

type Stepped = Result<Step, String>;

/// The operator on what has the extents `dims`; `constants` are its further inputs.
pub(super) fn step(node: &Node, dims: &[u32], constants: &[Option<&Tensor>]) -> Stepped {
    let constant = |at: usize| constants.get(at).copied().flatten();
    let needed = |at: usize, what: &str| constant(at).ok_or_else(|| format!("its {what} is no constant of the file"));
    match node.kind.as_str() {
        "Conv" => conv(node, dims, needed(0, "kernel")?, constant(1)),
        "Gemm" => gemm(node, dims, needed(0, "weight")?, constant(1)),
        "MatMul" => matmul(dims, needed(0, "weight")?),
        "BatchNormalization" => {
            let [scale, shift, mean, variance] =
                [needed(0, "scale")?, needed(1, "shift")?, needed(2, "mean")?, needed(3, "variance")?];
            normalise(node, dims, scale, shift, mean, variance)
        }
        "AveragePool" => pool(node, dims),
        "GlobalAveragePool" => {
            let [_, height, width] = three(features(dims)?)?;
            mean(dims, [height, width], [1, 1], [0, 0], [0, 0], true)
        }
        "Flatten" => flatten(node, dims),
        "Reshape" => reshape(node, dims, needed(0, "shape")?),
        _ => Ok(Step { map: None, dims: dims.to_vec(), macs: 0 }),
    }
}

/// The extents without the batch.
fn features(dims: &[u32]) -> Result<&[u32], String> {
    match dims {
        [1, rest @ ..] if !rest.is_empty() => Ok(rest),
        _ => Err(format!("a batch of 1 and then features belong here, {dims:?} arrives")),
    }
}

fn with_batch(shape: &[u32]) -> Vec<u32> {
    std::iter::once(1).chain(shape.iter().copied()).collect()
}

fn conv(node: &Node, dims: &[u32], kernel: &Tensor, bias: Option<&Tensor>) -> Stepped {
    let shape = features(dims)?;
    let axes = kernel.dims.len().saturating_sub(2);
    if !(1..=2).contains(&axes) || shape.len() != axes + 1 {
        return Err(format!("a kernel of extents {:?} on {dims:?}: one and two axes are converted", kernel.dims));
    }
    let flat = axes == 1;
    // A one-dimensional convolution has kernel, stride and dilation 1 in y.
    let two = |list: &[u32], fill: u32| if flat { [fill, list[0]] } else { [list[0], list[1]] };
    let stride = two(&node.extents("strides", axes, 1, 1)?, 1);
    let dilation = two(&node.extents("dilations", axes, 1, 1)?, 1);
    let extents = two(&kernel.dims[2..], 1);
    let declared = node.extents("kernel_shape", axes, 1, 0)?;
    if node.ints("kernel_shape").is_some() && declared != kernel.dims[2..] {
        return Err(format!("kernel_shape {declared:?}, but the kernel has extents {:?}", kernel.dims));
    }
    let input = two(&shape[1..], 1);
    let (before, after) = padding(node, flat, input, extents, stride, dilation)?;
    let groups = u32::try_from(node.int("group", 1)).unwrap_or(0);
    let weight = Array { shape: kernel.dims.iter().map(|&dim| dim as usize).collect(), values: kernel.values.clone() };
    let bias = bias.map(|bias| bias.values.clone());
    let taps: u64 = kernel.dims[1..].iter().map(|&dim| u64::from(dim)).product();
    let op = Op::Conv { weight, bias, stride, padding: Pad::Sides(before, after), dilation, groups, input: None, flat };
    let (map, shape) = linear(&op, shape, &node.label, &mut Vec::new())?;
    let macs = taps * volume(&shape)? as u64;
    Ok(Step { map, dims: with_batch(&shape), macs })
}

/// Cells of padding before and behind in y and x.
fn padding(
    node: &Node,
    flat: bool,
    input: [u32; 2],
    kernel: [u32; 2],
    stride: [u32; 2],
    dilation: [u32; 2],
) -> Result<([u32; 2], [u32; 2]), String> {
    let axes = if flat { 1 } else { 2 };
    let pads = node.extents("pads", 2 * axes, 0, 0)?;
    let given = if flat { ([0, pads[0]], [0, pads[1]]) } else { ([pads[0], pads[1]], [pads[2], pads[3]]) };
    let late = match node.text("auto_pad").as_deref() {
        None | Some("" | "NOTSET") => return Ok(given),
        Some("VALID") => return Ok(([0; 2], [0; 2])),
        Some("SAME_UPPER") => true,
        Some("SAME_LOWER") => false,
        Some(other) => return Err(format!("auto_pad {other} is not known")),
    };
    let (mut before, mut after) = ([0; 2], [0; 2]);
    for axis in 0..2 {
        // As many outputs as strides fit the input; the odd cell goes to the side that the name says.
        let reach = u64::from(kernel[axis] - 1) * u64::from(dilation[axis]) + 1;
        let outputs = u64::from(input[axis].div_ceil(stride[axis]));
        let cells = ((outputs - 1) * u64::from(stride[axis]) + reach).saturating_sub(u64::from(input[axis]));
        let cells = u32::try_from(cells).map_err(|_| "a kernel that large does not fit".to_owned())?;
        before[axis] = if late { cells / 2 } else { cells.div_ceil(2) };
        after[axis] = cells - before[axis];
    }
    Ok((before, after))
}

fn pool(node: &Node, dims: &[u32]) -> Stepped {
    let shape = three(features(dims)?)?;
    let extents = |name: &str, least: u32, absent: u32| node.extents(name, 2, least, absent).map(|e| [e[0], e[1]]);
    let kernel = extents("kernel_shape", 1, 0)?;
    if kernel.contains(&0) {
        return Err("has no kernel_shape".to_owned());
    }
    let stride = extents("strides", 1, 1)?;
    if extents("dilations", 1, 1)? != [1, 1] {
        return Err("dilated windows are not converted".to_owned());
    }
    let (before, after) = padding(node, false, [shape[1], shape[2]], kernel, stride, [1; 2])?;
    for axis in 0..2 {
        let room = shape[axis + 1] + before[axis] + after[axis];
        if node.int("ceil_mode", 0) != 0 && room >= kernel[axis] && (room - kernel[axis]) % stride[axis] != 0 {
            return Err("ceil_mode makes a last window that lies partly outside: pad the input instead".to_owned());
        }
    }
    mean(dims, kernel, stride, before, after, node.int("count_include_pad", 0) != 0)
}

/// Means over windows; cells of padding count or not.
fn mean(
    dims: &[u32],
    kernel: [u32; 2],
    stride: [u32; 2],
    before: [u32; 2],
    after: [u32; 2],
    padding_counts: bool,
) -> Stepped {
    let input = three(features(dims)?)?;
    let mut output = [input[0], 0, 0];
    for axis in 0..2 {
        let padded = u64::from(before[axis]) + u64::from(after[axis]);
        output[axis + 1] = windows(input[axis + 1], u64::from(kernel[axis]), stride[axis], padded)?;
    }
    let targets = volume(&output)?;
    let area = f64::from(kernel[0]) * f64::from(kernel[1]);
    let pattern = Pattern::Pool2d(Pool2d { input, output, kernel, stride, padding: before });
    let mut map = Linear { pattern, weights: vec![1.0 / area], bias: Vec::new(), targets };
    if !padding_counts && (before != [0; 2] || after != [0; 2]) {
        let inside = |axis: usize, at: u32| {
            let start = i64::from(at * stride[axis]) - i64::from(before[axis]);
            let end = (start + i64::from(kernel[axis])).min(i64::from(input[axis + 1]));
            (end - start.max(0)) as f64
        };
        let cells = (0..output[1]).flat_map(|y| (0..output[2]).map(move |x| (y, x)));
        let one: Vec<f64> = cells.map(|(y, x)| area / (inside(0, y) * inside(1, x)).max(1.0)).collect();
        let weights: Vec<f64> = (0..output[0]).flat_map(|_| one.iter().copied()).collect();
        let pattern = Pattern::OneToOne { size: targets as u32, shared: false };
        map = map.then(&Linear { pattern, weights, bias: Vec::new(), targets })?;
    }
    // A mean adds; only its division by the area is a multiplication.
    Ok(Step { map: Some(map), dims: with_batch(&output), macs: targets as u64 })
}

/// `y = alpha * A * B + beta * C`.
fn gemm(node: &Node, dims: &[u32], weight: &Tensor, bias: Option<&Tensor>) -> Stepped {
    if node.int("transA", 0) != 0 {
        return Err("transA is not converted: the values stand in rows".to_owned());
    }
    let (alpha, beta) = (node.float("alpha", 1.0), node.float("beta", 1.0));
    let turned = node.int("transB", 0) != 0;
    let mut step = dense(dims, weight, turned, alpha)?;
    if let (Some(bias), Some(map)) = (bias, &mut step.map) {
        map.bias = spread(bias, &step.dims)?.iter().map(|value| value * beta).collect();
    }
    Ok(step)
}

fn matmul(dims: &[u32], weight: &Tensor) -> Stepped {
    dense(dims, weight, false, 1.0)
}

/// A dense map; `turned` where the weights have one row an output.
fn dense(dims: &[u32], weight: &Tensor, turned: bool, factor: f64) -> Stepped {
    let &[rows, columns] = weight.dims.as_slice() else {
        return Err(format!("weights of extents {:?}: two are converted", weight.dims));
    };
    let (sources, targets) = if turned { (columns, rows) } else { (rows, columns) };
    let (&last, leading) = dims.split_last().ok_or("a scalar arrives")?;
    if last != sources || leading.iter().any(|&extent| extent != 1) {
        return Err(format!("weights take {sources} values, but extents {dims:?} arrive"));
    }
    volume(&[targets])?;
    let (width, at) = (columns as usize, |row: usize, column: usize, width: usize| row * width + column);
    let values = (0..targets as usize).flat_map(|target| {
        (0..sources as usize)
            .map(move |source| if turned { at(target, source, width) } else { at(source, target, width) })
    });
    let weights = values.map(|index| weight.values[index] * factor).collect();
    let pattern = Pattern::Dense { sources, targets };
    let map = Linear { pattern, weights, bias: Vec::new(), targets: targets as usize };
    let dims = leading.iter().copied().chain([targets]).collect();
    Ok(Step { map: Some(map), dims, macs: u64::from(sources) * u64::from(targets) })
}

/// `scale * (x - mean) / sqrt(variance + epsilon) + shift`, channel by channel.
fn normalise(node: &Node, dims: &[u32], scale: &Tensor, shift: &Tensor, mean: &Tensor, variance: &Tensor) -> Stepped {
    if node.int("training_mode", 0) != 0 {
        return Err("is in training mode: export the network for inference".to_owned());
    }
    let shape = features(dims)?;
    let channels = shape[0] as usize;
    for (what, tensor) in [("scale", scale), ("shift", shift), ("mean", mean), ("variance", variance)] {
        if tensor.values.len() != channels {
            return Err(format!("{} numbers of {what} for {channels} channels", tensor.values.len()));
        }
    }
    let epsilon = node.float("epsilon", f64::from(1e-5_f32));
    if let Some(at) = variance.values.iter().position(|&value| value + epsilon <= 0.0) {
        return Err(format!("the variance of channel {at} is {}", variance.values[at]));
    }
    let targets = volume(shape)?;
    let area = targets / channels;
    let gain: Vec<f64> = scale.values.iter().zip(&variance.values).map(|(s, v)| s / (v + epsilon).sqrt()).collect();
    let each = |of: &dyn Fn(usize) -> f64| (0..targets).map(|at| of(at / area)).collect::<Vec<f64>>();
    let map = Linear {
        pattern: Pattern::OneToOne { size: targets as u32, shared: false },
        weights: each(&|channel| gain[channel]),
        bias: each(&|channel| shift.values[channel] - gain[channel] * mean.values[channel]),
        targets,
    };
    // Folded into the weights before it: it costs nothing.
    Ok(Step { map: Some(map), dims: dims.to_vec(), macs: 0 })
}

fn flatten(node: &Node, dims: &[u32]) -> Stepped {
    let axis = node.int("axis", 1);
    let axis = if axis < 0 { axis + dims.len() as i64 } else { axis };
    let Some(axis) = usize::try_from(axis).ok().filter(|axis| *axis <= dims.len()) else {
        return Err(format!("axis {} of extents {dims:?}", node.int("axis", 1)));
    };
    let product = |dims: &[u32]| dims.iter().product::<u32>();
    let dims = vec![product(&dims[..axis]), product(&dims[axis..])];
    Ok(Step { map: None, dims, macs: 0 })
}

fn reshape(node: &Node, dims: &[u32], wanted: &Tensor) -> Stepped {
    let size = volume(dims)? as u64;
    let mut made = Vec::new();
    for (axis, &extent) in wanted.values.iter().enumerate() {
        made.push(match extent {
            0.0 if node.int("allowzero", 0) == 0 => dims.get(axis).copied().map(u64::from),
            -1.0 => None,
            _ if extent >= 1.0 && extent <= f64::from(u32::MAX) => Some(extent as u64),
            _ => return Err(format!("extent {extent} in its shape {:?}", wanted.values)),
        });
    }
    let known = made.iter().flatten().try_fold(1_u64, |product, &extent| product.checked_mul(extent));
    let known = known.filter(|&known| known > 0 && size.is_multiple_of(known));
    let open = made.iter().filter(|extent| extent.is_none()).count();
    let fits = known.filter(|&known| open == 1 || (open == 0 && known == size));
    let Some(known) = fits else {
        return Err(format!("{size} values of extents {dims:?} do not take the shape {:?}", wanted.values));
    };
    let dims = made.iter().map(|extent| extent.unwrap_or(size / known) as u32).collect();
    Ok(Step { map: None, dims, macs: 0 })
}

/// A constant for every value of extents `dims`, repeated along the axes that it does not have.
pub(super) fn spread(tensor: &Tensor, dims: &[u32]) -> Result<Vec<f64>, String> {
    let refuse = || format!("a constant of extents {:?} does not go onto {dims:?}", tensor.dims);
    let missing = dims.len().checked_sub(tensor.dims.len()).ok_or_else(refuse)?;
    let own: Vec<u32> = std::iter::repeat_n(1, missing).chain(tensor.dims.iter().copied()).collect();
    if own.iter().zip(dims).any(|(own, extent)| *own != 1 && own != extent) {
        return Err(refuse());
    }
    let size = volume(dims)?;
    let index = |flat: usize| {
        let (mut rest, mut stride, mut at) = (flat, 1, 0);
        for (own, extent) in own.iter().zip(dims).rev() {
            let (own, extent) = (*own as usize, *extent as usize);
            at += if own == 1 { 0 } else { rest % extent * stride };
            (rest, stride) = (rest / extent, stride * own);
        }
        at
    };
    Ok((0..size).map(|flat| tensor.values[index(flat)]).collect())
}
