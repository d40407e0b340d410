//! Hypergraphs in AxonFlow's binary form (`.snn`; M. Ronzani, C. Silvano, arXiv:2601.16118, its `HyperGraph.save`).
//!
//! All numbers are little-endian: `u32` vertices, `u32` nets, then for each net `u32` targets, `u32` source, that many
//! `u32` targets, and the `f32` spikes of the source. Vertices are numbered from 0; a source may be its own target.

use super::{Builder, Hypergraph, Net, Pin, Weight};
use crate::diag::{Problem, Result};

/// Most vertices and nets: pins are numbered in 31 bits.
const MOST: u32 = 1 << 30;
/// Parts of a spike that count where the file's spikes are no whole numbers.
const PARTS: u64 = 1000;
/// Largest weight of a net.
const HEAVIEST: f64 = u32::MAX as f64;

/// A hypergraph, and in how many parts its spikes are counted: 1 where all are whole numbers, else 1000, each spike
/// number rounded to the nearest thousandth.
///
/// # Errors
/// `partition/length` where the file is cut short or longer than its nets, `partition/size`, `partition/pin`,
/// `partition/number`, each with the byte at which it stands.
pub fn read_snn(bytes: &[u8], file: &str) -> Result<(Hypergraph, u64)> {
    let mut reader = Reader { bytes, at: 0, file };
    let (vertices, nets) = (reader.word("the vertices")?, reader.word("the nets")?);
    if vertices == 0 || vertices > MOST || nets > MOST {
        let what = format!("{vertices} vertices and {nets} nets");
        return Err(reader.wrong("partition/size", 0, what, "1 to 2^30 vertices, up to 2^30 nets").into());
    }
    let mut found: Vec<(u32, Vec<u32>, f32)> = Vec::new();
    for net in 0..nets {
        let at = reader.at;
        let count = reader.word("a net's number of targets")? as usize;
        let source = reader.word("a net's source")?;
        // What the file does not hold is not made room for.
        let targets = reader.take(count.saturating_mul(4), "a net's targets")?;
        let mut targets: Vec<u32> = targets.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect();
        if let Some(&pin) = targets.iter().chain([&source]).find(|pin| **pin >= vertices) {
            let what = format!("net {net} has vertex {pin} of {vertices}");
            return Err(reader.wrong("partition/pin", at, what, "vertices are numbered from 0").into());
        }
        let spikes = f32::from_bits(reader.word("a net's spikes")?);
        if !spikes.is_finite() || spikes < 0.0 || f64::from(spikes) > HEAVIEST {
            let what = format!("net {net} has {spikes} spikes");
            return Err(reader.wrong("partition/number", at, what, "0 to 4294967295").into());
        }
        targets.sort_unstable();
        targets.dedup();
        found.push((source, targets, spikes));
    }
    if reader.at < bytes.len() {
        let what = format!("{} bytes after the last of {nets} nets", bytes.len() - reader.at);
        return Err(reader.wrong("partition/length", reader.at, what, "the file is no .snn, or damaged").into());
    }
    // A vertex is usually in a net: what is far more than the file holds is in none.
    if vertices as usize > bytes.len().max(1 << 20) {
        let what = format!("{vertices} vertices, of which most are in no net");
        return Err(reader.wrong("partition/size", 0, what, "the file is no .snn, or damaged").into());
    }
    let whole = found.iter().all(|(_, _, spikes)| spikes.fract() == 0.0);
    let parts = if whole { 1 } else { PARTS };
    let mut builder = Builder::new(vec![Weight { neurons: 1, ..Weight::default() }; vertices as usize]);
    for (source, targets, spikes) in found {
        let weight = (f64::from(spikes) * parts as f64).round().min(HEAVIEST) as u64;
        let own = (!targets.contains(&source)).then_some(Pin::new(source, false));
        let pins = targets.iter().map(|&target| Pin::new(target, true)).chain(own);
        builder.net(Net { weight, axons: 1, source }, pins);
    }
    Ok((builder.working().build(), parts))
}

