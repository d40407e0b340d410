//! The plain and the fast RANC model against each other, on random chips that are full of trouble: shallow buffers,
//! ticks to busy cores, spikes for the row in work, packets that leave the grid, runs that end anywhere.

use spikeloom::bits::BitRow;
use spikeloom::emu::mesh::clocked::Flit;
use spikeloom::emu::ranc::{
    Pace, RancChip, RancConfig, RancCore, RancInput, RancNeuron, RancParams, RancStimulus, RancTickInput, RancTicks,
    RancTrace,
};
use spikeloom::rng::Rng;

/// Uniform in `low..=high`.
fn pick(rng: &mut Rng, low: i64, high: i64) -> i64 {
    low + i64::try_from(rng.below(u64::try_from(high - low + 1).expect("a range"))).expect("small")
}

fn count(rng: &mut Rng, low: u32, high: u32) -> u32 {
    u32::try_from(pick(rng, i64::from(low), i64::from(high))).expect("small")
}

fn one_of(rng: &mut Rng, choices: &[u32]) -> u32 {
    choices[count(rng, 0, u32::try_from(choices.len()).expect("few") - 1) as usize]
}

fn config(rng: &mut Rng) -> RancConfig {
    let (grid_x, grid_y) = (count(rng, 1, 4), count(rng, 1, 3));
    let potential_width = if rng.below(8) == 0 { one_of(rng, &[1, 2, 33, 40]) } else { count(rng, 6, 12) };
    let params = RancParams {
        grid_x,
        grid_y,
        output_core: (count(rng, 0, grid_x - 1), count(rng, 0, grid_y - 1)),
        num_neurons: if rng.below(12) == 0 { count(rng, 60, 140) } else { count(rng, 1, 12) },
        num_axons: one_of(rng, &[2, 3, 5, 8, 16, 65, 130]),
        num_outputs: count(rng, 1, 9),
        num_ticks: one_of(rng, &[2, 4, 16]),
        num_weights: count(rng, 1, 5),
        num_reset_modes: count(rng, 2, 4),
        potential_width,
        weight_width: count(rng, 1, potential_width),
        leak_width: count(rng, 1, 9),
        threshold_width: if rng.below(8) == 0 { one_of(rng, &[1, 2, 40]) } else { count(rng, 4, 12) },
        dx_width: count(rng, 3, 9),
        dy_width: count(rng, 3, 9),
        router_buffer_depth: one_of(rng, &[1, 1, 2, 4]),
        input_buffer_depth: one_of(rng, &[1, 2, 8]),
    };
    let mut cores = Vec::new();
    for place in 0..grid_x * grid_y {
        let (x, y) = (place % grid_x, place / grid_x);
        if (x, y) != params.output_core {
            let axon_types = (0..params.num_axons).map(|_| count(rng, 0, params.num_weights - 1)).collect();
            let neurons = (0..params.num_neurons).map(|_| neuron(rng, &params, (x, y))).collect();
            cores.push(RancCore { x, y, axon_types, neurons });
        }
    }
    RancConfig { params, cores }
}

fn signed(rng: &mut Rng, bits: u32) -> i64 {
    pick(rng, -(1 << (bits - 1)), (1 << (bits - 1)) - 1)
}

fn neuron(rng: &mut Rng, params: &RancParams, (x, y): (u32, u32)) -> RancNeuron {
    let mut connections = BitRow::zeros(params.num_axons as usize);
    for axon in 0..params.num_axons as usize {
        connections.set(axon, rng.below(2) == 0);
    }
    let target = |rng: &mut Rng, size: u32, here: u32| -> i32 {
        let leaves_grid = rng.below(400) == 0;
        let there = if leaves_grid { -1 } else { pick(rng, 0, i64::from(size) - 1) };
        i32::try_from(there - i64::from(here)).expect("small")
    };
    RancNeuron {
        connections,
        potential: signed(rng, params.potential_width),
        reset_potential: signed(rng, params.potential_width),
        weights: (0..params.num_weights).map(|_| signed(rng, params.weight_width)).collect(),
        leak: signed(rng, params.leak_width),
        positive_threshold: signed(rng, params.threshold_width),
        negative_threshold: signed(rng, params.threshold_width),
        reset_mode: count(rng, 0, params.num_reset_modes - 1),
        dx: target(rng, params.grid_x, x),
        dy: target(rng, params.grid_y, y),
        axon: count(rng, 0, params.num_axons - 1),
        delay: count(rng, 0, params.num_ticks - 1),
    }
}

