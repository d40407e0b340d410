//! The mesh from outside: exact latencies, tight gates, conservation, freedom from deadlock, saturation against the
//! ideal bounds, and agreement with a second, plain mesh arrival by arrival.

mod mesh_support;

use proptest::prelude::*;
use spikeloom::chip::{EdgeLink, MeshSpec};
use spikeloom::emu::counters::LinkLoad;
use spikeloom::emu::mesh::{Arrival, Mesh, Packet, hops, zero_load};
use spikeloom::ids::CoreId;
use spikeloom::rng::Rng;
use spikeloom::units::Picos;

/// One core at each router of a square, with times that cannot be mistaken for each other.
fn square(side: u16) -> MeshSpec {
    MeshSpec {
        width: side,
        height: side,
        cores_per_router: 1,
        hop_x: Some(Picos(4_100)),
        hop_y: Some(Picos(6_503)),
        local: Some(Picos(2_107)),
        cycle: Some(Picos(1_009)),
        buffer: 4,
        host: (0, 0),
        edge: None,
    }
}

/// All times one nanosecond: the unit of the saturation tests.
fn unit(side: u16, buffer: u16) -> MeshSpec {
    let one = Some(Picos(1_000));
    MeshSpec { hop_x: one, hop_y: one, local: one, cycle: one, buffer, ..square(side) }
}

fn packet(ready: u64, from: u32, to: u32, tag: u32) -> Packet {
    Packet { ready: Picos(ready), from: Some(CoreId(from)), to: CoreId(to), tag }
}

/// Arrivals of one tick, swept line by line where that can be, and the same moved event by event.
fn deliver(spec: &MeshSpec, packets: &[Packet]) -> Vec<Arrival> {
    let (mut swept, mut moved) = (Mesh::new(spec).sweeps_from(0), Mesh::new(spec).sweeps_from(usize::MAX));
    let (mut arrivals, mut others) = (Vec::new(), Vec::new());
    swept.deliver(packets, &mut arrivals);
    moved.deliver(packets, &mut others);
    assert!(arrivals == others, "sweeps and events differ on {spec:?}, {packets:?}");
    assert_eq!(swept.links(), moved.links());
    arrivals
}

/// Arrival times by tag (tags count from zero).
fn times(spec: &MeshSpec, packets: &[Packet]) -> Vec<u64> {
    let mut arrivals = deliver(spec, packets);
    arrivals.sort_by_key(|arrival| arrival.tag);
    arrivals.iter().map(|arrival| arrival.at.0).collect()
}

#[test]
fn alone_a_packet_takes_the_sum_of_its_parts_on_every_route() {
    let spec = square(8);
    let mut mesh = Mesh::new(&spec);
    let mut arrivals = Vec::new();
    for (from, to) in (0..64_u32).flat_map(|from| (0..64_u32).map(move |to| (from, to))) {
        let dx = u64::from((from % 8).abs_diff(to % 8));
        let dy = u64::from((from / 8).abs_diff(to / 8));
        let sum = dx * 4_100 + dy * 6_503 + 2_107;
        mesh.deliver(&[packet(77, from, to, 5)], &mut arrivals);
        assert_eq!(arrivals, [Arrival { at: Picos(77 + sum), tag: 5 }], "{from} -> {to}");
        assert_eq!(zero_load(&spec, Some(CoreId(from)), CoreId(to)), Some(Picos(sum)));
        assert_eq!(hops(&spec, Some(CoreId(from)), CoreId(to)), (dx as u16, dy as u16));
        let crossed: u64 = mesh.take_links().iter().map(|link| link.packets).sum();
        assert_eq!(crossed, dx + dy, "{from} -> {to}");
    }
}

#[test]
fn the_host_injects_at_its_router() {
    let spec = MeshSpec { host: (7, 2), cores_per_router: 4, ..square(8) };
    for to in [CoreId(0), CoreId(4 * (2 * 8 + 7) + 3), CoreId(255)] {
        let alone = zero_load(&spec, None, to).expect("all latencies are known");
        let packets = [Packet { ready: Picos(10), from: None, to, tag: 0 }];
        assert_eq!(deliver(&spec, &packets), [Arrival { at: Picos(10) + alone, tag: 0 }]);
    }
}

