//! The copy of a schema that replies are checked against: its patterns in the
//! syntax of the engine, and those that cannot be checked left out.

use jsonschema::{PatternOptions, ValidationError, ValidationOptions, Validator};
use serde_json::{Map, Value, json};

use crate::chat::schema::pattern::translate;

/// How many steps back the engine takes for one text before it gives up: some
/// milliseconds. A reply may have many texts.
const MAX_STEPS_BACK: usize = 50_000;

/// Matches every text, and no text.
const EVERYTHING: &str = "";
const NOTHING: &str = r"[^\u{0}-\u{10FFFF}]";

/// The addresses of the drafts' metaschemas.
const METASCHEMAS: &[&str] = &[
    "https://json-schema.org/draft/2020-12/schema",
    "https://json-schema.org/draft/2019-09/schema",
    "http://json-schema.org/draft-07/schema",
    "http://json-schema.org/draft-06/schema",
    "http://json-schema.org/draft-04/schema",
];

/// A pattern as the user wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaPattern {
    pub text: String,
    /// Where it is in the schema, as a JSON pointer.
    pub place: String,
}

pub struct Checkable {
    pub schema: Value,
    /// Patterns as they are in `schema`, and as the user wrote them.
    pub checked: Vec<(String, SchemaPattern)>,
    pub unchecked: Vec<SchemaPattern>,
    /// It refers to the metaschema of a draft.
    needs_metaschemas: bool,
}

impl Checkable {
    /// A copy of `source` that can be compiled, as far as its patterns are
    /// concerned. Those at which `is_left_out` are not checked either.
    pub fn new(source: &Value, is_left_out: &dyn Fn(&SchemaPattern) -> bool) -> Self {
        let mut copy = Copy {
            checked: Vec::new(),
            unchecked: Vec::new(),
            needs_metaschemas: false,
            draft: source["$schema"].clone(),
            is_left_out,
        };
        let mut schema = source.clone();
        copy.schema(&mut schema, Place { pointer: String::new(), is_negated: false });
        let Copy { checked, unchecked, needs_metaschemas, .. } = copy;
        Self { schema, checked, unchecked, needs_metaschemas }
    }

    /// # Errors
    /// The schema is not valid, or refers to what is not in it.
    pub fn compile(&self) -> Result<Validator, Box<ValidationError<'static>>> {
        let options = match self.needs_metaschemas {
            true => options().with_registry(&referencing::SPECIFICATIONS),
            false => options(),
        };
        options.build(&self.schema).map_err(Box::new)
    }
}

/// `format` is never checked: in the newer drafts it is a comment unless a
/// metaschema says otherwise, and it should mean the same in all of them.
fn options() -> ValidationOptions<'static> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(MAX_STEPS_BACK))
        .should_validate_formats(false)
}

struct Copy<'a> {
    checked: Vec<(String, SchemaPattern)>,
    unchecked: Vec<SchemaPattern>,
    needs_metaschemas: bool,
    /// The schema's own `$schema`, or null.
    draft: Value,
    is_left_out: &'a dyn Fn(&SchemaPattern) -> bool,
}

/// Where a schema is.
struct Place {
    pointer: String,
    /// What is allowed here is forbidden by the schema as a whole.
    is_negated: bool,
}

impl Place {
    fn inside(&self, name: &str) -> Self {
        let name = name.replace('~', "~0").replace('/', "~1");
        Self { pointer: format!("{}/{name}", self.pointer), is_negated: self.is_negated }
    }
}

