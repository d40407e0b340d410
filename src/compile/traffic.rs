//! What the cores of an image say to each other: who sends how many spikes where, and what that does to the links.

use std::collections::BTreeMap;

use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::ids::CoreId;
use crate::image::{CoreBody, Image};
use crate::place::Routers;
use crate::place::metrics::{Sender, Traffic, measure};

/// Spikes of every neuron, by population (inputs too), in any common unit.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rates(pub Vec<Vec<f64>>);

/// The first line of a profile.
pub const HEADER: &str = "population,neuron,spikes";
/// Problems of a file that are told at once.
const MOST: usize = 20;

impl Rates {
    /// Spikes of one neuron; those that are not known count nothing.
    #[must_use]
    pub fn of(&self, population: usize, neuron: usize) -> f64 {
        self.0.get(population).and_then(|neurons| neurons.get(neuron)).copied().unwrap_or(0.0)
    }

    /// As a CSV file; neurons without spikes are left out.
    #[must_use]
    pub fn write(&self, populations: &[(&str, usize)]) -> String {
        let mut text = format!("{HEADER}\n");
        for (number, (name, size)) in populations.iter().enumerate() {
            for neuron in 0..*size {
                let spikes = self.of(number, neuron);
                if spikes > 0.0 {
                    text.push_str(&format!("{name},{neuron},{spikes}\n"));
                }
            }
        }
        text
    }

    /// Reads a profile for populations of these names and sizes.
    ///
    /// # Errors
    /// `profile/format` for lines of another form, `profile/population` and `profile/neuron` for what is not there.
    pub fn read(text: &str, file: &str, populations: &[(&str, usize)]) -> Result<Self> {
        let mut rates = Self(populations.iter().map(|(_, size)| vec![0.0; *size]).collect());
        let mut problems = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.trim().is_empty() || number == 0 && line.trim() == HEADER || problems.len() >= MOST {
                continue;
            }
            if let Err(problem) = rates.line(line, &format!("{file}:{}", number + 1), populations) {
                problems.push(problem);
            }
        }
        Problems::check(problems, rates)
    }

    fn line(&mut self, line: &str, place: &str, populations: &[(&str, usize)]) -> std::result::Result<(), Problem> {
        let fields: Vec<&str> = line.split(',').map(str::trim).collect();
        let parsed = match fields[..] {
            [name, neuron, spikes] => neuron.parse::<usize>().ok().zip(spikes.parse::<f64>().ok()).map(|p| (name, p)),
            _ => None,
        };
        let Some((name, (neuron, spikes))) = parsed.filter(|p| (0.0..1e15).contains(&p.1.1)) else {
            return Err(Problem::invalid("profile/format", place, format!("'{line}'"))
                .limit(format!("{HEADER}, spikes from 0 to 1e15"))
                .help("`spikeloom profile IMAGE -i STIMULUS -o FILE.csv` writes such a file"));
        };
        let Some(at) = populations.iter().position(|(known, _)| *known == name) else {
            let names: Vec<&str> = populations.iter().map(|(name, _)| *name).collect();
            let near = nearest(name, names.iter().copied());
            let help =
                near.map_or_else(|| "use a profile of this network".to_owned(), |n| format!("did you mean '{n}'?"));
            let what = format!("there is no population '{name}'");
            return Err(Problem::invalid("profile/population", place, what).limit(names.join(", ")).help(help));
        };
        match self.0[at].get_mut(neuron) {
            Some(rate) => *rate += spikes,
            None => {
                let limit = format!("population '{name}' has {} neurons, counted from 0", populations[at].1);
                let what = format!("there is no neuron {neuron}");
                return Err(Problem::invalid("profile/neuron", place, what)
                    .limit(limit)
                    .help("use a profile of this network"));
            }
        }
        Ok(())
    }
}

/// Spikes of every neuron tick by tick: what is busy at the same time. Samples follow each other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Trains {
    /// Ticks of all samples together.
    pub ticks: u32,
    /// (tick, spikes) of every neuron, by population (inputs too), ascending.
    trains: Vec<Vec<Vec<(u32, u32)>>>,
}

