//! Models and spikes of our own making: read, written back, run, and broken in every way.

use super::*;
use crate::chip::{ChipSpec, LoadOptions};
use crate::emu::{Quiet, RunOptions};
use crate::image::CoreBody;

/// One core: four neurons, of them one unused, one to itself, one to connector 0 and one to connector 2.
const MODEL: &str = r#"{
	/* General */
	"model":{
		"coreCount":2, // two
		"neuronclass":"NeuronGeneral",
		"crossbarSize":256,
	},
	"crossbarTypes":[ {"name":"proto", "crossbar":{"rows":[
		{"type":"S0","synapses":"80 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00"},
		{"type":"S3","synapses":"50 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01"},
	]}} ],
	"neuronTypes":[
		{"name":"N0000000B","class":"NeuronGeneral","sigma0":1,"sigma1":1,"sigma2":1,"sigma3":-1,"s0":2,"s1":0,"s2":0,"s3":255,"b0":false,"b1":true ,"b2":false,"b3":false,"sigma_lambda":-1,"lambda":0,"c_lambda":false,"epsilon":true ,"alpha":2,"beta":7,"TM":0,"gamma":1,"kappa":false,"sigma_VR":-1,"VR":3,"V":-5},
		{"name":"N00000001","sigma0":1,"sigma1":1,"sigma2":1,"sigma3":1,"s0":1,"s1":1,"s2":1,"s3":1,"b0":0,"b1":0,"b2":0,"b3":1,"sigma_lambda":1,"lambda":9,"c_lambda":1,"epsilon":0,"alpha":262143,"beta":0,"TM":5,"gamma":0,"kappa":1,"sigma_VR":1,"VR":0,"V":0}
	],
	"core":{
		"metadata":{"coreletClass":"ours", "parentCoreletId":[-1]},
		"id":4,
		"timeScaleExponent":0,
		"rngSeed":77,
		"neurons":{
			"dendrites":["0:3"],
			"types":["11x2",1,0],
			"destCores":[6,-32,-34,-1],
			"destAxons":[1,5,"0:0",-1],
			"destDelays":["15:-7:1",1],
		},
		"crossbar":{"name":"proto"}
	},
	"core":{
		"id":6, "rngSeed":4294967295,
		"neurons":[
			{"type":"N0000000B","dendrite":255,"destCore":4,"destAxon":0,"delay":3},
		],
		"crossbar":{"rows":[]}
	},
}
"#;

const SPIKES: &str = "{\"class\":\"SpikeWriter\",\"encoding\":\"TEXT\",\"nscsVersion\":\"1.4.0\"}\n\
    {\"version\":\"sfti1.0\", \"defaultDestinationDelay\" : 1}\n\
    {\"spike\":{\"srcTime\":0,\"destCore\":4,\"destAxon\":0}}\n\
    {\"spike\":{\"srcTime\":3,\"destCore\":4,\"destAxon\":0}}\n\
    {\"spike\":{\"srcTime\":3,\"destCore\":6,\"destAxon\":255}}\n";

fn chip() -> ChipSpec {
    crate::chip::load("truenorth", &LoadOptions::default()).expect("a built-in chip")
}

fn nscs() -> Nscs {
    read_nscs(MODEL, "a/ours.json", &chip()).unwrap_or_else(|problems| panic!("{problems}"))
}

#[test]
fn a_model_becomes_an_image() {
    let Nscs { model, image } = nscs();
    assert_eq!((image.network.as_str(), image.cores.len(), image.depth), ("ours", 2, 1));
    let CoreBody::Crossbar(first) = &image.cores[0].body else { panic!("crossbar") };
    assert_eq!((image.cores[0].core, first.seed), (4, 77));
    assert_eq!(&first.axon_types[..3], [0, 3, 0]);
    assert_eq!(&first.rows[..8], [1, 0, 0, 0, 0b1010, 0, 0, 1 << 63]);
    let p = &first.parameters[usize::from(first.parameter_of[0])];
    assert_eq!((p.weights, p.stochastic_weights), ([2, 0, 0, -255], [false, true, false, false]));
    assert_eq!((p.reset_value, p.initial, p.spike_reset, p.leak_reversal), (-7, -5, 1, true));
    let p = &first.parameters[usize::from(first.parameter_of[2])];
    assert_eq!((p.leak, p.stochastic_leak, p.threshold_mask_bits, p.negative_saturate), (9, true, 5, true));
    let to = first.destinations[0].expect("a target");
    assert_eq!((to.core, to.axon, to.delay), (6, 1, 15));
    assert!(first.destinations[1..].iter().all(Option::is_none));
    let names: Vec<&str> = image.populations.iter().map(|population| population.name.as_str()).collect();
    assert_eq!(names, ["axons", "output0", "output2", "core4", "core6"]);
    assert_eq!(image.populations[0].shape, [2, 256]);
    assert_eq!(model.cores[0].neurons[3].kind, None);
    crate::image::contents(&image, &chip(), "ours").expect("an image that holds");
}

