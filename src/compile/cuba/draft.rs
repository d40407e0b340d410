//! One core's contents for a set of neurons: what it needs, and what is loaded.

use std::collections::{BTreeMap, HashMap};

use super::compartments::{configure, initial};
use super::compressed;
use super::format::{Encoding, index_width};
use super::incoming::Incoming;
use super::learning::{self, Extra, Supply};
use super::{programs, trees};
use crate::chip::{ChipSpec, CubaSpec};
use crate::compile::ResourceUse;
use crate::diag::{Problem, Problems, Result};
use crate::graph::{IntGraph, Learning, Pattern, Projection};
use crate::image::{
    CompressedList, CompressedSource, CubaCore, ListKind, ListUse, Synapse, SynapseFormat, SynapseList, list_words,
};

/// What an axon carries: the spikes of a population's neuron, of one output of its program (population, neuron, output).
pub(super) type Source = (u32, u32, u8);
/// Formats that a projection may take on a core: shared, sparse, and dense with and without weights of their own.
const MOST_FORMATS: usize = 4;

/// A projection prepared for cutting.
pub(super) struct Link<'a> {
    projection: &'a Projection<i32>,
    incoming: Incoming<'a>,
    encoding: Encoding,
    /// Another one, where the format may hold the one weight of all its synapses.
    constant: Option<Encoding>,
    /// Its number in the graph.
    number: u32,
    /// Whether the pattern itself shares weights, so that axons may share lists.
    shares: bool,
    /// How it learns.
    learning: Option<&'a Learning>,
    /// Output of the source's program that it carries.
    output: u8,
    /// Whether the core stores factors or a seed in place of its synapses.
    compressed: bool,
}

/// The network as the partitioner sees it: all compartments in one row.
pub(super) struct Row<'a> {
    pub(super) graph: &'a IntGraph,
    pub(super) chip: &'a ChipSpec,
    pub(super) spec: &'a CubaSpec,
    /// First compartment of each population, and the number of all.
    pub(super) starts: Vec<u32>,
    /// The population at the root of each population's trees; empty where there are none.
    pub(super) roots: Vec<usize>,
    /// Projections by target population.
    inbound: Vec<Vec<Link<'a>>>,
}

impl<'a> Row<'a> {
    pub(super) fn new(graph: &'a IntGraph, chip: &'a ChipSpec, spec: &'a CubaSpec) -> Result<Self> {
        let mut starts = vec![0];
        for population in &graph.populations {
            let size = if population.is_input() { 0 } else { population.size() as u32 };
            starts.push(starts[starts.len() - 1] + size);
        }
        let mut inbound: Vec<Vec<Link<'a>>> = graph.populations.iter().map(|_| Vec::new()).collect();
        let mut problems = Vec::new();
        // Such formats are of one projection only: there must be room for all that it may have.
        let room = graph.projections.len() * MOST_FORMATS <= usize::from(spec.synapse_formats);
        for (number, projection) in (0_u32..).zip(&graph.projections) {
            let learning = graph.learning_of(number as usize);
            let output = graph.output_of(projection);
            let compressed = compressed::stored(&projection.pattern, spec);
            let encoding = match learning {
                // Factors have a check of their own.
                None if compressed && matches!(projection.pattern, Pattern::Factorised { .. }) => {
                    Encoding::of(&Projection { weights: Vec::new(), ..projection.clone() }, spec)
                }
                Some(learning) => Ok(Encoding::of_learning(projection, learning, spec)),
                None => Encoding::of(projection, spec),
            };
            match encoding {
                Ok(encoding) => {
                    let target = projection.target.index();
                    let incoming = Incoming::new(&projection.pattern, graph.populations[target].size());
                    let shares = shares_weights(&projection.pattern);
                    let constant = encoding.constant(projection, spec).filter(|_| room && !compressed);
                    inbound[target].push(Link {
                        projection,
                        number,
                        incoming,
                        encoding,
                        constant,
                        shares,
                        learning,
                        output,
                        compressed,
                    });
                }
                Err(found) => problems.extend(Problems::into_vec(found)),
            }
        }
        Problems::check(problems, Self { graph, chip, spec, starts, roots: trees::roots(graph), inbound })
    }

    /// The number of compartments.
    pub(super) fn len(&self) -> u32 {
        self.starts[self.starts.len() - 1]
    }

