//! From the tree of a chip file to a [`ChipSpec`]: one function a table.

use super::board;
use super::clocked;
use super::cost::{self, CostSet};
use super::crossbar::{CrossbarOptions, DrawComparison, LinearReset, Overflow};
use super::defects::{self, Defects};
use super::fcore;
use super::programs;
use super::quantity::Dimension;
use super::section::{Found, Section};
use super::spec::{CapacityLimits, ChipSpec, CrossbarSpec, CubaSpec, Dialect, Family, MeshSpec, SyncSpec};
use super::stepped;
use super::tree::Node;
use crate::diag::{Problem, nearest};
use crate::digest::{Digest, Digester};
use crate::event::Event;
use crate::units::Picos;

/// The format of chip files that this program reads.
const FORMAT: i64 = 1;

/// What a file says, with all its cost sets.
#[derive(Debug)]
pub(super) struct File {
    /// The chip with an empty cost set.
    pub(super) chip: ChipSpec,
    /// Name of the set that is used where none is asked for.
    pub(super) default_cost_set: String,
    /// All sets.
    pub(super) sets: Vec<CostSet>,
    /// Lowest and highest supply in millivolts.
    pub(super) supply: (u64, u64),
    /// Chips on the board.
    pub(super) chips: u32,
}

/// Reads the whole tree; the result is meaningful only where `found` stays without problems.
pub(super) fn file(tree: &Node, found: &mut Found) -> Option<File> {
    let mut root = Section::root(tree);
    root.plain("format", &(FORMAT..=FORMAT), found);
    let name = root.text("name", found).to_owned();
    let title = root.text("title", found).to_owned();
    let core = root.required("core", found).and_then(|section| core(section, found));
    let clocked = core.as_ref().is_some_and(|(family, _)| family.is_clocked());
    let mesh = root.required("mesh", found).map(|section| mesh(section, clocked, found));
    let board = root.section("board", found).map(|section| board::read(section, found));
    let dead = root.section("defects", found).map(|section| defects::read(section, found));
    let sync = root.required("sync", found).and_then(|section| sync(section, found));
    let supply = root.section("supply", found).map_or((1, 100_000), |section| supply(section, found));
    // A clocked design may have no price at all: it is a description, not silicon.
    let priced = !clocked || root.has("cost");
    let mut default_cost_set = cost::NONE.to_owned();
    let sets = if priced {
        root.text("default_cost_set", found).clone_into(&mut default_cost_set);
        root.required("cost", found).map(|section| {
            let family = core.as_ref().map(|(family, _)| family);
            cost::sets(section, family, found)
        })
    } else {
        Some(vec![cost::none(found)])
    };
    root.finish(found);
    let ((family, capacity), mut mesh, sync) = (core?, mesh?, sync?);
    let chips = board::tile(board, &mut mesh, found);
    let digest = digest(&name, &family, &capacity, &mesh);
    let mut chip = ChipSpec {
        name,
        title,
        family,
        capacity,
        mesh,
        defects: Defects::default(),
        sync,
        times: super::UnitTimes::default(),
        energy: super::EnergyTable {
            cost_set: String::new(),
            cost_note: String::new(),
            supply_mv: 0,
            entries: [None; Event::COUNT],
            static_power: None,
        },
        facts: Vec::new(),
        unknown: Vec::new(),
        digest,
    };
    defects::enter(&mut chip, dead.unwrap_or_default(), found);
    Some(File { chip, default_cost_set, sets: sets?, supply, chips })
}

