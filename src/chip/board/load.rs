//! From the name or text of a board to a [`BoardSpec`], and to one chip where it is one mesh.

use super::spec::{BoardSpec, LinkKind, Sharing};
use super::{EdgeLink, check, read};
use crate::chip::section::Found;
use crate::chip::{ChipSpec, EnergyEntry, Fact, LoadOptions, defects, load, tree};
use crate::diag::{Problem, Problems, Result};
use crate::event::Event;

const BUILTIN: [(&str, &str); 5] = [
    ("truenorth_4x4", include_str!("../../../isa/boards/truenorth_4x4.toml")),
    ("nahuku32", include_str!("../../../isa/boards/nahuku32.toml")),
    ("pohoiki_springs", include_str!("../../../isa/boards/pohoiki_springs.toml")),
    ("hp300", include_str!("../../../isa/boards/hp300.toml")),
    ("ka200_server", include_str!("../../../isa/boards/ka200_server.toml")),
];
const NAMES: [&str; 5] = [BUILTIN[0].0, BUILTIN[1].0, BUILTIN[2].0, BUILTIN[3].0, BUILTIN[4].0];
/// What keys of a board begin with on the command line, before their place in its file.
const PREFIX: &str = "board.";

/// Names of the boards that come with the program.
#[must_use]
pub const fn board_names() -> &'static [&'static str] {
    &NAMES
}

fn builtin(name: &str) -> Option<&'static str> {
    BUILTIN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

/// Loads a built-in board by name, or a board file by path. `options` hold for every chip of it; keys to set that begin
/// with `board.` are of the board's file, such as `board.array.grid.width`.
///
/// # Errors
/// Everything that is wrong with the file, with place and next step.
pub fn load_board(name_or_path: &str, options: &LoadOptions) -> Result<BoardSpec> {
    match builtin(name_or_path) {
        Some(text) => parse_board(text, &format!("isa/boards/{name_or_path}.toml"), options),
        None => parse_board(&load::read_file(name_or_path, "board", &NAMES)?, name_or_path, options),
    }
}

/// Reads and checks the text of a board file; `file` is its name in messages.
///
/// # Errors
/// All problems at once, except that nothing more is said of a file with syntax errors.
pub fn parse_board(text: &str, file: &str, options: &LoadOptions) -> Result<BoardSpec> {
    let mut found = Found::default();
    let mut tree = tree::parse(text, file, &mut found.problems);
    Problems::check(std::mem::take(&mut found.problems), ())?;
    let (own, of_chips): (Vec<_>, Vec<_>) = options.set.iter().cloned().partition(|(key, _)| is_own(key, &tree));
    for (key, value) in own {
        tree::set(&mut tree, &key[PREFIX.len()..], &value, &mut found.problems);
    }
    let of_chips = LoadOptions { set: of_chips, defects: Vec::new(), defects_file: None, ..options.clone() };
    let board = read::file(&tree, &of_chips, &mut found);
    if let Some(board) = board.as_ref().filter(|_| found.problems.is_empty()) {
        check::board(board, &tree, &mut found.problems);
    }
    Problems::check(found.problems, board)?
        .ok_or_else(|| Problem::invalid("board/file", file, "the file describes no board").into())
}

/// Whether a key of the command line is of the board: its first table is one of the file.
fn is_own(key: &str, tree: &tree::Node) -> bool {
    let first = key.strip_prefix(PREFIX).and_then(|rest| rest.split('.').next());
    first.is_some_and(|first| tree.get(first).is_some())
}

/// Whether a text is that of a board: it begins with the key `board` and a number.
fn is_board(text: &str) -> bool {
    let key = |line: &str| line.split_once('=').is_some_and(|(key, _)| key.trim() == read::KEY);
    text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).is_some_and(key)
}

