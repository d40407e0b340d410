//! Trees of compartments, thresholds that adapt and noise: random networks, compiled and emulated, against the straight-line
//! model in every dialect; and what is refused.

use spikeloom::chip::{self, ChipSpec, Dialect, LoadOptions};
use spikeloom::compile::{Compiled, Log, Options, Partition, compile};
use spikeloom::diag::Problems;
use spikeloom::emu::counters::RunResult;
use spikeloom::emu::{Quiet, Record, RunOptions, run};
use spikeloom::graph::{
    Adaptation, CubaNeuron, Delays, IntGraph, IntNeuron, Join, JoinOp, Network, Noise, NoiseAt, Output, Passed,
    Pattern, Population, Projection, read_json, write_json,
};
use spikeloom::ids::PopulationId;
use spikeloom::oracle::{self, IntRun};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

const INPUTS: u32 = 6;
const TICKS: u32 = 60;

fn loihi(dialect: Dialect, neurons: u32) -> ChipSpec {
    let set = [("core.cuba.dialect", dialect.name().to_owned()), ("core.neurons", neurons.to_string())];
    let set = set.map(|(key, value)| (key.to_owned(), value)).to_vec();
    chip::load("loihi", &LoadOptions { set, ..LoadOptions::default() }).expect("the built-in chip loads")
}

fn pick<T: Copy>(rng: &mut Rng, from: &[T]) -> T {
    from[rng.below(from.len() as u64) as usize]
}

fn neuron(rng: &mut Rng, size: u32, dialect: Dialect) -> CubaNeuron {
    let each = |rng: &mut Rng, from: &[u32]| (0..size).map(|_| pick(rng, from)).collect::<Vec<u32>>();
    let adapts = (rng.below(2) == 0).then(|| Adaptation {
        step: each(rng, &[0, 30, 400, (1 << 17) - 1]),
        decay: vec![pick(rng, &[0, 1, 200, 4095])],
    });
    let noise = (rng.below(2) == 0).then(|| Noise {
        at: pick(rng, &[NoiseAt::U, NoiseAt::V, NoiseAt::Threshold]),
        exponent: pick(rng, &[1, 6, 11, 14, 23]),
        offset: pick(rng, &[0, 1, -2, 127, -128]),
        seed: rng.below(3) as u32,
    });
    CubaNeuron {
        decay_u: vec![pick(rng, &[4095, 900, 0])],
        decay_v: vec![pick(rng, &[0, 300, 4095])],
        threshold: (rng.below(4) > 0).then(|| vec![pick(rng, &[0, 40, 170, 600])]),
        bias: vec![if dialect == Dialect::Brian2 { 0 } else { pick(rng, &[0, 70, -4096, 4095]) }],
        bias_exponent: vec![if dialect == Dialect::Brian2 { 0 } else { rng.below(8) as i8 }],
        refractory: vec![if dialect == Dialect::Lava { 1 } else { pick(rng, &[1, 2, 5]) }],
        adaptation: adapts,
        noise,
        ..CubaNeuron::default()
    }
}

fn projection(
    rng: &mut Rng,
    name: String,
    (source, from): (usize, u32),
    (target, to): (usize, u32),
) -> Projection<i32> {
    let weights: Vec<i32> = (-120..121).map(|w| 2 * w).collect();
    Projection {
        name,
        source: PopulationId::from(source),
        target: PopulationId::from(target),
        pattern: Pattern::Dense { sources: from, targets: to },
        weights: (0..from * to).map(|_| pick(rng, &weights)).collect(),
        exponent: pick(rng, &[-2, 0, 0, 5]),
        delays: Delays::Uniform(0),
    }
}

