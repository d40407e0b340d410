//! What never changes during a run: image and chip description, resolved to indices, with every table that the
//! tick needs.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::neurocore::{
    CrossbarCore, CubaCore, FcoreCore, ProgrammedCore, Sheet, SteppedCore, Vector, prefetch, vector_units,
};
use crate::chip::{ChipSpec, Family, ProgramSpec, SyncSpec, UnitTimes};
use crate::diag::Result;
use crate::event::Event;
use crate::ids::CoreId;
use crate::image::{self, CoreBody, Image};
use crate::rule::Draws;
use crate::units::Picos;

/// A packet's target: used core (index into [`Program::cores`]), axon, delay in ticks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target {
    pub(super) core: u32,
    pub(super) axon: u16,
    pub(super) delay: u8,
}

/// The target core of a crossbar neuron without target.
pub(super) const NOWHERE: u32 = u32::MAX;

/// A neuron of a population; `population == u32::MAX` for copies and relays, which are no neurons of the network.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) population: u32,
    pub(super) neuron: u32,
}

impl Identity {
    pub(super) const NONE: Self = Self { population: u32::MAX, neuron: u32::MAX };
}

/// The contents of a used core by family.
#[derive(Debug)]
pub(super) enum Body {
    Crossbar(CrossbarCore),
    Cuba(CubaCore),
    Programmed(ProgrammedCore),
    Fcore(FcoreCore),
    Stepped(SteppedCore),
}

impl Body {
    /// Whether anything on the core learns.
    pub(super) const fn has_learning(&self) -> bool {
        match self {
            Self::Crossbar(_) | Self::Fcore(_) | Self::Stepped(_) => false,
            Self::Cuba(body) => body.has_learning(),
            Self::Programmed(body) => body.has_learning(),
        }
    }
}

/// A used core.
#[derive(Debug)]
pub(super) struct CoreProgram {
    pub(super) id: CoreId,
    pub(super) router: (u16, u16),
    pub(super) body: Body,
    /// Start of each neuron in `targets`, one more than there are neurons. Empty in a crossbar core, whose neurons have
    /// one target or none (core [`NOWHERE`]).
    pub(super) out_offsets: Vec<u32>,
    pub(super) targets: Vec<Target>,
    /// Index of the neighbour whose copies come here: then packets come from there, whoever sent them.
    pub(super) copied_from: Option<u32>,
    /// Output of the program whose spikes go to each target; empty where it is the first of all.
    pub(super) outputs: Vec<u8>,
    pub(super) identities: Vec<Identity>,
}

impl CoreProgram {
    pub(super) fn neurons(&self) -> usize {
        self.identities.len()
    }

    /// Where the spikes of `neuron` of a crossbar core go.
    #[inline]
    pub(super) fn target_of(&self, neuron: usize) -> Option<Target> {
        Some(self.targets[neuron]).filter(|to| to.core != NOWHERE)
    }

    /// What a crossbar core is loaded with.
    #[inline]
    pub(super) fn crossbar(&self) -> &CrossbarCore {
        match &self.body {
            Body::Crossbar(body) => body,
            _ => unreachable!("a bank holds crossbar cores"),
        }
    }

    /// Where the spikes of `neuron` of any core go.
    pub(super) fn all_targets_of(&self, neuron: usize) -> impl Iterator<Item = Target> {
        let (one, many) = match &self.body {
            Body::Crossbar(_) => (self.target_of(neuron), &[][..]),
            _ => (None, self.targets_of(neuron)),
        };
        one.into_iter().chain(many.iter().copied())
    }

    /// Where the spikes of one output of `neuron` of a list core go, with the number of each target.
    #[inline]
    pub(super) fn targets_of_output(&self, neuron: usize, output: u8) -> impl Iterator<Item = (usize, Target)> {
        let range = self.out_offsets[neuron] as usize..self.out_offsets[neuron + 1] as usize;
        let of = move |at: &usize| self.outputs.get(*at).copied().unwrap_or(0) == output;
        range.filter(of).map(|at| (at, self.targets[at]))
    }

    /// Fetches the first of them.
    #[inline]
    pub(super) fn prefetch_targets(&self, neuron: usize) {
        prefetch(&self.targets, self.out_offsets[neuron] as usize);
    }

    /// Where the spikes of `neuron` of a list core go, of all outputs.
    #[inline]
    pub(super) fn targets_of(&self, neuron: usize) -> &[Target] {
        &self.targets[self.out_offsets[neuron] as usize..self.out_offsets[neuron + 1] as usize]
    }
}

