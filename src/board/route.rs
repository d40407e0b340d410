//! Ways over the wires of a board: fewest wires, ties to the wire that comes first in the file; within an array along
//! x first, then y, as in the mesh that its chips make.

use std::collections::VecDeque;

use crate::chip::BoardSpec;

/// A wire in one direction: `wire * 2`, one more against the order of its ends.
type Way = usize;

/// Where each node's packets go next.
#[derive(Debug, Clone)]
pub struct Routes<'a> {
    board: &'a BoardSpec,
    /// Ways out of each node with the node that they lead to, in wire order.
    out: Vec<Vec<(Way, usize)>>,
}

impl<'a> Routes<'a> {
    /// Of a board.
    #[must_use]
    pub fn new(board: &'a BoardSpec) -> Self {
        let mut out = vec![Vec::new(); board.nodes()];
        for (number, wire) in board.wires.iter().enumerate() {
            let (from, to) = wire.ends;
            out[from].push((2 * number, to));
            out[to].push((2 * number + 1, from));
        }
        Self { board, out }
    }

    /// The ways from a node to another, in order; nothing between a node and itself.
    #[must_use]
    pub fn between(&self, from: usize, to: usize) -> Vec<Way> {
        let array = |node: usize| self.board.chips.get(node).and_then(|chip| chip.array);
        match (array(from), array(to)) {
            (Some(a), Some(b)) if a == b => self.within(a, from, to),
            _ => self.shortest(from, to),
        }
    }

    /// Along x, then along y.
    fn within(&self, array: usize, from: usize, to: usize) -> Vec<Way> {
        let array = &self.board.arrays[array];
        let width = usize::from(array.size.0);
        let cell = |node: usize| ((node - array.first) % width, (node - array.first) / width);
        let (mut at, (x, y), mut ways) = (from, cell(to), Vec::new());
        while at != to {
            let (here_x, here_y) = cell(at);
            let next = match (here_x.cmp(&x), here_y.cmp(&y)) {
                (std::cmp::Ordering::Less, _) => at + 1,
                (std::cmp::Ordering::Greater, _) => at - 1,
                (_, std::cmp::Ordering::Less) => at + width,
                _ => at - width,
            };
            ways.extend(self.out[at].iter().find(|(_, there)| *there == next).map(|(way, _)| *way));
            at = next;
        }
        ways
    }

    /// Breadth first from the start. A checked board is connected.
    fn shortest(&self, from: usize, to: usize) -> Vec<Way> {
        let mut came: Vec<Option<(Way, usize)>> = vec![None; self.board.nodes()];
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front().filter(|node| *node != to) {
            for &(way, next) in &self.out[node] {
                if next != from && came[next].is_none() {
                    came[next] = Some((way, node));
                    queue.push_back(next);
                }
            }
        }
        let (mut ways, mut at) = (Vec::new(), to);
        while let Some((way, before)) = came[at].filter(|_| at != from) {
            ways.push(way);
            at = before;
        }
        ways.reverse();
        ways
    }
}
