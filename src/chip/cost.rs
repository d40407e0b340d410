//! Cost sets: the energies and times of one source, with the supply at which they hold.

use super::quantity::{Dimension, decimal};
use super::read;
use super::section::{Found, Quantity, Section};
use super::spec::{EnergyEntry, EnergyTable, Fact, Family, StaticPower, SyncSpec, UnitTimes};
use super::tree::{Node, Value};
use crate::diag::Problem;
use crate::event::Event;
use crate::units::Picos;

/// One cost set with what it leaves unknown.
#[derive(Debug)]
pub(super) struct CostSet {
    /// Energies.
    pub(super) energy: EnergyTable,
    /// Times of unit operations.
    pub(super) times: UnitTimes,
    /// The set's own end of a tick, instead of the chip's.
    pub(super) sync: Option<SyncSpec>,
    /// Nanowatts of a megahertz of the clock, beside the static power.
    pub(super) clock_nanowatts_per_mhz: Option<u64>,
    /// Its numbers.
    pub(super) facts: Vec<Fact>,
    /// Keys it leaves out.
    pub(super) unknown: Vec<String>,
    /// Place of the set's supply.
    pub(super) place: String,
}

/// Supply and exponent that an energy without its own holds at.
#[derive(Debug, Clone, Copy)]
struct Reference {
    supply_mv: u64,
    exponent_milli: u64,
}

/// Name of the set of a chip that nobody has priced.
pub(super) const NONE: &str = "none";

/// The set of a chip without prices.
pub(super) fn none(found: &mut Found) -> CostSet {
    found.unknown.push("cost".to_owned());
    CostSet {
        energy: EnergyTable {
            cost_set: NONE.to_owned(),
            cost_note: "no energy of this design is published".to_owned(),
            supply_mv: 0,
            entries: [None; Event::COUNT],
            static_power: None,
        },
        times: UnitTimes::default(),
        sync: None,
        clock_nanowatts_per_mhz: None,
        facts: Vec::new(),
        unknown: Vec::new(),
        place: String::new(),
    }
}

/// All sets of `[cost]`.
pub(super) fn sets(mut section: Section<'_>, family: Option<&Family>, found: &mut Found) -> Vec<CostSet> {
    let names: Vec<&str> =
        section.others().iter().map(|e| e.key.as_str()).filter(|key| !matches!(*key, "source" | "status")).collect();
    if names.is_empty() {
        let what = "'cost' holds no cost set";
        let help = "add a table [cost.NAME] with note, supply, exponent, and tables energy and times";
        found.problems.push(Problem::invalid("chip/missing", section.place(""), what).help(help));
    }
    let mut sets = Vec::new();
    for name in names {
        if let Some(inner) = section.section(name, found) {
            // Only the chosen set's facts and gaps belong to the chip.
            let (facts, unknown) = (std::mem::take(&mut found.facts), std::mem::take(&mut found.unknown));
            let mut set = set(name, inner, family, found);
            set.facts = std::mem::replace(&mut found.facts, facts);
            set.unknown = std::mem::replace(&mut found.unknown, unknown);
            sets.push(set);
        }
    }
    section.finish(found);
    sets
}

fn set(name: &str, mut section: Section<'_>, family: Option<&Family>, found: &mut Found) -> CostSet {
    let note = section.text("note", found).to_owned();
    let place = section.place("supply").to_owned();
    let reference = Reference {
        supply_mv: section.quantity("supply", Dimension::Voltage, found),
        exponent_milli: section.quantity("exponent", Dimension::Milli, found),
    };
    let static_power = section.optional("static_power", Dimension::Power, &["at_volts", "exponent"], found);
    if static_power.is_none() {
        found.unknown.push(section.path("static_power"));
    }
    let static_power = static_power.map(|power| {
        let (reference_mv, exponent_milli) = scaling(&power, reference, found);
        StaticPower { nanowatts: power.amount, reference_mv, exponent_milli }
    });
    let clocked = family.is_some_and(Family::is_clocked);
    let per_mhz = section.optional("clock_power_per_mhz", Dimension::Power, &[], found).filter(|_| clocked);
    let entries = section.required("energy", found).map(|inner| energies(inner, family, reference, found));
    let times = section.required("times", found).map(|inner| times(inner, family, found));
    let sync = section.section("sync", found).and_then(|inner| read::sync(inner, found));
    section.finish(found);
    let energy = EnergyTable {
        cost_set: name.to_owned(),
        cost_note: note,
        supply_mv: reference.supply_mv as u32,
        entries: entries.unwrap_or([None; Event::COUNT]),
        static_power,
    };
    let times = times.unwrap_or_default();
    let clock_nanowatts_per_mhz = per_mhz.map(|power| power.amount);
    CostSet { energy, times, sync, clock_nanowatts_per_mhz, facts: Vec::new(), unknown: Vec::new(), place }
}

