//! `.mem` files of RANC's hardware description: `csram_NNN.mem` and `tc_NNN.mem`, read with `$readmemb`.

use std::collections::BTreeMap;
use std::path::Path;

use super::lower::{Parts, lower};
use super::{Core, Network, Neuron};
use crate::bits::address_bits;
use crate::chip::{ChipSpec, Family, LoadOptions, RancSpec};
use crate::diag::{Problem, Problems, Result};
use crate::foreign::{Imported, chip_with};
use crate::image::RancNeuron;

const MOST: usize = 50;

/// Reads the memories in a folder: core `x + width * y` has the files of that number. Neurons and axons are as many as
/// the files have words; grid, output core and widths are the chip's, with the choices of `options`.
///
/// # Errors
/// `foreign/file` for files that are missing or unreadable, `foreign/word` for words of another width, with line and
/// layout, `foreign/value` for numbers that do not fit.
pub fn read_ranc_mem(folder: &Path, chip: &str, options: &LoadOptions) -> Result<Imported> {
    let name = folder.display().to_string();
    let files = files(folder)?;
    let lines = |kind: &str| files.iter().find(|((of, _), _)| of == kind).map(|(_, (_, lines))| lines.len());
    let (Some(neurons), Some(axons)) = (lines("csram"), lines("tc")) else {
        return Err(Problem::invalid("foreign/file", name, "holds no csram_NNN.mem or no tc_NNN.mem")
            .help("NNN is x + width * y, such as csram_000.mem")
            .into());
    };
    let values = [("core.neurons", neurons), ("core.axons_in", axons), ("core.axons_out", neurons)];
    let values: Vec<_> = values.iter().map(|(key, value)| ((*key).to_owned(), value.to_string())).collect();
    let (chip, chip_name) = chip_with(chip, options, &values)?;
    let Family::Ranc(spec) = &chip.family else {
        let what = format!("chip '{}' is no RANC", chip.name);
        return Err(Problem::invalid("foreign/chip", name, what).help("use --chip ranc").into());
    };
    let layout = Layout::of(spec, &chip);
    let mut found = Vec::new();
    let mut network = Network::default();
    let width = u32::from(chip.mesh.width);
    for position in (0..chip.cores()).filter(|at| *at != spec.output_core.1 * width + spec.output_core.0) {
        if found.len() >= MOST {
            break;
        }
        let of = |kind: &str| files.get(&(kind.to_owned(), position));
        let (Some(csram), Some(tc)) = (of("csram"), of("tc")) else {
            let what = format!("csram_{position:03}.mem or tc_{position:03}.mem is missing");
            found.push(
                Problem::invalid("foreign/file", name.as_str(), what)
                    .limit(format!(
                        "the grid is {width} x {}, the output bus at {:?}",
                        chip.mesh.height, spec.output_core
                    ))
                    .help("give the grid: --set mesh.width=W --set mesh.height=H --set core.ranc.output_core=[X,Y]"),
            );
            continue;
        };
        let neurons = csram.1.iter().filter_map(|line| layout.neuron(&csram.0, line, &mut found)).collect();
        let kind_bits = address_bits(spec.weights) as usize;
        let kinds = tc.1.iter().map(|(line, word)| {
            check_width(&tc.0, *line, word, kind_bits, "one axon type a line", &mut found);
            number(word, false) as u32
        });
        network.cores.push(Core {
            place: csram.0.clone(),
            x: position % width,
            y: position / width,
            axon_types: kinds.collect(),
            neurons,
        });
    }
    found.truncate(MOST);
    Problems::check(found, ())?;
    let (image, stimulus) = lower(&network, &chip, Parts { file: &name, chip_name })?;
    Ok(Imported { image, chip, stimulus, notes: Vec::new() })
}

/// A file's name, and its words with their lines.
type Words = (String, Vec<(usize, String)>);

