//! Packets over boards: by hand on a board of two kinds, and in the emulator over chip borders.

use spikeloom::board::{Routes, lay, send};
use spikeloom::chip::{self, LoadOptions};
use spikeloom::partition::layers::Layers;
use spikeloom::place::{Budget, Quiet};
use spikeloom::units::Picos;

use crate::files::mixed;

#[test]
fn packets_queue_where_links_are_shared() {
    let board = mixed(&[]).expect("good");
    let list = "time_ns,from,to,packets\n0,grid[0,0],tn,2\n5,\"x\",tn,1\n";
    let problems = send::read(list, "list.csv", &board).expect_err("no such chip");
    assert!(problems.to_string().contains("list.csv:3"), "{problems}");
    let list = send::read("time_ns,from,to,packets\n0,grid[0,0],tn,2\n5,cpu,tn,1\n", "list.csv", &board).expect("good");
    let sent = send::send(&board, &list);
    // 40 bits at 1 Gbit/s are 40 ns; the border has four lanes: 10 ns. First packet: 10 + 100, 40 + 100, 40 + 100 = 390.
    // The second leaves the border at 120 and waits at the host's link until 150: 40 + 100, 40 + 100: 430.
    // The host's own packet has its link to itself: 5 + 140.
    assert_eq!((sent.packets, sent.worst, sent.end), (3, Picos(430_000), Picos(430_000)));
    assert_eq!(sent.total, 390_000 + 430_000 + 140_000);
    let bits: u64 = sent.lines.iter().map(|line| line.bits).sum();
    assert_eq!((bits, sent.attojoules), (40 * 7, Some(280 * 2_000_000)));
    let waited: u64 = sent.lines.iter().map(|line| line.load.waited).sum();
    assert_eq!(waited, 10_000 + 30_000);
    // On one bus for both wires of the host every packet waits for every other.
    let bus = mixed(&[
        ("ends = [\"grid[1,0]\", \"cpu\"]", "ends = [\"grid[1,0]\", \"cpu\"]\nbus = \"root\""),
        ("ends = [\"tn\", \"cpu\"]", "ends = [\"tn\", \"cpu\"]\nbus = \"root\""),
    ])
    .expect("good");
    let both = "time_ns,from,to,packets\n0,cpu,tn,2\n0,tn,cpu,2\n";
    let both = send::read(both, "both.csv", &board).expect("good");
    assert_eq!(send::send(&board, &both).end, Picos(180_000), "each direction by itself");
    let shared = send::send(&bus, &both);
    assert_eq!((shared.end, shared.lines[0].name.as_str()), (Picos(260_000), "root"));
    // What is not known is told and takes no time.
    let blind =
        mixed(&[("bandwidth = { value = 1, unit = \"Gbit/s\", source = \"test\", status = \"estimated\" }\n", "")]);
    let sent = send::send(&blind.expect("good"), &list);
    assert!(sent.unknown.contains("link.near.bandwidth"));
    assert_eq!(sent.worst, Picos(300_000));
}

#[test]
fn ways_follow_the_mesh_in_an_array_and_the_fewest_wires_elsewhere() {
    let board = chip::load_board("nahuku32", &LoadOptions::default()).expect("ships");
    let routes = Routes::new(&board);
    for (from, to) in [(0, 31), (31, 0), (5, 16), (7, 7)] {
        let cell = |node: usize| (node % 8, node / 8);
        let hops = cell(from).0.abs_diff(cell(to).0) + cell(from).1.abs_diff(cell(to).1);
        let ways = routes.between(from, to);
        assert_eq!(ways.len(), hops);
        let first = board.wires[ways.first().copied().unwrap_or(0) / 2].ends;
        assert!(hops == 0 || first.0.abs_diff(first.1) == 1, "x first");
    }
    let board = mixed(&[]).expect("good");
    assert_eq!(Routes::new(&board).between(0, 2).len(), 3);
}

#[test]
fn a_network_of_structure_is_laid_chip_by_chip() {
    let board = chip::load_board("nahuku32", &LoadOptions::default()).expect("ships");
    let layers = Layers::read("8x128x128/8k5p2/8k5p2", "net").expect("a net");
    let laid = |strategy: &str, slack: f64| {
        let strategy = strategy.parse().expect("known");
        let budget = Budget { seed: 1, seconds: 60.0, chains: 1, watch: &Quiet };
        let laying = lay::Laying { layers: &layers, strategy: &strategy, slack, budget };
        lay::lay(&board, &laying).map(|(_, laid)| laid)
    };
    let found = laid("bisection", 0.02).expect("fits");
    assert_eq!(found.neurons, 3 * 8 * 128 * 128);
    let worse = laid("random", 0.02).expect("fits");
    assert!(found.crossings * 3.0 < worse.crossings, "{} against {}", found.crossings, worse.crossings);
    assert_eq!(found.traffic.packets, worse.traffic.packets);
    assert_eq!(found, laid("bisection", 0.02).expect("again"));
    // The barrier is that of its tiles; loads of links add up to the hops.
    assert!(found.barrier.is_some_and(|time| time > Picos(113_000)));
    assert_eq!(found.traffic.links.iter().sum::<f64>(), found.traffic.hops);
    let many = Layers::read("8x1024x1024/8k5p2", "net").expect("a net");
    let strategy = "bisection".parse().expect("known");
    let budget = Budget { seed: 1, seconds: 1.0, chains: 1, watch: &Quiet };
    let refused = lay::lay(&board, &lay::Laying { layers: &many, strategy: &strategy, slack: 0.0, budget });
    assert!(refused.expect_err("too large").to_string().contains("4096 cores on 32 chips"));
}
