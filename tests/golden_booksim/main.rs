//! The queued mesh against the recorded runs of BookSim (`booksim/curves.csv` of the golden folder): the same traffic,
//! number by number, so that every run can be compared in every digit.
//!
//! The bounds are those of the claim: 3 % in latency below the knee, 3 % in throughput, and in the knee itself (the highest
//! load with at most three times the latency at the lowest). Runs whose every number has BookSim's digits are counted; of the
//! committed set all must be such. `SPIKELOOM_BOOKSIM_SAMPLE=n` runs every n-th row of a large file only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use spikeloom::curve::{Outcome, Pattern, RouterSpec, Run, knee, sweep};
use spikeloom::emu::mesh::clocked::{Handover, QueuedMesh, QueuedMeshSpec};

/// One row of the curves.
struct Row {
    /// Mode, pattern, virtual channels, depth, speculation, and the pipeline where it is another.
    curve: (String, String, u32, u32, bool, String),
    run: Run,
    /// What BookSim said; none where it called the run unstable.
    expected: Option<Outcome>,
}

/// The curves, and runs of other pipelines where there are some.
fn tables(folder: &Path) -> Vec<PathBuf> {
    let names = ["curves.csv", "pipelines.csv"];
    names.iter().map(|name| folder.join(name)).filter(|path| path.exists()).collect()
}

fn rows(path: &PathBuf) -> Vec<Row> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().expect("a header").split(',').collect();
    lines.map(|line| row(&names.iter().copied().zip(line.split(',')).collect())).collect()
}

fn row(fields: &BTreeMap<&str, &str>) -> Row {
    let text = |name: &str| *fields.get(name).unwrap_or_else(|| panic!("no column {name}"));
    let whole = |name: &str| text(name).parse::<u32>().unwrap_or_else(|_| panic!("{name} is {}", text(name)));
    let number = |name: &str| text(name).parse::<f64>().unwrap_or_else(|_| panic!("{name} is {}", text(name)));
    let (vcs, depth, speculative) = (whole("num_vcs"), whole("vc_buf_size"), whole("speculative") == 1);
    // BookSim writes hotspot({27}).
    let name = text("traffic").replace("({", ":").replace("})", "");
    let pattern = Pattern::from_name(&name).unwrap_or_else(|error| panic!("{error}"));
    let expected = (whole("converged") == 1).then(|| Outcome {
        latency: number("pkt_lat_avg"),
        latency_min: number("pkt_lat_min"),
        latency_max: number("pkt_lat_max"),
        network_latency: number("net_lat_avg"),
        accepted: number("accepted_avg"),
        accepted_min: number("accepted_min"),
        injected: number("injected_avg"),
        hops: number("hops_avg"),
        cycles: number("cycles"),
    });
    let stage = |name: &&str| fields.get(*name).map(|cycles| format!("  {name} {cycles}"));
    let other = ["routing_delay", "credit_delay", "alloc_iters"].iter().filter_map(stage).collect();
    Row {
        curve: (text("mode").into(), text("traffic").into(), vcs, depth, speculative, other),
        run: Run {
            mesh: RouterSpec::Queued(pipeline(QueuedMeshSpec::booksim(8, 8, vcs, depth, speculative), fields)),
            pattern,
            measure_latency: text("mode") == "latency",
            offered: number("offered"),
            seed: u64::from(whole("seed")),
            sample_period: u64::from(whole("sample_period")),
        },
        expected,
    }
}

/// Stages that a row names take their own number of cycles.
fn pipeline(mut spec: QueuedMeshSpec, fields: &BTreeMap<&str, &str>) -> QueuedMeshSpec {
    let stages = [
        ("routing_delay", &mut spec.routing_delay),
        ("credit_delay", &mut spec.credit_delay),
        ("alloc_iters", &mut spec.iterations),
    ];
    for (name, stage) in stages {
        if let Some(cycles) = fields.get(name) {
            *stage = cycles.parse().unwrap_or_else(|_| panic!("{name} is {cycles}"));
        }
    }
    spec
}

/// Errors of one curve.
#[derive(Default)]
struct Errors {
    rows: usize,
    exact: usize,
    latency: f64,
    accepted: f64,
    /// (offered, ours, theirs), latencies.
    points: Vec<(f64, Option<f64>, Option<f64>)>,
}

