//! Boards and defects from outside: what is dead is not used, what cannot be reached is named, and spikes stay.

use proptest::prelude::*;

use spikeloom::chip::{self, ChipSpec, LoadOptions};
use spikeloom::compile::{self, Log, Options};
use spikeloom::diag::{Problems, Result};
use spikeloom::emu::{self, Quiet, Record, RunOptions};
use spikeloom::graph::{self, Network, ReadOptions};
use spikeloom::ids::CoreId;
use spikeloom::image::{CoreBody, Image};
use spikeloom::stimulus::{InputSpike, Sample, Stimulus};

fn load(name: &str, set: &[(&str, &str)], defects: &[String]) -> Result<ChipSpec> {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    chip::load(name, &LoadOptions { set, defects: defects.to_vec(), ..LoadOptions::default() })
}

fn good(name: &str, set: &[(&str, &str)], defects: &[String]) -> ChipSpec {
    load(name, set, defects).unwrap_or_else(|problems| panic!("{problems}"))
}

fn network(file: &str) -> Network {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("programs").join(file);
    graph::read(&path, &ReadOptions::default()).unwrap_or_else(|problems| panic!("{problems}")).network
}

fn compiled(network: &Network, chip: &ChipSpec) -> Result<Image> {
    compile::compile(network, chip, &Options::default(), &mut Log::default()).map(|compiled| compiled.image)
}

/// All spikes of 40 ticks of a fixed stimulus, as (tick, population, neuron).
fn spikes(image: &Image, chip: &ChipSpec) -> Vec<(u32, u32, u32)> {
    let inputs: u32 = image.inputs.iter().map(|input| input.offsets.len() as u32 - 1).sum();
    let spikes = (0..40).flat_map(|tick| {
        let fires = move |input: &u32| (tick * 7 + input * 3).is_multiple_of(5);
        (0..inputs).filter(fires).map(move |input| InputSpike { tick, input, value: 1 })
    });
    let sample = Sample { name: "fixed".to_owned(), spikes: spikes.collect(), ticks: 40, label: None };
    let options = RunOptions { timing: false, record: Record::All, ..RunOptions::default() };
    let stimulus = Stimulus { samples: vec![sample], inputs };
    let result = emu::run(image, chip, &stimulus, &options, &Quiet).unwrap_or_else(|problems| panic!("{problems}"));
    result.samples[0].spikes.iter().map(|spike| (spike.tick, spike.population, spike.neuron)).collect()
}

/// The digits network, whose three cores are full of axons.
const DIGITS: &str = "digits/digits.json";

