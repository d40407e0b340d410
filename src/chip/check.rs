//! Checks across keys: what each number alone cannot show. The emulator relies on them: no accumulator overflows.

use super::clocked;
use super::cost::{self, CostSet};
use super::fcore;
use super::read::{File, choice};
use super::spec::{CapacityLimits, CrossbarSpec, CubaSpec, Family, MeshSpec, SyncSpec};
use super::tree::Node;
use crate::diag::Problem;

/// Most cores of a chip: keeps every table that has an entry a core small.
pub(super) const MOST_CORES: u64 = 1 << 20;

/// A tree with its problems.
struct Checker<'a> {
    tree: &'a Node,
    problems: &'a mut Vec<Problem>,
}

impl Checker<'_> {
    /// Reports `what` at the dotted `key` unless `good`.
    fn demand(&mut self, good: bool, key: &str, what: impl Into<String>, limit: impl Into<String>) {
        if !good {
            let mut node = self.tree;
            for part in key.split('.') {
                node = node.get(part).unwrap_or(node);
            }
            let what = format!("'{key}' {}", what.into());
            self.problems.push(Problem::invalid("chip/check", node.place.as_str(), what).limit(limit));
        }
    }
}

/// Checks a file that was read without problems.
pub(super) fn file(file: &File, tree: &Node, problems: &mut Vec<Problem>) {
    let chip = &file.chip;
    let mut checker = Checker { tree, problems };
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let named = !chip.name.is_empty() && chip.name.len() <= 64 && chip.name.chars().all(plain);
    checker.demand(named, "name", "is not a chip name", "1 to 64 of a-z, 0-9, '-' and '_'");
    mesh(&mut checker, &chip.mesh);
    match &chip.family {
        Family::Crossbar(spec) => crossbar(&mut checker, spec, &chip.capacity, &chip.mesh),
        Family::Cuba(spec) => cuba(&mut checker, spec, &chip.capacity),
        Family::Ranc(spec) => clocked::check_ranc(spec, &chip.capacity, &chip.mesh, tree, checker.problems),
        Family::TinyOdin(_) => clocked::check_tinyodin(&chip.capacity, &chip.mesh, tree, checker.problems),
        Family::Stepped(_) => {}
        Family::Fcore(_) => fcore::check(&chip.capacity, &chip.mesh, tree, checker.problems),
    }
    sync(&mut checker, "sync", &chip.sync);
    let fits = chip.family.is_clocked() == matches!(chip.sync, SyncSpec::Clocked { .. });
    let limit = "clocked for families ranc and tinyodin, another for the others";
    checker.demand(fits, "sync.kind", "does not fit the family of the core", limit);
    let single = !chip.family.is_clocked() || chip.mesh.edge.is_none();
    checker.demand(single, "board", "tiles a chip that is described in clocked logic", "families crossbar and cuba");
    let (min, max) = file.supply;
    checker.demand(0 < min && min <= max, "supply", "has its minimum above its maximum, or zero", "0 < min <= max");
    for set in file.sets.iter().filter(|set| set.energy.cost_set != cost::NONE) {
        cost_set(&mut checker, set, file.supply);
    }
    if !file.sets.iter().any(|set| set.energy.cost_set == file.default_cost_set) {
        let names: Vec<&str> = file.sets.iter().map(|set| set.energy.cost_set.as_str()).collect();
        let place = tree.get("default_cost_set").map_or("", |node| &node.place);
        checker.problems.push(choice("default_cost_set", place, &file.default_cost_set, &names));
    }
}

fn mesh(checker: &mut Checker<'_>, mesh: &MeshSpec) {
    let cores = u64::from(mesh.width) * u64::from(mesh.height) * u64::from(mesh.cores_per_router);
    let what = format!("makes {cores} cores with its height and cores_per_router");
    checker.demand(cores <= MOST_CORES, "mesh.width", what, format!("{MOST_CORES} cores"));
    let inside = mesh.host.0 < mesh.width && mesh.host.1 < mesh.height;
    let what = format!("is [{}, {}], outside of the mesh", mesh.host.0, mesh.host.1);
    checker.demand(inside, "mesh.host", what, format!("x < {}, y < {}", mesh.width, mesh.height));
}

