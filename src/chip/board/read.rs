//! From the tree of a board file to a [`BoardSpec`].

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::spec::{Array, BoardChip, BoardSpec, LinkKind, Sharing, Wire};
use crate::chip::quantity::Dimension;
use crate::chip::read::choice;
use crate::chip::section::{Found, Section};
use crate::chip::tree::Node;
use crate::chip::{ChipSpec, LoadOptions, load};
use crate::diag::{Problem, nearest};
use crate::units::Picos;

/// Most chips of a board.
const MOST_CHIPS: usize = 1 << 14;
/// Most chips along a side.
const MOST_SIDE: i64 = 1 << 10;
/// The key that a board file begins with, and its version.
pub(in crate::chip) const KEY: &str = "board";
const FORMAT: RangeInclusive<i64> = 1..=1;

/// A wire as written.
struct Written {
    link: usize,
    ends: [String; 2],
    bus: Option<String>,
    place: String,
}

/// Reads the whole tree; `options` are those of every kind of chip.
pub(super) fn file(tree: &Node, options: &LoadOptions, found: &mut Found) -> Option<BoardSpec> {
    let mut root = Section::root(tree);
    root.plain(KEY, &FORMAT, found);
    let name = root.text("name", found).to_owned();
    let title = root.text("title", found).to_owned();
    let links = tables(&mut root, "link", found, |name, section, found| Some(link(name, section, found)));
    let mut made = Made {
        options,
        links: &links,
        kinds: Vec::new(),
        chips: Vec::new(),
        arrays: Vec::new(),
        taken: BTreeMap::new(),
    };
    for (name, section) in named(&mut root, "array", found) {
        made.array(&name, section, found);
    }
    for (name, section) in named(&mut root, "chip", found) {
        made.chip(&name, section, found);
    }
    let hosts = tables(&mut root, "host", found, |name, section, found| {
        section.finish(found);
        Some(name.to_owned())
    });
    let written = tables(&mut root, "wire", found, |name, section, found| wire(name, section, &links, found));
    let barrier = root.section("barrier", found).map_or_else(Vec::new, |section| barrier(section, found));
    let idle_nanowatts = root.section("power", found).and_then(|section| power(section, found));
    if idle_nanowatts.is_none() {
        found.unknown.push("power.idle".to_owned());
    }
    root.finish(found);
    let Made { kinds, chips, arrays, .. } = made;
    let mut board = BoardSpec {
        name,
        title,
        kinds: kinds.into_iter().map(|(_, kind)| kind).collect(),
        chips,
        hosts,
        arrays,
        links,
        wires: Vec::new(),
        buses: Vec::new(),
        barrier,
        idle_nanowatts,
        facts: Vec::new(),
        unknown: Vec::new(),
    };
    borders(&mut board);
    written.into_iter().for_each(|wire| join(&mut board, wire, found));
    board.facts = std::mem::take(&mut found.facts);
    board.unknown = std::mem::take(&mut found.unknown);
    Some(board)
}

/// The tables in table `key`, by name.
fn named<'a>(root: &mut Section<'a>, key: &str, found: &mut Found) -> Vec<(String, Section<'a>)> {
    let Some(mut outer) = root.section(key, found) else { return Vec::new() };
    let names: Vec<String> = outer
        .others()
        .iter()
        .map(|entry| entry.key.clone())
        .filter(|key| !matches!(key.as_str(), "source" | "status"))
        .collect();
    let sections = names.into_iter().filter_map(|name| Some((name.clone(), outer.section(&name, found)?))).collect();
    outer.finish(found);
    sections
}

/// What `read` makes of each of them.
fn tables<'a, T>(
    root: &mut Section<'a>,
    key: &str,
    found: &mut Found,
    read: impl Fn(&str, Section<'a>, &mut Found) -> Option<T>,
) -> Vec<T> {
    let sections = named(root, key, found);
    sections.into_iter().filter_map(|(name, section)| read(&name, section, found)).collect()
}

/// What has been read of the chips.
struct Made<'a> {
    options: &'a LoadOptions,
    links: &'a [LinkKind],
    kinds: Vec<(String, ChipSpec)>,
    chips: Vec<BoardChip>,
    arrays: Vec<Array>,
    /// Who is at each place.
    taken: BTreeMap<(u16, u16), String>,
}

