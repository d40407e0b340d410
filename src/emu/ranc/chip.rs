//! A chip, shown a stimulus.

use super::config::RancConfig;
use super::fast::Fast;
use super::plain::Plain;
use super::trace::{RancTrace, TokenState};
use crate::bits::address_bits;
use crate::chip::RancParams;
use crate::diag::{Problem, Problems, Result};
use crate::emu::mesh::clocked::{Flit, MergeMesh, MergeMeshSpec};
use crate::emu::neurocore::Scheduler;

/// How time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// Every part in every cycle: the plain model.
    Every,
    /// Only the cycles in which something can happen. Same trace.
    Events,
}

#[derive(Debug, Clone)]
enum Body {
    Plain(Box<Plain>),
    Fast(Box<Fast>),
}

/// A packet from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RancInput {
    /// The edge that puts it into the input buffer; at most one packet a cycle.
    pub cycle: u64,
    /// What it is; dx and dy count from core (0, 0).
    pub flit: Flit,
}

/// What a chip is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RancStimulus {
    /// Cycles whose edge sees the tick, ascending.
    pub ticks: Vec<u64>,
    /// Packets, ascending in cycle.
    pub packets: Vec<RancInput>,
    /// Edges 0 to `cycles - 1` are run.
    pub cycles: u64,
}

/// A chip after reset.
#[derive(Debug, Clone)]
pub struct RancChip {
    params: RancParams,
    body: Body,
    with_states: bool,
    trace: RancTrace,
}

impl RancChip {
    /// A chip as it is after reset.
    pub fn new(config: &RancConfig, pace: Pace) -> Result<Self> {
        config.check()?;
        let body = match pace {
            Pace::Every => Body::Plain(Box::new(Plain::new(config))),
            Pace::Events => Body::Fast(Box::new(Fast::new(config))),
        };
        Ok(Self { params: config.params.clone(), body, with_states: true, trace: RancTrace::default() })
    }

    /// Whether the trace keeps state changes (it does): they are most of what happens.
    pub const fn keep_states(&mut self, keep: bool) {
        self.with_states = keep;
    }

    /// Shows it a stimulus; once only.
    pub fn run(&mut self, stimulus: &RancStimulus) -> Result<()> {
        stimulus.check(&self.params)?;
        match &mut self.body {
            Body::Plain(body) => body.run(stimulus, &mut self.trace, self.with_states, |_, _, _| {}),
            Body::Fast(body) => body.run(stimulus, &mut self.trace, self.with_states, |_| {}),
        }
        Ok(())
    }

    /// Shows it a stimulus, once only, and tells what happens part by part, in order of time. [`Self::trace`] keeps nothing of
    /// it but whether and when a tick came to a busy core: a long run needs no memory for what is over. State changes come
    /// with the last part.
    ///
    /// # Errors
    /// As [`RancChip::run`].
    pub fn run_telling(&mut self, stimulus: &RancStimulus, mut tell: impl FnMut(&RancTrace)) -> Result<()> {
        stimulus.check(&self.params)?;
        match &mut self.body {
            Body::Plain(body) => body.run(stimulus, &mut self.trace, self.with_states, |_, _, _| {}),
            Body::Fast(body) => body.run(stimulus, &mut self.trace, self.with_states, |trace| {
                if trace.is_part() {
                    tell(trace);
                    trace.clear();
                }
            }),
        }
        tell(&self.trace);
        self.trace.clear();
        Ok(())
    }

