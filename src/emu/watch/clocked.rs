//! RANC and tinyODIN, edge by edge.

use super::{Teller, signal};
use crate::chip::{ChipSpec, TinyOdinSpec};
use crate::diag::Result;
use crate::emu::clocked;
use crate::emu::mesh::clocked::BUFFER_NAMES;
use crate::emu::probe::{Change, Signal};
use crate::emu::ranc::{Pace, RancChip, RancStimulus};
use crate::emu::tinyodin::{Neuron, Observed, Watch};
use crate::image::{CoreBody, Image, Place};
use crate::stimulus::Sample;

const TOP: &str = "RANCNetworkGrid";

/// In the order in which [`ranc`] tells them.
pub(super) fn ranc_signals(image: &Image, chip: &ChipSpec, watched: &[Place]) -> Vec<Signal> {
    let width = u32::from(chip.mesh.width);
    let mut list = vec![signal(&[TOP], "tick", 1), signal(&[TOP, "input_buffer"], "fill", 25)];
    for core in &image.cores {
        let bus = matches!(core.body, CoreBody::OutputBus(_));
        let (x, y) = (core.core % width, core.core / width);
        let scope = if bus { format!("output_bus_{x}_{y}") } else { format!("core_{x}_{y}") };
        if bus {
            list.extend([signal(&[TOP, &scope], "packet_out_valid", 1), signal(&[TOP, &scope], "packet_out", 16)]);
        } else {
            list.push(signal(&[TOP, &scope, "token_controller"], "state", 3));
            list.push(signal(&[TOP, &scope, "token_controller"], "spike_out", 1));
            list.push(signal(&[TOP, &scope, "token_controller"], "neuron", 16));
            list.push(signal(&[TOP, &scope, "scheduler"], "read_pointer", 16));
            list.push(signal(&[TOP, &scope, "scheduler"], "wen", 1));
            list.push(signal(&[TOP, &scope, "scheduler"], "packet_axon", 16));
            for place in watched.iter().filter(|place| place.core == core.core) {
                list.push(signal(&[TOP, &scope, &format!("neuron_{}", place.neuron)], "potential", 32));
            }
        }
        for (module, buffer) in BUFFER_NAMES {
            list.push(signal(&[TOP, &scope, "router", module], &format!("{buffer}_fill"), 17));
        }
    }
    list
}

pub(super) fn ranc(
    image: &Image,
    chip: &ChipSpec,
    stimulus: &RancStimulus,
    watched: &[Place],
    tell: impl FnMut(Change),
) -> Result<u64> {
    let mut device = RancChip::new(&clocked::ranc_config(image, chip), Pace::Every)?;
    device.keep_states(false);
    let mut teller = Teller::new(tell);
    device.run_watched(stimulus, |cycle, tick, view| {
        teller.at(cycle);
        teller.value(tick.into());
        teller.value(view.mesh().input_fill() as u64);
        for loaded in &image.cores {
            let core = loaded.core;
            let arriving = view.arriving(core).map(|flit| u64::from(flit.axon));
            if let Some(state) = view.state(core) {
                teller.value(u64::from(state as u8));
                teller.flagged(view.spike(core).map(u64::from));
                teller.value(view.pointer(core).unwrap_or_default().into());
                teller.flagged(arriving);
                for place in watched.iter().filter(|place| place.core == core) {
                    teller.value(view.potential(core, place.neuron.into()).unwrap_or_default().cast_unsigned());
                }
            } else {
                teller.flagged(arriving);
            }
            view.mesh().fills(core).for_each(|fill| teller.value(fill as u64));
        }
    })?;
    Ok(stimulus.cycles)
}

/// In the order in which [`tinyodin`] tells them.
pub(super) fn tinyodin_signals(watched: &[Place]) -> Vec<Signal> {
    let top = "tinyODIN";
    let mut list = vec![
        signal(&[top, "controller"], "state", 4),
        signal(&[top, "neuron_core"], "NEUR_EVENT_OUT", 1),
        signal(&[top, "neuron_core"], "neuron", 8),
        signal(&[top, "scheduler"], "fill", 8),
        signal(&[top, "scheduler"], "lost", 1),
        signal(&[top, "aer_in"], "AERIN_REQ", 1),
        signal(&[top, "aer_in"], "AERIN_ADDR", 10),
        signal(&[top, "aer_in"], "AERIN_ACK", 1),
        signal(&[top, "aer_out"], "AEROUT_REQ", 1),
        signal(&[top, "aer_out"], "AEROUT_ADDR", 8),
        signal(&[top, "aer_out"], "AEROUT_ACK", 1),
    ];
    for place in watched {
        list.push(signal(&[top, &format!("neuron_{}", place.neuron)], "potential", 12));
    }
    list
}

/// What one slot and edge show.
#[derive(Default)]
struct Pins {
    state: u64,
    spike: Option<u64>,
    lost: bool,
    in_request: bool,
    in_address: u64,
    in_acknowledge: bool,
    out_request: bool,
    out_address: u64,
    out_acknowledge: bool,
}

impl Watch for Pins {
    fn observe(&mut self, _cycle: u64, what: Observed) {
        match what {
            Observed::State(state) => self.state = state.code().into(),
            Observed::Spike(neuron) => self.spike = Some(neuron.into()),
            Observed::Lost(_) => self.lost = true,
            Observed::Pushed(_) | Observed::Popped(_) => {}
            Observed::InRequest(address) => (self.in_request, self.in_address) = (true, address.into()),
            Observed::InAcknowledge(up) => self.in_acknowledge = up,
            Observed::InRelease => self.in_request = false,
            Observed::OutRequest(address) => (self.out_request, self.out_address) = (true, address.into()),
            Observed::OutAcknowledge(up) => self.out_acknowledge = up,
            Observed::OutRelease => self.out_request = false,
        }
    }
}

pub(super) fn tinyodin(
    image: &Image,
    spec: &TinyOdinSpec,
    sample: &Sample,
    watched: &[Place],
    tell: impl FnMut(Change),
) -> Result<u64> {
    let mut board = clocked::board(image, spec, sample)?;
    let end = u64::from(sample.ticks) + u64::from(image.depth);
    let mut teller = Teller::new(tell);
    let mut pins = Pins::default();
    for cycle in 0..end {
        let fill = board.chip().scheduler_fill() as u64;
        let words = board.chip().neuron_words();
        let potential = |place: &Place| Neuron::unpack(words[usize::from(place.neuron)]).v;
        let potentials: Vec<i16> = watched.iter().map(potential).collect();
        (pins.spike, pins.lost) = (None, false);
        board.run_plain(cycle + 1, &mut pins);
        teller.at(cycle);
        teller.value(pins.state);
        teller.flagged(pins.spike);
        teller.value(fill);
        teller.value(pins.lost.into());
        teller.value(pins.in_request.into());
        teller.value(pins.in_address);
        teller.value(pins.in_acknowledge.into());
        teller.value(pins.out_request.into());
        teller.value(pins.out_address);
        teller.value(pins.out_acknowledge.into());
        potentials.iter().for_each(|&v| teller.value(i64::from(v).cast_unsigned()));
    }
    Ok(end)
}