    /// Bits of synapse memory that each compartment's own synapses take, or those that share weights if none did.
    pub(super) fn synapse_bits(&self, shared: bool) -> Vec<u64> {
        let mut bits = vec![0_u64; self.len() as usize];
        let widest = self.spec.index_widths.iter().copied().max().unwrap_or(0);
        for (population, links) in self.inbound.iter().enumerate() {
            let first = self.starts[population] as usize;
            for link in links.iter().filter(|link| link.shares == shared && !link.compressed) {
                let each = u64::from(link.encoding.bits()) + u64::from(widest);
                let size = self.starts[population + 1] as usize - first;
                // Lists of all neurons of a population hold weights alone, zeros too, and the head of each block.
                let all = match link.projection.pattern {
                    Pattern::Dense { .. } if link.learning.is_none() => {
                        let head = self.spec.block_overhead_bits.div_ceil(self.spec.block_synapses.max(1));
                        let sources = self.graph.populations[link.projection.source.index()].size() as u64;
                        sources * (u64::from(link.encoding.bits()) + u64::from(head))
                    }
                    _ => u64::MAX,
                };
                for neuron in 0..size {
                    let mut own = 0;
                    link.incoming.visit(neuron as u32, |_, weight| {
                        let stored = link.learning.is_some() || link.projection.weights[weight as usize] != 0;
                        own += if stored { each } else { 0 };
                    });
                    bits[first + neuron] += own.min(all);
                }
            }
        }
        bits
    }

    /// The populations of a core whose compartments are `members` of the row, ascending.
    pub(super) fn segments<'m>(&self, members: &'m [u32]) -> impl Iterator<Item = Segment<'m>> + use<'_, 'm> {
        self.starts.windows(2).enumerate().filter_map(move |(population, bounds)| {
            let below = |bound: u32| members.partition_point(|member| *member < bound);
            let (first, last) = (below(bounds[0]), below(bounds[1]));
            let of = &members[first..last];
            (first < last).then_some(Segment { population, members: of, start: bounds[0], base: first as u32 })
        })
    }
}

/// The neurons of one population on a core: its compartments from `base` on.
#[derive(Clone, Copy)]
pub(super) struct Segment<'m> {
    /// The population.
    pub(super) population: usize,
    /// Its members of the row, ascending.
    members: &'m [u32],
    /// Where the population starts in the row.
    start: u32,
    /// Compartment of the first of them.
    base: u32,
}

impl Segment<'_> {
    /// (compartment, neuron of the population), ascending.
    pub(super) fn neurons(&self) -> impl Iterator<Item = (u32, u32)> + Clone + '_ {
        (self.base..).zip(self.members.iter().map(|member| member - self.start))
    }
}

/// Whether several sources of a pattern use the same weights.
fn shares_weights(pattern: &Pattern) -> bool {
    match pattern {
        Pattern::Conv2d(_) | Pattern::Pool2d(_) | Pattern::OneToOne { shared: true, .. } => true,
        Pattern::Sparse { weight_index, .. } => !weight_index.is_empty(),
        Pattern::Dense { .. }
        | Pattern::OneToOne { shared: false, .. }
        | Pattern::Factorised { .. }
        | Pattern::Stochastic(_) => false,
    }
}

/// A list before its format is known, with its users.
struct Sketch {
    link: (usize, usize),
    /// Ascending; targets are relative to the base of each use.
    synapses: Vec<Synapse>,
    /// Axon and base.
    uses: Vec<(Source, u16)>,
    /// Tag and learned delay of each synapse, where they learn.
    extras: Vec<Extra>,
}

/// A link that learns on a core, and what supplies its traces.
struct Learner<'r> {
    link: (usize, usize),
    learning: &'r Learning,
    sources: Vec<Supply>,
}

/// A core's contents save for what leaves it.
pub(super) struct Draft {
    /// Its compartments: members of the row, ascending.
    pub(super) members: Vec<u32>,
    /// Everything but `out_offsets` and `axons_out`.
    pub(super) body: CubaCore,
    /// Source of each inbound axon, ascending.
    pub(super) axons: Vec<Source>,
    /// Words of synapse memory.
    words: u64,
}

