//! What is wrong with a schema or a value, in words.

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{JsonType, ReferencingError, ValidationError};
use referencing::UriError;
use serde_json::Value;

use crate::json;

/// How many violations a message lists, how many alternatives it explains, and
/// how many permitted values it names.
const MAX_VIOLATIONS: usize = 3;
const MAX_ALTERNATIVES: usize = 3;
const MAX_VALUES: usize = 10;

/// How many characters of a value or a pattern a message quotes.
const MAX_QUOTED: usize = 200;

/// What the library puts before addresses of a schema that has none itself.
const LIBRARY_BASE: &str = "json-schema:///";

/// Finds what the user wrote for a pattern in the syntax of the engine.
pub type OriginalPattern<'a> = &'a dyn Fn(&str) -> String;

/// The first violations, each as location and reason.
pub fn list<'a>(
    errors: impl IntoIterator<Item = &'a ValidationError<'a>>,
    original: OriginalPattern<'_>,
) -> String {
    let mut listed: Vec<String> = Vec::new();
    for error in errors {
        let violation = describe(error, original);
        if !listed.contains(&violation) {
            listed.push(violation);
        }
        if listed.len() == MAX_VIOLATIONS {
            break;
        }
    }
    listed.join("; ")
}

/// Why a schema cannot be compiled.
pub fn of_schema(error: &ValidationError<'_>) -> String {
    let ValidationErrorKind::Referencing(reference) = error.kind() else {
        return describe(error, &|pattern| pattern.to_owned());
    };
    let nowhere = |place: &str| format!("it refers to #{place}, which it does not have");
    match reference {
        ReferencingError::Unretrievable { uri, .. } => {
            let uri = uri.strip_prefix(LIBRARY_BASE).unwrap_or(uri);
            format!(
                "it refers to {uri}, which gravix does not fetch; copy that schema into \"$defs\", and refer to it there"
            )
        }
        ReferencingError::PointerToNowhere { pointer }
        | ReferencingError::InvalidPercentEncoding { pointer, .. }
        | ReferencingError::InvalidArrayIndex { pointer, .. } => nowhere(pointer),
        ReferencingError::NoSuchAnchor { anchor } | ReferencingError::InvalidAnchor { anchor } => {
            nowhere(anchor)
        }
        ReferencingError::InvalidUri(
            UriError::Parse { uri, .. } | UriError::Resolve { uri, .. },
        ) => format!("its $id or $ref {} is not a valid URI", quoted(&uri.as_str().into())),
        ReferencingError::UnknownSpecification { specification } => format!(
            "its $schema {specification} is not known; leave it out, or use https://json-schema.org/draft/2020-12/schema (drafts 4, 6, 7 and 2019-09 work too)"
        ),
        ReferencingError::CircularMetaschema { uri } => {
            format!("its $schema is {uri}, which refers to itself")
        }
    }
}

fn describe(error: &ValidationError<'_>, original: OriginalPattern<'_>) -> String {
    let place = error.instance_path().as_str();
    let place = if place.is_empty() { "the top level" } else { place };
    format!("at {place}: {}", reason(error, original))
}

fn reason(error: &ValidationError<'_>, original: OriginalPattern<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Type { kind } => {
            format!("must be {}, not {}", types(kind), json::kind(error.instance()))
        }
        Kind::Required { property } => format!("{} is missing", name(property)),
        Kind::Enum { options } => format!("must be {}", values(options)),
        Kind::Constant { expected_value } => format!("must be {}", quoted(expected_value)),
        Kind::Pattern { pattern } => {
            format!("must match the pattern {}", shortened(&original(pattern)))
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            not_allowed(unexpected)
        }
        Kind::AdditionalItems { limit } => at_most(*limit, "item"),
        Kind::UnevaluatedItems { .. } => "has items that are not allowed".to_owned(),
        // Reported for the object, not for its field.
        Kind::FalseSchema if error.schema_path().as_str().ends_with("/additionalProperties") => {
            "has a field that is not allowed".to_owned()
        }
        Kind::FalseSchema => "must not be there".to_owned(),
        Kind::Not { .. } => "must not match the schema in \"not\"".to_owned(),
        Kind::PropertyNames { error } => {
            let name = name(error.instance());
            format!("the name {name} is not allowed: it {}", reason(error, original))
        }
        Kind::Contains => "too few or too many items match \"contains\"".to_owned(),
        Kind::UniqueItems => "has the same item twice".to_owned(),
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            no_alternative(context, original)
        }
        Kind::OneOfMultipleValid { .. } => "matches more than one schema of \"oneOf\"".to_owned(),
        _ => bound(error),
    }
}

