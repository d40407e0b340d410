//! A mapping given from outside: which core every neuron goes to, as CSV.
//!
//! ```csv
//! population,neuron,core
//! hidden,0-63,4
//! hidden,64,5
//! output,*,5
//! ```
//!
//! or as a partition file of hMETIS: the number of its group for every neuron, one a line, in the order of the network
//! without its inputs. Then groups are laid out one after the other, each on as many cores as it needs.
//!
//! Neurons are counted within their population; `0-63` holds both ends, `*` is all of them. Every neuron of every
//! population that is no input stands on exactly one core.

use std::collections::BTreeMap;
use std::ops::Range;

use super::division::Division;
use crate::chip::ChipSpec;
use crate::diag::{Problem, Problems, Result, nearest};
use crate::graph::IntGraph;
use crate::ids::CoreId;
use crate::image::Image;

/// The first line of the file.
pub const HEADER: &str = "population,neuron,core";
/// Problems of a file that are told at once.
const MOST: usize = 20;

/// Rows of a file, not yet held against a network.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Mapping {
    file: String,
    rows: Vec<Row>,
    /// Group of every neuron, where the file is one of hMETIS.
    groups: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    line: usize,
    population: String,
    /// `None`: all.
    neurons: Option<Range<u32>>,
    core: u32,
}

impl Mapping {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// `mapping/format` for every line that is not as the module says.
    pub fn read(text: &str, file: &str) -> Result<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some(groups) = words.iter().map(|word| word.parse().ok()).collect::<Option<Vec<u32>>>()
            && !groups.is_empty()
        {
            return Ok(Self { file: file.to_owned(), rows: Vec::new(), groups });
        }
        let mut rows = Vec::new();
        let mut problems = Vec::new();
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        for (at, line) in lines {
            if at == 0 && line.trim() == HEADER || problems.len() >= MOST {
                continue;
            }
            match row(at + 1, line) {
                Some(row) => rows.push(row),
                None => problems.push(
                    Problem::invalid("mapping/format", format!("{file}:{}", at + 1), format!("'{}'", line.trim()))
                        .limit(format!("{HEADER}, where neuron is N, FIRST-LAST or *"))
                        .help("write one line for each run of neurons, such as hidden,0-63,4"),
                ),
            }
        }
        if rows.is_empty() && problems.is_empty() {
            problems.push(
                Problem::invalid("mapping/format", file, "it maps no neuron")
                    .limit(HEADER)
                    .help("`spikeloom map score IMAGE -o FILE.csv` writes the mapping of an image to start from"),
            );
        }
        Problems::check(problems, Self { file: file.to_owned(), rows, groups: Vec::new() })
    }

    /// Holds the rows against a network and a chip.
    ///
    /// # Errors
    /// `mapping/population`, `mapping/neuron` and `mapping/core` for what does not exist, `mapping/twice` and
    /// `mapping/missing` for neurons on several cores and on none.
    pub(super) fn divide(&self, graph: &IntGraph, chip: &ChipSpec) -> Result<Division> {
        const NOWHERE: u32 = u32::MAX;
        let size = |p: &crate::graph::Population<_>| if p.is_input() { 0 } else { p.size() };
        if !self.groups.is_empty() {
            return self.grouped(graph.populations.iter().map(size).collect());
        }
        let mut core: Vec<Vec<u32>> = graph.populations.iter().map(|p| vec![NOWHERE; size(p)]).collect();
        let mut problems = Vec::new();
        for row in &self.rows {
            let at = match self.target(row, graph, chip) {
                Ok(at) => at,
                Err(problem) => {
                    problems.push(problem);
                    continue;
                }
            };
            let neurons = row.neurons.clone().unwrap_or(0..core[at].len() as u32);
            let mapped = &mut core[at][neurons.start as usize..neurons.end as usize];
            if let Some(other) = mapped.iter().find(|other| **other != NOWHERE) {
                let what = format!("neurons of '{}' stand on core {} and on core {other}", row.population, row.core);
                problems.push(self.problem("mapping/twice", row, what).help("leave one of the two lines out"));
            }
            mapped.fill(row.core);
            if problems.len() >= MOST {
                break;
            }
        }
        for (population, cores) in graph.populations.iter().zip(&core) {
            let missing = cores.iter().filter(|core| **core == NOWHERE).count();
            if let Some(first) = cores.iter().position(|core| *core == NOWHERE) {
                let what = format!("{missing} of {} neurons of '{}' have no core", cores.len(), population.name);
                problems.push(
                    Problem::invalid("mapping/missing", self.file.as_str(), what)
                        .limit("every neuron of every population that is no input")
                        .help(format!("the first is neuron {first}: add a line {},{first},CORE", population.name)),
                );
            }
        }
        Problems::check(problems, ())?;
        let mut numbers: BTreeMap<u32, u32> = core.iter().flatten().map(|core| (*core, 0)).collect();
        (0..).zip(numbers.values_mut()).for_each(|(number, group)| *group = number);
        core.iter_mut().flatten().for_each(|core| *core = numbers[core]);
        Ok(Division {
            group: core,
            places: Some(numbers.into_keys().map(CoreId).collect()),
            file: self.file.clone(),
            apart: true,
        })
    }

    /// The groups of a partition file for populations of these sizes.
    fn grouped(&self, sizes: Vec<usize>) -> Result<Division> {
        let neurons: usize = sizes.iter().sum();
        if self.groups.len() != neurons {
            let what = format!("it has {} lines for {neurons} neurons", self.groups.len());
            return Err(Problem::invalid("mapping/length", self.file.as_str(), what)
                .limit(format!("{neurons} lines: every neuron of the network in its order, without inputs"))
                .help("`spikeloom map export` writes the hypergraph whose vertices are in this order")
                .into());
        }
        let mut numbers: BTreeMap<u32, u32> = self.groups.iter().map(|group| (*group, 0)).collect();
        (0..).zip(numbers.values_mut()).for_each(|(number, group)| *group = number);
        let mut groups = self.groups.iter().map(|group| numbers[group]);
        let group = sizes.into_iter().map(|size| groups.by_ref().take(size).collect()).collect();
        Ok(Division { group, places: None, file: self.file.clone(), apart: true })
    }

    /// The number of the population of a row, where population, neurons and core exist.
    fn target(&self, row: &Row, graph: &IntGraph, chip: &ChipSpec) -> std::result::Result<usize, Problem> {
        let Some(at) = graph.populations.iter().position(|p| p.name == row.population) else {
            let names: Vec<&str> =
                graph.populations.iter().filter(|p| !p.is_input()).map(|p| p.name.as_str()).collect();
            let help = nearest(&row.population, names.iter().copied())
                .map_or_else(|| "name one of these".to_owned(), |near| format!("did you mean '{near}'?"));
            let what = format!("there is no population '{}'", row.population);
            return Err(self.problem("mapping/population", row, what).limit(names.join(", ")).help(help));
        };
        let population = &graph.populations[at];
        if population.is_input() {
            let what = format!("'{}' is an input, which stands on no core", row.population);
            return Err(self.problem("mapping/population", row, what).help("leave the line out"));
        }
        if let Some(range) = row.neurons.as_ref().filter(|range| range.end as usize > population.size()) {
            let what = format!("there is no neuron {}", range.end - 1);
            let limit = format!("'{}' has neurons 0 to {}", row.population, population.size() - 1);
            return Err(self.problem("mapping/neuron", row, what).limit(limit).help("count from 0"));
        }
        if row.core >= chip.cores() {
            let limit = format!("cores 0 to {} on chip '{}'", chip.cores() - 1, chip.name);
            let what = format!("there is no core {}", row.core);
            return Err(self.problem("mapping/core", row, what).limit(limit).help("count from 0, router by router"));
        }
        if !chip.is_alive(CoreId(row.core)) {
            let what = format!("core {} is dead", row.core);
            return Err(self.problem("mapping/core", row, what).help("choose another core"));
        }
        Ok(at)
    }

    fn problem(&self, code: &'static str, row: &Row, what: String) -> Problem {
        Problem::invalid(code, format!("{}:{}", self.file, row.line), what)
    }
}

