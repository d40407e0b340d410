//! Fixed neurons against the programs that say the same, and cores that run programs.

use super::reference::{bursts, random};
use super::*;
use crate::chip::{DrawComparison, LinearReset, Overflow};
use crate::emu::neurocore::ranc_finish;
use crate::emu::ranc::RancNeuron;
use crate::image::{NamedValues, ProgramGroup, ProjectionInput};
use crate::isa::{Program, Sent, assemble, builtin_text, execute, listing};
use crate::oracle::crossbar::Generator;
use crate::rng::Rng;

fn built_in(name: &str) -> Program {
    assemble(builtin_text(name).expect("a built-in program"), name).unwrap_or_else(|problems| panic!("{problems}"))
}

/// One update of one neuron: state, whether it spikes.
fn update(
    program: &Program,
    state: &mut [i32],
    given: &[(&str, i64)],
    inputs: &[i32],
    draw: impl FnMut(u32) -> u32,
) -> bool {
    let parameters = parameters_of(program, given);
    let parameters: Vec<&[i32]> = parameters.iter().map(std::slice::from_ref).collect();
    execute(program, state, &parameters, inputs, 0, draw).sent.iter().any(|sent| matches!(sent, Sent::Spike { .. }))
}

/// Every parameter in the order of the program, in range.
fn parameters_of(program: &Program, given: &[(&str, i64)]) -> Vec<i32> {
    let parameter = |parameter: &crate::isa::Parameter| {
        let given = given.iter().find(|(name, _)| *name == parameter.name).map(|(_, value)| *value as i32);
        let value = given.or(parameter.default).expect("given or a default");
        let (low, high) = parameter.width.range();
        assert!((low..=high).contains(&value), "{} is {value}", parameter.name);
        value
    };
    assert!(given.iter().all(|(name, _)| program.parameter(name).is_some()));
    program.parameters.iter().map(parameter).collect()
}

/// A TrueNorth neuron as the program has it.
pub(super) struct TrueNorth<'a> {
    program: Program,
    registers: &'a CrossbarParameters,
    options: CrossbarOptions,
    parameters: Vec<i32>,
}

impl<'a> TrueNorth<'a> {
    pub(super) fn new(p: &'a CrossbarParameters, options: CrossbarOptions) -> Self {
        let program = built_in("truenorth");
        let mask = (1_i64 << p.threshold_mask_bits.min(options.threshold_draw_bits)) - 1;
        let overflow = match options.overflow {
            Overflow::Saturate => 0,
            Overflow::Wrap => 1,
            Overflow::Nemo => 2,
        };
        let given = [
            ("leak", i64::from(p.leak)),
            ("threshold", i64::from(p.threshold)),
            ("negative", i64::from(p.negative_threshold)),
            ("reset", i64::from(p.reset_value)),
            ("reset_mode", i64::from(p.spike_reset)),
            ("saturate", i64::from(p.negative_saturate)),
            ("leak_reversal", i64::from(p.leak_reversal)),
            ("stochastic_leak", i64::from(p.stochastic_leak)),
            ("mask", mask),
            ("comparison", options.comparison as i64),
            ("plain_linear", i64::from(options.linear_reset == LinearReset::Plain)),
            ("overflow", overflow),
            ("draw_bytes", i64::from(options.threshold_draw_bits.div_ceil(8))),
        ];
        Self { parameters: parameters_of(&program, &given), program, registers: p, options }
    }

    /// A tick from V and the generator's state: V, whether it fires, the generator after its draws.
    pub(super) fn tick(&self, v: i64, mut generator: Generator, types: &[usize]) -> (i64, bool, Generator) {
        let p = self.registers;
        let mut sum = 0;
        for &kind in types {
            let weight = i64::from(p.weights[kind]);
            let drawn = p.stochastic_weights[kind];
            sum += if drawn { perhaps(weight, self.options.comparison, &mut generator) } else { weight };
        }
        let parameters: Vec<&[i32]> = self.parameters.iter().map(std::slice::from_ref).collect();
        let mut state = [v as i32];
        let draw = |_| (generator.draw() as u32) << 24;
        let update = execute(&self.program, &mut state, &parameters, &[sum as i32], 0, draw);
        (state[0].into(), !update.sent.is_empty(), generator)
    }
}

