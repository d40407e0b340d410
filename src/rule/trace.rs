//! Traces: 7-bit counters that grow with spikes and decay, with stochastic rounding, from step to step.

/// Random draws for decays and roundings are whole numbers of this many bits: a draw k stands for `k / 2^53`.
pub const DRAW_BITS: u32 = 53;

/// Most that a trace holds.
const TOP: u8 = 127;

/// One of the five traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TraceName {
    /// First presynaptic.
    X1,
    /// Second presynaptic.
    X2,
    /// First postsynaptic.
    Y1,
    /// Second postsynaptic.
    Y2,
    /// Third postsynaptic.
    Y3,
}

impl TraceName {
    /// All of them, presynaptic ones first.
    pub const ALL: [Self; 5] = [Self::X1, Self::X2, Self::Y1, Self::Y2, Self::Y3];

    /// The name in rules.
    #[must_use]
    pub const fn name(self) -> &'static str {
        ["x1", "x2", "y1", "y2", "y3"][self as usize]
    }
}

/// What becomes of each value of a trace in one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decay(Vec<(u8, u64)>);

impl Decay {
    /// Everything is forgotten in one step.
    #[must_use]
    pub fn clear() -> Self {
        Self(vec![(0, 0); usize::from(TOP) + 1])
    }

    /// Multiplied by `factor`, 0..=1, in double precision; the fraction rounds up with its own probability.
    #[must_use]
    pub fn by(factor: f64) -> Self {
        let entry = |value: u8| {
            let product = factor.clamp(0.0, 1.0) * f64::from(value);
            let whole = product.floor();
            (whole as u8, ((product - whole) * (1_u64 << DRAW_BITS) as f64).ceil() as u64)
        };
        Self((0..=TOP).map(entry).collect())
    }

    /// From (whole part, draws below which it rounds up) of each value; `None` where they are no decay.
    #[must_use]
    pub fn from_table(table: Vec<(u8, u64)>) -> Option<Self> {
        let holds = |&(whole, threshold): &(u8, u64)| whole <= TOP && threshold <= 1 << DRAW_BITS;
        // What is kept at the top never rounds up beyond it.
        let top = table.last().is_some_and(|&(whole, threshold)| whole < TOP || threshold == 0);
        (table.len() == usize::from(TOP) + 1 && table.iter().all(holds) && top).then_some(Self(table))
    }

    /// The value after one step; `draw` rounds.
    #[must_use]
    pub fn apply(&self, value: u8, draw: u64) -> u8 {
        let (whole, threshold) = self.0[usize::from(value.min(TOP))];
        whole + u8::from(draw < threshold)
    }

    /// (whole part, draws below which it rounds up) of each value.
    #[must_use]
    pub fn table(&self) -> &[(u8, u64)] {
        &self.0
    }
}

/// Parameters of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trace {
    /// Added at a spike, 0..=127.
    pub impulse: u8,
    /// Fraction of the impulse in 1/256, 0..=256.
    pub fraction: u16,
    /// What a step does.
    pub decay: Decay,
}

impl Trace {
    /// Impulse 0..=127 and time constant in steps; 0 forgets in one step.
    #[must_use]
    pub fn new(impulse: f64, tau: f64) -> Self {
        let whole = impulse.floor().clamp(0.0, f64::from(TOP));
        Self {
            impulse: whole as u8,
            fraction: ((impulse - whole) * 256.0).round_ties_even().clamp(0.0, 256.0) as u16,
            decay: if tau > 0.0 { Decay::by((-1.0 / tau).exp()) } else { Decay::clear() },
        }
    }

    /// The same with brian2-loihi's first-order decay: times `1 - 1/tau`.
    #[must_use]
    pub fn first_order(impulse: f64, tau: f64) -> Self {
        let decay = if tau > 0.0 { Decay::by(1.0 - 1.0 / tau) } else { Decay::clear() };
        Self { decay, ..Self::new(impulse, 0.0) }
    }

    /// After a spike. The 7-bit draw is held against the 8-bit fraction, as lava-nc does it: half and more always
    /// round up.
    #[must_use]
    pub fn add(&self, value: u8, draw: u8) -> u8 {
        let up = u8::from(u16::from(draw) < self.fraction);
        value.saturating_add(self.impulse).saturating_add(up).min(TOP)
    }
}

/// The random numbers in force in one step, the same for all traces of a side and for all synapses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Draws {
    /// For decays of x1 and x2, [`DRAW_BITS`] bits.
    pub x_decay: u64,
    /// For decays of y1, y2 and y3.
    pub y_decay: u64,
    /// For impulses of x1 and x2, 7 bits.
    pub x_impulse: u8,
    /// For impulses of y1, y2 and y3 at the end of an epoch, 7 bits.
    pub y_impulse: u8,
    /// For the second and further postsynaptic spikes of an epoch, 7 bits.
    pub y_impulse_again: u8,
    /// For weights, delays and tags.
    pub synapse: u64,
}

impl Draws {
    /// The draws of our own generator in a step of a projection: `rng::keyed(seed, projection, stream, step, 0)` with
    /// streams 0 to 5 in the order of the fields; of its 64 bits the upper [`DRAW_BITS`] or 7 count. Not an architected
    /// generator of a chip: none is public. The core has no part in it, so that a mapping does not change what is learned.
    #[must_use]
    pub const fn own(seed: u64, projection: u32, step: u64) -> Self {
        const fn draw(seed: u64, projection: u32, stream: u64, step: u64) -> u64 {
            crate::rng::keyed(seed, projection as u64, stream, step, 0)
        }
        Self {
            x_decay: draw(seed, projection, 0, step) >> (64 - DRAW_BITS),
            y_decay: draw(seed, projection, 1, step) >> (64 - DRAW_BITS),
            x_impulse: (draw(seed, projection, 2, step) >> 57) as u8,
            y_impulse: (draw(seed, projection, 3, step) >> 57) as u8,
            y_impulse_again: (draw(seed, projection, 4, step) >> 57) as u8,
            synapse: draw(seed, projection, 5, step) >> (64 - DRAW_BITS),
        }
    }
}
