//! The synthetic networks have the structure and the rates that they promise.

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::emu::{self, Program, Quiet, Record, RunOptions};
use spikeloom::event::Event;
use spikeloom::image::{self, CoreBody, Image};
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};
use spikeloom::synthetic::{Drive, Recurrent, recurrent};

fn truenorth() -> ChipSpec {
    chip::load("truenorth", &LoadOptions::default()).expect("built in")
}

fn run(image: &Image, chip: &ChipSpec, ticks: u32) -> emu::counters::RunResult {
    let stimulus = Stimulus { samples: vec![Sample { ticks, ..Sample::default() }], inputs: 0 };
    let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::None };
    emu::run(image, chip, &stimulus, &options, &Quiet).expect("it runs")
}

#[test]
fn every_axon_has_its_synapses_and_one_source() {
    let chip = truenorth();
    for synapses in [0, 1, 17, 128, 255, 256] {
        let image = recurrent(&chip, &Recurrent { synapses, cores: Some(6), ..Recurrent::default() }).expect("fits");
        image::contents(&image, &chip, "synthetic").expect("it holds on the chip");
        let mut sources = std::collections::BTreeSet::new();
        for core in &image.cores {
            let CoreBody::Crossbar(body) = &core.body else { panic!("a crossbar") };
            for row in body.rows.chunks(4) {
                assert_eq!(row.iter().map(|word| word.count_ones()).sum::<u32>(), u32::from(synapses));
            }
            for to in body.destinations.iter().flatten() {
                assert!(sources.insert((to.core, to.axon)), "two sources for {to:?}");
            }
        }
        assert_eq!(sources.len(), 6 * 256);
    }
}

#[test]
fn mean_rates_and_synaptic_events_are_as_asked() {
    let chip = truenorth();
    let (cores, ticks, before) = (12, 1_600, 100);
    for drive in [Drive::Deterministic, Drive::Stochastic] {
        for (rate, synapses) in [(2.0, 128), (11.58, 128), (20.0, 128), (95.93, 64), (200.0, 256), (216.0, 256)] {
            let network = Recurrent { rate, synapses, drive, cores: Some(cores), ..Recurrent::default() };
            let image = recurrent(&chip, &network).expect("it fits");
            let (early, all) = (run(&image, &chip, before), run(&image, &chip, ticks));
            let spikes = all.samples[0].spike_total - early.samples[0].spike_total;
            let got = spikes as f64 * 1000.0 / f64::from(cores * 256 * (ticks - before));
            assert!((got / rate - 1.0).abs() < 0.02, "{drive:?}: {got} Hz instead of {rate}");
            let counts = &all.samples[0].counts;
            assert_eq!(all.samples[0].faults.merged_spikes, 0);
            let each = counts.get(Event::SynapseCrossbar) as f64 / counts.get(Event::AxonIn) as f64;
            assert!((each / f64::from(synapses) - 1.0).abs() < 0.02, "{each} events a spike");
        }
    }
}

#[test]
fn what_does_not_fit_is_said() {
    let chip = truenorth();
    let code = |network: Recurrent| recurrent(&chip, &network).expect_err("it does not fit").all()[0].code;
    assert_eq!(code(Recurrent { rate: 1001.0, ..Recurrent::default() }), "synthetic/rate");
    assert_eq!(code(Recurrent { rate: -1.0, ..Recurrent::default() }), "synthetic/rate");
    assert_eq!(code(Recurrent { rate: f64::NAN, ..Recurrent::default() }), "synthetic/rate");
    assert_eq!(code(Recurrent { synapses: 257, ..Recurrent::default() }), "synthetic/synapses");
    assert_eq!(code(Recurrent { cores: Some(4097), ..Recurrent::default() }), "synthetic/cores");
    let loihi = chip::load("loihi", &LoadOptions::default()).expect("built in");
    assert_eq!(recurrent(&loihi, &Recurrent::default()).expect_err("no crossbar").all()[0].code, "synthetic/chip");
}

#[test]
fn threads_and_vector_units_change_no_digest() {
    let chip = truenorth();
    let stimulus = |ticks, inputs| Stimulus {
        samples: vec![Sample {
            ticks,
            spikes: (0..ticks).map(|tick| InputSpike { tick, input: tick * 7 % inputs, value: 1 }).collect(),
            ..Sample::default()
        }],
        inputs,
    };
    for drive in [Drive::Deterministic, Drive::Stochastic] {
        let network = Recurrent { rate: 80.0, drive, cores: Some(37), inputs: 500, ..Recurrent::default() };
        let image = recurrent(&chip, &network).expect("it fits");
        let with = Program::new(&image, &chip).expect("it holds");
        let without = Program::new(&image, &chip).expect("it holds").scalar();
        for timing in [false, true] {
            let digest = |program: &Program, threads| {
                let options = RunOptions { timing, threads, strict: false, record: Record::All };
                let result = emu::run_program(program, &stimulus(150, 500), &options, &Quiet).expect("it runs");
                assert!(result.samples[0].spike_total > 100_000 && !result.samples[0].spikes.is_empty());
                result.digest()
            };
            let alone = digest(&with, 1);
            for threads in [1, 2, 3, 8] {
                assert_eq!(digest(&with, threads), alone, "{drive:?}, {threads} threads");
                assert_eq!(digest(&without, threads), alone, "{drive:?}, {threads} threads, no vector units");
            }
        }
    }
}

#[test]
fn ticks_that_are_left_out_count_as_if_stepped() {
    let chip = truenorth();
    let network = Recurrent { rate: 0.0, cores: Some(9), inputs: 3, ..Recurrent::default() };
    let image = recurrent(&chip, &network).expect("it fits");
    let program = Program::new(&image, &chip).expect("it holds");
    let spike = |tick, input, value| InputSpike { tick, input, value };
    let shown = [spike(0, 0, 1), spike(1, 2, 1), spike(700, 1, 2), spike(701, 1, 1), spike(1999, 2, 1)];
    // A spike of value 0 is none, but its tick is stepped.
    let mut all: Vec<InputSpike> = (0..2_000).map(|tick| spike(tick, 0, 0)).chain(shown).collect();
    all.sort_by_key(|spike| spike.tick);
    let play = |spikes: &[InputSpike], timing, threads| {
        let samples = vec![Sample { ticks: 2_000, spikes: spikes.to_vec(), ..Sample::default() }];
        let options = RunOptions { timing, threads, strict: false, record: Record::All };
        emu::run_program(&program, &Stimulus { samples, inputs: 3 }, &options, &Quiet).expect("it runs")
    };
    for timing in [false, true] {
        let stepped = play(&all, timing, 1);
        for threads in [1, 2, 8] {
            assert_eq!(play(&shown, timing, threads), stepped, "timing {timing}, {threads} threads");
        }
        assert!(stepped.samples[0].faults.merged_spikes == 1 && stepped.samples[0].ticks == 2_000);
    }
}
