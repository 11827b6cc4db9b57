//! JSON Schemas: compiling them and validating replies.

mod char_class;
mod checkable;
mod cycle;
mod pattern;
mod strict;
mod violation;

use std::sync::atomic::{AtomicBool, Ordering};

use jsonschema::Validator;
use jsonschema::error::ValidationErrorKind;
use serde_json::{Map, Value};

use crate::chat::schema::checkable::Checkable;
pub use crate::chat::schema::checkable::SchemaPattern;
use crate::error::{Error, Result};
use crate::json;

/// The name sent for a schema without a title.
const DEFAULT_NAME: &str = "reply";

/// The OpenAI API refuses longer names (`json_schema.name`).
const MAX_NAME_LENGTH: usize = 64;

pub struct Schema {
    source: Value,
    compiled: Compiled,
    /// The server refused to keep to the schema strictly.
    strict_refused: AtomicBool,
}

struct Compiled {
    validator: Validator,
    /// Patterns as the validator has them, and as the user wrote them.
    checked: Vec<(String, SchemaPattern)>,
    unchecked: Vec<SchemaPattern>,
}

impl Schema {
    /// Compiles the schema in `text`; error messages call it `what`. The draft
    /// is the one named by `$schema`, or 2020-12. Patterns that cannot be
    /// compiled are left out.
    ///
    /// # Errors
    /// [`Error::Input`] if `text` is not a valid JSON Schema, refers to another
    /// document or to itself without end, or matches nothing.
    pub fn parse(text: &str, what: &str) -> Result<Self> {
        let invalid = |reason: &str| Error::Input(format!("{what}: {reason}"));
        let source = match json::parse_input(text, what)? {
            Value::Bool(true) => Value::Object(Map::new()),
            Value::Bool(false) => return Err(invalid("no reply matches the schema false")),
            source @ Value::Object(_) => source,
            other => {
                let kind = json::kind(&other);
                return Err(invalid(&format!("a JSON Schema must be an object, not {kind}")));
            }
        };
        let compiled = Compiled::new(&source, &|_| false)
            .map_err(|reason| invalid(&format!("not a usable JSON Schema: {reason}")))?;
        if cycle::exists(&source) {
            return Err(invalid("not a usable JSON Schema: it refers to itself without end"));
        }
        Ok(Self { source, compiled, strict_refused: AtomicBool::new(false) })
    }

    pub fn source(&self) -> &Value {
        &self.source
    }

    /// The names of the properties that a reply may have, in their order; none unless
    /// every reply must be an object.
    pub fn properties(&self) -> Vec<String> {
        let mut schema = &self.source;
        // A reference to itself was refused.
        while let Some(target) = schema["$ref"].as_str().and_then(|name| name.strip_prefix('#'))
            && let Some(referred) = self.source.pointer(target)
        {
            schema = referred;
        }
        match (schema["type"].as_str(), schema["properties"].as_object()) {
            (Some("object"), Some(properties)) => properties.keys().cloned().collect(),
            _ => Vec::new(),
        }
    }

    /// The patterns that no reply is checked against.
    pub fn unchecked(&self) -> &[SchemaPattern] {
        &self.compiled.unchecked
    }

    /// Why servers refuse to keep to this schema strictly; `None` if they need
    /// not.
    pub fn strict_obstacle(&self) -> Option<String> {
        strict::obstacle(&self.source)
    }

    /// Whether a server refused to keep to the schema strictly.
    pub fn is_strict_refused(&self) -> bool {
        self.strict_refused.load(Ordering::Relaxed)
    }

    /// Remembers that the server refused to keep to the schema strictly. Returns
    /// whether that is new.
    pub fn refuse_strict(&self) -> bool {
        !self.strict_refused.swap(true, Ordering::Relaxed)
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

    /// Returns the patterns that took too long to be matched, so that `value` was
    /// not checked against them.
    ///
    /// # Errors
    /// The first three violations, each with its location in `value`.
    pub fn validate(&self, value: &Value) -> Result<Vec<SchemaPattern>, String> {
        let mut places = Vec::new();
        let mut unfinished = self.compiled.validate(value)?;
        // The patterns that were too slow may hide other violations.
        while let Unfinished::Pattern { place } = unfinished {
            if places.contains(&place) {
                break;
            }
            places.push(place);
            let slow = self.compiled.patterns_at(&places);
            unfinished =
                Compiled::new(&self.source, &|pattern| slow.contains(pattern))?.validate(value)?;
        }
        Ok(if places.is_empty() { Vec::new() } else { self.compiled.patterns_at(&places) })
    }
}

/// What a validation could not decide.
enum Unfinished {
    Nothing,
    /// The pattern at this place in the schema took too long.
    Pattern {
        place: String,
    },
}

impl Compiled {
    /// Fails with the reason.
    fn new(source: &Value, is_left_out: &dyn Fn(&SchemaPattern) -> bool) -> Result<Self, String> {
        let checkable = Checkable::new(source, is_left_out);
        let validator = checkable.compile().map_err(|error| violation::of_schema(&error))?;
        Ok(Self { validator, checked: checkable.checked, unchecked: checkable.unchecked })
    }