#[test]
fn an_unknown_latency_is_said_and_counts_as_zero() {
    let spec = MeshSpec { hop_y: None, ..square(4) };
    assert_eq!(zero_load(&spec, Some(CoreId(0)), CoreId(3)), Some(Picos(3 * 4_100 + 2_107)));
    assert_eq!(zero_load(&spec, Some(CoreId(0)), CoreId(7)), None);
    assert_eq!(times(&spec, &[packet(0, 0, 7, 0)]), [3 * 4_100 + 2_107]);
}

#[test]
fn a_channel_is_blocked_one_picosecond_before_its_cycle_ends_and_ready_at_the_end() {
    // From core 1 a second packet wants the link that the first, from core 0, takes at 4_100.
    let spec = square(4);
    let first = 4_100 + 4_100 + 2_107;
    for (ready, starts) in
        [(4_100 + 1_008, 4_100 + 1_009), (4_100 + 1_009, 4_100 + 1_009), (4_100 + 1_010, 4_100 + 1_010)]
    {
        let got = times(&spec, &[packet(0, 0, 2, 0), packet(ready, 1, 2, 1)]);
        assert_eq!(got, [first, starts + 4_100 + 2_107], "ready at {ready}");
    }
}

#[test]
fn a_buffer_throttles_with_one_slot_too_few_and_never_with_enough() {
    // A slot is in use for hop + cycle = 10 cycles: ten slots run the link at full rate, nine miss one cycle in ten.
    let full = MeshSpec { hop_x: Some(Picos(9)), local: Some(Picos(3)), cycle: Some(Picos(1)), ..square(2) };
    let packets: Vec<Packet> = (0..40).map(|tag| packet(0, 0, 1, tag)).collect();
    for buffer in [1_u64, 2, 5, 9, 10, 11] {
        let spec = MeshSpec { buffer: buffer as u16, ..full.clone() };
        let expected: Vec<u64> =
            (0..40).map(|k| if buffer < 10 { k / buffer * 10 + k % buffer } else { k } + 9 + 3).collect();
        assert_eq!(times(&spec, &packets), expected, "{buffer} slots");
    }
}

#[test]
fn rows_share_the_wires_over_a_chip_edge_and_the_wires_are_free_at_the_end_of_a_cycle() {
    // Chips of 2 x 2 routers on 4 x 2; both rows send from column 1 to column 2.
    let edge = |side_packets_per_second| {
        let (tile, latency, cycle) = ((2, 2), Some(Picos(700)), Some(Picos(2_000)));
        Some(EdgeLink { tile, latency, cycle, packet_bits: 34, side_packets_per_second })
    };
    let shared = MeshSpec { width: 4, height: 2, edge: edge(Some(500_000_000)), ..square(4) };
    let own = MeshSpec { edge: edge(None), ..shared.clone() };
    let flies = 2_000 + 4_100 + 700 + 2_107;
    assert_eq!(zero_load(&shared, Some(CoreId(1)), CoreId(2)), Some(Picos(flies)));
    assert_eq!(zero_load(&shared, Some(CoreId(0)), CoreId(1)), Some(Picos(4_100 + 2_107)), "no edge on the way");
    for ready in [0, 1, 1_999, 2_000, 2_001] {
        let packets = [packet(0, 1, 2, 0), packet(ready, 5, 6, 1)];
        assert_eq!(times(&shared, &packets), [flies, ready.max(2_000) + flies], "ready at {ready}");
        assert_eq!(times(&own, &packets), [flies, ready + flies], "ready at {ready}, wires of its own");
        // The other direction and the other side of the chip have wires of their own.
        assert_eq!(times(&shared, &[packet(0, 1, 2, 0), packet(ready, 6, 5, 1)]), [flies, ready + flies]);
    }
}

#[test]
fn first_come_is_first_served_and_ties_go_by_port() {
    let spec = unit(3, 4);
    // All want core 4 (the centre): from the east (5), west (3), north (1), south (7), and from itself.
    let all = |ready: [u64; 5]| {
        let from = [5, 3, 1, 7, 4];
        let packets: Vec<Packet> = (0..5).map(|n| packet(ready[n], from[n], 4, n as u32)).collect();
        deliver(&spec, &packets).iter().map(|arrival| arrival.tag).collect::<Vec<_>>()
    };
    assert_eq!(all([0, 0, 0, 0, 1_000]), [0, 1, 2, 3, 4], "a tie: east, west, north, south, core");
    assert_eq!(all([0, 0, 0, 0, 999]), [4, 0, 1, 2, 3], "the core came first");
    assert_eq!(all([4, 3, 2, 1, 1_000]), [4, 3, 2, 1, 0], "each a picosecond before the next");
}

