//! Hypergraphs and divisions as files: hMETIS `.hgr` (G. Karypis, V. Kumar, hMETIS 1.5 manual, 1998), its partition
//! files, and `.src` lists of sources.

use super::{Builder, Hypergraph, NO_SOURCE, Net, Pin, Weight};
use crate::diag::{Problem, Result};

/// Most vertices and nets: pins are numbered in 31 bits.
const MOST: usize = 1 << 30;

/// The lines that count, with their numbers from 1.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(at, line)| (at + 1, line.trim())).filter(|(_, line)| !line.starts_with('%'))
}

fn wrong(code: &'static str, file: &str, line: usize, what: String, help: &str) -> Problem {
    Problem::invalid(code, format!("{file}:{line}"), what).help(help)
}

fn numbers<T: std::str::FromStr>(file: &str, line: usize, text: &str) -> Result<Vec<T>> {
    let read = |word: &str| {
        word.parse().map_err(|_| {
            wrong(
                "partition/number",
                file,
                line,
                format!("'{word}' is no number of this place"),
                "whole numbers, separated by blanks",
            )
        })
    };
    text.split_whitespace().map(|word| read(word).map_err(Into::into)).collect()
}

/// Nets, vertices, and whether nets and vertices are weighted.
fn head(text: Option<(usize, &str)>, file: &str) -> Result<(usize, usize, bool, bool)> {
    let Some((line, text)) = text else {
        return Err(Problem::invalid("partition/length", file, "the file is empty")
            .help("its first line is 'nets vertices [format]'")
            .into());
    };
    let first: Vec<usize> = numbers(file, line, text)?;
    let (nets, vertices, format) = match first[..] {
        [nets, vertices] => (nets, vertices, 0),
        [nets, vertices, format] => (nets, vertices, format),
        _ => {
            let what = format!("{} numbers in the first line", first.len());
            return Err(wrong("partition/length", file, line, what, "it is 'nets vertices [format]'").into());
        }
    };
    if nets > MOST || vertices > MOST || vertices == 0 {
        let what = format!("{nets} nets and {vertices} vertices");
        return Err(wrong("partition/size", file, line, what, "1 to 2^30 vertices, up to 2^30 nets").into());
    }
    match format {
        0 | 1 | 10 | 11 => Ok((nets, vertices, format % 10 == 1, format >= 10)),
        _ => Err(wrong("partition/format", file, line, format!("format {format}"), "0, 1, 10 or 11 (hMETIS)").into()),
    }
}

/// Reads a hypergraph; `sources` is the text and name of a `.src` file, one vertex from 0 a net. Without it the
/// first pin of a net is its source.
///
/// # Errors
/// `partition/number`, `partition/length`, `partition/size`, `partition/format`, `partition/pin` with the line.
pub fn read_hgr(text: &str, file: &str, sources: Option<(&str, &str)>) -> Result<Hypergraph> {
    let mut rows = lines(text).filter(|(_, line)| !line.is_empty());
    let (nets, vertices, weighted, heavy) = head(rows.next(), file)?;
    let sources = sources.map(|(text, name)| read_sources(text, name, nets, vertices)).transpose()?;
    // A net takes at least two bytes of the file: nothing is sized by the first line alone.
    let mut found: Vec<(Net, Vec<Pin>)> = Vec::with_capacity(nets.min(text.len() / 2));
    for at in 0..nets {
        let Some((line, row)) = rows.next() else {
            return Err(short(file, at, nets, "nets"));
        };
        let mut row: Vec<u64> = numbers(file, line, row)?;
        let weight = if weighted && !row.is_empty() { row.remove(0) } else { 1 };
        let source = sources.as_ref().map(|sources| sources[at]);
        found.push(
            net(&row, weight, source, vertices)
                .map_err(|(what, help)| wrong("partition/pin", file, line, what, help))?,
        );
    }
    // A vertex in a net takes two bytes at least: what is far more than the file holds is in none.
    if vertices > text.len().max(1 << 20) {
        let what = format!("{vertices} vertices, of which most are in no net");
        return Err(wrong("partition/size", file, 1, what, "correct the second number of the first line").into());
    }
    let mut sum = 0_u64;
    let mut weights = Vec::with_capacity(vertices);
    for at in 0..vertices {
        let neurons = if heavy {
            let Some((line, row)) = rows.next() else { return Err(short(file, at, vertices, "vertex weights")) };
            match numbers::<u32>(file, line, row)?[..] {
                [weight] => weight,
                _ => {
                    return Err(wrong(
                        "partition/length",
                        file,
                        line,
                        "not one weight".to_owned(),
                        "one vertex weight a line",
                    )
                    .into());
                }
            }
        } else {
            1
        };
        sum += u64::from(neurons);
        weights.push(Weight { neurons, ..Weight::default() });
    }
    if sum > u64::from(u32::MAX) {
        let problem = Problem::invalid("partition/size", file, format!("its vertices weigh {sum} together"));
        return Err(problem.limit(u32::MAX.to_string()).help("divide all vertex weights by one number").into());
    }
    if let Some((line, row)) = rows.next() {
        let what =
            format!("'{}' after the last line that the first line promises", row.chars().take(20).collect::<String>());
        return Err(wrong("partition/length", file, line, what, "correct the numbers of the first line").into());
    }
    let mut builder = Builder::new(weights);
    found.into_iter().for_each(|(net, pins)| builder.net(net, pins));
    Ok(builder.working().build())
}