impl Made<'_> {
    fn array(&mut self, name: &str, mut section: Section<'_>, found: &mut Found) {
        let kind = self.kind(&mut section, found);
        let at = at(&mut section, found);
        let place = section.place("").to_owned();
        let size = (
            section.number("width", 1..=MOST_SIDE, found) as u16,
            section.number("height", 1..=MOST_SIDE, found) as u16,
        );
        let link = link_of(&mut section, self.links, found);
        section.finish(found);
        let (Some(kind), Some(link)) = (kind, link) else { return };
        let count = usize::from(size.0) * usize::from(size.1);
        if self.room(count, &place, found) {
            let (number, first) = (self.arrays.len(), self.chips.len());
            for (y, x) in (0..size.1).flat_map(|y| (0..size.0).map(move |x| (y, x))) {
                let at = (at.0 + x, at.1 + y);
                self.put(BoardChip { name: format!("{name}[{x},{y}]"), kind, at, array: Some(number) }, &place, found);
            }
            self.arrays.push(Array { name: name.to_owned(), first, size, link });
        }
    }

    fn chip(&mut self, name: &str, mut section: Section<'_>, found: &mut Found) {
        let kind = self.kind(&mut section, found);
        let at = at(&mut section, found);
        let place = section.place("").to_owned();
        section.finish(found);
        if let Some(kind) = kind.filter(|_| self.room(1, &place, found)) {
            self.put(BoardChip { name: name.to_owned(), kind, at, array: None }, &place, found);
        }
    }

    fn room(&self, more: usize, place: &str, found: &mut Found) -> bool {
        let fits = self.chips.len() + more <= MOST_CHIPS;
        if !fits {
            let what = format!("{} chips", self.chips.len() + more);
            found.problems.push(Problem::invalid("board/range", place, what).limit(format!("{MOST_CHIPS} chips")));
        }
        fits
    }

    /// Puts a chip on its place, which must be free.
    fn put(&mut self, chip: BoardChip, place: &str, found: &mut Found) {
        if let Some(other) = self.taken.insert(chip.at, chip.name.clone()) {
            let what = format!("chip '{}' is at [{}, {}], where chip '{other}' is", chip.name, chip.at.0, chip.at.1);
            let problem = Problem::invalid("board/place", place, what).limit("one chip a place");
            found.problems.push(problem.help("move one of them: at = [x, y], in chips"));
        }
        self.chips.push(chip);
    }

    /// The kind of chip that a table names.
    fn kind(&mut self, section: &mut Section<'_>, found: &mut Found) -> Option<usize> {
        let place = section.place("chip").to_owned();
        let name = section.text("chip", found).to_owned();
        if name.is_empty() {
            return None;
        }
        if let Some(known) = self.kinds.iter().position(|(known, _)| *known == name) {
            return Some(known);
        }
        match load::chip(&name, self.options) {
            Ok(spec) => {
                self.kinds.push((name, spec));
                Some(self.kinds.len() - 1)
            }
            Err(problems) => {
                found.problems.extend(problems.into_vec().into_iter().map(|mut problem| {
                    problem.place = format!("{place}: {}", problem.place);
                    problem
                }));
                None
            }
        }
    }
}

fn at(section: &mut Section<'_>, found: &mut Found) -> (u16, u16) {
    let place = section.place("at");
    // Places are the file's own numbering: no fact that could have a source.
    let cells: Vec<i64> = section
        .list("at", found)
        .iter()
        .filter_map(|node| match &node.value {
            crate::chip::tree::Value::Number(text) => text.parse().ok().filter(|cell| (0..=30_000).contains(cell)),
            _ => None,
        })
        .collect();
    let [x, y] = cells.as_slice() else {
        let problem = Problem::invalid("board/range", place, format!("'{}' is no place", section.path("at")));
        found.problems.push(problem.limit("two whole numbers [x, y] from 0 to 30000, in chips"));
        return (0, 0);
    };
    (*x as u16, *y as u16)
}

fn link(name: &str, mut section: Section<'_>, found: &mut Found) -> LinkKind {
    let packet_bits = section.number("packet_bits", 1..=4096, found) as u16;
    let mut optional = |key: &str, dimension, found: &mut Found| {
        let value = section.optional(key, dimension, &[], found).map(|quantity| quantity.amount);
        if value.is_none() {
            found.unknown.push(section.path(key));
        }
        value
    };
    let kind = LinkKind {
        name: name.to_owned(),
        packet_bits,
        bits_per_second: optional("bandwidth", Dimension::Rate, found),
        latency: optional("latency", Dimension::Time, found).map(Picos),
        attojoules_per_bit: optional("energy_per_bit", Dimension::Energy, found),
        sharing: Sharing::None,
    };
    let (path, place) = (section.path("shared"), section.place("shared"));
    let word = section.optional_text("shared", found).unwrap_or(Sharing::NAMES[0]);
    let sharing = Sharing::NAMES.iter().position(|name| *name == word);
    if sharing.is_none() {
        found.problems.push(choice(&path, place, word, &Sharing::NAMES));
    }
    section.finish(found);
    LinkKind { sharing: Sharing::ALL[sharing.unwrap_or(0)], ..kind }
}