fn core(mut section: Section<'_>, found: &mut Found) -> Option<(Family, CapacityLimits)> {
    let capacity = CapacityLimits {
        neurons: section.number("neurons", 1..=65_535, found) as u32,
        axons_in: section.number("axons_in", 1..=65_535, found) as u32,
        axons_out: section.number("axons_out", 1..=1 << 20, found) as u32,
    };
    let place = section.place("family");
    let family = match section.text("family", found) {
        "crossbar" => section.required("crossbar", found).map(|inner| Family::Crossbar(crossbar(inner, found))),
        "cuba" => section.required("cuba", found).and_then(|inner| cuba(inner, found)).map(Family::Cuba),
        "ranc" => section.required("ranc", found).map(|inner| Family::Ranc(clocked::ranc(inner, found))),
        "tinyodin" => {
            section.required("tinyodin", found).map(|inner| Family::TinyOdin(clocked::tinyodin(inner, found)))
        }
        "fcore" => section.required("fcore", found).map(|inner| Family::Fcore(fcore::read(inner, found))),
        "stepped" => section.required("stepped", found).map(|inner| Family::Stepped(stepped::read(inner, found))),
        "" => None,
        other => {
            let known = ["crossbar", "cuba", "ranc", "tinyodin", "fcore", "stepped"];
            found.problems.push(choice("core.family", place, other, &known));
            // Their contents cannot be judged without a family.
            known.iter().for_each(|key| _ = section.has(key));
            None
        }
    };
    section.finish(found);
    Some((family?, capacity))
}

/// A word that is none of the known ones.
pub(super) fn choice(path: &str, place: &str, word: &str, known: &[&str]) -> Problem {
    let what = format!("'{path}' is '{word}', which is not known");
    let mut problem = Problem::invalid("chip/choice", place, what).limit(known.join(", "));
    problem.help = nearest(word, known.iter().copied()).map(|near| format!("did you mean '{near}'?"));
    problem
}

fn crossbar(mut section: Section<'_>, found: &mut Found) -> CrossbarSpec {
    let spec = CrossbarSpec {
        axon_types: section.number("axon_types", 1..=4, found) as u8,
        weight_bits: section.number("weight_bits", 2..=16, found) as u8,
        potential_bits: section.number("potential_bits", 4..=31, found) as u8,
        threshold_bits: section.number("threshold_bits", 1..=30, found) as u8,
        delay_min: section.number("delay_min", 1..=127, found) as u8,
        delay_max: section.number("delay_max", 1..=127, found) as u8,
        reach: section.number("reach", 0..=65_535, found) as u16,
        row_bits: section.number("row_bits", 0..=65_535, found) as u16,
        packet_bits_x: section.number("packet_bits_x", 1..=255, found) as u8,
        packet_bits_y: section.number("packet_bits_y", 1..=255, found) as u8,
        options: options(&mut section, found),
    };
    section.finish(found);
    spec
}

/// What is open about the neuron: optional keys with defaults.
fn options(section: &mut Section<'_>, found: &mut Found) -> CrossbarOptions {
    let bits = "threshold_draw_bits";
    CrossbarOptions {
        comparison: one_of(section, "draw_comparison", &DrawComparison::NAMES, &DrawComparison::ALL, found),
        linear_reset: one_of(section, "linear_reset", &LinearReset::NAMES, &LinearReset::ALL, found),
        overflow: one_of(section, "overflow", &Overflow::NAMES, &Overflow::ALL, found),
        threshold_draw_bits: if section.has(bits) { section.number(bits, 8..=24, found) as u8 } else { 8 },
    }
}

/// The value that an optional key names; the default where it is absent or wrong.
pub(super) fn one_of<T: Copy + Default>(
    section: &mut Section<'_>,
    key: &str,
    names: &[&str],
    values: &[T],
    found: &mut Found,
) -> T {
    let (path, place) = (section.path(key), section.place(key));
    let Some(word) = section.optional_text(key, found) else { return T::default() };
    if let Some(at) = names.iter().position(|name| *name == word) {
        return values[at];
    }
    found.problems.push(choice(&path, place, word, names));
    T::default()
}

