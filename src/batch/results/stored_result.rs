//! A line of a result file, of gravix or of another program, and whether it would
//! count as a success today.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::batch::fingerprint::Fingerprint;
use crate::batch::results::stored_reply::{PlainReply, ResultJudge, Standing};
use crate::error::ErrorClass;
use crate::json::OnlyObject;
use crate::wire::error_body;

/// What resuming and merging need of a line of the Batch API's output.
#[derive(Debug, PartialEq, Eq)]
pub struct StoredResult<'a> {
    pub id: Cow<'a, str>,
    pub standing: Standing,
    /// Of the request, if gravix wrote the line.
    pub fingerprint: Option<Fingerprint>,
}

/// Why a line is not a result.
#[derive(Debug, PartialEq, Eq)]
pub enum InvalidResult {
    /// It is not UTF-8 at this byte offset.
    NotUtf8 {
        offset: usize,
    },
    NotJson,
    /// It is JSON of something else.
    Other,
}

impl fmt::Display for InvalidResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { offset } => {
                write!(f, "not UTF-8 at byte offset {offset} of the line")
            }
            Self::NotJson | Self::Other => f.write_str("not a batch result"),
        }
    }
}

/// A line with an ordinary reply. Most lines are read as this, in one go.
#[derive(Deserialize)]
struct PlainLine<'a> {
    #[serde(borrow)]
    custom_id: Cow<'a, str>,
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    response: OnlyObject<PlainResponse>,
    /// Null.
    #[serde(default)]
    error: (),
}

#[derive(Deserialize)]
struct PlainResponse {
    status_code: u16,
    body: PlainReply,
}

/// Any line, as it is. What is missing is null.
#[derive(Deserialize)]
pub struct ResultParts<'a> {
    #[serde(borrow)]
    pub custom_id: Cow<'a, str>,
    #[serde(borrow, default)]
    pub id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub response: Option<OnlyObject<StoredResponse<'a>>>,
    #[serde(borrow, default)]
    pub error: Option<&'a RawValue>,
    /// How long the request took, if gravix wrote the line.
    #[serde(borrow, default)]
    pub seconds: Option<&'a RawValue>,
    /// Whether the result is that of an equal request, if gravix wrote the line.
    #[serde(borrow, default)]
    pub copied: Option<&'a RawValue>,
    // The fields of a request, which also has a custom_id.
    body: Option<IgnoredAny>,
    prompt: Option<IgnoredAny>,
    messages: Option<IgnoredAny>,
}

#[derive(Deserialize)]
pub struct StoredResponse<'a> {
    pub status_code: u16,
    #[serde(borrow, default)]
    pub body: Option<&'a RawValue>,
}

impl<'a> StoredResult<'a> {
    /// # Errors
    /// Why the line is not a result.
    pub fn parse(line: &'a [u8], judge: &ResultJudge) -> Result<Self, InvalidResult> {
        let text = checked_utf8(line)?;
        if judge.trusts_plain_replies()
            && let Ok(OnlyObject(line)) = serde_json::from_str::<OnlyObject<PlainLine>>(text)
            && is_success(line.response.0.status_code)
            && line.response.0.body.is_whole()
        {
            let PlainLine { custom_id, id, error: (), .. } = line;
            let fingerprint = fingerprint(id);
            return Ok(Self { id: custom_id, standing: Standing::Done, fingerprint });
        }
        let line = ResultParts::of_text(text)?;
        let standing = line.standing(judge);
        Ok(Self { id: line.custom_id, standing, fingerprint: fingerprint(line.id) })
    }
}

impl<'a> ResultParts<'a> {
    /// # Errors
    /// Why the line is not a result.
    pub fn parse(line: &'a [u8]) -> Result<Self, InvalidResult> {
        Self::of_text(checked_utf8(line)?)
    }

    fn of_text(text: &'a str) -> Result<Self, InvalidResult> {
        let OnlyObject(line) =
            serde_json::from_str::<OnlyObject<ResultParts>>(text).map_err(|_| {
                match serde_json::from_str::<IgnoredAny>(text) {
                    Ok(_) => InvalidResult::Other,
                    Err(_) => InvalidResult::NotJson,
                }
            })?;
        let is_request = line.body.is_some() || line.prompt.is_some() || line.messages.is_some();
        if is_request && line.response.is_none() && line.error.is_none() {
            return Err(InvalidResult::Other);
        }
        Ok(line)
    }

    fn standing(&self, judge: &ResultJudge) -> Standing {
        let Some(OnlyObject(StoredResponse { status_code, body })) = &self.response else {
            return Standing::Failed;
        };
        match body {
            Some(body) if is_success(*status_code) && self.error.is_none() => {
                judge.standing(body.get())
            }
            _ if would_fail_again(*status_code, [self.error, *body]) => Standing::Refused,
            _ => Standing::Failed,
        }
    }
}

/// serde_json does not look at the bytes of the fields that it skips.
fn checked_utf8(line: &[u8]) -> Result<&str, InvalidResult> {
    str::from_utf8(line).map_err(|error| InvalidResult::NotUtf8 { offset: error.valid_up_to() })
}

pub fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// Whether the server refuses the request itself, and not the key or the account.
/// `words` are where it says why.
fn would_fail_again(status: u16, words: [Option<&RawValue>; 2]) -> bool {
    matches!(status, 400 | 413 | 422)
        && words.into_iter().flatten().all(|words| {
            let mut error = error_body::parse(words.get().as_bytes());
            error.http_status = Some(status);
            let classes =
                [&error.code, &error.kind].map(|word| ErrorClass::of_word(word.as_deref()?));
            let is_of_request = |class: &ErrorClass| *class == ErrorClass::Request;
            error.class() == ErrorClass::Request && classes.iter().flatten().all(is_of_request)
        })
}

