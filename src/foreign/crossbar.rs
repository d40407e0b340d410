//! Small programs of one crossbar core, in JSON by hand: what a graph cannot say of a neuron (leak reversal, random
//! parts, an initial V), with its stimulus and the spikes that it must give.

use super::json::{self, Json, Kind};
use super::nscs::fields::{Fields, Found};
use crate::chip::{ChipSpec, CrossbarSpec, Family};
use crate::diag::{Problem, Problems, Result};
use crate::image::{
    CoreBody, CoreImage, Crossbar, CrossbarParameters, Destination, Image, InputImage, OutputImage, Place,
    PopulationImage,
};
use crate::stimulus::{InputSpike, MAX_TICKS, Sample};

/// What the key `format` of such a file says.
pub const CROSSBAR_FORMAT: &str = "spikeloom crossbar 1";

/// A program: one core with what goes in and what must come out.
#[derive(Debug, Clone, PartialEq)]
pub struct CrossbarProgram {
    /// The core: population 0 is the input, then one population of one neuron for each name, all of them read.
    pub image: Image,
    /// The stimulus.
    pub stimulus: Sample,
    /// What it shows, for people.
    pub about: String,
    /// Ticks in which each neuron fires, in the order of the neurons.
    pub expected: Vec<Vec<u32>>,
}

/// Reads a program; `file` is named in problems.
///
/// # Errors
/// `foreign/syntax`, `foreign/key`, `foreign/value` and `foreign/reference`, each with its line: all of them at once.
pub fn read_crossbar(text: &str, file: &str, chip: &ChipSpec) -> Result<CrossbarProgram> {
    let Family::Crossbar(spec) = &chip.family else {
        let what = format!("chip '{}' has no crossbar cores", chip.name);
        return Err(Problem::invalid("foreign/chip", file, what).help("use --chip truenorth").into());
    };
    let root = json::root(text, file)?;
    let mut found = Found { file, problems: Vec::new() };
    let program = Fields::of(&root, "the file", &mut found)
        .and_then(|fields| Reader { chip, spec, found: &mut found }.program(fields));
    match program {
        Some(program) => Problems::check(found.problems, program),
        None => Err(Problems::check(found.problems, ()).expect_err("a program that is missing is a problem")),
    }
}

struct Reader<'a, 'f> {
    chip: &'a ChipSpec,
    spec: &'a CrossbarSpec,
    found: &'a mut Found<'f>,
}

/// A neuron of the file.
struct Written {
    name: String,
    parameters: CrossbarParameters,
    to: Option<Destination>,
}

impl Reader<'_, '_> {
    /// `None` where the core cannot hold it: then nothing is made of its lists.
    fn program(&mut self, mut fields: Fields<'_>) -> Option<CrossbarProgram> {
        let format = fields.needed("format", self.found);
        if let Some(format) = format.filter(|format| format.kind != Kind::Text(CROSSBAR_FORMAT.to_owned())) {
            self.found.limited(
                "foreign/value",
                format.line,
                format!("'format' is {}", format.print(None)),
                format!("\"{CROSSBAR_FORMAT}\""),
            );
        }
        let name = fields.text("name", self.found).to_owned();
        let about = fields.optional("about").map_or("", |about| text_of(about)).to_owned();
        let ticks = fields.whole("ticks", 1..=i64::from(MAX_TICKS), self.found) as u32;
        let listed = |key: &'static str, reader: &mut Self, fields: &mut Fields<'_>| {
            let list = fields.needed(key, reader.found).cloned();
            list.map(|list| reader.items(&list, key)).unwrap_or_default()
        };
        let axons = listed("axons", self, &mut fields);
        let neurons = listed("neurons", self, &mut fields);
        let limits = &self.chip.capacity;
        let fits = self.capacity("axons", &axons, limits.axons_in as usize);
        if !self.capacity("neurons", &neurons, limits.neurons as usize) || !fits {
            return None;
        }
        let neurons: Vec<Written> = neurons.iter().filter_map(|item| self.neuron(item, axons.len())).collect();
        let (axon_types, rows) = self.axons(&axons, neurons.len());
        let inputs = listed("inputs", self, &mut fields);
        let inputs: Vec<u16> =
            inputs.iter().map(|item| self.number(item, "an input axon", axons.len()) as u16).collect();
        let stimulus = listed("stimulus", self, &mut fields);
        let spikes = stimulus.iter().flat_map(|item| self.spikes(item, inputs.len(), ticks)).collect();
        let expected = fields.needed("expected", self.found).cloned();
        let expected = expected.map(|value| self.expected(&value, &neurons, ticks)).unwrap_or_default();
        fields.finish(&[], self.found);
        let image = self.image(name.clone(), neurons, (axon_types, rows), &inputs);
        let stimulus = Sample { name, spikes, ticks, label: None };
        Some(CrossbarProgram { image, stimulus: sorted(stimulus), about, expected })
    }