/// The board of this name as one chip; `None` where the name is not that of a board.
///
/// # Errors
/// What is wrong with the board, or why it is not one mesh.
pub(in crate::chip) fn as_chip(name_or_path: &str, options: &LoadOptions) -> Result<Option<ChipSpec>> {
    let board = match builtin(name_or_path) {
        Some(_) => load_board(name_or_path, options)?,
        None if load::builtin_text(name_or_path).is_some() || !std::path::Path::new(name_or_path).is_file() => {
            return Ok(None);
        }
        None => {
            let text = load::read_file(name_or_path, "board", &NAMES)?;
            if !is_board(&text) {
                return Ok(None);
            }
            parse_board(&text, name_or_path, options)?
        }
    };
    let mut chip = board.as_chip()?;
    let mut found = Found::default();
    let dead = load::more_defects(options, &mut found)?;
    defects::enter(&mut chip, dead, &mut found);
    Problems::check(found.problems, Some(chip))
}

impl BoardSpec {
    /// The whole board as one chip: the mesh of its chips continued over their borders.
    ///
    /// # Errors
    /// `board/mesh` where it is not one rectangle of chips of one kind, or too large for one mesh.
    pub fn as_chip(&self) -> Result<ChipSpec> {
        let refuse = |what: String| Problem::invalid("board/mesh", self.name.as_str(), what);
        let Some(array) = self.whole_array() else {
            let kinds: Vec<&str> = self.kinds.iter().map(|kind| kind.name.as_str()).collect();
            let what = format!("{} chips (kinds {}) that are not one mesh", self.chips.len(), kinds.join(", "));
            return Err(refuse(what)
                .limit("one array of chips of one kind")
                .help("compile for one of its chips; `spikeloom board` shows the board and sends packets over it")
                .into());
        };
        let mut chip = self.kinds[self.chips[array.first].kind].clone();
        let tile = (chip.mesh.width, chip.mesh.height);
        let sides = chip.mesh.width.checked_mul(array.size.0).zip(chip.mesh.height.checked_mul(array.size.1));
        let cores = self.cores();
        let Some((width, height)) = sides.filter(|_| cores <= crate::chip::check::MOST_CORES) else {
            let what = format!("{} chips of {} x {} routers, {cores} cores", self.chips.len(), tile.0, tile.1);
            return Err(refuse(what).limit(format!("{} cores", crate::chip::check::MOST_CORES)).into());
        };
        if chip.family.is_clocked() {
            let what = "chips that are described in clocked logic have no mesh to continue".to_owned();
            return Err(refuse(what).limit("families crossbar and cuba").into());
        }
        (chip.mesh.width, chip.mesh.height) = (width, height);
        chip.mesh.edge = Some(edge(&self.links[array.link], tile));
        self.price(&mut chip, &self.links[array.link]);
        (chip.name, chip.title) = (self.name.clone(), self.title.clone());
        chip.digest = crate::chip::read::digest(&chip.name, &chip.family, &chip.capacity, &chip.mesh);
        let own = |fact: &Fact| Fact { key: format!("{PREFIX}{}", fact.key), ..fact.clone() };
        chip.facts.extend(self.facts.iter().map(own));
        chip.unknown.extend(self.unknown.iter().map(|key| format!("{PREFIX}{key}")));
        Ok(chip)
    }

    /// Static power is that of all chips; a border's own price of a bit goes before the chip's.
    fn price(&self, chip: &mut ChipSpec, link: &LinkKind) {
        if let Some(power) = &mut chip.energy.static_power {
            power.nanowatts = power.nanowatts.saturating_mul(self.chips.len() as u64);
        }
        if let Some(attojoules) = link.attojoules_per_bit {
            let reference_mv = chip.energy.supply_mv.max(1);
            chip.energy.entries[Event::ChipCrossingBit.index()] =
                Some(EnergyEntry { attojoules, reference_mv, exponent_milli: 0 });
            chip.unknown.retain(|key| !key.ends_with(Event::ChipCrossingBit.key()));
        }
    }
}

/// The links over the borders of an array, as the mesh wants them.
fn edge(link: &LinkKind, tile: (u16, u16)) -> EdgeLink {
    let side = link.bits_per_second.map(|rate| rate / u64::from(link.packet_bits.max(1)));
    EdgeLink {
        tile,
        latency: link.latency,
        cycle: link.packet_time(),
        packet_bits: link.packet_bits,
        side_packets_per_second: side.filter(|_| link.sharing == Sharing::Side),
    }
}
