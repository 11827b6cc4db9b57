//! Calls of tools: fragments of them on the wire, and whole ones.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::chunk::{Surrogates, Text};
use crate::error::{Error, Result};
use crate::json;

/// A part of a call, or all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallFragment {
    /// The call's place among those of the reply, from 0. Some servers leave
    /// it out.
    index: Option<u64>,
    /// Empty where it came before, or never does.
    id: String,
    name: String,
    /// JSON text, in WTF-8.
    arguments: Vec<u8>,
}

/// A whole call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    pub id: String,
    pub name: String,
    /// The arguments as the model wrote them.
    pub text: String,
    /// What the text holds.
    pub arguments: Value,
}

/// The calls of a reply, as far as they have come.
#[derive(Debug, Default)]
pub struct Calls {
    calls: Vec<CallFragment>,
}

impl Calls {
    pub fn add(&mut self, fragment: CallFragment) {
        let place = match fragment.index {
            Some(index) => self.calls.iter().rposition(|call| call.index == Some(index)),
            None => self.calls.len().checked_sub(1),
        };
        match place.map(|place| &mut self.calls[place]) {
            // Some servers number every call 0, and tell them apart by their ids.
            Some(call)
                if fragment.id.is_empty() || call.id.is_empty() || call.id == fragment.id =>
            {
                call.arguments.extend(fragment.arguments);
                if call.id.is_empty() {
                    call.id = fragment.id;
                }
                if call.name.is_empty() {
                    call.name = fragment.name;
                }
            }
            _ => self.calls.push(fragment),
        }
    }

    /// The calls, in the order of their coming.
    ///
    /// # Errors
    /// [`Error::Protocol`] for a call without a name, [`Error::Form`] for one
    /// whose arguments are no object.
    pub fn finish(self) -> Result<Vec<Call>> {
        self.calls.into_iter().enumerate().map(|(index, call)| call.finish(index)).collect()
    }
}

impl CallFragment {
    fn finish(self, index: usize) -> Result<Call> {
        let mut surrogates = Surrogates::default();
        let text = surrogates.join(self.arguments) + &surrogates.end();
        // A tool without parameters is called with nothing by some.
        let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
        let name = self.name;
        if name.is_empty() {
            let message = format!("the reply calls a tool without a name (call {})", index + 1);
            return Err(Error::Protocol(message));
        }
        let bad = |why: &str| {
            Error::Form(format!("the arguments of the call of {name} are {why}: {text}"))
        };
        let arguments = json::parse_leniently(&text).ok_or_else(|| bad("not JSON"))?;
        if !arguments.is_object() {
            let kind = json::kind(&arguments);
            return Err(bad(&format!("{kind}, not an object")));
        }
        // A tool's result must name the call.
        let id = if self.id.is_empty() { format!("call_{index}") } else { self.id };
        Ok(Call { id, name, text, arguments })
    }
}

/// A call as it stands in a delta or a message.
#[derive(Deserialize)]
pub struct WireCall<'a> {
    index: Option<u64>,
    id: Option<Text>,
    #[serde(borrow)]
    function: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
struct WireFunction<'a> {
    name: Option<Text>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl WireCall<'_> {
    /// Its meaning; `place` is where it stands in a whole message, whose
    /// calls need no number.
    pub fn meaning(self, place: Option<u64>) -> CallFragment {
        let (name, arguments) =
            self.function.map_or((None, None), |function| (function.name, function.arguments));
        let string =
            |text: Option<Text>| String::from_utf8_lossy(&text.unwrap_or_default().0).into_owned();
        CallFragment {
            index: place.or(self.index),
            id: string(self.id),
            name: string(name),
            arguments: arguments.map(|arguments| arguments.get()).map_or(Vec::new(), text_of),
        }
    }
}

