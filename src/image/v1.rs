//! Version 1 of the payload. Field order is the wire format (bincode 2, fixed-int little-endian).

use bincode::{Decode, Encode};

use super::clocked::{OutputBus, RancBody, TinyOdinBody};
use super::compressed::CompressedList;
use super::fcore::FcoreBody;
use super::learning::LearningGroup;
use super::programs::ProgramGroup;
use super::rows::Rows;
use super::soma::{AdaptationImage, JoinImage, NoiseImage};
use super::stepped::SteppedBody;

/// A compiled network: what each core is loaded with, and where inputs and outputs are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Image {
    /// Name of the network.
    pub network: String,
    /// Name of the chip, and after each `;` a key of its file with the value that this image has instead
    /// (`ranc;core.neurons=128`): designs that are generated for a network have their parameters here.
    pub chip: String,
    /// Cores in use, ascending by number.
    pub cores: Vec<CoreImage>,
    /// Where the neurons of every population are (inputs included, without places), in graph order.
    pub populations: Vec<PopulationImage>,
    /// Where stimulus spikes go, one entry per input population.
    pub inputs: Vec<InputImage>,
    /// What is read.
    pub outputs: Vec<OutputImage>,
    /// Ticks from an input spike to the last output that it can first reach (feed-forward depth): how long a
    /// sample is run on after its stimulus has ended.
    pub depth: u32,
}

/// One loaded core.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CoreImage {
    /// Physical core number.
    pub core: u32,
    /// Its contents.
    pub body: CoreBody,
}

/// Contents of a core by family.
#[allow(clippy::large_enum_variant, reason = "one a core, and the cores of an image are of one family")]
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub enum CoreBody {
    /// TrueNorth-style.
    Crossbar(Crossbar),
    /// Loihi-style.
    Cuba(CubaCore),
    /// RANC.
    Ranc(RancBody),
    /// The position of a RANC grid that holds the output bus: its lines are its axons and its neurons.
    OutputBus(OutputBus),
    /// tinyODIN.
    TinyOdin(TinyOdinBody),
    /// Tianjic-style.
    Fcore(FcoreBody),
    /// A block of neurons in half precision.
    Stepped(SteppedBody),
}

/// A TrueNorth-style core: neurons in use are `0..parameter_of.len()`, axons `0..axon_types.len()`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct Crossbar {
    /// Type of each axon, 0..=3.
    pub axon_types: Vec<u8>,
    /// Connection bits, axon-major: `ceil(neurons / 64)` words per axon, bit n is neuron n.
    pub rows: Rows,
    /// Distinct neuron parameters.
    pub parameters: Vec<CrossbarParameters>,
    /// Parameter entry of each neuron.
    pub parameter_of: Vec<u16>,
    /// Where each neuron's spikes go; `None` is an output neuron (or an unused one).
    pub destinations: Vec<Option<Destination>>,
    /// Start of the core's random generator; 0 stands for [`Crossbar::SEED`].
    pub seed: u32,
}

/// Parameters of a TrueNorth neuron: with the synapse types, all 23 of the chip, and the initial V.
///
/// The chip stores a sign and a magnitude of each weight and of the leak, and R and the mask as exponents; here
/// they are plain numbers that such an encoding must exist for (`image::check`).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct CrossbarParameters {
    /// Weight by axon type, -255..=255.
    pub weights: [i16; 4],
    /// Leak, -255..=255.
    pub leak: i16,
    /// Leak reversal (epsilon): the leak acts in the direction of V's sign.
    pub leak_reversal: bool,
    /// Positive threshold alpha.
    pub threshold: u32,
    /// Negative threshold beta, magnitude.
    pub negative_threshold: u32,
    /// gamma: 0 value, 1 linear, 2 none.
    pub spike_reset: u8,
    /// kappa: whether V saturates at -beta.
    pub negative_saturate: bool,
    /// Reset potential R, `sigma * (2^VR - 1)`.
    pub reset_value: i32,
    /// Initial V.
    pub initial: i32,
    /// b, by axon type: whether the weight is stochastic, so that its magnitude is a probability of +-1.
    pub stochastic_weights: [bool; 4],
    /// c: whether the leak is stochastic.
    pub stochastic_leak: bool,
    /// TM: both thresholds grow, in each tick anew, by a random number of this many bits (mask `2^TM - 1`).
    pub threshold_mask_bits: u8,
}

impl Crossbar {
    /// The seed that IBM's own models have.
    pub const SEED: u32 = u32::MAX;
}

