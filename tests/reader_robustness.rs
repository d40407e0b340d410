//! Files that exporters break, old layouts, and damaged bytes: each is read or refused with a typed problem.

use std::path::{Path, PathBuf};

use spikeloom::diag::Problems;
use spikeloom::graph::{self, Import, Network, ReadOptions};

fn data(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/nir").join(folder)
}

fn at_one_ms(file: &str) -> Result<Import, Problems> {
    graph::read(&data(file), &ReadOptions { dt: Some(1e-3), ..ReadOptions::default() })
}

fn refused(file: &str, code: &str, part: &str) {
    let problems = at_one_ms(file).expect_err(file);
    assert!(problems.has(code), "{file}: {problems}");
    assert!(problems.to_string().contains(part), "{file}: {problems}");
    assert!(problems.to_string().contains("help:"), "{file}: a next step: {problems}");
    assert_eq!(problems.exit_code(), 1);
}

#[test]
fn what_failing_exporters_leave_behind_is_named() {
    refused("broken/norse_conv_if.nir", "graph/nir", "incomplete");
    refused("broken/norse_recurrent.nir", "graph/nir", "node");
    refused("broken/sinabs_lif_scalar.nir", "graph/nir", "incomplete");
    refused("legacy/pytorch_zip_head.nir", "graph/hdf5", "zip");
    refused("exported/h5_latest.nir", "graph/hdf5", "HDF5");
    refused("missing.nir", "graph/file", "cannot be read");
}

#[test]
fn batch_dimensions_are_stripped_with_a_note() {
    for (file, inputs) in
        [("broken/norse_cubalif.nir", 64), ("broken/norse_ff_vec.nir", 64), ("exported/rockpool_lif.nir", 12)]
    {
        let import = at_one_ms(file).unwrap_or_else(|problems| panic!("{file}: {problems}"));
        let Network::Float(graph) = import.network else { panic!("NIR is float") };
        assert_eq!(graph.populations[0].shape, [inputs], "{file}");
        assert!(import.notes.iter().any(|note| note.contains("batch")), "{file}: {:?}", import.notes);
    }
}

#[test]
fn every_file_is_read_or_refused_and_what_is_read_survives_json() {
    let mut read = 0;
    for folder in ["paper", "exported", "legacy", "broken"] {
        for entry in std::fs::read_dir(data(folder)).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.extension().is_none_or(|extension| extension != "nir") {
                continue;
            }
            let options = ReadOptions { dt: Some(1e-3), ..ReadOptions::default() };
            let Ok(import) = graph::read(&path, &options) else { continue };
            read += 1;
            assert!(import.notes[0].starts_with("profile "), "{:?}", import.notes);
            let text = graph::write_json(&import.network);
            let again = graph::read_json(&text, "again.json").unwrap_or_else(|problems| panic!("{problems}"));
            let (Network::Float(before), Network::Float(after)) = (&import.network, &again) else { panic!("float") };
            assert_eq!(before.profile, after.profile);
            for (before, after) in before.projections.iter().zip(&after.projections) {
                assert_eq!((&before.pattern, &before.delays), (&after.pattern, &after.delays));
                let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 1e-15 * a.abs();
                assert!(before.weights.iter().zip(&after.weights).all(close), "{}", path.display());
            }
        }
    }
    assert!(read >= 10, "{read} files were read");
}

#[test]
fn the_time_step_is_inferred_where_the_file_tells_it_and_asked_for_else() {
    let plain = |file: &str| graph::read(&data(file), &ReadOptions::default());
    let dt = |file: &str| match plain(file).unwrap_or_else(|problems| panic!("{problems}")).network {
        Network::Float(graph) => (graph.profile.name, graph.profile.dt),
        Network::Int(_) => panic!("NIR is float"),
    };
    assert_eq!(dt("paper/braille_noDelay_bias_zero.nir"), ("snntorch".to_owned(), 1e-4));
    let problems = plain("paper/two_lif_neurons.nir").expect_err("tau alone tells no step");
    assert!(problems.has("graph/dt") && problems.to_string().contains("--dt"), "{problems}");
    let wrong = ReadOptions { profile: Some("snntroch".to_owned()), ..ReadOptions::default() };
    let problems = graph::read(&data("paper/two_lif_neurons.nir"), &wrong).expect_err("no such profile");
    assert!(problems.to_string().contains("did you mean 'snntorch'"), "{problems}");
}

#[test]
fn damaged_files_never_panic() {
    let bytes = std::fs::read(data("paper/lif_norse.nir")).expect("the file");
    let options = ReadOptions { dt: Some(1e-3), ..ReadOptions::default() };
    for length in (0..bytes.len()).step_by(97) {
        let _ = graph::read_nir(&bytes[..length], "cut.nir", &options);
    }
    for at in (0..bytes.len()).step_by(11) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1 << (at % 8);
        let _ = graph::read_nir(&bytes, "flipped.nir", &options);
    }
}