impl Trains {
    /// No spikes of the populations of an image yet.
    #[must_use]
    pub fn new(image: &Image) -> Self {
        Self { ticks: 0, trains: image.populations.iter().map(|p| vec![Vec::new(); p.size()]).collect() }
    }

    /// Adds a sample of that image: its ticks, `spikes` as (tick, population, neuron) and `injected` as (tick, input
    /// neuron over all inputs, spikes).
    pub fn add(
        &mut self,
        image: &Image,
        ticks: u32,
        spikes: impl Iterator<Item = (u32, u32, u32)>,
        injected: impl Iterator<Item = (u32, u32, u16)>,
    ) {
        let inputs = inputs(image);
        for (tick, population, neuron) in spikes {
            self.trains[population as usize][neuron as usize].push((self.ticks.saturating_add(tick), 1));
        }
        for (tick, input, spikes) in injected {
            if let Some(&(population, neuron)) = inputs.get(input as usize) {
                self.trains[population][neuron].push((self.ticks.saturating_add(tick), u32::from(spikes)));
            }
        }
        self.ticks = self.ticks.saturating_add(ticks);
    }

    /// Spikes of one neuron; none where it is not known.
    #[must_use]
    pub fn of(&self, population: usize, neuron: usize) -> &[(u32, u32)] {
        self.trains.get(population).and_then(|neurons| neurons.get(neuron)).map_or(&[], Vec::as_slice)
    }
}

/// The input neurons over all inputs as (population, neuron).
fn inputs(image: &Image) -> Vec<(usize, usize)> {
    let mut inputs: Vec<(usize, usize)> = Vec::new();
    for input in &image.inputs {
        let population = input.population as usize;
        inputs.extend((0..input.offsets.len().saturating_sub(1)).map(|neuron| (population, neuron)));
    }
    inputs
}

/// Counts a run: `spikes` as (population, neuron), `injected` as (input neuron over all inputs, spikes).
#[must_use]
pub fn counted(
    image: &Image,
    spikes: impl Iterator<Item = (u32, u32)>,
    injected: impl Iterator<Item = (u32, u16)>,
) -> Rates {
    let mut rates: Vec<Vec<f64>> = image.populations.iter().map(|p| vec![0.0; p.size()]).collect();
    for (population, neuron) in spikes {
        rates[population as usize][neuron as usize] += 1.0;
    }
    let inputs = inputs(image);
    for (input, value) in injected {
        if let Some(&(population, neuron)) = inputs.get(input as usize) {
            rates[population][neuron] += f64::from(value);
        }
    }
    Rates(rates)
}

/// The cores of a chip as slots; those that are dead are not free.
#[must_use]
pub fn routers(chip: &ChipSpec) -> Routers {
    let mesh = &chip.mesh;
    let mut routers = Routers::new(mesh.width, mesh.height, mesh.cores_per_router);
    routers.chip = mesh.edge.as_ref().map_or((0, 0), |edge| (edge.tile.0.into(), edge.tile.1.into()));
    (0..).zip(&mut routers.free).for_each(|(core, free)| *free = chip.is_alive(CoreId(core)));
    routers
}

/// The slot that stands for the host's router.
pub(super) fn host(chip: &ChipSpec) -> u32 {
    chip.core_at(chip.mesh.host.0, chip.mesh.host.1).0
}

