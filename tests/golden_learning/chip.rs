//! The same cases through compiler, image and emulator, with the draws that were recorded.

use std::collections::BTreeMap;

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::{Log, Options, compile};
use spikeloom::emu::{Chip, Program, Record};
use spikeloom::fixed::decay_toward_zero;
use spikeloom::graph::{
    CubaNeuron, Delays, IntGraph, IntNeuron, Learning, Network, Output, Pattern, Population, Projection, TraceShape,
};
use spikeloom::ids::{PopulationId, ProjectionId};
use spikeloom::image::Image;
use spikeloom::rule::{Draws, Rule, TraceName, parse_rule};
use spikeloom::stimulus::InputSpike;

use crate::case::{Case, to_draw};
use crate::lava;

/// What a teacher's spike adds to a neuron through one projection.
const TEACHER: i64 = 255 << 7;
/// A trace that nothing raises is 0 at any time constant; a rule that reads one without any would be refused.
const SILENT: TraceShape = TraceShape { impulse: 0.0, tau: 1.0 };
/// Room for what a membrane keeps from the tick before, 1/4096 of it.
const MARGIN: i64 = 64;

pub(crate) type Found = BTreeMap<&'static str, Vec<i64>>;

/// Loihi in a dialect, with so many neurons a core, and biases as wide as lava takes them.
fn loihi(dialect: &str, neurons: u32) -> ChipSpec {
    let neurons = neurons.to_string();
    let bias = if dialect == "brian2" { "13" } else { "16" };
    let set = [("core.cuba.dialect", dialect), ("core.neurons", &neurons), ("core.cuba.bias_bits", bias)];
    let set = set.map(|(key, value)| (key.to_owned(), value.to_owned())).to_vec();
    chip::load("loihi", &LoadOptions { set, ..LoadOptions::default() }).expect("the built-in chip loads")
}

/// A network with one population that learns from another.
struct Built {
    graph: IntGraph,
    /// (tick, flat input, value).
    spikes: Vec<InputSpike>,
    inputs: u32,
}

impl Built {
    fn new(case: &Case) -> Self {
        let graph = IntGraph {
            name: case.name.clone(),
            populations: Vec::new(),
            projections: Vec::new(),
            outputs: Vec::new(),
            learning: Vec::new(),
        };
        Self { graph, spikes: Vec::new(), inputs: 0 }
    }

    /// An input population whose spikes of row r, an array of the case, are given in tick r + `late`.
    fn input(&mut self, case: &Case, name: &str, array: &str, size: usize, late: u32) -> PopulationId {
        for (at, &value) in case.array(array).iter().enumerate().filter(|(_, value)| **value > 0) {
            let (tick, input) = ((at / size) as u32 + late, self.inputs + (at % size) as u32);
            self.spikes.push(InputSpike { tick, input, value: value as u16 });
        }
        self.inputs += size as u32;
        self.population(name, size, None)
    }

    fn population(&mut self, name: &str, size: usize, neuron: Option<CubaNeuron>) -> PopulationId {
        let neuron = neuron.map(IntNeuron::Cuba);
        self.graph.populations.push(Population { name: name.to_owned(), shape: vec![size as u32], neuron });
        PopulationId::from(self.graph.populations.len() - 1)
    }

    fn project(&mut self, ends: (PopulationId, PopulationId), pattern: Pattern, weights: Vec<i32>, exponent: i8) {
        let (source, target) = ends;
        let name = format!("p{}", self.graph.projections.len());
        let delays = Delays::Uniform(0);
        self.graph.projections.push(Projection { name, source, target, pattern, weights, exponent, delays });
    }

    fn compile(&mut self, chip: &ChipSpec, output: PopulationId) -> Image {
        self.graph.outputs.push(Output { name: "post".to_owned(), population: output });
        self.spikes.sort_by_key(|spike| (spike.tick, spike.input));
        let network = Network::Int(self.graph.clone());
        let compiled = compile(&network, chip, &Options::default(), &mut Log::default());
        compiled.unwrap_or_else(|problems| panic!("{problems}")).image
    }
}

/// Weights, tags, delays and traces of the running chip in the order of the reference.
struct Reader {
    image: Image,
    sources: usize,
    targets: usize,
}

impl Reader {
    fn variables(&self, chip: &Chip<'_>) -> [Vec<i64>; 3] {
        let learned = chip.learned();
        let mut values = [const { Vec::new() }; 3].map(|_: Vec<i64>| vec![0; self.sources * self.targets]);
        let synapses = self.image.learned_synapses(0);
        assert_eq!(synapses.len(), self.sources * self.targets, "every synapse learns");
        for synapse in synapses {
            let core = learned.iter().find(|core| core.core == synapse.core).expect("the core learns");
            let group = &core.groups[synapse.group];
            let place = synapse.target as usize * self.sources + synapse.source as usize;
            for (values, of) in values.iter_mut().zip([&group.weights, &group.tags, &group.delays]) {
                values[place] = of.get(synapse.at).copied().unwrap_or(0).into();
            }
        }
        values
    }

