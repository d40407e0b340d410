//! Checks across the keys of a board file.

use super::spec::BoardSpec;
use crate::chip::tree::Node;
use crate::diag::Problem;

/// Names shown of a part that is apart.
const SHOWN: usize = 4;

/// Checks a board that was read without problems.
pub(super) fn board(board: &BoardSpec, tree: &Node, problems: &mut Vec<Problem>) {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    let place = |key: &str| tree.get(key).map_or(&tree.place, |node| &node.place).as_str();
    if board.name.is_empty() || board.name.len() > 64 || !board.name.chars().all(plain) {
        let problem = Problem::invalid("board/name", place("name"), "'name' is not a board name");
        problems.push(problem.limit("1 to 64 of a-z, 0-9, '-' and '_'"));
    }
    if board.chips.is_empty() {
        let problem = Problem::invalid("board/empty", tree.place.as_str(), "the board has no chip");
        problems.push(problem.help("add a table [chip.NAME] or [array.NAME]"));
        return;
    }
    twice_named(board, tree, problems);
    let apart = parts(board);
    if apart.len() > 1 {
        let told = apart.iter().map(|part| told(board, part)).collect::<Vec<_>>().join("; ");
        let what = format!("the board is in {} parts that no link joins: {told}", apart.len());
        let problem = Problem::invalid("board/disconnected", place("wire"), what).limit("one connected board");
        problems.push(problem.help("join them by a table [wire.NAME] with link and ends, or drop what is not used"));
    }
}

/// Two nodes of one name could not be told apart in a wire.
fn twice_named(board: &BoardSpec, tree: &Node, problems: &mut Vec<Problem>) {
    let mut names: Vec<&str> = (0..board.nodes()).map(|node| board.node_name(node)).collect();
    names.sort_unstable();
    for pair in names.windows(2).filter(|pair| pair[0] == pair[1]) {
        let what = format!("'{}' is the name of two nodes", pair[0]);
        problems.push(Problem::invalid("board/name", tree.place.as_str(), what).help("rename the host or the chip"));
    }
}

/// The connected parts, each ascending.
fn parts(board: &BoardSpec) -> Vec<Vec<usize>> {
    let mut near = vec![Vec::new(); board.nodes()];
    for wire in &board.wires {
        near[wire.ends.0].push(wire.ends.1);
        near[wire.ends.1].push(wire.ends.0);
    }
    let mut seen = vec![false; board.nodes()];
    let mut parts = Vec::new();
    for start in 0..board.nodes() {
        if seen[start] {
            continue;
        }
        let (mut part, mut next) = (vec![start], 0);
        seen[start] = true;
        while next < part.len() {
            for &node in &near[part[next]] {
                if !std::mem::replace(&mut seen[node], true) {
                    part.push(node);
                }
            }
            next += 1;
        }
        part.sort_unstable();
        parts.push(part);
    }
    parts
}

fn told(board: &BoardSpec, part: &[usize]) -> String {
    let names: Vec<&str> = part.iter().take(SHOWN).map(|node| board.node_name(*node)).collect();
    let more = part.len().saturating_sub(SHOWN);
    format!("{}{}", names.join(", "), if more > 0 { format!(" and {more} more") } else { String::new() })
}