fn row(line: usize, text: &str) -> Option<Row> {
    let fields: Vec<&str> = text.split(',').map(str::trim).collect();
    let [population, neurons, core] = fields[..] else { return None };
    let neurons = match neurons.split_once('-') {
        _ if neurons == "*" => None,
        Some((first, last)) => Some(first.parse().ok()?..last.parse::<u32>().ok()?.checked_add(1)?),
        None => {
            let neuron: u32 = neurons.parse().ok()?;
            Some(neuron..neuron.checked_add(1)?)
        }
    };
    if population.is_empty() || neurons.as_ref().is_some_and(Range::is_empty) {
        return None;
    }
    Some(Row { line, population: population.to_owned(), neurons, core: core.parse().ok()? })
}

/// The mapping of an image in the same form. Copies and relays of crossbar chips are left out: the compiler makes them
/// anew.
#[must_use]
pub fn write(image: &Image) -> String {
    let mut text = format!("{HEADER}\n");
    for population in &image.populations {
        let mut from = 0;
        while let Some(place) = population.places.get(from) {
            let run = population.places[from..].iter().take_while(|other| other.core == place.core).count();
            let neurons = if run == 1 { from.to_string() } else { format!("{from}-{}", from + run - 1) };
            text.push_str(&format!("{},{neurons},{}\n", population.name, place.core));
            from += run;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str, wanted: &[&str]) {
        let problems = Mapping::read(text, "m.csv").expect_err(text).to_string();
        assert!(wanted.iter().all(|part| problems.contains(part)), "{problems}");
    }

    #[test]
    fn lines_of_every_form_are_read_and_others_told() {
        let mapping =
            Mapping::read("population,neuron,core\nhidden,0-63,4\nhidden,64,5\n\nout,*,5\n", "m.csv").expect("fine");
        let ranges: Vec<Option<Range<u32>>> = mapping.rows.iter().map(|row| row.neurons.clone()).collect();
        assert_eq!(ranges, [Some(0..64), Some(64..65), None]);
        assert_eq!(mapping.rows[2].line, 5);
        assert_eq!(Mapping::read("0\n2\n2\n", "a.part.3").expect("hMETIS").groups, [0, 2, 2]);
        refused("hidden,63-0,4", &["m.csv:1", "63-0"]);
        refused("hidden,0,4,4\nhidden,x,4\nhidden,0,-1", &["m.csv:1", "m.csv:2", "m.csv:3"]);
        refused("hidden,0-4294967295,4", &["m.csv:1"]);
        refused("population,neuron,core\n", &["it maps no neuron"]);
    }
}
