//! What the checker asks of one core by itself: capacities, tables, and synapses that their formats can hold.

use std::collections::BTreeSet;

use crate::chip::{ChipSpec, CubaSpec};
use crate::image::{CubaCore, ListKind, Synapse, SynapseFormat, SynapseList};

/// Everything that is wrong with a core.
pub(super) fn check_core(body: &CubaCore, chip: &ChipSpec, spec: &CubaSpec) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut words = 0_u64;
    let mut next = 0;
    for (number, list) in body.lists.iter().enumerate() {
        match check_list(body, list, spec) {
            Ok(taken) => words += taken,
            Err(what) => wrong.push(format!("list {number}: {what}")),
        }
        if list.first != next {
            wrong.push(format!("list {number}: it does not follow the one before"));
        }
        next = list.first.saturating_add(list.count);
    }
    words += body.compressed.iter().map(|list| list.words(spec)).sum::<u64>();
    if next as usize != body.synapses.len() {
        wrong.push(format!("{} synapses, of which {next} are in lists", body.synapses.len()));
    }
    let shared: BTreeSet<_> = body.configs.iter().map(|c| (c.decay_u, c.decay_v, c.refractory, c.noise)).collect();
    let thresholds: BTreeSet<_> = body.configs.iter().map(|c| (c.threshold, c.adaptation)).collect();
    let axons = (body.axon_offsets.len() as u64).saturating_sub(1);
    let memory = spec.programs.as_ref().map(|programs| {
        let bytes = body.program_bytes(axons as usize, body.axons_out.len(), programs) + 8 * words;
        ("memory_bytes", bytes, u64::from(programs.memory_bytes))
    });
    for (what, used, limit) in memory.into_iter().chain([
        ("neurons", body.config_of.len() as u64, u64::from(chip.capacity.neurons)),
        ("axons_in", axons, u64::from(chip.capacity.axons_in)),
        ("axons_out", body.axons_out.len() as u64, u64::from(chip.capacity.axons_out)),
        ("synapse_words", words, u64::from(spec.synapse_words)),
        ("synapse_formats", body.formats.len() as u64, u64::from(spec.synapse_formats)),
        ("compartment_configs", shared.len() as u64, u64::from(spec.compartment_configs)),
        ("threshold_configs", thresholds.len() as u64, u64::from(spec.threshold_configs)),
    ]) {
        if used > limit {
            wrong.push(format!("{used} {what} where the chip has {limit}"));
        }
    }
    if body.axon_offsets.last().is_none_or(|&end| end as usize != body.list_uses.len()) {
        wrong.push("its axons do not cover the list uses".into());
    }
    let outgoing = body.out_offsets.len() == body.config_of.len() + 1;
    if !outgoing || body.out_offsets.last().is_none_or(|&end| end as usize != body.axons_out.len()) {
        wrong.push("its compartments do not cover the outgoing packets".into());
    }
    wrong
}

/// Words that a list takes, or why it cannot be stored.
fn check_list(body: &CubaCore, list: &SynapseList, spec: &CubaSpec) -> Result<u64, String> {
    let format = body.formats.get(usize::from(list.format)).ok_or("its format does not exist")?;
    let first = list.first as usize;
    let range = first..first.saturating_add(list.count as usize);
    let synapses = body.synapses.get(range).ok_or("its synapses do not exist")?;
    if !spec.weight_widths.contains(&format.weight_bits) || !spec.index_widths.contains(&format.index_bits) {
        return Err("its format has widths that the chip lacks".into());
    }
    if format.learns {
        learning(format, synapses, spec)?;
    } else if let Some(at) = (0..synapses.len()).find(|&k| !storable(format, k, synapses[k], spec)) {
        return Err(format!("synapse {at} does not fit the format: {:?} in {format:?}", synapses[at]));
    }
    if (format.weight_bits == 0) != (format.fixed != 0) {
        return Err(format!("weight {} held by a format of {} weight bits", format.fixed, format.weight_bits));
    }
    if !format.signed && synapses.iter().any(|s| s.weight > 0) && synapses.iter().any(|s| s.weight < 0) {
        return Err("weights of both signs in a format without sign".into());
    }
    let bits = u64::from(format.bits());
    let blocks = synapses.chunks(usize::from(spec.block_synapses.max(1)));
    Ok(blocks.map(|block| (block.len() as u64 * bits + u64::from(spec.block_overhead_bits)).div_ceil(64)).sum())
}

/// Whether a list of synapses that learn has room for what they may become.
fn learning(format: &SynapseFormat, synapses: &[Synapse], spec: &CubaSpec) -> Result<(), String> {
    let widest = spec.weight_widths.iter().copied().max().unwrap_or(0);
    let consecutive = synapses.iter().zip(0..).all(|(synapse, at)| usize::from(synapse.target) == at);
    let reached = synapses.iter().all(|s| u32::from(s.target) < 1_u32 << format.index_bits.min(31));
    let delays = synapses.iter().all(|s| u32::from(s.delay) < 1_u32 << format.delay_bits.min(31));
    let (kind, indexed) = (format.kind, format.kind == ListKind::Dense || reached);
    if format.weight_bits != widest || kind == ListKind::Shared || !indexed || !delays {
        return Err(format!("synapses that learn do not fit their format: {format:?}"));
    }
    if kind == ListKind::Dense && !consecutive {
        return Err("a dense list that learns leaves targets out".into());
    }
    if format.tag_bits > spec.tag_bits {
        return Err(format!("{} tag bits where the chip has {}", format.tag_bits, spec.tag_bits));
    }
    Ok(())
}

/// Whether synapse number `at` of a list can be stored in its format.
fn storable(format: &SynapseFormat, at: usize, synapse: Synapse, spec: &CubaSpec) -> bool {
    let full = 1_i32 << (spec.weight_bits - 1);
    let widest = spec.weight_widths.iter().copied().max().unwrap_or(0);
    let step = 1_i32 << (widest.saturating_sub(format.weight_bits) + u8::from(format.signed)).min(30);
    let weight = i32::from(synapse.weight);
    let least = if format.signed { -full } else { 1 - full };
    let value = if format.weight_bits == 0 {
        synapse.weight == format.fixed && (-full..full).contains(&weight)
    } else {
        (least..full).contains(&weight) && weight % step == 0
    };
    let longest = spec.delay_max.min(spec.dialect.delay_max());
    let delay = synapse.delay <= longest && u32::from(synapse.delay) < 1_u32 << format.delay_bits.min(31);
    let index = match format.kind {
        // Zeros fill the gaps of dense lists and mean nothing elsewhere.
        ListKind::Dense => usize::from(synapse.target) == at && (weight != 0 || synapse.delay == 0),
        ListKind::Sparse | ListKind::Shared => {
            weight != 0 && u32::from(synapse.target) < 1_u32 << format.index_bits.min(31)
        }
    };
    value && delay && index
}
