//! Cores. Here: a list core, its state, and what it does in a tick; crossbar cores are stepped in [`super::banks`].

mod crossbar;
mod cuba;
mod exponent;
mod fcore;
mod programmed;
mod ranc;
mod ranc_fast;
mod ranc_planes;
mod ranc_sliced;
mod stepped;
mod stochastic;
mod stream;
mod sweep;

pub(super) use crossbar::{CrossbarCore, Drive, Scratch, Vector, prefetch, vector_units};
use cuba::Lesson;
pub(super) use cuba::{CubaCore, Sheet, SheetState};
pub(super) use fcore::FcoreCore;
pub(super) use programmed::ProgrammedCore;
#[cfg(test)]
pub(in crate::emu) use ranc::finish as ranc_finish;
pub(in crate::emu) use ranc::{ClockedRancCore, Scheduler};
pub(in crate::emu) use ranc_fast::EventRancCore;
pub(in crate::emu) use ranc_sliced::SlicedCore;
pub(super) use stepped::SteppedCore;
pub(super) use stream::Stream;
pub(super) use sweep::Sweep;

use super::counters::{EventCounts, Faults, LearnedGroup, Spike};
use super::program::{Body, CoreProgram, Program, Target};
use super::time::Clock;
use super::traffic::Ways;
use super::{Record, Traces};
use crate::event::Event;
use crate::units::Picos;

/// Entries of large tables that are fetched together before the first is used.
const NEAR: usize = 32;

/// A packet that a core sends, and when since the start of the tick.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outgoing {
    pub(super) at: Picos,
    pub(super) to: Target,
    pub(super) payload: i32,
    /// Flits of the packet.
    pub(super) flits: u32,
}

/// A spike of a program's output that is not the first, with timing off.
#[derive(Debug, Clone, Copy)]
pub(super) struct Further {
    pub(super) neuron: u16,
    pub(super) output: u8,
    pub(super) payload: i32,
}

/// The compartments of a list core, by kind.
#[derive(Debug, Clone)]
enum Compartments {
    Cuba(cuba::State),
    Programmed(programmed::State),
    Fcore(fcore::State),
    Stepped(stepped::State),
    /// A sheet has them.
    Apart,
}

/// A list core's state. A core writes nothing but this.
#[derive(Debug, Clone)]
pub(super) struct Core {
    state: Compartments,
    /// Set where a tick without input has changed nothing: until input comes, no tick will.
    at_rest: bool,
    pub(super) clock: Clock,
    /// Packets sent in this tick, in order of emission; with timing off `packets` stands for them.
    pub(super) outbox: Vec<Outgoing>,
    /// Packets sent in this tick and their payloads, with timing off.
    pub(super) packets: Vec<(Target, i32)>,
    /// Neurons that fired in this tick, ascending; with timing on `outbox` stands for them, but where the core learns.
    pub(super) fired: Vec<u16>,
    /// Payloads of the same; empty where spikes have none.
    pub(super) payloads: Vec<i32>,
    /// Spikes of further outputs in this tick; with timing on `outbox` stands for them, but where the core learns.
    pub(super) further: Vec<Further>,
    /// Packets of further outputs in this sample, by target; empty where no program has any.
    pub(super) further_packets: Vec<u32>,
    /// Links that further flits crossed.
    pub(super) flits: Ways,
    timing: bool,
    pub(super) counts: EventCounts,
    pub(super) faults: Faults,
    /// Spikes of each neuron in this sample.
    pub(super) spike_counts: Vec<u32>,
    /// Tick of the first spike of each neuron, `u32::MAX` where none.
    pub(super) first_spikes: Vec<u32>,
    /// Recorded spikes.
    pub(super) spikes: Vec<Spike>,
    recorded: Recorded,
}

/// Which populations of this core are recorded.
#[derive(Debug, Clone)]
enum Recorded {
    None,
    All,
    These(Vec<u32>),
}

impl Recorded {
    fn holds(&self, population: u32) -> bool {
        match self {
            Self::None => false,
            Self::All => population != u32::MAX,
            Self::These(populations) => populations.contains(&population),
        }
    }
}

impl Core {
    /// In the reset state; `own` says whether it has the state of its compartments, or a sheet.
    pub(super) fn new(program: &CoreProgram, timing: bool, own: bool, record: &Record, outputs: &[u32]) -> Self {
        let mut core = Self {
            state: match &program.body {
                _ if !own => Compartments::Apart,
                Body::Programmed(body) => Compartments::Programmed(body.reset(timing)),
                Body::Fcore(body) => Compartments::Fcore(body.reset()),
                Body::Stepped(body) => Compartments::Stepped(body.reset()),
                _ => Compartments::Cuba(lists(program).reset()),
            },
            at_rest: false,
            clock: Clock::default(),
            outbox: Vec::new(),
            packets: Vec::new(),
            fired: Vec::new(),
            payloads: Vec::new(),
            further: Vec::new(),
            further_packets: vec![0; program.outputs.len()],
            flits: Ways::default(),
            timing,
            counts: EventCounts::default(),
            faults: Faults::default(),
            spike_counts: vec![0; program.neurons()],
            first_spikes: vec![u32::MAX; program.neurons()],
            spikes: Vec::new(),
            recorded: match record {
                Record::None => Recorded::None,
                Record::Outputs => Recorded::These(outputs.to_vec()),
                Record::All => Recorded::All,
                Record::Populations(populations) => Recorded::These(populations.clone()),
            },
        };
        core.reset(program);
        core
    }

