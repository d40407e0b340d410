//! The readers together, through files as a user has them.

use std::fs;
use std::path::{Path, PathBuf};

use npyz::WriterBuilder;
use npyz::npz::NpzWriter;

use super::*;
use crate::diag::Problems;

/// A directory of its own for a test, removed when it goes out of scope.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("spikeloom-stimulus-{}-{test}", std::process::id()));
        fs::create_dir_all(&path).expect("a temporary directory");
        Self(path)
    }

    fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new(""))).expect("a directory");
        fs::write(&path, bytes).expect("a file");
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn npy<T: npyz::Serialize + npyz::AutoSerialize + Copy>(shape: &[u64], order: npyz::Order, values: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut writer = npyz::WriteOptions::new()
        .default_dtype()
        .shape(shape)
        .order(order)
        .writer(&mut bytes)
        .begin_nd()
        .expect("a header");
    writer.extend(values.iter().copied()).expect("values");
    writer.finish().expect("an end");
    bytes
}

fn triples(sample: &Sample) -> Vec<(u32, u32, u16)> {
    sample.spikes.iter().map(|spike| (spike.tick, spike.input, spike.value)).collect()
}

fn code(result: Result<Stimulus, Problems>) -> &'static str {
    result.expect_err("faulty").all()[0].code
}

#[test]
fn tensors_are_read_by_shape_and_order() {
    let folder = Folder::new("tensors");
    // (time 3, inputs 2): spikes at (0, 1), (2, 0) twice.
    let rows = folder.file("c.npy", npy(&[3, 2], npyz::Order::C, &[0_u8, 1, 0, 0, 2, 0]));
    let columns = folder.file("f.npy", npy(&[3, 2], npyz::Order::Fortran, &[0.0_f32, 0.0, 2.0, 1.0, 0.0, 0.0]));
    for path in [rows, columns] {
        let stimulus = read(&path, 2, &Options::default()).expect("valid");
        assert_eq!(stimulus.samples.len(), 1);
        assert_eq!(triples(&stimulus.samples[0]), [(0, 1, 1), (2, 0, 2)]);
        assert_eq!(stimulus.samples[0].ticks, 3);
    }
    let batch = folder.file("b.npy", npy(&[2, 2, 1, 3], npyz::Order::C, &[1_i64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]));
    let stimulus = read(&batch, 3, &Options { ticks: Some(1), ..Options::default() }).expect("valid");
    assert_eq!(stimulus.samples.iter().map(triples).collect::<Vec<_>>(), [vec![(0, 0, 1)], vec![]]);
}

#[test]
fn archives_carry_labels() {
    let folder = Folder::new("archives");
    let path = folder.0.join("a.npz");
    let mut archive = NpzWriter::create(&path).expect("an archive");
    let mut put = |name: &str, shape: &[u64], values: &[u8]| {
        let mut writer = archive
            .array(name, Default::default())
            .expect("an array")
            .default_dtype()
            .shape(shape)
            .begin_nd()
            .expect("a header");
        writer.extend(values.iter().copied()).expect("values");
        writer.finish().expect("an end");
    };
    put("events", &[2, 2, 2], &[1, 0, 0, 0, 0, 0, 0, 1]);
    put("labels", &[2], &[0, 9]);
    drop(archive);
    let stimulus = read(&path, 2, &Options::default()).expect("valid");
    assert_eq!(stimulus.samples.iter().map(|s| s.label).collect::<Vec<_>>(), [Some(0), Some(9)]);
    let given = read(&path, 2, &Options { labels: vec![4, 5], ..Options::default() }).expect("valid");
    assert_eq!(given.samples[1].label, Some(5));
    assert_eq!(code(read(&path, 2, &Options { labels: vec![4], ..Options::default() })), "stimulus/labels");
}