/// Unit times in picoseconds, zero where unknown.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Times {
    pub(super) access: u64,
    pub(super) update: u64,
    pub(super) spike_out: u64,
    pub(super) axon_out: u64,
    pub(super) axon_in: u64,
    pub(super) crossbar: u64,
    pub(super) dense: u64,
    pub(super) sparse: u64,
    pub(super) shared: u64,
    pub(super) learn: u64,
}

impl Times {
    fn new(units: &UnitTimes) -> Self {
        let of = |event| units.or_zero(event).0;
        Self {
            access: of(Event::NeuronAccess),
            update: of(Event::NeuronUpdate),
            spike_out: of(Event::SpikeOut),
            axon_out: of(Event::AxonOut),
            axon_in: of(Event::AxonIn),
            crossbar: of(Event::SynapseCrossbar),
            dense: of(Event::SynapseDense),
            sparse: of(Event::SynapseSparse),
            shared: of(Event::SynapseShared),
            learn: of(Event::SynapseUpdate),
        }
    }
}

/// An output population: its number, and the (core index, neuron) of each of its neurons.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) population: u32,
    pub(super) places: Vec<(u32, u16)>,
}

/// The image on the chip, resolved.
#[derive(Debug)]
pub struct Program {
    pub(super) chip: ChipSpec,
    pub(super) times: Times,
    pub(super) cores: Vec<CoreProgram>,
    pub(super) populations: usize,
    pub(super) outputs: Vec<Output>,
    pub(super) depth: u32,
    /// Start of each input neuron in `input_targets`, one more than there are.
    pub(super) input_offsets: Vec<u32>,
    pub(super) input_targets: Vec<Target>,
    /// Time of the barrier with this many tiles in use; zero for fixed ticks.
    pub(super) barrier: Picos,
    /// Length of the tick, where it is fixed.
    pub(super) period: Option<u64>,
    /// The shortest tick; zero where there is none.
    pub(super) floor: Picos,
    /// Whether spikes carry payloads.
    pub(super) graded: bool,
    /// Bits of core memory that the sweep of a tick reads: every row of every core of the chip, loaded or not.
    pub(super) swept_bits: u64,
    /// The vector units, where they are used: results do not depend on it.
    pub(super) vector: Option<Vector>,
    /// Its list cores as one sheet, by number of threads, made when first asked for.
    sheets: Mutex<BTreeMap<usize, Option<Arc<Sheet>>>>,
    /// Draws of learning by step, in place of our own.
    pub(super) recorded: Vec<Draws>,
}

impl Program {
    /// Resolves `image` on `chip`.
    ///
    /// # Errors
    /// `image/content` where an index, range or capacity of the image does not hold on the chip.
    pub fn new(image: &Image, chip: &ChipSpec) -> Result<Self> {
        image::contents(image, chip, "image")?;
        let (times, places) = (Times::new(&chip.times), Places::new(image, chip));
        let mut cores: Vec<CoreProgram> = Vec::with_capacity(image.cores.len());
        for (core, identities) in image.cores.iter().zip(identities(image, &places)) {
            cores.push(load_core(&places, chip, &times, core, identities, cores.last()));
        }
        Ok(Self::of_cores(image, chip, times, &places, cores))
    }

    /// The same of an image that is given up core by core ([`image::CubaCore::unload`]), so that large networks of
    /// synapse lists are not in memory twice. What is left of the image holds populations, inputs, outputs, the
    /// compartments of its cores and what learns; it does not load again.
    ///
    /// # Errors
    /// As [`Program::new`]; then the image is whole.
    pub fn unloading(image: &mut Image, chip: &ChipSpec) -> Result<Self> {
        image::contents(image, chip, "image")?;
        let (times, places) = (Times::new(&chip.times), Places::new(image, chip));
        let identities = identities(image, &places);
        let mut cores: Vec<CoreProgram> = Vec::with_capacity(image.cores.len());
        for (core, identities) in image.cores.iter_mut().zip(identities) {
            cores.push(load_core(&places, chip, &times, core, identities, cores.last()));
            if let CoreBody::Cuba(body) = &mut core.body {
                body.unload();
            }
        }
        Ok(Self::of_cores(image, chip, times, &places, cores))
    }