    /// Fails with the violations.
    fn validate(&self, value: &Value) -> Result<Unfinished, String> {
        let errors: Vec<_> = self.validator.iter_errors(value).collect();
        let is_unfinished = |kind: &ValidationErrorKind| {
            matches!(
                kind,
                ValidationErrorKind::BacktrackLimitExceeded { .. }
                    | ValidationErrorKind::RegexEngineFailure { .. }
            )
        };
        let mut violations = errors.iter().filter(|error| !is_unfinished(error.kind())).peekable();
        if violations.peek().is_some() {
            return Err(violation::list(violations, &|pattern| self.original(pattern)));
        }
        Ok(match errors.first() {
            None => Unfinished::Nothing,
            Some(error) => Unfinished::Pattern { place: error.schema_path().to_string() },
        })
    }

    /// The patterns at these places; all of them if there is none at one of the
    /// places, which are then relative to a part of the schema.
    fn patterns_at(&self, places: &[String]) -> Vec<SchemaPattern> {
        let patterns = || self.checked.iter().map(|(_, pattern)| pattern);
        let is_known = |place: &String| patterns().any(|pattern| pattern.place == *place);
        let is_meant = |pattern: &&SchemaPattern| {
            places.contains(&pattern.place) || !places.iter().all(is_known)
        };
        patterns().filter(is_meant).cloned().collect()
    }