impl Copy<'_> {
    fn schema(&mut self, schema: &mut Value, place: Place) {
        match schema {
            Value::Object(keywords) => self.keywords(keywords, &place),
            Value::Array(schemas) => {
                for (index, schema) in schemas.iter_mut().enumerate() {
                    self.schema(schema, place.inside(&index.to_string()));
                }
            }
            _ => {}
        }
    }

    fn keywords(&mut self, keywords: &mut Map<String, Value>, place: &Place) {
        // As with `format`, only some drafts would have these checked.
        for name in ["contentEncoding", "contentMediaType"] {
            keywords.shift_remove(name);
        }
        for (name, value) in keywords.iter_mut() {
            let inside = place.inside(name);
            match (name.as_str(), value) {
                ("const" | "enum" | "default" | "examples", _) => {}
                ("pattern", Value::String(pattern)) => {
                    let translated = self.pattern(pattern, &inside);
                    let stand_in = if place.is_negated { NOTHING } else { EVERYTHING };
                    *pattern = translated.unwrap_or_else(|| stand_in.to_owned());
                }
                ("$ref", Value::String(address)) => {
                    if let Some(known) = known_metaschema(address) {
                        *address = known;
                        self.needs_metaschemas = true;
                    }
                }
                ("patternProperties", Value::Object(schemas)) => {
                    self.pattern_properties(schemas, inside);
                }
                ("not", schema) => {
                    self.schema(schema, Place { is_negated: !place.is_negated, ..inside });
                }
                (
                    "properties" | "$defs" | "definitions" | "dependentSchemas" | "dependencies",
                    Value::Object(schemas),
                ) => {
                    for (name, schema) in schemas {
                        self.schema(schema, inside.inside(name));
                    }
                }
                // Unknown keywords may hold schemas that something refers to.
                (_, schema) => self.schema(schema, inside),
            }
        }
        self.loosen(keywords, place);
    }

    /// Drops what would mean something else without the patterns in it that
    /// cannot be checked: with fewer of them, more alternatives match.
    fn loosen(&self, keywords: &mut Map<String, Value>, place: &Place) {
        let is_loose = |keyword: &str| {
            let inside = format!("{}/", place.inside(keyword).pointer);
            self.unchecked.iter().any(|unchecked| unchecked.place.starts_with(&inside))
        };
        if is_loose("if") {
            for keyword in ["if", "then", "else"] {
                keywords.shift_remove(keyword);
            }
        }
        if is_loose("contains") {
            keywords.shift_remove("maxContains");
        }
        if is_loose("oneOf")
            && let Some(schemas) = keywords.shift_remove("oneOf")
        {
            keywords.entry("anyOf").or_insert(schemas);
        }
    }

    fn pattern_properties(&mut self, schemas: &mut Map<String, Value>, place: Place) {
        for (name, mut schema) in std::mem::take(schemas) {
            let inside = place.inside(&name);
            match self.pattern(&name, &inside) {
                Some(translated) => {
                    self.schema(&mut schema, inside);
                    schemas.insert(translated, schema);
                }
                // Any name may match, so that none is additional.
                None => {
                    schemas.entry(EVERYTHING).or_insert(Value::Bool(true));
                }
            }
        }
    }

    /// The pattern in the syntax of the engine; `None` if it cannot be checked.
    fn pattern(&mut self, original: &str, place: &Place) -> Option<String> {
        let pattern = SchemaPattern { text: original.to_owned(), place: place.pointer.clone() };
        let translated = translate(original)
            .filter(|translated| self.compiles(translated))
            .filter(|_| !(self.is_left_out)(&pattern));
        match &translated {
            Some(translated) => self.checked.push((translated.clone(), pattern)),
            None => self.unchecked.push(pattern),
        }
        translated
    }

    /// Whether the engine accepts a pattern, and the draft too.
    fn compiles(&self, pattern: &str) -> bool {
        let mut schema = json!({"pattern": pattern});
        if self.draft.is_string() {
            schema["$schema"] = self.draft.clone();
        }
        options().build(&schema).is_ok()
    }
}

/// The address under which a draft's metaschema is known, with the fragment of
/// `address`.
fn known_metaschema(address: &str) -> Option<String> {
    let (document, fragment) = address.split_once('#').unwrap_or((address, ""));
    let without_scheme = |address: &'static str| address.split_once("://").map(|parts| parts.1);
    let rest = document.strip_prefix("http://").or_else(|| document.strip_prefix("https://"))?;
    let known = METASCHEMAS.iter().find(|known| without_scheme(known) == Some(rest))?;
    Some(format!("{known}#{fragment}"))
}
