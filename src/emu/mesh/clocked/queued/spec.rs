//! What a queued mesh is built from.

use crate::diag::{Problem, Problems, Result};

/// Ports of a router: towards higher x, lower x, higher y, lower y, and its node.
pub(super) const PORTS: usize = 5;
/// The node's port.
pub(super) const LOCAL: usize = 4;
/// Virtual channels that a link can have: those of all inputs have a bit each in one word.
pub(super) const MAX_VCS: u32 = 12;

/// Who goes first where several ask for one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arbitration {
    /// The one after the last that won in the first round of an allocation (iSLIP).
    RoundRobin,
    /// The lowest number, always.
    Fixed,
}

/// Size, pipeline and policies of a queued mesh. All delays are in cycles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuedMeshSpec {
    /// Routers in x.
    pub width: u32,
    /// Routers in y.
    pub height: u32,
    /// Virtual channels of every link, 1 to 12.
    pub vcs: u32,
    /// Places of every virtual channel's buffer.
    pub depth: u32,
    /// Whether a packet asks for the switch in the cycle in which it asks for a virtual channel.
    pub speculative: bool,
    /// Cycles to find the output; 0 where the router before has looked ahead.
    pub routing_delay: u32,
    /// Cycles to get a virtual channel of the next buffer, at least 1.
    pub vc_alloc_delay: u32,
    /// Cycles to get the switch, at least 1.
    pub sw_alloc_delay: u32,
    /// Cycles to cross the switch, at least 1.
    pub crossbar_delay: u32,
    /// Cycles on a link, at least 1; packets and credits alike.
    pub link_delay: u32,
    /// Cycles from a credit's arrival at a router to its use.
    pub credit_delay: u32,
    /// Rounds of an allocation, at least 1.
    pub iterations: u32,
    /// Who goes first.
    pub arbitration: Arbitration,
}

impl QueuedMeshSpec {
    /// The router of the curves in `golden/booksim`: BookSim2's input-queued router with look-ahead routing, one cycle
    /// a stage and iSLIP with one round.
    #[must_use]
    pub const fn booksim(width: u32, height: u32, vcs: u32, depth: u32, speculative: bool) -> Self {
        Self {
            width,
            height,
            vcs,
            depth,
            speculative,
            routing_delay: 0,
            vc_alloc_delay: 1,
            sw_alloc_delay: 1,
            crossbar_delay: 1,
            link_delay: 1,
            credit_delay: 1,
            iterations: 1,
            arbitration: Arbitration::RoundRobin,
        }
    }

    /// Cycles from the arrival in an empty router to the switch: routing and both allocations.
    const fn switch_after(&self) -> u32 {
        let alloc = if self.speculative { 1 } else { self.vc_alloc_delay + self.sw_alloc_delay };
        self.routing_delay + alloc
    }

    /// Cycles from injection to delivery through `routers` empty routers: 3R + 2 (speculative) or 4R + 2 for
    /// [`Self::booksim`].
    #[must_use]
    pub const fn zero_load_latency(&self, routers: u32) -> u32 {
        1 + self.link_delay + routers * (self.switch_after() + self.crossbar_delay + self.link_delay)
    }

    /// Cycles after which a place that was taken can be taken again, where nobody waits. A virtual channel carries at
    /// most `depth` packets in this time.
    #[must_use]
    pub const fn credit_round_trip(&self) -> u32 {
        self.crossbar_delay + 2 * self.link_delay + 1 + self.switch_after() + self.credit_delay
    }

    /// Whether a mesh can be built from this.
    pub fn check(&self) -> Result<()> {
        let mut found = Vec::new();
        let mut range = |name: &str, value: u32, least: u32, most: u32| {
            if value < least || value > most {
                let problem = Problem::invalid("mesh/queued", name, format!("is {value}"));
                found.push(problem.limit(format!("{least} to {most}")));
            }
        };
        range("width", self.width, 1, 1 << 10);
        range("height", self.height, 1, 1 << 10);
        range("vcs", self.vcs, 1, MAX_VCS);
        range("depth", self.depth, 1, 1 << 12);
        range("routing_delay", self.routing_delay, 0, 1 << 10);
        range("vc_alloc_delay", self.vc_alloc_delay, 1, 1 << 10);
        range("sw_alloc_delay", self.sw_alloc_delay, 1, 1 << 10);
        range("crossbar_delay", self.crossbar_delay, 1, 1 << 10);
        range("link_delay", self.link_delay, 1, 1 << 10);
        range("credit_delay", self.credit_delay, 0, 1 << 10);
        range("iterations", self.iterations, 1, 1 << 10);
        if self.speculative && (self.vc_alloc_delay, self.sw_alloc_delay) != (1, 1) {
            let what = format!(
                "with vc_alloc_delay {} and sw_alloc_delay {} cannot be speculative",
                self.vc_alloc_delay, self.sw_alloc_delay
            );
            let problem = Problem::invalid("mesh/queued", "speculative", what);
            found.push(problem.limit("both delays 1: speculation is both allocations in one cycle"));
        }
        let places = u64::from(self.width) * u64::from(self.height) * u64::from(self.vcs) * u64::from(self.depth);
        if found.is_empty() && places > 1 << 26 {
            let problem = Problem::invalid("mesh/queued", "depth", format!("makes {places} buffer places an input"));
            found.push(problem.limit("2^26 of all routers together"));
        }
        Problems::check(found, ())
    }
}
