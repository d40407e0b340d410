//! One tick of the mesh at low, medium and saturating load. The rate that criterion prints is in links crossed
//! per second: its inverse is the time of a packet-hop.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use spikeloom::chip::MeshSpec;
use spikeloom::emu::mesh::{Mesh, Packet, hops};
use spikeloom::ids::CoreId;
use spikeloom::rng::Rng;
use spikeloom::units::Picos;

const CYCLE: u64 = 1_000;
const CYCLES: u64 = 200;

fn mesh(width: u16, height: u16, cores_per_router: u16) -> MeshSpec {
    MeshSpec {
        width,
        height,
        cores_per_router,
        hop_x: Some(Picos(4_100)),
        hop_y: Some(Picos(6_500)),
        local: Some(Picos(2_100)),
        cycle: Some(Picos(CYCLE)),
        buffer: 16,
        host: (0, 0),
        edge: None,
    }
}

/// Uniform random traffic over 200 cycles at a part (in percent) of the bound of the bisection.
fn traffic(spec: &MeshSpec, percent: u64) -> Vec<Packet> {
    let cores = u64::from(spec.width) * u64::from(spec.height) * u64::from(spec.cores_per_router);
    // Half of the packets cross the middle, over 2 * (short side) links, each at most once a cycle.
    let bound = u64::from(spec.width.min(spec.height)) * 4 * CYCLES;
    let mut rng = Rng::new(1);
    (0..bound * percent / 100)
        .map(|tag| Packet {
            ready: Picos(rng.below(CYCLES * CYCLE)),
            from: Some(CoreId(rng.below(cores) as u32)),
            to: CoreId(rng.below(cores) as u32),
            tag: tag as u32,
        })
        .collect()
}

fn tick(c: &mut Criterion) {
    for (name, spec) in [("8x4x4", mesh(8, 4, 4)), ("64x64x1", mesh(64, 64, 1))] {
        let mut group = c.benchmark_group(format!("mesh/{name}"));
        group.sample_size(20);
        for (load, percent) in [("low", 2), ("medium", 30), ("saturating", 200)] {
            let packets = traffic(&spec, percent);
            let crossed = |packet: &Packet| hops(&spec, packet.from, packet.to);
            let links = packets.iter().map(crossed).map(|(x, y)| u64::from(x) + u64::from(y)).sum();
            group.throughput(Throughput::Elements(links));
            let (mut mesh, mut arrivals) = (Mesh::new(&spec), Vec::new());
            group.bench_function(BenchmarkId::from_parameter(load), |b| {
                b.iter(|| mesh.deliver(black_box(&packets), &mut arrivals));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, tick);
criterion_main!(benches);
