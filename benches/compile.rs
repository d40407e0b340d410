//! Compilation of the embedded digits network, and writing and reading of its image.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use spikeloom::chip::{self, LoadOptions};
use spikeloom::compile::{self, Log};
use spikeloom::{graph, image};

fn compilation(criterion: &mut Criterion) {
    let text = include_str!("../programs/digits/digits.json");
    let network = graph::read_json(text, "digits.json").expect("the embedded network is sound");
    let mut group = criterion.benchmark_group("compile digits");
    group.sample_size(20);
    for name in ["truenorth", "loihi"] {
        let chip = chip::load(name, &LoadOptions::default()).expect("built in");
        let compile =
            || compile::compile(&network, &chip, &compile::Options::default(), &mut Log::default()).expect("it fits");
        group.bench_function(name, |bencher| bencher.iter(compile));
    }
    group.finish();

    let chip = chip::load("loihi", &LoadOptions::default()).expect("built in");
    let compiled = compile::compile(&network, &chip, &compile::Options::default(), &mut Log::default());
    let bytes = image::encode(&compiled.expect("it fits").image, chip.digest);
    let mut group = criterion.benchmark_group("image");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("load and check", |bencher| {
        bencher.iter(|| {
            let (image, header) = image::decode(&bytes, "bench").expect("it was just written");
            image::check(&image, &header, &chip, "bench").expect("it fits the chip");
            image
        });
    });
    group.finish();
}

criterion_group!(benches, compilation);
criterion_main!(benches);
