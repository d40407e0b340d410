//! One spike a unit, whose time is the value: the earlier the larger.
//!
//! Each layer has a window of T ticks behind that of its sources. In it an input spike at tick t adds its weight in every
//! tick that follows, T - 1 - t times in all; in its own window a neuron fires once, the earlier the more it gathered:
//! at tick (T - 1) (1 - V), rounded, where V is the gathered value over T - 1 and over its scale.

use super::simulate::{Net, State};
use crate::stimulus::InputSpike;

/// Runs one sample with windows of `ticks`; `seen` gets each population once, its membrane as the value gathered and its
/// counts as 0 or 1.
pub(super) fn first_spikes(
    net: &Net<'_>,
    spikes: &[InputSpike],
    ticks: u32,
    checkpoint: usize,
    mut seen: impl FnMut(&State<'_>),
) {
    let last = ticks.saturating_sub(1).max(1);
    let mut values: Vec<Vec<f32>> = vec![Vec::new(); net.layers.len()];
    for &index in &net.units.sequence {
        let layer = &net.layers[index];
        let order = &net.units.orders[index];
        if net.units.graph.populations[index].is_input() {
            let mut shown = vec![0.0; net.units.graph.populations[index].size()];
            for spike in spikes {
                shown[order.place(spike.input as usize)] = (last - spike.tick.min(last)) as f32 / last as f32;
            }
            let (counts, spikes) = (vec![0; shown.len()], spikes.len() as u64);
            let (membrane, lost) = (&shown, &[]);
            seen(&State { population: index, checkpoint, ticks, membrane, counts: &counts, lost, spikes, synaptic: 0 });
            values[index] = shown;
            continue;
        }
        let mut sums = layer.bias.clone();
        let mut synaptic = 0;
        for scatter in &layer.inbound {
            for (source, &value) in values[scatter.source].iter().enumerate().filter(|(_, value)| **value > 0.0) {
                scatter.value(source, value, &mut sums);
                synaptic += u64::from(scatter.fan_out[source]);
            }
        }
        let steps = last as f32;
        let times: Vec<f32> = sums
            .iter()
            .zip(&layer.threshold)
            .map(|(sum, threshold)| (sum / threshold * steps).round().clamp(0.0, steps) / steps)
            .collect();
        let counts: Vec<u32> = times.iter().map(|&value| u32::from(value > 0.0)).collect();
        let spikes = counts.iter().map(|&count| u64::from(count)).sum();
        let (membrane, counts, lost) = (&sums, &counts, &[]);
        seen(&State { population: index, checkpoint, ticks, membrane, counts, lost, spikes, synaptic });
        values[index] = times;
    }
}
