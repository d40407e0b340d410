//! Mappings of every kind: each is verified, and none changes a spike.

use std::path::Path;

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::constraints::Constraints;
use spikeloom::compile::mapping::{self, Mapping};
use spikeloom::compile::replace::{Placing, replace};
use spikeloom::compile::traffic::{Rates, traffic};
use spikeloom::compile::{Compiled, Log, Options, Partition, Placement, compile};
use spikeloom::emu::counters::Spike;
use spikeloom::emu::{self, Record, RunOptions};
use spikeloom::graph::{self, Network};
use spikeloom::place::{KNOWN, Quiet};
use spikeloom::stimulus::{self, Stimulus, digits, encode_images};

fn chip(name: &str) -> ChipSpec {
    chip::load(name, &LoadOptions::default()).expect("built in")
}

fn network() -> Network {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("programs/digits/digits.json");
    let text = std::fs::read_to_string(path).expect("the shipped network");
    graph::read_json(&text, "digits.json").expect("a sound network")
}

fn stimulus() -> Stimulus {
    let set = digits().test;
    encode_images(&set.images[..12], set.max, &stimulus::Options::default(), &set.labels[..12])
}

/// Spikes of all neurons, sample by sample.
fn spikes(compiled: &Compiled, chip: &ChipSpec) -> Vec<Vec<Spike>> {
    let options = RunOptions { timing: false, threads: 1, strict: false, record: Record::All };
    let result = emu::run(&compiled.image, chip, &stimulus(), &options, &emu::Quiet).expect("it runs");
    let spikes: Vec<Vec<Spike>> = result.samples.into_iter().map(|sample| sample.spikes).collect();
    assert!(spikes.iter().all(|sample| !sample.is_empty()));
    spikes
}