/// The kind of link that `link` names.
fn link_of(section: &mut Section<'_>, links: &[LinkKind], found: &mut Found) -> Option<usize> {
    let (path, place) = (section.path("link"), section.place("link"));
    let word = section.text("link", found);
    let known = links.iter().position(|link| link.name == word);
    if known.is_none() && !word.is_empty() {
        let names: Vec<&str> = links.iter().map(|link| link.name.as_str()).collect();
        let mut problem = choice(&path, place, word, &names);
        problem.help = problem.help.or_else(|| Some(format!("describe it in a table [link.{word}]")));
        found.problems.push(problem);
    }
    known
}

fn wire(_: &str, mut section: Section<'_>, links: &[LinkKind], found: &mut Found) -> Option<Written> {
    let link = link_of(&mut section, links, found);
    let place = section.place("ends").to_owned();
    let text = |node: &Node| match &node.value {
        crate::chip::tree::Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let ends: Vec<String> = section.list("ends", found).iter().filter_map(text).collect();
    let bus = section.optional_text("bus", found).map(ToOwned::to_owned);
    let ends = <[String; 2]>::try_from(ends);
    if ends.is_err() {
        let problem = Problem::invalid("board/wire", place.as_str(), format!("'{}' is no pair", section.path("ends")));
        found.problems.push(problem.limit("two names: [\"CHIP\", \"CHIP or HOST\"]"));
    }
    section.finish(found);
    Some(Written { link: link?, ends: ends.ok()?, bus, place })
}

/// The joints of an array's neighbours.
fn borders(board: &mut BoardSpec) {
    for array in &board.arrays {
        let (width, height) = (usize::from(array.size.0), usize::from(array.size.1));
        let mesh = &board.kinds[board.chips[array.first].kind].mesh;
        let lanes = |routers: u16| if board.links[array.link].sharing == Sharing::Side { 1 } else { routers };
        for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
            let here = array.first + y * width + x;
            let mut wire = |there: usize, routers: u16| {
                board.wires.push(Wire { link: array.link, ends: (here, there), bus: None, lanes: lanes(routers) });
            };
            if x + 1 < width {
                wire(here + 1, mesh.height);
            }
            if y + 1 < height {
                wire(here + width, mesh.width);
            }
        }
    }
}

/// Enters a written wire, whose ends must be there.
fn join(board: &mut BoardSpec, wire: Written, found: &mut Found) {
    let mut ends = Vec::new();
    for end in &wire.ends {
        let node = board.node(end);
        if node.is_none() {
            let what = format!("a link to '{end}', which is neither a chip nor a host of the board");
            let near = nearest(end, (0..board.nodes()).map(|node| board.node_name(node)));
            let help = near.map_or_else(
                || format!("describe it in a table [chip.{end}] or [host.{end}]"),
                |near| format!("did you mean '{near}'?"),
            );
            let limit = format!("{} chips and {} hosts", board.chips.len(), board.hosts.len());
            found.problems.push(Problem::invalid("board/wire", wire.place.as_str(), what).limit(limit).help(help));
        }
        ends.extend(node);
    }
    let [from, to] = ends.as_slice() else { return };
    if from == to {
        let what = format!("a link from '{}' to itself", wire.ends[0]);
        found.problems.push(Problem::invalid("board/wire", wire.place, what).help("name two different ends"));
        return;
    }
    let bus = wire.bus.map(|name| {
        board.buses.iter().position(|known| *known == name).unwrap_or_else(|| {
            board.buses.push(name);
            board.buses.len() - 1
        })
    });
    board.wires.push(Wire { link: wire.link, ends: (*from, *to), bus, lanes: 1 });
}

fn barrier(mut section: Section<'_>, found: &mut Found) -> Vec<(u16, Picos)> {
    let rows = section.pairs("table", Dimension::Time, found);
    if !rows.windows(2).all(|pair| pair[0].0 < pair[1].0) {
        let what = "'barrier.table' is not ascending in its first number";
        found.problems.push(Problem::invalid("board/order", section.place("table"), what));
    }
    section.finish(found);
    rows.into_iter().map(|(chips, time)| (chips as u16, Picos(time))).collect()
}

fn power(mut section: Section<'_>, found: &mut Found) -> Option<u64> {
    let idle = section.optional("idle", Dimension::Power, &[], found).map(|idle| idle.amount);
    section.finish(found);
    idle
}
