//! Small graphs whose best division is known, and properties of every strategy.

use super::*;
use crate::rng::Rng;
use crate::watch::Quiet;

/// A random network: every neuron with a few targets and some spikes.
fn network(neurons: usize, fan: usize, seed: u64) -> Hypergraph {
    let mut rng = Rng::new(seed);
    let nets: Vec<(u32, u64, Vec<u32>)> = (0..neurons as u32)
        .map(|source| {
            let targets = (0..fan).map(|_| rng.below(neurons as u64) as u32).collect();
            (source, 1 + rng.below(9), targets)
        })
        .collect();
    Hypergraph::of(neurons, nets, &Limits::of_neurons(u64::MAX))
}

fn task<'a>(graph: &'a Hypergraph, limits: Limits, seed: u64) -> Task<'a> {
    Task { graph, limits, name: "test", seed, watch: &Quiet, given: None }
}

fn solve(graph: &Hypergraph, limits: Limits, strategy: &str) -> Partition {
    partition(&task(graph, limits, 1), &strategy.parse().expect("known")).unwrap_or_else(|p| panic!("{p}"))
}

/// Fewest cores beyond those that are `free`, then least traffic, of all divisions into at most `most` cores.
fn brute(graph: &Hypergraph, limits: &Limits, free: usize, most: usize) -> Option<(usize, u64)> {
    let n = graph.vertices();
    let mut division = vec![0_u32; n];
    let mut best: Option<(usize, u64)> = None;
    loop {
        let found = measure(graph, &division, limits);
        if found.illegal == 0 && found.cores <= most {
            let cost = (found.cores.max(free), found.km1);
            best = Some(best.map_or(cost, |best| best.min(cost)));
        }
        // The next restricted growth string: every division once.
        let Some(at) = (1..n).rev().find(|&at| {
            let most_before = division[..at].iter().max().copied().unwrap_or(0);
            division[at] <= most_before && (division[at] as usize) < most - 1
        }) else {
            return best;
        };
        division[at] += 1;
        division[at + 1..].fill(0);
    }
}

#[test]
fn multilevel_finds_the_optimum_of_tiny_networks() {
    let mut compared = 0;
    for seed in 0..12 {
        let graph = network(9, 3, seed);
        for limits in [
            Limits { parts: Some(3), ..Limits::of_neurons(3) },
            Limits { axons: 6, ..Limits::of_neurons(4) },
            Limits { axons: 8, ..Limits::of_neurons(9) },
        ] {
            if (0..9).any(|v| graph.axons_of(v) > limits.axons) {
                continue;
            }
            let (cores, km1) = brute(&graph, &limits, 0, 9).expect("single neurons fit");
            let found = solve(&graph, limits, "multilevel");
            assert_eq!(
                (found.measures.illegal, found.measures.cores, found.measures.km1),
                (0, cores, km1),
                "seed {seed}, {limits:?}"
            );
            compared += 1;
        }
    }
    assert!(compared > 20, "only {compared} cases had a division");
}

#[test]
fn every_strategy_keeps_the_limits_and_repeats() {
    let graph = network(300, 6, 5);
    for limits in [Limits { axons: 40, ..Limits::of_neurons(32) }, Limits::of_neurons(50)] {
        let greedy = solve(&graph, limits, "overlap-greedy").measures;
        for name in ["sequential", "overlap-greedy", "multilevel,sweeps=50,starts=2"] {
            let found = solve(&graph, limits, name);
            assert_eq!(found.measures.illegal, 0, "{name}");
            assert_eq!(found.fault(&task(&graph, limits, 1)), None, "{name}");
            assert_eq!(found.measures, measure(&graph, &found.division, &limits), "{name}");
            assert_eq!(found, solve(&graph, limits, name), "{name} repeats");
            if name.starts_with("multilevel") && limits.axons != u64::MAX {
                assert!(found.measures.cores <= greedy.cores && found.measures.km1 < greedy.km1, "{name}");
            }
        }
    }
}

