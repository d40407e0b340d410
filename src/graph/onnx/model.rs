//! What stands in the file, checked as a whole: operator set, operators, shapes and where the weights are, with all
//! faults at once.

use std::collections::BTreeMap;

use super::proto;
use crate::diag::{Problem, Problems, Result, nearest};

/// Versions of the default operator set in which the operators below mean what is read here: before 7 broadcasting is
/// written otherwise.
const OPSETS: std::ops::RangeInclusive<i64> = 7..=25;

/// Operators that are read.
const OPERATORS: [&str; 15] = [
    "Add",
    "AveragePool",
    "BatchNormalization",
    "Constant",
    "Conv",
    "Dropout",
    "Flatten",
    "Gemm",
    "GlobalAveragePool",
    "Identity",
    "LogSoftmax",
    "MatMul",
    "Relu",
    "Reshape",
    "Softmax",
];

/// (operator that is not read, what to train with in its place).
const NEAREST: [(&str, &str); 25] = [
    ("MaxPool", "AveragePool"),
    ("LpPool", "AveragePool"),
    ("GlobalMaxPool", "GlobalAveragePool"),
    ("LeakyRelu", "Relu"),
    ("PRelu", "Relu"),
    ("Elu", "Relu"),
    ("Selu", "Relu"),
    ("Celu", "Relu"),
    ("Gelu", "Relu"),
    ("Clip", "Relu"),
    ("HardSigmoid", "Relu"),
    ("HardSwish", "Relu"),
    ("Sigmoid", "Relu"),
    ("Tanh", "Relu"),
    ("ConvTranspose", "Conv"),
    ("ConvInteger", "Conv"),
    ("QLinearConv", "Conv"),
    ("QLinearMatMul", "MatMul"),
    ("LayerNormalization", "BatchNormalization"),
    ("InstanceNormalization", "BatchNormalization"),
    ("GroupNormalization", "BatchNormalization"),
    ("Sum", "Add"),
    ("Squeeze", "Reshape"),
    ("Unsqueeze", "Reshape"),
    ("Transpose", "Reshape"),
];

/// Most values of a constant.
const MAX_VALUES: u64 = 1 << 28;

/// A constant.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Tensor {
    pub(super) dims: Vec<u32>,
    pub(super) values: Vec<f64>,
}

/// A node with its attributes by name.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    /// Its name, or its number where it has none.
    pub(super) label: String,
    pub(super) kind: String,
    pub(super) inputs: Vec<String>,
    pub(super) outputs: Vec<String>,
    attributes: BTreeMap<String, proto::Attribute>,
}

impl Node {
    /// An integer attribute.
    pub(super) fn int(&self, name: &str, absent: i64) -> i64 {
        self.attributes.get(name).map_or(absent, |attribute| attribute.int)
    }

    /// A number.
    pub(super) fn float(&self, name: &str, absent: f64) -> f64 {
        self.attributes.get(name).map_or(absent, |attribute| f64::from(attribute.float))
    }

    /// A word.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.attributes.get(name).map(|attribute| String::from_utf8_lossy(&attribute.text).into_owned())
    }

    /// A list of integers, `None` where it is absent.
    pub(super) fn ints(&self, name: &str) -> Option<&[i64]> {
        self.attributes.get(name).map(|attribute| attribute.ints.as_slice())
    }

    /// `count` whole numbers from 0 (`least`) to 65535, or all `absent`.
    pub(super) fn extents(
        &self,
        name: &str,
        count: usize,
        least: u32,
        absent: u32,
    ) -> std::result::Result<Vec<u32>, String> {
        let Some(given) = self.ints(name) else { return Ok(vec![absent; count]) };
        let fits = |value: &i64| u32::try_from(*value).ok().filter(|value| (least..=65_535).contains(value));
        let read: Option<Vec<u32>> = given.iter().map(fits).collect();
        read.filter(|read| read.len() == count)
            .ok_or_else(|| format!("{name} {given:?} are not {count} numbers in {least}..=65535"))
    }

    /// The constant of a Constant node.
    fn constant(&self) -> std::result::Result<Tensor, String> {
        if let Some(attribute) = self.attributes.get("value") {
            return attribute.tensor.as_ref().map_or_else(|| Err("has no value".to_owned()), tensor);
        }
        let list = |values: Vec<f64>| Tensor { dims: vec![values.len() as u32], values };
        let found = self.attributes.iter().find_map(|(name, attribute)| match name.as_str() {
            "value_float" => Some(Tensor { dims: Vec::new(), values: vec![f64::from(attribute.float)] }),
            "value_int" => Some(Tensor { dims: Vec::new(), values: vec![attribute.int as f64] }),
            "value_floats" => Some(list(attribute.floats.iter().map(|&value| f64::from(value)).collect())),
            "value_ints" => Some(list(attribute.ints.iter().map(|&value| value as f64).collect())),
            _ => None,
        });
        found.ok_or_else(|| "has no value that is read (value, value_float, value_int and their lists)".to_owned())
    }
}

