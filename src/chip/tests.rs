use super::*;
use crate::diag::Problems;
use crate::event::Event;
use crate::ids::CoreId;
use crate::units::Picos;

fn builtin(name: &str) -> ChipSpec {
    load(name, &LoadOptions::default()).unwrap_or_else(|problems| panic!("{problems}"))
}

fn with(name: &str, set: &[(&str, &str)]) -> crate::diag::Result<ChipSpec> {
    let set = set.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    load(name, &LoadOptions { set, ..LoadOptions::default() })
}

fn text(name: &str) -> &'static str {
    builtin_text(name).expect("a built-in chip")
}

fn refused(text: &str) -> Problems {
    parse(text, "t.toml", &LoadOptions::default()).expect_err("this file must be refused")
}

/// Line of the first occurrence of `needle` in `text`, from 1.
fn line_of(text: &str, needle: &str) -> usize {
    text.lines().position(|line| line.contains(needle)).expect("the needle is there") + 1
}

#[test]
fn all_builtin_chips_load_with_provenance() {
    for name in builtin_names() {
        let chip = builtin(name);
        assert_eq!(chip.name, *name);
        assert!(chip.facts.len() >= 20 && chip.facts.iter().all(|fact| !fact.source.is_empty()), "{name}");
    }
    assert!(builtin_text("loihi3").is_none());
}

#[test]
fn clocked_designs_are_refused_where_their_hardware_description_could_not_be_built() {
    let with = |chip: &str, key: &str, value: &str| {
        load(chip, &LoadOptions { set: vec![(key.to_owned(), value.to_owned())], ..LoadOptions::default() })
    };
    for (key, value) in [
        ("core.ranc.potential_width", "8"),
        ("core.ranc.ticks", "12"),
        ("core.ranc.input_buffer", "500"),
        ("mesh.buffer", "3"),
        ("core.axons_in", "1"),
        ("core.ranc.output_core", "[2, 0]"),
        ("core.ranc.dx_width", "1"),
        ("core.ranc.reset_modes", "1"),
        ("mesh.cores_per_router", "2"),
    ] {
        let problems = with("ranc", key, value).expect_err(key);
        assert!(problems.has("chip/check") && problems.all().iter().all(|problem| problem.limit.is_some()), "{key}");
    }
    assert!(with("tinyodin", "core.neurons", "128").expect_err("another design").has("chip/check"));
    assert!(with("tinyodin", "core.tinyodin.weight_width", "5").expect_err("another design").has("chip/range"));
    assert!(with("ranc", "sync.kind", "\"barrier\"").is_err());
    let clocked = with("ranc", "sync.clock", "10 ns").expect("a board's clock");
    assert!(matches!(clocked.sync, SyncSpec::Clocked { clock: Some(Picos(10_000)), .. }));
    assert_eq!(super::RancSpec::busy_cycles(&clocked.capacity), 66_051);
    // 200 x 200 routers with 12 buffers of 4096 places each are too many to model.
    let large = [("mesh.width", "200"), ("mesh.height", "200"), ("mesh.buffer", "4096"), ("core.ranc.dx_width", "9")];
    let set = large.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let problems = load("ranc", &LoadOptions { set, ..LoadOptions::default() }).expect_err("memory");
    assert!(problems.to_string().contains("'mesh.buffer' makes 1966080000 places"), "{problems}");
}

#[test]
fn truenorth_is_the_published_chip() {
    let chip = builtin("truenorth");
    assert_eq!((chip.cores(), chip.capacity.neurons, chip.capacity.axons_in), (4096, 256, 256));
    assert_eq!(chip.sync, SyncSpec::FixedTick { period: Picos(1_000_000_000) });
    let Family::Crossbar(spec) = &chip.family else { panic!("a crossbar") };
    assert_eq!((spec.potential_bits, spec.weight_bits, spec.delay_max, spec.packet_bits_y), (20, 9, 15, 24));
    let power = chip.energy.static_power.expect("known");
    assert_eq!((power.nanowatts, power.reference_mv, power.exponent_milli), (43_200_000, 800, 3_920));
    let bit = chip.energy.entries[Event::MemoryBit.index()].expect("known");
    assert_eq!((bit.attojoules, bit.reference_mv, bit.exponent_milli), (47_000, 775, 2_000));
    assert!(chip.unknown.contains(&"cost.decomposed.energy.neuron_access".to_owned()));
    let hop = chip.facts.iter().find(|fact| fact.key == "mesh.hop_x").expect("used");
    assert_eq!((hop.status, hop.value.as_str(), hop.unit.as_str()), (Status::Estimated, "7.16", "ns"));
}

