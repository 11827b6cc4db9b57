//! Lines of a batch: the request that gravix makes of a line, and what it reads in
//! a line of results, is what the `Value` of the line says.

#![no_main]

use std::io::Read;

use gravix::batch::results::stored_reply::{ResultJudge, Standing};
use gravix::batch::results::stored_result::StoredResult;
use gravix::batch::source::batch_request::{BatchRequest, Defaults};
use gravix::batch::source::read_options::ReadOptions;
use gravix::batch::source::record::{Record, RecordKind};
use gravix::batch::source::request_line::RequestLine;
use gravix::chat::format::ReplyFormat;
use gravix::chat::thoughts::ThoughtsPolicy;
use gravix::chat::turn::{Pick, ReplyPolicy};
use gravix::exchange::Question;
use gravix::files::lines::{Lines, Separator};
use gravix::json;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value, json};

fuzz_target!(|line: &[u8]| {
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let _ = request(line, RecordKind::Text(Separator::Newline));
    let requested = request(line, RecordKind::Json { has_one_choice: false });
    let policy = policy();
    let judge = ResultJudge { default: &policy, own_format: &policy };
    let parsed = result(line, &judge);
    let Ok(text) = std::str::from_utf8(line) else {
        assert!(requested.is_none() && parsed.is_none());
        return;
    };
    // A lone surrogate is in no `Value`, nor is what is nested too deeply.
    let Ok(value) = json::parse(text) else { return };
    if let Some(request) = &requested {
        assert_eq!(body(request), plain_body(&value));
        assert!(has_id(request, &value), "{}", request.id);
    }
    // Written again, no field appears twice.
    let again = value.to_string();
    assert_eq!(result(again.as_bytes(), &judge), plain_result(&value, &judge));
    if let Some(parsed) = parsed {
        assert_eq!(Some(parsed), plain_result(&value, &judge));
    }
    if let Some(requested) = requested {
        let again = request(again.as_bytes(), RecordKind::Json { has_one_choice: false });
        assert_eq!(again.map(|again| body(&again)), Some(body(&requested)));
    }
});

fn defaults() -> Map<String, Value> {
    let defaults = json!({"model": "m", "temperature": 1.5});
    defaults.as_object().cloned().unwrap_or_default()
}

/// The request of a line, if it is one.
fn request(line: &[u8], kind: RecordKind) -> Option<BatchRequest> {
    let mut lines = Lines::new(line, Separator::Newline);
    let line = lines.next_line().expect("memory is read")?;
    let request = RequestLine::parse(&Record::of_line(line), &ReadOptions::new(kind)).ok()??;
    Some(Defaults::new(&defaults(), Some("Be brief."), None).complete(&request, 7))
}

fn body(request: &BatchRequest) -> Value {
    let mut body = Vec::new();
    request.body(None).reader().read_to_end(&mut body).expect("memory is read");
    json::parse(std::str::from_utf8(&body).expect("the body is UTF-8")).expect("the body is JSON")
}

fn plain_body(line: &Value) -> Value {
    let mut fields = line.get("body").unwrap_or(line).as_object().cloned().expect("an object");
    let mut messages = Vec::new();
    let own = match fields.remove("messages") {
        Some(own) => own.as_array().cloned().expect("an array"),
        None => vec![json!({"role": "user", "content": fields.remove("prompt")})],
    };
    let system = match line.get("body") {
        None => fields.remove("system"),
        Some(_) => None,
    };
    assert!(own.iter().all(|message| message["role"].is_string()), "{own:?}");
    let is_system = |message: &Value| message["role"] == "system" || message["role"] == "developer";
    match system {
        Some(Value::Null) => {}
        Some(system) => messages.push(json!({"role": "system", "content": system})),
        None if own.iter().any(is_system) => {}
        None => messages.push(json!({"role": "system", "content": "Be brief."})),
    }
    messages.extend(own);
    if line.get("body").is_none() {
        fields.remove("id");
        fields.remove("custom_id");
    }
    let mut body = defaults();
    body.extend(fields);
    body.insert("messages".to_owned(), messages.into());
    body.into()
}

/// Whether a request has the id of its line. A number is the text that it is
/// written as.
fn has_id(request: &BatchRequest, line: &Value) -> bool {
    match line.get("custom_id").or_else(|| line.get("id")) {
        None => request.id == "7",
        Some(Value::String(id)) => request.id == *id,
        Some(number) => json::parse(&request.id).is_ok_and(|id| id == *number),
    }
}

fn policy() -> ReplyPolicy {
    ReplyPolicy {
        format: ReplyFormat::Text,
        pick: Pick::Whole,
        thoughts: ThoughtsPolicy::Keep,
        must_call: false,
        repairs: 0,
        max_bytes: 1 << 20,
    }
}

/// The id of a line of results, and whether it is done.
fn result(line: &[u8], judge: &ResultJudge) -> Option<(String, bool)> {
    let result = StoredResult::parse(line, judge).ok()?;
    Some((result.id.into_owned(), result.standing == Standing::Done))
}

/// The same, with every reply decoded and judged.
fn plain_result(line: &Value, judge: &ResultJudge) -> Option<(String, bool)> {
    let line = line.as_object()?;
    let id = line.get("custom_id")?.as_str()?.to_owned();
    let field = |name: &str| line.get(name).filter(|value| !value.is_null());
    let is_request = ["body", "prompt", "messages"].iter().any(|name| field(name).is_some());
    let Some(response) = field("response") else {
        return (!is_request || field("error").is_some()).then_some((id, false));
    };
    let response = response.as_object()?;
    let status = u16::try_from(response.get("status_code")?.as_u64()?).ok()?;
    let body = response.get("body").unwrap_or(&Value::Null).to_string();
    let is_success = (200..300).contains(&status) && field("error").is_none();
    Some((id, is_success && judge.standing(&body) == Standing::Done))
}