    /// What is around the loaded cores.
    fn of_cores(image: &Image, chip: &ChipSpec, times: Times, places: &Places, cores: Vec<CoreProgram>) -> Self {
        let (input_offsets, input_targets) = load_inputs(image, places);
        let mut routers: Vec<(u16, u16)> = cores.iter().map(|core| core.router).collect();
        routers.sort_unstable();
        routers.dedup();
        let tiles = u16::try_from(routers.len()).unwrap_or(u16::MAX);
        Self {
            times,
            populations: image.populations.len(),
            outputs: image.outputs.iter().map(|output| load_output(image, places, output.population)).collect(),
            depth: image.depth,
            input_offsets,
            input_targets,
            barrier: chip.sync.barrier_time(tiles),
            period: match chip.sync {
                // A period of zero would end every tick before it began: the shortest is one picosecond.
                SyncSpec::FixedTick { period } => Some(period.0.max(1)),
                SyncSpec::Barrier { .. } | SyncSpec::Clocked { .. } => None,
            },
            floor: programs(chip).map_or(Picos::ZERO, |programs| programs.step_floor),
            graded: programs(chip).is_some() || matches!(chip.family, Family::Fcore(_) | Family::Stepped(_)),
            swept_bits: match &chip.family {
                Family::Crossbar(spec) => {
                    u64::from(spec.row_bits) * u64::from(chip.capacity.neurons) * u64::from(chip.cores())
                }
                _ => 0,
            },
            chip: chip.clone(),
            cores,
            vector: vector_units(),
            sheets: Mutex::default(),
            recorded: Vec::new(),
        }
    }

    /// Without vector units of the processor, for comparison: slower, with the same results.
    #[must_use]
    pub fn scalar(self) -> Self {
        Self { vector: None, ..self }
    }

    /// Its list cores as one sheet for so many threads, where they can be worked through so without time.
    pub(super) fn sheet(&self, threads: usize) -> Option<Arc<Sheet>> {
        let mut sheets = self.sheets.lock().unwrap_or_else(PoisonError::into_inner);
        sheets.entry(threads).or_insert_with(|| Sheet::new(self, threads).map(Arc::new)).clone()
    }

    /// With draws that were recorded elsewhere: those of learning step n of every projection are `draws[n]`.
    #[must_use]
    pub fn replaying(self, draws: Vec<Draws>) -> Self {
        Self { recorded: draws, ..self }
    }

    /// Whether anything learns, so that each sample changes what the next one meets.
    pub(super) fn learns(&self) -> bool {
        self.cores.iter().any(|core| match &core.body {
            Body::Crossbar(_) | Body::Fcore(_) | Body::Stepped(_) => false,
            Body::Cuba(body) => body.learns(),
            Body::Programmed(body) => body.learns(),
        })
    }

    /// Whether the max-affine law of run time is known of the chip.
    pub(super) fn has_law(&self) -> bool {
        programs(&self.chip).is_some()
    }

    /// Whether it is loaded on a chip of crossbars.
    pub(super) fn is_crossbar(&self) -> bool {
        matches!(self.chip.family, Family::Crossbar(_))
    }

    /// Input neurons over all input populations.
    #[must_use]
    pub fn inputs(&self) -> u32 {
        (self.input_offsets.len() - 1) as u32
    }

    /// Where a spike of flat input neuron `input` goes.
    pub(super) fn input_targets(&self, input: u32) -> &[Target] {
        let at = input as usize;
        &self.input_targets[self.input_offsets[at] as usize..self.input_offsets[at + 1] as usize]
    }
}

/// What programmable cores have.
fn programs(chip: &ChipSpec) -> Option<&ProgramSpec> {
    match &chip.family {
        Family::Cuba(spec) => spec.programs.as_ref(),
        _ => None,
    }
}

/// Indices of the loaded cores by physical number. The check has made sure that those that are asked for are there.
struct Places {
    index: Vec<u32>,
    /// The physical core that gets copies of what comes to a physical core.
    copies: BTreeMap<u32, u32>,
}

impl Places {
    fn new(image: &Image, chip: &ChipSpec) -> Self {
        let mut index = vec![NOWHERE; chip.cores() as usize];
        let mut copies = BTreeMap::new();
        for (at, core) in (0..).zip(&image.cores) {
            index[core.core as usize] = at;
            if let CoreBody::Fcore(body) = &core.body {
                body.copy_to.map(|to| copies.insert(core.core, to));
            }
        }
        Self { index, copies }
    }

    fn of(&self, core: u32) -> u32 {
        self.index[core as usize]
    }

    /// Indices of a core and of those that its packets are copied to.
    fn chain(&self, core: u32) -> impl Iterator<Item = u32> + '_ {
        std::iter::successors(Some(core), |core| self.copies.get(core).copied()).map(|core| self.of(core))
    }

    /// Index of the core that copies its packets to this one.
    fn copied_from(&self, core: u32) -> Option<u32> {
        self.copies.iter().find(|(_, to)| **to == core).map(|(from, _)| self.of(*from))
    }
}

