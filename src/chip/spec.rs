//! The resolved chip description: integers only, immutable, one per run.

use super::board::EdgeLink;
use super::clocked::{RancSpec, TinyOdinSpec};
use super::crossbar::CrossbarOptions;
use super::defects::Defects;
use super::fcore::FcoreSpec;
use super::programs::ProgramSpec;
use super::stepped::SteppedSpec;
use crate::digest::Digest;
use crate::event::Event;
use crate::ids::CoreId;
use crate::units::Picos;

/// How certain a number in a chip file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Measured on silicon.
    Measured,
    /// Stated in a publication (design value or pre-silicon).
    Published,
    /// Arithmetic on measured or published numbers.
    Derived,
    /// Our estimate; no public number exists.
    Estimated,
}

/// One number of a chip file with its provenance, for reports and `chip show`.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    /// Dotted key in the file, such as `cost.nahuku.energy.axon_out`.
    pub key: String,
    /// The value as written, in `unit`.
    pub value: String,
    /// Unit as written, such as `pJ`.
    pub unit: String,
    /// Where the number comes from.
    pub source: String,
    /// How certain it is.
    pub status: Status,
}

/// A chip, or a chip with one cost set chosen.
#[derive(Debug, Clone, PartialEq)]
pub struct ChipSpec {
    /// Name, such as `loihi`.
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Core type with its widths.
    pub family: Family,
    /// Capacities of one core.
    pub capacity: CapacityLimits,
    /// Routers and links.
    pub mesh: MeshSpec,
    /// What of it does not work.
    pub defects: Defects,
    /// How a tick ends.
    pub sync: SyncSpec,
    /// Time of each unit operation.
    pub times: UnitTimes,
    /// Energy of each event, with the chosen cost set and supply.
    pub energy: EnergyTable,
    /// Every number of the file that was used, with its source.
    pub facts: Vec<Fact>,
    /// Keys that the format knows and the file leaves out, because nobody has published them.
    pub unknown: Vec<String>,
    /// Digest of everything that decides what an image may contain (name, family, capacity, mesh shape):
    /// stored in image headers.
    pub digest: Digest,
}

/// The type of core.
#[derive(Debug, Clone, PartialEq)]
pub enum Family {
    /// One-bit crossbar with axon types and integrate-leak-and-fire neurons (TrueNorth).
    Crossbar(CrossbarSpec),
    /// Synapse lists with CUBA LIF compartments (Loihi).
    Cuba(CubaSpec),
    /// Grid of one-bit crossbar cores, clocked (RANC).
    Ranc(RancSpec),
    /// One core between two AER links, clocked (tinyODIN).
    TinyOdin(TinyOdinSpec),
    /// Weight matrices with artificial or spiking somas, in rounds (Tianjic).
    Fcore(FcoreSpec),
    /// Neurons in half precision, all of them updated in every step (KA200).
    Stepped(SteppedSpec),
}

impl Family {
    /// The name in chip files.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Crossbar(_) => "crossbar",
            Self::Cuba(_) => "cuba",
            Self::Ranc(_) => "ranc",
            Self::TinyOdin(_) => "tinyodin",
            Self::Fcore(_) => "fcore",
            Self::Stepped(_) => "stepped",
        }
    }

    /// Whether its parts are modelled clock edge by clock edge.
    #[must_use]
    pub const fn is_clocked(&self) -> bool {
        matches!(self, Self::Ranc(_) | Self::TinyOdin(_))
    }
}

/// Widths and ranges of a TrueNorth-style core.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossbarSpec {
    /// Number of axon types (weights per neuron).
    pub axon_types: u8,
    /// Width of a signed weight and of the leak, in bits (9: -255..=255, sign and magnitude).
    pub weight_bits: u8,
    /// Width of the signed membrane potential, in bits.
    pub potential_bits: u8,
    /// Width of the unsigned thresholds alpha and beta, in bits.
    pub threshold_bits: u8,
    /// Smallest and largest delay in ticks.
    pub delay_min: u8,
    /// Largest delay; the delay ring has one more row.
    pub delay_max: u8,
    /// Reach of a packet in cores in each direction.
    pub reach: u16,
    /// Bits of core memory swept per neuron and tick.
    pub row_bits: u16,
    /// Packet size in the x phase, in bits.
    pub packet_bits_x: u8,
    /// Packet size in the y phase, in bits.
    pub packet_bits_y: u8,
    /// What public sources leave open about the neuron.
    pub options: CrossbarOptions,
}

/// Which reference simulator's arithmetic a Loihi-style core follows (facts: the public emulators disagree).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// lava-nc 0.10, `PyLifModelBitAcc` and `PyDenseModelBitAcc`.
    Lava,
    /// The emulator of nengo-loihi 1.1.
    Nengo,
    /// brian2-loihi 0.5.
    Brian2,
    /// What the three together make likely of the chip: never compared with one, so never bit-exact.
    ChipBestGuess,
}

