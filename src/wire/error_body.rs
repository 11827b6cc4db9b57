//! Error bodies of servers, in all known shapes.

use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, ServerError};

/// Parses an error body: `{"error":{…}}`, `{"error":"…"}`, the fields of an
/// error without an envelope (`{"message":…}`, `{"detail":…}`), or a string. If
/// the body is not JSON, its first line is the message.
pub fn parse(payload: &[u8]) -> ServerError {
    #[derive(Deserialize)]
    struct ErrorEnvelope {
        error: Value,
        meta: Option<Value>,
    }
    let text = String::from_utf8_lossy(payload);
    let Ok(value) = serde_json::from_str::<Value>(&text) else {
        let line = text.trim().lines().next().unwrap_or_default();
        return ServerError { message: line.to_owned(), ..ServerError::default() };
    };
    let is_exceeded = [&value, &value["error"]].iter().any(|part| part["exceeded"].is_array());
    let (error, meta) = match ErrorEnvelope::deserialize(&value) {
        Ok(body) if body.error.is_object() || body.error.is_string() => (body.error, body.meta),
        _ => (value, None),
    };
    let field = |name: &str| error.get(name).and_then(as_text);
    let message = as_text(&error)
        .or_else(|| field("message"))
        .or_else(|| field("detail"))
        .unwrap_or_else(|| error.to_string());
    ServerError {
        message: message.trim().to_owned(),
        is_exceeded,
        code: field("code"),
        kind: field("type"),
        request_id: meta.as_ref().and_then(|meta| as_text(meta.get("request_id")?)),
        ..ServerError::default()
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether a body is HTML rather than JSON or an event stream.
pub fn is_html(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

/// The error for HTML instead of a reply: the base URL probably points to a
/// website.
pub fn html(base_url: &str) -> Error {
    Error::Protocol(format!("the server sent HTML; check the base URL {base_url}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_of_error_yields_its_message() {
        for (payload, message, code) in [
            (
                r#"{"error":{"message":"boom","type":"server_error","code":503}}"#,
                "boom",
                Some("503"),
            ),
            (
                r#"{"error":{"code":"E1","message":"m","details":{}},"meta":{"request_id":"r"}}"#,
                "m",
                Some("E1"),
            ),
            (r#"{"error":"boom"}"#, "boom", None),
            (r#"{"object":"error","message":"bad","code":400}"#, "bad", Some("400")),
            (r#"{"message":"bad","code":500}"#, "bad", Some("500")),
            (r#"{"detail":"Not Found"}"#, "Not Found", None),
            (r#"{"error":true,"message":"the reason"}"#, "the reason", None),
            (r#""boom""#, "boom", None),
            ("Service Unavailable\n", "Service Unavailable", None),
            (r#"{"error":{"x":1}}"#, r#"{"x":1}"#, None),
        ] {
            let error = parse(payload.as_bytes());
            assert_eq!(
                (error.message.as_str(), error.code.as_deref()),
                (message, code),
                "{payload}"
            );
        }
    }
}