fn load_core(
    places: &Places,
    chip: &ChipSpec,
    times: &Times,
    core: &image::CoreImage,
    identities: Vec<Identity>,
    before: Option<&CoreProgram>,
) -> CoreProgram {
    let before = before.and_then(|before| match &before.body {
        Body::Crossbar(body) => Some(body),
        _ => None,
    });
    let id = CoreId(core.core);
    let mut program = CoreProgram {
        id,
        router: chip.router_of(id),
        body: match (&core.body, &chip.family) {
            (CoreBody::Crossbar(body), Family::Crossbar(spec)) => Body::Crossbar(CrossbarCore::new(body, spec, before)),
            (CoreBody::Cuba(body), Family::Cuba(spec)) => match &spec.programs {
                Some(programs) => Body::Programmed(ProgrammedCore::new(body, spec, programs, times)),
                None => Body::Cuba(CubaCore::new(body, spec, times, &identities)),
            },
            (CoreBody::Fcore(body), Family::Fcore(spec)) => Body::Fcore(FcoreCore::new(body, spec)),
            (CoreBody::Stepped(body), Family::Stepped(spec)) => Body::Stepped(SteppedCore::new(body, spec)),
            _ => unreachable!("a checked image is of the chip's family"),
        },
        out_offsets: Vec::new(),
        targets: Vec::new(),
        copied_from: None,
        outputs: Vec::new(),
        identities,
    };
    match &core.body {
        CoreBody::Crossbar(body) => {
            let none = Target { core: NOWHERE, axon: 0, delay: 0 };
            let target = |to: &image::Destination| Target { core: places.of(to.core), axon: to.axon, delay: to.delay };
            program.targets = body.destinations.iter().map(|to| to.as_ref().map_or(none, target)).collect();
        }
        CoreBody::Cuba(body) => {
            let outs = body.axons_out.iter();
            program.targets.extend(outs.map(|to| Target { core: places.of(to.core), axon: to.axon, delay: 1 }));
            program.out_offsets.clone_from(&body.out_offsets);
            if body.axons_out.iter().any(|out| out.output > 0) {
                program.outputs = body.axons_out.iter().map(|out| out.output).collect();
            }
        }
        CoreBody::Stepped(body) => {
            let outs = body.axons_out.iter();
            program.targets.extend(outs.map(|to| Target { core: places.of(to.core), axon: to.axon, delay: 1 }));
            program.out_offsets.clone_from(&body.out_offsets);
        }
        CoreBody::Fcore(body) => {
            let chain = |to: &image::AxonOut| {
                let axon = to.axon;
                places.chain(to.core).map(move |core| (core, axon))
            };
            for ends in body.out_offsets.windows(2) {
                program.out_offsets.push(program.targets.len() as u32);
                let outs = &body.axons_out[ends[0] as usize..ends[1] as usize];
                program.targets.extend(outs.iter().flat_map(chain).map(|(core, axon)| Target { core, axon, delay: 1 }));
            }
            program.out_offsets.push(program.targets.len() as u32);
            program.copied_from = places.copied_from(core.core);
        }
        _ => unreachable!("clocked designs are not run tick by tick"),
    }
    program
}

/// Who the neurons of each core are.
fn identities(image: &Image, places: &Places) -> Vec<Vec<Identity>> {
    let mut identities: Vec<Vec<Identity>> =
        image.cores.iter().map(|core| vec![Identity::NONE; core.body.neurons()]).collect();
    for (population, of) in image.populations.iter().enumerate() {
        for (neuron, place) in of.places.iter().enumerate() {
            identities[places.of(place.core) as usize][usize::from(place.neuron)] =
                Identity { population: population as u32, neuron: neuron as u32 };
        }
    }
    identities
}

fn load_output(image: &Image, places: &Places, population: u32) -> Output {
    let of = &image.populations[population as usize].places;
    Output { population, places: of.iter().map(|place| (places.of(place.core), place.neuron)).collect() }
}

/// Input populations in graph order, one behind the other.
fn load_inputs(image: &Image, places: &Places) -> (Vec<u32>, Vec<Target>) {
    let mut inputs: Vec<&image::InputImage> = image.inputs.iter().collect();
    inputs.sort_by_key(|input| input.population);
    let mut offsets = vec![0];
    let mut targets = Vec::new();
    for input in inputs {
        for ends in input.offsets.windows(2) {
            let of = &input.targets[ends[0] as usize..ends[1] as usize];
            let chain = |to: &image::Destination| {
                let (axon, delay) = (to.axon, to.delay);
                places.chain(to.core).map(move |core| Target { core, axon, delay })
            };
            targets.extend(of.iter().flat_map(chain));
            offsets.push(targets.len() as u32);
        }
    }
    (offsets, targets)
}