#[test]
fn a_sender_offers_by_time_then_tag_one_a_cycle() {
    let spec = unit(2, 4);
    let packets = [packet(5, 0, 0, 0), packet(0, 0, 1, 9), packet(0, 0, 1, 3), packet(0, 0, 0, 4)];
    let order: Vec<(u64, u32)> = deliver(&spec, &packets).iter().map(|arrival| (arrival.at.0, arrival.tag)).collect();
    assert_eq!(order, [(2_000, 3), (2_000, 4), (4_000, 0), (4_000, 9)]);
}

fn random_packets(seed: u64, cores: u32, count: u32, spread: u64) -> Vec<Packet> {
    let mut rng = Rng::new(seed);
    (0..count)
        .map(|tag| {
            let from = rng.below(u64::from(cores) + 1) as u32;
            let from = (from < cores).then_some(CoreId(from));
            Packet { ready: Picos(rng.below(spread)), from, to: CoreId(rng.below(u64::from(cores)) as u32), tag }
        })
        .collect()
}

#[test]
fn sweeps_on_threads_are_those_on_one() {
    let mut rng = Rng::new(77);
    for (side, buffer, count) in [(8, 2, 400), (16, 1, 3_000), (24, 2, 6_000), (24, 3, 12_000)] {
        let spec = MeshSpec { buffer, ..square(side) };
        let mut alone = Mesh::new(&spec).sweeps_from(0);
        // Threads that have worked on one tick work on the next.
        let mut meshes = [2, 3, 8].map(|threads| Mesh::new(&spec).sweeps_from(0).on_threads(threads));
        let (mut expected, mut arrivals) = (Vec::new(), Vec::new());
        for _ in 0..4 {
            let packets = random_packets(rng.next_u64(), u32::from(side * side), count, 40_000 + rng.below(400_000));
            alone.deliver(&packets, &mut expected);
            for mesh in &mut meshes {
                mesh.deliver(&packets, &mut arrivals);
                assert!(arrivals == expected, "{side} x {side}");
            }
        }
        meshes.iter().for_each(|mesh| assert_eq!(mesh.links(), alone.links()));
    }
}

#[test]
fn the_order_of_the_callers_packets_and_earlier_ticks_do_not_matter() {
    let spec = MeshSpec { cores_per_router: 4, buffer: 2, ..square(8) };
    let mut packets = random_packets(1, 256, 5_000, 40_000);
    let expected = deliver(&spec, &packets);
    assert!(expected.is_sorted_by_key(|arrival| (arrival.at, arrival.tag)));
    let mut mesh = Mesh::new(&spec);
    let mut arrivals = Vec::new();
    for seed in 0..5 {
        Rng::new(seed).shuffle(&mut packets);
        mesh.deliver(&packets, &mut arrivals);
        assert!(arrivals == expected, "in another order, or after {seed} ticks");
    }
    let (five_ticks, mut once) = (mesh.take_links(), Mesh::new(&spec));
    once.deliver(&packets, &mut arrivals);
    let five_times = |one: &LinkLoad| LinkLoad { packets: one.packets * 5, peak: one.peak };
    assert_eq!(five_ticks, once.links().iter().map(five_times).collect::<Vec<_>>());
    assert!(mesh.links().iter().all(|link| *link == LinkLoad::default()));
}

#[test]
fn one_slot_and_all_cores_sending_at_once_cannot_deadlock() {
    for seed in 0..20 {
        let spec = MeshSpec { cores_per_router: 2, buffer: 1, host: (3, 4), ..square(6) };
        let packets = random_packets(seed, 72, 4_000, 1 + seed * 500);
        assert_delivered(&spec, &packets);
    }
}

