//! The native JSON format: small networks by hand, chip integers by script.
//!
//! Checking goes in four steps, each of which reports all it finds: syntax, the schema (names, types, ranges),
//! references and sizes while building, and [`crate::graph::check`].

mod build;
mod fcore;
mod learning;
mod learning_model;
mod model;
mod outline;
mod place;
mod program;
mod soma;
mod stepped;
mod validate;
mod write;

pub use write::write_json;

use serde_json::Value;

use super::Network;
use crate::diag::{Problem, Problems, Result};

/// Reads a network in the native JSON format. `file` is named in problems.
///
/// # Errors
/// `graph/json` for text that is not JSON or does not follow the schema, `graph/...` for what is inconsistent;
/// all problems at once, each with line and column.
pub fn read_json(text: &str, file: &str) -> Result<Network> {
    let model = match outline::model(text) {
        Some(model) => model,
        None => checked(text, file)?,
    };
    let folder = std::path::Path::new(file).parent().unwrap_or_else(|| std::path::Path::new(""));
    let network = build::build(&model, folder)
        .map_err(|faults| Problems::check(faults.into_iter().map(|f| place::place(f, text, file)).collect(), ()))
        .or_else(|found| found.map(|()| unreachable!("a failed build names its faults")))?;
    drop(model);
    super::check(&network)?;
    Ok(network)
}

/// Syntax and schema, with everything that is wrong.
fn checked(text: &str, file: &str) -> Result<model::File> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let place = format!("{file}:{}:{}", error.line(), error.column());
        Problem::invalid("graph/json", place, format!("not JSON: {error}"))
    })?;
    let found = validate::validate(&value, &schema());
    Problems::check(found.into_iter().map(|fault| place::place(fault, text, file)).collect(), ())?;
    serde_json::from_value(value)
        .map_err(|error| Problem::invalid("graph/json", file, format!("does not follow the schema: {error}")).into())
}

/// The JSON schema of the format, as in `programs/network.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    let mut text = serde_json::to_string_pretty(&schema()).expect("a schema is JSON");
    text.push('\n');
    text
}

fn schema() -> Value {
    schemars::schema_for!(model::File).to_value()
}

/// A problem at a path of object keys and list indices.
#[derive(Debug, Default)]
struct Fault {
    path: Vec<Step>,
    what: String,
    limit: Option<String>,
    help: Option<String>,
    /// Its code, where it is not `graph/json`.
    code: Option<&'static str>,
    /// Where in a string value, by its place in words: a column of a rule.
    within: Option<String>,
}

/// One step from a JSON value to one inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

#[cfg(test)]
mod tests;