impl CrossbarParameters {
    /// Registers of a neuron that is not used: nothing reaches it, and it never fires. The threshold is one that
    /// every width of register holds.
    pub const SILENT: Self = Self {
        weights: [0; 4],
        leak: 0,
        leak_reversal: false,
        threshold: 1,
        negative_threshold: 0,
        spike_reset: 0,
        negative_saturate: true,
        reset_value: 0,
        initial: 0,
        stochastic_weights: [false; 4],
        stochastic_leak: false,
        threshold_mask_bits: 0,
    };

    /// Whether the neuron draws random numbers.
    #[must_use]
    pub fn is_stochastic(&self) -> bool {
        self.stochastic_weights.contains(&true) || self.draws_every_tick()
    }

    /// Whether it draws even in ticks without input.
    #[must_use]
    pub const fn draws_every_tick(&self) -> bool {
        self.stochastic_leak || self.threshold_mask_bits > 0
    }
}

/// The one target of a crossbar neuron.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct Destination {
    /// Physical core.
    pub core: u32,
    /// Axon of that core.
    pub axon: u16,
    /// Delay in ticks, 1..=15: integrated `delay` ticks after it was emitted. On Loihi-style cores, where delays
    /// are in the synapses, 1.
    pub delay: u8,
}

/// A Loihi-style core: compartments in use are `0..config_of.len()`.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct CubaCore {
    /// Distinct compartment configurations.
    pub configs: Vec<CompartmentConfig>,
    /// Configuration of each compartment.
    pub config_of: Vec<u16>,
    /// Compartments whose u or v is not 0 before the first tick, ascending.
    pub initial: Vec<InitialState>,
    /// Dendrites of compartments, ascending by compartment; those of one in the order in which they act.
    pub joins: Vec<JoinImage>,
    /// Synapse formats, at most 16.
    pub formats: Vec<SynapseFormat>,
    /// Synapse lists; several axons may share one (convolution sharing).
    pub lists: Vec<SynapseList>,
    /// Synapses of all lists.
    pub synapses: Vec<Synapse>,
    /// Start of each inbound axon in `list_uses`, one more than there are axons.
    pub axon_offsets: Vec<u32>,
    /// The lists that an axon works through, each with its base compartment.
    pub list_uses: Vec<ListUse>,
    /// Start of each compartment in `axons_out`, one more than there are compartments.
    pub out_offsets: Vec<u32>,
    /// Packets that a spike sends: one per destination core.
    pub axons_out: Vec<AxonOut>,
    /// Projections that learn here.
    pub learning: Vec<LearningGroup>,
    /// Compartments that run a program, ascending; only on chips with programmable neurons. The others run Loihi 1's
    /// with their configuration.
    pub programs: Vec<ProgramGroup>,
    /// Synapses that are made from factors or a seed; only on chips with programmable neurons.
    pub compressed: Vec<CompressedList>,
}

impl Image {
    /// [`CubaCore::unload`] of every Loihi-style core.
    pub fn unload(&mut self) {
        for core in &mut self.cores {
            if let CoreBody::Cuba(body) = &mut core.body {
                body.unload();
            }
        }
    }
}

impl CubaCore {
    /// Sums of the delay buffer that the compartments take: as many for each as the widest delay field has values.
    #[must_use]
    pub fn delay_slots(&self) -> u64 {
        let compressed = self.compressed.iter().map(|list| (8 - list.longest_delay().leading_zeros()) as u8);
        let bits = self.formats.iter().map(|format| format.delay_bits).chain(compressed).max().unwrap_or(0);
        (self.config_of.len() as u64) << bits.min(32)
    }

    /// Gives up the lists, synapses and axons, which are most of the core: once a core is loaded nobody needs them,
    /// save where something learns, whose weights go back into the image. Such a core keeps all it has.
    pub fn unload(&mut self) {
        if self.learning.is_empty() {
            (self.lists, self.synapses, self.list_uses) = Default::default();
            (self.axon_offsets, self.out_offsets, self.axons_out) = Default::default();
        }
    }
}

/// Registers of a compartment.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct CompartmentConfig {
    /// Current decay register, 0..=4095.
    pub decay_u: u16,
    /// Membrane decay register, 0..=4095.
    pub decay_v: u16,
    /// Threshold mantissa; fires when `v > mantissa << 6`. `None` never fires.
    pub threshold: Option<u32>,
    /// Bias mantissa.
    pub bias: i16,
    /// Bias exponent; a negative one shifts the mantissa right (floor).
    pub bias_exponent: i8,
    /// Refractory register: r is r - 1 ticks with v held at 0.
    pub refractory: u8,
    /// How spikes raise the threshold.
    pub adaptation: Option<AdaptationImage>,
    /// Noise.
    pub noise: Option<NoiseImage>,
}