fn energies(
    mut section: Section<'_>,
    family: Option<&Family>,
    reference: Reference,
    found: &mut Found,
) -> [Option<EnergyEntry>; Event::COUNT] {
    let mut entries = [None; Event::COUNT];
    for event in Event::ALL.into_iter().filter(|event| family.is_none_or(|family| happens(*event, family))) {
        match section.optional(event.key(), Dimension::Energy, &["at_volts", "exponent"], found) {
            Some(energy) => {
                let (reference_mv, exponent_milli) = scaling(&energy, reference, found);
                entries[event.index()] = Some(EnergyEntry { attojoules: energy.amount, reference_mv, exponent_milli });
            }
            None => found.unknown.push(section.path(event.key())),
        }
    }
    section.finish(found);
    entries
}

fn times(mut section: Section<'_>, family: Option<&Family>, found: &mut Found) -> UnitTimes {
    let mut entries = [None; Event::COUNT];
    for event in Event::ALL.into_iter().filter(|event| family.is_none_or(|family| happens(*event, family))) {
        if !in_core(event) {
            continue;
        }
        let time = section.optional(event.key(), Dimension::Time, &[], found);
        // Clocked cores count cycles; they have no unit times.
        if time.is_none() && !family.is_some_and(Family::is_clocked) {
            found.unknown.push(section.path(event.key()));
        }
        entries[event.index()] = time.map(|time| Picos(time.amount));
    }
    section.finish(found);
    UnitTimes::new(entries)
}

/// `at_volts` and `exponent` beside a value, else those of the set, in millivolts and thousandths.
fn scaling(quantity: &Quantity<'_>, reference: Reference, found: &mut Found) -> (u32, u32) {
    let at = beside(quantity, "at_volts", Dimension::Voltage, 3, found).unwrap_or(reference.supply_mv);
    let exponent = beside(quantity, "exponent", Dimension::Milli, 3, found).unwrap_or(reference.exponent_milli);
    if at == 0 {
        let what = "an energy cannot hold at a supply of zero";
        found
            .problems
            .push(Problem::invalid("chip/range", quantity.place, what).help("set at_volts or the set's supply"));
    }
    (at as u32, exponent as u32)
}

fn beside(quantity: &Quantity<'_>, key: &str, dimension: Dimension, power: i32, found: &mut Found) -> Option<u64> {
    let node = quantity.extras?.get(key)?;
    let number: &Node = node.get("value").unwrap_or(node);
    let resolved = match &number.value {
        Value::Number(text) => decimal(text, power).ok().and_then(|value| u64::try_from(value).ok()),
        _ => None,
    };
    if resolved.is_none_or(|amount| amount > dimension.most()) {
        let what = format!("'{key}' is not a number in range");
        let limit = format!("0..={} {}, whole", dimension.most(), dimension.resolution());
        found.problems.push(Problem::invalid("chip/range", node.place.as_str(), what).limit(limit));
        return None;
    }
    resolved
}

/// Whether a core of this family can cause the event at all.
fn happens(event: Event, family: &Family) -> bool {
    match event {
        Event::SynapseCrossbar => matches!(family, Family::Crossbar(_) | Family::Ranc(_)),
        Event::MemoryBit => matches!(family, Family::Crossbar(_)),
        Event::SynapseDense => {
            matches!(family, Family::Cuba(_) | Family::TinyOdin(_) | Family::Fcore(_) | Family::Stepped(_))
        }
        Event::MultiplyAccumulate => matches!(family, Family::Fcore(_)),
        Event::SynapseSparse | Event::SynapseShared | Event::SynapseUpdate => matches!(family, Family::Cuba(_)),
        // What lies between the blocks of a stepped chip is not known.
        Event::TileLocal | Event::HopX | Event::HopY | Event::ChipCrossingBit => {
            !matches!(family, Family::TinyOdin(_) | Family::Stepped(_))
        }
        _ => true,
    }
}

/// Whether the event takes time in a core; the mesh has times of its own.
const fn in_core(event: Event) -> bool {
    !matches!(event, Event::TileLocal | Event::HopX | Event::HopY | Event::MemoryBit | Event::ChipCrossingBit)
}
