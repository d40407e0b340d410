//! `report.json`: the model as a versioned document, written and read back.
//!
//! The document is an object with `schema_version` and the fields of [`Report`]. Times are seconds, energies
//! joules, power watts; `null` is unknown. The version grows when a field is renamed, removed or changes its
//! meaning; readers refuse what they do not know.

pub(super) mod model;
mod place;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::diag::{Problem, Result};
use model::Report;

/// Version of the document.
pub const SCHEMA_VERSION: u32 = 1;

/// The document as it is written.
#[derive(Serialize, JsonSchema)]
#[schemars(title = "spikeloom report")]
struct Document<'a> {
    /// Version of this format.
    schema_version: u32,
    /// The report.
    #[serde(flatten)]
    report: &'a Report,
}

/// The report as JSON on one line, with a newline at the end.
#[must_use]
pub fn json(report: &Report) -> String {
    let document = Document { schema_version: SCHEMA_VERSION, report };
    let mut text = serde_json::to_string(&document).expect("a report has only strings as keys");
    text.push('\n');
    text
}

/// The JSON schema of the document.
#[must_use]
pub fn json_schema() -> String {
    let schema = schemars::schema_for!(Document<'static>);
    let mut text = serde_json::to_string_pretty(&schema).expect("a schema has only strings as keys");
    text.push('\n');
    text
}

/// Reads a document of [`json`]; `file` names it in problems.
pub fn read_json(text: &str, file: &str) -> Result<Report> {
    const HELP: &str = "give a report.json written by this version of spikeloom";
    let invalid = |place: String, what: String| Problem::invalid("report/json", place, what).help(HELP);
    let value: Value = serde_json::from_str(text)
        .map_err(|error| invalid(format!("{file}:{}:{}", error.line(), error.column()), error.to_string()))?;
    let Value::Object(mut fields) = value else {
        return Err(invalid(file.to_owned(), "not a JSON object".to_owned()).into());
    };
    let version = fields.remove("schema_version");
    if version.as_ref().and_then(Value::as_u64) != Some(u64::from(SCHEMA_VERSION)) {
        let found = version.map_or_else(|| "no schema_version".to_owned(), |found| format!("schema_version {found}"));
        let problem = Problem::invalid("report/version", file, found);
        return Err(problem.limit(format!("schema_version {SCHEMA_VERSION}")).help(HELP).into());
    }
    let report = serde_json::from_value(Value::Object(fields));
    report.map_err(|error| invalid(file.to_owned(), error.to_string()).into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    /// The last digit of a float may move, so what people see is compared.
    #[test]
    fn reads_back_what_it_wrote() {
        let report = synthetic::report();
        let read = read_json(&json(&report), "report.json").expect("reads");
        assert!(crate::report::html(&read) == crate::report::html(&report));
        assert_eq!(crate::report::text(&read, 100), crate::report::text(&report, 100));
    }

    #[test]
    fn an_unknown_is_null() {
        let mut report = synthetic::report();
        report.energy.watts = None;
        let value: Value = serde_json::from_str(&json(&report)).expect("is JSON");
        assert_eq!(value["schema_version"], SCHEMA_VERSION);
        assert!(value["energy"]["watts"].is_null());
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let text = json(&synthetic::report());
        let other = text.replacen("\"schema_version\":1", "\"schema_version\":99", 1);
        let misspelt = text.replacen("\"network\"", "\"netwrok\"", 1);
        for broken in [other.as_str(), misspelt.as_str(), "[]", "{}", "", &text[..text.len() / 2]] {
            assert!(read_json(broken, "report.json").is_err());
        }
    }

    #[test]
    fn the_schema_describes_the_fields() {
        let schema = json_schema();
        for part in ["schema_version", "joules_per_synaptic_event", "Mean power in watts"] {
            assert!(schema.contains(part), "{part}");
        }
    }
}
