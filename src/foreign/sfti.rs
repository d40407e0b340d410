//! Input spikes of NSCS (`.sfti`, text encoding): one JSON object a line, first two headers, then the spikes.
//!
//! A spike with `srcTime` t and delay d (the header's `defaultDestinationDelay`) is integrated in tick t + d.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::file_name;
use super::json::{self, Json, Kind};
use crate::diag::{Problem, Problems, Result, nearest};
use crate::image::Image;
use crate::stimulus::{InputSpike, MAX_TICKS, Sample, Stimulus};

/// Problems beyond this number are not listed.
const MOST: usize = 50;

/// Reads spikes for an image that has an input for each axon which they reach, such as one of
/// [`read_nscs`](super::read_nscs). The sample ends with the last spike.
///
/// # Errors
/// `foreign/syntax` for lines that are broken, `foreign/key` and `foreign/value` for what is in them, `foreign/reference`
/// for cores and axons that are not inputs; each with its line, up to 50 of them.
pub fn read_sfti(text: &str, file: &str, image: &Image) -> Result<Stimulus> {
    let mut reader = Reader { file, axons: axons(image), delay: 1, spikes: Vec::new(), problems: Vec::new() };
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim().is_empty() {
            continue;
        }
        if reader.problems.len() >= MOST {
            break;
        }
        match json::parse(line, number) {
            Ok(value) => reader.line(&value),
            Err(broken) => reader.add("foreign/syntax", broken.line, broken.what),
        }
    }
    let inputs = image.inputs.iter().map(|input| input.offsets.len().saturating_sub(1) as u32).sum();
    let name = file_name(file).to_owned();
    let sample = Sample::gather(name, reader.spikes, None, false);
    Problems::check(reader.problems, Stimulus { samples: vec![sample], inputs })
}

/// Writes the spikes of a stimulus for `image`, one for every packet that the host would inject.
///
/// # Errors
/// `foreign/value` where the stimulus does not have one sample, or has other inputs than the image.
pub fn write_sfti(stimulus: &Stimulus, image: &Image) -> Result<String> {
    let refused = |what: String| Err(Problem::invalid("foreign/value", "stimulus", what).into());
    let [sample] = stimulus.samples.as_slice() else {
        return refused(format!("a spike file holds one sample, not {}", stimulus.samples.len()));
    };
    let mut targets = Vec::new();
    for input in &image.inputs {
        let ranges = input.offsets.windows(2).map(|ends| &input.targets[ends[0] as usize..ends[1] as usize]);
        targets.extend(ranges);
    }
    if stimulus.inputs as usize != targets.len() {
        return refused(format!("it has {} inputs, the image {}", stimulus.inputs, targets.len()));
    }
    let mut packets = Vec::new();
    for spike in &sample.spikes {
        let Some(targets) = targets.get(spike.input as usize) else {
            return refused(format!("input {} is not there", spike.input));
        };
        for to in *targets {
            // The header's delay of 1 is part of the target's.
            let time = u64::from(spike.tick) + u64::from(to.delay.max(1)) - 1;
            packets.extend(std::iter::repeat_n((time, to.core, to.axon), usize::from(spike.value)));
        }
    }
    packets.sort_unstable();
    let mut text = String::from(
        "{\"class\":\"SpikeWriter\",\"encoding\":\"TEXT\",\"nscsVersion\":\"1.4.0\"}\n\
         {\"version\":\"sfti1.0\", \"defaultDestinationDelay\" : 1}\n",
    );
    for (time, core, axon) in packets {
        _ = writeln!(text, "{{\"spike\":{{\"srcTime\":{time},\"destCore\":{core},\"destAxon\":{axon}}}}}");
    }
    Ok(text)
}

/// Input and delay of each (core, axon) that an input reaches alone.
fn axons(image: &Image) -> BTreeMap<(u32, u16), (u32, u8)> {
    let mut axons = BTreeMap::new();
    let mut number = 0;
    for input in &image.inputs {
        for ends in input.offsets.windows(2) {
            if let [to] = input.targets[ends[0] as usize..ends[1] as usize] {
                axons.entry((to.core, to.axon)).or_insert((number, to.delay));
            }
            number += 1;
        }
    }
    axons
}