    /// The entries of an array.
    fn items(&mut self, value: &Json, key: &str) -> Vec<Json> {
        match &value.kind {
            Kind::List(items) => items.clone(),
            _ => {
                self.found.add("foreign/value", value.line, format!("'{key}' must be an array"));
                Vec::new()
            }
        }
    }

    /// A whole number below `limit`; 0 where it is wrong.
    fn number(&mut self, value: &Json, what: &str, limit: usize) -> usize {
        let number = value.whole().and_then(|number| usize::try_from(number).ok()).filter(|number| *number < limit);
        number.unwrap_or_else(|| {
            let what = format!("{what} is {}", value.print(None));
            let limit = limit.checked_sub(1).map_or("there is none".to_owned(), |last| format!("0..={last}"));
            self.found.limited("foreign/reference", value.line, what, limit);
            0
        })
    }

    fn neuron(&mut self, value: &Json, axons: usize) -> Option<Written> {
        let mut fields = Fields::of(value, "a neuron", self.found)?;
        let name = fields.text("name", self.found).to_owned();
        let weight = (1_i64 << (self.spec.weight_bits - 1)) - 1;
        let threshold = (1_i64 << self.spec.threshold_bits) - 1;
        let edge = 1_i64 << (self.spec.potential_bits - 1);
        let weights = fields.needed("weights", self.found).cloned();
        let weights = weights.map(|list| self.four(&list, -weight..=weight)).unwrap_or_default();
        let stochastic = fields.optional("stochastic_weights").cloned();
        let stochastic = stochastic.map(|list| self.four(&list, 0..=1)).unwrap_or_default();
        let mut number = |key: &'static str, range: std::ops::RangeInclusive<i64>, fields: &mut Fields<'_>| {
            if fields.optional(key).is_some() { fields.whole(key, range, self.found) } else { 0 }
        };
        let leak = number("leak", -weight..=weight, &mut fields);
        let negative = number("negative_threshold", 0..=threshold, &mut fields);
        let mask = number("threshold_mask_bits", 0..=i64::from(self.spec.threshold_bits), &mut fields);
        let reset = number("reset_value", 1 - edge..=edge - 1, &mut fields);
        let initial = number("initial", -edge..=edge - 1, &mut fields);
        let alpha = fields.whole("threshold", 0..=threshold, self.found);
        if !(reset.unsigned_abs() + 1).is_power_of_two() {
            let below = ((reset.unsigned_abs() + 1).next_power_of_two() >> 1) - 1;
            let what = format!("'reset_value' of neuron '{name}' is {reset}");
            let limit = format!("0 or +-(2^k - 1), such as {below} or {}", 2 * below + 1);
            self.found.limited("foreign/value", value.line, what, limit);
        }
        let mut flag = |key: &'static str| fields.optional(key).is_some() && fields.flag(key, self.found);
        let (leak_reversal, stochastic_leak) = (flag("leak_reversal"), flag("stochastic_leak"));
        let spike_reset = self.word(&mut fields, "spike_reset", &["value", "linear", "none"]);
        let negative_reset = self.word(&mut fields, "negative_reset", &["saturate", "mirror"]);
        let to = fields.optional("to").cloned().and_then(|to| self.target(&to, axons));
        fields.finish(&[], self.found);
        let parameters = CrossbarParameters {
            weights: weights.map(|weight| weight as i16),
            leak: leak as i16,
            leak_reversal,
            threshold: alpha as u32,
            negative_threshold: negative as u32,
            spike_reset: spike_reset as u8,
            negative_saturate: negative_reset == 0,
            reset_value: reset as i32,
            initial: initial as i32,
            stochastic_weights: stochastic.map(|flag| flag == 1),
            stochastic_leak,
            threshold_mask_bits: mask as u8,
        };
        Some(Written { name, parameters, to })
    }

    fn four(&mut self, list: &Json, range: std::ops::RangeInclusive<i64>) -> [i64; 4] {
        let items = self.items(list, "weights");
        let numbers: Vec<i64> = items.iter().filter_map(Json::whole).filter(|number| range.contains(number)).collect();
        if let (Ok(four), 4) = (<[i64; 4]>::try_from(numbers), items.len()) {
            return four;
        }
        let what = format!("one number an axon type: {}", list.print(None));
        self.found.limited("foreign/value", list.line, what, format!("four of {}..={}", range.start(), range.end()));
        [0; 4]
    }

    /// The number of the word that an optional key names, 0 where it is absent.
    fn word(&mut self, fields: &mut Fields<'_>, key: &'static str, words: &[&str]) -> usize {
        let Some(value) = fields.optional(key) else { return 0 };
        words.iter().position(|word| value.kind == Kind::Text((*word).to_owned())).unwrap_or_else(|| {
            let what = format!("'{key}' is {}", value.print(None));
            self.found.limited("foreign/value", value.line, what, words.join(", "));
            0
        })
    }