fn stimulus(rng: &mut Rng, params: &RancParams) -> RancStimulus {
    let period = u64::from(params.num_neurons * (params.num_axons + 2) + 3);
    let cycles = 10 + rng.below(period * 12);
    let (mut ticks, mut at) = (Vec::new(), rng.below(period));
    while at < cycles {
        ticks.push(at);
        at += if rng.below(6) == 0 { 1 + rng.below(period) } else { period + rng.below(3) * rng.below(period) };
    }
    let busy = 1 + rng.below(20);
    let mut packets = Vec::new();
    for cycle in 0..cycles {
        if rng.below(busy) == 0 {
            let dx = i32::try_from(count(rng, 0, params.grid_x - 1)).expect("small");
            let dy = i32::try_from(count(rng, 0, params.grid_y - 1)).expect("small");
            let (axon, delay) = (count(rng, 0, params.num_axons - 1), count(rng, 0, params.num_ticks - 1));
            packets.push(RancInput { cycle, flit: Flit { dx, dy, axon, delay } });
        }
    }
    RancStimulus { ticks, packets, cycles }
}

fn run(config: &RancConfig, stimulus: &RancStimulus, pace: Pace) -> RancChip {
    let mut chip = RancChip::new(config, pace).unwrap_or_else(|error| panic!("{error}"));
    chip.run(stimulus).unwrap_or_else(|error| panic!("{error}"));
    chip
}

/// A trace put together from its parts.
fn told(config: &RancConfig, stimulus: &RancStimulus) -> RancTrace {
    let mut chip = RancChip::new(config, Pace::Events).unwrap_or_else(|error| panic!("{error}"));
    let mut whole = RancTrace::default();
    let put = |part: &RancTrace| {
        whole.out_packets.extend(&part.out_packets);
        whole.spikes.extend(&part.spikes);
        whole.sched_writes.extend(&part.sched_writes);
        whole.sched_writes_lost.extend(&part.sched_writes_lost);
        whole.input_accepted.extend(&part.input_accepted);
        whole.input_dropped.extend(&part.input_dropped);
        whole.tc_error_cycle = part.tc_error_cycle;
        whole.tc_state_changes.extend(&part.tc_state_changes);
    };
    chip.run_telling(stimulus, put).unwrap_or_else(|error| panic!("{error}"));
    assert!(chip.trace().spikes.is_empty() && chip.trace().sched_writes.is_empty());
    whole
}

#[test]
fn both_models_tell_the_same_on_random_chips() {
    let mut rng = Rng::new(5);
    let (mut spikes, mut lost, mut dropped, mut overrun) = (0, 0, 0, 0);
    for case in 0..600 {
        let config = config(&mut rng);
        let stimulus = stimulus(&mut rng, &config.params);
        let (plain, fast) = (run(&config, &stimulus, Pace::Every), run(&config, &stimulus, Pace::Events));
        let (a, b) = (plain.trace(), fast.trace());
        assert_eq!(&told(&config, &stimulus), b, "case {case}: {:?}", config.params);
        let first = a.tc_state_changes.iter().zip(&b.tc_state_changes).find(|(a, b)| a != b);
        assert_eq!(first, None, "case {case}: {:?}", config.params);
        assert_eq!(a, b, "case {case}: {:?}", config.params);
        for core in 0..config.params.grid_x * config.params.grid_y {
            assert_eq!(plain.potentials(core), fast.potentials(core), "case {case}, core {core}");
            assert_eq!(plain.scheduler(core), fast.scheduler(core), "case {case}, core {core}");
            assert_eq!(plain.read_pointer(core), fast.read_pointer(core), "case {case}, core {core}");
        }
        spikes += a.spikes.len();
        lost += a.sched_writes_lost.len();
        dropped += a.input_dropped.len();
        overrun += usize::from(a.tc_error_cycle.is_some());
    }
    println!("random RANC chips: {spikes} spikes, {lost} lost writes, {dropped} dropped inputs, {overrun} overruns");
    assert!(spikes > 1_000 && lost > 10 && dropped > 100 && overrun > 50, "the chips are too tame");
}

/// Makes delays short of the longest, and all packets stay within the grid.
fn make_calm(config: &mut RancConfig) {
    let RancParams { grid_x, grid_y, num_ticks, .. } = config.params;
    let inside = |offset: i32, at: u32, size: u32| {
        let there = (i64::from(offset) + i64::from(at)).clamp(0, i64::from(size) - 1);
        i32::try_from(there - i64::from(at)).expect("small")
    };
    for core in &mut config.cores {
        for neuron in &mut core.neurons {
            neuron.delay = neuron.delay.min(num_ticks - 2);
            neuron.dx = inside(neuron.dx, core.x, grid_x);
            neuron.dy = inside(neuron.dy, core.y, grid_y);
        }
    }
}