impl Draft {
    /// The contents for these members of the row, ascending.
    pub(super) fn new(row: &Row<'_>, members: Vec<u32>) -> Self {
        let (mut sketches, mut compressed) = (Vec::new(), Vec::new());
        for segment in row.segments(&members) {
            for (number, link) in row.inbound[segment.population].iter().enumerate() {
                if link.compressed {
                    let list = compressed::list(row, (link.projection, link.number), &segment);
                    compressed.extend(list.map(|(list, heard)| (list, (link.projection.source.0, link.output), heard)));
                } else {
                    sketch_link(row, number, segment, &mut sketches);
                }
            }
        }
        let (configs, config_of) = configure(row, &members);
        let body = CubaCore {
            configs,
            config_of,
            initial: initial(row, &members),
            joins: row.joins(&members),
            formats: Vec::new(),
            lists: Vec::new(),
            synapses: Vec::new(),
            axon_offsets: vec![0],
            list_uses: Vec::new(),
            out_offsets: vec![0],
            axons_out: Vec::new(),
            learning: Vec::new(),
            programs: programs::groups(row, &members),
            compressed: Vec::new(),
        };
        let mut draft = Self { members, body, axons: Vec::new(), words: 0 };
        draft.write(row, sketches, compressed);
        draft
    }

    /// Gives every sketch its format and writes lists and axons.
    fn write(&mut self, row: &Row<'_>, sketches: Vec<Sketch>, compressed: Vec<(CompressedList, (u32, u8), Vec<u32>)>) {
        let mut axons: BTreeMap<Source, Vec<ListUse>> = BTreeMap::new();
        let mut extras: BTreeMap<(usize, usize), Vec<Extra>> = BTreeMap::new();
        let planned: Vec<Planned> = sketches.into_iter().map(|sketch| plan(row, sketch)).collect();
        // One index width for each projection and kind.
        let mut largest: BTreeMap<((usize, usize), u8), u16> = BTreeMap::new();
        for Planned { kind, sketch, .. } in &planned {
            let top = sketch.synapses.iter().map(|synapse| synapse.target).max().unwrap_or(0);
            let entry = largest.entry((sketch.link, *kind as u8)).or_insert(0);
            *entry = top.max(*entry);
        }
        for Planned { kind, sketch, encoding } in planned {
            let index_bits = match kind {
                ListKind::Dense => 0,
                ListKind::Sparse | ListKind::Shared => index_width(row.spec, largest[&(sketch.link, kind as u8)]),
            };
            let format = self.format(kind, encoding, index_bits);
            let bits = encoding.bits() + u32::from(index_bits);
            self.words += list_words(row.spec, sketch.synapses.len() as u64, bits);
            let list = self.body.lists.len() as u32;
            let (first, count) = (self.body.synapses.len() as u32, sketch.synapses.len() as u32);
            let projection = row.inbound[sketch.link.0][sketch.link.1].number;
            self.body.lists.push(SynapseList { format, projection, first, count });
            self.body.synapses.extend(sketch.synapses);
            if row.inbound[sketch.link.0][sketch.link.1].learning.is_some() {
                extras.entry(sketch.link).or_default().extend(sketch.extras);
            }
            for (axon, base) in sketch.uses {
                axons.entry(axon).or_default().push(ListUse { list, base });
            }
        }
        let learners = self.learners(row);
        for supply in learners.iter().flat_map(|learner| &learner.sources) {
            axons.entry(supply.source).or_default();
        }
        for (_, (population, output), heard) in &compressed {
            heard.iter().for_each(|&source| _ = axons.entry((*population, source, *output)).or_default());
        }
        for (axon, uses) in axons {
            self.axons.push(axon);
            self.body.list_uses.extend(uses);
            self.body.axon_offsets.push(self.body.list_uses.len() as u32);
        }
        let numbers: BTreeMap<Source, u16> =
            self.axons.iter().enumerate().map(|(number, source)| (*source, number as u16)).collect();
        for (mut list, (population, output), heard) in compressed {
            let source = |source: u32| CompressedSource { axon: numbers[&(population, source, output)], source };
            list.sources = heard.into_iter().map(source).collect();
            self.words += list.words(row.spec);
            self.body.compressed.push(list);
        }
        for Learner { link, learning, sources } in learners {
            let Some(extras) = extras.get(&link) else { continue };
            let group = learning::group(learning, row.spec, extras, learning::factors(&sources, &numbers));
            self.body.learning.push(group);
        }
    }

