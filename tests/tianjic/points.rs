//! The published operating points, from the workloads in programs/: a consistency check, for the prices were solved for
//! two of them, and the third has a share of busy cores that is our reading.

use spikeloom::chip::{self, LoadOptions, SyncSpec};
use spikeloom::compile::{self, Log, Options};
use spikeloom::emu::{self, Quiet, Record, RunOptions, counters::EventCounts};
use spikeloom::energy::{self, Bill};
use spikeloom::event::Event;
use spikeloom::graph::{ReadOptions, read};
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

/// The bill of rounds in which every input is there, the first few left out.
fn bill(file: &str) -> Bill {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/tianjic").join(file);
    let network = read(&path, &ReadOptions::default()).unwrap_or_else(|problems| panic!("{problems}")).network;
    let chip = chip::load("tianjic", &LoadOptions::default()).expect("ships");
    let made = compile::compile(&network, &chip, &Options::default(), &mut Log::default()).expect("fits");
    let inputs: u32 = made.network.populations.iter().filter(|p| p.is_input()).map(|p| p.size() as u32).sum();
    let run = |ticks: u32| {
        let all = (0..ticks).flat_map(|tick| (0..inputs).map(move |input| InputSpike { tick, input, value: 255 }));
        let sample = Sample { name: "all".to_owned(), spikes: all.collect(), ticks, label: None };
        let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::None };
        let stimulus = Stimulus { samples: vec![sample], inputs };
        emu::run(&made.image, &chip, &stimulus, &options, &Quiet).expect("runs").samples.remove(0).counts
    };
    let (lead_in, whole) = (run(2), run(10));
    let mut counts = EventCounts::default();
    for event in Event::ALL {
        counts.add(event, whole.get(event) - lead_in.get(event));
    }
    let SyncSpec::FixedTick { period } = chip.sync else { panic!("rounds") };
    energy::bill(&chip.energy, &counts, Some(8.0 * period.as_seconds()))
}

#[test]
fn dense_efficiencies_and_the_mixed_power_are_met() {
    let ann = bill("dense_ann.json").tops_per_watt().expect("multiplies");
    assert!((ann / 1.28 - 1.0).abs() < 0.03, "{ann} TOPS/W");
    let snn = bill("dense_snn.json").gsops_per_watt().expect("spikes");
    assert!((snn / 649.0 - 1.0).abs() < 0.03, "{snn} GSOPS/W");
    let mix = bill("mix.json").watts().expect("timed");
    assert!((mix / 0.4 - 1.0).abs() < 0.15, "{mix} W");
    // What nobody has published has no price, and the bill says so.
    let unknown = bill("mix.json").unknown();
    assert!(unknown.contains(&Event::HopX) && unknown.contains(&Event::AxonIn), "{unknown:?}");
    println!("dense ANN {ann:.3} TOPS/W, dense SNN {snn:.1} GSOPS/W, mix {:.1} mW", mix * 1e3);
}
