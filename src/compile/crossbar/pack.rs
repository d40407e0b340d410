//! Partition: neurons of one population, with all the slots that their fan-out needs, into cores.

use super::lines::{FanIn, Lines, Sliced};
use crate::chip::CapacityLimits;

/// What one core holds of a population.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Core {
    /// Neurons with the number of slots (the neuron and its copies).
    pub(super) members: Vec<(u32, u32)>,
    /// Lines that arrive, ascending, with the axon types through which each does.
    pub(super) lines: Vec<(u32, u8)>,
}

/// Neurons of a population in the order of packing; no core holds neurons of two groups.
pub(super) type Groups = Vec<Vec<u32>>;

impl Core {
    /// The number of axons.
    pub(super) fn axons(&self) -> u32 {
        self.lines.iter().map(|(_, mask)| mask.count_ones()).sum()
    }

    /// The number of slots.
    pub(super) fn slots(&self) -> u32 {
        self.members.iter().map(|(_, slots)| slots).sum()
    }
}

/// Orders in which a population's neurons are worth packing: as numbered, and for (channels, height, width) by
/// square tiles with all channels of a pixel together, because these listen to the same window.
pub(super) fn orders(shape: &[u32], size: u32) -> Vec<Groups> {
    raw_orders(shape, size).into_iter().map(|order| vec![order]).collect()
}

fn raw_orders(shape: &[u32], size: u32) -> Vec<Vec<u32>> {
    let mut orders = vec![(0..size).collect()];
    let &[channels, height, width] = shape else { return orders };
    if u64::from(channels) * u64::from(height) * u64::from(width) != u64::from(size) || height * width <= 1 {
        return orders;
    }
    for side in [1, 2, 3, 4, 6, 8, 12, 16] {
        if side > 1 && side >= height.max(width) * 2 {
            break;
        }
        let mut cells: Vec<(u32, u32)> = (0..height).flat_map(|y| (0..width).map(move |x| (y, x))).collect();
        cells.sort_by_key(|(y, x)| (y / side, x / side));
        let neuron = |(y, x): (u32, u32)| (0..channels).map(move |c| (c * height + y) * width + x);
        orders.push(cells.into_iter().flat_map(neuron).collect());
    }
    orders
}

/// Fills cores in the given order; a core is closed when the next neuron would break a capacity or its group ends. Every neuron
/// must fit alone ([`Sliced::axons`] within the limit). A neuron with more slots than a core has is continued on
/// the next.
pub(super) fn pack(
    fan: &FanIn,
    sliced: &Sliced,
    lines: &Lines,
    groups: &Groups,
    slots_of: &[u32],
    limits: &CapacityLimits,
) -> Vec<Core> {
    let mut present = vec![0_u8; lines.count()];
    let mut cores = Vec::new();
    let mut open = Core::default();
    let (mut axons, mut slots) = (0, 0);
    for (ends, &neuron) in groups.iter().flat_map(|group| group.iter().enumerate().map(|(at, n)| (at == 0, n))) {
        if ends {
            close(&mut open, &mut present, &mut cores);
            (axons, slots) = (0, 0);
        }
        let mut remaining = slots_of[neuron as usize].max(1);
        while remaining > 0 {
            let piece = remaining.min(limits.neurons);
            let added = |present: &[u8]| -> u32 {
                let new = |(line, mask): (u32, u8)| (mask & !present[line as usize]).count_ones();
                sliced.of_neuron(fan, neuron).map(new).sum()
            };
            if slots + piece > limits.neurons || axons + added(&present) > limits.axons_in {
                close(&mut open, &mut present, &mut cores);
                (axons, slots) = (0, 0);
            }
            axons += added(&present);
            slots += piece;
            for (line, mask) in sliced.of_neuron(fan, neuron) {
                if present[line as usize] == 0 {
                    open.lines.push((line, 0));
                }
                present[line as usize] |= mask;
            }
            open.members.push((neuron, piece));
            remaining -= piece;
        }
    }
    close(&mut open, &mut present, &mut cores);
    cores
}

/// Moves the open core to the list.
fn close(open: &mut Core, present: &mut [u8], cores: &mut Vec<Core>) {
    for (line, mask) in &mut open.lines {
        *mask = std::mem::take(&mut present[*line as usize]);
    }
    open.lines.sort_unstable();
    if !open.members.is_empty() {
        cores.push(std::mem::take(open));
    }
}