    /// Shows a chip of [`Pace::Every`] a stimulus, and `look` what each edge sees: cycle, tick, registers.
    ///
    /// # Errors
    /// As [`RancChip::run`].
    ///
    /// # Panics
    /// For a chip of another pace: it has no registers between its events.
    pub fn run_watched(
        &mut self,
        stimulus: &RancStimulus,
        mut look: impl FnMut(u64, bool, RancView<'_>),
    ) -> Result<()> {
        stimulus.check(&self.params)?;
        let Body::Plain(body) = &mut self.body else { panic!("only the plain model has every register") };
        body.run(stimulus, &mut self.trace, self.with_states, |cycle, tick, plain| look(cycle, tick, RancView(plain)));
        Ok(())
    }

    /// What happened.
    #[must_use]
    pub const fn trace(&self) -> &RancTrace {
        &self.trace
    }

    /// Potentials of the core `x + grid_x * y` after the last edge; none where the output bus is.
    #[must_use]
    pub fn potentials(&self, core: u32) -> Option<Vec<i64>> {
        match &self.body {
            Body::Plain(body) => body.potentials(core),
            Body::Fast(body) => body.potentials(core),
        }
    }

    /// Axons set in every row of a core's scheduler.
    #[must_use]
    pub fn scheduler(&self, core: u32) -> Option<Vec<Vec<u32>>> {
        let scheduler = self.schedule(core)?;
        let axons =
            |row: &[u64]| crate::bits::ones(row).map(|axon| u32::try_from(axon).expect("at most 65536")).collect();
        Some(scheduler.rows().map(axons).collect())
    }

    /// The scheduler row of a core's present tick.
    #[must_use]
    pub fn read_pointer(&self, core: u32) -> Option<u32> {
        self.schedule(core).map(|scheduler| scheduler.pointer)
    }

    fn schedule(&self, core: u32) -> Option<&Scheduler> {
        match &self.body {
            Body::Plain(body) => body.scheduler(core),
            Body::Fast(body) => body.scheduler(core),
        }
    }
}

/// All registers, as an edge sees them.
#[derive(Debug, Clone, Copy)]
pub struct RancView<'a>(&'a Plain);

impl RancView<'_> {
    /// State of a core's token controller; none where the output bus is.
    #[must_use]
    pub fn state(&self, core: u32) -> Option<TokenState> {
        self.0.core(core).map(crate::emu::neurocore::ClockedRancCore::state)
    }

    /// The neuron whose spike is handed to the router.
    #[must_use]
    pub fn spike(&self, core: u32) -> Option<u32> {
        self.0.core(core)?.spike().map(|(neuron, _)| neuron)
    }

    /// Read pointer of a core's scheduler.
    #[must_use]
    pub fn pointer(&self, core: u32) -> Option<u32> {
        Some(self.0.core(core)?.scheduler().pointer)
    }

    /// Potential of a neuron in the core's memory.
    #[must_use]
    pub fn potential(&self, core: u32, neuron: u32) -> Option<i64> {
        self.0.core(core)?.potentials().nth(neuron as usize)
    }

    /// The packet that comes to a core or to the output bus.
    #[must_use]
    pub fn arriving(&self, core: u32) -> Option<Flit> {
        self.0.mesh().arriving(core)
    }

    /// The mesh: fills of its buffers.
    #[must_use]
    pub const fn mesh(&self) -> &MergeMesh {
        self.0.mesh()
    }
}

impl RancStimulus {
    fn check(&self, params: &RancParams) -> Result<()> {
        let mut found = Vec::new();
        if !self.ticks.is_sorted_by(|a, b| a < b) {
            found.push(Problem::invalid("ranc/stimulus", "ticks", "are not in ascending order"));
        }
        if let Some(&last) = self.ticks.last().filter(|last| **last >= self.cycles) {
            let problem = Problem::invalid("ranc/stimulus", "ticks", format!("the last tick is at cycle {last}"));
            found.push(problem.limit(format!("the run ends after {} cycles", self.cycles)));
        }
        if !self.packets.is_sorted_by(|a, b| a.cycle < b.cycle) {
            let problem = Problem::invalid("ranc/stimulus", "packets", "are not in ascending order of cycle");
            found.push(problem.limit("one packet a cycle"));
        }
        for (index, RancInput { flit, .. }) in self.packets.iter().enumerate() {
            let fits = flit.axon >> address_bits(params.num_axons) == 0
                && flit.delay < params.num_ticks
                && crate::fixed::wrap(i64::from(flit.dx), params.dx_width) == i64::from(flit.dx)
                && crate::fixed::wrap(i64::from(flit.dy), params.dy_width) == i64::from(flit.dy);
            if !fits {
                let what = format!("does not fit the fields of a packet: {flit:?}");
                found.push(Problem::invalid("ranc/stimulus", format!("packet {index}"), what));
            }
        }
        Problems::check(found, ())
    }
}

/// The mesh of a chip.
pub(super) const fn mesh_spec(params: &RancParams) -> MergeMeshSpec {
    MergeMeshSpec {
        width: params.grid_x,
        height: params.grid_y,
        dx_bits: params.dx_width,
        dy_bits: params.dy_width,
        depth: params.router_buffer_depth,
        input_depth: params.input_buffer_depth,
    }
}