/// What a stochastic synapse adds.
fn perhaps(weight: i64, comparison: DrawComparison, generator: &mut Generator) -> i64 {
    let mut draw = generator.draw();
    while comparison == DrawComparison::AtLeastNonzero && draw == 0 {
        draw = generator.draw();
    }
    let acts = if comparison == DrawComparison::Above { weight.abs() > draw } else { weight.abs() >= draw };
    if acts { weight.signum() } else { 0 }
}

#[test]
fn the_ranc_neuron_is_its_program() {
    let program = built_in("ranc");
    let mut rng = Rng::new(5);
    for round in 0..20_000 {
        let bits = 2 + rng.below(31) as u32;
        let any = |rng: &mut Rng, width: u64| {
            let width = 1 + rng.below(width);
            crate::fixed::wrap(rng.next_u64() as i64, width as u32)
        };
        let width = u64::from(bits);
        let neuron = RancNeuron {
            connections: crate::bits::BitRow::zeros(1),
            potential: 0,
            reset_potential: any(&mut rng, width),
            weights: Vec::new(),
            leak: any(&mut rng, width),
            positive_threshold: any(&mut rng, width),
            negative_threshold: any(&mut rng, width),
            reset_mode: rng.below(4) as u32,
            dx: 0,
            dy: 0,
            axon: 0,
            delay: 0,
        };
        let (v, sum) = (any(&mut rng, width), any(&mut rng, 32));
        let expected = ranc_finish(&neuron, v + sum, bits);
        let given = [
            ("bits", i64::from(bits)),
            ("leak", neuron.leak),
            ("positive", neuron.positive_threshold),
            ("negative", neuron.negative_threshold),
            ("reset", neuron.reset_potential),
            ("reset_mode", i64::from(neuron.reset_mode)),
        ];
        let mut state = [v as i32];
        let fires = update(&program, &mut state, &given, &[sum as i32], |_| 0);
        assert_eq!((i64::from(state[0]), fires), expected, "round {round}: {bits} bits, {neuron:?}, V {v} + {sum}");
    }
}

/// The same chip with programmable neurons.
fn programmable(dialect: Dialect, programs: bool) -> ChipSpec {
    let mut chip = cuba_chip(barrier());
    let Family::Cuba(spec) = &mut chip.family else { panic!("cuba") };
    spec.dialect = dialect;
    spec.programs = programs.then_some(ProgramSpec {
        memory_bytes: 1 << 18,
        axon_bytes: 4,
        instructions: 1024,
        state_bytes: 4096,
        payload_bits: 32,
        flit_bits: 16,
        cycle: Picos(90),
        step_floor: Picos(200_000),
    });
    chip
}

#[test]
fn loihi_kernels_are_the_program_cuba_in_every_dialect() {
    for (dialect, name) in [Dialect::Lava, Dialect::ChipBestGuess].map(|dialect| (dialect, dialect.name())) {
        for seed in 0..25 {
            let mut rng = Rng::new(seed);
            let image = random(&mut rng, false);
            let stimulus = bursts(&mut rng);
            let fixed = play(&image, &programmable(dialect, false), &stimulus, false);
            let programmed = play(&image, &programmable(dialect, true), &stimulus, false);
            assert!(!fixed.samples.is_empty());
            for (fixed, programmed) in fixed.samples.iter().zip(&programmed.samples) {
                assert_eq!(fixed.spikes, programmed.spikes, "dialect {name} seed {seed}");
                assert_eq!(fixed.output_membranes, programmed.output_membranes, "dialect {name} seed {seed}");
            }
        }
    }
}

fn group(program: &str, count: u32) -> ProgramGroup {
    let program = assemble(program, "test.nmc").unwrap_or_else(|problems| panic!("{problems}"));
    ProgramGroup {
        name: "test".to_owned(),
        program: listing(&program),
        first: 0,
        count,
        population: 0,
        neuron: 0,
        parameters: Vec::new(),
        initial: Vec::new(),
        inputs: Vec::new(),
    }
}

