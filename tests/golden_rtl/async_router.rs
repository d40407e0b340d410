//! A mesh of Catalyst-N1's `async_router`.

use std::collections::VecDeque;
use std::path::Path;

use serde::Deserialize;
use spikeloom::emu::mesh::clocked::{Handover, RegisteredMesh, RegisteredMeshSpec};

use crate::{Difference, cases, events, parse, run_all};

#[derive(Deserialize)]
struct Case {
    format: String,
    params: Params,
    injections: Vec<Injection>,
    sink_ready: Vec<Sink>,
    total_cycles: u64,
    expected: Expected,
}

#[derive(Deserialize)]
struct Params {
    grid_x: u32,
    grid_y: u32,
    fifo_depth: u32,
}

#[derive(Deserialize)]
struct Injection {
    node: usize,
    cycle: u64,
    dst_x: u32,
    dst_y: u32,
    id: u32,
}

#[derive(Deserialize)]
struct Sink {
    node: usize,
    period: u64,
    bits: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    accepted: Vec<(u64, usize, u32)>,
    delivered: Vec<(u64, usize, u32)>,
}

fn check(path: &Path) -> Vec<Difference> {
    let case: Case = parse(path);
    assert_eq!(case.format, "catalyst-async-router-mesh-golden-v1", "{}", path.display());
    let Params { grid_x, grid_y, fifo_depth } = case.params;
    let nodes = (grid_x * grid_y) as usize;
    let mut mesh = RegisteredMesh::new(RegisteredMeshSpec { width: grid_x, height: grid_y, depth: fifo_depth });
    let mut waiting = vec![VecDeque::new(); nodes];
    for &Injection { node, cycle, dst_x, dst_y, id } in &case.injections {
        waiting[node].push_back((cycle, Handover { x: dst_x, y: dst_y, id }));
    }
    let mut sinks = vec![(1, vec![1]); nodes];
    for sink in &case.sink_ready {
        sinks[sink.node] = (sink.period, sink.bits.clone());
    }
    let (mut accepted, mut delivered) = (Vec::new(), Vec::new());
    for cycle in 0..case.total_cycles {
        let offered = |queue: &VecDeque<(u64, Handover)>| {
            queue.front().filter(|(from, _)| *from <= cycle).map(|&(_, packet)| packet)
        };
        let offers: Vec<Option<Handover>> = waiting.iter().map(offered).collect();
        let ready = |node: usize| {
            let (period, bits) = &sinks[node];
            bits[usize::try_from(cycle % period).expect("a short period")] != 0
        };
        mesh.edge(
            &offers,
            ready,
            |node| {
                let (_, packet) = waiting[node].pop_front().expect("only what was offered is accepted");
                accepted.push((cycle, node, packet.id));
            },
            |node, packet| delivered.push((cycle, node, packet.id)),
        );
    }
    let fields = [
        events("accepted", &accepted, &case.expected.accepted, |event| event.0),
        events("delivered", &delivered, &case.expected.delivered, |event| event.0),
    ];
    fields.into_iter().flatten().collect()
}

#[test]
fn the_registered_mesh_is_exact_in_every_cycle() {
    run_all("async_router", &cases(&["async_router"]), check);
}
