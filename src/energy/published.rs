//! Powers of TrueNorth that its designers measured with synthetic recurrent networks, to hold the model against.

/// One measured operating point: every neuron of the chip fires at `rate` and drives `synapses` synapses a spike.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// Short name, as reports give it.
    pub name: &'static str,
    /// Supply in millivolts.
    pub supply_mv: u32,
    /// Spikes of a neuron in 1,000 ticks: Hz at ticks of 1 ms.
    pub rate: f64,
    /// Synapses of an axon.
    pub synapses: u16,
    /// Length of a tick in microseconds.
    pub tick_us: u32,
    /// What was measured.
    pub measured: Measured,
    /// Whether the constants of the cost set were fitted to this point, so that it is no evidence.
    pub fitted: bool,
    /// Where the point is from, and what of it is our reading.
    pub source: &'static str,
}

/// A measured figure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measured {
    /// Power in milliwatts.
    Milliwatts(f64),
    /// Giga synaptic operations per second and watt.
    GsopsPerWatt(f64),
}

const FIG17: &str = "Akopyan et al. 2015, fig. 17";

/// All points, in the order of their publication's figures.
const POINTS: [OperatingPoint; 9] = [
    point("idle", (700, 0.0, 0), 42.0, true, "Akopyan et al. 2015, lower end of the measured range"),
    point("11.58 Hz", (800, 11.58, 128), 68.0, true, FIG17),
    point("20.07 Hz", (800, 20.07, 128), 71.0, true, FIG17),
    point("95.93 Hz", (800, 95.93, 128), 94.0, true, FIG17),
    point("20 Hz at 0.75 V", (750, 20.0, 128), 65.0, false, "Akopyan et al. 2015: 65 mW"),
    point("20 Hz at 0.775 V", (775, 20.0, 128), 72.0, false, "Merolla et al. 2014: 72 mW, 26 pJ an event all in"),
    point("full crossbar", (1050, 200.0, 256), 323.0, false, "Akopyan et al. 2015, upper end of the measured range"),
    OperatingPoint {
        measured: Measured::GsopsPerWatt(400.0),
        ..point(
            "largest efficiency",
            (750, 216.0, 256),
            0.0,
            false,
            "Merolla et al. 2014: 58 GSOPS and 400 GSOPS/W; 58 GSOPS is 216 Hz with a full crossbar",
        )
    },
    OperatingPoint {
        tick_us: 200,
        measured: Measured::GsopsPerWatt(70.0),
        ..point(
            "five times real time",
            (800, 20.0, 128),
            0.0,
            false,
            "Merolla et al. 2014: 70 GSOPS/W; the supply is not stated, 0.80 V is our reading",
        )
    },
];

const fn point(
    name: &'static str,
    (supply_mv, rate, synapses): (u32, f64, u16),
    milliwatts: f64,
    fitted: bool,
    source: &'static str,
) -> OperatingPoint {
    let measured = Measured::Milliwatts(milliwatts);
    OperatingPoint { name, supply_mv, rate, synapses, tick_us: 1000, measured, fitted, source }
}

/// The published operating points of TrueNorth.
#[must_use]
pub const fn operating_points() -> &'static [OperatingPoint] {
    &POINTS
}
