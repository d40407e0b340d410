//! Fuzz of the assembler, the disassembler, the decoder and the executors, for so many seconds.
//!
//!     cargo bench --profile release --bench fuzz -- 600          # ten minutes from seed 1
//!     cargo bench --profile release --bench fuzz -- 600 77       # from another seed
//!     cargo bench --profile release --bench fuzz -- case 12345   # one case again
//!
//! Prints the seed, findings with the text that shows them, and cases a second. Ends with 1 where anything was found.

mod cases;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use spikeloom::rng::mix;

/// Findings that are shown before it ends.
const MOST_FINDINGS: usize = 10;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let number = |at: usize, otherwise: u64| {
        arguments.get(at).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("'{text}' is no number")))
    };
    // What panics is a finding, told with its text.
    std::panic::set_hook(Box::new(|_| {}));
    if arguments.first().is_some_and(|word| word == "case") {
        let done = cases::check(number(1, 0));
        println!(
            "{}",
            done.as_ref().map_or_else(Clone::clone, |program| format!("nothing found; a program: {program}"))
        );
        return ExitCode::from(u8::from(done.is_err()));
    }
    let (seconds, seed) = (number(0, 1), number(1, 1));
    println!("seed {seed}, {seconds} s");
    let begun = Instant::now();
    let (mut done, mut programs, mut findings) = (0_u64, 0_u64, 0);
    while begun.elapsed() < Duration::from_secs(seconds) && findings < MOST_FINDINGS {
        for _ in 0..100 {
            match cases::check(mix(seed.wrapping_add(mix(done)))) {
                Ok(program) => programs += u64::from(program),
                Err(finding) => {
                    println!("{finding}\n");
                    findings += 1;
                }
            }
            done += 1;
        }
    }
    let each = done as f64 / begun.elapsed().as_secs_f64();
    println!("{done} cases ({programs} programs), {each:.0} a second, {findings} findings");
    ExitCode::from(u8::from(findings > 0))
}