/// Everybody who sends, the host's inputs last: `(sender, whether it is the host)`. Without `rates` every neuron fires
/// once.
#[must_use]
pub fn senders(image: &Image, chip: &ChipSpec, rates: Option<&Rates>) -> Vec<(Sender, bool)> {
    let spikes = |population: usize, neuron: usize| rates.map_or(1.0, |rates| rates.of(population, neuron));
    let mut of_slot: BTreeMap<(u32, u16), f64> = BTreeMap::new();
    for (number, population) in image.populations.iter().enumerate() {
        for (neuron, place) in population.places.iter().enumerate() {
            of_slot.insert((place.core, place.neuron), spikes(number, neuron));
        }
        for copy in &population.copies {
            of_slot.insert((copy.place.core, copy.place.neuron), spikes(number, copy.neuron as usize));
        }
    }
    if let Some(rates) = rates {
        relays(image, rates, &mut of_slot);
    }
    let mut list = Vec::new();
    for core in &image.cores {
        for neuron in 0..core.body.neurons() {
            let to: Vec<u32> = match &core.body {
                CoreBody::Crossbar(body) => body.destinations[neuron].iter().map(|to| to.core).collect(),
                CoreBody::Cuba(body) => {
                    let range = body.out_offsets[neuron] as usize..body.out_offsets[neuron + 1] as usize;
                    body.axons_out[range].iter().map(|out| out.core).collect()
                }
                CoreBody::Stepped(body) => {
                    let range = body.out_offsets[neuron] as usize..body.out_offsets[neuron + 1] as usize;
                    body.axons_out[range].iter().map(|out| out.core).collect()
                }
                CoreBody::Fcore(body) => {
                    let range = body.out_offsets[neuron] as usize..body.out_offsets[neuron + 1] as usize;
                    body.axons_out[range].iter().map(|out| out.core).collect()
                }
                // Nothing is compiled for clocked designs: their networks are imported with their places.
                CoreBody::Ranc(_) | CoreBody::OutputBus(_) | CoreBody::TinyOdin(_) => Vec::new(),
            };
            if !to.is_empty() {
                let spikes = of_slot.get(&(core.core, neuron as u16)).copied().unwrap_or(1.0);
                list.push((Sender { from: core.core, spikes, to }, false));
            }
        }
    }
    for input in &image.inputs {
        for (neuron, range) in input.offsets.windows(2).enumerate() {
            let to = input.targets[range[0] as usize..range[1] as usize].iter().map(|to| to.core).collect();
            let spikes = spikes(input.population as usize, neuron);
            list.push((Sender { from: host(chip), spikes, to }, true));
        }
    }
    list
}

/// Relay neurons belong to no population: each sends what arrives at the axons that drive it.
fn relays(image: &Image, rates: &Rates, of_slot: &mut BTreeMap<(u32, u16), f64>) {
    let mut of_axon: BTreeMap<(u32, u16), f64> = BTreeMap::new();
    for core in &image.cores {
        let CoreBody::Crossbar(body) = &core.body else { return };
        for (neuron, to) in body.destinations.iter().enumerate() {
            if let (Some(to), Some(spikes)) = (to, of_slot.get(&(core.core, neuron as u16))) {
                *of_axon.entry((to.core, to.axon)).or_default() += spikes;
            }
        }
    }
    for input in &image.inputs {
        for (neuron, range) in input.offsets.windows(2).enumerate() {
            let spikes = rates.of(input.population as usize, neuron);
            for to in &input.targets[range[0] as usize..range[1] as usize] {
                *of_axon.entry((to.core, to.axon)).or_default() += spikes;
            }
        }
    }
    for core in &image.cores {
        let CoreBody::Crossbar(body) = &core.body else { return };
        let words = body.destinations.len().div_ceil(64);
        for neuron in 0..body.destinations.len() {
            let key = (core.core, neuron as u16);
            if of_slot.contains_key(&key) {
                continue;
            }
            let driving = (0..body.axon_types.len())
                .filter(|axon| body.rows[axon * words + neuron / 64] >> (neuron % 64) & 1 == 1)
                .filter_map(|axon| of_axon.get(&(core.core, axon as u16)));
            let sum = driving.sum();
            of_slot.insert(key, sum);
        }
    }
}

/// Static figures of an image as it is placed, host packets included.
#[must_use]
pub fn traffic(image: &Image, chip: &ChipSpec, rates: Option<&Rates>) -> Traffic {
    let senders: Vec<Sender> = senders(image, chip, rates).into_iter().map(|sender| sender.0).collect();
    measure(&routers(chip), &senders)
}
