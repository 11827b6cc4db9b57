//! Calls of tools: fragments of them on the wire, and whole ones.

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::chunk::{Surrogates, Text};
use crate::error::Error;
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

/// Why what came is no call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallFault {
    /// The call of this number, from 1, has no name.
    Nameless(usize),
    /// The model wrote no JSON object.
    Arguments { name: String, why: String },
}

impl From<CallFault> for Error {
    fn from(fault: CallFault) -> Self {
        match fault {
            CallFault::Nameless(number) => {
                Error::Protocol(format!("the reply calls a tool without a name (call {number})"))
            }
            CallFault::Arguments { name, why } => {
                Error::Form(format!("the arguments of the call of {name} are {why}"))
            }
        }
    }
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
            // Some servers number every call 0.
            Some(call) if !call.is_followed_by(&fragment) => {
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

    /// What has come of them, one a line, be they calls or not.
    pub fn raw(&self) -> String {
        let line = |call: &CallFragment| {
            format!("{} {}\n", call.name, String::from_utf8_lossy(&call.arguments))
        };
        self.calls.iter().map(line).collect()
    }

    /// The calls, in the order of their coming.
    ///
    /// # Errors
    /// The first call that is none.
    pub fn finish(&self) -> Result<Vec<Call>, CallFault> {
        self.calls.iter().enumerate().map(|(index, call)| call.finish(index)).collect()
    }
}

impl CallFragment {
    /// Its arguments begin and end, so that nothing more belongs to it.
    fn is_complete(&self) -> bool {
        serde_json::from_slice::<IgnoredAny>(&self.arguments).is_ok()
    }

    /// Whether `next`, which may belong here, begins a call of its own: by
    /// its id, or by a name after arguments that are complete.
    fn is_followed_by(&self, next: &Self) -> bool {
        match (self.id.is_empty(), next.id.is_empty()) {
            (false, false) => self.id != next.id,
            _ => !next.name.is_empty() && !self.name.is_empty() && self.is_complete(),
        }
    }

    fn finish(&self, index: usize) -> Result<Call, CallFault> {
        let mut surrogates = Surrogates::default();
        let text = surrogates.join(self.arguments.clone()) + &surrogates.end();
        // A tool without parameters is called with nothing by some.
        let text = if text.trim().is_empty() { "{}".to_owned() } else { text };
        let name = self.name.clone();
        if name.is_empty() {
            return Err(CallFault::Nameless(index + 1));
        }
        let bad = |why: String| CallFault::Arguments { name: self.name.clone(), why };
        let arguments = json::parse_leniently(&text).ok_or_else(|| bad("not JSON".to_owned()))?;
        if !arguments.is_object() {
            return Err(bad(format!("{}, not an object", json::kind(&arguments))));
        }
        // A tool's result must name the call.
        let id = if self.id.is_empty() { format!("call_{index}") } else { self.id.clone() };
        Ok(Call { id, name, text, arguments })
    }
}

/// A call as it stands in a delta or a message.
#[derive(Deserialize)]
pub struct WireCall<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
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
        let string = |text: Vec<u8>| String::from_utf8_lossy(&text).into_owned();
        let index = self.index.and_then(|index| index.get().trim_matches('"').parse().ok());
        CallFragment {
            index: place.or(index),
            id: string(text_of(self.id)),
            name: string(name.unwrap_or_default().bytes),
            arguments: text_of(arguments),
        }
    }
}

/// The text that a string holds, or that any other JSON is: arguments come as
/// a string that holds JSON, and from some servers as the JSON itself.
fn text_of(json: Option<&RawValue>) -> Vec<u8> {
    let json = json.map_or("null", RawValue::get);
    match serde_json::from_str::<Text>(json) {
        _ if json == "null" => Vec::new(),
        Ok(text) if json.starts_with('"') => text.bytes,
        _ => json.as_bytes().to_vec(),
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
        let calls = calls.finish().map_err(|fault| Error::from(fault).to_string())?;
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
            // Numbers as texts.
            &[
                r#"{"index":"0","id":"a","function":{"name":"f","arguments":"{\"x\":1"}}"#,
                r#"{"index":"1","id":"b","function":{"name":"f","arguments":"{\"y\":2}"}}"#,
                r#"{"index":"0","function":{"arguments":"}"}}"#,
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
    fn whole_calls_without_ids_are_told_apart_by_their_names() {
        for index in ["", "\"index\":0,"] {
            let delta = |arguments: &str| {
                format!(r#"{{{index}"id":"","function":{{"name":"f","arguments":"{arguments}"}}}}"#)
            };
            let deltas = [delta(r#"{\"x\":1}"#), delta(r#"{\"y\":2}"#)];
            let expected = [call("call_0", r#"{"x":1}"#), call("call_1", r#"{"y":2}"#)];
            assert_eq!(joined(&[&deltas[0], &deltas[1]]), Ok(expected.into()));
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
