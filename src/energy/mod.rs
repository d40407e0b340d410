//! Energy table x counters -> joules, seconds, watts. An unknown price stays unknown.
//!
//! The only floats of the accounting are here: counts and the chip's table are integers.

mod baseline;
mod published;

pub use baseline::{Baseline, Estimate, baselines};
pub use published::{Measured, OperatingPoint, operating_points};

use crate::chip::{EnergyEntry, EnergyTable, StaticPower};
use crate::emu::counters::EventCounts;
use crate::event::Event;

/// The price of one class of event in a bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BillEntry {
    /// The class.
    pub event: Event,
    /// How often it happened, at least once.
    pub count: u64,
    /// Energy of all of them in joules; `None` where the cost set has no price for the class.
    pub joules: Option<f64>,
}

/// What a run cost.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Bill {
    /// Every class that happened, in report order.
    pub entries: Vec<BillEntry>,
    /// Sum of the known prices, in joules.
    pub dynamic_joules: f64,
    /// Static power times time, in joules; `None` where the power or the time is unknown.
    pub static_joules: Option<f64>,
    /// Time on the chip in seconds; `None` with timing off.
    pub seconds: Option<f64>,
}

impl Bill {
    /// Dynamic plus static energy in joules. Unknown parts are left out: see [`Bill::unknown`] and
    /// `static_joules` before comparing two chips.
    #[must_use]
    pub fn total_joules(&self) -> f64 {
        self.dynamic_joules + self.static_joules.unwrap_or(0.0)
    }

    /// Mean power in watts: [`Bill::total_joules`] over the time, where that is known.
    #[must_use]
    pub fn watts(&self) -> Option<f64> {
        let seconds = self.seconds.filter(|seconds| *seconds > 0.0)?;
        Some(self.total_joules() / seconds)
    }

    /// All energy over all synaptic events, in joules; `None` without synaptic events. This is the "all-in"
    /// figure that papers quote; it depends on activity and is no price of an event.
    #[must_use]
    pub fn joules_per_synaptic_event(&self) -> Option<f64> {
        let events = self.synaptic_events();
        (events > 0).then(|| self.total_joules() / events as f64)
    }

    /// Giga synaptic operations per second and watt, which is per nanojoule; `None` where nothing was spent.
    #[must_use]
    pub fn gsops_per_watt(&self) -> Option<f64> {
        let joules = self.total_joules();
        (joules > 0.0).then(|| self.synaptic_events() as f64 / joules * 1e-9)
    }

    /// Tera operations per second and watt, which is per picojoule, with two operations to a multiply-accumulate; `None`
    /// where nothing was multiplied or spent.
    #[must_use]
    pub fn tops_per_watt(&self) -> Option<f64> {
        let products = self.entries.iter().find(|entry| entry.event == Event::MultiplyAccumulate)?;
        let joules = self.total_joules();
        (joules > 0.0).then(|| 2.0 * products.count as f64 / joules * 1e-12)
    }

    /// Synaptic events of all formats.
    #[must_use]
    pub fn synaptic_events(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.event.is_synaptic()).map(|entry| entry.count).sum()
    }

    /// The classes that happened and have no price.
    #[must_use]
    pub fn unknown(&self) -> Vec<Event> {
        self.entries.iter().filter(|entry| entry.joules.is_none()).map(|entry| entry.event).collect()
    }
}

/// Prices `counts` with `table`; `seconds` is the time that static power flows for the whole chip.
#[must_use]
pub fn bill(table: &EnergyTable, counts: &EventCounts, seconds: Option<f64>) -> Bill {
    let entries: Vec<BillEntry> = Event::ALL
        .into_iter()
        .filter(|event| counts.get(*event) > 0)
        .map(|event| {
            let count = counts.get(event);
            BillEntry { event, count, joules: event_joules(table, event).map(|each| each * count as f64) }
        })
        .collect();
    Bill {
        // An empty sum of floats is -0.
        dynamic_joules: entries.iter().filter_map(|entry| entry.joules).fold(0.0, |sum, joules| sum + joules),
        static_joules: static_watts(table).zip(seconds).map(|(watts, seconds)| watts * seconds),
        entries,
        seconds,
    }
}

/// Energy of one event in joules at the table's supply, where known.
#[must_use]
pub fn event_joules(table: &EnergyTable, event: Event) -> Option<f64> {
    let EnergyEntry { attojoules, reference_mv, exponent_milli } = table.entries[event.index()]?;
    Some(attojoules as f64 * 1e-18 * scaling(table.supply_mv, reference_mv, exponent_milli))
}

/// Static power of the whole chip in watts at the table's supply, where known.
#[must_use]
pub fn static_watts(table: &EnergyTable) -> Option<f64> {
    let StaticPower { nanowatts, reference_mv, exponent_milli } = table.static_power?;
    Some(nanowatts as f64 * 1e-9 * scaling(table.supply_mv, reference_mv, exponent_milli))
}

/// `(supply / reference) ^ exponent`; exactly 1 at the reference.
fn scaling(supply_mv: u32, reference_mv: u32, exponent_milli: u32) -> f64 {
    if supply_mv == reference_mv || exponent_milli == 0 {
        return 1.0;
    }
    (f64::from(supply_mv) / f64::from(reference_mv)).powf(f64::from(exponent_milli) / 1000.0)
}

#[cfg(test)]
mod tests;
