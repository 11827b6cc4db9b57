//! Whether a server can be asked to keep to a schema strictly. OpenAI's rules
//! for that, which other servers took over, allow only a part of JSON Schema;
//! any other schema is refused with status 400.

use serde_json::{Map, Value};

/// The most objects and arrays inside one another, fields of all objects, values
/// of all enumerations, and bytes of their names and values.
const MAX_DEPTH: usize = 10;
const MAX_FIELDS: usize = 5_000;
const MAX_VALUES: usize = 1_000;
const MAX_NAME_BYTES: usize = 120_000;

/// The keywords that may be in a schema, besides those that hold schemas.
const KEYWORDS: &[&str] = &[
    "$schema",
    "$ref",
    "type",
    "title",
    "description",
    "enum",
    "const",
    "required",
    "pattern",
    "format",
    "multipleOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minItems",
    "maxItems",
];

/// The first reason why strictness would be refused, with its place in the
/// schema; `None` if there is none.
pub fn obstacle(schema: &Value) -> Option<String> {
    let is_object = schema.get("type").is_some_and(|kind| kind == "object");
    if !is_object || schema.get("anyOf").is_some() {
        return Some("it is not of type object".to_owned());
    }
    let mut survey = Survey::default();
    survey.schema(schema, "", 0).err().or_else(|| survey.excess())
}

/// What is counted in a schema. Its methods fail with the obstacle.
#[derive(Default)]
struct Survey {
    fields: usize,
    values: usize,
    name_bytes: usize,
}

impl Survey {
    fn excess(&self) -> Option<String> {
        let counts = [
            (self.fields, MAX_FIELDS, "fields"),
            (self.values, MAX_VALUES, "values in enumerations"),
            (self.name_bytes, MAX_NAME_BYTES, "bytes of names and values"),
        ];
        counts
            .into_iter()
            .find(|(count, limit, _)| count > limit)
            .map(|(count, limit, what)| format!("it has {count} {what}, and {limit} are allowed"))
    }

    fn schema(&mut self, schema: &Value, place: &str, depth: usize) -> Result<(), String> {
        let at = || if place.is_empty() { "the top level" } else { place };
        let Value::Object(keywords) = schema else {
            return Err(format!("the schema at {} is no object", at()));
        };
        if depth > MAX_DEPTH {
            return Err(format!("{} is nested more than {MAX_DEPTH} levels deep", at()));
        }
        if keywords.contains_key("$ref") && keywords.len() > 1 && !place.is_empty() {
            return Err(format!("$ref at {} is not alone", at()));
        }
        if !["type", "enum", "const", "anyOf", "$ref"]
            .iter()
            .any(|name| keywords.contains_key(*name))
        {
            return Err(format!("{} has no type", at()));
        }
        if has_type(keywords, "object") {
            check_object(keywords).map_err(|reason| format!("{reason} at {}", at()))?;
        }
        if has_type(keywords, "array") && !keywords.contains_key("items") {
            return Err(format!("items is missing at {}", at()));
        }
        for (name, value) in keywords {
            self.keyword(name, value, &format!("{place}/{name}"), depth)?;
        }
        Ok(())
    }

    fn keyword(
        &mut self,
        name: &str,
        value: &Value,
        place: &str,
        depth: usize,
    ) -> Result<(), String> {
        match (name, value) {
            ("properties" | "$defs" | "definitions", Value::Object(schemas)) => {
                self.fields += if name == "properties" { schemas.len() } else { 0 };
                let depth = if name == "properties" { depth + 1 } else { depth };
                for (name, schema) in schemas {
                    self.name_bytes += name.len();
                    self.schema(schema, &format!("{place}/{name}"), depth)?;
                }
            }
            ("anyOf", Value::Array(schemas)) => {
                for (index, schema) in schemas.iter().enumerate() {
                    self.schema(schema, &format!("{place}/{index}"), depth)?;
                }
            }
            ("items", schema) => self.schema(schema, place, depth + 1)?,
            ("enum", Value::Array(values)) => {
                self.values += values.len();
                self.name_bytes +=
                    values.iter().filter_map(Value::as_str).map(str::len).sum::<usize>();
            }
            ("const", Value::String(value)) => self.name_bytes += value.len(),
            // Checked with the object.
            ("additionalProperties", _) => {}
            ("$ref", Value::String(address)) if !address.starts_with('#') => {
                return Err(format!("{place} refers to another document"));
            }
            _ if KEYWORDS.contains(&name) => {}
            _ => return Err(format!("{place} is not allowed")),
        }
        Ok(())
    }
}

