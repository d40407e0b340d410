//! A Loihi by hand for tests of this room.

use crate::chip::{CapacityLimits, ChipSpec, CubaSpec, Dialect, EnergyTable, Family, MeshSpec, SyncSpec, UnitTimes};
use crate::digest::Digest;
use crate::event::Event;

/// Structure as published; no times, no energies.
pub(in crate::compile) fn loihi() -> ChipSpec {
    ChipSpec {
        name: "loihi".into(),
        title: String::new(),
        family: Family::Cuba(CubaSpec {
            dialect: Dialect::Lava,
            state_bits: 24,
            decay_bits: 12,
            threshold_bits: 17,
            bias_bits: 13,
            bias_exponent_max: 7,
            weight_bits: 9,
            weight_exponent_min: -8,
            weight_exponent_max: 7,
            delay_max: 62,
            delay_slots: None,
            synapse_words: 16_384,
            weight_widths: vec![0, 1, 2, 3, 4, 5, 6, 8],
            index_widths: vec![0, 6, 7, 8, 9, 10, 11, 12],
            block_synapses: 64,
            block_overhead_bits: 10,
            compartment_configs: 32,
            threshold_configs: 16,
            synapse_formats: 16,
            dendrites: 2,
            tag_bits: 9,
            programs: None,
        }),
        capacity: CapacityLimits { neurons: 1024, axons_in: 4096, axons_out: 4096 },
        mesh: MeshSpec {
            width: 8,
            height: 4,
            cores_per_router: 4,
            hop_x: None,
            hop_y: None,
            local: None,
            cycle: None,
            buffer: 4,
            host: (0, 0),
            edge: None,
        },
        defects: crate::chip::Defects::default(),
        sync: SyncSpec::Barrier { table: Vec::new() },
        times: UnitTimes::default(),
        energy: EnergyTable {
            cost_set: String::new(),
            cost_note: String::new(),
            supply_mv: 750,
            entries: [None; Event::COUNT],
            static_power: None,
        },
        facts: Vec::new(),
        unknown: Vec::new(),
        digest: Digest::of(b"test"),
    }
}

/// The core type of a Loihi-style chip.
pub(in crate::compile) fn cuba(chip: &ChipSpec) -> &CubaSpec {
    match &chip.family {
        Family::Cuba(spec) => spec,
        _ => panic!("a Loihi-style chip"),
    }
}

/// The same, to be changed.
pub(in crate::compile) fn cuba_mut(chip: &mut ChipSpec) -> &mut CubaSpec {
    match &mut chip.family {
        Family::Cuba(spec) => spec,
        _ => panic!("a Loihi-style chip"),
    }
}