impl Dialect {
    /// Every dialect with its name in chip files.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Lava, "lava"),
        (Self::Nengo, "nengo"),
        (Self::Brian2, "brian2"),
        (Self::ChipBestGuess, "chip_best_guess"),
    ];

    /// The name in chip files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Longest synaptic delay in ticks that the dialect has; the chip's own limit holds besides.
    #[must_use]
    pub const fn delay_max(self) -> u8 {
        match self {
            Self::Lava => 63,
            Self::Nengo => 0,
            Self::Brian2 | Self::ChipBestGuess => 62,
        }
    }

    /// Whether the delays that a rule learns are those that spikes take; elsewhere they are values apart, or there are none.
    #[must_use]
    pub const fn learned_delays_act(self) -> bool {
        matches!(self, Self::Nengo | Self::ChipBestGuess)
    }

    /// Largest refractory register; 1 is no silent tick, r is r - 1 of them.
    #[must_use]
    pub const fn refractory_max(self) -> u8 {
        match self {
            Self::Lava => 1,
            Self::Nengo | Self::ChipBestGuess => 63,
            Self::Brian2 => 64,
        }
    }

    /// Whether compartments have a bias.
    #[must_use]
    pub const fn has_bias(self) -> bool {
        !matches!(self, Self::Brian2)
    }

    /// Smallest bias exponent: lava shifts the mantissa right (floor), nengo is given the value that this makes.
    #[must_use]
    pub const fn bias_exponent_min(self) -> i8 {
        match self {
            Self::Lava | Self::Nengo => -31,
            Self::Brian2 | Self::ChipBestGuess => 0,
        }
    }
}

/// Widths and ranges of a Loihi-style core.
#[derive(Debug, Clone, PartialEq)]
pub struct CubaSpec {
    /// Arithmetic dialect.
    pub dialect: Dialect,
    /// Width of u and v in bits, signed.
    pub state_bits: u8,
    /// Width of the decay registers in bits.
    pub decay_bits: u8,
    /// Width of the unsigned threshold mantissa; the threshold is `mantissa << 6`.
    pub threshold_bits: u8,
    /// Width of the signed bias mantissa.
    pub bias_bits: u8,
    /// Largest bias exponent (the dialect has the smallest).
    pub bias_exponent_max: u8,
    /// Width of a signed (mixed) weight, sign included (9: -256..=255, even steps when mixed).
    pub weight_bits: u8,
    /// Range of the weight exponent.
    pub weight_exponent_min: i8,
    /// Largest weight exponent.
    pub weight_exponent_max: i8,
    /// Largest synaptic delay in ticks (added to the one tick that every spike takes).
    pub delay_max: u8,
    /// Sums of the delay buffer per core: a compartment takes one for each step of the longest delay that reaches the
    /// core, rounded up to a power of two. `None`: compartments and delays do not share memory.
    pub delay_slots: Option<u32>,
    /// Words of synapse memory per core, 64 bits each.
    pub synapse_words: u32,
    /// Weight widths that synapse formats offer, in bits without sign.
    pub weight_widths: Vec<u8>,
    /// Index widths that sparse synapse formats offer, in bits.
    pub index_widths: Vec<u8>,
    /// Largest number of synapses in one block of an axon's list.
    pub block_synapses: u8,
    /// Overhead of a block in bits.
    pub block_overhead_bits: u8,
    /// Distinct (decay_u, decay_v, ...) configurations per core.
    pub compartment_configs: u16,
    /// Distinct threshold configurations per core.
    pub threshold_configs: u16,
    /// Distinct synapse formats per core.
    pub synapse_formats: u16,
    /// Most dendrites that are joined to one compartment; 0: the chip has no trees of compartments.
    pub dendrites: u8,
    /// Bits of the tag that synapses may have for learning; 0: its formats have none.
    pub tag_bits: u8,
    /// Where compartments run programs.
    pub programs: Option<ProgramSpec>,
}

/// What one core can hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapacityLimits {
    /// Neurons (compartments) per core.
    pub neurons: u32,
    /// Distinct inbound axons per core.
    pub axons_in: u32,
    /// Outgoing (neuron, destination) entries per core; crossbar chips have one per neuron.
    pub axons_out: u32,
}