/// A model whose operators are all known.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Model {
    /// Inputs with their extents, the batch of 1 included.
    pub(super) inputs: Vec<(String, Vec<u32>)>,
    pub(super) outputs: Vec<String>,
    pub(super) constants: BTreeMap<String, Tensor>,
    pub(super) nodes: Vec<Node>,
    pub(super) notes: Vec<String>,
}

/// Reads the bytes of a model file; `file` is named in problems.
pub(super) fn read(bytes: &[u8], file: &str) -> Result<Model> {
    let broken = |what: String| {
        Problem::invalid("onnx/file", file, what).help("an .onnx file is what torch.onnx.export or onnx.save makes")
    };
    let raw = proto::decode(bytes).map_err(|error| broken(format!("is no ONNX model: {error}")))?;
    let Some(graph) = &raw.graph else { return Err(broken("holds no graph".to_owned()).into()) };
    let mut found = Vec::new();
    opset(&raw, file, &mut found);
    let mut model = Model::default();
    for (number, node) in graph.nodes.iter().enumerate() {
        let label = if node.name.is_empty() { format!("#{number}") } else { node.name.clone() };
        operator(node, &label, file, &mut found);
        let attributes = node.attributes.iter().map(|a| (a.name.clone(), a.clone())).collect();
        let (inputs, outputs) = (node.inputs.clone(), node.outputs.clone());
        let node = Node { label, kind: node.kind.clone(), inputs, outputs, attributes };
        match (node.kind.as_str(), node.outputs.first()) {
            ("Constant", Some(name)) => match node.constant() {
                Ok(tensor) => drop(model.constants.insert(name.clone(), tensor)),
                Err(what) => found.push(Problem::invalid("onnx/tensor", place(file, &node.label), what)),
            },
            _ => model.nodes.push(node),
        }
    }
    for raw in &graph.tensors {
        match tensor(raw) {
            Ok(tensor) => drop(model.constants.insert(raw.name.clone(), tensor)),
            Err(what) => found.push(weights(raw, file, what)),
        }
    }
    for input in graph.inputs.iter().filter(|input| !model.constants.contains_key(&input.name)) {
        match shape(input, &mut model.notes) {
            Ok(dims) => model.inputs.push((input.name.clone(), dims)),
            // Without its initialiser a weight is an input: what is wrong with it was said.
            Err(_) if graph.tensors.iter().any(|tensor| tensor.name == input.name) => {}
            Err(what) => found.push(
                Problem::invalid("onnx/shape", format!("{file} input '{}'", input.name), what)
                    .limit("a batch of 1 and extents that are numbers")
                    .help("export with fixed input sizes, without dynamic axes"),
            ),
        }
    }
    model.outputs = graph.outputs.iter().map(|output| output.name.clone()).collect();
    Problems::check(found, model)
}

/// How problems name a node.
pub(super) fn place(file: &str, label: &str) -> String {
    format!("{file} node '{label}'")
}

fn opset(model: &proto::Model, file: &str, found: &mut Vec<Problem>) {
    let default = model.opsets.iter().filter(|opset| ["", "ai.onnx"].contains(&opset.domain.as_str()));
    let versions: Vec<i64> = default.map(|opset| opset.version).collect();
    let what = match versions.as_slice() {
        [] => "imports no version of the default operator set".to_owned(),
        [version, ..] if OPSETS.contains(version) => return,
        [version, ..] => format!("uses operator set {version}"),
    };
    let near = versions.first().map_or(13, |&version| version.clamp(*OPSETS.start(), *OPSETS.end()));
    found.push(
        Problem::invalid("onnx/opset", file, what)
            .limit(format!("operator sets {} to {}", OPSETS.start(), OPSETS.end()))
            .help(format!("export with opset_version={near}, the nearest, or convert it with onnx.version_converter")),
    );
}

fn operator(node: &proto::Node, label: &str, file: &str, found: &mut Vec<Problem>) {
    let default = ["", "ai.onnx"].contains(&node.domain.as_str());
    if default && OPERATORS.contains(&node.kind.as_str()) {
        return;
    }
    let listed = NEAREST.iter().find(|(kind, _)| *kind == node.kind).map(|(_, near)| *near);
    let near = listed.or_else(|| nearest(&node.kind, OPERATORS));
    let kind = if default { node.kind.clone() } else { format!("{}:{}", node.domain, node.kind) };
    let problem = Problem::invalid("onnx/operator", place(file, label), format!("operator {kind} is not converted"))
        .limit(OPERATORS.join(", "));
    found.push(match near {
        Some(near) => problem.help(format!("the nearest that is converted is {near}: train the network with it")),
        None => problem.help("train the network with the operators above"),
    });
}