fn cuba(mut section: Section<'_>, found: &mut Found) -> Option<CubaSpec> {
    let place = section.place("dialect");
    let word = section.text("dialect", found);
    let dialect = Dialect::ALL.iter().find(|(_, name)| *name == word).map(|(dialect, _)| *dialect);
    if dialect.is_none() && !word.is_empty() {
        found.problems.push(choice("core.cuba.dialect", place, word, &Dialect::ALL.map(|(_, name)| name)));
    }
    let widths = |values: Vec<i64>| values.into_iter().map(|value| value as u8).collect();
    let spec = CubaSpec {
        dialect: Dialect::Lava,
        state_bits: section.number("state_bits", 8..=32, found) as u8,
        decay_bits: section.number("decay_bits", 1..=16, found) as u8,
        threshold_bits: section.number("threshold_bits", 1..=24, found) as u8,
        bias_bits: section.number("bias_bits", 1..=16, found) as u8,
        bias_exponent_max: section.number("bias_exponent_max", 0..=15, found) as u8,
        weight_bits: section.number("weight_bits", 2..=16, found) as u8,
        weight_exponent_min: section.number("weight_exponent_min", -16..=16, found) as i8,
        weight_exponent_max: section.number("weight_exponent_max", -16..=16, found) as i8,
        delay_max: section.number("delay_max", 0..=63, found) as u8,
        delay_slots: section.has("delay_slots").then(|| section.number("delay_slots", 1..=1 << 24, found) as u32),
        synapse_words: section.number("synapse_words", 1..=1 << 24, found) as u32,
        weight_widths: widths(section.numbers("weight_widths", 0..=15, found)),
        index_widths: widths(section.numbers("index_widths", 0..=16, found)),
        block_synapses: section.number("block_synapses", 1..=255, found) as u8,
        block_overhead_bits: section.number("block_overhead_bits", 0..=63, found) as u8,
        compartment_configs: section.number("compartment_configs", 1..=65_535, found) as u16,
        threshold_configs: section.number("threshold_configs", 1..=65_535, found) as u16,
        synapse_formats: section.number("synapse_formats", 1..=256, found) as u16,
        dendrites: section.number("dendrites", 0..=16, found) as u8,
        tag_bits: section.number("tag_bits", 0..=9, found) as u8,
        programs: section.section("programs", found).map(|inner| programs::read(inner, found)),
    };
    section.finish(found);
    dialect.map(|dialect| CubaSpec { dialect, ..spec })
}

fn mesh(mut section: Section<'_>, clocked: bool, found: &mut Found) -> MeshSpec {
    let host_place = section.place("host");
    let host = section.numbers("host", 0..=65_534, found);
    if !matches!(host.len(), 0 | 2) {
        let what = format!("'mesh.host' has {} numbers", host.len());
        found.problems.push(Problem::invalid("chip/range", host_place, what).limit("two: [x, y] of a router"));
    }
    let mut time = |key: &str, found: &mut Found| {
        let time = section.optional(key, Dimension::Time, &[], found);
        // A clocked mesh has cycles instead of times.
        if time.is_none() && !clocked {
            found.unknown.push(section.path(key));
        }
        time.map(|time| Picos(time.amount))
    };
    let (hop_x, hop_y) = (time("hop_x", found), time("hop_y", found));
    let (local, cycle) = (time("local", found), time("cycle", found));
    let spec = MeshSpec {
        width: section.number("width", 1..=1024, found) as u16,
        height: section.number("height", 1..=1024, found) as u16,
        cores_per_router: section.number("cores_per_router", 1..=64, found) as u16,
        hop_x,
        hop_y,
        local,
        cycle,
        buffer: section.number("buffer", 1..=4096, found) as u16,
        host: (host.first().copied().unwrap_or(0) as u16, host.get(1).copied().unwrap_or(0) as u16),
        edge: None,
    };
    section.finish(found);
    spec
}

