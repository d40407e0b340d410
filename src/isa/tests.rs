//! The table, the encoding, the assembler and both executors.

use proptest::prelude::*;

use super::*;

fn program(text: &str) -> Program {
    assemble(text, "test.nmc").unwrap_or_else(|problems| panic!("{problems}\n{text}"))
}

#[test]
fn opcodes_ascend_so_that_none_overlap() {
    assert!(Op::TABLE.windows(2).all(|pair| pair[0].opcode < pair[1].opcode));
    for info in Op::TABLE {
        assert_eq!(info.op.info(), info);
        assert_eq!(Op::from_mnemonic(info.mnemonic), Some(info.op));
        assert!(info.cycles > 0);
        assert_eq!(exec::compare(info.op, 0, 0, 0).is_some(), info.op.flag() == FlagUse::Sets, "{}", info.mnemonic);
    }
}

/// Every instruction at the edges of its fields, and one beyond.
#[test]
fn every_field_has_its_edges() {
    for info in Op::TABLE {
        let (rd, ra, rb) = info.form.registers();
        let register = |present: bool| if present { 15 } else { 0 };
        let (low, high) = info.form.immediate().unwrap_or((0, 0));
        for imm in [low, high] {
            let instruction = Instruction { op: info.op, rd: register(rd), ra: register(ra), rb: register(rb), imm };
            assert_eq!(decode(encode(&instruction)), Ok(instruction));
        }
        let word = encode(&Instruction { op: info.op, rd: 0, ra: 0, rb: 0, imm: low });
        for (present, field) in [(rd, 0x00f0_0000), (ra, 0x000f_0000)] {
            assert_eq!(decode(word | field).is_ok(), present, "{}", info.mnemonic);
        }
    }
    assert_eq!(decode(0), Err(DecodeError::Opcode(0)));
    assert_eq!(decode(0x2000_0020), Err(DecodeError::Immediate(Op::Shli, 32)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_word_is_one_instruction_or_a_typed_error(word: u32) {
        if let Ok(instruction) = decode(word) {
            prop_assert_eq!(encode(&instruction), word);
        }
    }

    #[test]
    fn no_text_panics(text in "[ a-z0-9:,=()\\[\\]+*<>&|;.\n-]{0,200}") {
        let _ = assemble(&text, "fuzz.nmc");
    }
}

const FRAME: &str = "state a: s24 = 5\nstate b: s9 = -3\nstate c: u12\nparam p: s16\nparam t[4]: s32\nparam q: u12 = 7\n\
                     input x\ninput y\noutput o\noutput k\n";

/// A random program over [`FRAME`] from raw numbers: forward jumps within it, all instructions.
fn random(raw: &[(u8, u32)]) -> Program {
    let mut code = Vec::new();
    for (at, &(op, bits)) in raw.iter().enumerate() {
        let op = Op::TABLE[usize::from(op) % Op::TABLE.len()].op;
        let form = op.info().form;
        let (rd, ra, rb) = form.registers();
        let register = |present: bool, shift: u32| if present { (bits >> shift) as u8 & 15 } else { 0 };
        let (low, high) = match form {
            Form::DState | Form::StateA | Form::DStateA => (0, 2),
            Form::DParameter => (0, 0),
            Form::DTableA => (1, 1),
            Form::DInput | Form::Output | Form::OutputA => (0, 1),
            Form::Jump => (1, (raw.len() - at - 1) as i32),
            form => form.immediate().unwrap_or((0, 0)),
        };
        if high < low {
            continue;
        }
        let imm = low + ((bits >> 12) as i32).rem_euclid(high - low + 1);
        code.push(Instruction { op, rd: register(rd, 0), ra: register(ra, 4), rb: register(rb, 8), imm });
    }
    let length = code.len();
    for (at, instruction) in code.iter_mut().enumerate() {
        if instruction.op.info().form == Form::Jump {
            instruction.imm = instruction.imm.min((length - at - 1) as i32);
        }
    }
    code.retain(|instruction| instruction.op.info().form != Form::Jump || instruction.imm > 0);
    Program { code, ..program(&format!("{FRAME}mov r0, r0")) }
}

/// Both executors over several ticks: state, spikes and cycles of every neuron.
fn executors_agree(program: &Program, neurons: usize, seed: u64) {
    if !program.check(|at| at.to_string()).is_empty() {
        return;
    }
    let mut rng = crate::rng::Rng::new(seed);
    let per_neuron: Vec<i32> = (0..neurons).map(|_| rng.next_u64() as i16 as i32).collect();
    let table = vec![i32::MIN, -1, 3, i32::MAX];
    let bound =
        [("p".to_owned(), Binding::PerNeuron(per_neuron.clone())), ("t".to_owned(), Binding::Table(table.clone()))];
    let draws = Draws { seed, core: 3, first: 0 };
    let mut lanes = Lanes::new(program.clone(), neurons, &bound, draws).expect("fits");
    let mut uncounted = lanes.clone().uncounted();
    let mut states: Vec<Vec<i32>> =
        (0..neurons).map(|_| program.states.iter().map(|state| state.initial).collect()).collect();
    for tick in 0..4 {
        let mut inputs = || (0..neurons).map(|_| (rng.next_u64() >> rng.below(40)) as i32).collect::<Vec<i32>>();
        let (x, y) = (inputs(), inputs());
        let mut got = Vec::new();
        let cycles = lanes.step(&[&x, &y], tick, &mut |neuron, sent| got.push((neuron, sent)));
        let (mut expected, mut expected_cycles) = (Vec::new(), 0);
        for neuron in 0..neurons {
            let parameters: [&[i32]; 3] = [&per_neuron[neuron..=neuron], &table, &[7]];
            let draw = |number| draws.get(neuron as u32, tick, number);
            let update = execute(program, &mut states[neuron], &parameters, &[x[neuron], y[neuron]], tick, draw);
            expected_cycles += u64::from(update.cycles);
            expected.extend(update.sent.into_iter().map(|sent| (neuron as u32, sent)));
            for (slot, value) in states[neuron].iter().enumerate() {
                assert_eq!(lanes.state(slot)[neuron], *value, "tick {tick} neuron {neuron} state {slot}");
            }
        }
        assert_eq!(got, expected, "tick {tick}");
        assert_eq!(cycles, expected_cycles, "tick {tick}");
        let mut again = Vec::new();
        uncounted.step(&[&x, &y], tick, &mut |neuron, sent| again.push((neuron, sent)));
        assert_eq!(again, expected, "tick {tick} without cycles");
        assert!((0..program.states.len()).all(|slot| uncounted.state(slot) == lanes.state(slot)), "tick {tick}");
    }
}

/// Every built-in program with parameters that all neurons share: those decide branches before the first tick.
#[test]
fn built_in_programs_with_shared_parameters_equal_the_reference() {
    let mut rng = crate::rng::Rng::new(4);
    for (name, text) in super::BUILTIN {
        for _ in 0..12 {
            let program = program(text);
            let mut bound = Vec::new();
            let mut values: Vec<Vec<i32>> = Vec::new();
            for parameter in &program.parameters {
                let (low, high) = parameter.width.range();
                let count = parameter.entries.map_or(1, usize::from);
                let span = (i64::from(high) - i64::from(low) + 1) as u64;
                let own: Vec<i32> = (0..count).map(|_| (i64::from(low) + rng.below(span) as i64) as i32).collect();
                let table = parameter.entries.is_some();
                let binding = if table { Binding::Table(own.clone()) } else { Binding::Shared(own[0]) };
                bound.push((parameter.name.clone(), binding));
                values.push(own);
            }
            let draws = Draws { seed: rng.next_u64(), core: 1, first: 0 };
            let mut lanes = Lanes::new(program.clone(), 200, &bound, draws).expect("fits");
            let begin: Vec<i32> = program.states.iter().map(|state| state.initial).collect();
            let mut states = vec![begin; 200];
            let parameters: Vec<&[i32]> = values.iter().map(Vec::as_slice).collect();
            for tick in 0..5 {
                let mut input =
                    || (0..200).map(|_| (rng.next_u64() >> (32 + rng.below(30))) as i32).collect::<Vec<i32>>();
                let inputs: Vec<Vec<i32>> = program.inputs.iter().map(|_| input()).collect();
                let slices: Vec<&[i32]> = inputs.iter().map(Vec::as_slice).collect();
                let (mut got, mut expected, mut cycles) = (Vec::new(), Vec::new(), 0);
                let counted = lanes.step(&slices, tick, &mut |neuron, sent| got.push((neuron, sent)));
                for (neuron, state) in states.iter_mut().enumerate() {
                    let own: Vec<i32> = inputs.iter().map(|input| input[neuron]).collect();
                    let draw = |number| draws.get(neuron as u32, tick, number);
                    let update = execute(&program, state, &parameters, &own, tick, draw);
                    cycles += u64::from(update.cycles);
                    expected.extend(update.sent.into_iter().map(|sent| (neuron as u32, sent)));
                    assert!(
                        state.iter().enumerate().all(|(slot, value)| lanes.state(slot)[neuron] == *value),
                        "{name}"
                    );
                }
                assert_eq!((got, counted), (expected, cycles), "{name}, tick {tick}");
            }
        }
    }
}

/// What the lanes leave out or take another way: products with one, moves of states, flags of the start, whole blocks
/// that jump or send.
#[test]
fn lanes_equal_the_reference_where_they_take_another_way() {
    let codes = [
        "ld r0, a\nli r1, 16\nmulshz r0, r0, r1, 4\nin r2, x\nmulshr r2, r1, r2, 4\nadd r0, r0, r2\nst a, r0\nspikev o, r2",
        "li r1, 1\nld r3, a\nst b, r3\nmulshr r3, r3, r1, 0\nst a, r3\nrmw r4, a, r3\nspikev o, r4\nspikev k, r3",
        "in r0, x\nflag r1\njc +2\nadd r1, r1, 1\nspikev o, r1\ngt r0, 0\njn +2\nspike o\nmulshz r1, r0, r0, 63\nst c, r1",
        "in r0, x\ngt r0, 40\njc past\ngt r0, -9\njc some\nspike o\njmp end\nsome: spikev k, r0\nrnd r4, 9\nst a, r4\npast: add r0, r0, 1\n\
         end: st b, r0\nprobe 3, r0",
        "spike o\ntick r0\nspikev k, r0\nand r1, r0, r1\neq r1, 0\njc end\nmov r2, r2\nend: st a, r0",
    ];
    for (number, code) in (0..).zip(codes) {
        let program = program(&format!("{FRAME}{code}"));
        for neurons in [1, 31, 32, 33, 256, 700] {
            executors_agree(&program, neurons, number);
        }
    }
}

/// Every built-in program through stretches without input, in which blocks come to rest and are woken by a neuron.
#[test]
fn blocks_at_rest_equal_the_reference() {
    const NEURONS: usize = 600;
    let mut rng = crate::rng::Rng::new(5);
    for (name, text) in super::BUILTIN {
        let program = program(text);
        let bound: Vec<(String, Binding)> = program
            .parameters
            .iter()
            .filter(|parameter| parameter.default.is_none())
            .map(|parameter| {
                let value = if parameter.width.bits > 2 { 3 } else { 0 };
                let table = |entries| Binding::Table(vec![value; usize::from(entries)]);
                (parameter.name.clone(), parameter.entries.map_or(Binding::Shared(value), table))
            })
            .collect();
        let draws = Draws { seed: 1, core: 1, first: 0 };
        let bindings = bind(&program, NEURONS, &bound).expect("in range");
        let parameters: Vec<&[i32]> = bindings
            .iter()
            .map(|binding| match binding {
                Binding::Shared(value) => std::slice::from_ref(value),
                Binding::PerNeuron(values) | Binding::Table(values) => &values[..],
            })
            .collect();
        let mut lanes = Lanes::new(program.clone(), NEURONS, &bound, draws).expect("fits");
        let mut states: Vec<Vec<i32>> = vec![program.states.iter().map(|state| state.initial).collect(); NEURONS];
        for tick in 0..120 {
            let busy = matches!(tick, 3 | 40 | 41 | 63 | 64 | 100);
            let mut inputs = vec![vec![0; NEURONS]; program.inputs.len()];
            for input in inputs.iter_mut().filter(|_| busy) {
                (0..3).for_each(|_| input[rng.below(NEURONS as u64) as usize] = rng.below(5_000) as i32 - 1_000);
            }
            if tick == 80 && !program.states.is_empty() {
                lanes.state_mut(0)[300] = 1;
                states[300][0] = 1;
            }
            let slices: Vec<&[i32]> = inputs.iter().map(Vec::as_slice).collect();
            let (mut got, mut expected, mut cycles) = (Vec::new(), Vec::new(), 0);
            let counted = lanes.step(&slices, tick, &mut |neuron, sent| got.push((neuron, sent)));
            for (neuron, state) in states.iter_mut().enumerate() {
                let own: Vec<i32> = inputs.iter().map(|input| input[neuron]).collect();
                let draw = |number| draws.get(neuron as u32, tick, number);
                let update = execute(&program, state, &parameters, &own, tick, draw);
                cycles += u64::from(update.cycles);
                assert_eq!(lanes.cycles()[neuron], update.cycles, "{name}, tick {tick}");
                expected.extend(update.sent.into_iter().map(|sent| (neuron as u32, sent)));
                let mut slots = state.iter().enumerate();
                assert!(slots.all(|(slot, value)| lanes.state(slot)[neuron] == *value), "{name}, tick {tick}");
            }
            assert_eq!((got, counted), (expected, cycles), "{name}, tick {tick}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn lanes_equal_the_reference_on_random_programs(
        raw in prop::collection::vec((any::<u8>(), any::<u32>()), 1..60),
        neurons in prop::sample::select(vec![1_usize, 255, 256, 257, 600]),
        seed: u64,
    ) {
        executors_agree(&random(&raw), neurons, seed);
    }

    #[test]
    fn text_and_words_say_the_same(raw in prop::collection::vec((any::<u8>(), any::<u32>()), 1..60)) {
        let program = random(&raw);
        if program.check(|at| at.to_string()).is_empty() {
            let text = disassemble(&program);
            let again = assemble(&text, "round.nmc").unwrap_or_else(|problems| panic!("{problems}\n{text}"));
            prop_assert_eq!(&again, &program);
            prop_assert_eq!(disassemble(&again), text);
            prop_assert_eq!(&assemble(&listing(&program), "words.nmc"), &Ok(again));
        }
    }
}

/// (source, code, place, part of the message)
#[test]
fn errors_have_places_and_limits() {
    let long = "mov r0, r0\n".repeat(1_025);
    let state = (0..1_025).map(|number| format!("state s{number}_: s32\n")).collect::<String>();
    let cases: &[(&str, &str, &str, &str)] = &[
        ("  mulsr r0, r1, r2, 3", "isa/mnemonic", "t.nmc:1:3", "did you mean 'mulshr'"),
        ("addi r0, r1, 2048", "isa/syntax", "t.nmc:1:14", "-2048..=2047"),
        ("sat r0, r1, 33", "isa/syntax", "t.nmc:1:13", "1..=32"),
        ("mov r0, r16", "isa/syntax", "t.nmc:1:9", "r0 to r15"),
        ("a:\nmov r0, r0\njmp a\nmov r0, r0", "isa/jump", "t.nmc:3:5", "never go back"),
        ("jmp enb\nmov r0, r0\nend:", "isa/label", "t.nmc:1:5", "did you mean 'end'"),
        ("jmp +2\nmov r0, r0", "isa/operand", "t.nmc:1:1", "ends at 2"),
        ("a: mov r0, r0\na: mov r0, r0", "isa/duplicate", "t.nmc:2:1", "line 1"),
        ("state v: s33\nld r0, v", "isa/syntax", "t.nmc:1:10", "s1..s32"),
        ("state v: s8 = 128\nld r0, v", "isa/syntax", "t.nmc:1:15", "-128..=127"),
        ("state volt: s24\nld r0, vol", "isa/syntax", "t.nmc:2:8", "did you mean 'volt'"),
        ("param t[4]: s8\nldp r0, t", "isa/operand", "t.nmc:2:1", "tables"),
        ("param t[0]: s8\nmov r0, r0", "isa/syntax", "t.nmc:1:9", "1..=1024"),
        ("mov r0, r1 r2", "isa/syntax", "t.nmc:1:12", "end of the line"),
        ("li r0, 1 << 40", "isa/syntax", "t.nmc:1:10", "leaves 32 bits"),
        ("mov r0, r0\nstate v: s8", "isa/syntax", "t.nmc:2:1", "behind the first instruction"),
        ("word 0x2000_0020", "isa/syntax", "t.nmc:1:6", "0..=31"),
        ("chip a\nchip b\nmov r0, r0", "isa/syntax", "t.nmc:2:6", "first in line 1"),
        ("word -1", "isa/syntax", "t.nmc:1:6", "32 bits"),
        ("mov r0, @", "isa/token", "t.nmc:1:9", "no token"),
        ("", "isa/empty", "t.nmc", "no instruction"),
        (&long, "isa/size", "t.nmc:1:1", "1025 instructions"),
        (&format!("{state}mov r0, r0"), "isa/size", "t.nmc:1026:1", "4100 bytes"),
    ];
    for (source, code, place, message) in cases {
        let problems = assemble(source, "t.nmc").expect_err(source);
        let problem = &problems.all()[0];
        assert_eq!((problem.code, problem.place.as_str()), (*code, *place), "{problem}");
        assert!(problem.to_string().contains(message), "{problem}\nlacks {message}");
    }
}

#[test]
fn all_errors_come_at_once() {
    let problems = assemble("movv r0, r1\nsat r0, r1, 0\njmp far", "t.nmc").expect_err("three");
    assert_eq!(problems.all().len(), 3, "{problems}");
}

#[test]
fn parameters_are_bound_by_name_within_their_width() {
    let text = "param decay: u12\nparam t[2]: s8\nldp r0, decay\nldx r1, t, r0";
    let draws = Draws { seed: 0, core: 0, first: 0 };
    let table = ("t".to_owned(), Binding::Table(vec![1, 2]));
    for (name, binding, message) in [
        ("decay", Binding::Shared(4_096), "nearest legal one is 4095"),
        ("decay", Binding::PerNeuron(vec![1]), "one for each of 2"),
        ("decay", Binding::Table(vec![1]), "another kind"),
        ("decy", Binding::Shared(1), "did you mean 'decay'"),
    ] {
        let bound = [(name.to_owned(), binding), table.clone()];
        let problems = Lanes::new(program(text), 2, &bound, draws).expect_err(message);
        assert!(problems.to_string().contains(message), "{problems}");
    }
    assert!(Lanes::new(program(text), 2, &[("decay".to_owned(), Binding::Shared(4_095)), table], draws).is_ok());
}