    /// The links that learn here.
    fn learners<'r>(&self, row: &'r Row<'_>) -> Vec<Learner<'r>> {
        let mut found = Vec::new();
        for segment in row.segments(&self.members) {
            for (number, link) in row.inbound[segment.population].iter().enumerate() {
                let learner = |learning| Learner {
                    link: (segment.population, number),
                    learning,
                    sources: learning::sources(row.graph, learning, &segment.neurons()),
                };
                found.extend(link.learning.map(learner));
            }
        }
        found
    }

    /// The number of a format, added where it is new.
    fn format(&mut self, kind: ListKind, encoding: Encoding, index_bits: u8) -> u8 {
        let format = SynapseFormat {
            kind,
            weight_bits: encoding.weight_bits,
            signed: encoding.mixed,
            weight_exponent: encoding.exponent,
            index_bits,
            delay_bits: encoding.delay_bits,
            tag_bits: encoding.tag_bits,
            fixed: encoding.fixed,
            learns: encoding.learns,
        };
        let known = self.body.formats.iter().position(|other| *other == format);
        known.unwrap_or_else(|| {
            self.body.formats.push(format);
            self.body.formats.len() - 1
        }) as u8
    }

    /// Use of every resource but `axons_out`.
    pub(super) fn uses(&self, row: &Row<'_>) -> Vec<ResourceUse> {
        let (limits, spec) = (&row.chip.capacity, row.spec);
        let words = u32::try_from(self.words).unwrap_or(u32::MAX);
        let slots = spec.delay_slots.map(|limit| ("delay_slots", self.body.delay_slots() as usize, limit));
        [
            ("neurons", self.members.len(), limits.neurons.min(1 << 16)),
            ("axons_in", self.axons.len(), limits.axons_in.min(1 << 16)),
            ("synapse_words", words as usize, spec.synapse_words),
            ("compartment_configs", self.body.compartment_configs(), u32::from(spec.compartment_configs)),
            ("threshold_configs", self.body.threshold_configs(), u32::from(spec.threshold_configs)),
            ("synapse_formats", self.body.formats.len(), u32::from(spec.synapse_formats)),
        ]
        .into_iter()
        .chain(slots)
        .chain(self.memory(row))
        .map(|(resource, used, limit)| ResourceUse { resource, used: used as u32, limit })
        .collect()
    }

    /// Bytes of a programmable core's memory; outgoing entries are not known yet: one a neuron.
    fn memory(&self, row: &Row<'_>) -> Option<(&'static str, usize, u32)> {
        let programs = row.spec.programs.as_ref()?;
        let bytes = self.body.program_bytes(self.axons.len(), self.members.len(), programs) + 8 * self.words;
        Some(("memory_bytes", bytes as usize, programs.memory_bytes))
    }

    /// Bytes and limit of a programmable core's memory where it sends to `outgoing` places and that is too much.
    pub(super) fn overfull(&self, row: &Row<'_>, outgoing: usize) -> Option<(u64, u64)> {
        let programs = row.spec.programs.as_ref()?;
        let bytes = self.body.program_bytes(self.axons.len(), outgoing, programs) + 8 * self.words;
        let limit = u64::from(programs.memory_bytes);
        (bytes > limit).then_some((bytes, limit))
    }

    /// Whether every capacity is respected.
    pub(super) fn fits(&self, row: &Row<'_>) -> bool {
        self.uses(row).iter().all(|use_| use_.used <= use_.limit)
    }
}

/// Why one compartment alone does not fit a core.
pub(super) fn misfit(row: &Row<'_>, draft: &Draft) -> Vec<Problem> {
    let population = row.segments(&draft.members).next().map_or(0, |segment| segment.population);
    let name = &row.graph.populations[population].name;
    let over = draft.uses(row).into_iter().filter(|use_| use_.used > use_.limit);
    over.map(|use_| {
        let over = use_.used - use_.limit;
        let what = format!("one neuron alone needs {} {}, {over} too many", use_.used, use_.resource);
        Problem::misfit("cuba/capacity", format!("population '{name}'"), what)
            .limit(format!("{} {} per core on chip '{}'", use_.limit, use_.resource, row.chip.name))
            .help(
                "reduce the fan-in of this population (smaller kernels, fewer sources, fewer projections). Sums come in \
                 exact parts only to programs whose weights have no fractions (loihi2), and on tianjic",
            )
    })
    .collect()
}