/// Populations of one size, some of them dendrites of later ones, with input and recurrent edges.
fn network(rng: &mut Rng, dialect: Dialect) -> IntGraph {
    let size = 2 + rng.below(4) as u32;
    let count = 3 + rng.below(4) as usize;
    let input = Population { name: "in".to_owned(), shape: vec![INPUTS], neuron: None };
    let (mut populations, mut projections) = (vec![input], Vec::new());
    let mut free: Vec<usize> = Vec::new();
    for number in 1..=count {
        let mut cuba = neuron(rng, size, dialect);
        for _ in 0..rng.below(3) {
            if free.is_empty() {
                break;
            }
            let dendrite = free.swap_remove(rng.below(free.len() as u64) as usize);
            cuba.joins.push(Join {
                dendrite: PopulationId::from(dendrite),
                op: pick(rng, &[JoinOp::Add, JoinOp::Max, JoinOp::Min, JoinOp::And, JoinOp::Or]),
                pass: pick(rng, &[Passed::U, Passed::V]),
            });
        }
        free.push(number);
        let neuron = Some(IntNeuron::Cuba(cuba));
        populations.push(Population { name: format!("p{number}"), shape: vec![size], neuron });
        projections.push(projection(rng, format!("in-{number}"), (0, INPUTS), (number, size)));
    }
    for edge in 0..rng.below(3) {
        let (source, target) = (1 + rng.below(count as u64) as usize, 1 + rng.below(count as u64) as usize);
        projections.push(projection(rng, format!("r{edge}"), (source, size), (target, size)));
    }
    IntGraph {
        name: "trees".to_owned(),
        populations,
        projections,
        outputs: vec![Output { name: "out".to_owned(), population: PopulationId::from(count) }],
        learning: Vec::new(),
    }
}

fn sample(rng: &mut Rng) -> Sample {
    let at = (0..TICKS).flat_map(|tick| (0..INPUTS).map(move |input| (tick, input)));
    let fired: Vec<(u32, u32)> = at.filter(|_| rng.below(5) == 0).collect();
    let spikes = fired.into_iter().map(|(tick, input)| InputSpike { tick, input, value: 1 }).collect();
    Sample { name: "random".to_owned(), spikes, ticks: TICKS, label: None }
}

fn emulate(compiled: &Compiled, chip: &ChipSpec, sample: &Sample, threads: usize) -> RunResult {
    let stimulus = Stimulus { samples: vec![sample.clone()], inputs: INPUTS };
    let options = RunOptions { timing: threads == 1, threads, strict: false, record: Record::All };
    run(&compiled.image, chip, &stimulus, &options, &Quiet).expect("a compiled image runs")
}

/// Spikes of all populations and membranes of the output.
fn compare(result: &RunResult, expected: &IntRun, place: &str) -> usize {
    let shown = &result.samples[0];
    let spikes = |population: usize, neurons: &[(u32, u32)]| {
        neurons.iter().map(|&(tick, neuron)| (tick, population as u32, neuron)).collect::<Vec<_>>()
    };
    let all = expected.spikes.iter().enumerate();
    let mut wanted: Vec<(u32, u32, u32)> = all.flat_map(|(population, of)| spikes(population, of)).collect();
    wanted.sort_unstable();
    let found: Vec<_> = shown.spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect();
    assert_eq!(found, wanted, "{place}");
    assert_eq!(Some(&shown.output_membranes[0]), expected.membranes.last(), "{place}");
    found.len()
}

#[test]
fn random_trees_do_what_the_straight_line_model_does_in_every_dialect() {
    let (mut spikes, mut joins, mut cores) = (0, 0, 0);
    for seed in 0..160 {
        let mut rng = Rng::new(seed);
        let dialect = Dialect::ALL[seed as usize % 4].0;
        let graph = network(&mut rng, dialect);
        let sample = sample(&mut rng);
        let chip = loihi(dialect, [1024, 8][rng.below(2) as usize]);
        let options = Options {
            partition: [Partition::Auto, Partition::Sequential][rng.below(2) as usize].clone(),
            ..Options::default()
        };
        let place = format!("seed {seed}, {}", dialect.name());
        let network = Network::Int(graph);
        let compiled =
            compile(&network, &chip, &options, &mut Log::default()).unwrap_or_else(|e| panic!("{place}: {e}"));
        let depth = compiled.image.depth;
        let expected = oracle::cuba::run(&compiled.network, &sample, depth, dialect);
        for threads in 1..=3 {
            spikes += compare(&emulate(&compiled, &chip, &sample, threads), &expected, &format!("{place}, {threads}"));
        }
        assert_eq!(read_json(&write_json(&network), "written").expect("what is written is read"), network, "{place}");
        let of = |population: &Population<IntNeuron>| match &population.neuron {
            Some(IntNeuron::Cuba(cuba)) => cuba.joins.len(),
            _ => 0,
        };
        joins += compiled.network.populations.iter().map(of).sum::<usize>();
        cores += compiled.image.cores.len();
    }
    println!("{spikes} spikes equal, {joins} joins of populations, {cores} cores");
    assert!(spikes > 10_000 && joins > 100 && cores > 200, "{spikes} spikes, {joins} joins, {cores} cores");
}

