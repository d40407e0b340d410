//! `map export`: a network as a hypergraph for other partitioners, in the form of hMETIS.

use std::ops::{Add, Mul};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::args::Reading;
use super::super::compile::read_network;
use super::super::console::{Console, must_not_exist, write};
use super::super::place::rates;
use crate::diag::Result;
use crate::graph::{Network, Population, Projection};

#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// The network: .nir (HDF5) or native .json
    pub network: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Spikes of every neuron, as `profile` writes them; else every neuron counts one
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// The hypergraph to write: a net a neuron or input, a vertex a neuron in the order of the network
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &ExportArgs, console: &Console) -> Result<u8> {
    must_not_exist(&args.output, args.force)?;
    let network = read_network(&args.network, &args.reading, console)?;
    let (text, nets, neurons) = match &network {
        Network::Float(graph) => hypergraph(args, &graph.populations, &graph.projections)?,
        Network::Int(graph) => hypergraph(args, &graph.populations, &graph.projections)?,
    };
    write(&args.output, text.as_bytes(), args.force)?;
    let file = args.output.display().to_string();
    if console.json() {
        console.object("map export", json!({ "file": file, "nets": nets, "vertices": neurons }));
    } else {
        console.result(&format!("{file}: {nets} nets, {neurons} neurons"));
    }
    Ok(0)
}

/// The text with its numbers of nets and vertices.
fn hypergraph<N, W: Copy + Default + PartialEq + Add<Output = W> + Mul<Output = W>>(
    args: &ExportArgs,
    populations: &[Population<N>],
    projections: &[Projection<W>],
) -> Result<(String, usize, u32)> {
    let sizes: Vec<(&str, usize)> = populations.iter().map(|p| (p.name.as_str(), p.size())).collect();
    let rates = rates(args.weights.as_deref(), &sizes)?;
    let mut starts = vec![0_u32];
    for population in populations {
        let size = if population.is_input() { 0 } else { population.size() as u32 };
        starts.push(starts[starts.len() - 1] + size);
    }
    let mut nets = Vec::new();
    for (number, population) in populations.iter().enumerate() {
        let outgoing = projections.iter().filter(|p| p.source.index() == number).map(Projection::expanded);
        let outgoing: Vec<_> = outgoing.collect();
        for neuron in 0..population.size() as u32 {
            let mut targets = Vec::new();
            for projection in &outgoing {
                let start = starts[projection.target.index()];
                projection.pattern.visit(neuron, |target, weight| {
                    if projection.weights[weight as usize] != W::default() {
                        targets.push(start + target + 1);
                    }
                });
            }
            targets.sort_unstable();
            targets.dedup();
            // The source stands first, and again among the targets where it hears itself.
            if !population.is_input() {
                targets.insert(0, starts[number] + neuron + 1);
            }
            if targets.len() > usize::from(!population.is_input()) {
                let spikes = rates.as_ref().map_or(1.0, |rates| rates.of(number, neuron as usize));
                let pins: Vec<String> = targets.iter().map(u32::to_string).collect();
                nets.push(format!("{} {}\n", spikes.round().min(f64::from(u32::MAX)) as u64, pins.join(" ")));
            }
        }
    }
    let neurons = starts[starts.len() - 1];
    Ok((format!("{} {neurons} 1\n{}", nets.len(), nets.concat()), nets.len(), neurons))
}
