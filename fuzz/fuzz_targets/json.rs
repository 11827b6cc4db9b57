//! The helpers for JSON: what they find in a text is what a plain reader finds in
//! it, which takes each value from its own bytes.

#![no_main]

use std::fmt;

use gravix::json::{self, Completeness};
use gravix_fuzz::pieces;
use libfuzzer_sys::fuzz_target;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

/// Names that servers send and gravix looks for, and one that it never asks for.
const NAMES: [&str; 3] = ["choices", "error", "a"];

fuzz_target!(|text: &str| {
    let mut whole = Completeness::default();
    whole.push(text.as_bytes());
    let mut joined = Completeness::default();
    pieces(text.as_bytes()).into_iter().for_each(|piece| joined.push(piece));
    assert_eq!(joined, whole, "in pieces");
    json::compact(text);
    json::without_non_finite(text);
    json::parse_leniently(text);
    let Ok(raw) = serde_json::from_str::<&RawValue>(text) else {
        assert!(json::parse(text).is_err());
        return;
    };
    assert_eq!(json::without_non_finite(text), None);
    assert!(whole.is_complete());
    if raw.get().starts_with(['{', '[', '"']) {
        assert_eq!(first_complete(raw.get()), Some(raw.get().len()));
    }
    let entries = entries(raw);
    let fields = json::try_fields(text, NAMES);
    assert_eq!(fields.is_ok(), entries.is_some());
    if let (Ok(fields), Some(entries)) = (fields, entries) {
        for (name, field) in NAMES.iter().zip(fields) {
            let found = entries.iter().rev().find(|entry| is_name(entry.0, name));
            let found = found.map(|entry| entry.1.get()).filter(|value| *value != "null");
            assert_eq!(field.map(RawValue::get), found, "{name}");
        }
    }
    let mut elements = 0;
    json::each_element(raw, |_| {
        elements += 1;
        true
    });

    let compact = json::compact(text);
    assert!(!compact.contains(['\n', '\r']) && json::compact(&compact) == compact);
    let Ok(value) = json::parse(text) else { return };
    assert_eq!(json::parse(&compact).ok().as_ref(), Some(&value));
    assert_eq!(json::parse_leniently(text).as_ref(), Some(&value));
    assert_eq!(elements, value.as_array().map_or(1, Vec::len));
    assert_is(&value, raw);
});

/// How much of a text must have come before it may be a whole value.
fn first_complete(text: &str) -> Option<usize> {
    let mut value = Completeness::default();
    let end = text.bytes().position(|byte| {
        value.push(&[byte]);
        value.is_complete()
    });
    end.map(|last| last + 1)
}

fn is_name(quoted: &RawValue, name: &str) -> bool {
    serde_json::from_str::<String>(quoted.get()).is_ok_and(|found| found == name)
}

/// Fails unless `value` is what the bytes of `raw` say.
#[track_caller]
fn assert_is(value: &Value, raw: &RawValue) {
    let text = raw.get();
    match value {
        Value::Object(fields) => {
            let entries = entries(raw).expect("an object");
            let mut names = std::collections::BTreeMap::new();
            for (name, value) in entries {
                let name: String = serde_json::from_str(name.get()).expect("a name");
                names.insert(name, value);
            }
            assert_eq!(fields.len(), names.len(), "{text}");
            names.iter().for_each(|(name, raw)| assert_is(&fields[name], raw));
        }
        Value::Array(items) => {
            let raws: Vec<&RawValue> = serde_json::from_str(text).expect("an array");
            assert_eq!(items.len(), raws.len());
            items.iter().zip(raws).for_each(|(item, raw)| assert_is(item, raw));
        }
        Value::String(string) => {
            assert_eq!(serde_json::from_str::<String>(text).ok().as_ref(), Some(string));
        }
        Value::Number(number) => {
            // An exponent is written with its sign.
            let plain =
                |number: &str| number.replace("e+", "e").replace("E+", "e").replace('E', "e");
            assert_eq!(plain(&number.to_string()), plain(text));
        }
        Value::Null | Value::Bool(_) => assert_eq!(value.to_string(), text),
    }
}

/// The fields of an object, as they are written. `None` if it is something else.
fn entries(raw: &RawValue) -> Option<Vec<(&RawValue, &RawValue)>> {
    struct Entries;
    impl<'de> Visitor<'de> for Entries {
        type Value = Vec<(&'de RawValue, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut entries = Vec::new();
            while let Some(entry) = map.next_entry()? {
                entries.push(entry);
            }
            Ok(entries)
        }
    }
    serde_json::Deserializer::from_str(raw.get()).deserialize_map(Entries).ok()
}