/// The file of `nets`, each a source, its targets and its spikes, over so many vertices. Nets without targets are left
/// out: AxonFlow refuses them.
#[must_use]
pub fn write_snn<'n>(vertices: u32, nets: impl Iterator<Item = (u32, &'n [u32], f64)> + Clone) -> Vec<u8> {
    let nets = nets.filter(|(_, targets, _)| !targets.is_empty());
    let mut bytes = Vec::new();
    let mut word = |word: u32| bytes.extend_from_slice(&word.to_le_bytes());
    word(vertices);
    word(nets.clone().count() as u32);
    for (source, targets, spikes) in nets {
        word(targets.len() as u32);
        word(source);
        targets.iter().for_each(|&target| word(target));
        word((spikes as f32).to_bits());
    }
    bytes
}

struct Reader<'b> {
    bytes: &'b [u8],
    at: usize,
    file: &'b str,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'b [u8]> {
        let Some(taken) = self.bytes[self.at..].get(..count) else {
            let left = self.bytes.len() - self.at;
            let what = format!("{left} bytes are left where {what} should have {count}");
            return Err(self.wrong("partition/length", self.at, what, "the file is cut short, or no .snn").into());
        };
        self.at += count;
        Ok(taken)
    }

    fn word(&mut self, what: &str) -> Result<u32> {
        let mut word = [0; 4];
        word.copy_from_slice(self.take(4, what)?);
        Ok(u32::from_le_bytes(word))
    }

    fn wrong(&self, code: &'static str, at: usize, what: String, help: &str) -> Problem {
        Problem::invalid(code, format!("{}: byte {at}", self.file), what).help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partition::{Limits, measure};

    const NETS: [(u32, &[u32], f64); 4] = [(0, &[1, 2], 3.0), (2, &[2, 0], 5.0), (1, &[], 9.0), (3, &[0, 1, 2], 0.0)];

    #[test]
    fn what_is_written_is_read_and_costs_what_it_should() {
        let bytes = write_snn(4, NETS.into_iter());
        assert_eq!(bytes.len(), 8 + 3 * 12 + 4 * (2 + 2 + 3));
        let (graph, parts) = read_snn(&bytes, "a.snn").expect("whole");
        assert_eq!((parts, graph.vertices(), graph.nets().len()), (1, 4, 3));
        let measures = measure(&graph, &[0, 1, 1, 0], &Limits::of_neurons(2));
        // Net 0 reaches part 1, net 1 part 0; core 0 takes nets 1 and 3 in, core 1 all three.
        assert_eq!((measures.km1, measures.axons_sum), (3 + 5, 5));
        let halves = write_snn(4, NETS.into_iter().map(|(source, targets, spikes)| (source, targets, spikes / 2.0)));
        let (graph, parts) = read_snn(&halves, "a.snn").expect("whole");
        assert_eq!((parts, graph.nets()[0].weight, graph.nets()[1].weight), (1000, 1500, 2500));
    }

    #[test]
    fn damaged_files_are_refused_with_the_byte() {
        let bytes = write_snn(4, NETS.into_iter());
        for cut in 0..bytes.len() {
            let told = read_snn(&bytes[..cut], "a.snn").expect_err("cut").to_string();
            assert!(told.contains("a.snn: byte "), "{cut}: {told}");
        }
        let damaged = |at: usize, word: u32| {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
            read_snn(&bytes, "a.snn").expect_err("damaged")
        };
        for (at, word, code) in [
            (0, 0, "partition/size"),
            (0, u32::MAX, "partition/size"),
            (4, u32::MAX, "partition/size"),
            (4, 4, "partition/length"),
            (4, 2, "partition/length"),
            (8, u32::MAX, "partition/length"),
            (12, 4, "partition/pin"),
            (16, 9, "partition/pin"),
            (24, f32::NAN.to_bits(), "partition/number"),
            (24, (-1.0_f32).to_bits(), "partition/number"),
            (24, 5e9_f32.to_bits(), "partition/number"),
        ] {
            assert!(damaged(at, word).has(code), "{at} {word}: {}", damaged(at, word));
        }
    }
}