fn files(folder: &Path) -> Result<BTreeMap<(String, u32), Words>> {
    let unreadable = |path: &Path, error: &std::io::Error| {
        Problem::invalid("foreign/file", path.display().to_string(), format!("cannot be read: {error}"))
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(|error| unreadable(folder, &error))?.flatten() {
        let path = entry.path();
        let name = entry.file_name().to_string_lossy().into_owned();
        let Some((kind, number)) = name.strip_suffix(".mem").and_then(|stem| stem.split_once('_')) else { continue };
        let (Ok(number), true) = (number.parse(), ["csram", "tc"].contains(&kind)) else { continue };
        let text = std::fs::read_to_string(&path).map_err(|error| unreadable(&path, &error))?;
        files.insert((kind.to_owned(), number), (path.display().to_string(), words(&text)));
    }
    Ok(files)
}

/// Words as `$readmemb` reads them: white space between them, `//` comments, underscores within.
fn words(text: &str) -> Vec<(usize, String)> {
    let of_line = |(index, line): (usize, &str)| {
        let line = line.split("//").next().unwrap_or_default();
        line.split_whitespace().map(|word| (index + 1, word.replace('_', ""))).collect::<Vec<_>>()
    };
    text.lines().enumerate().flat_map(of_line).collect()
}

fn check_width(file: &str, line: usize, word: &str, bits: usize, layout: &str, found: &mut Vec<Problem>) -> bool {
    let place = format!("{file}:{line}");
    if let Some(other) = word.chars().find(|c| !matches!(c, '0' | '1')) {
        let what = format!("'{other}' in a word");
        found.push(Problem::invalid("foreign/word", place, what).limit("0 and 1 only, no @ addresses, no x"));
        return false;
    }
    if word.len() != bits {
        let problem = Problem::invalid("foreign/word", place, format!("a word of {} bits", word.len()));
        found.push(problem.limit(format!("{bits} bits: {layout}")));
        return false;
    }
    true
}

/// The number in bits, the first the most significant; two's complement where `signed`.
fn number(bits: &str, signed: bool) -> i64 {
    let value = bits.chars().fold(0_i64, |value, bit| value << 1 | i64::from(bit == '1'));
    if signed && bits.starts_with('1') { value - (1 << bits.len()) } else { value }
}

/// Widths of the fields of a CSRAM word, first to last.
struct Layout {
    axons: usize,
    fields: Vec<(&'static str, usize)>,
    weights: usize,
}

impl Layout {
    fn of(spec: &RancSpec, chip: &ChipSpec) -> Self {
        let axons = chip.capacity.axons_in;
        let fields = [
            ("synapses", axons),
            ("potential", spec.potential_width),
            ("reset_potential", spec.potential_width),
            ("weights", spec.weight_width * spec.weights),
            ("leak", spec.leak_width),
            ("positive_threshold", spec.threshold_width),
            ("negative_threshold", spec.threshold_width),
            ("reset_mode", address_bits(spec.reset_modes)),
            ("dx", spec.dx_width),
            ("dy", spec.dy_width),
            ("axon", address_bits(axons)),
            ("delay", address_bits(spec.ticks)),
        ];
        let fields = fields.into_iter().map(|(name, bits)| (name, bits as usize)).collect();
        Self { axons: axons as usize, fields, weights: spec.weights as usize }
    }

    fn text(&self) -> String {
        self.fields.iter().map(|(name, bits)| format!("{name} {bits}")).collect::<Vec<_>>().join(", ")
    }

    fn neuron(&self, file: &str, (line, word): &(usize, String), found: &mut Vec<Problem>) -> Option<Neuron> {
        let bits: usize = self.fields.iter().map(|(_, bits)| bits).sum();
        if found.len() >= MOST || !check_width(file, *line, word, bits, &self.text(), found) {
            return None;
        }
        let mut rest = word.as_str();
        let mut parts = self.fields.iter().map(|(_, bits)| {
            let (part, others) = rest.split_at(*bits);
            rest = others;
            part
        });
        let mut next = || parts.next().unwrap_or_default();
        let synapses = next();
        // The leftmost character is the last axon.
        let axons = (0..self.axons as u32).zip(synapses.chars().rev()).filter(|(_, bit)| *bit == '1');
        let axons = axons.map(|(axon, _)| axon).collect();
        let signed = |text: &str| number(text, true) as i32;
        let (potential, reset_potential, weights) = (signed(next()), signed(next()), next());
        let each = weights.len() / self.weights.max(1);
        let weight = |at: usize| number(&weights[at * each..(at + 1) * each], true) as i32;
        let word = RancNeuron {
            potential,
            reset_potential,
            weights: (0..self.weights).map(weight).collect(),
            leak: signed(next()),
            positive_threshold: signed(next()),
            negative_threshold: signed(next()),
            reset_mode: number(next(), false) as u8,
            dx: signed(next()),
            dy: signed(next()),
            axon: number(next(), false) as u16,
            delay: number(next(), false) as u16,
        };
        Some(Neuron { axons, word })
    }
}