    /// x1, x2 by source and y1, y2, y3 by target.
    fn traces(&self, chip: &Chip<'_>, post: PopulationId) -> ([Vec<i64>; 2], [Vec<i64>; 3]) {
        let mut before = [vec![0; self.sources], vec![0; self.sources]];
        for synapse in self.image.learned_synapses(0) {
            let traces = chip.traces(synapse.core, synapse.group).expect("a group");
            for (of, value) in before.iter_mut().zip(traces.before[synapse.list]) {
                of[synapse.source as usize] = value.into();
            }
        }
        let mut after = [vec![0; self.targets], vec![0; self.targets], vec![0; self.targets]];
        for (neuron, place) in self.image.populations[post.index()].places.iter().enumerate() {
            let traces = chip.traces(place.core, 0).expect("a group");
            let values = traces.after[usize::from(place.neuron)].expect("a target");
            after.iter_mut().zip(values).for_each(|(of, value)| of[neuron] = value.into());
        }
        (before, after)
    }
}

/// How lava's neurons stand in for the recorded ports: by neurons of the case, or by teachers.
struct Ports {
    /// Ticks by which the case's steps are late.
    late: u32,
    /// Places by which the sum is shifted so that no register overflows.
    places: u32,
    /// What a teacher's spikes add.
    taught: i64,
}

/// A lava case with so many neurons a core.
pub(crate) fn lava(case: &Case, neurons: u32) -> Found {
    let (sources, targets) = (case.sources(), case.targets());
    let oracle = lava::config(case);
    let mut built = Built::new(case);
    let closed = !case.text["post_lif"].is_null();
    let (neuron, ports) = if closed { (post_lif(case), Ports { late: 0, places: 0, taught: 0 }) } else { taught(case) };
    let pre = built.input(case, "pre", "pre_spikes", sources, ports.late);
    let teacher = (!closed).then(|| built.input(case, "teacher", "post_spikes_in", targets, 0));
    let supplied = oracle.supplied.contains(&true);
    let factors =
        ["y1_in", "y2_in", "y3_in"].map(|name| supplied.then(|| built.input(case, name, name, targets, ports.late)));
    let post = built.population("post", targets, Some(neuron));
    let dense = Pattern::Dense { sources: sources as u32, targets: targets as u32 };
    let weights = lava::stored_weights(case).iter().map(|&weight| weight as i32).collect();
    built.project((pre, post), dense, weights, (case.number("weight_exp") - i64::from(ports.places)) as i8);
    if let Some(teacher) = teacher {
        for _ in 0..ports.taught / TEACHER {
            let one = Pattern::OneToOne { size: targets as u32, shared: true };
            built.project((teacher, post), one, vec![255], 7);
        }
    }
    let mut learning = Learning::new(ProjectionId(0), oracle.rule, oracle.sign);
    (learning.epoch, learning.start) = (oracle.epoch, ports.late);
    learning.traces = TraceName::ALL.map(|name| shape(case, name.name()));
    (learning.factors, learning.graded) = (factors, oracle.graded);
    let (needs_tag, needs_delay) = (learning.rule.needs_tag(), learning.needs_delay());
    let narrow = |name: &str| case.array(name).iter().map(|&value| value as i16).collect();
    if needs_tag {
        learning.tags = narrow("tag_1_0");
    }
    if needs_delay {
        learning.delays = narrow("tag_2_0");
    }
    built.graph.learning.push(learning);
    let chip = loihi("lava", neurons);
    let image = built.compile(&chip, post);
    let draws: Vec<Draws> = (0..case.steps()).map(|step| lava::draws(case, step)).collect();
    let program = Program::new(&image, &chip).expect("a compiled image is loaded").replaying(draws);
    let reader = Reader { image, sources, targets };
    let mut running = Chip::new(&program, false, &Record::None);
    let mut found = Found::new();
    let (mut spikes_before, mut currents) = (vec![0; targets], vec![0; targets]);
    for tick in 0..=case.steps() as u32 + ports.late {
        let now: Vec<InputSpike> = built.spikes.iter().filter(|spike| spike.tick == tick).copied().collect();
        running.tick(&now);
        let sent = outputs(&reader.image, &running, post, case, &ports, tick, (&mut spikes_before, &mut currents));
        if let Some((sums, fired)) = sent.filter(|_| tick >= ports.late && tick - ports.late < case.steps() as u32) {
            found.entry("a_out").or_default().extend(sums);
            found.entry("post_spikes").or_default().extend(fired);
        }
        // What the spikes of a tick teach is learned in the next.
        if tick > ports.late {
            let [weights, tags, delays] = reader.variables(&running);
            found.entry("weights").or_default().extend(weights);
            let kept = |learned: bool, values: Vec<i64>, name: &str| {
                if learned { values } else { case.array(name).to_vec() }
            };
            found.entry("tag_1").or_default().extend(kept(needs_tag, tags, "tag_1_0"));
            found.entry("tag_2").or_default().extend(kept(needs_delay, delays, "tag_2_0"));
            let (before, after) = reader.traces(&running, post);
            for (name, values) in ["x1", "x2"].into_iter().zip(before).chain(["y1", "y2", "y3"].into_iter().zip(after))
            {
                found.entry(name).or_default().extend(values);
            }
        }
    }
    if ports.places > 0 {
        println!("{}: a_out is compared in units of {}", case.name, 1 << ports.places);
        restore(case, &mut found, ports.places);
    }
    found
}