/// The text of arguments: they come as a string that holds JSON, and from
/// some servers as the JSON itself.
fn text_of(arguments: &str) -> Vec<u8> {
    match serde_json::from_str::<Text>(arguments) {
        _ if arguments == "null" => Vec::new(),
        Ok(text) if arguments.starts_with('"') => text.0,
        _ => arguments.as_bytes().to_vec(),
    }
}

/// A call in a message of a history.
#[derive(Debug, Serialize)]
pub struct SavedCall<'a> {
    id: &'a str,
    r#type: &'static str,
    function: SavedFunction<'a>,
}

#[derive(Debug, Serialize)]
struct SavedFunction<'a> {
    name: &'a str,
    arguments: &'a str,
}

impl<'a> From<&'a Call> for SavedCall<'a> {
    fn from(call: &'a Call) -> Self {
        let function = SavedFunction { name: &call.name, arguments: &call.text };
        Self { id: &call.id, r#type: "function", function }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The calls of several deltas, each the JSON of one call.
    fn joined(deltas: &[&str]) -> Result<Vec<(String, String, String)>, String> {
        let mut calls = Calls::default();
        for delta in deltas {
            let call: WireCall = serde_json::from_str(delta).expect("a call");
            calls.add(call.meaning(None));
        }
        let told = |call: Call| (call.id, call.name, call.arguments.to_string());
        let calls = calls.finish().map_err(|error| error.to_string())?;
        Ok(calls.into_iter().map(told).collect())
    }

    fn call(id: &str, arguments: &str) -> (String, String, String) {
        (id.to_owned(), "f".to_owned(), arguments.to_owned())
    }

    #[test]
    fn fragments_are_joined_by_index_id_or_order() {
        for deltas in [
            // OpenAI, interleaved.
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#,
                r#"{"index":1,"id":"b","function":{"name":"f","arguments":"{\"y\":"}}"#,
                r#"{"index":0,"function":{"arguments":"{\"x\":1"}}"#,
                r#"{"index":1,"function":{"arguments":"2}"}}"#,
                r#"{"index":0,"function":{"arguments":"}"}}"#,
            ][..],
            // Every one of index 0.
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
                r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"y\":2}"}}"#,
            ],
            // The id and the name in every fragment, and no index.
            &[
                r#"{"id":"a","function":{"name":"f","arguments":"{\"x\""}}"#,
                r#"{"id":"a","function":{"name":"f","arguments":":1}"}}"#,
                r#"{"id":"b","function":{"name":"f","arguments":{"y":2}}}"#,
            ],
        ] {
            let expected = [call("a", r#"{"x":1}"#), call("b", r#"{"y":2}"#)];
            assert_eq!(joined(deltas), Ok(expected.into()), "{deltas:?}");
        }
    }

    #[test]
    fn a_call_without_arguments_or_id_is_one() {
        for arguments in ["null", "\"\"", "{}", "\" \""] {
            let delta = format!(r#"{{"function":{{"name":"f","arguments":{arguments}}}}}"#);
            assert_eq!(joined(&[&delta]), Ok(vec![call("call_0", "{}")]));
        }
    }

    #[test]
    fn bad_arguments_are_no_call() {
        for (delta, fault) in [
            (r#"{"function":{"name":"f","arguments":"{\"x\":"}}"#, "not JSON"),
            (r#"{"function":{"name":"f","arguments":"[1]"}}"#, "an array, not an object"),
            (r#"{"function":{"arguments":"{}"}}"#, "without a name"),
        ] {
            let error = joined(&[delta]).expect_err("no call");
            assert!(error.contains(fault), "{error}");
        }
    }

    #[test]
    fn a_surrogate_pair_split_over_two_fragments_is_joined() {
        let deltas = [
            r#"{"index":0,"function":{"name":"f","arguments":"{\"x\":\"\ud83d"}}"#,
            r#"{"index":0,"function":{"arguments":"\ude00\"}"}}"#,
        ];
        assert_eq!(joined(&deltas), Ok(vec![call("call_0", r#"{"x":"😀"}"#)]));
    }
}
