//! Spikes as text: `tick,input[,value]`, with a header also `sample` and `label` in any order of columns.

use std::collections::BTreeMap;

use super::read::{Found, beyond};
use super::{InputSpike, MAX_TICKS, Options, Sample};
use crate::diag::{Problem, Result, nearest};

/// Columns of the table, in the order they have where there is no header.
const COLUMNS: [&str; 5] = ["tick", "input", "value", "sample", "label"];

/// Whether the text is a list of recordings (`file,label`) and no table of spikes.
pub(super) fn listed(text: &str) -> bool {
    lines(text).next().is_some_and(|(_, line)| cells(line).next() == Some("file"))
}

/// Lines with something on them (`#` begins a comment), numbered from 1.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let numbered = text.trim_start_matches('\u{feff}').lines().enumerate();
    numbered
        .map(|(index, line)| (index + 1, line.split('#').next().unwrap_or_default().trim()))
        .filter(|(_, line)| !line.is_empty())
}

/// The cells of a line, trimmed.
pub(super) fn cells(line: &str) -> impl Iterator<Item = &str> {
    line.split(',').map(str::trim)
}

/// Reads a table of spikes. Samples come in ascending order of their number.
pub(super) fn read(text: &str, file: &str, inputs: u32, options: &Options) -> Result<Vec<Sample>> {
    let mut found = Found::default();
    let mut table = lines(text).peekable();
    let order = match table.peek() {
        Some((line, header)) if header.starts_with(|c: char| c.is_ascii_alphabetic()) => {
            let order = columns(header, &format!("{file}:{line}"), &mut found);
            table.next();
            order
        }
        _ => vec![0, 1, 2],
    };
    let mut spikes: BTreeMap<u64, (Vec<InputSpike>, Option<u32>)> = BTreeMap::new();
    let mut rows = 0;
    for (line, text) in table {
        rows += 1;
        let place = format!("{file}:{line}");
        let Some([tick, input, value, sample, label]) = row(text, &order, &place, &mut found) else { continue };
        if let Some(spike) = spike(tick, input, value.unwrap_or(1), &place, inputs, &mut found) {
            let entry = spikes.entry(sample.unwrap_or(0)).or_default();
            entry.0.push(spike);
            entry.1 = label.map(|label| label as u32).or(entry.1);
        }
    }
    if rows == 0 {
        found.push(Problem::invalid("stimulus/empty", file, "holds no spikes").help("lines are tick,input[,value]"));
    }
    found.check(file, ())?;
    let last = spikes.values().flat_map(|(spikes, _)| spikes).map(|spike| spike.tick + 1).max();
    let gather = |(number, (spikes, label)): (u64, (Vec<InputSpike>, Option<u32>))| {
        let sample = Sample::gather(format!("{file}[{number}]"), spikes, options.ticks.or(last), options.binary);
        Sample { label, ..sample }
    };
    Ok(spikes.into_iter().map(gather).collect())
}

/// Which of [`COLUMNS`] stands in each column of a header; columns past the known ones where one is unknown.
fn columns(header: &str, place: &str, found: &mut Found) -> Vec<usize> {
    let order: Vec<usize> = cells(header)
        .map(|word| {
            let lower = word.to_ascii_lowercase();
            COLUMNS.iter().position(|column| *column == lower).unwrap_or_else(|| {
                let problem = Problem::invalid("stimulus/column", place, format!("unknown column '{word}'"))
                    .limit(format!("columns: {}", COLUMNS.join(", ")));
                found.push(match nearest(&lower, COLUMNS) {
                    Some(near) => problem.help(format!("did you mean '{near}'?")),
                    None => problem,
                });
                COLUMNS.len()
            })
        })
        .collect();
    for (column, name) in COLUMNS.iter().enumerate() {
        let times = order.iter().filter(|&&other| other == column).count();
        if times > 1 || (times == 0 && column < 2) {
            let what = format!("column '{name}' {}", if times == 0 { "is missing" } else { "is there more than once" });
            found.push(
                Problem::invalid("stimulus/column", place, what).help("columns are tick,input[,value,sample,label]"),
            );
        }
    }
    order
}