/// A soma with a population that may be its dendrite, as text; `soma` and `more` are put in.
fn text(soma: &str, size: u32, first: &str) -> String {
    let dendrite = format!(
        r#"{{"name": "branch", "shape": [{size}], "neuron": {{"model": "cuba_int", "decay_u": 4095, "decay_v": 0}}}}"#
    );
    let soma = format!(
        r#"{{"name": "soma", "shape": [3], "neuron": {{"model": "cuba_int", "decay_u": 4095, "decay_v": 0, "threshold": 9, {soma}}}}}"#
    );
    let (one, two) = if first == "branch" { (&dendrite, &soma) } else { (&soma, &dendrite) };
    format!(
        r#"{{"version": 1, "name": "t", "populations": [{{"name": "in", "shape": [3]}}, {one}, {two}],
        "projections": [{{"source": "in", "target": "branch", "pattern": {{"type": "dense"}}, "weights": 2}}],
        "outputs": [{{"population": "soma"}}]}}"#
    )
}

fn refusal(text: &str, chip: &ChipSpec) -> Problems {
    let network = match read_json(text, "net.json") {
        Ok(network) => network,
        Err(problems) => return problems,
    };
    compile(&network, chip, &Options::default(), &mut Log::default()).expect_err("it is refused")
}

#[test]
fn what_no_compartment_has_is_refused_with_what_would_be_right() {
    let fixed = loihi(Dialect::Lava, 1024);
    let programmed = chip::load("loihi2", &LoadOptions::default()).expect("the built-in chip loads");
    let join = r#""joins": [{"dendrite": "branch", "op": "and"}]"#;
    let three = format!(r#""joins": [{0}, {0}]"#, r#"{"dendrite": "branch", "op": "max"}"#);
    for (soma, size, first, chip, words) in [
        (
            r#""joins": [{"dendrite": "brunch", "op": "and"}]"#,
            3,
            "branch",
            &fixed,
            &["no population 'brunch'", "'branch'"][..],
        ),
        (
            r#""joins": [{"dendrite": "branch", "op": "xor"}]"#,
            3,
            "branch",
            &fixed,
            &["\"xor\"", "add, max, min, and, or"],
        ),
        (r#""joins": [{"dendrite": "in", "op": "add"}]"#, 3, "branch", &fixed, &["dendrite 'in' has no compartments"]),
        (join, 3, "soma", &fixed, &["does not stand before", "move the dendrite up"]),
        (join, 2, "branch", &fixed, &["2 neurons for 3", "same size"]),
        (&three, 3, "branch", &fixed, &["joined to 'soma' already"]),
        (r#""noise": {"at": "w", "exponent": 3}"#, 3, "branch", &fixed, &["\"w\"", "u, v, threshold"]),
        (r#""noise": {"at": "u", "exponent": 24}"#, 3, "branch", &fixed, &["24 is out of range", "1..=23"]),
        (r#""adaptation": {"step": 131072}"#, 3, "branch", &fixed, &["adaptation.step 131072", "value is 131071"]),
        (
            r#""adaptation": {"step": [1, 2, 3], "decay": 5000}"#,
            3,
            "branch",
            &fixed,
            &["adaptation.decay 5000", "4095"],
        ),
        (r#""adaptation": {"step": [1, 2]}"#, 3, "branch", &fixed, &["2 values of step for 3"]),
        (r#""adaptation": {"step": 4}"#, 3, "branch", &programmed, &["programs on this chip"]),
        (join, 3, "branch", &programmed, &["programs on this chip"]),
    ] {
        let told = refusal(&text(soma, size, first), chip).to_string();
        assert!(words.iter().all(|word| told.contains(word)), "{soma}: {told}");
    }
    let tiny = loihi(Dialect::Lava, 1);
    assert!(refusal(&text(join, 3, "branch"), &tiny).to_string().contains("its tree has 2 compartments, 1 too many"));
}