fn fingerprint(id: Option<&RawValue>) -> Option<Fingerprint> {
    Fingerprint::from_line_id(id?.get().strip_prefix('"')?.strip_suffix('"')?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::results::stored_reply::tests::text_policy;

    fn parse(line: &str) -> Result<(String, Standing), InvalidResult> {
        let policy = text_policy();
        let judge = ResultJudge { default: &policy, own_format: &policy };
        let parsed = StoredResult::parse(line.as_bytes(), &judge)?;
        Ok((parsed.id.into_owned(), parsed.standing))
    }

    #[test]
    fn a_line_that_is_not_a_result_is_an_error() {
        for line in [
            "{}",
            r#"{"custom_id":1,"response":null,"error":null}"#,
            r#"{"custom_id":"a","response":{},"error":null}"#,
            r#"{"custom_id":"a","response":[200],"error":null}"#,
            r#"["a",{"status_code":200},null]"#,
            r#"{"custom_id":"a","method":"POST","url":"/v1/chat/completions","body":{}}"#,
            r#"{"custom_id":"a","prompt":"hi"}"#,
        ] {
            assert_eq!(parse(line), Err(InvalidResult::Other), "{line}");
        }
        let torn = r#"{"custom_id":"a","response":null,"error":null"#;
        assert_eq!(parse(torn), Err(InvalidResult::NotJson));
    }

    /// What programs write, from their documentation and their sources.
    #[test]
    fn the_lines_of_other_programs_are_understood() {
        let reply = r#"{"id":"c","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null},"logprobs":null,"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}"#;
        let azure = r#"{"choices":[{"content_filter_results":{"hate":{"filtered":false,"severity":"safe"}},"finish_reason":"stop","index":0,"logprobs":null,"message":{"annotations":[],"content":"hi","refusal":null,"role":"assistant"}}],"created":1,"id":"c","model":"m","object":"chat.completion","prompt_filter_results":[{"prompt_index":0,"content_filter_results":{}}],"system_fingerprint":"f","usage":{}}"#;
        let vllm = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi","refusal":null,"annotations":null,"audio":null,"function_call":null,"tool_calls":[],"reasoning_content":null},"logprobs":null,"finish_reason":"stop","stop_reason":null}],"usage":{},"prompt_logprobs":null}"#;
        let with = |template: &str, body: &str| template.replace("BODY", body);
        for (line, standing) in [
            // OpenAI
            (with(r#"{"id":"batch_req_1","custom_id":"a","response":{"status_code":200,"request_id":"r","body":BODY},"error":null}"#, reply), Standing::Done),
            (r#"{"id":"batch_req_1","custom_id":"a","response":null,"error":{"code":"batch_expired","message":"This request could not be executed before the completion window expired."}}"#.to_owned(), Standing::Failed),
            (r#"{"id":"batch_req_1","custom_id":"a","response":{"status_code":400,"request_id":"r","body":{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}},"error":null}"#.to_owned(), Standing::Refused),
            (r#"{"id":"batch_req_1","custom_id":"a","response":{"status_code":400,"request_id":"r","body":{"error":{"message":"m","type":"invalid_request_error","param":null,"code":"invalid_api_key"}}},"error":null}"#.to_owned(), Standing::Failed),
            (r#"{"id":"batch_req_1","custom_id":"a","response":{"status_code":429,"request_id":"r","body":{"error":{"message":"m","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}},"error":null}"#.to_owned(), Standing::Failed),
            // Azure, without an id of the line
            (with(r#"{"custom_id":"a","response":{"body":BODY,"request_id":"r","status_code":200},"error":null}"#, azure), Standing::Done),
            (r#"{"custom_id":"a","response":{"body":{"error":{"code":"content_filter","message":"m","param":"prompt","status":400,"innererror":{"code":"ResponsibleAIPolicyViolation"}}},"request_id":"r","status_code":400},"error":null}"#.to_owned(), Standing::Refused),
            // vLLM's run-batch: no body beside an error
            (with(r#"{"id":"vllm-1","custom_id":"a","response":{"status_code":200,"request_id":"vllm-batch-1","body":BODY},"error":null}"#, vllm), Standing::Done),
            (r#"{"id":"vllm-1","custom_id":"a","response":{"status_code":400,"request_id":"vllm-batch-1","body":null},"error":{"error":{"message":"m","type":"BadRequestError","param":null,"code":400}}}"#.to_owned(), Standing::Refused),
            (r#"{"id":"vllm-1","custom_id":"a","response":{"status_code":500,"request_id":"vllm-batch-1"},"error":{"object":"error","message":"m","type":"InternalServerError","param":null,"code":500}}"#.to_owned(), Standing::Failed),
            (r#"{"id":"vllm-1","custom_id":"a","response":{"status_code":400,"request_id":"vllm-batch-1"},"error":"unsupported"}"#.to_owned(), Standing::Refused),
            // LiteLLM and others, without what is null
            (with(r#"{"custom_id":"a","response":{"status_code":200,"body":BODY}}"#, reply), Standing::Done),
            (r#"{"custom_id":"a","error":{"message":"m","type":"None","param":"None","code":"500"}}"#.to_owned(), Standing::Failed),
            (r#"{"custom_id":"a"}"#.to_owned(), Standing::Failed),
            (with(r#"{"id":7,"custom_id":"a","response":{"status_code":200,"body":BODY},"error":{"code":"x"}}"#, reply), Standing::Failed),
            (r#"{"custom_id":"a","response":{"status_code":200,"body":null},"error":null}"#.to_owned(), Standing::Failed),
        ] {
            assert_eq!(parse(&line), Ok(("a".to_owned(), standing)), "{line}");
        }
    }
}