#[test]
fn loihi_has_two_cost_sets() {
    let davies = builtin("loihi");
    assert_eq!((davies.cores(), davies.energy.cost_set.as_str()), (128, "davies2018"));
    let table = [(1, 113), (32, 465), (8_192, 14_300), (24_576, 16_200)];
    let table = table.map(|(tiles, time)| (tiles, Picos::from_nanos(time))).to_vec();
    assert_eq!(davies.sync, SyncSpec::Barrier { table });
    let each = |chip: &ChipSpec, event: Event| chip.energy.entries[event.index()].map(|entry| entry.attojoules);
    assert_eq!(each(&davies, Event::SynapseSparse), Some(23_600_000));
    assert_eq!(each(&davies, Event::AxonOut), None);
    assert_eq!(davies.times.get(Event::NeuronAccess), Some(Picos(5_300)));
    let options = LoadOptions { cost_set: Some("nahuku".into()), ..LoadOptions::default() };
    let nahuku = load("loihi", &options).expect("the set is there");
    assert_eq!(each(&nahuku, Event::AxonOut), Some(111_000_000));
    assert_eq!(each(&nahuku, Event::AxonIn), Some(0), "the fit gives zero, which is not unknown");
    let SyncSpec::Barrier { table } = &nahuku.sync else { panic!("a barrier") };
    assert_eq!(table.last(), Some(&(29, Picos(1_800_000))));
    assert_eq!(davies.digest, nahuku.digest, "costs do not decide what an image holds");
    assert_eq!(davies.router_of(CoreId(35)), (0, 1));
}

#[test]
fn every_key_is_explained_and_both_families_parse() {
    let crossbar = as_crossbar(default_text());
    let chip = parse(&crossbar, "example.toml", &LoadOptions::default()).unwrap_or_else(|e| panic!("{e}"));
    assert!(matches!((&chip.family, &chip.sync), (Family::Crossbar(_), SyncSpec::FixedTick { .. })));
    for name in builtin_names() {
        for line in text(name).lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" = ") {
                let manual = include_str!("../../isa/README.md");
                let explained = default_text().contains(&format!("{key} = ")) || manual.contains(&format!("`{key}`"));
                assert!(explained, "'{key}' of {name} is not explained");
            }
        }
    }
    for event in Event::ALL {
        assert!(default_text().contains(&format!("{} = ", event.key())), "{}", event.key());
    }
    let slow = LoadOptions { cost_set: Some("slow".into()), ..LoadOptions::default() };
    assert_eq!(load("example", &slow).expect("the set is there").energy.supply_mv, 600);
}

#[test]
fn the_manual_names_every_key() {
    let manual = include_str!("../../isa/README.md");
    for line in default_text().lines().map(|line| line.trim_start_matches("#: ")).filter(|line| !line.starts_with('#'))
    {
        if let Some((key, _)) = line.split_once(" = ") {
            assert!(manual.contains(&format!("`{key}")) || manual.contains(&format!(".{key}`")), "'{key}' is missing");
        }
    }
}

/// The example with its "#:" lines in the place of those that they replace.
fn as_crossbar(text: &str) -> String {
    let mut out = String::new();
    let mut in_cuba = false;
    let (first_set, _) = text.split_once("# A second set.").expect("the example has two sets");
    for line in first_set.lines() {
        in_cuba = if line.starts_with("[core.cuba]") { true } else { in_cuba && !line.starts_with("[") };
        if let Some(rest) = line.strip_prefix("#: ") {
            in_cuba = false;
            out.push_str(rest);
        } else if !in_cuba && !replaced(line) {
            out.push_str(line);
        }
        out.push('\n');
    }
    out
}

fn replaced(line: &str) -> bool {
    ["family =", "kind = \"barrier\"", "table = [[1, 100]", "unit = \"ns\""]
        .iter()
        .chain(&["synapse_dense", "synapse_sparse", "synapse_shared", "synapse_update"])
        .any(|start| line.starts_with(start))
}

#[test]
fn a_misspelt_key_names_its_place_and_the_nearest() {
    let broken = text("loihi").replace("synapse_words =", "synapse_word =");
    let problems = refused(&broken);
    let at = format!("t.toml:{}:1", line_of(&broken, "synapse_word ="));
    let unknown = problems.all().iter().find(|problem| problem.code == "chip/unknown-key").expect("reported");
    assert_eq!(unknown.place, at);
    assert_eq!(unknown.help.as_deref(), Some("did you mean 'synapse_words'?"));
    assert!(problems.has("chip/missing"));
}