struct Reader<'a> {
    file: &'a str,
    axons: BTreeMap<(u32, u16), (u32, u8)>,
    /// Of spikes that name none.
    delay: i64,
    spikes: Vec<InputSpike>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn add(&mut self, code: &'static str, line: u32, what: String) {
        self.problems.push(Problem::invalid(code, format!("{}:{line}", self.file), what));
    }

    /// A line: a header or a spike.
    fn line(&mut self, value: &Json) {
        const KEYS: [&str; 6] = ["class", "encoding", "nscsVersion", "version", "defaultDestinationDelay", "spike"];
        let Kind::Object(entries) = &value.kind else {
            return self.add("foreign/value", value.line, "a line must be an object".to_owned());
        };
        for (key, entry) in entries {
            match (key.as_str(), &entry.kind) {
                ("encoding", Kind::Text(text)) if text == "TEXT" => {}
                ("version", Kind::Text(text)) if text == "sfti1.0" || text == "sfto1.0" => {}
                ("encoding" | "version", _) => {
                    let what = format!("'{key}' is {}", entry.print(None));
                    self.add("foreign/value", entry.line, what);
                    let known = if key == "encoding" { "\"TEXT\"" } else { "\"sfti1.0\", \"sfto1.0\"" };
                    self.limit(known);
                }
                ("defaultDestinationDelay", _) => self.delay = self.delay_of(entry),
                ("class" | "nscsVersion", _) => {}
                ("spike", _) => self.spike(entry),
                _ => self.unknown(key, entry, "a line", &KEYS),
            }
        }
    }

    fn limit(&mut self, limit: &str) {
        if let Some(problem) = self.problems.last_mut() {
            problem.limit = Some(limit.to_owned());
        }
    }

    fn unknown(&mut self, key: &str, entry: &Json, what: &str, known: &[&str]) {
        self.add("foreign/key", entry.line, format!("{what} has an unknown key '{key}'"));
        if let Some(problem) = self.problems.last_mut() {
            problem.help = nearest(key, known.iter().copied()).map(|near| format!("did you mean '{near}'?"));
        }
    }

    fn delay_of(&mut self, entry: &Json) -> i64 {
        match entry.whole() {
            Some(delay @ 1..=15) => delay,
            _ => {
                self.add("foreign/value", entry.line, format!("a delay of {}", entry.print(None)));
                self.limit("1..=15 ticks");
                1
            }
        }
    }

    fn spike(&mut self, value: &Json) {
        const KEYS: [&str; 4] = ["srcTime", "destCore", "destAxon", "destDelay"];
        let Kind::Object(entries) = &value.kind else {
            return self.add("foreign/value", value.line, "'spike' must be an object".to_owned());
        };
        let mut numbers: [Option<i64>; 4] = [None; 4];
        for (key, entry) in entries {
            let Some(at) = KEYS.iter().position(|known| known == key) else {
                self.unknown(key, entry, "a spike", &KEYS);
                continue;
            };
            let number = if at == 3 { Some(self.delay_of(entry)) } else { entry.whole() };
            if number.is_none() {
                self.add("foreign/value", entry.line, format!("'{key}' is {}", entry.print(None)));
            }
            numbers[at] = number;
        }
        match numbers {
            [Some(time), Some(core), Some(axon), delay] => self.place(value.line, time, (core, axon), delay),
            _ => {
                let missing = KEYS.iter().zip(numbers).find(|(_, number)| number.is_none()).map_or("", |(key, _)| key);
                self.add("foreign/key", value.line, format!("a spike without a number for '{missing}'"));
            }
        }
    }

    fn place(&mut self, line: u32, time: i64, (core, axon): (i64, i64), delay: Option<i64>) {
        let key = u32::try_from(core).ok().zip(u16::try_from(axon).ok());
        let Some(&(input, delay_of_input)) = key.and_then(|key| self.axons.get(&key)) else {
            return self.add("foreign/reference", line, format!("axon {axon} of core {core} is no input of the image"));
        };
        let tick = time.saturating_add(delay.unwrap_or(self.delay) - i64::from(delay_of_input));
        match u32::try_from(tick) {
            Ok(tick) if time >= 0 && tick < MAX_TICKS => self.spikes.push(InputSpike { tick, input, value: 1 }),
            _ => {
                self.add("foreign/value", line, format!("'srcTime' is {time}"));
                self.limit(&format!("0..={}", MAX_TICKS - 1));
            }
        }
    }
}