/// METIS knows none of these limits but neurons: what it gives is made legal, in few cores, for every seed alike.
#[cfg(feature = "metis")]
#[test]
fn metis_is_legal_within_every_limit_and_repeats() {
    let graph = network(300, 6, 5);
    let busy = (0..300).map(|v| graph.weight(v).work).max().unwrap_or(0);
    for (limits, line) in [
        (Limits::of_neurons(300), "metis"),
        (Limits::of_neurons(50), "metis"),
        (Limits::of_neurons(50), "metis,slack=0.5"),
        (Limits::of_neurons(50), "metis,tries=3,volume=1"),
        (Limits::of_neurons(1), "metis"),
        (Limits { axons: 40, ..Limits::of_neurons(32) }, "metis"),
        (Limits { work: busy * 9, ..Limits::of_neurons(32) }, "metis,imbalance=0.2"),
        (Limits { parts: Some(7), ..Limits::of_neurons(45) }, "metis"),
        (Limits { parts: Some(6), ..Limits::of_neurons(50) }, "metis"),
    ] {
        let found = solve(&graph, limits, line);
        assert_eq!(found.fault(&task(&graph, limits, 1)), None, "{limits:?} {line}");
        assert_eq!(found, solve(&graph, limits, line), "{line} repeats");
        assert_eq!(found.strategy, line);
        let plain = solve(&graph, limits, "sequential").measures;
        // What METIS does not know costs cores; where it knows all it is as few as need be, and better than no search.
        let knows = limits.axons.min(limits.work) == u64::MAX;
        let most = if line.contains("slack") { 9 } else { plain.cores + if knows { 0 } else { plain.cores / 2 } };
        assert!(found.measures.cores <= most, "{limits:?} {line}: {} of {most}", found.measures.cores);
        if knows && (9..100).contains(&limits.neurons) {
            assert!(found.measures.km1 < plain.km1, "{limits:?} {line}: {}", found.measures.km1);
        }
    }
    // Nets from outside, silent nets, nets of one pin, and no net at all.
    let nets = (0..60).map(|net| (NO_SOURCE, net % 3 * (u64::MAX >> 9), vec![net as u32, (net as u32 * 7) % 60]));
    for graph in [Hypergraph::of(60, nets, &Limits::of_neurons(9)), Hypergraph::of(9, [], &Limits::of_neurons(9))] {
        let found = solve(&graph, Limits::of_neurons(4), "metis");
        assert_eq!((found.measures.illegal, found.division.len()), (0, graph.vertices()));
    }
}

#[test]
fn what_cannot_be_divided_is_told() {
    let graph = network(30, 5, 3);
    let tell = |limits: Limits, strategy: &str, given: Option<&[u32]>| {
        let task = Task { given, ..task(&graph, limits, 1) };
        partition(&task, &strategy.parse().expect("known")).expect_err("impossible").to_string()
    };
    assert!(tell(Limits { axons: 1, ..Limits::of_neurons(9) }, "multilevel", None).contains("fits no core alone"));
    let few = Limits { parts: Some(2), ..Limits::of_neurons(9) };
    assert!(tell(few, "multilevel", None).starts_with("error[partition/parts]: test: 30 neurons\n  limit: 18"));
    assert!(tell(Limits::of_neurons(9), "external", Some(&[0, 1])).contains("2 parts\n  limit: 30"));
    assert!(tell(Limits::of_neurons(9), "external", None).contains("external,file=FILE"));
}

#[test]
fn a_given_division_over_a_limit_is_measured_and_faulted() {
    let graph = network(30, 5, 3);
    let given = vec![7; 30];
    let task = Task { given: Some(&given), ..task(&graph, Limits::of_neurons(9), 1) };
    let found = partition(&task, &"external".parse().expect("known")).expect("measured");
    assert_eq!((found.measures.cores, found.measures.illegal, found.measures.km1), (1, 1, 0));
    assert!(found.fault(&task).expect("too full").to_string().contains("1 of 1 cores"));
}

#[test]
fn files_are_read_as_hmetis_writes_them() {
    let text = "% a net of the source 1 that feeds itself\n3 4 1\n5 1 2 1\n7 3 4\n\n2 4\n";
    let graph = formats::read_hgr(text, "a.hgr", None).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!((graph.vertices(), graph.nets().len(), graph.pin_count()), (4, 3, 5));
    assert_eq!(graph.pins(0), [Pin::new(0, true), Pin::new(1, true)]);
    assert_eq!(graph.pins(1), [Pin::new(2, false), Pin::new(3, true)]);
    let sourced = formats::read_hgr(text, "a.hgr", Some(("0\n3\n1\n", "a.src"))).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(sourced.pins(1), [Pin::new(2, true), Pin::new(3, false)]);
    let found = measure(&sourced, &[0, 1, 0, 1], &Limits::of_neurons(2));
    assert_eq!((found.km1, found.cut, found.axons_max, found.illegal), (12, 12, 2, 0));
    for (text, problem) in [
        ("", "the file is empty"),
        ("0 1073741824", "of which most are in no net"),
        ("1 2 10\n1 2\n4294967295\n1\n", "weigh 4294967296 together"),
        ("2 3\n1 2\n", "a.hgr: the file ends after 1 nets"),
        ("1 3\n1 4\n", "a.hgr:2: pin 4"),
        ("1 3\n1 x\n", "a.hgr:2: 'x' is no number"),
        ("1 3 7\n1 2\n", "a.hgr:1: format 7"),
        ("1 3\n1 2\n3\n", "a.hgr:3: '3' after the last line"),
        ("1 99999999999\n1 2\n", "a.hgr:1: 1 nets and 99999999999 vertices"),
        ("1 3 1\n99999999999 1 2\n", "a.hgr:2: a net weight of 99999999999"),
        ("1073741824 5\n", "the file ends after 0 nets"),
    ] {
        let told = formats::read_hgr(text, "a.hgr", None).expect_err(text).to_string();
        assert!(told.contains(problem), "{told}");
    }
    let told = |text: &str| formats::read_division(text, "a.part", 3).expect_err(text).to_string();
    assert!(told("0\n1\n").contains("a.part: 2 parts\n  limit: 3"));
    assert!(told("0\n1\n3\n").contains("a.part:3: part 3"));
    assert_eq!(formats::read_division(&formats::write_division(&[2, 0, 1]), "a.part", 3), Ok(vec![2, 0, 1]));
}

