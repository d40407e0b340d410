//! `map export`: a network as a hypergraph for other partitioners, in the form of hMETIS or of AxonFlow.

use std::ops::{Add, Mul};
use std::path::PathBuf;

use clap::Args as ClapArgs;
use serde_json::json;

use super::super::args::Reading;
use super::super::compile::read_network;
use super::super::console::{Console, must_not_exist, write};
use super::super::place::rates;
use super::partition::is_snn;
use crate::diag::Result;
use crate::graph::{Network, Population, Projection};
use crate::partition::snn::write_snn;

#[derive(Debug, ClapArgs)]
pub(super) struct ExportArgs {
    /// The network: .nir (HDF5) or native .json
    pub network: PathBuf,
    #[command(flatten)]
    pub reading: Reading,
    /// Spikes of every neuron, as `profile` writes them; else every neuron counts one
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// The hypergraph to write: a net a neuron or input, a vertex a neuron in the order of the network. A .snn file is
    /// AxonFlow's, whose vertices after the neurons are the inputs; any other is hMETIS's
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
    /// Overwrite the file
    #[arg(long)]
    pub force: bool,
}

pub(super) fn run(args: &ExportArgs, console: &Console) -> Result<u8> {
    must_not_exist(&args.output, args.force)?;
    let network = read_network(&args.network, &args.reading, console)?;
    let (nets, neurons, inputs) = match &network {
        Network::Float(graph) => hypergraph(args, &graph.populations, &graph.projections)?,
        Network::Int(graph) => hypergraph(args, &graph.populations, &graph.projections)?,
    };
    let binary = is_snn(&args.output);
    let vertices = if binary { neurons + inputs } else { neurons };
    let bytes = if binary {
        write_snn(vertices, nets.iter().map(|net| (net.source, &net.targets[..], net.spikes)))
    } else {
        hmetis(&nets, neurons).into_bytes()
    };
    write(&args.output, &bytes, args.force)?;
    let file = args.output.display().to_string();
    if console.json() {
        console.object("map export", json!({ "file": file, "nets": nets.len(), "vertices": vertices }));
    } else if binary {
        console.result(&format!("{file}: {} nets, {neurons} neurons, {inputs} inputs", nets.len()));
    } else {
        console.result(&format!("{file}: {} nets, {neurons} neurons", nets.len()));
    }
    Ok(0)
}

/// The spikes of one neuron or input.
struct Spread {
    /// The neuron; inputs are numbered on behind the neurons.
    source: u32,
    /// Neurons with a synapse, ascending; at least one.
    targets: Vec<u32>,
    spikes: f64,
}

/// A net a line, after its spikes its pins from 1: the source, where it is a neuron, and the targets. A source
/// that hears itself stands there twice.
fn hmetis(nets: &[Spread], neurons: u32) -> String {
    let mut text = format!("{} {neurons} 1\n", nets.len());
    for net in nets {
        let spikes = net.spikes.round().min(f64::from(u32::MAX)) as u64;
        let source = (net.source < neurons).then_some(net.source);
        let pins: Vec<String> = source.iter().chain(&net.targets).map(|pin| (pin + 1).to_string()).collect();
        text.push_str(&format!("{spikes} {}\n", pins.join(" ")));
    }
    text
}

/// The nets, and the numbers of neurons and inputs.
fn hypergraph<N, W: Copy + Default + PartialEq + Add<Output = W> + Mul<Output = W>>(
    args: &ExportArgs,
    populations: &[Population<N>],
    projections: &[Projection<W>],
) -> Result<(Vec<Spread>, u32, u32)> {
    let sizes: Vec<(&str, usize)> = populations.iter().map(|p| (p.name.as_str(), p.size())).collect();
    let rates = rates(args.weights.as_deref(), &sizes)?;
    let of_neurons = |p: &&Population<N>| !p.is_input();
    let neurons = populations.iter().filter(of_neurons).map(|p| p.size() as u32).sum();
    let (mut next_neuron, mut next_input) = (0, neurons);
    let start_of = |population: &Population<N>| {
        let next = if population.is_input() { &mut next_input } else { &mut next_neuron };
        let start = *next;
        *next += population.size() as u32;
        start
    };
    let starts: Vec<u32> = populations.iter().map(start_of).collect();
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
                        targets.push(start + target);
                    }
                });
            }
            targets.sort_unstable();
            targets.dedup();
            if !targets.is_empty() {
                let spikes = rates.as_ref().map_or(1.0, |rates| rates.of(number, neuron as usize));
                nets.push(Spread { source: starts[number] + neuron, targets, spikes });
            }
        }
    }
    Ok((nets, neurons, next_input - neurons))
}