#[test]
fn files_survive_the_round_trip() {
    let Nscs { model, image } = nscs();
    let text = write_nscs(&model);
    let again = read_nscs(&text, "ours.json", &chip()).unwrap_or_else(|problems| panic!("{problems}\n{text}"));
    assert_eq!(again.model, model);
    assert_eq!(again.image, image);
    // By way of the image alone: names and metadata go, pins close up, what the chip does stays.
    let bare = write_nscs(&Model::of_image(&image).expect("a model"));
    let bare = read_nscs(&bare, "ours.json", &chip()).unwrap_or_else(|problems| panic!("{problems}\n{bare}"));
    let (mut one, mut other) = (bare.image, image);
    for image in [&mut one, &mut other] {
        for core in &mut image.cores {
            let CoreBody::Crossbar(body) = &mut core.body else { panic!("crossbar") };
            // Entries may be numbered otherwise.
            body.parameters = body.parameter_of.iter().map(|&at| body.parameters[usize::from(at)].clone()).collect();
            body.parameter_of.clear();
        }
    }
    assert_eq!(one, other);
}

#[test]
fn spikes_survive_the_round_trip_and_make_the_model_fire() {
    let image = nscs().image;
    let stimulus = read_sfti(SPIKES, "ours.sfti", &image).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((stimulus.inputs, stimulus.samples[0].ticks, stimulus.samples[0].spikes.len()), (512, 4, 3));
    assert_eq!(stimulus.samples[0].spikes[2].input, 511);
    assert_eq!(write_sfti(&stimulus, &image).expect("one sample"), SPIKES);
    let later = SPIKES.replace("\"destAxon\":255", "\"destAxon\":255,\"destDelay\":4");
    let later = read_sfti(&later, "ours.sfti", &image).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(later.samples[0].spikes[2].tick, 6);
    let options = RunOptions { timing: false, record: crate::emu::Record::All, ..RunOptions::default() };
    let result = crate::emu::run(&image, &chip(), &stimulus, &options, &Quiet).expect("a run");
    // Neuron 0 of core 4 starts at -5; two spikes of weight 2 bring it to -1.
    assert_eq!(result.samples[0].spike_total, 0);
    let ready = MODEL.replace("\"V\":-5", "\"V\":0");
    let ready = read_nscs(&ready, "ours.json", &chip()).expect("a model").image;
    let result = crate::emu::run(&ready, &chip(), &stimulus, &options, &Quiet).expect("a run");
    let fired: Vec<u32> = result.samples[0].spikes.iter().map(|spike| spike.tick).collect();
    assert_eq!(fired, [1, 4]);
}

/// The problems of a changed model, one a line.
fn problems(from: &str, to: &str) -> String {
    assert!(MODEL.contains(from), "{from}");
    let problems = read_nscs(&MODEL.replacen(from, to, 1), "m", &chip()).err();
    problems.unwrap_or_else(|| panic!("{to} is accepted")).to_string()
}

#[test]
fn faults_are_named_with_their_line() {
    for (from, to, expected) in [
        ("\"lambda\":9", "\"lambda\":256", "m:14: 'lambda' of a neuron type is 256"),
        ("\"VR\":3", "\"VR\":20", "m:13: 'VR' of a neuron type is 20"),
        ("\"gamma\":1", "\"gamma\":3", "m:13: 'gamma' of a neuron type is 3"),
        ("\"sigma3\":-1", "\"sigma3\":0", "m:13: 'sigma3' of a neuron type is 0"),
        ("\"TM\":5", "\"TN\":5", "m:14: a neuron type has an unknown key 'TN'"),
        ("\"TM\":5", "\"TM\":5,\"TM\":6", "m:14: a neuron type repeats key 'TM'"),
        ("\"type\":\"S3\"", "\"type\":\"S4\"", "m:10: 'type' of a row is 'S4'"),
        ("50 00", "50", "m:10: 'synapses' of a row is"),
        ("\"11x2\",1,0", "\"11x2\",2,0", "m:21: neuron type 2 of core 4 is not there"),
        ("\"11x2\",1,0", "\"11x2\",1", "core 4 has 4 dendrites, but 3 'types'"),
        ("\"11x2\"", "\"11x999\"", "m:23: 'types' of core 4: it has more than 256 entries"),
        ("\"11x2\"", "\"eleven\"", "m:23: 'types' of core 4: 'eleven' is neither a number nor a run"),
        ("\"15:-7:1\"", "\"16:-8:0\"", "neuron 0 of core 4 has delay 16"),
        ("\"15:-7:1\"", "\"0x3\"", "neuron 0 of core 4 has delay 0"),
        ("[6,-32", "[5,-32", "m:16: neuron 0 of core 4 sends to core 5, which is not there"),
        ("[1,5,", "[256,5,", "m:16: neuron 0 of core 4 sends to axon 256"),
        ("\"name\":\"proto\"}", "\"name\":\"porto\"}", "m:16: crossbar 'porto' of core 4 is not there"),
        ("\"id\":6", "\"id\":4", "m:30: core 4 is there twice, also in line 16"),
        ("\"id\":6", "\"id\":4096", "m:30: core 4096 is not on the chip"),
        ("\"coreCount\":2", "\"coreCount\":3", "m:4: the header says 3 cores, but the file holds 2"),
        ("\"dendrite\":255", "\"dendrite\":256", "m:33: 'dendrite' of a neuron is 256"),
        ("\"crossbarSize\":256", "\"crossbarSize\":512", "m:6: 'crossbarSize' is 512"),
        ("\"timeScaleExponent\":0", "\"timeScaleExponent\":1", "'timeScaleExponent' of core 4 is 1"),
    ] {
        let told = problems(from, to);
        assert!(told.contains(expected), "{from} -> {to}: {told}");
    }
}