    fn target(&mut self, value: &Json, axons: usize) -> Option<Destination> {
        let mut fields = Fields::of(value, "a target", self.found)?;
        let axon = fields.needed("axon", self.found).cloned();
        let delays = i64::from(self.spec.delay_min)..=i64::from(self.spec.delay_max);
        let delay = fields.whole("delay", delays, self.found) as u8;
        fields.finish(&[], self.found);
        Some(Destination { core: 0, axon: self.number(&axon?, "a target axon", axons) as u16, delay })
    }

    /// Types and connections of the axons.
    fn axons(&mut self, axons: &[Json], neurons: usize) -> (Vec<u8>, Vec<u64>) {
        let words = neurons.div_ceil(64);
        let (mut types, mut rows) = (Vec::new(), vec![0_u64; axons.len() * words]);
        for (axon, value) in axons.iter().enumerate() {
            let Some(mut fields) = Fields::of(value, "an axon", self.found) else { continue };
            types.push(fields.whole("type", 0..=i64::from(self.spec.axon_types) - 1, self.found) as u8);
            let list = fields.needed("neurons", self.found).cloned();
            fields.finish(&[], self.found);
            for item in list.map(|list| self.items(&list, "neurons")).unwrap_or_default() {
                let neuron = self.number(&item, "a neuron of an axon", neurons);
                if let Some(word) = rows.get_mut(axon * words + neuron / 64) {
                    *word |= 1 << (neuron % 64);
                }
            }
        }
        (types, rows)
    }

    /// Whether a core has room for all of a list.
    fn capacity(&mut self, what: &str, list: &[Json], limit: usize) -> bool {
        if let Some(first) = list.get(limit) {
            let what = format!("{} {what}", list.len());
            self.found.limited("foreign/value", first.line, what, format!("{limit} a core"));
        }
        list.len() <= limit
    }

    /// `[input, [ticks]]`.
    fn spikes(&mut self, value: &Json, inputs: usize, ticks: u32) -> Vec<InputSpike> {
        let pair = self.items(value, "stimulus");
        let [input, times] = pair.as_slice() else {
            self.found.add("foreign/value", value.line, "an entry of 'stimulus' must be [input, [ticks]]");
            return Vec::new();
        };
        let input = self.number(input, "an input", inputs) as u32;
        let times = self.items(times, "ticks of an input");
        let spike =
            |time: &Json| InputSpike { tick: self.number(time, "a tick", ticks as usize) as u32, input, value: 1 };
        times.iter().map(spike).collect()
    }

    /// By name: the ticks in which each neuron fires.
    fn expected(&mut self, value: &Json, neurons: &[Written], ticks: u32) -> Vec<Vec<u32>> {
        let Kind::Object(entries) = &value.kind else {
            self.found.add("foreign/value", value.line, "'expected' must be an object: neurons with their ticks");
            return Vec::new();
        };
        let mut all = vec![Vec::new(); neurons.len()];
        for (name, list) in entries {
            match neurons.iter().position(|neuron| neuron.name == *name) {
                Some(at) => {
                    let times = self.items(list, name);
                    all[at] = times.iter().map(|time| self.number(time, "a tick", ticks as usize) as u32).collect();
                }
                None => {
                    _ = self.found.add("foreign/reference", list.line, format!("neuron '{name}' is not there"));
                }
            }
        }
        all
    }

    fn image(
        &self,
        name: String,
        neurons: Vec<Written>,
        (axon_types, rows): (Vec<u8>, Vec<u64>),
        inputs: &[u16],
    ) -> Image {
        let population = |name: &str, size: u32, places: Vec<Place>| PopulationImage {
            name: name.to_owned(),
            shape: vec![size],
            places,
            copies: Vec::new(),
        };
        let mut populations = vec![population("inputs", inputs.len() as u32, Vec::new())];
        let mut outputs = Vec::new();
        for (at, neuron) in neurons.iter().enumerate() {
            outputs.push(OutputImage { name: neuron.name.clone(), population: at as u32 + 1 });
            populations.push(population(&neuron.name, 1, vec![Place { core: 0, neuron: at as u16 }]));
        }
        let body = Crossbar {
            axon_types,
            rows: rows.into(),
            parameter_of: (0..neurons.len() as u16).collect(),
            destinations: neurons.iter().map(|neuron| neuron.to).collect(),
            parameters: neurons.into_iter().map(|neuron| neuron.parameters).collect(),
            seed: Crossbar::SEED,
        };
        Image {
            network: name,
            chip: self.chip.name.clone(),
            cores: vec![CoreImage { core: 0, body: CoreBody::Crossbar(body) }],
            populations,
            inputs: vec![InputImage {
                population: 0,
                offsets: (0..=inputs.len() as u32).collect(),
                targets: inputs.iter().map(|&axon| Destination { core: 0, axon, delay: 1 }).collect(),
            }],
            outputs,
            depth: 0,
        }
    }
}

fn text_of(value: &Json) -> &str {
    if let Kind::Text(text) = &value.kind { text } else { "" }
}

/// Spikes in the order of their ticks and inputs.
fn sorted(mut sample: Sample) -> Sample {
    sample.spikes.sort_by_key(|spike| (spike.tick, spike.input));
    sample
}