    /// Back to the state before the first tick; keeps memory.
    pub(super) fn reset(&mut self, program: &CoreProgram) {
        match (&mut self.state, &program.body) {
            (Compartments::Cuba(state), _) => state.reset(lists(program)),
            (Compartments::Programmed(state), Body::Programmed(body)) => state.restart(body),
            (Compartments::Fcore(state), Body::Fcore(body)) => *state = body.reset(),
            (Compartments::Stepped(state), Body::Stepped(body)) => *state = body.reset(),
            (Compartments::Apart, _) => {}
            _ => unreachable!("a core keeps its kind"),
        }
        self.payloads.clear();
        self.further.clear();
        self.further_packets.fill(0);
        self.flits = Ways::default();
        self.at_rest = false;
        self.clock = Clock::default();
        self.outbox.clear();
        self.packets.clear();
        self.fired.clear();
        self.counts = EventCounts::default();
        self.faults = Faults::default();
        self.spike_counts.fill(0);
        self.first_spikes.fill(u32::MAX);
        self.spikes.clear();
    }

    /// The function pass of one tick: arrived spikes are integrated, neurons updated, spikes sent.
    pub(super) fn step(&mut self, program: &Program, core: &CoreProgram, tick: u32) {
        let mut state = std::mem::replace(&mut self.state, Compartments::Apart);
        let mut begin = self.clock.start;
        let input = match (&mut state, &core.body) {
            (Compartments::Programmed(state), Body::Programmed(body)) => {
                state.integrate(body, tick);
                if body.has_learning() {
                    begin += self.learn(program, tick, |lesson| state.learn(body, lesson));
                }
                // A program may do something in every tick.
                true
            }
            (Compartments::Fcore(state), Body::Fcore(body)) => {
                state.integrate(body);
                self.counts.add(Event::MultiplyAccumulate, body.products());
                self.counts.add(Event::SynapseDense, state.additions());
                true
            }
            (Compartments::Stepped(state), Body::Stepped(body)) => {
                state.integrate(body);
                self.counts.add(Event::SynapseDense, state.additions());
                // Every neuron is updated in every step.
                true
            }
            (Compartments::Cuba(state), Body::Cuba(body)) => {
                let input = state.integrate(body, tick);
                if body.has_learning() {
                    begin += self.learn(program, tick, |lesson| state.learn(body, lesson));
                }
                input
            }
            _ => unreachable!("a core keeps its kind"),
        };
        self.begin(core);
        if self.at_rest && !input {
            self.clock.swept = begin + core.neurons() as u64 * program.times.access;
        } else {
            let still = self.sweep(program, core, (tick, begin), |sweep| match (&mut state, &core.body) {
                (Compartments::Programmed(state), Body::Programmed(body)) => state.update(body, tick, sweep),
                (Compartments::Fcore(state), Body::Fcore(body)) => state.update(body, tick, sweep),
                (Compartments::Stepped(state), Body::Stepped(body)) => state.update(body, tick, sweep),
                (Compartments::Cuba(state), _) => state.update(lists(core), tick, sweep),
                _ => unreachable!("a core keeps its kind"),
            });
            self.at_rest = still && !input;
        }
        self.state = state;
        if !self.timing {
            self.pack(core);
        }
    }

    /// The packets of all neurons that fired in this tick.
    fn pack(&mut self, core: &CoreProgram) {
        let Self { packets, fired, payloads, further, .. } = self;
        packets.clear();
        for (number, neurons) in fired.chunks(NEAR).enumerate() {
            // The tables are large and the neurons few: all of them are on their way before the first is waited for.
            neurons.iter().for_each(|&neuron| prefetch(&core.out_offsets, neuron.into()));
            neurons.iter().for_each(|&neuron| core.prefetch_targets(neuron.into()));
            for (at, &neuron) in (number * NEAR..).zip(neurons) {
                let payload = payloads.get(at).copied().unwrap_or(1);
                packets.extend(core.targets_of_output(neuron.into(), 0).map(|(_, to)| (to, payload)));
            }
        }
        for spike in further {
            packets
                .extend(core.targets_of_output(spike.neuron.into(), spike.output).map(|(_, to)| (to, spike.payload)));
        }
    }

    /// A tick begins: every compartment is looked at, nothing is sent yet.
    pub(super) fn begin(&mut self, core: &CoreProgram) {
        self.outbox.clear();
        self.fired.clear();
        self.payloads.clear();
        self.further.clear();
        self.counts.add(Event::NeuronAccess, core.neurons() as u64);
    }