/// Every packet once, none earlier than alone, and each link as loaded as the routes say.
fn assert_delivered(spec: &MeshSpec, packets: &[Packet]) {
    let mut mesh = Mesh::new(spec);
    let mut arrivals = Vec::new();
    mesh.deliver(packets, &mut arrivals);
    assert!(arrivals.is_sorted_by_key(|arrival| (arrival.at, arrival.tag)));
    arrivals.sort_by_key(|arrival| arrival.tag);
    assert_eq!(arrivals.len(), packets.len(), "every packet arrives");
    for (tag, arrival) in (0..).zip(&arrivals) {
        let packet = packets.iter().find(|packet| packet.tag == tag).expect("tags count from zero");
        assert_eq!(arrival.tag, tag, "each packet once");
        let alone = zero_load(spec, packet.from, packet.to).unwrap_or_default();
        assert!(arrival.at >= packet.ready + alone, "{packet:?} at {arrival:?} is faster than alone");
    }
    let crossed: u64 = mesh.links().iter().map(|link| link.packets).sum();
    let far = |packet: &Packet| hops(spec, packet.from, packet.to);
    assert_eq!(crossed, packets.iter().map(far).map(|(x, y)| u64::from(x) + u64::from(y)).sum::<u64>());
}

fn any_spec() -> impl Strategy<Value = MeshSpec> {
    let picos = |most: u64| prop::option::weighted(0.9, (0..=most).prop_map(Picos));
    let tile = (1_u16..=3, 1_u16..=3, any::<bool>(), picos(7), 1_u64..=9);
    let edge = tile.prop_map(|(x, y, shared, latency, cycle)| EdgeLink {
        tile: (x, y),
        latency,
        cycle: Some(Picos(cycle)),
        packet_bits: 34,
        side_packets_per_second: shared.then_some(1_000_000_000_000 / cycle),
    });
    let times = (picos(9), picos(9), picos(5), picos(6));
    (1_u16..=5, 1_u16..=5, 1_u16..=3, times, 1_u16..=3, any::<(u16, u16)>(), prop::option::of(edge)).prop_map(
        |(width, height, cores_per_router, (hop_x, hop_y, local, cycle), buffer, host, edge)| MeshSpec {
            width,
            height,
            cores_per_router,
            hop_x,
            hop_y,
            local,
            cycle,
            buffer,
            host: (host.0 % width, host.1 % height),
            edge,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_the_plain_mesh(spec in any_spec(), seed: u64, count in 0_u32..120, spread in 1_u64..60) {
        let cores = u32::from(spec.width) * u32::from(spec.height) * u32::from(spec.cores_per_router);
        let packets = random_packets(seed, cores, count, spread);
        assert_delivered(&spec, &packets);
        prop_assert_eq!(deliver(&spec, &packets), mesh_support::deliver(&spec, &packets));
    }

    /// All times are given and no edge is crossed, so that all but the fullest meshes are swept.
    #[test]
    fn sweeps_equal_events(mut spec in any_spec(), seed: u64, count in 0_u32..300, spread in 1_u64..2_000) {
        spec.edge = None;
        for hop in [&mut spec.hop_x, &mut spec.hop_y] {
            *hop = Some(Picos(hop.unwrap_or_default().0.max(1)));
        }
        let cores = u32::from(spec.width) * u32::from(spec.height) * u32::from(spec.cores_per_router);
        assert_eq!(deliver(&spec, &random_packets(seed, cores, count, spread)).len(), count as usize);
    }
}

/// A pattern of 8x8 meshes with its ideal bounds under x-then-y routing: mean hops, the most loaded channel (packets
/// for each packet that a node sends) and hence the most packets a node can send in a cycle. Source: BookSim2
/// DOR bounds, 8x8.
struct Pattern {
    name: &'static str,
    mean_hops: f64,
    channel_load: u64,
    /// Justified fraction of the bound.
    least: f64,
    to: fn(from: u32, round: u32) -> u32,
}

const PATTERNS: [Pattern; 2] = [
    // All to all. FIFO inputs under uniform traffic block each other at the head of the line: 2 - sqrt(2) = 0.586 of
    // the bound is what a large input-queued switch keeps (Karol, Hluchyj, Morgan 1987).
    Pattern { name: "uniform", mean_hops: 5.25, channel_load: 2, least: 0.586, to: |_, round| round },
    // The corner turn is fed by one long queue that never runs dry, so it can be kept busy nearly always.
    Pattern { name: "transpose", mean_hops: 5.25, channel_load: 7, least: 0.95, to: |from, _| from % 8 * 8 + from / 8 },
];

/// Every node sends `rounds` packets to each of 64 targets of the pattern, in an order of its own, as fast as it can.
fn batch(pattern: &Pattern, rounds: u32) -> Vec<Packet> {
    let mut packets = Vec::new();
    for from in 0..64 {
        let mut targets: Vec<u32> = (0..64 * rounds).map(|n| (pattern.to)(from, n % 64)).collect();
        Rng::new(u64::from(from)).shuffle(&mut targets);
        for to in targets {
            packets.push(packet(0, from, to, packets.len() as u32));
        }
    }
    packets
}

/// A batch of K packets a node takes at least (load of the busiest channel) * K cycles: the bound holds strictly.
#[test]
fn saturation_stays_under_the_ideal_bounds_and_near_them() {
    println!(
        "{:<10} {:>6} {:>10} {:>10} {:>8}   (packets/node/cycle, hop = cycle)",
        "traffic", "buffer", "reached", "ideal", "part"
    );
    let mut fewer: f64 = 0.0;
    for (pattern, buffer) in PATTERNS.iter().flat_map(|pattern| [1, 2, 4, 16].map(|buffer| (pattern, buffer))) {
        let spec = unit(8, buffer);
        let packets = batch(pattern, 16);
        let mut mesh = Mesh::new(&spec);
        let mut arrivals = Vec::new();
        mesh.deliver(&packets, &mut arrivals);
        let sent = 64 * 16_u64;
        let crossed: u64 = mesh.links().iter().map(|link| link.packets).sum();
        let busiest = mesh.links().iter().map(|link| link.packets).max().unwrap_or_default();
        assert_eq!(crossed as f64 / packets.len() as f64, pattern.mean_hops, "{}", pattern.name);
        assert_eq!(busiest, pattern.channel_load * sent, "{}", pattern.name);

        let cycles = arrivals.last().expect("packets arrived").at.0 as f64 / 1_000.0;
        let (reached, ideal) = (sent as f64 / cycles, 1.0 / pattern.channel_load as f64);
        println!("{:<10} {buffer:>6} {reached:>10.4} {ideal:>10.4} {:>8.3}", pattern.name, reached / ideal);
        let channel_limit = ideal * (f64::from(buffer) / 2.0).min(1.0); // a slot is in use for hop + cycle = 2 cycles
        assert!(reached <= channel_limit, "{} with {buffer} slots beats its bound", pattern.name);
        // Two slots fill hop + cycle; with fewer than two to spare no bound from below is known, only that more help.
        let least = if buffer < 4 { 0.0 } else { pattern.least * ideal };
        assert!(reached >= least, "{}: {reached} with {buffer} slots", pattern.name);
        assert!(buffer == 1 || reached >= fewer, "{}: {buffer} slots are worse than fewer", pattern.name);
        fewer = reached;
    }
}

/// Mean latency in cycles with `rate` packets a node and cycle, for 4000 cycles.
fn mean_latency(pattern: &Pattern, rate: f64) -> f64 {
    let mut rng = Rng::new(9);
    let mut packets = Vec::new();
    for (cycle, from) in (0..4_000_u64).flat_map(|cycle| (0..64).map(move |from| (cycle, from))) {
        if rng.unit() < rate {
            let to = (pattern.to)(from, rng.below(64) as u32);
            packets.push(packet(cycle * 1_000, from, to, packets.len() as u32));
        }
    }
    let arrivals = deliver(&unit(8, 16), &packets);
    let total: u64 = arrivals.iter().map(|arrival| arrival.at.0 - packets[arrival.tag as usize].ready.0).sum();
    total as f64 / 1_000.0 / packets.len() as f64
}

#[test]
fn latency_rises_with_load_and_stays_flat_well_below_saturation() {
    for pattern in &PATTERNS {
        let ideal = 1.0 / pattern.channel_load as f64;
        let alone = pattern.mean_hops + 1.0;
        let curve: Vec<f64> =
            [0.02, 0.2, 0.4, 0.6, 0.8].iter().map(|part| mean_latency(pattern, part * ideal)).collect();
        println!("{:<10} alone {alone:.2}, at 2, 20, 40, 60, 80 % of the bound: {curve:.2?} cycles", pattern.name);
        assert!(curve.is_sorted(), "{}: {curve:?}", pattern.name);
        assert!((curve[0] - alone).abs() < 0.25, "{}: {curve:?}", pattern.name);
        assert!(curve[2] < 1.5 * alone, "{}: {curve:?}", pattern.name);
        // BookSim2 (one channel, 16 slots) is stable at 0.8 of the bound in uniform and 0.98 in transpose traffic.
        assert!(curve[4] < 4.0 * alone, "{}: {curve:?}", pattern.name);
    }
}