fn compiled(chip: &ChipSpec, options: &Options) -> Compiled {
    compile(&network(), chip, options, &mut Log::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

/// Small cores, so that the network takes many.
fn small(name: &str) -> ChipSpec {
    let set = match name {
        "loihi" => vec![("core.neurons".to_owned(), "9".to_owned())],
        _ => vec![("core.neurons".to_owned(), "128".to_owned())],
    };
    chip::load(name, &LoadOptions { set, ..LoadOptions::default() }).expect("a smaller chip")
}

#[test]
fn no_mapping_changes_a_spike() {
    for name in ["loihi", "truenorth"] {
        let chip = small(name);
        let base = compiled(&chip, &Options::default());
        let wanted = spikes(&base, &chip);
        for (placement, _) in Placement::ALL {
            for text in [
                "auto",
                "sequential",
                "overlap-greedy",
                "multilevel:starts=1,cycles=1,combine=1,sweeps=20",
                "conv-tiling:rows=2,columns=3",
            ] {
                let partition: Partition = text.parse().expect("known");
                let options = Options { placement, partition, ..Options::default() };
                assert_eq!(spikes(&compiled(&chip, &options), &chip), wanted, "{name} {placement} {text}");
            }
        }
        let row_major = Options { placement: Placement::RowMajor, ..Options::default() };
        for known in KNOWN {
            let pipeline = format!("{}+refine", known.name).parse().expect("known");
            let constraints = Constraints::default();
            let placing = Placing {
                pipeline: &pipeline,
                seed: 1,
                seconds: Some(0.02),
                rates: None,
                trains: None,
                hot: &[],
                constraints: &constraints,
                watch: &Quiet,
            };
            let mut moved = compiled(&chip, &row_major);
            if let Err(problems) = replace(&mut moved, &chip, &placing, &mut Log::default()) {
                // The dense matrices of tabu search hold no mesh of 4,096 cores.
                assert!(name == "truenorth" && known.name == "tabu" && problems.has("place/size"), "{problems}");
                continue;
            }
            assert_eq!(spikes(&moved, &chip), wanted, "{name} {}", known.name);
        }
    }
}

#[test]
fn a_mapping_that_was_written_is_read_back_as_the_same_image() {
    for name in ["loihi", "truenorth"] {
        let chip = small(name);
        let base = compiled(&chip, &Options::default());
        let text = mapping::write(&base.image);
        let mapping = Some(Mapping::read(&text, "m.csv").expect("as written"));
        let again = compiled(&chip, &Options { mapping, ..Options::default() });
        assert_eq!(mapping::write(&again.image), text, "{name}");
        assert_eq!(spikes(&again, &chip), spikes(&base, &chip));
        let (before, after) = (traffic(&base.image, &chip, None), traffic(&again.image, &chip, None));
        assert_eq!(before.packets, after.packets, "{name}");
    }
}

#[test]
fn what_a_mapping_cannot_say_is_told_with_its_place() {
    let chip = chip("loihi");
    let tell = |text: &str| {
        let mapping = Some(Mapping::read(text, "m.csv").unwrap_or_else(|problems| panic!("{problems}")));
        let options = Options { mapping, ..Options::default() };
        compile(&network(), &chip, &options, &mut Log::default()).expect_err(text).to_string()
    };
    assert!("conv-tiling:colums=2".parse::<Partition>().expect_err("typo").to_string().contains("'columns'"));
    assert!(tell("hiden1,*,3\nclass,*,4").contains("did you mean 'hidden1'?"));
    assert!(tell("hidden1,0-64,3\nclass,*,4").contains("m.csv:1: there is no neuron 64"));
    assert!(tell("hidden1,*,128\nclass,*,4").contains("there is no core 128"));
    assert!(tell("hidden1,*,3\nclass,0-8,4").contains("the first is neuron 9"));
    assert!(tell("hidden1,*,3\nhidden1,5,4\nclass,*,4").contains("on core 4 and on core 3"));
    assert!(tell("image,*,3\nhidden1,*,3\nclass,*,4").contains("is an input"));
    assert!(tell(&"0\n".repeat(73)).contains("it has 73 lines for 74 neurons"));
    let tiny = small("loihi");
    let mapping = Some(Mapping::read("hidden1,*,3\nclass,*,4", "m.csv").expect("lines"));
    let full = compile(&network(), &tiny, &Options { mapping, ..Options::default() }, &mut Log::default());
    assert!(full.expect_err("too full").to_string().contains("core 3 needs 64 neurons"));
    let mapping = Some(Mapping::read("hidden1,*,3\nclass,*,3", "m.csv").expect("lines"));
    let truenorth = self::chip("truenorth");
    let mixed = compile(&network(), &truenorth, &Options { mapping, ..Options::default() }, &mut Log::default());
    assert!(mixed.expect_err("two populations").to_string().contains("'hidden1' and of 'class'"));
}

#[test]
fn a_partition_file_groups_the_neurons_in_network_order() {
    let chip = chip("loihi");
    let groups: String = (0..74).map(|neuron| format!("{}\n", neuron % 5)).collect();
    let mapping = Some(Mapping::read(&groups, "net.part.5").expect("numbers"));
    let found = compiled(&chip, &Options { mapping, ..Options::default() });
    assert_eq!(found.image.cores.len(), 5);
    assert_eq!(spikes(&found, &chip), spikes(&compiled(&chip, &Options::default()), &chip));
}

#[test]
fn constraints_are_obeyed_by_every_strategy() {
    let chip = small("loihi");
    let text = "blocked = [[0, 0], [1, 1]]\n[[pin]]\npopulation = 'class'\nrouter = [7, 3]\n[[region]]\npopulation = \
                'hidden1'\nx = [2, 5]\ny = [0, 2]\n";
    let constraints = Constraints::read(text, "c.toml").expect("fine");
    for known in KNOWN {
        let pipeline = format!("{}+refine", known.name).parse().expect("known");
        let placing = Placing {
            pipeline: &pipeline,
            seed: 2,
            seconds: Some(0.02),
            rates: None,
            trains: None,
            hot: &[],
            constraints: &constraints,
            watch: &Quiet,
        };
        // A core of its own for the last neurons of the hidden layer, so that no core is bound twice.
        let groups: String = (0..74).map(|n| format!("{}\n", if n < 64 { n / 8 } else { 8 + (n - 64) / 9 })).collect();
        let mapping = Some(Mapping::read(&groups, "p").expect("numbers"));
        let mut found = compiled(&chip, &Options { mapping, placement: Placement::RowMajor, ..Options::default() });
        replace(&mut found, &chip, &placing, &mut Log::default()).unwrap_or_else(|problems| panic!("{problems}"));
        for population in &found.image.populations {
            for place in &population.places {
                let (x, y) = chip.router_of(spikeloom::ids::CoreId(place.core));
                match population.name.as_str() {
                    "class" => assert_eq!((x, y), (7, 3), "{}", known.name),
                    _ => assert!((2..=5).contains(&x) && y <= 2 && (x, y) != (1, 1), "{} {x} {y}", known.name),
                }
            }
        }
    }
}

#[test]
fn refined_placements_have_fewer_hops_and_profiles_are_read_back() {
    let chip = small("truenorth");
    let rows = compiled(&chip, &Options { placement: Placement::RowMajor, ..Options::default() });
    let sizes: Vec<(&str, usize)> = rows.image.populations.iter().map(|p| (p.name.as_str(), p.size())).collect();
    let mut rates = Rates(sizes.iter().map(|(_, size)| vec![0.0; *size]).collect());
    rates.0[0][3] = 7.0;
    rates.0[1][63] = 2.5;
    let again = Rates::read(&rates.write(&sizes), "p.csv", &sizes).expect("as written");
    assert_eq!(again, rates);
    let tell = |line: &str| Rates::read(line, "p.csv", &sizes).expect_err(line).to_string();
    assert!(tell("hiden1,3,1").contains("did you mean 'hidden1'?"));
    assert!(tell("hidden1,64,1").contains("has 64 neurons"));
    assert!(tell("hidden1,3").contains("p.csv:1"));
    let pipeline = "row-major+refine".parse().expect("known");
    let constraints = Constraints::default();
    let placing = Placing {
        pipeline: &pipeline,
        seed: 1,
        seconds: Some(0.1),
        rates: None,
        trains: None,
        hot: &[],
        constraints: &constraints,
        watch: &Quiet,
    };
    let before = traffic(&rows.image, &chip, None);
    let mut refined = rows;
    replace(&mut refined, &chip, &placing, &mut Log::default()).expect("it fits");
    let after = traffic(&refined.image, &chip, None);
    assert!(after.hops <= before.hops && after.packets == before.packets, "{} {}", before.hops, after.hops);
}
