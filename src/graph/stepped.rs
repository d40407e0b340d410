//! Populations of clock-driven chips in half precision.

/// A population of leaky integrate-and-fire neurons as Lynxi's BIDL has them. All numbers are the bits of binary16
/// numbers, as are the weights of the projections that end here (0..=65535). Vectors have one value for all or one a neuron.
///
/// In each step `v = state + x` with `x` the bias and the weighted inputs; a spike where `v > theta`; then `state = alpha *
/// w + beta`, with `w` the v_0 of a neuron that spiked and else v.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteppedNeuron {
    /// What is left of the membrane.
    pub alpha: Vec<u16>,
    /// Added after that.
    pub beta: Vec<u16>,
    /// Fires above; `None`: never.
    pub theta: Option<Vec<u16>>,
    /// The membrane after a spike, before it leaks.
    pub v_0: Vec<u16>,
    /// Added to the inputs.
    pub bias: Vec<u16>,
    /// The state before the first step.
    pub initial: Vec<u16>,
    /// The tick of the first step: layers of a step follow one another, here a tick apart. Before it nothing changes.
    pub start: u32,
}

impl Default for SteppedNeuron {
    /// A perfect integrator at 0 that never fires.
    fn default() -> Self {
        let zero = || vec![0];
        Self {
            alpha: vec![crate::binary16::Half::ONE.0],
            beta: zero(),
            theta: None,
            v_0: zero(),
            bias: zero(),
            initial: zero(),
            start: 0,
        }
    }
}

impl SteppedNeuron {
    /// Its lists of numbers, with their names.
    #[must_use]
    pub fn lists(&self) -> [(&'static str, Option<&[u16]>); 6] {
        [
            ("alpha", Some(&self.alpha)),
            ("beta", Some(&self.beta)),
            ("theta", self.theta.as_deref()),
            ("v_0", Some(&self.v_0)),
            ("bias", Some(&self.bias)),
            ("initial", Some(&self.initial)),
        ]
    }
}
