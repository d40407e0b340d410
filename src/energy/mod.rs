//! Energy table x counters -> joules, seconds, watts. An unknown price stays unknown.
//!
//! Temporary copy of the room's interface, dropped at the merge with the room itself.

use crate::chip::EnergyTable;
use crate::emu::counters::EventCounts;
use crate::event::Event;

/// One event class of a bill.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BillEntry {
    /// The class.
    pub event: Event,
    /// How often it happened.
    pub count: u64,
    /// Energy in joules; `None` where the price is unknown.
    pub joules: Option<f64>,
}

/// What a run cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Bill {
    /// One entry a class.
    pub entries: Vec<BillEntry>,
    /// Sum of the known entries in joules.
    pub dynamic_joules: f64,
    /// Static power times time, in joules.
    pub static_joules: Option<f64>,
    /// Modelled time in seconds.
    pub seconds: Option<f64>,
}

impl Bill {
    /// Dynamic and known static joules.
    #[must_use]
    pub fn total_joules(&self) -> f64 {
        self.dynamic_joules + self.static_joules.unwrap_or(0.0)
    }

    /// Mean power.
    #[must_use]
    pub fn watts(&self) -> Option<f64> {
        self.seconds.filter(|&seconds| seconds > 0.0).map(|seconds| self.total_joules() / seconds)
    }

    fn synaptic(&self) -> u64 {
        self.entries.iter().filter(|entry| entry.event.is_synaptic()).map(|entry| entry.count).sum()
    }

    /// All energy over all synaptic events.
    #[must_use]
    pub fn joules_per_synaptic_event(&self) -> Option<f64> {
        (self.synaptic() > 0).then(|| self.total_joules() / self.synaptic() as f64)
    }

    /// Synaptic events per second and watt, in 1e9.
    #[must_use]
    pub fn gsops_per_watt(&self) -> Option<f64> {
        self.joules_per_synaptic_event().filter(|&joules| joules > 0.0).map(|joules| 1e-9 / joules)
    }

    /// Classes that happened and have no price.
    #[must_use]
    pub fn unknown(&self) -> Vec<Event> {
        self.entries.iter().filter(|entry| entry.count > 0 && entry.joules.is_none()).map(|entry| entry.event).collect()
    }
}

/// Prices counts.
#[must_use]
pub fn bill(table: &EnergyTable, counts: &EventCounts, seconds: Option<f64>) -> Bill {
    let price = |attojoules: u64, reference: u32, milli: u32| {
        attojoules as f64
            * 1e-18
            * (f64::from(table.supply_mv) / f64::from(reference.max(1))).powf(f64::from(milli) / 1000.0)
    };
    let entries: Vec<BillEntry> = Event::ALL
        .into_iter()
        .map(|event| {
            let each = table.entries[event.index()]
                .map(|entry| price(entry.attojoules, entry.reference_mv, entry.exponent_milli));
            BillEntry { event, count: counts.get(event), joules: each.map(|each| each * counts.get(event) as f64) }
        })
        .collect();
    let dynamic_joules = entries.iter().filter_map(|entry| entry.joules).sum();
    let static_joules = table
        .static_power
        .zip(seconds)
        .map(|(power, seconds)| price(power.nanowatts, power.reference_mv, power.exponent_milli) * 1e9 * seconds);
    Bill { entries, dynamic_joules, static_joules, seconds }
}

/// A machine to compare with, priced per operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Baseline {
    /// Name.
    pub name: &'static str,
    /// Energy of a multiply-accumulate in picojoules.
    pub mac_pj: f64,
    /// Energy of an accumulate in picojoules.
    pub ac_pj: f64,
    /// Energy of the memory access that goes with it, in picojoules.
    pub memory_pj: Option<f64>,
    /// Where the numbers come from.
    pub source: &'static str,
}
