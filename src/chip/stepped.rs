//! Clock-driven chips that run a whole network step by step: `[core.stepped]`, Lynxi's KA200.
//!
//! Every neuron is updated in every step, in half precision: the sum of its inputs x, then `v + x`, a spike above theta,
//! and `alpha * v + beta` of v or, after a spike, of v_0. How sums are rounded on their way is not published: the two
//! readings are [`Accumulate`] and [`Leak`]. What is published is how fast measured networks ran, on one chip and on many:
//! the table holds these as workloads, from which `board scale` predicts other divisions.

use super::quantity::Dimension;
use super::read;
use super::section::{Found, Section};
use crate::units::Picos;

/// How the inputs of a neuron are added up: its bias, then its sources in ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Accumulate {
    /// In binary32, each addition rounded; then rounded once to binary16.
    #[default]
    Binary32,
    /// Each product and each addition rounded to binary16.
    Binary16,
}

impl Accumulate {
    const ALL: [Self; 2] = [Self::Binary32, Self::Binary16];
    const NAMES: [&str; 2] = ["binary32", "binary16"];
}

/// How `alpha * v + beta` is rounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Leak {
    /// The product, then the sum.
    #[default]
    Twice,
    /// Once, as a fused operation.
    Fused,
}

impl Leak {
    const ALL: [Self; 2] = [Self::Twice, Self::Fused];
    const NAMES: [&str; 2] = ["twice", "fused"];
}

/// What a stepped chip is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SteppedSpec {
    /// Bits of a floating-point number of its neurons (IEEE 754 binary16: 16).
    pub float_bits: u8,
    /// How inputs are added up.
    pub accumulate: Accumulate,
    /// How the leak is rounded.
    pub leak: Leak,
    /// Weights that a network may have; those of a kernel count once.
    pub weights: u32,
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

impl SteppedSpec {
    /// For the chip's digest.
    pub(super) fn words(&self) -> [i64; 5] {
        let Self { float_bits, accumulate, leak, weights, .. } = self;
        [6, (*float_bits).into(), *accumulate as i64, *leak as i64, (*weights).into()]
    }
}

pub(super) fn read(mut section: Section<'_>, found: &mut Found) -> SteppedSpec {
    let mut spec = SteppedSpec {
        float_bits: section.number("float_bits", 16..=16, found) as u8,
        accumulate: read::one_of(&mut section, "accumulate", &Accumulate::NAMES, &Accumulate::ALL, found),
        leak: read::one_of(&mut section, "leak", &Leak::NAMES, &Leak::ALL, found),
        weights: section.number("weights", 1..=1 << 30, found) as u32,
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