/// Cuts one projection of a population down to its neurons on a core and lists it by source.
fn sketch_link(row: &Row<'_>, link: usize, segment: Segment<'_>, sketches: &mut Vec<Sketch>) {
    let at = (segment.population, link);
    let Link { projection, incoming, shares, learning, output, .. } = &row.inbound[at.0][at.1];
    let source_population = projection.source.0;
    let sources = row.graph.populations[projection.source.index()].size();
    let mut by_source: Vec<Vec<Synapse>> = vec![Vec::new(); sources];
    let mut extras: Vec<Vec<Extra>> = vec![Vec::new(); if learning.is_some() { sources } else { 0 }];
    for (compartment, neuron) in segment.neurons() {
        let target = compartment as u16;
        incoming.visit(neuron, |source, weight| {
            let value = projection.weights[weight as usize];
            if value != 0 || learning.is_some() {
                let delay = projection.delays.of(weight as usize) as u8;
                by_source[source as usize].push(Synapse { target, weight: value as i16, delay });
                if let Some(learning) = learning {
                    let apart = learning.delay(weight as usize).unwrap_or(i16::from(delay));
                    extras[source as usize].push(Extra { tag: learning.tag(weight as usize), delay: apart });
                }
            }
        });
    }
    let mut known: HashMap<Vec<Synapse>, usize> = HashMap::new();
    for (source, mut synapses) in by_source.into_iter().enumerate() {
        let Some(first) = synapses.first().map(|synapse| synapse.target) else { continue };
        let axon = (source_population, source as u32, *output);
        synapses.iter_mut().for_each(|synapse| synapse.target -= first);
        if let Some(&list) = known.get(&synapses) {
            let sketch: &mut Sketch = &mut sketches[list];
            sketch.uses.push((axon, first));
            continue;
        }
        if *shares {
            known.insert(synapses.clone(), sketches.len());
        }
        let extras = extras.get_mut(source).map(std::mem::take).unwrap_or_default();
        sketches.push(Sketch { link: at, synapses, uses: vec![(axon, first)], extras });
    }
}

/// A list whose kind and encoding are chosen.
struct Planned {
    kind: ListKind,
    sketch: Sketch,
    encoding: Encoding,
}

/// Chooses the cheapest kind of list: shared where several axons use it, dense where zeros between the targets
/// cost less than indices, else sparse. Where all weights are one, the format holds it, but for zeros between targets.
fn plan(row: &Row<'_>, mut sketch: Sketch) -> Planned {
    let link = &row.inbound[sketch.link.0][sketch.link.1];
    let (own, encoding) = (link.encoding, link.constant.unwrap_or(link.encoding));
    if sketch.uses.len() > 1 {
        return Planned { kind: ListKind::Shared, sketch, encoding };
    }
    let base = sketch.uses[0].1;
    let count = sketch.synapses.len();
    let last = sketch.synapses[count - 1].target;
    let span = usize::from(last) + 1;
    let ascending = sketch.synapses.windows(2).all(|pair| pair[0].target < pair[1].target);
    let indexed = encoding.bits() + u32::from(index_width(row.spec, base + last));
    let learns = link.learning.is_some();
    let words = |count: usize, bits: u32| list_words(row.spec, count as u64, bits);
    if ascending && span == count {
        return Planned { kind: ListKind::Dense, sketch, encoding };
    }
    if ascending && !learns && words(span, own.bits()) < words(count, indexed) {
        let mut filled: Vec<Synapse> =
            (0..span).map(|target| Synapse { target: target as u16, weight: 0, delay: 0 }).collect();
        sketch.synapses.iter().for_each(|synapse| filled[usize::from(synapse.target)] = *synapse);
        sketch.synapses = filled;
        return Planned { kind: ListKind::Dense, sketch, encoding: own };
    }
    sketch.synapses.iter_mut().for_each(|synapse| synapse.target += base);
    sketch.uses[0].1 = 0;
    Planned { kind: ListKind::Sparse, sketch, encoding }
}