/// The numbers of one line by [`COLUMNS`]; none where the line is at fault.
fn row(text: &str, order: &[usize], place: &str, found: &mut Found) -> Option<[Option<u64>; 5]> {
    let mut numbers = [None; COLUMNS.len()];
    let mut sound = true;
    let mut count = 0;
    for (index, cell) in cells(text).enumerate() {
        count += 1;
        let Some(&column) = order.get(index) else { continue };
        let Some(&name) = COLUMNS.get(column) else { continue };
        match number(cell) {
            Ok(number) => numbers[column] = Some(number),
            Err(why) => {
                let what = format!("{name} '{cell}' {why}");
                found.push(Problem::invalid("stimulus/number", place, what).limit("whole numbers from 0"));
                sound = false;
            }
        }
    }
    // Without a header the value may be absent; with one every row is as long as it.
    let fits = count == order.len() || (order == [0, 1, 2] && count == 2);
    if !fits {
        let what = format!("{count} cells where {} are wanted", order.len());
        found.push(Problem::invalid("stimulus/cells", place, what).help("lines are tick,input[,value]"));
    }
    (sound && fits).then_some(numbers)
}

fn number(cell: &str) -> std::result::Result<u64, &'static str> {
    match cell.parse::<u64>() {
        Ok(number) => Ok(number),
        Err(_) if cell.is_empty() => Err("is empty"),
        Err(_) => match cell.parse::<f64>() {
            Ok(number) if number.is_nan() => Err("is not a number"),
            Ok(number) if number < 0.0 => Err("is negative"),
            Ok(_) => Err("is no whole number in range"),
            Err(_) => Err("is no number"),
        },
    }
}

/// A spike whose numbers are in range.
fn spike(
    tick: Option<u64>,
    input: Option<u64>,
    value: u64,
    place: &str,
    inputs: u32,
    found: &mut Found,
) -> Option<InputSpike> {
    let (tick, input) = (tick?, input?);
    if tick >= u64::from(MAX_TICKS) {
        let what = format!("tick {tick} is too late");
        found.push(Problem::invalid("stimulus/tick", place, what).limit(format!("ticks 0..={}", MAX_TICKS - 1)));
        return None;
    }
    if input >= u64::from(inputs) {
        found.push(beyond(place.to_owned(), input, inputs));
        return None;
    }
    let Some(value) = u16::try_from(value).ok().filter(|&value| value > 0) else {
        let what = format!("value {value} is no number of spikes");
        found.push(Problem::invalid("stimulus/value", place, what).limit("1..=65535"));
        return None;
    };
    Some(InputSpike { tick: tick as u32, input: input as u32, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Vec<Sample>> {
        read(text, "in.csv", 10, &Options::default())
    }

    #[test]
    fn reads_with_and_without_header_and_adds_up_repeats() {
        let plain = parse("5,3\n0,9,2\n5,3,4\n").expect("valid");
        assert_eq!(plain.len(), 1);
        assert_eq!(plain[0].ticks, 6);
        let spike = |tick, input, value| InputSpike { tick, input, value };
        assert_eq!(plain[0].spikes, [spike(0, 9, 2), spike(5, 3, 5)]);
        let headed = parse("# two samples\nsample,label,input,tick\n4,1,0,2\n2,7,1,1\n").expect("valid");
        assert_eq!(headed.iter().map(|s| (s.label, s.ticks)).collect::<Vec<_>>(), [(Some(7), 3), (Some(1), 3)]);
        assert_eq!(headed[0].name, "in.csv[2]");
    }

    #[test]
    fn tells_every_fault_with_its_line() {
        let problems = parse("tick,input\n-1,0\n0,10\nnan,1\n1.5,2\n1\n99999999,0\n,1\n").expect_err("faulty");
        let told: Vec<(&str, &str)> = problems.all().iter().map(|p| (p.code, p.place.as_str())).collect();
        assert_eq!(
            told,
            [
                ("stimulus/number", "in.csv:2"),
                ("stimulus/input", "in.csv:3"),
                ("stimulus/number", "in.csv:4"),
                ("stimulus/number", "in.csv:5"),
                ("stimulus/cells", "in.csv:6"),
                ("stimulus/tick", "in.csv:7"),
                ("stimulus/number", "in.csv:8"),
            ]
        );
    }

    #[test]
    fn suggests_a_column() {
        let problems = parse("tick,inptu\n1,2\n").expect_err("faulty");
        assert!(problems.to_string().contains("did you mean 'input'?"), "{problems}");
    }

    #[test]
    fn an_empty_file_and_a_flood_of_faults_are_told_briefly() {
        assert!(parse("\n# nothing\n").expect_err("empty").has("stimulus/empty"));
        let problems = parse(&format!("0,1\n{}", "x,1\n".repeat(1000))).expect_err("faulty");
        assert!(problems.all().len() < 60 && problems.has("stimulus/more"));
    }
}
