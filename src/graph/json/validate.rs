//! A small JSON-schema checker for the subset that schemars emits: it reports every violation with its path,
//! where deserialising would stop at the first.

use serde_json::{Map, Value};

use super::{Fault, Step};
use crate::diag::nearest;

/// Everything in `value` that violates `schema`.
pub(super) fn validate(value: &Value, schema: &Value) -> Vec<Fault> {
    let mut checker = Checker { root: schema, path: Vec::new(), found: Vec::new() };
    checker.check(value, schema);
    checker.found
}

struct Checker<'a> {
    root: &'a Value,
    path: Vec<Step>,
    found: Vec<Fault>,
}

impl<'a> Checker<'a> {
    fn report(&mut self, what: String, help: Option<String>) {
        self.found.push(Fault { path: self.path.clone(), what, help, ..Fault::default() });
    }

    /// Follows a `$ref` into the definitions; the root where it leads nowhere.
    fn resolve(&self, schema: &'a Value) -> &'a Value {
        let Some(reference) = schema.get("$ref").and_then(Value::as_str) else { return schema };
        self.root.pointer(reference.trim_start_matches('#')).unwrap_or(self.root)
    }

    fn check(&mut self, value: &Value, schema: &'a Value) {
        let target = self.resolve(schema);
        if let Some(branches) = ["oneOf", "anyOf"].iter().find_map(|key| target.get(key)?.as_array()) {
            return self.check_branches(value, branches, target);
        }
        if !self.check_type(value, target) {
            return;
        }
        if let Some(allowed) = target.get("enum").and_then(Value::as_array)
            && !allowed.contains(value)
        {
            let words: Vec<&str> = allowed.iter().filter_map(Value::as_str).collect();
            self.unknown_word(value, &words);
        }
        if let (Some(number), true) = (value.as_f64(), target.is_object()) {
            self.check_range(number, target);
        }
        match value {
            Value::Object(fields) => self.check_object(fields, schema, target),
            Value::Array(items) => self.check_items(items, target),
            _ => {}
        }
    }

    fn unknown_word(&mut self, value: &Value, words: &[&str]) {
        let near = value.as_str().and_then(|word| nearest(word, words.iter().copied()));
        let near = near.map_or(String::new(), |word| format!("did you mean \"{word}\"? "));
        self.report(format!("{value} is not known here"), Some(format!("{near}one of: {}", words.join(", "))));
    }

    /// Picks the branch for a value by its tag or, failing that, its JSON type.
    fn check_branches(&mut self, value: &Value, branches: &'a [Value], around: &'a Value) {
        let constants: Vec<&str> = branches.iter().filter_map(|b| b.get("const")?.as_str()).collect();
        if constants.len() == branches.len() {
            if !constants.iter().any(|word| value.as_str() == Some(word)) {
                self.unknown_word(value, &constants);
            }
            return;
        }
        if let Some((tag, words)) = tags(branches) {
            return self.check_tagged(value, branches, tag, &words);
        }
        let fitting = branches.iter().map(|branch| self.resolve(branch)).find(|branch| self.fits(value, branch));
        match fitting {
            Some(branch) => self.check(value, branch),
            None if around.get("oneOf").is_some() && branches.len() == 1 => self.check(value, &branches[0]),
            None => {
                let kinds: Vec<String> = branches.iter().map(|branch| describe(self.resolve(branch))).collect();
                self.report(format!("{} is not expected here", name(value)), Some(kinds.join(" or ")));
            }
        }
    }

    fn check_tagged(&mut self, value: &Value, branches: &'a [Value], tag: &str, words: &[&str]) {
        let Some(fields) = value.as_object() else {
            return self.report(format!("{} where an object with \"{tag}\" is expected", name(value)), None);
        };
        let Some(given) = fields.get(tag) else {
            return self.report(format!("\"{tag}\" is missing"), Some(format!("one of: {}", words.join(", "))));
        };
        match words.iter().position(|word| given.as_str() == Some(word)) {
            Some(branch) => self.check(value, &branches[branch]),
            None => {
                self.path.push(Step::Key(tag.to_owned()));
                self.unknown_word(given, words);
                self.path.pop();
            }
        }
    }

    /// Whether the value's type, and that of its first items, is the schema's.
    fn fits(&self, value: &Value, schema: &'a Value) -> bool {
        if !types(schema).is_none_or(|types| types.iter().any(|kind| is_a(value, kind))) {
            return false;
        }
        match (value.as_array().and_then(|items| items.first()), schema.get("items")) {
            (Some(first), Some(items)) => self.fits(first, self.resolve(items)),
            _ => true,
        }
    }

    fn check_type(&mut self, value: &Value, schema: &'a Value) -> bool {
        let Some(types) = types(schema) else { return true };
        if types.iter().any(|kind| is_a(value, kind)) {
            return true;
        }
        self.report(format!("{} where {} is expected", name(value), types.join(" or ")), None);
        false
    }

    fn check_range(&mut self, number: f64, schema: &Value) {
        let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
        let (low, high) = (limit("minimum"), limit("maximum"));
        let (low_or, high_or) = match schema.get("format").and_then(Value::as_str) {
            Some("uint32") => (0.0, f64::from(u32::MAX)),
            Some("int32") => (f64::from(i32::MIN), f64::from(i32::MAX)),
            Some("uint16") => (0.0, f64::from(u16::MAX)),
            Some("int16") => (f64::from(i16::MIN), f64::from(i16::MAX)),
            Some("uint8") => (0.0, f64::from(u8::MAX)),
            Some("int8") => (f64::from(i8::MIN), f64::from(i8::MAX)),
            _ => (f64::NEG_INFINITY, f64::INFINITY),
        };
        let (low, high) = (low.unwrap_or(low_or), high.unwrap_or(high_or));
        if number < low || number > high {
            self.report(format!("{number} is out of range"), Some(format!("range {low}..={high}")));
        }
    }

    /// `outer` may hold properties beside a `$ref` to `inner` (the tag of an enum).
    fn check_object(&mut self, fields: &Map<String, Value>, outer: &'a Value, inner: &'a Value) {
        let known = |key: &str| {
            [outer, inner].into_iter().find_map(|schema| schema.get("properties").and_then(|all| all.get(key)))
        };
        let strict = [outer, inner].iter().any(|schema| {
            ["additionalProperties", "unevaluatedProperties"].iter().any(|key| schema.get(key) == Some(&false.into()))
        });
        let mut schemas = vec![outer];
        if !std::ptr::eq(outer, inner) {
            schemas.push(inner);
        }
        let names: Vec<&str> = schemas
            .iter()
            .filter_map(|s| s.get("properties")?.as_object())
            .flatten()
            .map(|(k, _)| k.as_str())
            .collect();
        for (key, value) in fields {
            self.path.push(Step::Key(key.clone()));
            match known(key) {
                Some(schema) => self.check(value, schema),
                None if strict => {
                    let near = nearest(key, names.iter().copied());
                    let near = near.map_or(String::new(), |word| format!("did you mean \"{word}\"? "));
                    let help = format!("{near}keys here: {}", names.join(", "));
                    self.report(format!("unknown key \"{key}\""), Some(help));
                }
                None => {}
            }
            self.path.pop();
        }
        let required = schemas.iter().filter_map(|schema| schema.get("required")?.as_array()).flatten();
        for key in required.filter_map(Value::as_str) {
            if !fields.contains_key(key) {
                self.report(format!("\"{key}\" is missing"), None);
            }
        }
    }

    fn check_items(&mut self, items: &[Value], schema: &'a Value) {
        let limit = |key: &str| schema.get(key).and_then(Value::as_u64);
        let count = items.len() as u64;
        if limit("minItems").is_some_and(|min| count < min) || limit("maxItems").is_some_and(|max| count > max) {
            let wanted = limit("minItems").unwrap_or_default();
            self.report(format!("{count} numbers where {wanted} are expected"), None);
        }
        let Some(schema) = schema.get("items") else { return };
        for (index, item) in items.iter().enumerate() {
            self.path.push(Step::Index(index));
            self.check(item, schema);
            self.path.pop();
        }
    }
}

/// The tag key and the tag words of an internally tagged enum.
fn tags(branches: &[Value]) -> Option<(&str, Vec<&str>)> {
    let tag_of = |branch: &'_ Value| -> Option<(String, String)> {
        branch.get("properties")?.as_object()?.iter().find_map(|(key, schema)| {
            schema.get("const").and_then(Value::as_str).map(|word| (key.clone(), word.to_owned()))
        })
    };
    let (tag, _) = tag_of(branches.first()?)?;
    let key = branches[0].get("properties")?.as_object()?.keys().find(|key| **key == tag)?;
    let words = branches.iter().map(|branch| branch.get("properties")?.get(key)?.get("const")?.as_str());
    Some((key, words.collect::<Option<Vec<_>>>()?))
}

fn types(schema: &Value) -> Option<Vec<&str>> {
    match schema.get("type")? {
        Value::String(kind) => Some(vec![kind]),
        Value::Array(kinds) => Some(kinds.iter().filter_map(Value::as_str).collect()),
        _ => None,
    }
}

fn is_a(value: &Value, kind: &str) -> bool {
    match kind {
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => true,
    }
}

/// A short name of a value for messages.
fn name(value: &Value) -> String {
    match value {
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "an object".to_owned(),
        scalar => scalar.to_string(),
    }
}

fn describe(schema: &Value) -> String {
    match (types(schema), schema.get("items").and_then(types)) {
        (Some(kinds), Some(items)) => format!("{} of {}", kinds.join("/"), items.join("/")),
        (Some(kinds), None) => kinds.join(" or "),
        _ => "another form".to_owned(),
    }
}