#[test]
fn placement_avoids_defects_and_spikes_stay_the_same() {
    for name in ["truenorth", "loihi"] {
        let network = network(DIGITS);
        let whole = good(name, &[], &[]);
        let image = compiled(&network, &whole).unwrap_or_else(|problems| panic!("{problems}"));
        let expected = spikes(&image, &whole);
        assert!(expected.len() > 100, "{name}: {} spikes", expected.len());
        let first = image.cores[0].core;
        for defects in [
            vec![format!("core={first}")],
            image.cores.iter().map(|core| format!("core={}", core.core)).collect(),
            vec![format!("neuron={first}:0"), format!("neuron={first}:5"), format!("axon={first}:1")],
        ] {
            let chip = good(name, &[], &defects);
            let moved = compiled(&network, &chip).unwrap_or_else(|problems| panic!("{defects:?}: {problems}"));
            assert_ne!(moved, image, "{defects:?} change something");
            assert_eq!(spikes(&moved, &chip), expected, "{name} {defects:?}");
            spikeloom::image::contents(&moved, &chip, "moved.img").unwrap_or_else(|problems| panic!("{problems}"));
            // The image that knows nothing of the defects is refused.
            let refused = spikeloom::image::contents(&image, &chip, "x.img").expect_err("uses what is dead");
            assert!(refused.has("image/defect"), "{refused}");
            assert!(refused.to_string().contains("x.img: core "), "{refused}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    /// Whatever is dead of the cores that are in use, the image holds nothing of it, verifies and fires the same.
    #[test]
    fn any_slots_may_be_dead(dead in prop::collection::btree_set((0_usize..8, prop::bool::ANY, 0_u16..256), 0..60)) {
        let network = network(DIGITS);
        let whole = good("truenorth", &[], &[]);
        let image = compiled(&network, &whole).expect("fits");
        let text = |&(core, neuron, slot): &(usize, bool, u16)| {
            let core = image.cores[core % image.cores.len()].core;
            format!("{}={core}:{slot}", if neuron { "neuron" } else { "axon" })
        };
        let chip = good("truenorth", &[], &dead.iter().map(text).collect::<Vec<_>>());
        let moved = compiled(&network, &chip).expect("fits elsewhere");
        prop_assert_eq!(spikeloom::image::contents(&moved, &chip, "moved.img"), Ok(()));
        for core in &moved.cores {
            let CoreBody::Crossbar(body) = &core.body else { panic!("crossbar") };
            for neuron in chip.defects.neurons_of(core.core) {
                prop_assert!(body.destinations.get(usize::from(neuron)).is_none_or(Option::is_none));
            }
        }
        prop_assert_eq!(spikes(&moved, &chip), spikes(&image, &whole));
    }
}

#[test]
fn what_cannot_be_reached_is_named() {
    let network = network(DIGITS);
    let whole = good("truenorth", &[], &[]);
    let image = compiled(&network, &whole).expect("fits");
    // Every way out of the host's router, save to its own core.
    let dead = ["link=0:east".to_owned(), "link=0:south".to_owned(), "core=0".to_owned()];
    let problems = compiled(&network, &good("truenorth", &[], &dead)).expect_err("the host is cut off");
    assert!(problems.has("image/blocked"), "{problems}");
    assert_eq!(problems.exit_code(), 3, "{problems}");
    assert!(problems.to_string().contains("the host: core"), "{problems}");
    // A dead router by the host blocks packets that go east.
    let problems = compiled(&network, &good("truenorth", &[], &["router=1".to_owned()])).expect_err("in the way");
    assert!(problems.to_string().contains("router (1, 0) is dead"), "{problems}");
    // A router in the way of an image that is there already.
    let cores: Vec<u32> = image.cores.iter().map(|core| core.core).collect();
    let used = *cores.iter().find(|core| **core != 0).expect("more than one core");
    let (x, y) = whole.router_of(CoreId(used));
    let side =
        if x > 0 { format!("link={}:east", u32::from(y) * 64 + u32::from(x) - 1) } else { "link=0:south".into() };
    let chip = good("truenorth", &[], &[side]);
    let refused: Problems = spikeloom::image::contents(&image, &chip, "x.img").expect_err("a dead link is crossed");
    assert!(refused.has("image/blocked") && refused.to_string().contains("x.img"), "{refused}");
}

#[test]
fn a_chip_with_too_many_defects_says_that_nothing_fits() {
    let network = network(DIGITS);
    let dead: Vec<String> = (1..16).map(|core| format!("core={core}")).collect();
    let small = [("mesh.width", "4"), ("mesh.height", "4")];
    let problems = compiled(&network, &good("truenorth", &small, &dead)).expect_err("one core is not enough");
    assert!(problems.has("crossbar/cores") && problems.exit_code() == 3, "{problems}");
    // Each core has lost its first axon: full ones fit nowhere.
    let dead: Vec<String> = (0..16).flat_map(|core| (0..255).map(move |axon| format!("axon={core}:{axon}"))).collect();
    let problems = compiled(&network, &good("truenorth", &small, &dead)).expect_err("no axons");
    assert!(problems.has("place/defects") && problems.exit_code() == 3, "{problems}");
}

#[test]
fn wrong_defects_are_named() {
    for (text, named) in [
        ("core", "write core=17"),
        ("cor=1", "did you mean 'core'?"),
        ("core=4096", "0..=4095"),
        ("core=-1", "no core"),
        ("core=1:2", "no core"),
        ("neuron=1", "CORE:neuron"),
        ("neuron=1:256", "0..=255"),
        ("axon=1:x", "0..=255"),
        ("link=1", "CORE:east"),
        ("link=1:up", "east or west or north or south"),
    ] {
        let problems = load("truenorth", &[], &[text.to_owned()]).expect_err(text);
        assert!(problems.has("chip/defect"), "{text}: {problems}");
        let said = problems.to_string();
        assert!(said.contains(named) && said.contains(&format!("--defect {text}")), "{text}: {said}");
    }
}

#[test]
fn defects_come_from_the_chip_file_a_file_and_the_command_line_together() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("defects");
    std::fs::create_dir_all(&folder).expect("a folder");
    let path = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let text = chip::builtin_text("truenorth").expect("built in");
    let own = "\n[defects]\ncores = [3]\nlinks = [\"2:west\"]\n";
    std::fs::write(path("chip.toml"), format!("{text}{own}")).expect("written");
    std::fs::write(path("more.toml"), "neurons = [\"9:1\"]\naxons = [\"9:2\"]\nrouters = [65]\n").expect("written");
    std::fs::write(path("wrong.toml"), "[defects]\nneuron = [\"9:1\"]\ncores = [4096]\n").expect("written");
    let options = |file: &str| LoadOptions {
        defects: vec!["core=7".to_owned()],
        defects_file: Some(path(file)),
        ..LoadOptions::default()
    };
    let chip = chip::load(&path("chip.toml"), &options("more.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(chip.defects.cores.iter().copied().collect::<Vec<_>>(), [3, 7]);
    assert!(chip.defects.routers.contains(&(1, 1)) && chip.defects.links.contains(&(2, 0, 1)));
    assert!(chip.defects.neurons.contains(&(9, 1)) && chip.defects.axons.contains(&(9, 2)));
    assert_eq!(chip.usable_cores(), 4096 - 3);
    let problems = chip::load("truenorth", &options("wrong.toml")).expect_err("wrong");
    assert!(problems.to_string().contains("wrong.toml:2"), "{problems}");
    assert!(problems.to_string().contains("did you mean 'neurons'?"), "{problems}");
}

#[test]
fn boards_are_tiled_and_reach_is_held_against_every_route() {
    let board = good("truenorth_4x4", &[], &[]);
    assert_eq!((board.mesh.width, board.mesh.height, board.cores()), (256, 256, 65_536));
    let edge = board.mesh.edge.as_ref().expect("a board");
    assert_eq!((edge.tile, edge.crossings((0, 0), (255, 255)), edge.crossings((60, 0), (63, 64))), ((64, 64), 6, 1));
    let one = good("truenorth", &[], &[]);
    let power = |chip: &ChipSpec| chip.energy.static_power.expect("known").nanowatts;
    assert_eq!(power(&board), 16 * power(&one));
    // The same from the single chip's file, but for the name and the title.
    let set = good("truenorth", &[("board.width", "4"), ("board.height", "4")], &[]);
    assert_eq!((&set.mesh, &set.energy), (&board.mesh, &board.energy));
    let largest = good("truenorth", &[("board.width", "8"), ("board.height", "8")], &[]);
    assert_eq!(largest.cores(), 64 * 4096);

    let network = network("nets/chain_truenorth.json");
    let mut image = compiled(&network, &largest).expect("fits");
    // The second of two cores in a row moves out of the first one's reach.
    let CoreBody::Crossbar(body) = &mut image.cores[0].body else { panic!("crossbar") };
    let second = body.destinations.iter().flatten().next().expect("a target").core;
    for (far, reached) in [(255, true), (256, false), (255 * 512, true), (256 * 512, false)] {
        let mut moved = image.clone();
        let rename = |core: &mut u32| {
            if *core == second {
                *core = far;
            }
        };
        for core in &mut moved.cores {
            rename(&mut core.core);
            let CoreBody::Crossbar(body) = &mut core.body else { panic!("crossbar") };
            body.destinations.iter_mut().flatten().for_each(|to| rename(&mut to.core));
        }
        moved.cores.sort_by_key(|core| core.core);
        let places = moved.populations.iter_mut().flat_map(|population| &mut population.places);
        places.for_each(|place| rename(&mut place.core));
        moved.inputs.iter_mut().flat_map(|input| &mut input.targets).for_each(|to| rename(&mut to.core));
        match spikeloom::image::contents(&moved, &largest, "far.img") {
            Ok(()) => assert!(reached, "{far}"),
            Err(problems) => assert!(!reached && problems.has("image/reach"), "{far}: {problems}"),
        }
    }
}

#[test]
fn packets_over_chip_edges_are_counted_by_bits() {
    // Two cores on two chips: one packet from the host and one from the first neuron cross the one edge once.
    let small = [("mesh.width", "1"), ("mesh.height", "1"), ("board.width", "2"), ("board.height", "1")];
    let list = [("mesh.cores_per_router", "1"), ("core.neurons", "1")];
    for (name, file, set) in [
        ("truenorth", "nets/chain_truenorth.json", small.to_vec()),
        ("example", "nets/chain_loihi.json", [&small[..], &list].concat()),
    ] {
        let chip = good(name, &set, &[]);
        let image = compiled(&network(file), &chip).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(image.cores.len(), 2, "{name}");
        let spike = InputSpike { tick: 0, input: 0, value: 1 };
        let sample = Sample { name: "one".to_owned(), spikes: vec![spike], ticks: 4, label: None };
        let stimulus = Stimulus { samples: vec![sample], inputs: 1 };
        for timing in [false, true] {
            let options = RunOptions { timing, record: Record::All, ..RunOptions::default() };
            let result = emu::run(&image, &chip, &stimulus, &options, &Quiet).expect("runs");
            let bits = result.samples[0].counts.get(spikeloom::event::Event::ChipCrossingBit);
            assert_eq!(bits, 34, "{name}, timing {timing}");
            assert_eq!(result.samples[0].borders.crossings, u64::from(timing), "{name}, timing {timing}");
        }
        // A border's latency and the time of the packet's bits are felt by the packet that crosses it, and by no other.
        let latency = |latency: &str, cycle: &str| {
            let links = [("board.edge_latency", latency), ("board.edge_cycle", cycle)];
            let links = [&links[..], &[("board.edge_side_packets_per_second", "1000000000")]].concat();
            let chip = good(name, &[&set[..], &links].concat(), &[]);
            let result = emu::run(&image, &chip, &stimulus, &RunOptions::default(), &Quiet).expect("runs");
            let sample = &result.samples[0];
            assert_eq!(sample.borders.busiest.0, 1_000, "a side of a thousand million packets a second");
            sample.latency.total.0
        };
        assert_eq!(latency("100 ns", "5 ns"), latency("0 ns", "5 ns") + 100_000, "{name}");
    }
}
