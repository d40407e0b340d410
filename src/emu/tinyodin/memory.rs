//! The two memories, each with a register at its output that a selected access loads at the edge.

use super::NEURONS;
use super::neuron::Neuron;
use crate::diag::{Problem, Result};

/// Words of the synapse memory: 8 synapses each.
const SYNAPSE_WORDS: usize = NEURONS * NEURONS / 8;

/// What is loaded before a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Memories {
    /// One word a neuron (see [`Neuron`]).
    neurons: Vec<u32>,
    /// Synapse (pre, post) is nibble `post % 8` of word `pre * 32 + post / 8`.
    synapses: Vec<u32>,
}

impl Default for Memories {
    fn default() -> Self {
        Self { neurons: vec![0; NEURONS], synapses: vec![0; SYNAPSE_WORDS] }
    }
}

impl Memories {
    /// Loads a neuron.
    ///
    /// # Errors
    ///
    /// `tinyodin/range` for each field that does not fit.
    pub fn set_neuron(&mut self, at: u8, neuron: Neuron) -> Result<()> {
        self.neurons[usize::from(at)] = neuron.pack()?;
        Ok(())
    }

    /// Loads the weight from `pre` to `post`, -8 to 7.
    ///
    /// # Errors
    ///
    /// `tinyodin/range` for a weight that does not fit 4 bits.
    pub fn set_weight(&mut self, pre: u8, post: u8, weight: i8) -> Result<()> {
        if !(-8..=7).contains(&weight) {
            let what = format!("weight {weight} from {pre} to {post} does not fit");
            return Err(Problem::invalid("tinyodin/range", "synapse", what).limit("-8..=7").into());
        }
        let shift = u32::from(post % 8) * 4;
        let word = &mut self.synapses[usize::from(synapse_address(pre, post))];
        *word = *word & !(0xf << shift) | (weight as u32 & 0xf) << shift;
        Ok(())
    }

    /// The words of all neurons.
    #[must_use]
    pub fn neuron_words(&self) -> &[u32] {
        &self.neurons
    }
}

/// Address of the word that holds synapse (pre, post).
pub(super) const fn synapse_address(pre: u8, post: u8) -> u16 {
    (pre as u16) << 5 | (post as u16) >> 3
}

/// The memories in a run.
#[derive(Debug, Clone)]
pub(super) struct Stores {
    held: Memories,
    /// Output registers.
    pub(super) out: Outputs,
}

/// The output registers of both memories.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Outputs {
    /// The neuron word last accessed.
    pub(super) neuron: u32,
    /// The synapse word last accessed.
    pub(super) synapse: u32,
}

impl Outputs {
    /// The nibble of the synapse word that leads to `post`.
    pub(super) const fn weight(self, post: u8) -> u8 {
        (self.synapse >> (post as u32 % 8 * 4) & 0xf) as u8
    }
}

impl Stores {
    pub(super) fn new(held: Memories) -> Self {
        Self { held, out: Outputs::default() }
    }

    pub(super) fn words(&self) -> &[u32] {
        &self.held.neurons
    }

    /// Accesses a neuron at an edge: the output register takes the word from before a write.
    #[inline]
    pub(super) fn neuron(&mut self, at: u8, write: Option<u32>) {
        let word = &mut self.held.neurons[usize::from(at)];
        self.out.neuron = *word;
        if let Some(new) = write {
            *word = new;
        }
    }

    /// Reads a synapse word at an edge.
    #[inline]
    pub(super) fn synapse(&mut self, address: u16) {
        self.out.synapse = self.held.synapses[usize::from(address)];
    }

    /// The word of a neuron, without an access.
    #[inline]
    pub(super) fn peek(&self, at: u8) -> u32 {
        self.held.neurons[usize::from(at)]
    }
}
