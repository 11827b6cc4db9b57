//! Whether a payload is an error, in all the shapes that servers give to one.
//! What it says is read by [`error_body`](crate::wire::error_body).

use serde_json::value::RawValue;

use crate::json;

/// The fields of an object that tell of an error even beside choices.
pub struct ErrorFields<'a> {
    pub error: Option<&'a RawValue>,
    pub object: Option<&'a RawValue>,
    pub base_resp: Option<&'a RawValue>,
}

impl<'a> ErrorFields<'a> {
    fn parse(json: &'a str) -> Self {
        let [error, object, base_resp] = json::fields(json, ["error", "object", "base_resp"]);
        Self { error, object, base_resp }
    }
}

/// Whether an object is an error. `has_choices` if it has choices too: then only
/// `fields` tell, because others may have another meaning.
pub fn is_failure(json: &str, fields: &ErrorFields<'_>, has_choices: bool) -> bool {
    let ErrorFields { error, object, base_resp } = fields;
    error.is_some_and(is_set)
        || object.is_some_and(|object| is_word(object, "error"))
        || base_resp.is_some_and(has_failing_status)
        || (!has_choices && is_failure_without_choices(json))
}

/// Whether `json` is an array that begins with an error: Gemini sends
/// `[{"error":…}]`.
pub fn is_failing_array(json: &str) -> bool {
    let json = Some(json).filter(|json| json.starts_with('['));
    let Some(Ok(json)) = json.map(serde_json::from_str::<&RawValue>) else {
        return false;
    };
    let mut is_found = false;
    json::each_element(json, |element| {
        is_found = is_failure(element.get(), &ErrorFields::parse(element.get()), false);
        false
    });
    is_found
}

/// MiniMax sends `"base_resp":{"status_code":1004,…}`, with 0 for success.
fn has_failing_status(base_resp: &RawValue) -> bool {
    let [code] = json::fields(base_resp.get(), ["status_code"]);
    code.is_some_and(is_failing_code)
}

fn is_failure_without_choices(json: &str) -> bool {
    let texts = ["detail", "errors", "error_msg", "errorMsg", "errmsg", "exception"];
    let error_codes = json::fields(json, ["error_code", "errorCode", "errcode"]);
    let [success, kind, message, msg] = json::fields(json, ["success", "type", "message", "msg"]);
    let codes = json::fields(json, ["code", "status", "status_code", "statusCode"]);
    let has_message = message.is_some_and(is_set) || msg.is_some_and(is_set);
    let is_error = |value: Option<&RawValue>| value.is_some_and(|value| is_word(value, "error"));
    json::fields(json, texts).into_iter().flatten().any(is_set)
        || error_codes.into_iter().flatten().any(is_failing_code)
        || success.is_some_and(|success| matches!(success.get(), "false" | "\"false\"" | "0"))
        || is_error(kind)
        || is_error(codes[1])
        || (has_message && codes.into_iter().flatten().any(is_failing_code))
}

/// Whether a value is this word, in lower or upper case.
fn is_word(value: &RawValue, word: &str) -> bool {
    value.get().trim_matches('"').eq_ignore_ascii_case(word)
}

/// Whether a code means a failure. Some servers put the code of a success into
/// every answer.
fn is_failing_code(code: &RawValue) -> bool {
    let text = code.get().trim_matches('"').to_ascii_lowercase();
    is_set(code) && !matches!(text.as_str(), "0" | "200" | "ok" | "success")
}

/// Whether a value is more than an empty one, which means that there is none.
pub fn is_set(value: &RawValue) -> bool {
    match value.get().as_bytes() {
        [b'{' | b'[', inside @ .., _] => !inside.trim_ascii().is_empty(),
        text => !matches!(text, b"false" | b"\"\"" | b"0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is_failing(json: &str) -> bool {
        let [choices] = json::fields(json, ["choices"]);
        let fields = ErrorFields::parse(json);
        is_failure(json, &fields, choices.is_some_and(is_set)) || is_failing_array(json)
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
            r#"{"type":"Error"}"#,
            r#"{"object":"ERROR"}"#,
            r#"{"errorCode":5,"errorMsg":"m"}"#,
            r#"{"errcode":5}"#,
            r#"{"exception":"m"}"#,
            r#"{"success":0}"#,
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