#[test]
fn files_that_are_cut_off_anywhere_are_refused() {
    let end = MODEL.trim_end().len();
    for length in (0..end).filter(|&length| MODEL.is_char_boundary(length)) {
        let problems = read_nscs(&MODEL[..length], "m", &chip()).expect_err("a cut file");
        assert!(problems.has("foreign/syntax"), "cut at {length}: {problems}");
    }
    let problems = read_nscs(MODEL, "m", &crate::chip::load("loihi", &LoadOptions::default()).expect("a chip"));
    assert!(problems.expect_err("another family").has("foreign/chip"));
}

#[test]
fn faults_of_spike_files_are_named_with_their_line() {
    let image = nscs().image;
    for (from, to, expected) in [
        ("\"destCore\":6", "\"destCore\":7", "s:5: axon 255 of core 7 is no input"),
        ("\"destAxon\":255", "\"destAxon\":256", "s:5: axon 256 of core 6 is no input"),
        ("\"srcTime\":0", "\"srcTime\":-1", "s:3: 'srcTime' is -1"),
        ("\"srcTime\":0", "\"srcTime\":99999999999", "s:3: 'srcTime' is 99999999999"),
        ("\"srcTime\":0,", "", "s:3: a spike without a number for 'srcTime'"),
        ("\"srcTime\":0", "\"time\":0", "s:3: a spike has an unknown key 'time'"),
        ("Delay\" : 1", "Delay\" : 16", "s:2: a delay of 16"),
        ("TEXT", "RAWI3", "s:1: 'encoding' is \"RAWI3\""),
        ("sfti1.0", "sfti9.0", "s:2: 'version' is \"sfti9.0\""),
        ("255}}", "255}", "s:5: the file ends where"),
    ] {
        assert!(SPIKES.contains(from), "{from}");
        let problems = read_sfti(&SPIKES.replacen(from, to, 1), "s", &image).expect_err(to).to_string();
        assert!(problems.contains(expected), "{from} -> {to}: {problems}");
    }
}

/// Measures, where `SPIKELOOM_NSCS` names a folder of genuine files; they are not ours to carry along.
#[test]
fn genuine_files_of_a_folder_survive_the_round_trip() {
    let Some(folder) = std::env::var_os("SPIKELOOM_NSCS") else { return };
    let read = |path: &std::path::Path| std::fs::read_to_string(path).expect("a readable file");
    let (mut models, mut images, mut spikes) = (0, 0, 0);
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let name = path.to_string_lossy();
        let text = read(&path);
        let model = read_model(&text, &name).unwrap_or_else(|problems| panic!("{problems}"));
        assert_eq!(read_model(&write_nscs(&model), &name).as_ref(), Ok(&model), "{name}");
        models += 1;
        match model.image(&name, &chip()) {
            Ok(image) => {
                crate::image::contents(&image, &chip(), &name).unwrap_or_else(|problems| panic!("{problems}"));
                images += 1;
                let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                let sfti = path.with_file_name(format!("{stem}_spikes.sfti"));
                if sfti.is_file() {
                    let text = read(&sfti);
                    let stimulus = read_sfti(&text, "spikes", &image).unwrap_or_else(|problems| panic!("{problems}"));
                    assert_eq!(write_sfti(&stimulus, &image).as_deref(), Ok(text.as_str()), "{name}");
                    let options = RunOptions { timing: false, ..RunOptions::default() };
                    let result = crate::emu::run(&image, &chip(), &stimulus, &options, &Quiet).expect("a run");
                    println!(
                        "{stem}: {} spikes in, {} out",
                        stimulus.samples[0].total(),
                        result.samples[0].spike_total
                    );
                    spikes += 1;
                }
            }
            Err(problems) => {
                // Excerpts: cores and crossbars that other cores name are left out.
                assert!(problems.all().iter().all(|problem| problem.code == "foreign/reference"), "{problems}");
                println!("{name}: {}", problems.all()[0]);
            }
        }
    }
    println!("{models} models, {images} images, {spikes} spike files");
    assert!(models > 0, "no model in the folder");
}
