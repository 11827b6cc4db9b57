//! References of a schema that lead back to where they began, so that they say
//! nothing about a value.

use serde_json::Value;

/// Whether a schema applies itself to the very value it is applied to.
pub fn exists(schema: &Value) -> bool {
    leads_back(schema, schema, &mut Vec::new(), &mut Vec::new())
}

/// Whether `schema` leads back to one of those that are being `visited`. Those
/// that are `done` do not.
fn leads_back<'a>(
    schema: &'a Value,
    root: &'a Value,
    visited: &mut Vec<&'a Value>,
    done: &mut Vec<&'a Value>,
) -> bool {
    let is_same = |other: &&Value| std::ptr::eq(*other, schema);
    if visited.iter().any(is_same) {
        return true;
    }
    if done.iter().any(is_same) {
        return false;
    }
    visited.push(schema);
    let found =
        applied_in_place(schema, root).any(|applied| leads_back(applied, root, visited, done));
    visited.pop();
    done.push(schema);
    found
}

/// The schemas that apply to the same value as `schema`.
fn applied_in_place<'a>(
    schema: &'a Value,
    root: &'a Value,
) -> impl Iterator<Item = &'a Value> + 'a {
    let lists = ["allOf", "anyOf", "oneOf"].into_iter().filter_map(|name| schema.get(name));
    let single = ["not", "if", "then", "else"].into_iter().filter_map(|name| schema.get(name));
    let reference =
        schema.get("$ref").and_then(Value::as_str).and_then(|text| text.strip_prefix('#'));
    let target = reference.and_then(|pointer| root.pointer(pointer));
    lists.filter_map(Value::as_array).flatten().chain(single).chain(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_without_end_are_found() {
        for (schema, expected) in [
            (r##"{"$ref":"#"}"##, true),
            (r##"{"allOf":[{"$ref":"#"}]}"##, true),
            (
                r##"{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"not":{"$ref":"#/$defs/a"}}}}"##,
                true,
            ),
            (r##"{"properties":{"a":{"$ref":"#"}}}"##, false),
            (
                r##"{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}],"$defs":{"a":true}}"##,
                false,
            ),
            (r##"{"$ref":"#/$defs/missing"}"##, false),
        ] {
            let value = serde_json::from_str(schema).expect("JSON");
            assert_eq!(exists(&value), expected, "{schema}");
        }
    }
}
