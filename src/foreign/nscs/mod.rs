//! IBM's model files: JSON text to [`Model`] to image, and back.

pub(super) mod fields;
mod lower;
mod parse;
mod print;
mod raise;
mod runs;

use super::json::Json;
use crate::chip::ChipSpec;
use crate::diag::Result;
use crate::image::Image;

pub use parse::read_model;
pub use print::write_nscs;

/// Axons, neurons and bits a row of a core.
const SIDE: usize = 256;
/// The destination core from which downward the numbers mean output connectors: -32 is the first.
const OUTPUT: i32 = -32;

/// A model file: what it says, and the image that it describes.
#[derive(Debug, Clone, PartialEq)]
pub struct Nscs {
    /// The file's contents.
    pub model: Model,
    /// The same as an image. Its one input population has an input for every axon, core by core; `output0`,
    /// `output1` and so on are the neurons of each output connector by pin.
    pub image: Image,
}

/// Contents of a model file. What the chip does not need (header, metadata) is kept as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The `model` object.
    pub header: Json,
    /// Named neuron types.
    pub types: Vec<NeuronType>,
    /// Named crossbars.
    pub prototypes: Vec<(String, Vec<Row>)>,
    /// Cores in order of the file.
    pub cores: Vec<Core>,
}

/// A neuron type with the encodings that the chip stores: the parameters of Cassidy et al. 2013 and the initial V.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NeuronType {
    /// Name; `N` and eight hexadecimal digits where core files refer to it by number.
    pub name: String,
    /// Sign of the weight of each axon type, 1 or -1.
    pub sigma: [i8; 4],
    /// Magnitude of the weight of each axon type.
    pub s: [u8; 4],
    /// Whether a weight is stochastic.
    pub b: [bool; 4],
    /// Sign of the leak.
    pub sigma_lambda: i8,
    /// Magnitude of the leak.
    pub lambda: u8,
    /// Whether the leak is stochastic.
    pub c_lambda: bool,
    /// Leak reversal.
    pub epsilon: bool,
    /// Positive threshold.
    pub alpha: u32,
    /// Negative threshold, magnitude.
    pub beta: u32,
    /// Bits of the threshold mask, M = 2^TM - 1.
    pub tm: u8,
    /// Reset mode: 0 value, 1 linear, 2 none.
    pub gamma: u8,
    /// Whether V saturates at -beta.
    pub kappa: bool,
    /// Sign of the reset value.
    pub sigma_vr: i8,
    /// Exponent of the reset value, R = sigma (2^VR - 1).
    pub vr: u8,
    /// Initial potential.
    pub v: i32,
}

/// A row of a crossbar: an axon.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Row {
    /// Axon type, 0..=3.
    pub kind: u8,
    /// Connections: bit 7 of byte 0 is neuron 0.
    pub synapses: [u8; SIDE / 8],
}

/// One core.
#[derive(Debug, Clone)]
pub struct Core {
    /// Line in the file, for messages; not compared.
    pub line: u32,
    /// Number.
    pub id: u32,
    /// Seed of its random generator.
    pub seed: u32,
    /// The `metadata` object.
    pub metadata: Option<Json>,
    /// Neurons in order of the file.
    pub neurons: Vec<Link>,
    /// Its crossbar.
    pub rows: Rows,
}

impl PartialEq for Core {
    fn eq(&self, other: &Self) -> bool {
        (self.id, self.seed, &self.metadata, &self.neurons, &self.rows)
            == (other.id, other.seed, &other.metadata, &other.neurons, &other.rows)
    }
}

/// The crossbar of a core.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rows {
    /// A prototype's name.
    Named(String),
    /// Its own rows.
    Own(Vec<Row>),
}

/// A neuron of a core.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// The column of the crossbar, which is also the neuron's number.
    pub dendrite: u8,
    /// Index into [`Model::types`]; `None` is an unused neuron.
    pub kind: Option<u32>,
    /// Destination core; -32 and below are output connectors, other negative numbers lead nowhere.
    pub core: i32,
    /// Destination axon or pin.
    pub axon: i32,
    /// Delay in ticks.
    pub delay: u8,
}

/// Reads a model file; `file` is named in problems.
///
/// # Errors
/// `foreign/syntax` where the text is broken or cut off, `foreign/key` for keys that are unknown, missing or
/// repeated, `foreign/value` for values that a register or a list cannot hold, `foreign/reference` for names and
/// numbers of cores, types and crossbars that are not there; all but the first with every place, by line.
pub fn read_nscs(text: &str, file: &str, chip: &ChipSpec) -> Result<Nscs> {
    let model = read_model(text, file)?;
    let image = model.image(file, chip)?;
    Ok(Nscs { model, image })
}