#[test]
fn all_problems_of_a_file_are_reported_at_once() {
    let broken = text("truenorth")
        .replace("buffer = { value = 2,", "buffer = { value = 0,")
        .replace("neurons = 256", "neurons = \"many\"")
        .replace("family = \"crossbar\"", "family = \"crossbars\"")
        .replace("hop_y = { value = 7.16, unit = \"ns\"", "hop_y = { value = 7.16, unit = \"pJ\"")
        .replace("cycle = { value = 7.16, unit = \"ns\"", "cycle = { value = 7.16")
        .replace("status = \"derived\"", "status = \"guessed\"");
    let problems = refused(&broken);
    for code in ["chip/range", "chip/type", "chip/choice", "chip/unit", "chip/status"] {
        assert!(problems.has(code), "{code} in\n{problems}");
    }
    assert!(problems.all().iter().all(|problem| problem.place.starts_with("t.toml:")), "{problems}");
}

#[test]
fn all_syntax_errors_are_reported() {
    let problems = refused("format = 1\nname = \ntitle = \"x\"\n= 3\n");
    assert!(problems.all().len() >= 2, "{problems}");
    assert!(problems.all()[0].place.starts_with("t.toml:2:"), "{problems}");
}

#[test]
fn a_number_needs_source_and_status() {
    let broken = text("example").replace("status = \"estimated\"\n\n[core.cuba]", "\n[core.cuba]");
    let broken = broken.replacen("source = \"invented for this page\"\nstatus = \"estimated\"\n", "", 1);
    assert!(refused(&broken).has("chip/source"));
}

#[test]
fn checks_look_across_keys() {
    for (chip, set, place) in [
        ("truenorth", ("mesh.host", "[64, 0]"), "mesh.host"),
        ("truenorth", ("core.crossbar.threshold_bits", "20"), "threshold_bits"),
        ("truenorth", ("core.crossbar.reach", "62"), "reach"),
        ("truenorth", ("core.crossbar.delay_max", "0"), "delay_max"),
        ("truenorth", ("core.axons_in", "65535"), ""),
        ("truenorth", ("sync.period", "0 s"), "period"),
        ("loihi", ("mesh.cores_per_router", "65"), "cores_per_router"),
        ("loihi", ("mesh.width", "0"), "width"),
        ("loihi", ("mesh.buffer", "0"), "buffer"),
        ("loihi", ("core.cuba.weight_widths", "[1, 9]"), "weight_widths"),
        ("loihi", ("core.cuba.index_widths", "[12, 6, 11]"), "index_widths"),
        ("loihi", ("core.cuba.index_widths", "[6]"), "index_widths"),
        ("loihi", ("core.cuba.state_bits", "23"), "state_bits"),
        ("loihi", ("sync.table", "[[32, 1], [1, 2]]"), "sync.table"),
        ("loihi", ("cost.nahuku.supply", "2 V"), "supply"),
        ("loihi", ("default_cost_set", "davies"), "default_cost_set"),
        ("loihi", ("name", "Loihi One"), "name"),
        ("loihi", ("format", "2"), "format"),
    ] {
        match with(chip, &[set]) {
            // The widest crossbar still fits 32 bits.
            Ok(_) => assert_eq!(place, "", "{chip} {set:?}"),
            Err(problems) => {
                assert_eq!(problems.all().len(), 1, "{problems}");
                let problem = &problems.all()[0];
                assert!(
                    problem.what.contains(place) && problem.limit.is_some() | problem.what.contains("ascending"),
                    "{problems}"
                );
                assert!(problem.place.starts_with("--set"), "{problems}");
            }
        }
    }
    let wide = with("truenorth", &[("core.axons_in", "65535"), ("core.crossbar.weight_bits", "16")]);
    assert!(wide.expect_err("overflows 32 bits").has("chip/check"));
}