/// A weight that is not read.
fn weights(raw: &proto::Tensor, file: &str, what: String) -> Problem {
    let problem = Problem::invalid("onnx/tensor", format!("{file} tensor '{}'", raw.name), what);
    if raw.location == 1 || !raw.external.is_empty() {
        return problem
            .limit("weights inside the .onnx file")
            .help("save with onnx.save(..., save_as_external_data=False)");
    }
    problem
}

/// The extents of an input; a batch that has a name is read as 1.
fn shape(input: &proto::ValueInfo, notes: &mut Vec<String>) -> std::result::Result<Vec<u32>, String> {
    let tensor = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref());
    let Some(shape) = tensor.and_then(|tensor| tensor.shape.as_ref()) else { return Err("has no shape".to_owned()) };
    let mut dims = Vec::new();
    for (axis, dim) in shape.dims.iter().enumerate() {
        let named = dim.name.as_deref().filter(|name| !name.is_empty());
        match dim.value.filter(|value| *value > 0 && named.is_none()) {
            Some(value) => {
                dims.push(u32::try_from(value).map_err(|_| format!("extent {value} of axis {axis} is too large"))?);
            }
            None if axis == 0 && shape.dims.len() > 1 => {
                notes.push(format!("input '{}': batch '{}' is read as 1", input.name, named.unwrap_or("?")));
                dims.push(1);
            }
            None => return Err(format!("axis {axis} is dynamic ('{}')", named.unwrap_or("?"))),
        }
    }
    match dims.as_slice() {
        [] => Err("is a scalar".to_owned()),
        [batch, rest @ ..] if *batch != 1 && !rest.is_empty() => Err(format!("the batch is {batch}")),
        _ => Ok(dims),
    }
}

/// A constant's numbers.
fn tensor(raw: &proto::Tensor) -> std::result::Result<Tensor, String> {
    if raw.location == 1 || !raw.external.is_empty() {
        let file = raw.external.iter().find(|pair| pair.key == "location").map_or("?", |pair| pair.value.as_str());
        return Err(format!("its numbers are outside of this file, in '{file}'"));
    }
    let dims: Option<Vec<u32>> = raw.dims.iter().map(|&dim| u32::try_from(dim).ok()).collect();
    let dims = dims.ok_or_else(|| format!("extents {:?} are no sizes", raw.dims))?;
    let count = dims.iter().try_fold(1_u64, |product, &dim| product.checked_mul(u64::from(dim)));
    let count = count.filter(|&count| count <= MAX_VALUES);
    let count = count.ok_or_else(|| format!("extents {dims:?} hold more than {MAX_VALUES} numbers"))?;
    let values = match raw.kind {
        1 if raw.raw.is_empty() => raw.floats.iter().map(|&value| f64::from(value)).collect(),
        1 => words(&raw.raw, |word: [u8; 4]| f64::from(f32::from_le_bytes(word)))?,
        6 if raw.raw.is_empty() => raw.ints.iter().map(|&value| f64::from(value)).collect(),
        6 => words(&raw.raw, |word: [u8; 4]| f64::from(i32::from_le_bytes(word)))?,
        7 if raw.raw.is_empty() => raw.longs.iter().map(|&value| value as f64).collect(),
        7 => words(&raw.raw, |word: [u8; 8]| i64::from_le_bytes(word) as f64)?,
        10 if raw.raw.is_empty() => raw.ints.iter().map(|&value| half(value as u16)).collect(),
        10 => words(&raw.raw, |word: [u8; 2]| half(u16::from_le_bytes(word)))?,
        11 if raw.raw.is_empty() => raw.doubles.clone(),
        11 => words(&raw.raw, f64::from_le_bytes)?,
        kind => return Err(format!("its element type is {kind}: float16, float, double, int32 and int64 are read")),
    };
    if values.len() as u64 != count {
        return Err(format!("{} numbers for extents {dims:?}", values.len()));
    }
    if let Some(at) = values.iter().position(|value| !value.is_finite()) {
        return Err(format!("number {at} is {}", values[at]));
    }
    Ok(Tensor { dims, values })
}

fn words<const N: usize>(raw: &[u8], number: impl Fn([u8; N]) -> f64) -> std::result::Result<Vec<f64>, String> {
    let (words, rest) = raw.as_chunks::<N>();
    if !rest.is_empty() {
        return Err(format!("{} bytes are no whole number of {N}-byte numbers", raw.len()));
    }
    Ok(words.iter().map(|&word| number(word)).collect())
}

/// IEEE 754 half precision: 1 sign, 5 exponent and 10 fraction bits.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2_f64.powi(exponent - 15),
    };
    if bits >> 15 == 1 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::half;

    #[test]
    fn half_precision_is_read_exactly() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_953_125), (0x0001, 2_f64.powi(-24)), (0x7bff, 65504.0)]
        {
            assert_eq!(half(bits), value, "{bits:#x}");
        }
        assert!(half(0x7c00).is_infinite() && half(0x7e00).is_nan());
    }
}
