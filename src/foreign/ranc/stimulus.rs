//! A stimulus by clock cycle, for runs that must be exact to the cycle: our own JSON.

use super::json::numbers;
use crate::diag::{Problems, Result};
use crate::foreign::json::{Json, Kind, root};
use crate::foreign::nscs::fields::{Fields, Found};

/// Tick pulses and packets with their cycles.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RancCycles {
    /// Cycles of the tick pulses, ascending.
    pub ticks: Vec<u64>,
    /// Packets, ascending in cycle.
    pub packets: Vec<RancPacket>,
    /// Cycles to run.
    pub cycles: u64,
}

/// A packet from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RancPacket {
    /// The edge that puts it into the input buffer.
    pub cycle: u64,
    /// Target core, x.
    pub dx: i32,
    /// Target core, y.
    pub dy: i32,
    /// Target axon.
    pub axon: u32,
    /// Ticks after the next that it waits.
    pub delay: u32,
}

/// Reads `{"tick_cycles": [...], "packets": [{"cycle", "dx", "dy", "axon", "delay"}, ...], "total_cycles": n}`.
///
/// # Errors
/// `foreign/syntax`, `foreign/key`, `foreign/value`, each with its line.
pub fn read_ranc_cycles(text: &str, file: &str) -> Result<RancCycles> {
    let root = root(text, file)?;
    let mut found = Found { file, problems: Vec::new() };
    let mut read = RancCycles::default();
    if let Some(mut fields) = Fields::of(&root, "the stimulus", &mut found) {
        let ticks = fields.needed("tick_cycles", &mut found);
        let ticks = numbers(ticks, "'tick_cycles'", 0..=i64::MAX, &mut found);
        read.ticks = ticks.into_iter().map(i64::unsigned_abs).collect();
        match fields.needed("packets", &mut found).map(|list| (&list.kind, list.line)) {
            Some((Kind::List(items), _)) => {
                read.packets = items.iter().filter_map(|item| packet(item, &mut found)).collect();
            }
            Some((_, line)) => _ = found.add("foreign/value", line, "'packets' must be an array"),
            None => {}
        }
        read.cycles = fields.whole("total_cycles", 1..=1 << 40, &mut found).unsigned_abs();
        fields.finish(&[], &mut found);
    }
    Problems::check(found.problems, read)
}

fn packet(value: &Json, found: &mut Found<'_>) -> Option<RancPacket> {
    let mut fields = Fields::of(value, "a packet", found)?;
    let packet = RancPacket {
        cycle: fields.whole("cycle", 0..=i64::MAX, found).unsigned_abs(),
        dx: fields.whole("dx", 0..=4_095, found) as i32,
        dy: fields.whole("dy", 0..=4_095, found) as i32,
        axon: fields.whole("axon", 0..=65_535, found) as u32,
        delay: fields.whole("delay", 0..=65_535, found) as u32,
    };
    fields.finish(&[], found);
    Some(packet)
}
