//! Nested NIR graphs as one flat graph: names are joined by '/', edges pass through the inner Input and Output.

use super::node::{Graph, Op};

/// The same graph without nested ones.
pub(super) fn flatten(graph: Graph) -> Graph {
    let mut flat = Graph::default();
    inline(graph, "", &mut flat);
    flat.edges.sort_unstable();
    flat.edges.dedup();
    bypass(flat)
}

/// Appends `graph`; returns for each of its nodes where edges enter and where they leave.
fn inline(graph: Graph, prefix: &str, flat: &mut Graph) -> Vec<(Vec<usize>, Vec<usize>)> {
    let mut ends = Vec::with_capacity(graph.nodes.len());
    for (name, op) in graph.nodes {
        let name = format!("{prefix}{name}");
        let Op::Graph(inner) = op else {
            flat.nodes.push((name, op));
            ends.push((vec![flat.nodes.len() - 1], vec![flat.nodes.len() - 1]));
            continue;
        };
        let kinds: Vec<(bool, bool)> =
            inner.nodes.iter().map(|(_, op)| (matches!(op, Op::Input(_)), matches!(op, Op::Output))).collect();
        let inner_ends = inline(inner, &format!("{name}/"), flat);
        let pick = |wanted: fn(&(bool, bool)) -> bool| -> Vec<usize> {
            let hits = kinds.iter().zip(&inner_ends).filter(|(kind, _)| wanted(kind));
            hits.flat_map(|(_, (enter, _))| enter.clone()).collect()
        };
        ends.push((pick(|kind| kind.0), pick(|kind| kind.1)));
    }
    for (from, to) in graph.edges {
        for &leave in &ends[from].1 {
            for &enter in &ends[to].0 {
                flat.edges.push((leave, enter));
            }
        }
    }
    ends
}

/// Takes inner Inputs and Outputs (those that something leads into, or that lead on) out of the paths.
fn bypass(mut graph: Graph) -> Graph {
    for node in 0..graph.nodes.len() {
        let inner = graph.nodes[node].0.contains('/') && matches!(graph.nodes[node].1, Op::Input(_) | Op::Output);
        let before: Vec<usize> = graph.edges.iter().filter(|edge| edge.1 == node).map(|edge| edge.0).collect();
        let after: Vec<usize> = graph.edges.iter().filter(|edge| edge.0 == node).map(|edge| edge.1).collect();
        if !inner {
            continue;
        }
        graph.edges.retain(|edge| edge.0 != node && edge.1 != node);
        for &from in &before {
            graph.edges.extend(after.iter().map(|&to| (from, to)));
        }
        graph.edges.sort_unstable();
        graph.edges.dedup();
        // Its place in the list stays, as a node that nothing reaches.
        graph.nodes[node].1 = Op::Flatten;
    }
    graph
}
