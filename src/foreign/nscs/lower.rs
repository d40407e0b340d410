//! [`Model`] to image.

use std::collections::BTreeMap;

use super::fields::Found;
use super::{Core, Link, Model, NeuronType, OUTPUT, Row, Rows, SIDE};
use crate::chip::{ChipSpec, CrossbarSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::foreign::{reach, stem};
use crate::image::{
    CoreBody, CoreImage, Crossbar, CrossbarParameters, Destination, Image, InputImage, OutputImage, Place,
    PopulationImage,
};

impl NeuronType {
    /// The registers that the encodings stand for.
    #[must_use]
    pub fn parameters(&self) -> CrossbarParameters {
        CrossbarParameters {
            weights: std::array::from_fn(|kind| i16::from(self.sigma[kind]) * i16::from(self.s[kind])),
            leak: i16::from(self.sigma_lambda) * i16::from(self.lambda),
            leak_reversal: self.epsilon,
            threshold: self.alpha,
            negative_threshold: self.beta,
            spike_reset: self.gamma,
            negative_saturate: self.kappa,
            reset_value: i32::from(self.sigma_vr) * ((1 << self.vr) - 1),
            initial: self.v,
            stochastic_weights: self.b,
            stochastic_leak: self.c_lambda,
            threshold_mask_bits: self.tm,
        }
    }
}

impl Model {
    /// The image of a whole model on `chip`; core numbers stay what they are.
    ///
    /// # Errors
    /// `foreign/chip` where the chip has other cores than TrueNorth's, `foreign/reference` and `foreign/value` for
    /// what is not there or not allowed.
    pub fn image(&self, file: &str, chip: &ChipSpec) -> Result<Image> {
        let spec = fitting(file, chip)?;
        let mut found = Found { file, problems: Vec::new() };
        let mut cores: Vec<&Core> = self.cores.iter().collect();
        cores.sort_by_key(|core| core.id);
        self.whole(&cores, chip, &mut found);
        let prototypes: BTreeMap<&str, &[Row]> =
            self.prototypes.iter().map(|(name, rows)| (name.as_str(), rows.as_slice())).collect();
        let loaded = cores.iter().map(|core| self.core(core, &cores, &prototypes, spec, &mut found)).collect();
        Problems::check(found.problems, ())?;
        let (populations, outputs) = populations(&cores);
        Ok(Image {
            network: stem(file).to_owned(),
            chip: chip.name.clone(),
            inputs: vec![axons(&cores)],
            depth: depth(&cores),
            cores: loaded,
            populations,
            outputs,
        })
    }

    /// Whether every core is there, once.
    fn whole(&self, cores: &[&Core], chip: &ChipSpec, found: &mut Found<'_>) {
        if let Some(count) = self.header.get("coreCount")
            && count.whole() != Some(cores.len() as i64)
        {
            let what = format!("the header says {} cores, but the file holds {}", count.print(None), cores.len());
            if let Some(problem) = found.add("foreign/reference", count.line, what) {
                problem.help = Some("the file is cut off or an excerpt: get the whole model".to_owned());
            }
        }
        for pair in cores.windows(2).filter(|pair| pair[0].id == pair[1].id) {
            let what = format!("core {} is there twice, also in line {}", pair[1].id, pair[0].line);
            found.add("foreign/reference", pair[1].line, what);
        }
        for core in cores.iter().filter(|core| core.id >= chip.cores()) {
            let limit = format!("{} cores on chip '{}'", chip.cores(), chip.name);
            found.limited("foreign/reference", core.line, format!("core {} is not on the chip", core.id), limit);
        }
    }

    fn core(
        &self,
        core: &Core,
        cores: &[&Core],
        prototypes: &BTreeMap<&str, &[Row]>,
        spec: &CrossbarSpec,
        found: &mut Found<'_>,
    ) -> CoreImage {
        let rows = match &core.rows {
            Rows::Own(rows) => rows.as_slice(),
            Rows::Named(name) => prototypes.get(name.as_str()).copied().unwrap_or_else(|| {
                let what = format!("crossbar '{name}' of core {} is not there", core.id);
                found.add("foreign/reference", core.line, what);
                &[]
            }),
        };
        let mut numbers: BTreeMap<Option<u32>, u16> = BTreeMap::new();
        let mut body = Crossbar {
            axon_types: vec![0; SIDE],
            rows: vec![0; SIDE * SIDE / 64].into(),
            parameters: Vec::new(),
            parameter_of: vec![0; SIDE],
            destinations: vec![None; SIDE],
            seed: core.seed,
        };
        let mut kinds = [None; SIDE];
        for link in &core.neurons {
            kinds[usize::from(link.dendrite)] = link.kind;
            if link.kind.is_some() && link.core >= 0 {
                body.destinations[usize::from(link.dendrite)] = Some(destination(core, link, cores, spec, found));
            }
        }
        for (neuron, kind) in kinds.into_iter().enumerate() {
            body.parameter_of[neuron] = *numbers.entry(kind).or_insert_with(|| {
                body.parameters
                    .push(kind.map_or(CrossbarParameters::SILENT, |kind| self.types[kind as usize].parameters()));
                (body.parameters.len() - 1) as u16
            });
        }
        for (axon, row) in rows.iter().enumerate() {
            body.axon_types[axon] = row.kind;
            for (byte, bits) in row.synapses.iter().enumerate() {
                body.rows[axon * SIDE / 64 + byte / 8] |= u64::from(bits.reverse_bits()) << (8 * (byte % 8));
            }
        }
        CoreImage { core: core.id, body: CoreBody::Crossbar(body) }
    }
}

/// The chip's cores, where they are TrueNorth's.
fn fitting<'a>(file: &str, chip: &'a ChipSpec) -> Result<&'a CrossbarSpec> {
    let side = SIDE as u32;
    match &chip.family {
        Family::Crossbar(spec) if (chip.capacity.neurons, chip.capacity.axons_in) == (side, side) => Ok(spec),
        _ => Err(Problem::invalid("foreign/chip", file, format!("chip '{}' cannot hold a model of NSCS", chip.name))
            .limit(format!("crossbar cores of {SIDE} axons and {SIDE} neurons"))
            .help("use --chip truenorth")
            .into()),
    }
}

