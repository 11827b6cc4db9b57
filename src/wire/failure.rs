//! Whether a payload is an error, in all the shapes that servers give to one.
//! What it says is read by [`error_body`](crate::wire::error_body).

use serde_json::value::RawValue;

use crate::json;

/// Whether a payload is an error. Beside choices, only `error`, `object` and
/// `base_resp` tell: other fields may have another meaning there.
pub fn is_failure(json: &RawValue, has_choices: bool) -> bool {
    if json.get().starts_with('[') {
        // Gemini sends `[{"error":…}]`.
        let mut is_found = false;
        json::each_element(json, |element| {
            is_found = element.get().starts_with('{') && is_failure(element, has_choices);
            false
        });
        return is_found;
    }
    let [object, base_resp] = json::fields(json.get(), ["object", "base_resp"]);
    has_error(json)
        || object.is_some_and(|object| json::is_string(object, "error"))
        || base_resp.is_some_and(has_failing_status)
        || (!has_choices && is_failure_without_choices(json))
}

/// Whether an object has an `error` that is not empty.
pub fn has_error(json: &RawValue) -> bool {
    let [error] = json::fields(json.get(), ["error"]);
    error.is_some_and(is_set)
}

/// MiniMax sends `"base_resp":{"status_code":1004,…}`, with 0 for success.
fn has_failing_status(base_resp: &RawValue) -> bool {
    let [code] = json::fields(base_resp.get(), ["status_code"]);
    code.is_some_and(is_failing_code)
}

fn is_failure_without_choices(json: &RawValue) -> bool {
    let [detail, errors, error_msg, error_code] =
        json::fields(json.get(), ["detail", "errors", "error_msg", "error_code"]);
    let [success, kind, message, msg] =
        json::fields(json.get(), ["success", "type", "message", "msg"]);
    let codes = json::fields(json.get(), ["code", "status", "status_code", "statusCode"]);
    let has_message = message.is_some_and(is_set) || msg.is_some_and(is_set);
    let is =
        |value: Option<&RawValue>, text| value.is_some_and(|value| json::is_string(value, text));
    [detail, errors, error_msg].into_iter().flatten().any(is_set)
        || error_code.is_some_and(is_failing_code)
        || success.is_some_and(|success| matches!(success.get(), "false" | "\"false\""))
        || is(kind, "error")
        || is(codes[1], "error")
        || (has_message && codes.into_iter().flatten().any(is_failing_code))
}

/// Whether a code means a failure. Some servers put the code of a success into
/// every answer.
fn is_failing_code(code: &RawValue) -> bool {
    let text = code.get().trim_matches('"').to_ascii_lowercase();
    is_set(code) && !matches!(text.as_str(), "0" | "200" | "ok" | "success")
}

/// Whether a value is more than an empty one, which means that there is none.
fn is_set(value: &RawValue) -> bool {
    !matches!(json::compact(value.get()).as_str(), "false" | "\"\"" | "{}" | "[]" | "0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_failing(json: &str) -> bool {
        let json: &RawValue = serde_json::from_str(json).expect(json);
        let [choices] = json::fields(json.get(), ["choices"]);
        is_failure(json, choices.is_some_and(is_set))
    }

    #[test]
    fn every_shape_of_error_is_found() {
        for json in [
            r#"{"error":{"message":"m"}}"#,
            r#"{"error":"m"}"#,
            r#"{"error":true}"#,
            r#"{"error":"m","choices":[{}]}"#,
            r#"[{"error":{"message":"m"}}]"#,
            r#"{"object":"error","message":"m"}"#,
            r#"{"detail":"m"}"#,
            r#"{"detail":[{"loc":["body"],"msg":"m"}]}"#,
            r#"{"errors":["m"]}"#,
            r#"{"error_msg":"m"}"#,
            r#"{"error_code":336003}"#,
            r#"{"success":false}"#,
            r#"{"type":"error"}"#,
            r#"{"status":"error","message":"m"}"#,
            r#"{"base_resp":{"status_code":1004}}"#,
            r#"{"choices":[{}],"base_resp":{"status_code":1027}}"#,
            r#"{"choices":null,"detail":"m"}"#,
            r#"{"choices":[],"code":500,"message":"m"}"#,
            r#"{"code":"E1","msg":"m"}"#,
            r#"{"status":429,"message":"m"}"#,
            r#"{"statusCode":429,"message":"m"}"#,
        ] {
            assert!(is_failing(json), "{json}");
        }
    }

    #[test]
    fn other_objects_are_no_errors() {
        for json in [
            "{}",
            "[]",
            "[1]",
            "7",
            r#"{"error":null}"#,
            r#"{"error":[],"errors":[],"detail":"","success":true}"#,
            r#"{"detail":"m","choices":[{}]}"#,
            r#"{"code":500,"message":"m","choices":[{}]}"#,
            r#"{"message":"m"}"#,
            r#"{"code":0,"message":"m"}"#,
            r#"{"status":"ok","message":"m"}"#,
            r#"{"type":"ping"}"#,
            r#"{"base_resp":{"status_code":0}}"#,
            r#"{"object":"list","data":[]}"#,
        ] {
            assert!(!is_failing(json), "{json}");
        }
    }
}
