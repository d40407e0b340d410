use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

/// Neurons near their thresholds and mostly excitatory weights, all from `seed`.
fn memories(seed: u64, threshold: u64) -> Memories {
    let mut rng = Rng::new(seed);
    let mut memories = Memories::default();
    for at in 0..=255 {
        let neuron = Neuron {
            v: rng.below(64) as i16 - 32,
            threshold: if rng.below(30) == 0 { rng.below(4_096) } else { rng.below(threshold) } as u16,
            leak: rng.below(128) as u8 >> rng.below(7),
            disabled: rng.below(10) == 0,
        };
        memories.set_neuron(at, neuron).expect("in range");
        for post in 0..=255 {
            let weight = if rng.below(3) == 0 { rng.below(16) as i8 - 8 } else { 0 };
            memories.set_weight(at, post, weight).expect("in range");
        }
    }
    memories
}

/// Everything of a finished run.
fn outcome(board: &Board, trace: Trace) -> (Trace, Counts, Vec<u32>, usize, State, usize) {
    let chip = board.chip();
    let words = chip.neuron_words().to_vec();
    (trace, *chip.counts(), words, chip.scheduler_fill(), chip.state(), board.source().sent())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn stretches_done_at_once_change_nothing(
        seed: u64, threshold in 1_u64..400, open_loop: bool, output_processed: bool, last_neuron: u8,
        acknowledge_delay in 0_u64..60, release_delay in 0_u64..60, short: bool,
        gaps in prop::collection::vec((0_u64..400, 0_u16..1024, 0_u8..4), 0..80),
        total in 0_u64..30_000, cut in 0_u64..30_000,
    ) {
        let config = Config { open_loop, output_processed, last_neuron };
        let (mut now, mut events) = (0, Vec::new());
        for (gap, address, kind) in gaps {
            now += if kind == 0 { gap * 8 } else { gap };
            events.push((now, if kind == 3 { 0x1ff } else { address }));
        }
        let shift = if short { 4 } else { 0 };
        let board = Board::new(
            Chip::new(config, memories(seed, threshold)),
            Source::new(events).expect("10-bit addresses"),
            Sink::new(acknowledge_delay >> shift, release_delay >> shift),
        );
        let (mut plain, mut quick) = (board.clone(), board);
        let (mut seen, mut seen_quick) = (Trace::default(), Trace::default());
        plain.run_plain(total, &mut seen);
        // A run may be cut anywhere.
        quick.run(cut.min(total), &mut seen_quick);
        prop_assert_eq!(quick.cycle(), cut.min(total));
        quick.run(total, &mut seen_quick);
        prop_assert!(plain.chip().registers() == quick.chip().registers());
        prop_assert_eq!(outcome(&plain, seen), outcome(&quick, seen_quick));
    }
}

#[test]
fn words_hold_what_was_packed() {
    for (v, threshold, leak, disabled) in [(-2_048, 0, 0, false), (2_047, 4_095, 127, true), (-1, 7, 3, false)] {
        let neuron = Neuron { v, threshold, leak, disabled };
        assert_eq!(Neuron::unpack(neuron.pack().expect("in range")), neuron);
    }
    let wrong = Neuron { v: 2_048, threshold: 4_096, leak: 128, disabled: false };
    assert_eq!(wrong.pack().expect_err("out of range").all().len(), 3);
    assert!(Memories::default().set_weight(1, 2, 8).expect_err("out of range").has("tinyodin/range"));
    assert!(Source::new(vec![(0, 1_024)]).expect_err("out of range").has("tinyodin/range"));
}

#[test]
fn potentials_saturate_leak_to_zero_and_fire_at_the_threshold() {
    use neuron::{Stimulus, update};
    let run = |v, threshold, leak, stimulus| {
        let word = Neuron { v, threshold, leak, disabled: false }.pack().expect("in range");
        let (word, fires) = update(word, stimulus);
        (Neuron::unpack(word).v, fires)
    };
    assert_eq!(run(2_045, 4_095, 0, Stimulus::Weight(7)), (2_047, false));
    assert_eq!(run(-2_045, 0, 0, Stimulus::Weight(8)), (-2_048, false));
    assert_eq!(run(5, 9, 0, Stimulus::Weight(3)), (8, false));
    assert_eq!(run(5, 8, 0, Stimulus::Weight(3)), (0, true));
    assert_eq!(run(5, 10, 9, Stimulus::Leak), (0, false));
    assert_eq!(run(-5, 10, 9, Stimulus::Leak), (0, false));
    assert_eq!(run(-5, 0, 3, Stimulus::Leak), (-2, false));
    assert_eq!(run(5, 0, 3, Stimulus::Leak), (0, true));
}

#[test]
fn idle_time_costs_nothing() {
    let config = Config { open_loop: true, output_processed: false, last_neuron: 255 };
    let source = Source::new(vec![(1 << 40, 3)]).expect("an address of 10 bits");
    let mut board = Board::new(Chip::new(config, memories(1, 2_048)), source, Sink::new(0, 0));
    let mut seen = Trace::default();
    board.run(1 << 50, &mut seen);
    assert_eq!(seen.inputs[0].request_rise, 1 << 40);
    assert_eq!(seen.popped.len(), 1);
    assert_eq!(board.chip().counts().cycles, 1 << 50);
}

/// The neuron against the program that says the same, over random words and events.
#[test]
fn the_neuron_is_its_program() {
    use super::neuron::{Stimulus, enabled, update};
    use crate::isa::{Sent, assemble, builtin_text, execute};
    let program = assemble(builtin_text("tinyodin").expect("a built-in program"), "tinyodin").expect("it assembles");
    let mut rng = Rng::new(3);
    for round in 0..50_000 {
        let word = rng.next_u64() as u32;
        let bits = rng.below(16) as u8;
        let reference = rng.below(3) == 0;
        let stimulus = if reference { Stimulus::Leak } else { Stimulus::Weight(bits) };
        let (after, fires) = update(word, stimulus);
        let parameters = [(word >> 12 & 0xfff) as i32, (word >> 24 & 0x7f) as i32, (word >> 31) as i32];
        let parameters: Vec<&[i32]> = parameters.iter().map(std::slice::from_ref).collect();
        let weight = ((u32::from(bits) << 28) as i32) >> 28;
        let mut state = [((word << 20) as i32) >> 20];
        let sent = execute(&program, &mut state, &parameters, &[reference.into(), weight], 0, |_| 0).sent;
        assert_eq!(state[0] as u32 & 0xfff, after & 0xfff, "round {round}, word {word:#010x}, {stimulus:?}");
        assert_eq!(sent == [Sent::Spike { output: 0, payload: None }], fires && enabled(word), "round {round}");
    }
}