/// Where a spike goes, held against what is there.
fn destination(core: &Core, link: &Link, cores: &[&Core], spec: &CrossbarSpec, found: &mut Found<'_>) -> Destination {
    let place = || format!("neuron {} of core {}", link.dendrite, core.id);
    let target = link.core as u32;
    if cores.binary_search_by_key(&target, |core| core.id).is_err() {
        let what = format!("{} sends to core {target}, which is not there", place());
        found.add("foreign/reference", core.line, what);
    }
    if !(0..SIDE as i32).contains(&link.axon) {
        let what = format!("{} sends to axon {}", place(), link.axon);
        found.limited("foreign/reference", core.line, what, format!("0..={}", SIDE - 1));
    }
    if !(spec.delay_min..=spec.delay_max).contains(&link.delay) {
        let limit = format!("{}..={} ticks", spec.delay_min, spec.delay_max);
        found.limited("foreign/value", core.line, format!("{} has delay {}", place(), link.delay), limit);
    }
    Destination { core: target, axon: link.axon as u16, delay: link.delay }
}

/// An input for every axon.
fn axons(cores: &[&Core]) -> InputImage {
    let targets: Vec<Destination> = cores
        .iter()
        .flat_map(|core| (0..SIDE as u16).map(|axon| Destination { core: core.id, axon, delay: 1 }))
        .collect();
    InputImage { population: 0, offsets: (0..=targets.len() as u32).collect(), targets }
}

/// The axons as an input, then every output connector, then what is left of each core.
fn populations(cores: &[&Core]) -> (Vec<PopulationImage>, Vec<OutputImage>) {
    let population = |name: String, places: Vec<Place>| PopulationImage {
        name,
        shape: vec![places.len() as u32],
        places,
        copies: Vec::new(),
    };
    let mut connectors: BTreeMap<u32, Vec<(i32, Place)>> = BTreeMap::new();
    let mut inner = Vec::new();
    for core in cores {
        let mut places = Vec::new();
        for link in core.neurons.iter().filter(|link| link.kind.is_some()) {
            let place = Place { core: core.id, neuron: u16::from(link.dendrite) };
            if link.core <= OUTPUT {
                connectors.entry(OUTPUT.abs_diff(link.core)).or_default().push((link.axon, place));
            } else {
                places.push(place);
            }
        }
        places.sort_unstable_by_key(|place| place.neuron);
        if !places.is_empty() {
            inner.push(population(format!("core{}", core.id), places));
        }
    }
    let mut input = population("axons".to_owned(), Vec::new());
    input.shape = vec![cores.len() as u32, SIDE as u32];
    let mut populations = vec![input];
    let mut outputs = Vec::new();
    for (connector, mut pins) in connectors {
        pins.sort_unstable_by_key(|(pin, place)| (*pin, place.core, place.neuron));
        let name = format!("output{connector}");
        outputs.push(OutputImage { name: name.clone(), population: populations.len() as u32 });
        populations.push(population(name, pins.into_iter().map(|(_, place)| place).collect()));
    }
    populations.extend(inner);
    (populations, outputs)
}

/// Ticks until a spike from outside can have reached every core: those with axons that no neuron drives are reached
/// after one, the others along the shortest delays.
fn depth(cores: &[&Core]) -> u32 {
    let mut driven: BTreeMap<u32, [bool; SIDE]> = cores.iter().map(|core| (core.id, [false; SIDE])).collect();
    let mut edges: BTreeMap<(u32, u32), u32> = BTreeMap::new();
    for core in cores {
        for link in core.neurons.iter().filter(|link| link.kind.is_some() && link.core >= 0) {
            let target = link.core as u32;
            if let Some(axon) = driven.get_mut(&target).and_then(|axons| axons.get_mut(link.axon as usize)) {
                *axon = true;
            }
            let delay = edges.entry((core.id, target)).or_insert(u32::from(link.delay));
            *delay = (*delay).min(u32::from(link.delay));
        }
    }
    let open = driven.iter().filter(|(_, axons)| axons.contains(&false)).map(|(&core, _)| core);
    reach::ticks(&edges, open)
}
