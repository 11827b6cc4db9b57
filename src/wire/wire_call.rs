//! A call of a tool as it stands in a delta or a message on the wire.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::tool_call::CallFragment;
use crate::wtf8::Text;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::tool_call::{ToolCall, ToolCalls};
    use crate::error::Error;

    /// The calls of several deltas, each the JSON of one call.
    fn joined(deltas: &[&str]) -> Result<Vec<(String, String, String)>, String> {
        let mut calls = ToolCalls::default();
        for delta in deltas {
            let call: WireCall = serde_json::from_str(delta).expect("a call");
            calls.add(call.meaning(None));
        }
        let told = |call: ToolCall| (call.id, call.name, call.arguments.to_string());
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