/// The reason of a violation that is about a size.
fn bound(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as Kind;
    match error.kind() {
        Kind::Minimum { limit } => format!("must be at least {limit}"),
        Kind::Maximum { limit } => format!("must be at most {limit}"),
        Kind::ExclusiveMinimum { limit } => format!("must be more than {limit}"),
        Kind::ExclusiveMaximum { limit } => format!("must be less than {limit}"),
        Kind::MultipleOf { multiple_of } => format!("must be a multiple of {multiple_of}"),
        Kind::MinLength { limit } => at_least(*limit, "character"),
        Kind::MaxLength { limit } => at_most(*limit, "character"),
        Kind::MinItems { limit } => at_least(*limit, "item"),
        Kind::MaxItems { limit } => at_most(*limit, "item"),
        Kind::MinProperties { limit } => at_least(*limit, "field"),
        Kind::MaxProperties { limit } => at_most(*limit, "field"),
        // Only patterns are checked for their format.
        Kind::Format { .. } => "is not a regular expression".to_owned(),
        Kind::BacktrackLimitExceeded { .. } | Kind::RegexEngineFailure { .. } => {
            "takes too long to be matched with a pattern".to_owned()
        }
        // The library's own words are for programmers.
        _ => "is not what it may be".to_owned(),
    }
}

fn not_allowed<'a>(names: impl IntoIterator<Item = &'a String>) -> String {
    let names = names.into_iter().take(MAX_VALUES).map(|name| format!("'{name}'"));
    format!("{} is not allowed", shortened(&names.collect::<Vec<_>>().join(", ")))
}

fn at_least(limit: u64, what: &str) -> String {
    format!("must have at least {limit} {what}{}", plural(limit))
}

fn at_most(limit: impl TryInto<u64>, what: &str) -> String {
    let limit = limit.try_into().unwrap_or(u64::MAX);
    format!("must have at most {limit} {what}{}", plural(limit))
}

fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Why none of several schemas matches: one violation of each of the first ones.
fn no_alternative(
    alternatives: &[Vec<ValidationError<'static>>],
    original: OriginalPattern<'_>,
) -> String {
    let mut reasons: Vec<String> = Vec::new();
    for error in alternatives.iter().filter_map(|errors| errors.first()) {
        let reason = describe(error, original);
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons.truncate(MAX_ALTERNATIVES);
    let count = alternatives.len();
    format!("matches none of {count} alternatives ({})", reasons.join("; or "))
}

fn types(kind: &TypeKind) -> String {
    match kind {
        TypeKind::Single(kind) => with_article(*kind).to_owned(),
        TypeKind::Multiple(kinds) => {
            kinds.iter().map(with_article).collect::<Vec<_>>().join(" or ")
        }
    }
}

fn with_article(kind: JsonType) -> &'static str {
    match kind {
        JsonType::Array => "an array",
        JsonType::Boolean => "a boolean",
        JsonType::Integer => "an integer",
        JsonType::Null => "null",
        JsonType::Number => "a number",
        JsonType::Object => "an object",
        JsonType::String => "a string",
    }
}

fn name(value: &Value) -> String {
    match value {
        Value::String(name) => format!("'{}'", shortened(name)),
        other => quoted(other),
    }
}

fn values(options: &Value) -> String {
    let values = options.as_array().map(Vec::as_slice).unwrap_or_default();
    let listed: Vec<String> = values.iter().take(MAX_VALUES).map(quoted).collect();
    match values.len().saturating_sub(MAX_VALUES) {
        0 => listed.join(" or "),
        more => format!("{} or one of {more} more values", listed.join(", ")),
    }
}

fn quoted(value: &Value) -> String {
    shortened(&value.to_string())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTED) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
