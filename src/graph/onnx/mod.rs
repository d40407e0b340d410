//! Reader for ONNX: a trained network of ReLU layers in, a graph of units out.
//!
//! Protobuf ([`proto`]) -> nodes and constants, with everything that cannot be converted named at once ([`model`]) ->
//! linear operators composed into projections between units ([`lower`], [`ops`]).

mod lower;
mod model;
mod ops;
mod proto;

use std::path::Path;

use super::Graph;
use crate::diag::Result;

/// How an ONNX model is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AnnOptions {
    /// Whether the means of a pooling become units of their own; else they go into the weights behind them.
    pub pool_units: bool,
}

/// A network of rectified linear units: populations of kind `if` stand for `max(0, sum + bias)`, those of kind `i`
/// for `sum + bias`, as `compile --sigma-delta` takes them. Inputs are values in 0..=1.
#[derive(Debug, Clone, PartialEq)]
pub struct Ann {
    /// The units; their thresholds are 1.
    pub graph: Graph,
    /// Multiply-accumulates of one evaluation, as the operators of the file have them (padding included).
    pub macs: u64,
    /// Leniencies, for people to read.
    pub notes: Vec<String>,
}

impl Ann {
    /// A network of which every `if` neuron stands for a rectified unit, and each synapse for a multiply-accumulate.
    #[must_use]
    pub fn of_graph(graph: Graph) -> Self {
        let macs = graph.projections.iter().map(super::Projection::synapses).sum();
        Self { graph, macs, notes: Vec::new() }
    }
}

/// Reads an ONNX model from its bytes; `file` is named in problems and its stem becomes the network's name.
///
/// # Errors
/// `onnx/file` for what is no ONNX, `onnx/opset`, `onnx/operator`, `onnx/tensor` and `onnx/shape`, all at once, for
/// what is not converted, and `onnx/node` for nodes that do not fit each other.
pub fn read_onnx(bytes: &[u8], file: &str, options: AnnOptions) -> Result<Ann> {
    let model = model::read(bytes, file)?;
    let name = Path::new(file).file_stem().map_or_else(|| file.to_owned(), |stem| stem.to_string_lossy().into_owned());
    lower::lower(&model, &name, file, options)
}
