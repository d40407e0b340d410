//! Clock-driven chips that run a whole network step by step: `[core.stepped]`, Lynxi's KA200.
//!
//! Nothing is compiled for them: what is published is how fast measured networks ran, on one chip and on many. The table
//! holds these as workloads, from which `board scale` predicts other divisions.

use super::quantity::Dimension;
use super::section::{Found, Section};
use crate::units::Picos;

/// What a stepped chip is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteppedSpec {
    /// Bits of a floating-point number of its neurons (IEEE 754 binary16: 16).
    pub float_bits: u8,
    /// 10^9 operations of 8-bit integers a second.
    pub giga_ops_int8: u32,
    /// 10^9 floating-point operations a second.
    pub giga_flops: u32,
    /// Measured networks.
    pub workloads: Vec<Workload>,
}

/// A measured network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Name in the file.
    pub name: String,
    /// Time of one step on one chip.
    pub step: Picos,
    /// Time that a slice of steps takes besides them: states come and go.
    pub slice_overhead: Option<Picos>,
    /// The same two of a chip that has half of the model, where it was measured.
    pub halved: Option<(Picos, Picos)>,
}

pub(super) fn read(mut section: Section<'_>, found: &mut Found) -> SteppedSpec {
    let mut spec = SteppedSpec {
        float_bits: section.number("float_bits", 16..=16, found) as u8,
        giga_ops_int8: section.number("giga_ops_int8", 1..=1 << 30, found) as u32,
        giga_flops: section.number("giga_flops", 1..=1 << 30, found) as u32,
        workloads: Vec::new(),
    };
    if let Some(mut workloads) = section.section("workloads", found) {
        let names: Vec<&str> = workloads
            .others()
            .iter()
            .map(|entry| entry.key.as_str())
            .filter(|key| !matches!(*key, "source" | "status"))
            .collect();
        for name in names {
            if let Some(inner) = workloads.section(name, found) {
                spec.workloads.push(workload(name, inner, found));
            }
        }
        workloads.finish(found);
    }
    section.finish(found);
    spec
}

fn workload(name: &str, mut section: Section<'_>, found: &mut Found) -> Workload {
    let step = Picos(section.quantity("step", Dimension::Time, found));
    let mut time = |key: &str, found: &mut Found| {
        section.optional(key, Dimension::Time, &[], found).map(|time| Picos(time.amount))
    };
    let slice_overhead = time("slice_overhead", found);
    let halved = time("half_step", found).zip(time("half_slice_overhead", found));
    section.finish(found);
    Workload { name: name.to_owned(), step, slice_overhead, halved }
}
