//! Half precision against PyTorch: the cases of the golden folder (`ka200` in the folder that `SPIKELOOM_GOLDEN` names, or
//! where it has none, in `tests/golden`), each spike, membrane and state of every step, in the emulator and in the oracle.

use std::path::{Path, PathBuf};

use serde_json::Value;
use spikeloom::binary16::Half;
use spikeloom::chip::{self, ChipSpec, Family, LoadOptions};
use spikeloom::compile::{self, Compiled, Log, Options};
use spikeloom::emu::{Chip, Program, Record};
use spikeloom::graph::{
    Conv2d, Delays, IntGraph, IntNeuron, Network, Output, Pattern, Population, Projection, SteppedNeuron,
};
use spikeloom::ids::PopulationId;
use spikeloom::image;
use spikeloom::oracle;
use spikeloom::stimulus::{InputSpike, Sample};

fn cases() -> Vec<PathBuf> {
    let given = std::env::var_os("SPIKELOOM_GOLDEN").map(|folder| Path::new(&folder).join("ka200"));
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ka200");
    let folder = given.filter(|folder| folder.is_dir()).unwrap_or(own);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    paths.sort();
    assert!(!paths.is_empty(), "no case in {}", folder.display());
    paths
}

fn list(value: &Value) -> &[Value] {
    value.as_array().unwrap_or_else(|| panic!("{value} is no list"))
}

fn whole<T: TryFrom<u64>>(value: &Value) -> T {
    let number = value.as_u64().and_then(|number| T::try_from(number).ok());
    number.unwrap_or_else(|| panic!("{value} is no whole number of this width"))
}

fn numbers<T: TryFrom<u64>>(value: &Value) -> Vec<T> {
    list(value).iter().map(whole).collect()
}

fn pair(value: &Value) -> [u32; 2] {
    numbers(value).try_into().expect("two numbers")
}

fn volume(shape: &[u32]) -> [u32; 3] {
    shape.try_into().expect("channels, height, width")
}

/// The layers one behind the other; each begins a tick after the one before.
fn network(case: &Value) -> IntGraph {
    let input = Population { name: "input".to_owned(), shape: numbers(&case["input"]["shape"]), neuron: None };
    let (mut populations, mut projections) = (vec![input], Vec::new());
    for (number, layer) in (0_u32..).zip(list(&case["layers"])) {
        let shape: Vec<u32> = numbers(&layer["shape"]);
        let neurons: u32 = shape.iter().product();
        let before = &populations[number as usize];
        let pattern = match &layer["conv"] {
            Value::Null => Pattern::Dense { sources: before.size() as u32, targets: neurons },
            conv => Pattern::Conv2d(Conv2d {
                input: volume(&before.shape),
                output: volume(&shape),
                kernel: pair(&conv["kernel"]),
                stride: pair(&conv["stride"]),
                padding: pair(&conv["padding"]),
                dilation: [1; 2],
                groups: 1,
            }),
        };
        projections.push(Projection {
            name: format!("to_{number}"),
            source: PopulationId(number),
            target: PopulationId(number + 1),
            pattern,
            weights: numbers::<u16>(&layer["weight"]).into_iter().map(i32::from).collect(),
            exponent: 0,
            delays: Delays::Uniform(0),
        });
        // One a channel is one a neuron of its plane.
        let each = |name: &str| -> Vec<u16> {
            let values: Vec<u16> = numbers(&layer[name]);
            let plane = if values.len() == 1 { 1 } else { neurons as usize / values.len() };
            values.iter().flat_map(|&bits| std::iter::repeat_n(bits, plane)).collect()
        };
        let neuron = SteppedNeuron {
            alpha: each("alpha"),
            beta: each("beta"),
            theta: Some(each("theta")),
            v_0: each("v_0"),
            bias: each("bias"),
            initial: vec![0],
            start: number + 1,
        };
        let name = format!("layer_{number}");
        populations.push(Population { name, shape, neuron: Some(IntNeuron::Stepped(neuron)) });
    }
    let outputs = vec![Output { name: "out".to_owned(), population: PopulationId(projections.len() as u32) }];
    IntGraph { name: "golden".to_owned(), populations, projections, outputs, learning: Vec::new() }
}

fn sample(case: &Value) -> Sample {
    let rows = list(&case["input"]["values"]);
    let mut spikes = Vec::new();
    for (tick, row) in (0..).zip(rows) {
        let values = (0..).zip(numbers::<u16>(row)).filter(|(_, value)| *value > 0);
        spikes.extend(values.map(|(input, value)| InputSpike { tick, input, value }));
    }
    Sample { name: "golden".to_owned(), spikes, ticks: rows.len() as u32, label: None }
}

/// What the file says of a layer in a step: spikes, membranes, states.
type Row = (Vec<u32>, Vec<u16>, Vec<u16>);