impl CompartmentConfig {
    /// What stands for the registers of a compartment that runs a program of its own.
    pub const PROGRAM: Self = Self {
        decay_u: 0,
        decay_v: 0,
        threshold: None,
        bias: 0,
        bias_exponent: 0,
        refractory: 1,
        adaptation: None,
        noise: None,
    };
}

/// u and v of a compartment before the first tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct InitialState {
    /// The compartment.
    pub compartment: u16,
    /// Its current.
    pub u: i32,
    /// Its membrane.
    pub v: i32,
}

/// How the synapses of a list are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct SynapseFormat {
    /// Dense, sparse or shared.
    pub kind: ListKind,
    /// Weight bits, sign excluded.
    pub weight_bits: u8,
    /// Whether the weight has a sign bit (mixed).
    pub signed: bool,
    /// Weight exponent: the effective weight is `w * 2^(6 + exponent)`.
    pub weight_exponent: i8,
    /// Index bits (0 in dense lists).
    pub index_bits: u8,
    /// Delay bits.
    pub delay_bits: u8,
    /// Tag bits.
    pub tag_bits: u8,
    /// The weight of all its synapses where they have none of their own (`weight_bits` 0); else 0.
    pub fixed: i16,
    /// Whether the learning engine changes its synapses: their weights use every value, mixed ones nine bits.
    pub learns: bool,
}

impl SynapseFormat {
    /// Bits of a synapse, its index included.
    #[must_use]
    pub const fn bits(&self) -> u32 {
        let sign = (self.signed && self.learns) as u32;
        self.weight_bits as u32 + sign + self.delay_bits as u32 + self.tag_bits as u32 + self.index_bits as u32
    }
}

/// The kind of a synapse list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub enum ListKind {
    /// Consecutive targets, no indices.
    Dense,
    /// With indices.
    Sparse,
    /// With indices relative to the axon's base, shared by several axons.
    Shared,
}

/// A run of synapses in one format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct SynapseList {
    /// Format number.
    pub format: u8,
    /// Number of the projection that it is part of: dialect lava shifts the sum of each projection and delay by
    /// itself where the exponent is negative.
    pub projection: u32,
    /// First synapse; lists follow one another.
    pub first: u32,
    /// Number of synapses.
    pub count: u32,
}

/// One synapse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Synapse {
    /// Target compartment relative to the base of the list's use.
    pub target: u16,
    /// Weight mantissa, -256..=255.
    pub weight: i16,
    /// Delay in ticks beyond the one that every spike takes.
    pub delay: u8,
}

/// A list as one axon uses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct ListUse {
    /// List number.
    pub list: u32,
    /// Added to every target.
    pub base: u16,
}

/// One outgoing packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Encode, Decode)]
pub struct AxonOut {
    /// Destination core.
    pub core: u32,
    /// Inbound axon there.
    pub axon: u16,
    /// Output of the compartment's program whose spikes it carries; 0 is the first, and the only one without a program.
    pub output: u8,
}

/// Where a population is.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct PopulationImage {
    /// Name in the graph.
    pub name: String,
    /// Shape.
    pub shape: Vec<u32>,
    /// The place of each neuron; empty for an input.
    pub places: Vec<Place>,
    /// Further places of neurons that are doubled for fan-out (crossbar chips).
    pub copies: Vec<NeuronCopy>,
}

/// A neuron slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Encode, Decode)]
pub struct Place {
    /// Physical core.
    pub core: u32,
    /// Neuron of that core.
    pub neuron: u16,
}

/// A further slot of a neuron, with the same inputs and the same spikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct NeuronCopy {
    /// Neuron of the population.
    pub neuron: u32,
    /// Its other place.
    pub place: Place,
}

/// Where the spikes of an input go.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct InputImage {
    /// Number of the population.
    pub population: u32,
    /// Start of each input neuron in `targets`, one more than there are.
    pub offsets: Vec<u32>,
    /// Packets that the host injects for a spike.
    pub targets: Vec<Destination>,
}

/// An output.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub struct OutputImage {
    /// Name in reports.
    pub name: String,
    /// Number of the population.
    pub population: u32,
}

impl PopulationImage {
    /// The number of neurons.
    #[must_use]
    pub fn size(&self) -> usize {
        self.shape.iter().map(|&extent| extent as usize).product()
    }
}