#[test]
fn overrides_keep_units_and_say_where_they_come_from() {
    let set = [("mesh.buffer", "4"), ("mesh.hop_x", "5 ns"), ("mesh.hop_y", "0.5"), ("core.neurons", "128")];
    let chip = with("truenorth", &set).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((chip.mesh.buffer, chip.capacity.neurons), (4, 128));
    assert_eq!((chip.mesh.hop_x, chip.mesh.hop_y), (Some(Picos(5_000)), Some(Picos(500))));
    let fact = chip.facts.iter().find(|fact| fact.key == "mesh.hop_x").expect("used");
    assert_eq!((fact.source.as_str(), fact.status), ("set on the command line", Status::Estimated));
    assert_ne!(chip.digest, builtin("truenorth").digest, "fewer neurons make another chip");
    let energy = [("cost.decomposed.energy.synapse_crossbar", "2 pJ"), ("cost.decomposed.energy.spike_out", "1 pJ")];
    let chip = with("truenorth", &energy).unwrap_or_else(|problems| panic!("{problems}"));
    let entry = |event: Event| chip.energy.entries[event.index()].expect("priced");
    assert_eq!(entry(Event::SynapseCrossbar).reference_mv, 800, "the reference supply stays");
    assert_eq!((entry(Event::SpikeOut).attojoules, entry(Event::SpikeOut).reference_mv), (1_000_000, 775));
}

#[test]
fn wrong_overrides_are_typed_errors() {
    for (key, value, code) in [
        ("mesh.bufer", "4", "chip/unknown-key"),
        ("mash.buffer", "4", "chip/override"),
        ("mesh.buffer.deep.er", "4", "chip/override"),
        ("", "4", "chip/override"),
        ("mesh.buffer", "four", "chip/type"),
        ("mesh.buffer", "[1", "chip/type"),
        ("mesh", "4", "chip/override"),
        ("cost.davies2018.energy.synapse_crossbar", "1 pJ", "chip/unknown-key"),
    ] {
        let problems = with("loihi", &[(key, value)]).expect_err(key);
        assert!(problems.has(code), "{key}={value}: {problems}");
        assert!(problems.all().iter().any(|problem| problem.place.contains(value)), "{problems}");
    }
}

#[test]
fn a_run_chooses_supply_and_tick() {
    let options = LoadOptions { supply_mv: Some(1050), tick: Some(Picos(200_000_000)), ..LoadOptions::default() };
    let chip = load("truenorth", &options).expect("within range");
    assert_eq!((chip.energy.supply_mv, chip.sync), (1050, SyncSpec::FixedTick { period: Picos(200_000_000) }));
    let high = LoadOptions { supply_mv: Some(1051), tick: Some(Picos(0)), ..LoadOptions::default() };
    let problems = load("truenorth", &high).expect_err("out of range");
    assert!(problems.has("chip/supply") && problems.has("chip/tick"), "{problems}");
    let tick = LoadOptions { tick: Some(Picos(1)), ..LoadOptions::default() };
    assert!(load("loihi", &tick).expect_err("no fixed tick").has("chip/tick"));
    let set = LoadOptions { cost_set: Some("nahuko".into()), ..LoadOptions::default() };
    let problems = load("loihi", &set).expect_err("no such set");
    assert_eq!(problems.all()[0].help.as_deref(), Some("did you mean 'nahuku'?"));
}

#[test]
fn hostile_files_are_refused() {
    let deep = format!("format = {}1{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in ["", "\0", "format = 1", "[cost]\n", &deep, &" ".repeat(2 << 20), "format = 99999999999999999999999999"]
    {
        assert!(!refused(text).all().is_empty());
    }
    let problems = load("truenorht", &LoadOptions::default()).expect_err("misspelt");
    assert!(problems.all()[0].help.as_deref().is_some_and(|help| help.contains("did you mean 'truenorth'")));
    // Every prefix and every single-byte change of a file is read or refused, never a panic.
    let bytes = text("loihi").as_bytes();
    for at in (0..bytes.len()).step_by(13) {
        let mut changed = bytes.to_vec();
        changed[at] = b'"';
        _ = parse(&String::from_utf8_lossy(&changed), "t.toml", &LoadOptions::default());
        _ = parse(&String::from_utf8_lossy(&bytes[..at]), "t.toml", &LoadOptions::default());
    }
}

#[test]
fn provenance_is_inherited_from_the_nearest_table() {
    let chip = builtin("loihi");
    let fact = |key: &str| chip.facts.iter().find(|fact| fact.key == key).unwrap_or_else(|| panic!("{key}"));
    assert_eq!(fact("cost.davies2018.energy.neuron_update").status, Status::Derived);
    assert_eq!(fact("cost.davies2018.energy.neuron_access").status, Status::Published);
    assert!(fact("core.cuba.synapse_words").source.contains("nengo-loihi"));
    assert!(chip.facts.iter().all(|fact| !fact.key.starts_with("cost.nahuku")), "only the chosen set is used");
}