fn short(file: &str, found: usize, promised: usize, what: &str) -> crate::diag::Problems {
    Problem::invalid("partition/length", file, format!("the file ends after {found} {what}"))
        .limit(format!("{promised}, says the first line"))
        .help("the file is cut short, or its first line is wrong")
        .into()
}

/// One net from its vertices from 1. The source is a target only where it stands twice.
fn net(
    row: &[u64],
    weight: u64,
    source: Option<u32>,
    vertices: usize,
) -> std::result::Result<(Net, Vec<Pin>), (String, &'static str)> {
    if weight > u64::from(u32::MAX) {
        return Err((format!("a net weight of {weight}"), "weights are 0 to 4294967295 spikes"));
    }
    if let Some(pin) = row.iter().find(|pin| **pin == 0 || **pin > vertices as u64) {
        return Err((format!("pin {pin}"), "pins are numbered from 1 to the number of vertices"));
    }
    let mut all: Vec<u32> = row.iter().map(|pin| (pin - 1) as u32).collect();
    let source = source.or_else(|| all.first().copied());
    all.sort_unstable();
    let twice = |v: u32| all.partition_point(|u| *u <= v) - all.partition_point(|u| *u < v) > 1;
    let sink = |v: u32| Some(v) != source || twice(v);
    let mut pins: Vec<Pin> = all.iter().map(|&v| Pin::new(v, sink(v))).collect();
    pins.dedup();
    if let Some(source) = source.filter(|source| all.binary_search(source).is_err()) {
        pins.push(Pin::new(source, false));
    }
    Ok((Net { weight, axons: 1, source: source.unwrap_or(NO_SOURCE) }, pins))
}

fn read_sources(text: &str, file: &str, nets: usize, vertices: usize) -> Result<Vec<u32>> {
    let mut found = Vec::new();
    for (line, row) in lines(text).filter(|(_, line)| !line.is_empty()) {
        let source: u32 = one(file, line, row)?;
        if source as usize >= vertices {
            let what = format!("source {source}");
            return Err(wrong(
                "partition/pin",
                file,
                line,
                what,
                "sources are numbered from 0, below the number of vertices",
            )
            .into());
        }
        found.push(source);
    }
    if found.len() != nets {
        return Err(Problem::invalid("partition/length", file, format!("{} sources", found.len()))
            .limit(format!("{nets}: one a net"))
            .help("give the .src file of this hypergraph")
            .into());
    }
    Ok(found)
}

fn one<T: std::str::FromStr + Copy>(file: &str, line: usize, row: &str) -> Result<T> {
    match numbers::<T>(file, line, row)?[..] {
        [only] => Ok(only),
        _ => Err(wrong("partition/length", file, line, "not one number".to_owned(), "one number a line").into()),
    }
}

/// Reads a partition file: the part of every vertex, one a line.
///
/// # Errors
/// `partition/number`, `partition/length` where the file is not of this many vertices, `partition/size` where a part
/// is not below their number.
pub fn read_division(text: &str, file: &str, vertices: usize) -> Result<Vec<u32>> {
    let mut found = Vec::with_capacity(vertices.min(text.len()));
    for (line, row) in lines(text).filter(|(_, line)| !line.is_empty()) {
        let part: u32 = one(file, line, row)?;
        if part as usize >= vertices {
            let what = format!("part {part}");
            return Err(wrong(
                "partition/size",
                file,
                line,
                what,
                "parts are numbered from 0, below the number of vertices",
            )
            .into());
        }
        found.push(part);
    }
    if found.len() != vertices {
        return Err(Problem::invalid("partition/length", file, format!("{} parts", found.len()))
            .limit(format!("{vertices}: one a vertex"))
            .help("give the partition file of this hypergraph")
            .into());
    }
    Ok(found)
}

/// A partition file: the part of every vertex, one a line.
#[must_use]
pub fn write_division(division: &[u32]) -> String {
    let mut text = String::with_capacity(division.len() * 4);
    for part in division {
        text.push_str(&part.to_string());
        text.push('\n');
    }
    text
}
