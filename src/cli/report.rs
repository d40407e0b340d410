//! `report`: render a run's report.json again.

use serde_json::{Value, json};

use super::args::ReportArgs;
use super::console::{Console, read_text, write};
use crate::diag::Result;
use crate::report;

pub(super) fn run(args: &ReportArgs, console: &Console) -> Result<u8> {
    let path = if args.run.is_dir() { args.run.join("report.json") } else { args.run.clone() };
    let text = read_text(&path)?;
    let report = report::read_json(&text, &path.display().to_string())?;
    if let Some(page) = &args.html {
        write(page, report::html(&report).as_bytes(), args.force)?;
        console.say(&format!("wrote {}", page.display()));
    }
    if console.json() {
        let value: Value = serde_json::from_str(&report::json(&report)).unwrap_or_default();
        console.object("report", json!({ "report": value }));
    } else {
        console.result(&report::text(&report, console.width()));
    }
    Ok(0)
}
