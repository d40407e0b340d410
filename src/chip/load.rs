//! From the name or text of a chip to a [`ChipSpec`], with the choices of a run.

use std::io::Read;

use super::defects::{self, Stated};
use super::read::{self, File, choice};
use super::section::Found;
use super::spec::{ChipSpec, StaticPower, SyncSpec};
use super::{board, check, tree};
use crate::diag::{Problem, Problems, Result, nearest};
use crate::units::Picos;

/// A chip file larger than this is not read.
const MOST_BYTES: usize = 1 << 20;

const BUILTIN: [(&str, &str); 8] = [
    ("truenorth", include_str!("../../isa/chips/truenorth.toml")),
    ("loihi", include_str!("../../isa/chips/loihi.toml")),
    ("loihi2", include_str!("../../isa/chips/loihi2.toml")),
    ("ranc", include_str!("../../isa/chips/ranc.toml")),
    ("tinyodin", include_str!("../../isa/chips/tinyodin.toml")),
    ("tianjic", include_str!("../../isa/chips/tianjic.toml")),
    ("ka200", include_str!("../../isa/chips/ka200.toml")),
    ("example", include_str!("../../isa/chips/example.toml")),
];
const NAMES: [&str; 8] =
    [BUILTIN[0].0, BUILTIN[1].0, BUILTIN[2].0, BUILTIN[3].0, BUILTIN[4].0, BUILTIN[5].0, BUILTIN[6].0, BUILTIN[7].0];

/// What a run chooses about a chip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoadOptions {
    /// Name of a cost set; the file's default where `None`.
    pub cost_set: Option<String>,
    /// Supply in millivolts; that of the cost set where `None`.
    pub supply_mv: Option<u32>,
    /// Length of a tick, on chips with a fixed tick only.
    pub tick: Option<Picos>,
    /// Dotted keys with values that replace those of the file, in order, such as `("mesh.buffer", "4")` or
    /// `("mesh.hop_x", "5 ns")`. Values are TOML, or a number with a unit; their source is the command line.
    pub set: Vec<(String, String)>,
    /// Defects besides those of the file, such as `core=17`, `neuron=17:3` or `link=17:east`.
    pub defects: Vec<String>,
    /// A file with more of them: the table `[defects]` of a chip file.
    pub defects_file: Option<String>,
}

/// Names of the chips that come with the program.
#[must_use]
pub const fn builtin_names() -> &'static [&'static str] {
    &NAMES
}

/// The file of a chip that comes with the program.
#[must_use]
pub fn builtin_text(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// A chip file with every key explained, to start one's own from.
#[must_use]
pub const fn default_text() -> &'static str {
    BUILTIN[BUILTIN.len() - 1].1
}

/// Loads a built-in chip by name, or a chip file by path. A board that is one rectangle of chips of one kind is loaded
/// as their joint mesh.
///
/// # Errors
/// Everything that is wrong with the file or the options.
pub fn load(name_or_path: &str, options: &LoadOptions) -> Result<ChipSpec> {
    match board::as_chip(name_or_path, options)? {
        Some(chip) => Ok(chip),
        None => chip(name_or_path, options),
    }
}

/// Loads a chip, not a board.
pub(super) fn chip(name_or_path: &str, options: &LoadOptions) -> Result<ChipSpec> {
    match builtin_text(name_or_path) {
        Some(text) => parse(text, &format!("isa/chips/{name_or_path}.toml"), options),
        None => parse(&read_file(name_or_path, "chip", &all_names())?, name_or_path, options),
    }
}

/// Names of chips and boards.
fn all_names() -> Vec<&'static str> {
    NAMES.iter().chain(board::board_names()).copied().collect()
}

