//! JSON Schemas: compiling them and validating replies.

use boon::{CompileError, Compiler, ErrorKind, SchemaIndex, Schemas, UrlLoader, ValidationError};
use serde_json::Value;

use crate::error::{Error, Result};
use crate::json;

/// The URL under which the schema is compiled. Nothing is ever read from it.
const SCHEMA_URL: &str = "gravix:///schema.json";

/// How many violations a message lists.
const MAX_REPORTED: usize = 3;

/// The name sent for a schema without a title.
const DEFAULT_NAME: &str = "reply";

/// The OpenAI API refuses longer names (`json_schema.name`).
const MAX_NAME_LENGTH: usize = 64;

pub struct Schema {
    source: Value,
    compiled: Schemas,
    index: SchemaIndex,
}

impl Schema {
    /// Compiles the schema in `text`; error messages call it `what`. The draft
    /// is the one named by `$schema`, or 2020-12.
    ///
    /// # Errors
    /// [`Error::Input`] if `text` is not a valid JSON Schema, refers to another
    /// document, or refers to itself without end.
    pub fn parse(text: &str, what: &str) -> Result<Self> {
        let source = json::parse(text, what)?;
        if !source.is_object() {
            let kind = json::kind(&source);
            return Err(Error::Input(format!(
                "{what}: a JSON Schema must be an object, not {kind}"
            )));
        }
        let mut compiler = Compiler::new();
        compiler.use_loader(Box::new(NoLoader));
        let mut compiled = Schemas::new();
        let invalid =
            |error| Error::Input(format!("{what}: not a JSON Schema: {}", describe(&error)));
        compiler.add_resource(SCHEMA_URL, source.clone()).map_err(invalid)?;
        let index = compiler.compile(SCHEMA_URL, &mut compiled).map_err(invalid)?;
        let schema = Self { source, compiled, index };
        // Validating any value reveals a cycle of references.
        match schema.compiled.validate(&Value::Null, index) {
            Err(error) if is_circular(&error) => {
                Err(Error::Input(format!("{what}: not a JSON Schema: its references form a cycle")))
            }
            _ => Ok(schema),
        }
    }

    pub fn source(&self) -> &Value {
        &self.source
    }

    /// A name for the API, made from the title: letters, digits, `_` and `-`.
    pub fn name(&self) -> String {
        let title = self.source["title"].as_str().unwrap_or_default();
        let name: String = title
            .trim()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
            .take(MAX_NAME_LENGTH)
            .collect();
        if name.is_empty() { DEFAULT_NAME.to_owned() } else { name }
    }

    /// # Errors
    /// The first three violations, each with its location in `value`.
    pub fn validate(&self, value: &Value) -> Result<(), String> {
        self.compiled.validate(value, self.index).map_err(|error| violations(&error))
    }
}

/// Refuses to load other schemas: a schema must not make gravix read the
/// network, or files that the user did not name.
struct NoLoader;

impl UrlLoader for NoLoader {
    fn load(&self, url: &str) -> Result<Value, Box<dyn std::error::Error>> {
        Err(format!("it refers to {url}, which gravix does not fetch").into())
    }
}

fn describe(error: &CompileError) -> String {
    match error {
        CompileError::ValidationError { src, .. } => violations(src),
        CompileError::LoadUrlError { src, .. } => src.to_string(),
        other => other.to_string().replace(SCHEMA_URL, ""),
    }
}

fn is_circular(error: &ValidationError) -> bool {
    matches!(error.kind, ErrorKind::RefCycle { .. }) || error.causes.iter().any(is_circular)
}

/// The leaves of the error tree, each as location and reason.
fn violations(error: &ValidationError) -> String {
    let mut leaves = Vec::new();
    collect_leaves(error, &mut leaves);
    leaves.truncate(MAX_REPORTED);
    leaves.join("; ")
}

fn collect_leaves(error: &ValidationError, leaves: &mut Vec<String>) {
    if error.causes.is_empty() {
        let location = error.instance_location.to_string();
        let location = if location.is_empty() { "the top level".to_owned() } else { location };
        leaves.push(format!("at {location}: {}", error.kind));
    }
    error.causes.iter().for_each(|cause| collect_leaves(cause, leaves));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_name_is_made_from_the_title() {
        let name = |title: &str| {
            let schema = json!({"title": title}).to_string();
            Schema::parse(&schema, "x").map(|schema| schema.name()).expect("a schema")
        };
        assert_eq!(name("A weather report (v2)"), "A_weather_report__v2_");
        assert_eq!(name(" "), "reply");
        assert_eq!(name(&"é".repeat(99)), "_".repeat(64));
    }

    #[test]
    fn violations_are_reported_with_their_locations() {
        let schema = r#"{"properties":{"a":{"items":{"type":"integer"}},"b":{"enum":["x"]}},"required":["c"]}"#;
        let schema = Schema::parse(schema, "x").expect("a schema");
        assert_eq!(schema.validate(&json!({"c": 1, "a": [1, 2.0]})), Ok(()));
        let reason = schema.validate(&json!({"a": [1, "2"], "b": "y"})).expect_err("violations");
        for part in ["at the top level: ", "'c'", "at /a/1: ", "integer", "at /b: "] {
            assert!(reason.contains(part), "{reason}");
        }
    }

    #[test]
    fn an_invalid_schema_is_refused() {
        for (schema, reason) in [
            ("[", "not JSON"),
            ("[]", "an array"),
            (r#"{"type":"strin"}"#, "at /type: "),
            (r#"{"$ref":"other.json"}"#, "other.json"),
            (r#"{"$ref":"file:///etc/hostname"}"#, "does not fetch"),
            (r##"{"$ref":"#/$defs/x"}"##, "x"),
            (r#"{"pattern":"("}"#, "pattern"),
            (r##"{"$ref":"#"}"##, "cycle"),
            (r##"{"allOf":[{"$ref":"#"}]}"##, "cycle"),
        ] {
            let Err(error) = Schema::parse(schema, "s.json") else { panic!("{schema}") };
            let error = error.to_string();
            assert!(error.starts_with("s.json: ") && error.contains(reason), "{schema}: {error}");
        }
    }
}