    /// The neuron unit's way through the compartments, which `update` goes, from (tick, time in ps) on; whether
    /// nothing has changed.
    pub(super) fn sweep(
        &mut self,
        program: &Program,
        core: &CoreProgram,
        (tick, begin): (u32, u64),
        update: impl FnOnce(&mut Sweep<'_>),
    ) -> bool {
        let overflows = self.faults.overflows;
        let mut sweep = Sweep {
            program,
            core,
            tick,
            now: begin,
            active: 0,
            timing: self.timing,
            learns: core.body.has_learning(),
            outbox: &mut self.outbox,
            fired: &mut self.fired,
            payloads: &mut self.payloads,
            further: &mut self.further,
            further_packets: &mut self.further_packets,
            counts: &mut self.counts,
            flits: &mut self.flits,
            faults: &mut self.faults,
            spike_counts: &mut self.spike_counts,
            first_spikes: &mut self.first_spikes,
            spikes: &mut self.spikes,
            recorded: &self.recorded,
        };
        update(&mut sweep);
        let active = sweep.active;
        self.clock.swept = sweep.now;
        self.counts.add(Event::NeuronUpdate, active);
        // A register that sits at its edge and is pushed further does not change, but counts a fault every tick.
        active == 0 && self.faults.overflows == overflows
    }

    /// Learns from the spikes of the tick before; the time that it takes.
    fn learn(&mut self, program: &Program, tick: u32, teach: impl FnOnce(&Lesson<'_>) -> u64) -> u64 {
        let updates = teach(&Lesson { tick, fired: &self.fired, further: &self.further, recorded: &program.recorded });
        self.counts.add(Event::SynapseUpdate, updates);
        updates * program.times.learn
    }

    /// What the core has learned.
    pub(super) fn learned(&self, core: &CoreProgram) -> Vec<LearnedGroup> {
        match (&self.state, &core.body) {
            (Compartments::Cuba(state), Body::Cuba(body)) => state.learned(body),
            (Compartments::Programmed(state), Body::Programmed(body)) => state.learned(body),
            _ => Vec::new(),
        }
    }

    /// Traces of a learning group.
    pub(super) fn traces(&self, core: &CoreProgram, group: usize) -> Option<Traces> {
        match (&self.state, &core.body) {
            (Compartments::Cuba(state), Body::Cuba(body)) => state.traces(body, group),
            (Compartments::Programmed(state), Body::Programmed(body)) => state.traces(body, group),
            _ => None,
        }
    }

    /// Counts `times` packets for `axon` of the core `to`.
    pub(super) fn count_intake(to: &CoreProgram, axon: u16, times: u64, counts: &mut EventCounts) {
        counts.add(Event::AxonIn, times);
        match &to.body {
            Body::Programmed(body) => body.count_synapses(axon, times, counts),
            // Their products and additions are counted where they are made.
            Body::Fcore(_) | Body::Stepped(_) => {}
            _ => lists(to).count_synapses(axon, times, counts),
        }
    }

    /// How long the core takes a packet for `axon` in, with its synapses.
    pub(super) fn intake_time(core: &CoreProgram, axon: u16) -> Picos {
        Picos(match &core.body {
            Body::Programmed(body) => body.axon_time(axon),
            Body::Fcore(_) | Body::Stepped(_) => 0,
            _ => lists(core).axon_time(axon),
        })
    }

    /// Asks memory for what [`Self::intake_time`] looks up.
    pub(super) fn fetch_intake(core: &CoreProgram, axon: u16) {
        if let Body::Cuba(body) = &core.body {
            body.fetch_axon_time(axon);
        }
    }

    /// Places a packet for `axon`, to be integrated in the next tick, plus what each synapse's delay adds.
    pub(super) fn accept(&mut self, core: &CoreProgram, axon: u16, payload: i32) {
        match (&mut self.state, &core.body) {
            (Compartments::Cuba(state), _) => state.accept(axon),
            (Compartments::Programmed(state), _) => state.accept(axon, payload),
            (Compartments::Fcore(state), Body::Fcore(body)) => state.accept(body, axon, payload),
            (Compartments::Stepped(state), Body::Stepped(body)) => state.accept(body, axon, payload),
            (Compartments::Apart | Compartments::Fcore(_) | Compartments::Stepped(_), _) => {}
        }
    }

    /// u and v of a neuron; `None` where a sheet has them. Of a program: the states of these names, for v the first where it has none.
    pub(super) fn current_and_membrane(&self, core: &CoreProgram, neuron: usize) -> Option<(i32, i32)> {
        match (&self.state, &core.body) {
            (Compartments::Programmed(state), Body::Programmed(body)) => {
                Some((state.value(body, neuron, "u", false), state.value(body, neuron, "v", true)))
            }
            (Compartments::Fcore(state), _) => Some(state.sent_and_state(neuron)),
            (Compartments::Stepped(state), _) => Some(state.state_and_membrane(neuron)),
            (Compartments::Cuba(state), _) => Some((state.current(neuron), state.membrane(neuron))),
            (Compartments::Apart, _) => None,
            (Compartments::Programmed(_), _) => unreachable!("a core keeps its kind"),
        }
    }
}

/// What a list core is loaded with.
fn lists(core: &CoreProgram) -> &CubaCore {
    match &core.body {
        Body::Cuba(body) => body,
        _ => unreachable!("asked of fixed compartments only"),
    }
}
