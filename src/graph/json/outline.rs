//! The short way into a file that is right: a JSON value takes thirty bytes a number, and large networks are lists of
//! millions of them. So the schema is checked on an outline, in which long lists of numbers have only their first and
//! their extreme ones, and the model is read from the text. Whatever is wrong is left to the long way, which tells all
//! of it.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use super::{model, schema, validate};

/// Items of a list that are kept: more than any list has whose length the schema fixes.
const KEPT: usize = 64;

/// The model, where the text follows the schema.
pub(super) fn model(text: &str) -> Option<model::File> {
    let Outline(value) = serde_json::from_str(text).ok()?;
    if !validate::validate(&value, &schema()).is_empty() {
        return None;
    }
    drop(value);
    serde_json::from_str(text).ok()
}

/// A value whose long lists of numbers are cut. A schema asks of a number its type and its range, so that the
/// smallest and the largest whole number and the smallest and the largest of the others stand for all.
struct Outline(Value);

impl<'de> Deserialize<'de> for Outline {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Sketcher).map(Self)
    }
}

struct Sketcher;

impl<'de> Visitor<'de> for Sketcher {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        let mut extremes: [Option<[Value; 2]>; 2] = [None, None];
        while let Some(Outline(item)) = list.next_element()? {
            match item.as_f64() {
                Some(number) if items.len() >= KEPT => match &mut extremes[usize::from(item.is_f64())] {
                    Some([low, high]) => {
                        if low.as_f64().is_some_and(|low| number < low) {
                            *low = item;
                        } else if high.as_f64().is_some_and(|high| number > high) {
                            *high = item;
                        }
                    }
                    none => *none = Some([item.clone(), item]),
                },
                _ => items.push(item),
            }
        }
        items.extend(extremes.into_iter().flatten().flatten());
        Ok(items.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((key, Outline(value))) = fields.next_entry::<String, Outline>()? {
            map.insert(key, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outline(text: &str) -> Value {
        serde_json::from_str::<Outline>(text).expect("JSON").0
    }

    #[test]
    fn long_lists_keep_their_first_and_extreme_numbers_and_all_that_is_no_number() {
        let zeros = "0,".repeat(KEPT);
        let long = outline(&format!("{{\"a\": [{zeros} 3, -7, 2.5, \"x\", 9, [1], 1.5, 4]}}"));
        let items = long["a"].as_array().expect("a list");
        let rest: Value = serde_json::from_str("[\"x\", [1], -7, 9, 1.5, 2.5]").expect("JSON");
        assert_eq!(items[..KEPT], vec![Value::from(0); KEPT]);
        assert_eq!(Value::from(items[KEPT..].to_vec()), rest);
    }

    #[test]
    fn short_values_are_whole() {
        let text = r#"{"a": null, "b": [true, "c", {"d": [1, -2, 0.5, 18446744073709551615]}], "a": 1}"#;
        assert_eq!(outline(text), serde_json::from_str::<Value>(text).expect("JSON"));
    }

    #[test]
    fn lists_whose_length_the_schema_fixes_are_not_cut() {
        fn longest(schema: &Value) -> u64 {
            let inner = match schema {
                Value::Object(fields) => fields.values().map(longest).max(),
                Value::Array(items) => items.iter().map(longest).max(),
                _ => None,
            };
            let own = ["minItems", "maxItems"].iter().filter_map(|key| schema.get(key)?.as_u64()).max();
            inner.max(own).unwrap_or(0)
        }
        assert!((1..KEPT as u64).contains(&longest(&schema())));
    }
}