fn expected(layer: &Value, step: usize) -> Row {
    (numbers(&layer["spikes"][step]), numbers(&layer["v"][step]), numbers(&layer["state"][step]))
}

fn against_the_oracle(case: &Value, made: &Compiled, chip: &ChipSpec, what: &str) -> usize {
    let Family::Stepped(spec) = &chip.family else { panic!("a stepped chip") };
    let traces = oracle::stepped::run(&made.network, &sample(case), made.image.depth, spec);
    let mut compared = 0;
    for (number, layer) in list(&case["layers"]).iter().enumerate() {
        let trace = &traces[number + 1];
        for step in 0..list(&layer["spikes"]).len() {
            let tick = step + number + 1;
            let fired = (0..).zip(&trace.fired[tick]).filter(|(_, fires)| **fires).map(|(neuron, _)| neuron).collect();
            let bits = |halves: &[Half]| halves.iter().map(|half| half.0).collect::<Vec<u16>>();
            let found: Row = (fired, bits(&trace.membrane[tick]), bits(&trace.state[tick]));
            assert_eq!(found, expected(layer, step), "{what}, layer {number}, step {step}");
            compared += found.1.len() * 3;
        }
    }
    compared
}

fn against_the_emulator(case: &Value, made: &Compiled, chip: &ChipSpec, timing: bool, what: &str) -> usize {
    let bytes = image::encode(&made.image, chip.digest);
    let (image, header) = image::decode(&bytes, what).expect("its own file");
    image::check(&image, &header, chip, what).expect("a sound image");
    let program = Program::new(&image, chip).expect("a sound image");
    let mut device = Chip::new(&program, timing, &Record::None);
    let sample = sample(case);
    let layers = list(&case["layers"]);
    let mut before: Vec<Vec<u32>> = image.populations.iter().map(|of| vec![0; of.places.len()]).collect();
    let mut compared = 0;
    for tick in 0..sample.ticks + image.depth {
        let input: Vec<InputSpike> = sample.spikes.iter().filter(|spike| spike.tick == tick).copied().collect();
        device.tick(&input);
        for (number, layer) in layers.iter().enumerate() {
            let places = &image.populations[number + 1].places;
            let now: Vec<u32> = places.iter().map(|place| device.spikes_of(*place).expect("loaded")).collect();
            let fired = (0..).zip(now.iter().zip(&before[number + 1]));
            let fired: Vec<u32> = fired.filter(|(_, (now, before))| now > before).map(|(neuron, _)| neuron).collect();
            before[number + 1] = now;
            let step = (tick as usize).checked_sub(number + 1).filter(|step| *step < list(&layer["spikes"]).len());
            let Some(step) = step else { continue };
            let (spikes, membranes, states) = expected(layer, step);
            assert_eq!(fired, spikes, "{what}, layer {number}, step {step}");
            for (neuron, place) in places.iter().enumerate() {
                let found = device.probe(*place).expect("loaded");
                let wanted = (Half(states[neuron]).ordered(), Half(membranes[neuron]).ordered());
                assert_eq!((found.u, found.v), wanted, "{what}, layer {number}, neuron {neuron}, step {step}");
            }
            compared += membranes.len() * 3;
        }
    }
    compared
}

#[test]
fn every_step_is_pytorchs() {
    let (mut compared, mut spikes, mut overflows) = (0, 0, 0);
    let paths = cases();
    for path in &paths {
        let text = std::fs::read_to_string(path).expect("a readable case");
        let case: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let what = case["name"].as_str().expect("a name");
        let accumulate = format!("\"{}\"", case["accumulate"].as_str().expect("a word"));
        let set = vec![("core.stepped.accumulate".to_owned(), accumulate)];
        let chip = chip::load("ka200", &LoadOptions { set, ..LoadOptions::default() }).expect("ships");
        let network = Network::Int(network(&case));
        let made = compile::compile(&network, &chip, &Options::default(), &mut Log::default())
            .unwrap_or_else(|problems| panic!("{what}: {problems}"));
        let mut here = against_the_oracle(&case, &made, &chip, what);
        for timing in [false, true] {
            here += against_the_emulator(&case, &made, &chip, timing, what);
        }
        let Family::Stepped(spec) = &chip.family else { panic!("a stepped chip") };
        let traces = oracle::stepped::run(&made.network, &sample(&case), made.image.depth, spec);
        overflows += traces.iter().map(|trace| trace.overflows).sum::<u64>();
        let fired: usize = traces.iter().flat_map(|trace| &trace.fired).flatten().filter(|fires| **fires).count();
        println!("{what:18} {here:6} values equal, {fired} spikes");
        (compared, spikes) = (compared + here, spikes + fired);
    }
    println!("{} cases, {compared} values, 0 differences; {overflows} steps beyond the largest number", paths.len());
    assert!(spikes > 1_000 && compared > 30_000 && overflows > 50, "{spikes} {compared} {overflows}");
}