#[test]
fn work_is_what_reaches_a_neuron_and_its_cap_is_kept() {
    for seed in 0..6 {
        let graph = network(240, 5, seed);
        let mut reached = vec![0; graph.vertices()];
        for (number, net) in graph.nets().iter().enumerate() {
            let sinks = graph.pins(number).iter().filter(|pin| pin.is_sink());
            sinks.for_each(|pin| reached[pin.index()] += net.weight);
        }
        assert!((0..graph.vertices()).all(|v| graph.weight(v).work == reached[v]));
        for limits in [Limits::of_neurons(40), Limits { axons: 90, ..Limits::of_neurons(40) }] {
            for balance in [0.5, 1.02, 1.3] {
                let strategy = format!("multilevel,starts=2,combine=2,sweeps=30,effort=10,balance={balance}");
                let found = solve(&graph, limits, &strategy);
                let mut work = vec![0; found.measures.cores];
                found.division.iter().zip(&reached).for_each(|(&part, more)| work[part as usize] += more);
                let busiest = work.iter().copied().max().unwrap_or(0);
                let mean = reached.iter().sum::<u64>() as f64 / 6.0;
                let cap = ((balance * mean).ceil() as u64).max(reached.iter().copied().max().unwrap_or(0));
                let neurons = ((balance * 40.0).ceil() as u64).min(40);
                assert_eq!(found.limits.neurons, neurons);
                assert!(found.measures.neurons_max <= neurons);
                assert_eq!((found.limits.work, found.measures.work_max, found.measures.illegal), (cap, busiest, 0));
                assert!(busiest <= cap, "seed {seed}, balance {balance}: {busiest} of {cap}");
                assert_eq!(found.fault(&task(&graph, limits, 1)), None);
                assert_eq!(found, solve(&graph, limits, &strategy), "{strategy} repeats");
            }
            let plain = solve(&graph, limits, "multilevel,starts=1,combine=0,sweeps=9,effort=9");
            assert_eq!((plain.limits, plain.measures.work_max), (limits, 0), "no cap unless asked for");
        }
    }
}

#[test]
fn under_a_cap_on_work_tiny_networks_reach_the_optimum() {
    for seed in 0..8 {
        let graph = network(9, 3, seed);
        for balance in [0.7, 1.0, 1.2, 1.5] {
            let found = solve(&graph, Limits::of_neurons(3), &format!("multilevel,balance={balance}"));
            let best = brute(&graph, &found.limits, 0, 9).expect("single neurons fit");
            let measures = &found.measures;
            let found = (measures.illegal, (measures.cores, measures.km1));
            assert_eq!(found, (0, best), "seed {seed}, balance {balance}");
        }
    }
}

/// A search that was given nothing is still the optimum where the tree is small; limits of every kind.
#[test]
fn branch_and_bound_alone_finds_the_optimum() {
    let mut compared = 0;
    for seed in 20..26 {
        let graph = network(8, 3, seed);
        let work = (0..8).map(|v| graph.weight(v).work).max().unwrap_or(0);
        for (limits, free) in [
            (Limits::of_neurons(3), 0),
            (Limits { work: work + work / 2, ..Limits::of_neurons(4) }, 0),
            (Limits { axons: 7, ..Limits::of_neurons(8) }, 0),
            (Limits { parts: Some(4), ..Limits::of_neurons(3) }, 4),
        ] {
            if (0..8).any(|v| graph.axons_of(v) > limits.axons) {
                continue;
            }
            // Everything in one core is over a limit: nothing to begin with.
            let found = exact::run(&graph, &limits, free, &[0; 8]).expect("better than an illegal division");
            let measures = measure(&graph, &found, &limits);
            let best = brute(&graph, &limits, free, limits.parts.unwrap_or(8));
            let cost = (measures.cores.max(free), measures.km1);
            assert_eq!((measures.illegal, Some(cost)), (0, best), "seed {seed}, {limits:?}");
            assert_eq!(exact::run(&graph, &limits, free, &found), None, "nothing is better than the best");
            compared += 1;
        }
    }
    assert!(compared > 18, "only {compared} cases had a division");
    let large = network(40, 3, 1);
    assert_eq!(exact::run(&large, &Limits::of_neurons(4), 0, &[0; 40]), None, "larger networks are left to the search");
}
