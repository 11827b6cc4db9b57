//! Joining the deltas of a stream, field by field, into the message they make.

use serde_json::Value;

use crate::json::Object;

/// Joins a field of a delta to the same field of earlier deltas. Strings and
/// arrays are appended, objects are joined field by field, other values replace
/// the earlier one, and null replaces nothing.
pub fn join(into: &mut Object, name: String, value: Value) {
    // Servers that repeat these fields repeat the complete value.
    let is_complete = matches!(name.as_str(), "role" | "id" | "type" | "name" | "format");
    match (into.get_mut(&name), value) {
        (Some(Value::String(text)), Value::String(more)) if !is_complete => *text += &more,
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| join(known, name, value));
        }
        (Some(Value::Array(known)), Value::Array(more)) => {
            more.into_iter().for_each(|value| join_element(known, value));
        }
        (Some(_), Value::Null) => {}
        (_, value) => {
            into.insert(name, value);
        }
    }
}

/// Joins an element with an `index` to the element of the same index, such as
/// a fragment of a tool call. Other elements are appended.
fn join_element(known: &mut Vec<Value>, value: Value) {
    let index = value.get("index").filter(|index| index.is_number());
    let same =
        index.and_then(|index| known.iter().position(|known| known.get("index") == Some(index)));
    match (same.map(|position| &mut known[position]), value) {
        (Some(Value::Object(known)), Value::Object(more)) => {
            more.into_iter().for_each(|(name, value)| join(known, name, value));
        }
        (_, value) => known.push(value),
    }
}