/// Chips on which whole ticks can be told at once: many cores fire at one edge, their packets meet each other and those from
/// outside, and some grids are larger than a word of cores.
#[test]
fn calm_chips_tell_the_same() {
    let mut rng = Rng::new(102);
    let (mut spikes, mut lost) = (0, 0);
    for case in 0..400 {
        let mut config = config(&mut rng);
        let params = &mut config.params;
        let large = case % 20 == 0;
        (params.grid_x, params.grid_y) = if large { (11, 8) } else { (count(&mut rng, 2, 6), count(&mut rng, 1, 5)) };
        params.output_core = (count(&mut rng, 0, params.grid_x - 1), count(&mut rng, 0, params.grid_y - 1));
        params.num_axons = one_of(&mut rng, &[3, 8, 16, 65]);
        params.num_neurons = count(&mut rng, 1, if large { 4 } else { 12 });
        (params.dx_width, params.dy_width) = (6, 6);
        params.router_buffer_depth = one_of(&mut rng, &[2, 4, 4, 8]);
        params.input_buffer_depth = one_of(&mut rng, &[2, 8]);
        config.cores.clear();
        let params = config.params.clone();
        // All neurons of one number may have one goal, as in the networks that people train.
        let goal = (count(&mut rng, 0, params.grid_x - 1), count(&mut rng, 0, params.grid_y - 1));
        let share = rng.below(4);
        for place in 0..params.grid_x * params.grid_y {
            let (x, y) = (place % params.grid_x, place / params.grid_x);
            if (x, y) != params.output_core {
                let axon_types = (0..params.num_axons).map(|_| count(&mut rng, 0, params.num_weights - 1)).collect();
                let mut neurons: Vec<_> = (0..params.num_neurons).map(|_| neuron(&mut rng, &params, (x, y))).collect();
                for neuron in neurons.iter_mut().filter(|_| rng.below(4) < share) {
                    neuron.dx = goal.0.cast_signed() - x.cast_signed();
                    neuron.dy = goal.1.cast_signed() - y.cast_signed();
                }
                config.cores.push(RancCore { x, y, axon_types, neurons });
            }
        }
        make_calm(&mut config);
        let busy = u64::from(params.num_neurons * (params.num_axons + 2) + 3);
        let mut stimulus = RancStimulus::default();
        let (mut tick, mut packet) = (rng.below(busy), rng.below(20));
        for _ in 0..2 + rng.below(6) {
            stimulus.ticks.push(tick);
            tick += busy + if rng.below(3) == 0 { rng.below(4) } else { 60 + rng.below(busy) };
        }
        stimulus.cycles = tick;
        let gap = 2 + rng.below(4);
        while packet < stimulus.cycles {
            let dx = i32::try_from(count(&mut rng, 0, params.grid_x - 1)).expect("small");
            let dy = i32::try_from(count(&mut rng, 0, params.grid_y - 1)).expect("small");
            let (axon, delay) = (count(&mut rng, 0, params.num_axons - 1), count(&mut rng, 0, params.num_ticks - 2));
            stimulus.packets.push(RancInput { cycle: packet, flit: Flit { dx, dy, axon, delay } });
            packet += gap + if rng.below(12) == 0 { rng.below(2 * busy) } else { rng.below(3) };
        }
        let (plain, fast) = (run(&config, &stimulus, Pace::Every), run(&config, &stimulus, Pace::Events));
        let (a, b) = (plain.trace(), fast.trace());
        let first = a.sched_writes.iter().zip(&b.sched_writes).find(|(a, b)| a != b);
        assert_eq!(first, None, "case {case}: {params:?}");
        assert_eq!(a, b, "case {case}: {params:?}");
        assert_eq!(&told(&config, &stimulus), b, "case {case}: {params:?}");
        for core in 0..params.grid_x * params.grid_y {
            assert_eq!(plain.potentials(core), fast.potentials(core), "case {case}, core {core}");
            assert_eq!(plain.scheduler(core), fast.scheduler(core), "case {case}, core {core}");
        }
        spikes += a.spikes.len();
        lost += a.sched_writes_lost.len();
    }
    println!("calm RANC chips: {spikes} spikes, {lost} lost writes");
    assert!(spikes > 50_000, "the chips are too tame");
}

