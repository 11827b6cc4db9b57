//! Tool calls as servers send them, in a delta or in a message.

use serde_json::value::RawValue;
use thiserror::Error as ThisError;

use crate::chat::tool_call::CallFragment;
use crate::json;
use crate::wtf8::{self, Text};

/// The most calls in a delta or in a message: a call takes up to 400 bytes in
/// memory, and 10 bytes in a text.
const MAX_CALLS: usize = 16 << 10;

/// A message has too many calls.
#[derive(Debug, ThisError)]
#[error("a message in it has more than {MAX_CALLS} tool calls")]
pub struct TooManyCalls;

/// The tool calls in a delta or in a message, whole or as fragments. Some servers
/// send a single call in place of an array, and old ones a `function_call`.
/// Values of unexpected types count as missing, so that they do not lose a call.
///
/// # Errors
/// [`TooManyCalls`].
pub fn parse_all(
    tool_calls: Option<&RawValue>,
    function_call: Option<&RawValue>,
    is_message: bool,
) -> Result<Vec<CallFragment>, TooManyCalls> {
    let mut calls = Vec::new();
    if let Some(tool_calls) = tool_calls {
        json::each_element(tool_calls, |call| {
            // Each element of a message is a call of its own.
            let position = is_message.then_some(calls.len() as u64);
            calls.extend(parse(call, position));
            calls.len() <= MAX_CALLS
        });
    }
    if calls.len() > MAX_CALLS {
        return Err(TooManyCalls);
    }
    if calls.is_empty() {
        let call = function_call.filter(|call| call.get().starts_with('{'));
        let function = call.map(FunctionFields::parse);
        let function = function.filter(|f| !f.name.is_empty() || !f.arguments.is_empty());
        calls
            .extend(function.map(|function| {
                function.into_fragment(is_message.then_some(0), String::new(), "")
            }));
    }
    Ok(calls)
}

/// A call, or a fragment of one; `None` if there is nothing in it. `position`
/// takes precedence over the call's own index.
fn parse(call: &RawValue, position: Option<u64>) -> Option<CallFragment> {
    let [index, id, function, name] = json::fields(call.get(), ["index", "id", "function", "name"]);
    if id.or(function).or(name).is_none() && !has_other_fields(call) {
        return None;
    }
    // Some servers send the index as a string.
    let index = index.and_then(|index| index.get().trim_matches('"').parse().ok());
    let id = wtf8::to_utf8(text_of(id));
    let function = FunctionFields::parse(function.unwrap_or(call));
    let sent = if call.get().starts_with('{') { call.get() } else { "" };
    Some(function.into_fragment(position.or(index), id, sent))
}

/// Whether a call has fields that gravix does not know.
fn has_other_fields(call: &RawValue) -> bool {
    let is_known = |name: &str| matches!(name, "index" | "type" | "id" | "function" | "name");
    let fields = json::unique_fields(call.get()).unwrap_or_default();
    fields.iter().any(|(name, value)| !is_known(name) && value.get() != "null")
}

/// Name and arguments of a call.
struct FunctionFields {
    name: String,
    arguments: Vec<u8>,
}

impl FunctionFields {
    fn parse(function: &RawValue) -> Self {
        let [name, arguments] = json::fields(function.get(), ["name", "arguments"]);
        let name = name.and_then(Text::scalar).unwrap_or_default().into_utf8();
        Self { name, arguments: text_of(arguments) }
    }

    fn into_fragment(self, index: Option<u64>, id: String, sent: &str) -> CallFragment {
        let sent = sent.to_owned();
        CallFragment { index, id, name: self.name, arguments: self.arguments, sent }
    }
}

/// The content of a JSON string, or the JSON itself if it is not a string. Most
/// servers send arguments as a string of JSON, some as an object.
fn text_of(json: Option<&RawValue>) -> Vec<u8> {
    json.map_or_else(Vec::new, |json| {
        Text::scalar(json).map_or_else(|| json.get().into(), |text| text.bytes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::held_bytes::HeldBytes;
    use crate::chat::tool_call::{ToolCall, ToolCalls};
    use crate::error::Error;

    /// Id, name and arguments of each call, joined from the deltas, each of
    /// which is the JSON of one call.
    fn joined(deltas: &[&str]) -> Result<Vec<(String, String, String)>, String> {
        let mut calls = ToolCalls::default();
        for delta in deltas {
            let delta: &RawValue = serde_json::from_str(delta).expect("JSON");
            for call in parse_all(Some(delta), None, false).expect("few calls") {
                calls.add(&call, &mut HeldBytes::up_to(1 << 20)).expect("a short call");
            }
        }
        let fields = |call: ToolCall| (call.id, call.name, call.arguments.to_string());
        let calls = calls.finish(None).map_err(|error| Error::from(error).to_string())?;
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
    fn a_name_in_pieces_is_joined_and_a_repeated_one_is_not() {
        for names in [
            &["count_", "owls"][..],
            &["count_owls", "count_owls"],
            &["count_", "owls", "count_owls"],
            &["count_owls", ""],
            &["count_owls"],
        ] {
            let mut deltas: Vec<_> = names
                .iter()
                .map(|name| format!(r#"{{"index":0,"id":"a","function":{{"name":"{name}"}}}}"#))
                .collect();
            deltas.push(r#"{"index":0,"function":{"arguments":"{\"n\":3}"}}"#.to_owned());
            let deltas: Vec<&str> = deltas.iter().map(String::as_str).collect();
            let expected = ("a".to_owned(), "count_owls".to_owned(), r#"{"n":3}"#.to_owned());
            assert_eq!(joined(&deltas), Ok(vec![expected]), "{names:?}");
        }
    }

    #[test]
    fn a_last_fragment_that_repeats_only_the_name_is_no_call() {
        let deltas = [
            r#"{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}"#,
            r#"{"index":0,"function":{"name":"f","arguments":""}}"#,
            r#"{"index":0,"id":"","function":{"name":"f"}}"#,
        ];
        assert_eq!(joined(&deltas), Ok(vec![call("a", r#"{"x":1}"#)]));
    }

    #[test]
    fn calls_of_unexpected_shapes_are_found() {
        let function = r#"{"name":"f","arguments":"{\"x\":1}"}"#;
        for parts in [
            format!(r#"{{"tool_calls":{{"id":"a","function":{function}}}}}"#),
            format!(r#"{{"tool_calls":[null,7,{{"id":"a","function":{function}}}]}}"#),
            r#"{"tool_calls":[{"id":"a","name":"f","arguments":{"x":1}}]}"#.to_owned(),
            format!(r#"{{"tool_calls":null,"function_call":{function}}}"#),
            format!(r#"{{"tool_calls":[],"function_call":{function}}}"#),
        ] {
            let [calls, call] = json::fields(&parts, ["tool_calls", "function_call"]);
            let calls = parse_all(calls, call, true).expect("few calls");
            assert_eq!(calls.len(), 1, "{parts}");
            assert_eq!(calls[0].name, "f");
            assert_eq!(calls[0].arguments, br#"{"x":1}"#);
        }
    }

    #[test]
    fn arguments_encoded_twice_are_decoded() {
        let delta = r#"{"id":"a","function":{"name":"f","arguments":"\"{\\\"x\\\":1}\""}}"#;
        assert_eq!(joined(&[delta]), Ok(vec![call("a", r#"{"x":1}"#)]));
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