fn crossbar(checker: &mut Checker<'_>, spec: &CrossbarSpec, capacity: &CapacityLimits, mesh: &MeshSpec) {
    let what = format!("is {}, not below potential_bits {}", spec.threshold_bits, spec.potential_bits);
    let limit = "a threshold must be reachable: threshold_bits < potential_bits";
    checker.demand(spec.threshold_bits < spec.potential_bits, "core.crossbar.threshold_bits", what, limit);
    let what = format!("is {}, below delay_min {}", spec.delay_max, spec.delay_min);
    checker.demand(spec.delay_min <= spec.delay_max, "core.crossbar.delay_max", what, "delay_min <= delay_max");
    let far = mesh.width.max(mesh.height) - 1;
    let what = format!("is {}, but the mesh is {} routers from end to end", spec.reach, far);
    // On a board they need not all; the compiler and the image check look at each route.
    checker.demand(
        mesh.edge.is_some() || spec.reach >= far,
        "core.crossbar.reach",
        what,
        "every core must be able to reach every core",
    );
    // V, plus every axon at the largest weight, plus the leak, in one 32-bit accumulator.
    let weight = (1_i64 << (spec.weight_bits - 1)) * (i64::from(capacity.axons_in) + 1);
    let most = weight + (1_i64 << (spec.potential_bits - 1)) + (1_i64 << spec.threshold_bits);
    let what = format!("lets a potential reach {most} within a tick");
    let limit = format!("{}: fewer axons_in, weight_bits or potential_bits", i32::MAX);
    checker.demand(most <= i64::from(i32::MAX), "core.crossbar.weight_bits", what, limit);
}

fn cuba(checker: &mut Checker<'_>, spec: &CubaSpec, capacity: &CapacityLimits) {
    for (key, given, defined) in
        [("core.cuba.state_bits", spec.state_bits, 24), ("core.cuba.decay_bits", spec.decay_bits, 12)]
    {
        let limit = format!("dialect {} is defined for {defined}", spec.dialect.name());
        checker.demand(given == defined, key, format!("is {given}"), limit);
    }
    let (min, max) = (spec.weight_exponent_min, spec.weight_exponent_max);
    let what = format!("is {max}, below weight_exponent_min {min}");
    checker.demand(min <= max, "core.cuba.weight_exponent_max", what, "weight_exponent_min <= weight_exponent_max");
    let magnitude = spec.weight_bits - 1;
    for (key, widths) in
        [("core.cuba.weight_widths", &spec.weight_widths), ("core.cuba.index_widths", &spec.index_widths)]
    {
        let ascending = widths.windows(2).all(|pair| pair[0] < pair[1]);
        checker.demand(ascending, key, "is not ascending", "each width once, smallest first");
    }
    let widest = spec.weight_widths.last().copied().unwrap_or(0);
    let what = format!("goes up to {widest} bits without sign, but weight_bits is {}", spec.weight_bits);
    checker.demand(widest <= magnitude, "core.cuba.weight_widths", what, format!("{magnitude} bits"));
    let index = spec.index_widths.last().copied().unwrap_or(0);
    let what = format!("goes up to {index} bits, too few for {} neurons", capacity.neurons);
    let limit = "the widest index must name every neuron of a core";
    checker.demand(1_u64 << index >= u64::from(capacity.neurons), "core.cuba.index_widths", what, limit);
    // Every synapse of the core at the largest weight and spike value (16 bits), on one 64-bit accumulator.
    let narrowest = u32::from(spec.weight_widths.first().copied().unwrap_or(1).max(1));
    let synapses = (u64::from(spec.synapse_words) * 64 / u64::from(narrowest)).max(1);
    let bits = synapses.ilog2() + 1 + u32::from(magnitude) + 16 + (i32::from(max).max(0) + 6) as u32;
    let what = format!("lets the synaptic input of a tick need {bits} bits");
    checker.demand(
        bits < 63,
        "core.cuba.synapse_words",
        what,
        "62 bits: fewer words, or a smaller weight_exponent_max",
    );
    let bias = u32::from(spec.bias_bits) + u32::from(spec.bias_exponent_max);
    let what = format!("and bias_exponent_max make a bias of {bias} bits");
    checker.demand(bias <= 31, "core.cuba.bias_bits", what, "31 bits");
}

fn sync(checker: &mut Checker<'_>, key: &str, spec: &SyncSpec) {
    if let SyncSpec::FixedTick { period } = spec {
        checker.demand(period.0 > 0, &format!("{key}.period"), "is zero", "at least 1 ps");
    }
}

fn cost_set(checker: &mut Checker<'_>, set: &CostSet, (min, max): (u64, u64)) {
    let supply = u64::from(set.energy.supply_mv);
    let name = &set.energy.cost_set;
    if !(min..=max).contains(&supply) {
        let what = format!("'cost.{name}.supply' is {supply} mV, outside of the chip's supply");
        let problem = Problem::invalid("chip/check", set.place.as_str(), what);
        checker.problems.push(problem.limit(format!("{min}..={max} mV")));
    }
    if let Some(spec) = &set.sync {
        sync(checker, &format!("cost.{name}.sync"), spec);
    }
}