fn has_type(keywords: &Map<String, Value>, name: &str) -> bool {
    match keywords.get("type") {
        Some(Value::String(kind)) => kind == name,
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == name),
        _ => false,
    }
}

/// Fails with the reason.
fn check_object(keywords: &Map<String, Value>) -> Result<(), String> {
    if keywords.get("additionalProperties") != Some(&Value::Bool(false)) {
        return Err("additionalProperties is not false".to_owned());
    }
    let required = keywords.get("required").and_then(Value::as_array);
    let is_required = |name: &&String| {
        required.is_some_and(|required| required.iter().any(|other| other == name.as_str()))
    };
    let fields = keywords.get("properties").and_then(Value::as_object);
    match fields.into_iter().flat_map(Map::keys).find(|name| !is_required(name)) {
        Some(name) => Err(format!("'{name}' is not required")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn assert_obstacle(schema: &Value, reason: &str) {
        let obstacle = obstacle(schema);
        assert!(obstacle.as_deref().is_some_and(|found| found.contains(reason)), "{obstacle:?}");
    }

    fn object(properties: &Value) -> Value {
        let names: Vec<&String> = properties.as_object().expect("an object").keys().collect();
        json!({
            "type": "object",
            "properties": properties,
            "required": names,
            "additionalProperties": false,
        })
    }

    #[test]
    fn schemas_within_the_rules_qualify() {
        for schema in [
            json!({"type": "object", "additionalProperties": false}),
            object(&json!({
                "a": {"type": ["string", "null"], "pattern": "^x", "description": "A"},
                "b": {"type": "array", "items": {"$ref": "#/$defs/c"}, "minItems": 1},
                "c": {"anyOf": [{"const": 1}, {"enum": ["x", 2]}]},
                "d": object(&json!({"e": {"$ref": "#"}})),
            })),
        ] {
            assert_eq!(obstacle(&schema), None);
        }
    }

    #[test]
    fn other_schemas_do_not_qualify() {
        assert_obstacle(&json!({}), "not of type object");
        assert_obstacle(&json!({"type": "array", "items": {"type": "string"}}), "type object");
        assert_obstacle(&json!({"type": "object"}), "additionalProperties is not false");
        let mut optional = object(&json!({"a": {"type": "string"}}));
        optional["required"] = json!([]);
        assert_obstacle(&optional, "'a' is not required at the top level");
        for (field, reason) in [
            (json!({"type": "object"}), "at /properties/a"),
            (json!({"type": ["object", "null"]}), "at /properties/a"),
            (json!({"type": "array"}), "items is missing at /properties/a"),
            (json!({"oneOf": [{"type": "string"}], "type": "string"}), "/properties/a/oneOf"),
            (json!({"type": "string", "default": "x"}), "/properties/a/default"),
            (json!({"$ref": "#", "description": "A"}), "not alone"),
            (json!({"$ref": "a.json"}), "another document"),
            (json!({"description": "A"}), "no type"),
            (json!(true), "no object"),
        ] {
            assert_obstacle(&object(&json!({"a": field})), reason);
        }
        let nested =
            (0..MAX_DEPTH).fold(json!({"type": "string"}), |inner, _| object(&json!({"a": inner})));
        assert_eq!(obstacle(&nested), None);
        assert_obstacle(&object(&json!({"a": nested})), "levels deep");
        assert_obstacle(
            &object(&json!({"a": {"enum": (0..1001).collect::<Vec<_>>()}})),
            "1001 values",
        );
    }
}