    fn original(&self, pattern: &str) -> String {
        let found = self.checked.iter().find(|(translated, _)| translated == pattern);
        found.map_or(pattern, |(_, original)| &original.text).to_owned()
    }
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
        assert_eq!(schema.validate(&json!({"c": 1, "a": [1, 2.0]})), Ok(Vec::new()));
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
            ("false", "no reply matches"),
            (r#"{"type":"strin"}"#, "at /type: "),
            (r#"{"$ref":"other.json"}"#, "other.json"),
            (r#"{"$ref":"file:///etc/hostname"}"#, "does not fetch"),
            (r#"{"$ref":"https://example.com/a.json"}"#, "https://example.com/a.json"),
            (r##"{"$ref":"#/$defs/x"}"##, "#/$defs/x"),
            (r##"{"$ref":"#x"}"##, "#x"),
            (r#"{"$dynamicRef":"x"}"#, "refers to x,"),
            (r#"{"$ref":"http://[x"}"#, r#"$ref "http://[x" is not a valid URI"#),
            (r#"{"$id":"urn:x","$ref":"y#z"}"#, r#"$ref "y#z" is not a valid URI"#),
            (r##"{"$ref":"#/allOf/x","allOf":[{}]}"##, "refers to #/allOf/x, which it does"),
            (r##"{"$ref":"#/%ff"}"##, "refers to #/%ff, which it does"),
            (r##"{"$ref":"#/default","default":{"type":"x"}}"##, "/default/type: is not what"),
            (r##"{"$ref":"#/default","default":{"pattern":"("}}"##, "is not a regular expression"),
            (r#"{"$schema":"http://json-schema.org/draft-03/schema#"}"#, "draft-03"),
            (r##"{"$ref":"#"}"##, "itself without end"),
            (r##"{"allOf":[{"$ref":"#"}]}"##, "itself without end"),
        ] {
            let Err(error) = Schema::parse(schema, "s.json") else { panic!("{schema}") };
            let error = error.to_string();
            assert!(error.starts_with("s.json: ") && error.contains(reason), "{schema}: {error}");
        }
    }

    fn parsed(schema: &Value) -> Schema {
        Schema::parse(&schema.to_string(), "x").expect("a schema")
    }

    #[test]
    fn cases_of_the_official_suite_come_out_right() {
        for line in include_str!("../../../tests/cases/schemas.jsonl").lines() {
            let case: Value = serde_json::from_str(line).expect(line);
            let schema = match &case["schema"] {
                // Refused as a whole.
                Value::Bool(false) => continue,
                schema => parsed(schema),
            };
            assert_eq!(schema.unchecked(), [], "{line}");
            for test in case["tests"].as_array().expect(line) {
                let result = schema.validate(&test[0]);
                assert_eq!(result.is_ok(), test[1] == true, "{line}\n{test}: {result:?}");
            }
        }
    }

    #[test]
    fn patterns_are_read_as_ecma_262_has_them() {
        let greedy =
            r"^(?!\.)(?!.*\.\.)([\w'+\-\.]*)[\w+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$";
        for (pattern, matching, other) in [
            (r"^(?=.*\d)(?!x).{2}$", "a1", "a٣"),
            (r"(?<=a)b(?<!ab)c|^b$", "b", "ab"),
            (r"^(a+)-\1$", "aa-aa", "aa-a"),
            (r"^(?<y>\d)\k<y>$", "11", "12"),
            (r"^(?P<y>\d)(?P=y)$", "11", "12"),
            (r"^(?:(a)|b)\1$", "b", "ab"),
            (r"^\p{Letter}\P{L}\p{Script=Greek}[\p{Lu}\d]$", "é1αB", "é1a2"),
            (r"^\cA\x41\u0042\u{43}\0\/\-$", "\u{1}ABC\0/-", "\u{1}ABC0/-"),
            (r"^\ud83d\ude00[\ud83d\ude00-\ud83d\ude02]$", "😀😁", "😀😃"),
            (r"^[^]$", "\n", ""),
            (r"^a[]?$", "a", "a]"),
            (r"^.$", "\u{85}", "\u{2028}"),
            (r"^a$", "a", "a\n"),
            (r"^\w\b\W$", "a-", "é-"),
            (r"^\Ba?\B", "é", "a-"),
            (r"^\s\S$", "\u{feff}\u{85}", "\u{85}x"),
            (r"^[\s\S][\W\b][^\D]$", "\n\u{8}1", "\naa"),
            (r"^[\w-]+[a&&b][[x][~~]$", "a-b&[~", "a-bxa~"),
            (r"^[\d-x]$", "-", "w"),
            (r"^a{,2}{}]$", "a{,2}{}]", "aa{}]"),
            (r"^a{2,}b{1}$", "aaab", "ab"),
            (greedy, "a.b@example.com", "a..b@example.com"),
        ] {
            for draft in [
                "http://json-schema.org/draft-07/schema#",
                "https://json-schema.org/draft/2020-12/schema",
            ] {
                // A reference to a group that did not match needs what the
                // metaschema of draft 7 refuses.
                if draft.contains("07") && pattern == r"^(?:(a)|b)\1$" {
                    continue;
                }
                let schema = parsed(&json!({"$schema": draft, "pattern": pattern}));
                assert_eq!(schema.unchecked(), [], "{pattern}");
                assert_eq!(schema.validate(&json!(matching)), Ok(Vec::new()), "{pattern}");
                let reason = schema.validate(&json!(other)).expect_err(pattern);
                assert!(reason.contains(&format!("must match the pattern {pattern}")), "{reason}");
                let names =
                    parsed(&json!({"$schema": draft, "patternProperties": {pattern: false}}));
                assert!(names.validate(&json!({matching: 1})).is_err(), "{pattern}");
                assert_eq!(names.validate(&json!({other: 1})), Ok(Vec::new()), "{pattern}");
            }
        }
    }

    #[test]
    fn a_pattern_that_cannot_be_read_is_left_out_wherever_it_is() {
        let bad = "(?R)";
        for (schema, place, valid, invalid) in [
            (json!({"pattern": "("}), "/pattern", json!("a"), None),
            (json!({"type": "string", "pattern": bad}), "/pattern", json!("a"), Some(json!(1))),
            (json!({"not": {"pattern": bad}}), "/not/pattern", json!("a"), Some(json!(1))),
            (
                json!({"patternProperties": {bad: {"type": "integer"}}, "additionalProperties": false}),
                "/patternProperties/(?R)",
                json!({"a": "b"}),
                None,
            ),
            (
                json!({"oneOf": [{"pattern": bad}, {"type": "string"}]}),
                "/oneOf/0/pattern",
                json!("a"),
                None,
            ),
            (
                json!({"if": {"pattern": bad}, "then": false, "else": false}),
                "/if/pattern",
                json!("a"),
                None,
            ),
            (
                json!({"contains": {"pattern": bad}, "maxContains": 1}),
                "/contains/pattern",
                json!(["a", "b"]),
                Some(json!([])),
            ),
            (
                json!({"properties": {"pattern": {"pattern": bad}, "~/": {"const": {"pattern": bad}}}}),
                "/properties/pattern/pattern",
                json!({"pattern": "a"}),
                Some(json!({"~/": 1})),
            ),
        ] {
            let schema = parsed(&schema);
            let places: Vec<&str> =
                schema.unchecked().iter().map(|pattern| pattern.place.as_str()).collect();
            assert_eq!(places, [place]);
            assert_eq!(schema.validate(&valid), Ok(Vec::new()), "{place}");
            if let Some(invalid) = invalid {
                assert!(schema.validate(&invalid).is_err(), "{place}");
            }
        }
    }

    #[test]
    fn a_pattern_that_takes_too_long_hides_nothing_else() {
        let slow = r"(?=(.*.*.*)!)(?!\1)b";
        let text = "x".repeat(2000);
        let schema = parsed(&json!({
            "properties": {"a": {"$ref": "#/$defs/a"}, "b": {"type": "array", "items": {"pattern": "^y"}}},
            "$defs": {"a": {"items": {"pattern": slow}}},
        }));
        let slow =
            SchemaPattern { text: slow.to_owned(), place: "/$defs/a/items/pattern".to_owned() };
        assert_eq!(schema.validate(&json!({"a": [text], "b": ["y"]})), Ok(vec![slow]));
        // Too many for the validator to try whether they match or not.
        let texts: Vec<String> = (0..7).map(|number| format!("{text}{number}")).collect();
        for (texts, b, place) in [(vec![text], json!(["x"]), "/b/0"), (texts, json!(1), "/b")] {
            let reason = schema.validate(&json!({"a": texts, "b": b})).expect_err("a violation");
            assert!(reason.starts_with(&format!("at {place}: ")), "{reason}");
        }
    }

    #[test]
    fn metaschemas_are_known_under_every_address() {
        for draft in ["draft-04", "draft-06", "draft-07", "draft/2019-09", "draft/2020-12"] {
            for scheme in ["http", "https"] {
                for end in ["", "#"] {
                    let address = format!("{scheme}://json-schema.org/{draft}/schema{end}");
                    for schema in
                        [json!({"$ref": address}), json!({"$schema": address, "$ref": address})]
                    {
                        let schema = parsed(&schema);
                        assert!(schema.validate(&json!({"type": "object"})).is_ok(), "{address}");
                        assert!(schema.validate(&json!({"type": "objekt"})).is_err(), "{address}");
                    }
                    let schema = parsed(
                        &json!({"$schema": address, "format": "date", "contentEncoding": "base64"}),
                    );
                    assert_eq!(schema.validate(&json!("%")), Ok(Vec::new()), "{address}");
                }
            }
        }
    }

    #[test]
    fn reasons_are_in_plain_words() {
        for (schema, value, reason) in [
            (
                json!({"type": ["integer", "null"]}),
                json!("a"),
                "must be null or an integer, not a string",
            ),
            (json!({"enum": ["a", 1]}), json!("b"), r#"must be "a" or 1"#),
            (json!({"const": {"a": 1}}), json!(1), r#"must be {"a":1}"#),
            (json!({"minLength": 2}), json!("a"), "must have at least 2 characters"),
            (json!({"maxItems": 1}), json!([1, 2]), "must have at most 1 item"),
            (json!({"exclusiveMinimum": 2.50}), json!(2), "must be more than 2.5"),
            (
                json!({"properties": {"b": true}, "additionalProperties": false}),
                json!({"a": 1}),
                "'a' is not allowed",
            ),
            (json!({"additionalProperties": false}), json!({"a": 1}), "has a field that is not"),
            (json!({"properties": {"a": false}}), json!({"a": 1}), "at /a: must not be there"),
            (
                json!({"propertyNames": {"maxLength": 1}}),
                json!({"ab": 1}),
                "the name 'ab' is not allowed: it must have at most 1 character",
            ),
            (
                json!({"anyOf": [{"type": "integer"}, {"properties": {"a": {"minimum": 2}}}]}),
                json!({"a": 1}),
                "matches none of 2 alternatives (at the top level: must be an integer, not an object; or at /a: must be at least 2)",
            ),
            (
                json!({"enum": (0..20).collect::<Vec<_>>()}),
                json!("b"),
                "9 or one of 10 more values",
            ),
            (json!({"const": "x".repeat(900)}), json!(1), "x…"),
        ] {
            let found = parsed(&schema).validate(&value).expect_err("a violation");
            assert!(found.contains(reason), "{found}");
        }
    }
}
