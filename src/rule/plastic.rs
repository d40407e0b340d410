//! What a learning projection has besides its rule: the signs of its weights, what graded spikes do to traces, and
//! rules that go by a name.

/// Which signs the weights of a projection may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    /// Both.
    Mixed,
    /// 0 and above.
    Excitatory,
    /// 0 and below.
    Inhibitory,
}

impl Sign {
    /// What weights without another statement are: excitatory without a negative one, inhibitory without a positive
    /// one.
    #[must_use]
    pub fn of(weights: &[i32]) -> Self {
        let (negative, positive) = (weights.iter().any(|&w| w < 0), weights.iter().any(|&w| w > 0));
        match (negative, positive) {
            (false, _) => Self::Excitatory,
            (true, false) => Self::Inhibitory,
            (true, true) => Self::Mixed,
        }
    }

    /// Least and greatest weight that learning leaves (lava-nc: -256..=255, 0..=255, -255..=0).
    #[must_use]
    pub const fn range(self) -> (i16, i16) {
        match self {
            Self::Mixed => (-256, 255),
            Self::Excitatory => (0, 255),
            Self::Inhibitory => (-255, 0),
        }
    }

    /// The same in brian2-loihi (mixed to 254, inhibitory from -256).
    #[must_use]
    pub const fn range_brian2(self) -> (i16, i16) {
        match self {
            Self::Mixed => (-256, 254),
            Self::Excitatory => (0, 255),
            Self::Inhibitory => (-256, 0),
        }
    }
}

/// What the value of a graded presynaptic spike does to x1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Graded {
    /// Nothing: x1 grows by its impulse.
    #[default]
    Ignored,
    /// x1 becomes half of it.
    Overwrite,
    /// Half of it is added; x1 saturates.
    Saturate,
    /// Half of it is added; x1 overflows, and only then the spike counts for x0 and x2.
    Overflow,
}

/// A rule that goes by a name, with the traces that it comes with.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Preset {
    /// Its name in network files.
    pub name: &'static str,
    /// What it does, and whose it is.
    pub about: &'static str,
    /// The rule as text.
    pub rule: &'static str,
    /// Impulse and time constant in steps of x1, x2, y1, y2 and y3; 0 and 0 is a trace that is not used.
    pub traces: [(f64, f64); 5],
}

/// All rules that go by a name.
pub const PRESETS: [Preset; 3] = [
    Preset {
        name: "stdp",
        about: "pairwise STDP, the form of lava-nc's STDPLoihi: causal pairs strengthen, acausal ones weaken",
        rule: "dw = 2^-2*y0*x1 - 2^-2*x0*y1",
        traces: [(16.0, 10.0), (0.0, 0.0), (16.0, 10.0), (0.0, 0.0), (0.0, 0.0)],
    },
    Preset {
        name: "triplet",
        about: "triplet STDP after Pfister and Gerstner 2006: a slow second trace of each side scales the pairs",
        rule: "dw = 2^-4*y0*x1*y2 - 2^-3*x0*y1 - 2^-5*x0*y1*x2",
        traces: [(40.0, 8.0), (20.0, 30.0), (40.0, 8.0), (20.0, 30.0), (0.0, 0.0)],
    },
    Preset {
        name: "reward_stdp",
        about: "reward-modulated STDP, the form of lava-nc's RewardModulatedSTDP: pairs mark the tag, the reward in y2 \
                turns the tag into weight",
        rule: "dt = 2^1*y0*x1 - 2^1*x0*y1 - 2^-1*u0*t; dw = u0*t*y2",
        traces: [(16.0, 10.0), (0.0, 0.0), (16.0, 10.0), (0.0, 0.0), (0.0, 0.0)],
    },
];

/// The rule of that name.
#[must_use]
pub fn preset(name: &str) -> Option<&'static Preset> {
    PRESETS.iter().find(|preset| preset.name == name)
}