/// Ticks far apart, delays short of the longest, nothing beyond the grid: then the function alone is what the hardware does.
#[test]
fn ticks_alone_do_what_the_cycles_do() {
    let mut rng = Rng::new(6);
    let (mut spikes, mut lines, mut calm) = (0, 0, 0);
    for case in 0..200 {
        let mut config = config(&mut rng);
        let params = config.params.clone();
        make_calm(&mut config);
        let busy = u64::from(params.num_neurons * (params.num_axons + 2) + 3);
        let (period, ticks) = (busy * 3 + 6000, 1 + rng.below(12));
        let (mut stimulus, mut inputs) = (RancStimulus::default(), Vec::new());
        for tick in 0..ticks {
            stimulus.ticks.push((tick + 1) * period);
            for number in 0..rng.below(20) {
                let dx = i32::try_from(count(&mut rng, 0, params.grid_x - 1)).expect("small");
                let dy = i32::try_from(count(&mut rng, 0, params.grid_y - 1)).expect("small");
                let (axon, delay) =
                    (count(&mut rng, 0, params.num_axons - 1), count(&mut rng, 0, params.num_ticks - 2));
                let flit = Flit { dx, dy, axon, delay };
                inputs.push(RancTickInput { tick, flit });
                stimulus.packets.push(RancInput { cycle: (tick + 1) * period - 1000 + 25 * number, flit });
            }
        }
        stimulus.cycles = (ticks + 1) * period;
        let chip = run(&config, &stimulus, Pace::Events);
        let trace = chip.trace();
        // However far apart ticks are, a core next door can be at the end of its own when a spike comes.
        if !trace.sched_writes_lost.is_empty() {
            continue;
        }
        assert!(trace.tc_error_cycle.is_none() && trace.input_dropped.is_empty());
        calm += 1;
        for threads in 1..=3 {
            let mut alone = RancTicks::new(&config).unwrap_or_else(|error| panic!("{error}"));
            let first = ticks / 2;
            let split = inputs.partition_point(|input| input.tick < first);
            let mut told = Vec::new();
            let mut fired = 0;
            for (ticks, inputs) in [(first, &inputs[..split]), (ticks - first, &inputs[split..])] {
                let part = alone.run(ticks, inputs, threads).unwrap_or_else(|error| panic!("{error}"));
                assert_eq!((part.lost, part.stray), (0, 0));
                fired += part.spikes;
                told.extend(part.out_packets);
            }
            assert_eq!(fired, trace.spikes.len() as u64, "case {case}, {threads} threads: {params:?}");
            for core in &config.cores {
                let (x, y) = (core.x, core.y);
                assert_eq!(alone.potentials(x, y), chip.potentials(y * params.grid_x + x), "case {case}, ({x}, {y})");
            }
            // Inputs for the bus arrive in the interval before their tick.
            let shown: Vec<(u64, u32)> =
                trace.out_packets.iter().map(|&(cycle, line)| ((cycle + 1000) / period - 1, line)).collect();
            let sorted = |mut lines: Vec<(u64, u32)>| {
                lines.sort_unstable();
                lines
            };
            lines += shown.len();
            assert_eq!(sorted(told), sorted(shown), "case {case}, {threads} threads: {params:?}");
        }
        spikes += trace.spikes.len();
    }
    println!("{calm} random RANC chips without cycles: {spikes} spikes, {lines} lines");
    assert!(calm > 100 && spikes > 1_000 && lines > 100, "the chips are too tame");
}

/// What the hardware description cannot be built with is refused by name, with the limit.
#[test]
fn what_cannot_be_built_is_refused() {
    type Change = fn(&mut RancParams);
    let sound = config(&mut Rng::new(9));
    let changes: [(&str, Change); 8] = [
        ("num_reset_modes", |params| params.num_reset_modes = 1),
        ("num_ticks", |params| params.num_ticks = 10),
        ("num_ticks", |params| params.num_ticks = 1),
        ("num_axons", |params| params.num_axons = 1),
        ("router_buffer_depth", |params| params.router_buffer_depth = 3),
        ("input_buffer_depth", |params| params.input_buffer_depth = 6),
        ("weight_width", |params| (params.potential_width, params.weight_width) = (8, 9)),
        ("router_buffer_depth", |params| {
            (params.grid_x, params.grid_y, params.router_buffer_depth) = (4096, 4096, 1 << 16);
        }),
    ];
    for (name, change) in changes {
        let mut config = sound.clone();
        change(&mut config.params);
        let error = RancChip::new(&config, Pace::Events).map(|_| ()).expect_err(name).to_string();
        assert!(error.contains(name), "{error}");
    }
}
