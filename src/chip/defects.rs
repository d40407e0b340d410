//! Defects: what of a chip does not work. Placement avoids it, and no image may use it.
//!
//! A dead core, neuron or axon (a row of the crossbar) is not used; its router still passes packets on. A dead router
//! takes its cores with it and lets no packet through; a dead link lets none over. Routes are dimension-order and do
//! not bend: what lies behind a dead link cannot be reached.

use std::collections::BTreeSet;

use super::section::{Found, Section};
use super::spec::ChipSpec;
use super::tree::{Node, Value};
use crate::diag::{Problem, nearest};
use crate::ids::CoreId;

/// Names of the four sides of a router, in the order of link numbers.
pub const SIDES: [&str; 4] = ["east", "west", "north", "south"];

/// Everything of a chip that does not work, by core number.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Defects {
    /// Dead cores.
    pub cores: BTreeSet<u32>,
    /// Dead routers, by (x, y).
    pub routers: BTreeSet<(u16, u16)>,
    /// Dead neurons, as (core, neuron).
    pub neurons: BTreeSet<(u32, u16)>,
    /// Dead axons, which are rows of synapses, as (core, axon).
    pub axons: BTreeSet<(u32, u16)>,
    /// Dead directed links, as (x, y, side), side 0 east, 1 west, 2 north, 3 south.
    pub links: BTreeSet<(u16, u16, u8)>,
}

impl Defects {
    /// Whether everything works.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Dead neurons of a core, ascending.
    pub fn neurons_of(&self, core: u32) -> impl Iterator<Item = u16> + '_ {
        self.neurons.range((core, 0)..=(core, u16::MAX)).map(|(_, neuron)| *neuron)
    }

    /// Dead axons of a core, ascending.
    pub fn axons_of(&self, core: u32) -> impl Iterator<Item = u16> + '_ {
        self.axons.range((core, 0)..=(core, u16::MAX)).map(|(_, axon)| *axon)
    }

    /// What stops a packet on its way from one router to another, x first, then y; `None` where it gets through.
    #[must_use]
    pub fn blocks(&self, from: (u16, u16), to: (u16, u16)) -> Option<String> {
        if self.links.is_empty() && self.routers.is_empty() {
            return None;
        }
        let (mut x, mut y) = from;
        loop {
            if self.routers.contains(&(x, y)) {
                return Some(format!("router ({x}, {y}) is dead"));
            }
            let side = match (x.cmp(&to.0), y.cmp(&to.1)) {
                (std::cmp::Ordering::Less, _) => 0,
                (std::cmp::Ordering::Greater, _) => 1,
                (_, std::cmp::Ordering::Greater) => 2,
                (_, std::cmp::Ordering::Less) => 3,
                _ => return None,
            };
            if self.links.contains(&(x, y, side)) {
                return Some(format!("the link {} of router ({x}, {y}) is dead", SIDES[usize::from(side)]));
            }
            match side {
                0 => x += 1,
                1 => x -= 1,
                2 => y -= 1,
                _ => y += 1,
            }
        }
    }
}

impl ChipSpec {
    /// Cores that can be used.
    #[must_use]
    pub fn usable_cores(&self) -> u32 {
        let dead = &self.defects;
        if dead.cores.is_empty() && dead.routers.is_empty() {
            return self.cores();
        }
        (0..self.cores()).filter(|core| self.is_alive(CoreId(*core))).count() as u32
    }

    /// Whether a core can be used at all.
    #[must_use]
    pub fn is_alive(&self, core: CoreId) -> bool {
        !self.defects.cores.contains(&core.0) && !self.defects.routers.contains(&self.router_of(core))
    }
}

/// The kinds of defect: (key in files, word on the command line).
const KINDS: [(&str, &str); 5] =
    [("cores", "core"), ("routers", "router"), ("neurons", "neuron"), ("axons", "axon"), ("links", "link")];

/// A defect as written, with where it stands.
#[derive(Debug)]
pub(super) struct Stated {
    kind: usize,
    text: String,
    place: String,
}