#[test]
fn images_are_encoded_where_asked_for() {
    let folder = Folder::new("images");
    let path = folder.file("i.npy", npy(&[2, 2, 2], npyz::Order::C, &[0_u8, 8, 16, 1, 0, 0, 0, 0]));
    let options = Options { encoding: Some(Encoding::Latency), ticks: Some(17), ..Options::default() };
    let stimulus = read(&path, 4, &options).expect("valid");
    assert_eq!(triples(&stimulus.samples[0]), [(0, 2, 1), (8, 1, 1), (15, 3, 1)]);
    assert!(stimulus.samples[1].spikes.is_empty() && stimulus.samples[1].ticks == 17);
}

#[test]
fn broken_tensors_are_told_apart() {
    let folder = Folder::new("broken");
    let sound = npy(&[2, 2], npyz::Order::C, &[0.0_f64, 1.0, f64::NAN, -1.0]);
    let told = |name: &str, bytes: &[u8], inputs| code(read(&folder.file(name, bytes), inputs, &Options::default()));
    assert_eq!(told("nan.npy", &sound, 2), "stimulus/number");
    assert_eq!(told("shape.npy", &sound, 3), "stimulus/shape");
    assert_eq!(told("short.npy", &sound[..sound.len() - 3], 2), "stimulus/numpy");
    assert_eq!(told("empty.npy", &[], 2), "stimulus/numpy");
    assert_eq!(told("noise.npz", b"PK\x03\x04 no archive", 2), "stimulus/numpy");
    assert_eq!(told("huge.npy", &header("(9999999999999, 9999999999999)"), 2), "stimulus/numpy");
    assert_eq!(told("free.npy", &header("(9999999999999, 0)"), 0), "stimulus/empty");
    assert_eq!(told("none.npy", &header("(0, 2)"), 2), "stimulus/empty");
    assert_eq!(told("what.txt", b"", 2), "stimulus/format");
    assert_eq!(code(read(&folder.0.join("absent.csv"), 2, &Options::default())), "stimulus/read");
    // Every single-byte flip is read or refused, never a panic.
    for at in 0..sound.len() {
        let mut flipped = sound.clone();
        flipped[at] ^= 0x41;
        let _ = read(&folder.file("flip.npy", &flipped), 2, &Options::default());
    }
}

/// A file of nothing but a header with this shape.
fn header(shape: &str) -> Vec<u8> {
    let dict = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let length = (dict.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00".as_slice(), &length, dict.as_bytes()].concat()
}

#[test]
fn recordings_come_from_lists_and_class_directories() {
    let folder = Folder::new("recordings");
    let event = [3, 2, 0x80, 0x07, 0xd1];
    folder.file("set/1/b.bin", event);
    folder.file("set/1/a.bin", event);
    folder.file("set/0/z.bs2", event);
    folder.file("set/readme.txt", "no recording");
    let options = Options { shape: Some(vec![2, 4, 5]), ..Options::default() };
    let stimulus = read(&folder.0.join("set"), 40, &options).expect("valid");
    assert_eq!(stimulus.samples.iter().map(|s| s.label).collect::<Vec<_>>(), [Some(0), Some(1), Some(1)]);
    assert_eq!(triples(&stimulus.samples[0]), [(2, 20 + 2 * 5 + 3, 1)]);
    let list = folder.file("list.csv", "file,label\nset/1/a.bin,7\n\nset/0/z.bs2,3\n");
    let stimulus = read(&list, 40, &Options { ticks: Some(2), ..options.clone() }).expect("valid");
    assert_eq!(stimulus.samples.iter().map(|s| (s.label, s.ticks)).collect::<Vec<_>>(), [(Some(7), 2), (Some(3), 2)]);
    assert!(stimulus.samples[0].spikes.is_empty(), "later than the ticks asked for");
    let wrong = folder.file("wrong.csv", "file,label\nset/1/a.bin,x\nset/9/a.bin,-1\n");
    assert_eq!(read(&wrong, 40, &options).expect_err("faulty").all().len(), 2);
    let absent = folder.file("gone.csv", "file,label\nset/9/a.bin,1\nset/8/a.bin,1\n");
    assert_eq!(read(&absent, 40, &options).expect_err("faulty").all().len(), 2);
}
