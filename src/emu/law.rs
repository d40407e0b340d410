//! The max-affine law of run time, an independent cross-check of the event timing.
//!
//! A step takes at least as long as the busiest core's neurons, the busiest core's synapses, and the busiest link's packets,
//! whichever is longest, and then its barrier (Timcheck, Pierro, Shrestha 2025, arXiv 2601.10035, who fit this form to Loihi
//! 2 with r >= 0.97; the terms here have this chip file's times, not their coefficients). It knows no order of events and no
//! waiting: event timing lies at or above it, and by how much says what waiting costs.

use super::program::Program;
use super::time::Parcel;
use crate::units::Picos;

/// Work of one tick.
#[derive(Debug, Default)]
pub(super) struct Law {
    /// Time of the packets that each core takes in, by index.
    intake: Vec<u64>,
    /// Flits over each link, by router and direction, and out of each router to its cores.
    links: Vec<u32>,
}

impl Law {
    /// The shortest that the tick can be. `neurons` is the busiest core's work on its neurons, `intake` what a core works on
    /// a packet.
    pub(super) fn bound(
        &mut self,
        program: &Program,
        parcels: &[Parcel],
        neurons: u64,
        intake: impl Fn(&Parcel) -> u64,
    ) -> Picos {
        let mesh = &program.chip.mesh;
        self.intake.clear();
        self.intake.resize(program.cores.len(), 0);
        self.links.clear();
        self.links.resize(usize::from(mesh.width) * usize::from(mesh.height) * 4, 0);
        for parcel in parcels {
            if !parcel.part {
                self.intake[parcel.to.core as usize] += intake(parcel);
            }
            let from =
                if parcel.from == super::time::HOST { mesh.host } else { program.cores[parcel.from as usize].router };
            self.walk(from, program.cores[parcel.to.core as usize].router, mesh.width);
        }
        let synapses = self.intake.iter().copied().max().unwrap_or(0);
        let cycle = mesh.cycle.unwrap_or(Picos::ZERO).0;
        let link = u64::from(self.links.iter().copied().max().unwrap_or(0)) * cycle;
        (Picos(neurons.max(synapses).max(link)) + program.barrier).max(program.floor)
    }

    /// Counts a flit on its links, x before y.
    fn walk(&mut self, (mut x, mut y): (u16, u16), to: (u16, u16), width: u16) {
        while (x, y) != to {
            let router = usize::from(y) * usize::from(width) + usize::from(x);
            let direction = if to.0 > x {
                x += 1;
                0
            } else if to.0 < x {
                x -= 1;
                1
            } else if to.1 < y {
                y -= 1;
                2
            } else {
                y += 1;
                3
            };
            self.links[router * 4 + direction] += 1;
        }
    }
}