/// Two neurons on one core: the first sends what it receives, the second keeps it.
fn relayed(first: ProgramGroup) -> Image {
    let dense = SynapseFormat {
        kind: ListKind::Sparse,
        weight_bits: 8,
        signed: true,
        weight_exponent: 0,
        index_bits: 6,
        delay_bits: 6,
        tag_bits: 0,
        fixed: 0,
        learns: false,
    };
    let out = (0, AxonOut { core: 0, axon: 1, output: 0 });
    let axons = [(0, vec![synapse(0, 2, 0)]), (0, vec![synapse(1, -6, 0)])];
    let configs = vec![CompartmentConfig::PROGRAM; 2];
    let mut core = list_core(0, configs, vec![dense], &axons, &[out]);
    let CoreBody::Cuba(body) = &mut core.body else { panic!("cuba") };
    let keep = ProgramGroup { first: 1, neuron: 1, ..group("state v: s32\ninput a\nin r0, a\nst v, r0", 1) };
    body.programs = vec![first, keep];
    body.lists[1].projection = 1;
    image(vec![core], &[vec![to(0, 0, 1)]], vec![(0, 0), (0, 1)], 2)
}

#[test]
fn payloads_are_multiplied_with_weights() {
    let relay = group("state v: s32\ninput a\noutput o\nin r0, a\neq r0, 0\njc end\nspikev o, r0\nend:", 1);
    let image = relayed(relay);
    for timing in [false, true] {
        let stimulus = stimulus(1, 1, &[(0, 0, 1_000)]);
        let result = play(&image, &programmable(Dialect::Lava, true), &stimulus, timing);
        assert_eq!(result.samples[0].output_membranes[0], [0, 1_000 * 2 * -6], "timing {timing}");
        if timing {
            let times: Vec<u64> = result.samples[0].tick_times.iter().map(|time| time.duration.0).collect();
            assert!(times.iter().all(|&time| time >= 200_000), "the shortest step is 200 ns: {times:?}");
        }
    }
}

#[test]
fn a_projection_goes_to_the_input_that_it_names() {
    let two = "state v: s32\ninput a\ninput b\nin r0, a\nin r1, b\nshl r1, r1, 8\nadd r0, r0, r1\nst v, r0";
    for (inputs, expected) in [(Vec::new(), 14), (vec![ProjectionInput { projection: 0, input: 1 }], 14 << 8)] {
        let image = relayed(ProgramGroup { inputs, ..group(two, 1) });
        let stimulus = stimulus(1, 1, &[(0, 0, 7)]);
        let chip = programmable(Dialect::Lava, true);
        let program = crate::emu::Program::new(&image, &chip).expect("it holds");
        let mut running = crate::emu::Chip::new(&program, false, &Record::None);
        running.tick(&stimulus.samples[0].spikes);
        running.tick(&[]);
        assert_eq!(running.probe(Place { core: 0, neuron: 0 }).expect("there").v, expected);
    }
}

#[test]
fn programs_that_do_not_hold_are_refused_before_they_run() {
    let chip = programmable(Dialect::Lava, true);
    let good = group("state v: s8\nparam p: u4\ninput a\nin r0, a\nldp r1, p\nst v, r0", 1);
    let value = |name: &str, value| NamedValues { name: name.to_owned(), values: vec![value] };
    let good = ProgramGroup { parameters: vec![value("p", 3)], ..good };
    let holds = |group: ProgramGroup| crate::image::contents(&relayed(group), &chip, "test").is_ok();
    assert!(holds(good.clone()));
    for bad in [
        ProgramGroup { program: "word 0x0".to_owned(), ..good.clone() },
        ProgramGroup { count: 3, ..good.clone() },
        ProgramGroup { parameters: vec![value("p", 16)], ..good.clone() },
        ProgramGroup { parameters: Vec::new(), ..good.clone() },
        ProgramGroup { initial: vec![value("v", 128)], ..good.clone() },
        ProgramGroup { initial: vec![value("w", 1)], ..good.clone() },
        ProgramGroup { inputs: vec![ProjectionInput { projection: 0, input: 1 }], ..good.clone() },
        ProgramGroup { first: 1, ..good },
    ] {
        assert!(!holds(bad.clone()), "{bad:?}");
    }
    assert!(
        crate::image::contents(&relayed(group("mov r0, r0", 1)), &programmable(Dialect::Lava, false), "test").is_err()
    );
}