/// Sums and spikes of the tick: u holds the sum alone where the case has no neurons of its own.
fn outputs(
    image: &Image,
    running: &Chip<'_>,
    post: PopulationId,
    case: &Case,
    ports: &Ports,
    tick: u32,
    (before, currents): (&mut Vec<i64>, &mut [i64]),
) -> Option<(Vec<i64>, Vec<i64>)> {
    let places = &image.populations[post.index()].places;
    let closed = ports.taught == 0;
    let counts: Vec<i64> = places.iter().map(|place| running.spikes_of(*place).expect("loaded").into()).collect();
    let fired: Vec<i64> = counts.iter().zip(before.iter()).map(|(now, before)| now - before).collect();
    *before = counts;
    let u = |place: &spikeloom::image::Place| i64::from(running.probe(*place).expect("loaded").u);
    let sums = if closed {
        // What u is beyond what is left of it from the step before; it wraps at 24 bits.
        let retention = case.text["post_lif"]["decay_u"].as_i64().expect("a register") as u32 + 1;
        let sum = |(place, before): (&spikeloom::image::Place, &mut i64)| {
            let now = u(place);
            let added = now - i64::from(decay_toward_zero(std::mem::replace(before, now) as i32, retention));
            ((added + (1 << 23)).rem_euclid(1 << 24) - (1 << 23)) >> 6
        };
        places.iter().zip(currents).map(sum).collect()
    } else {
        let taught = |at: usize| {
            let step = tick.checked_sub(1).filter(|&step| (step as usize) < case.steps());
            step.is_some_and(|step| case.row("post_spikes_in", step as usize, places.len())[at] > 0)
        };
        let sum = |(at, place): (usize, &spikeloom::image::Place)| {
            (u(place) >> 6) - if taught(at) { ports.taught } else { 0 }
        };
        places.iter().enumerate().map(sum).collect()
    };
    Some((sums, fired))
}

/// Sums that were shifted to fit are held against the shifted reference, and then given as that.
fn restore(case: &Case, found: &mut Found, places: u32) {
    let theirs = case.array("expected.a_out");
    let ours = found.get_mut("a_out").expect("recorded");
    for (ours, theirs) in ours.iter_mut().zip(theirs) {
        if *ours == theirs >> places {
            *ours = *theirs;
        }
    }
}

fn shape(case: &Case, name: &str) -> TraceShape {
    let node = &case.text["traces"][name];
    let number = |key: &str| node[key].as_f64().unwrap_or_else(|| panic!("{}: {key} of {name}", case.name));
    let shape = TraceShape { impulse: number("impulse"), tau: number("tau") };
    if shape == TraceShape::NONE { SILENT } else { shape }
}

/// Neurons that fire when a teacher says so and at no other time, whatever the learned weights add.
fn taught(case: &Case) -> (CubaNeuron, Ports) {
    let most = case.array("expected.a_out").iter().map(|sum| sum.abs()).max().unwrap_or(0);
    let places = (0..9).find(|&places| most >> places < 33_000).expect("sums that can be shifted to fit");
    let most = (most >> places) + 1;
    let copies = (2 * most + 2 * MARGIN) / TEACHER + 1;
    let neuron = CubaNeuron {
        decay_u: vec![4095],
        decay_v: vec![4095],
        threshold: Some(vec![(most + MARGIN) as u32]),
        ..CubaNeuron::default()
    };
    (neuron, Ports { late: 1, places, taught: copies * TEACHER })
}