/// A `[sync]` table, of the chip or of a cost set.
pub(super) fn sync(mut section: Section<'_>, found: &mut Found) -> Option<SyncSpec> {
    let (path, place) = (section.path("kind"), section.place("kind"));
    let spec = match section.text("kind", found) {
        "fixed_tick" => Some(SyncSpec::FixedTick { period: Picos(section.quantity("period", Dimension::Time, found)) }),
        "barrier" => {
            let rows = section.pairs("table", Dimension::Time, found);
            let ascending = rows.windows(2).all(|pair| pair[0].0 < pair[1].0);
            if !ascending {
                let what = format!("'{}' is not ascending in its first number", section.path("table"));
                found.problems.push(Problem::invalid("chip/order", section.place("table"), what));
            }
            let table = rows.into_iter().map(|(tiles, time)| (tiles as u16, Picos(time))).collect();
            Some(SyncSpec::Barrier { table })
        }
        "clocked" => {
            let clock = section.optional("clock", Dimension::Time, &[], found).map(|clock| Picos(clock.amount));
            if clock.is_none() {
                found.unknown.push(section.path("clock"));
            }
            Some(clocked::sync(&mut section, clock, found))
        }
        "" => None,
        other => {
            found.problems.push(choice(&path, place, other, &["fixed_tick", "barrier", "clocked"]));
            ["period", "table", "unit", "clock", "slack", "input_interval"].iter().for_each(|key| _ = section.has(key));
            None
        }
    };
    section.finish(found);
    spec
}

fn supply(mut section: Section<'_>, found: &mut Found) -> (u64, u64) {
    let range =
        (section.quantity("min", Dimension::Voltage, found), section.quantity("max", Dimension::Voltage, found));
    section.finish(found);
    range
}

/// Of everything that decides what an image may hold. Order is part of the format of image headers.
pub(super) fn digest(name: &str, family: &Family, capacity: &CapacityLimits, mesh: &MeshSpec) -> Digest {
    let mut digester = Digester::default();
    digester.word(name.len() as u64);
    digester.bytes(name.as_bytes());
    let words = |digester: &mut Digester, words: &[i64]| words.iter().for_each(|word| digester.word(*word as u64));
    let count = |number: u32| i64::from(number);
    words(&mut digester, &[count(capacity.neurons), count(capacity.axons_in), count(capacity.axons_out)]);
    words(&mut digester, &[mesh.width.into(), mesh.height.into(), mesh.cores_per_router.into()]);
    if let Some(edge) = &mesh.edge {
        words(&mut digester, &[edge.tile.0.into(), edge.tile.1.into()]);
    }
    match family {
        Family::Crossbar(c) => {
            words(&mut digester, &[1, c.axon_types.into(), c.weight_bits.into(), c.potential_bits.into()]);
            words(&mut digester, &[c.threshold_bits.into(), c.delay_min.into(), c.delay_max.into(), c.reach.into()]);
            words(&mut digester, &c.options.words());
        }
        Family::Cuba(c) => {
            words(
                &mut digester,
                &[2, c.dialect as i64 + 1, c.state_bits.into(), c.decay_bits.into(), c.threshold_bits.into()],
            );
            words(&mut digester, &[c.bias_bits.into(), c.bias_exponent_max.into(), c.weight_bits.into()]);
            words(&mut digester, &[c.weight_exponent_min.into(), c.weight_exponent_max.into(), c.delay_max.into()]);
            words(&mut digester, &[count(c.synapse_words), c.block_synapses.into(), c.block_overhead_bits.into()]);
            for widths in [&c.weight_widths, &c.index_widths] {
                digester.word(widths.len() as u64);
                digester.bytes(widths);
            }
            words(&mut digester, &[c.compartment_configs.into(), c.threshold_configs.into(), c.synapse_formats.into()]);
            words(&mut digester, &[c.tag_bits.into(), c.dendrites.into()]);
            words(&mut digester, &[c.delay_slots.map_or(0, i64::from)]);
            if let Some(programs) = &c.programs {
                words(&mut digester, &programs.words());
            }
        }
        Family::Ranc(c) => words(&mut digester, &[c.words(), vec![mesh.buffer.into()]].concat()),
        Family::TinyOdin(c) => words(&mut digester, &c.words()),
        Family::Fcore(c) => words(&mut digester, &c.words()),
        Family::Stepped(c) => words(&mut digester, &c.words()),
    }
    digester.finish()
}