/// Reads `[defects]`: lists of core numbers, or of texts such as `"17:3"` and `"17:east"`.
pub(super) fn read(mut section: Section<'_>, found: &mut Found) -> Vec<Stated> {
    let mut stated = Vec::new();
    for (kind, (key, _)) in KINDS.into_iter().enumerate() {
        for node in section.list(key, found) {
            match &node.value {
                Value::Number(text) | Value::Text(text) => {
                    stated.push(Stated { kind, text: text.clone(), place: node.place.clone() });
                }
                other => found.problems.push(Problem::invalid(
                    "chip/type",
                    node.place.as_str(),
                    format!("an entry of '{key}' is {}", other.kind()),
                )),
            }
        }
    }
    section.finish(found);
    stated
}

/// A whole file of defects: a `[defects]` table, or its keys alone.
pub(super) fn file(tree: &Node, found: &mut Found) -> Vec<Stated> {
    let mut root = Section::root(tree);
    match root.section("defects", found) {
        Some(section) => {
            root.finish(found);
            read(section, found)
        }
        None => read(root, found),
    }
}

/// A defect of the command line, such as `core=17`.
pub(super) fn argument(text: &str, found: &mut Found) -> Option<Stated> {
    let place = format!("--defect {text}");
    let Some((word, rest)) = text.split_once('=') else {
        let what = format!("'{text}' is no defect");
        let help = "write core=17, router=17, neuron=17:3, axon=17:3 or link=17:east";
        found.problems.push(Problem::invalid("chip/defect", place, what).help(help));
        return None;
    };
    let kind = KINDS.iter().position(|(_, known)| *known == word.trim());
    if kind.is_none() {
        let words = KINDS.map(|(_, word)| word);
        let mut problem = Problem::invalid("chip/defect", place.as_str(), format!("'{word}' cannot be dead"));
        problem.limit = Some(words.join(", "));
        problem.help = nearest(word, words).map(|near| format!("did you mean '{near}'?"));
        found.problems.push(problem);
    }
    Some(Stated { kind: kind?, text: rest.trim().to_owned(), place })
}

/// Enters what is stated into the chip's defects, or says why it is none.
pub(super) fn enter(chip: &mut ChipSpec, stated: Vec<Stated>, found: &mut Found) {
    for Stated { kind, text, place } in stated {
        if chip.family.is_clocked() {
            let what = format!("'{text}' is a defect of a chip that is described in clocked logic");
            found.problems.push(Problem::invalid("chip/defect", place, what).limit("families crossbar and cuba"));
            continue;
        }
        if let Err((what, limit)) = one(chip, kind, &text) {
            found.problems.push(Problem::invalid("chip/defect", place, what).limit(limit));
        }
    }
}

/// What is wrong, and the limit.
type Refusal = (String, String);

fn one(chip: &mut ChipSpec, kind: usize, text: &str) -> Result<(), Refusal> {
    let (first, second) = match text.split_once(':') {
        Some((first, second)) => (first.trim(), Some(second.trim())),
        None => (text, None),
    };
    let cores = chip.cores();
    let core = first
        .parse()
        .ok()
        .filter(|core| *core < cores)
        .ok_or_else(|| (format!("'{first}' is no core"), format!("0..={}", cores - 1)))?;
    let (x, y) = chip.router_of(CoreId(core));
    let form = |wanted: &str| (format!("'{text}' is not of the form {wanted}"), format!("{wanted}, such as 17:3"));
    let within = |limit: u32, what: &str| {
        let text = second.ok_or_else(|| form(&format!("CORE:{what}")))?;
        let number: Option<u16> = text.parse().ok().filter(|number| u32::from(*number) < limit);
        number.ok_or_else(|| (format!("'{text}' is no {what} of a core"), format!("0..={}", limit - 1)))
    };
    let (neurons, axons) = (chip.capacity.neurons, chip.capacity.axons_in);
    let defects = &mut chip.defects;
    match (kind, second) {
        (0 | 1, Some(_)) => return Err((format!("'{text}' is no core"), format!("0..={}", cores - 1))),
        (0, None) => _ = defects.cores.insert(core),
        (1, None) => _ = defects.routers.insert((x, y)),
        (2, _) => _ = defects.neurons.insert((core, within(neurons, "neuron")?)),
        (3, _) => _ = defects.axons.insert((core, within(axons, "axon")?)),
        _ => {
            let side = second.and_then(|second| SIDES.iter().position(|side| *side == second));
            let side = side.ok_or_else(|| (format!("'{text}' is no link"), format!("CORE:{}", SIDES.join(" or "))))?;
            defects.links.insert((x, y, side as u8));
        }
    }
    Ok(())
}
