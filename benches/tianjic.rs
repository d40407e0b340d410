//! Tianjic with all 156 cores multiplying in every round: `cargo bench --bench tianjic` prints nanoseconds a
//! multiply-accumulate and the ratio to the chip's real time, for inputs that are all there and for sparse ones.

use std::path::Path;
use std::time::Instant;

use spikeloom::chip::{self, LoadOptions, SyncSpec};
use spikeloom::compile::{self, Log};
use spikeloom::emu::{self, Program, Quiet, Record, RunOptions};
use spikeloom::event::Event;
use spikeloom::graph::{ReadOptions, read};
use spikeloom::rng::Rng;
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

const ROUNDS: u32 = 200;

fn main() {
    let chip = chip::load("tianjic", &LoadOptions::default()).expect("built in");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/tianjic/dense_ann.json");
    let network = read(&path, &ReadOptions::default()).expect("ships").network;
    let made = compile::compile(&network, &chip, &Default::default(), &mut Log::default()).expect("fits");
    let program = Program::new(&made.image, &chip).expect("loads");
    let SyncSpec::FixedTick { period } = chip.sync else { panic!("rounds of fixed length") };
    for (name, present) in [("every input", 256), ("one input in four", 64)] {
        let mut rng = Rng::new(3);
        let places = (0..ROUNDS).flat_map(|tick| (0..256).map(move |input| (tick, input)));
        let spikes =
            places.filter(|_| rng.below(256) < present).map(|(tick, input)| InputSpike { tick, input, value: 200 });
        let sample = Sample { name: name.to_owned(), spikes: spikes.collect(), ticks: ROUNDS, label: None };
        let stimulus = Stimulus { samples: vec![sample], inputs: 256 };
        let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::None };
        let mut best = f64::INFINITY;
        let mut products = 0;
        for _ in 0..5 {
            let begun = Instant::now();
            let result = emu::run_program(&program, &stimulus, &options, &Quiet).expect("runs");
            best = best.min(begun.elapsed().as_secs_f64());
            products = result.samples[0].counts.get(Event::MultiplyAccumulate);
        }
        let real = f64::from(ROUNDS + 1) * period.as_seconds();
        println!(
            "{name}: {:.4} ns a multiply-accumulate on one thread, {:.1} times real time",
            best * 1e9 / products as f64,
            best / real
        );
    }
}