impl Errors {
    fn add(&mut self, row: &Row, ours: Option<Outcome>) {
        self.rows += 1;
        self.points.push((row.run.offered, ours.map(|ours| ours.latency), row.expected.map(|theirs| theirs.latency)));
        let (Some(ours), Some(theirs)) = (ours, row.expected) else {
            let both = ours.is_none() && row.expected.is_none();
            self.exact += usize::from(both);
            self.accepted = if both { self.accepted } else { 1.0 };
            return;
        };
        self.exact += usize::from(same_digits(&ours, &theirs));
        self.accepted = self.accepted.max((ours.accepted / theirs.accepted - 1.0).abs());
    }

    /// The highest load up to which no latency is above three times that at the lowest.
    fn knee(&self, of: impl Fn(&(f64, Option<f64>, Option<f64>)) -> Option<f64>) -> f64 {
        let mut points: Vec<(f64, Option<f64>)> = self.points.iter().map(|point| (point.0, of(point))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        knee(&points).unwrap_or(0.0)
    }

    fn settle(&mut self) -> (f64, f64) {
        let (ours, theirs) = (self.knee(|point| point.1), self.knee(|point| point.2));
        for (_, ours, theirs) in self.points.iter().filter(|(offered, ..)| *offered <= theirs) {
            let error = ours.zip(*theirs).map_or(1.0, |(ours, theirs)| (ours / theirs - 1.0).abs());
            self.latency = self.latency.max(error);
        }
        (ours, theirs)
    }
}

/// BookSim prints six digits.
fn same_digits(ours: &Outcome, theirs: &Outcome) -> bool {
    let fields = |of: &Outcome| {
        let Outcome { latency, latency_min, latency_max, network_latency, accepted, .. } = *of;
        let rest = [of.accepted_min, of.injected, of.hops, of.cycles];
        [latency, latency_min, latency_max, network_latency, accepted].into_iter().chain(rest).collect::<Vec<_>>()
    };
    let same = |(ours, theirs): (f64, f64)| (ours - theirs).abs() <= theirs.abs() * 5.01e-6;
    fields(ours).into_iter().zip(fields(theirs)).all(same)
}

#[test]
fn curves_are_booksims() {
    let given = std::env::var_os("SPIKELOOM_GOLDEN");
    let folder = given.as_ref().map_or_else(|| "tests/golden".into(), PathBuf::from);
    let mut rows: Vec<Row> = tables(&folder.join("booksim")).iter().flat_map(rows).collect();
    if let Some(every) = std::env::var("SPIKELOOM_BOOKSIM_SAMPLE").ok().and_then(|every| every.parse().ok()) {
        rows = rows.into_iter().step_by(every).collect();
    }
    assert!(!rows.is_empty(), "no run in {}", folder.display());
    let outcomes = all(&rows);
    let mut curves: BTreeMap<_, Errors> = BTreeMap::new();
    for (row, outcome) in rows.iter().zip(outcomes) {
        curves.entry(row.curve.clone()).or_default().add(row, outcome);
    }
    println!("mode        traffic        vcs  depth  spec  runs  exact  latency  accepted  knee");
    let (mut runs, mut exact, mut failed) = (0, 0, Vec::new());
    for ((mode, traffic, vcs, depth, speculative, other), errors) in &mut curves {
        let is_latency = mode == "latency";
        let (ours, theirs) = if is_latency { errors.settle() } else { (0.0, 0.0) };
        let (latency, accepted) = (100.0 * errors.latency, 100.0 * errors.accepted);
        println!(
            "{mode:<11} {traffic:<13} {vcs:>4} {depth:>6} {:>5} {:>5} {:>6} {latency:>6.2} % {accepted:>7.2} %  {ours}{other}",
            u8::from(*speculative),
            errors.rows,
            errors.exact
        );
        if errors.latency > 0.03 || errors.accepted > 0.03 || (ours - theirs).abs() > 0.03 * theirs {
            failed.push(format!("{mode} {traffic} {vcs} VCs of {depth}: knee {ours} instead of {theirs}"));
        }
        runs += errors.rows;
        exact += errors.exact;
    }
    println!("booksim: {runs} runs, {exact} exact in every digit");
    assert_eq!(failed, Vec::<String>::new());
    assert!(given.is_some() || exact == runs, "the committed runs are exact");
}

/// Runs everything on as many threads as there are; the order of the rows is kept.
fn all(rows: &[Row]) -> Vec<Option<Outcome>> {
    let start = std::time::Instant::now();
    let runs: Vec<Run> = rows.iter().map(|row| row.run.clone()).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let ended = sweep(&runs, threads).unwrap_or_else(|error| panic!("{error}"));
    let crossings: u64 = ended.iter().map(|(_, crossings)| crossings).sum();
    println!("{crossings} router crossings in {:?}", start.elapsed());
    ended.into_iter().map(|(outcome, _)| outcome).collect()
}

/// One packet alone, over every distance, in both pipelines: 3R + 2 and 4R + 2 cycles.
#[test]
fn a_packet_alone_takes_the_zero_load_latency() {
    for (speculative, per_router) in [(true, 3), (false, 4)] {
        let spec = QueuedMeshSpec::booksim(8, 8, 2, 4, speculative);
        for node in 0..64 {
            let mut mesh = QueuedMesh::new(spec).unwrap_or_else(|error| panic!("{error}"));
            let packet = Handover { x: node % 8, y: node / 8, id: node };
            let mut took = None;
            for cycle in 0..100 {
                mesh.deliver(|at, delivered| {
                    assert_eq!((at, delivered), (node, packet));
                    took = Some(cycle);
                });
                assert!(cycle > 0 || mesh.inject(0, packet));
                mesh.edge();
            }
            let routers = node % 8 + node / 8 + 1;
            assert_eq!(took, Some(per_router * routers + 2));
            assert_eq!(took, Some(spec.zero_load_latency(routers)));
            assert_eq!(mesh.next_work(), None);
        }
    }
}

/// Depth 4 with a round trip of 6 cycles: two packets in three cycles.
#[test]
fn shallow_buffers_throttle() {
    for (depth, expected) in [(4, 2000), (6, 3000), (8, 3000), (3, 1500)] {
        let spec = QueuedMeshSpec::booksim(2, 1, 1, depth, true);
        assert_eq!(spec.credit_round_trip(), 6);
        let mut mesh = QueuedMesh::new(spec).unwrap_or_else(|error| panic!("{error}"));
        let mut delivered = 0;
        for cycle in 0..3100 {
            mesh.deliver(|_, _| delivered += u32::from(cycle >= 100));
            mesh.inject(0, Handover { x: 1, y: 0, id: cycle });
            mesh.edge();
        }
        assert_eq!(delivered, expected, "depth {depth}");
    }
}

/// Other pipelines: one packet alone takes what the formula says, and a single virtual channel carries its depth in packets a
/// round trip.
#[test]
fn formulas_hold_for_every_pipeline() {
    for case in 0..200_u32 {
        let digit = |place: u32, base: u32| case / 3_u32.pow(place) % base;
        let mut spec = QueuedMeshSpec::booksim(4, 1, 1, 1 + case % 5, case % 2 == 0);
        (spec.routing_delay, spec.crossbar_delay) = (digit(0, 3), 1 + digit(1, 3));
        (spec.link_delay, spec.credit_delay) = (1 + digit(2, 3), digit(3, 3));
        if !spec.speculative {
            (spec.vc_alloc_delay, spec.sw_alloc_delay) = (1 + digit(1, 2), 1 + digit(2, 3));
        }
        let mut mesh = QueuedMesh::new(spec).unwrap_or_else(|error| panic!("{error}"));
        let (mut first, mut delivered, trip) = (None, 0, u64::from(spec.credit_round_trip()));
        for cycle in 0..200 + 20 * trip {
            mesh.deliver(|_, _| {
                first.get_or_insert(cycle);
                delivered += u64::from(cycle >= 200);
            });
            mesh.inject(0, Handover { x: 3, y: 0, id: 0 });
            mesh.edge();
        }
        assert_eq!(first, Some(u64::from(spec.zero_load_latency(4))), "{spec:?}");
        if spec.speculative && spec.routing_delay == 0 {
            assert_eq!(delivered, 20 * trip.min(u64::from(spec.depth)), "{spec:?}");
        }
    }
}
