//! A JSON Schema, and whether a value is what it describes.

use boon::{CompileError, Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json;

/// Where the schema is said to be; nothing is ever read from there.
const PLACE: &str = "gravix:///schema.json";

/// How many faults of a value are told.
const TOLD_FAULTS: usize = 3;

/// The name of a schema without a title.
const DEFAULT_NAME: &str = "reply";

/// Longer names are refused by servers (OpenAI, `json_schema.name`).
const NAME_LIMIT: usize = 64;

pub struct Schema {
    source: Value,
    compiled: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// Compiles the schema that `text` holds; `what` stands for it in
    /// messages. The draft is the one that `$schema` names, 2020-12 by default.
    ///
    /// # Errors
    /// [`Error::Input`] when it is no schema, or needs another file.
    pub fn parse(text: &str, what: &str) -> Result<Self> {
        let source = json::parse(text, what)?;
        if !source.is_object() {
            let kind = json::kind(&source);
            return Err(Error::Input(format!("{what}: {kind}, where a JSON Schema is an object")));
        }
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(Nowhere));
        let mut compiled = Schemas::new();
        let refused = |error| Error::Input(format!("{what}: not a JSON Schema: {}", told(&error)));
        compiler.add_resource(PLACE, source.clone()).map_err(refused)?;
        let index = compiler.compile(PLACE, &mut compiled).map_err(refused)?;
        let schema = Self { source, compiled, index };
        // A circle shows whatever the value is.
        match schema.compiled.validate(&Value::Null, index) {
            Err(error) if is_circular(&error) => Err(Error::Input(format!(
                "{what}: not a JSON Schema: it refers to itself in a circle"
            ))),
            _ => Ok(schema),
        }
    }

    pub fn source(&self) -> &Value {
        &self.source
    }

    /// A name for it, made of its title: letters, digits, `_` and `-`.
    pub fn name(&self) -> String {
        let title = self.source["title"].as_str().unwrap_or_default();
        let name: String = title
            .trim()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .take(NAME_LIMIT)
            .collect();
        if name.is_empty() { DEFAULT_NAME.to_owned() } else { name }
    }

    /// # Errors
    /// Where `value` is not what the schema describes, and why.
    pub fn validate(&self, value: &Value) -> Result<(), String> {
        self.compiled.validate(value, self.index).map_err(|error| faults(&error))
    }
}

/// Schemas are not fetched: not from the network, and not from files that
/// nobody named.
struct Nowhere;

impl UrlLoader for Nowhere {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("it refers to {url}, which gravix does not fetch").into())
    }
}

fn told(error: &CompileError) -> String {
    match error {
        CompileError::ValidationError { src, .. } => faults(src),
        CompileError::LoadUrlError { src, .. } => src.to_string(),
        other => other.to_string().replace(PLACE, ""),
    }
}

fn is_circular(error: &ValidationError) -> bool {
    matches!(error.kind, ErrorKind::RefCycle { .. }) || error.causes.iter().any(is_circular)
}

/// The faults at the bottom of a tree of them: where, and what.
fn faults(error: &ValidationError) -> String {
    let mut leaves = Vec::new();
    gather(error, &mut leaves);
    leaves.truncate(TOLD_FAULTS);
    leaves.join("; ")
}

fn gather(error: &ValidationError, leaves: &mut Vec<String>) {
    if error.causes.is_empty() {
        let place = error.instance_location.to_string();
        let place = if place.is_empty() { "the top level".to_owned() } else { place };
        leaves.push(format!("at {place}: {}", error.kind));
    }
    error.causes.iter().for_each(|cause| gather(cause, leaves));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_name_is_made_of_the_title() {
        let name = |title: &str| {
            let schema = json!({"title": title}).to_string();
            Schema::parse(&schema, "x").map(|schema| schema.name()).expect("a schema")
        };
        assert_eq!(name("A weather report (v2)"), "A_weather_report__v2_");
        assert_eq!(name(" "), "reply");
        assert_eq!(name(&"é".repeat(99)), "_".repeat(64));
    }

    #[test]
    fn faults_are_told_with_their_places() {
        let schema = r#"{"properties":{"a":{"items":{"type":"integer"}},"b":{"enum":["x"]}},"required":["c"]}"#;
        let schema = Schema::parse(schema, "x").expect("a schema");
        assert_eq!(schema.validate(&json!({"c": 1, "a": [1, 2.0]})), Ok(()));
        let fault = schema.validate(&json!({"a": [1, "2"], "b": "y"})).expect_err("faults");
        for part in ["at the top level: ", "'c'", "at /a/1: ", "integer", "at /b: "] {
            assert!(fault.contains(part), "{fault}");
        }
    }

    #[test]
    fn what_is_no_schema_is_refused() {
        for (schema, reason) in [
            ("[", "not JSON"),
            ("[]", "an array"),
            (r#"{"type":"strin"}"#, "at /type: "),
            (r#"{"$ref":"other.json"}"#, "other.json"),
            (r#"{"$ref":"file:///etc/hostname"}"#, "does not fetch"),
            (r##"{"$ref":"#/$defs/x"}"##, "x"),
            (r#"{"pattern":"("}"#, "pattern"),
            (r##"{"$ref":"#"}"##, "circle"),
            (r##"{"allOf":[{"$ref":"#"}]}"##, "circle"),
        ] {
            let Err(error) = Schema::parse(schema, "s.json") else { panic!("{schema}") };
            let error = error.to_string();
            assert!(error.starts_with("s.json: ") && error.contains(reason), "{schema}: {error}");
        }
    }
}
