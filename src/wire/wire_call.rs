//! Tool calls as servers send them, in a delta or in a message.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::chat::tool_call::CallFragment;
use crate::wtf8::Text;

/// A tool call, or a fragment of one. Fields of an unexpected type must not
/// lose a call, so most are kept as raw JSON.
#[derive(Deserialize)]
#[serde(expecting = "an object")]
pub struct WireCall<'a> {
    #[serde(borrow)]
    index: Option<&'a RawValue>,
    #[serde(borrow)]
    id: Option<&'a RawValue>,
    #[serde(borrow)]
    function: Option<WireFunction<'a>>,
}

#[derive(Deserialize)]
#[serde(expecting = "an object")]
struct WireFunction<'a> {
    name: Option<Text>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl WireCall<'_> {
    /// Converts the call. `position` is its position in a whole message, where
    /// it takes precedence over the call's own index.
    pub fn into_fragment(self, position: Option<u64>) -> CallFragment {
        let (name, arguments) =
            self.function.map_or((None, None), |function| (function.name, function.arguments));
        let string = |text: Vec<u8>| String::from_utf8_lossy(&text).into_owned();
        // Some servers send the index as a string.
        let index = self.index.and_then(|index| index.get().trim_matches('"').parse().ok());
        CallFragment {
            index: position.or(index),
            id: string(text_of(self.id)),
            name: string(name.unwrap_or_default().bytes),
            arguments: text_of(arguments),
        }
    }
}

/// The content of a JSON string, or the JSON itself if it is not a string. Most
/// servers send arguments as a string of JSON, some as an object.
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

    /// Id, name and arguments of each call, joined from the deltas, each of
    /// which is the JSON of one call.
    fn joined(deltas: &[&str]) -> Result<Vec<(String, String, String)>, String> {
        let mut calls = ToolCalls::default();
        for delta in deltas {
            let call: WireCall = serde_json::from_str(delta).expect("a call");
            calls.add(call.into_fragment(None));
        }
        let fields = |call: ToolCall| (call.id, call.name, call.arguments.to_string());
        let calls = calls.finish().map_err(|error| Error::from(error).to_string())?;
        Ok(calls.into_iter().map(fields).collect())
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
            // Index 0 for every call.
            &[
                r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
                r#"{"index":0,"id":"b","function":{"name":"f","arguments":"{\"y\":2}"}}"#,
            ],
            // Indexes as strings.
            &[
                r#"{"index":"0","id":"a","function":{"name":"f","arguments":"{\"x\":1"}}"#,
                r#"{"index":"1","id":"b","function":{"name":"f","arguments":"{\"y\":2}"}}"#,
                r#"{"index":"0","function":{"arguments":"}"}}"#,
            ],
            // Id and name in every fragment, but no index.
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
    fn complete_calls_without_ids_are_separated_by_their_names() {
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
    fn a_call_may_lack_arguments_and_an_id() {
        for arguments in ["null", "\"\"", "{}", "\" \""] {
            let delta = format!(r#"{{"function":{{"name":"f","arguments":{arguments}}}}}"#);
            assert_eq!(joined(&[&delta]), Ok(vec![call("call_0", "{}")]));
        }
    }

    #[test]
    fn invalid_arguments_or_a_missing_name_are_errors() {
        for (delta, reason) in [
            (r#"{"function":{"name":"f","arguments":"{\"x\":"}}"#, "not JSON"),
            (r#"{"function":{"name":"f","arguments":"[1]"}}"#, "an array, not an object"),
            (r#"{"function":{"arguments":"{}"}}"#, "call 1 of the reply has no tool name"),
        ] {
            let error = joined(&[delta]).expect_err("an invalid call");
            assert!(error.contains(reason), "{error}");
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