/// A two-dimensional mesh of routers with dimension-order routing, x before y.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MeshSpec {
    /// Routers in x.
    pub width: u16,
    /// Routers in y.
    pub height: u16,
    /// Cores at each router.
    pub cores_per_router: u16,
    /// Forward latency of one hop in x; unknown where absent (then time cannot be modelled).
    pub hop_x: Option<Picos>,
    /// Forward latency of one hop in y.
    pub hop_y: Option<Picos>,
    /// Forward latency from a core into its router plus out of a router into its core (within-tile spike).
    pub local: Option<Picos>,
    /// Least time between two packets on one channel.
    pub cycle: Option<Picos>,
    /// Packets that one input buffer of a router holds.
    pub buffer: u16,
    /// Router (x, y) at whose extra port the host injects stimulus packets.
    pub host: (u16, u16),
    /// The links over chip edges, where the mesh is that of a board of several chips.
    pub edge: Option<EdgeLink>,
}

/// How a tick ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SyncSpec {
    /// A global tick of fixed length; late packets and overrun cores are faults.
    FixedTick {
        /// Length of a tick.
        period: Picos,
    },
    /// A barrier after all cores have drained; its time grows with the number of tiles in use.
    Barrier {
        /// (tiles in use, time of the barrier), ascending; linear in between, constant outside.
        table: Vec<(u16, Picos)>,
    },
    /// Time is counted in clock cycles.
    Clocked {
        /// Length of a cycle; unknown where absent (then times stay cycles).
        clock: Option<Picos>,
        /// Cycles from the end of the cores' work to the next tick.
        slack: u32,
        /// Cycles between two packets of the host.
        input_interval: u32,
    },
}

/// Time of each unit operation; unknown where absent (then it takes no time and the report says so).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UnitTimes {
    entries: [Option<Picos>; Event::COUNT],
}

impl UnitTimes {
    /// From one entry a class.
    #[must_use]
    pub const fn new(entries: [Option<Picos>; Event::COUNT]) -> Self {
        Self { entries }
    }

    /// The time of one event, where known.
    #[must_use]
    pub const fn get(&self, event: Event) -> Option<Picos> {
        self.entries[event.index()]
    }

    /// The time of one event, zero where unknown.
    #[must_use]
    pub fn or_zero(&self, event: Event) -> Picos {
        self.get(event).unwrap_or(Picos::ZERO)
    }
}

/// Energy of one event at a reference supply, with its scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EnergyEntry {
    /// Energy of one event in attojoules (1e-18 J) at `reference_mv`.
    pub attojoules: u64,
    /// Supply at which it holds, in millivolts.
    pub reference_mv: u32,
    /// Exponent of (V / reference) in thousandths (2000 = square law; 0 = does not scale).
    pub exponent_milli: u32,
}

/// Power that flows whether or not anything happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StaticPower {
    /// Power of the whole chip, or of all chips of a board, in nanowatts at `reference_mv`.
    pub nanowatts: u64,
    /// Supply at which it holds, in millivolts.
    pub reference_mv: u32,
    /// Exponent of (V / reference) in thousandths.
    pub exponent_milli: u32,
}

/// The energy of every event class under one cost set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnergyTable {
    /// Name of the cost set, such as `davies2018`.
    pub cost_set: String,
    /// What the set is, for reports (for example "pre-silicon SDF/SPICE").
    pub cost_note: String,
    /// Supply of the run in millivolts.
    pub supply_mv: u32,
    /// One entry a class; `None` is unknown, never zero.
    pub entries: [Option<EnergyEntry>; Event::COUNT],
    /// Static power, where known.
    pub static_power: Option<StaticPower>,
}

impl ChipSpec {
    /// Whether a packet's latency can be told: what is not known of its way counts as no time. Clocked chips count cycles.
    #[must_use]
    pub const fn knows_latency(&self) -> bool {
        let mesh = &self.mesh;
        let (x, y) = (mesh.width < 2 || mesh.hop_x.is_some(), mesh.height < 2 || mesh.hop_y.is_some());
        matches!(self.sync, SyncSpec::Clocked { .. }) || x && y && mesh.local.is_some() && mesh.cycle.is_some()
    }

    /// Cores on the chip.
    #[must_use]
    pub fn cores(&self) -> u32 {
        u32::from(self.mesh.width) * u32::from(self.mesh.height) * u32::from(self.mesh.cores_per_router)
    }

    /// The router (x, y) of a core.
    #[must_use]
    pub fn router_of(&self, core: CoreId) -> (u16, u16) {
        let router = core.0 / u32::from(self.mesh.cores_per_router);
        let width = u32::from(self.mesh.width);
        ((router % width) as u16, (router / width) as u16)
    }

    /// The first core of the router at (x, y).
    #[must_use]
    pub fn core_at(&self, x: u16, y: u16) -> CoreId {
        CoreId((u32::from(y) * u32::from(self.mesh.width) + u32::from(x)) * u32::from(self.mesh.cores_per_router))
    }
}