/// The text of a file that describes a `what`, which the program has under `names` too.
pub(super) fn read_file(path: &str, what: &str, names: &[&'static str]) -> Result<String> {
    let refuse = |what: String| Problem::invalid("chip/file", path, what);
    let file = std::fs::File::open(path).map_err(|error| {
        let near = nearest(path, names.iter().copied()).map(|near| format!("did you mean '{near}'? "));
        let help = format!("{}give a file or one of: {}", near.unwrap_or_default(), names.join(", "));
        refuse(format!("no {what} of this name, and no file: {error}")).help(help)
    })?;
    let mut bytes = Vec::new();
    file.take(MOST_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| refuse(format!("the file cannot be read: {error}")))?;
    if bytes.len() > MOST_BYTES {
        return Err(too_large(path).into());
    }
    String::from_utf8(bytes)
        .map_err(|error| refuse(format!("byte {} is not UTF-8", error.utf8_error().valid_up_to())).into())
}

fn too_large(file: &str) -> Problem {
    Problem::invalid("chip/file", file, "the file is too large for a chip").limit(format!("{MOST_BYTES} bytes"))
}

/// Reads and checks the text of a chip file; `file` is its name in messages. All problems are found at once,
/// except that nothing more is said of a file with syntax errors.
pub fn parse(text: &str, file: &str, options: &LoadOptions) -> Result<ChipSpec> {
    if text.len() > MOST_BYTES {
        return Err(too_large(file).into());
    }
    let mut found = Found::default();
    let mut tree = tree::parse(text, file, &mut found.problems);
    Problems::check(std::mem::take(&mut found.problems), ())?;
    for (key, value) in &options.set {
        tree::set(&mut tree, key, value, &mut found.problems);
    }
    let mut read = read::file(&tree, &mut found);
    if let Some(read) = read.as_ref().filter(|_| found.problems.is_empty()) {
        check::file(read, &tree, &mut found.problems);
    }
    let dead = more_defects(options, &mut found)?;
    if let Some(file) = read.as_mut().filter(|_| found.problems.is_empty()) {
        defects::enter(&mut file.chip, dead, &mut found);
    }
    let chip = read.filter(|_| found.problems.is_empty()).and_then(|read| choose(read, options, &mut found));
    Problems::check(found.problems, chip)?
        .ok_or_else(|| Problem::invalid("chip/file", file, "the file describes no chip").into())
}

/// Defects that a run states besides those of the chip file.
pub(super) fn more_defects(options: &LoadOptions, found: &mut Found) -> Result<Vec<Stated>> {
    let mut stated: Vec<Stated> = options.defects.iter().filter_map(|text| defects::argument(text, found)).collect();
    if let Some(path) = &options.defects_file {
        let text = read_file(path, "file of defects", &[])?;
        let tree = tree::parse(&text, path, &mut found.problems);
        Problems::check(std::mem::take(&mut found.problems), ())?;
        stated.extend(defects::file(&tree, found));
    }
    Ok(stated)
}

/// Applies the choices of a run.
fn choose(file: File, options: &LoadOptions, found: &mut Found) -> Option<ChipSpec> {
    let File { mut chip, default_cost_set, sets, supply, chips } = file;
    let name = options.cost_set.as_ref().unwrap_or(&default_cost_set);
    let names: Vec<String> = sets.iter().map(|set| set.energy.cost_set.clone()).collect();
    let Some(set) = sets.into_iter().find(|set| set.energy.cost_set == *name) else {
        let known: Vec<&str> = names.iter().map(String::as_str).collect();
        found.problems.push(choice("cost set", &chip.name, name, &known));
        return None;
    };
    chip.energy = set.energy;
    if let Some(power) = &mut chip.energy.static_power {
        power.nanowatts = power.nanowatts.saturating_mul(u64::from(chips));
    }
    chip.times = set.times;
    if let Some(sync) = set.sync {
        found.facts.retain(|fact| !fact.key.starts_with("sync."));
        chip.sync = sync;
    }
    if let Some(per_mhz) = set.clock_nanowatts_per_mhz {
        chip.energy.static_power = chip.energy.static_power.and_then(|power| clocked_power(power, per_mhz, &chip.sync));
    }
    if let Some(supply_mv) = options.supply_mv {
        if !(supply.0..=supply.1).contains(&u64::from(supply_mv)) {
            let what = format!("a supply of {supply_mv} mV is not one of this chip");
            let limit = format!("{}..={} mV", supply.0, supply.1);
            found.problems.push(Problem::invalid("chip/supply", chip.name.as_str(), what).limit(limit));
        }
        chip.energy.supply_mv = supply_mv;
    }
    if let Some(tick) = options.tick {
        set_tick(&mut chip, tick, found);
    }
    chip.facts = std::mem::take(&mut found.facts);
    chip.facts.extend(set.facts);
    chip.unknown = std::mem::take(&mut found.unknown);
    chip.unknown.extend(set.unknown);
    Some(chip)
}

/// Static power with that of the clock; unknown where the clock is.
fn clocked_power(power: StaticPower, nanowatts_per_mhz: u64, sync: &SyncSpec) -> Option<StaticPower> {
    let SyncSpec::Clocked { clock: Some(clock), .. } = sync else { return None };
    // A cycle of one microsecond is a megahertz.
    let of_clock = nanowatts_per_mhz.saturating_mul(1_000_000) / clock.0.max(1);
    Some(StaticPower { nanowatts: power.nanowatts.saturating_add(of_clock), ..power })
}

fn set_tick(chip: &mut ChipSpec, tick: Picos, found: &mut Found) {
    let most = super::quantity::Dimension::Time.most();
    let problem = match chip.sync {
        SyncSpec::FixedTick { .. } if (1..=most).contains(&tick.0) => {
            chip.sync = SyncSpec::FixedTick { period: tick };
            return;
        }
        SyncSpec::FixedTick { .. } => {
            let what = format!("a tick of {tick} is out of range");
            Problem::invalid("chip/tick", chip.name.as_str(), what).limit(format!("1..={most} ps"))
        }
        SyncSpec::Clocked { .. } => {
            let what = "ticks of this chip are counted in clock cycles";
            Problem::invalid("chip/tick", chip.name.as_str(), what).help("set sync.slack, and sync.clock for seconds")
        }
        SyncSpec::Barrier { .. } => {
            let what = "this chip has no fixed tick: a step ends when all cores have drained and met at a barrier";
            Problem::invalid("chip/tick", chip.name.as_str(), what).help("leave the tick out")
        }
    };
    found.problems.push(problem);
}