/// The neurons of a case in a closed loop.
fn post_lif(case: &Case) -> CubaNeuron {
    let register = |key: &str| case.text["post_lif"][key].as_i64().expect("a register");
    let biases = case.array("post_bias");
    let exponent = (0..8).find(|&places| biases.iter().all(|b| b % (1 << places) == 0 && (b >> places).abs() < 32_000));
    let exponent = exponent.expect("biases fit their registers");
    CubaNeuron {
        decay_u: vec![register("decay_u") as u16],
        decay_v: vec![register("decay_v") as u16],
        threshold: Some(vec![register("vth_mant") as u32]),
        bias: biases.iter().map(|bias| (bias >> exponent) as i16).collect(),
        bias_exponent: vec![exponent as i8],
        ..CubaNeuron::default()
    }
}

/// A brian2 case with so many neurons a core.
pub(crate) fn brian2(case: &Case, neurons: u32) -> Found {
    let (sources, targets) = (case.sources(), case.targets());
    let mut built = Built::new(case);
    let pre = built.input(case, "pre", "pre_spikes", sources, 0);
    let teacher = built.input(case, "teacher", "teacher_spikes", targets, 0);
    let neuron = CubaNeuron {
        decay_u: vec![(case.number("decay_I") - 1) as u16],
        decay_v: vec![case.number("decay_v") as u16],
        threshold: Some(vec![case.number("vth_mant") as u32]),
        ..CubaNeuron::default()
    };
    let post = built.population("post", targets, Some(neuron));
    let dense = |sources: usize| Pattern::Dense { sources: sources as u32, targets: targets as u32 };
    let whole = |name: &str| -> Vec<i32> { case.array(name).iter().map(|&weight| weight as i32).collect() };
    built.project((pre, post), dense(sources), whole("weights0"), case.number("weight_exp") as i8);
    built.project((teacher, post), dense(targets), whole("teacher_weights"), 0);
    let text = case.text["dw"].as_str().expect("a rule");
    let rule: Rule = parse_rule(&format!("dw = {text}"), &case.name).unwrap_or_else(|problems| panic!("{problems}"));
    let mut learning = Learning::new(ProjectionId(0), rule, case.sign());
    let given = |name: &str| case.text["traces"].get(name).is_some();
    let shaped = |name: TraceName| if given(name.name()) { shape(case, name.name()) } else { SILENT };
    learning.traces = TraceName::ALL.map(shaped);
    learning.weight_bits = case.number("num_weight_bits") as u8;
    built.graph.learning.push(learning);
    let chip = loihi("brian2", neurons);
    let image = built.compile(&chip, post);
    let draw = to_draw(case.text["r"].as_f64().expect("a random number"));
    let draws = Draws { x_decay: draw, y_decay: draw, synapse: draw, ..Draws::default() };
    let program = Program::new(&image, &chip).expect("it loads").replaying(vec![draws; case.steps()]);
    let reader = Reader { image, sources, targets };
    let mut running = Chip::new(&program, false, &Record::None);
    let mut found = Found::new();
    let mut spikes_before = vec![0; targets];
    for tick in 0..=case.steps() as u32 {
        let now: Vec<InputSpike> = built.spikes.iter().filter(|spike| spike.tick == tick).copied().collect();
        running.tick(&now);
        let places = &reader.image.populations[post.index()].places;
        let counts: Vec<i64> = places.iter().map(|place| running.spikes_of(*place).expect("loaded").into()).collect();
        let fired: Vec<i64> = counts.iter().zip(&spikes_before).map(|(now, before)| now - before).collect();
        spikes_before = counts;
        // Generator spikes arrive in the step that they are given in: one tick later here.
        if tick == 0 {
            assert!(fired.iter().all(|&fired| fired == 0), "nothing arrives in the first tick");
            continue;
        }
        let states: Vec<_> = places.iter().map(|place| running.probe(*place).expect("loaded")).collect();
        found.entry("u").or_default().extend(states.iter().map(|state| i64::from(state.u)));
        found.entry("v").or_default().extend(states.iter().map(|state| i64::from(state.v)));
        found.entry("s").or_default().extend(fired);
        let [weights, ..] = reader.variables(&running);
        found.entry("w").or_default().extend(weights);
        let (before, after) = reader.traces(&running, post);
        for (name, values) in ["x1", "x2"].into_iter().zip(before) {
            found.entry(name).or_default().extend(values.repeat(targets));
        }
        for (name, values) in ["y1", "y2", "y3"].into_iter().zip(after) {
            let repeated = values.into_iter().flat_map(|value| std::iter::repeat_n(value, sources));
            found.entry(name).or_default().extend(repeated);
        }
    }
    found
}
