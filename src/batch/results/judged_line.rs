//! A line of a result file, and what became of its request.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::batch::results::result_line::RequestError;
use crate::batch::results::stored_reply::judged;
use crate::batch::results::stored_result::{InvalidResult, ResultParts, is_success};
use crate::chat::event::Usage;
use crate::chat::reply::Reply;
use crate::chat::turn::ReplyPolicy;
use crate::error::Error;
use crate::json::OnlyObject;
use crate::wire::error_body;

/// A line of a result file, judged as a new reply is.
#[derive(Debug, Clone, PartialEq)]
pub struct JudgedLine {
    pub outcome: Outcome,
    /// What the response says besides its text, if a reply came.
    pub reply: Option<ReplyFacts>,
    /// How long the request took.
    pub seconds: Option<f32>,
    /// It was not sent: its result is that of an equal request.
    pub is_copy: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// The text that was asked for. `None` for a reply that calls tools instead.
    Done(Option<String>),
    Failed {
        /// Its class, in one word.
        reason: String,
        message: String,
    },
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReplyFacts {
    pub usage: Option<Usage>,
    /// The server's word.
    pub finish_reason: Option<String>,
}

impl JudgedLine {
    /// The id of a line, and what it says. Its reply is judged by `policy`.
    ///
    /// # Errors
    /// Why the line is not a result.
    pub fn parse<'a>(
        line: &'a [u8],
        policy: &ReplyPolicy,
    ) -> Result<(Cow<'a, str>, Self), InvalidResult> {
        let parts = ResultParts::parse(line)?;
        let ResultParts { custom_id, response, error, seconds, copied, .. } = parts;
        let is_copy = copied.is_some_and(|copied| copied.get() == "true");
        let seconds = seconds.and_then(|seconds| serde_json::from_str::<f32>(seconds.get()).ok());
        let seconds = seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0);
        let (outcome, reply) = match response {
            Some(OnlyObject(response)) if is_success(response.status_code) => {
                outcome_of_reply(response.body.map_or("", RawValue::get), error, policy)
            }
            Some(OnlyObject(response)) => {
                let words = [error, response.body].into_iter().flatten().map(message);
                let message = words.into_iter().find(|words| !words.is_empty());
                let (reason, message) = (response.status_code.to_string(), message);
                (Outcome::Failed { reason, message: message.unwrap_or_default() }, None)
            }
            None => (recorded_failure(error), None),
        };
        Ok((custom_id, Self { outcome, reply, seconds, is_copy }))
    }
}

/// What became of a request that got this body with a status of success.
fn outcome_of_reply(
    body: &str,
    error: Option<&RawValue>,
    policy: &ReplyPolicy,
) -> (Outcome, Option<ReplyFacts>) {
    let checked = match judged(body, policy) {
        Ok(checked) => checked,
        Err(failure) => {
            let outcome = match error {
                Some(_) => recorded_failure(error),
                None => failed(&failure),
            };
            return (outcome, None);
        }
    };
    let reply = Some(ReplyFacts::of(&checked.reply));
    let outcome = match (error, checked.failure()) {
        (Some(_), _) => recorded_failure(error),
        (None, Some(failure)) => failed(&failure),
        (None, None) if checked.calls.is_empty() => Outcome::Done(Some(checked.into_text())),
        (None, None) => Outcome::Done(None),
    };
    (outcome, reply)
}

impl ReplyFacts {
    fn of(reply: &Reply) -> Self {
        let finish_reason = reply.finish.as_ref().map(|finish| finish.word.clone());
        Self { usage: reply.usage, finish_reason }
    }
}

/// The failure that a line records, whichever program wrote it.
fn recorded_failure(error: Option<&RawValue>) -> Outcome {
    let words = error.map_or("", RawValue::get);
    let parsed = error_body::parse(words.as_bytes());
    let reason = parsed.code.or(parsed.kind).unwrap_or_else(|| "error".to_owned());
    Outcome::Failed { reason, message: error.map(message).unwrap_or_default() }
}

fn message(error: &RawValue) -> String {
    error_body::parse(error.get().as_bytes()).message
}

fn failed(error: &Error) -> Outcome {
    let RequestError { code, message, .. } = RequestError::new(error, error.to_string());
    Outcome::Failed { reason: code, message }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::batch::results::stored_reply::tests::text_policy;

    #[track_caller]
    fn parsed(line: &str) -> JudgedLine {
        let (id, line) = JudgedLine::parse(line.as_bytes(), &text_policy()).expect(line);
        assert_eq!(id, "a");
        line
    }

    fn failed(reason: &str, message: &str) -> Outcome {
        Outcome::Failed { reason: reason.to_owned(), message: message.to_owned() }
    }

    #[test]
    fn a_reply_has_its_text_its_usage_and_its_finish_reason() {
        let reply = |finish: &str, error: &str| {
            format!(
                r#"{{"custom_id":"a","response":{{"status_code":200,"body":{{"choices":[{{"finish_reason":"{finish}","message":{{"content":"hi"}}}}],"usage":{{"prompt_tokens":1,"completion_tokens":2}}}}}},"error":{error},"seconds":0.412}}"#
            )
        };
        let line = parsed(&reply("STOP", "null"));
        assert_eq!(line.outcome, Outcome::Done(Some("hi".to_owned())));
        let facts = line.reply.expect("a reply came");
        assert_eq!(facts.finish_reason.as_deref(), Some("STOP"));
        assert_eq!(facts.usage.and_then(|usage| usage.completion_tokens), Some(2));
        assert_eq!(line.seconds, Some(0.412));
        // It was paid, though it was cut, or is not what was asked for.
        let cut = parsed(&reply("length", "null"));
        assert!(matches!(&cut.outcome, Outcome::Failed { reason, .. } if reason == "length"));
        let refused = parsed(&reply("stop", r#"{"code":"invalid_reply","message":"not JSON"}"#));
        assert_eq!(refused.outcome, failed("invalid_reply", "not JSON"));
        assert!(cut.reply.is_some() && refused.reply.is_some());
    }

    #[test]
    fn a_failure_has_the_class_of_the_summary_whichever_program_wrote_it() {
        for (line, reason, message) in [
            (
                r#"{"custom_id":"a","response":null,"error":{"code":"cut","message":"it was cut"}}"#,
                "cut",
                "it was cut",
            ),
            (
                r#"{"custom_id":"a","response":{"status_code":429,"request_id":"","body":{"error":{"message":"server"}}},"error":{"code":"rate_limit","message":"gravix"}}"#,
                "429",
                "gravix",
            ),
            // OpenAI
            (
                r#"{"custom_id":"a","response":{"status_code":400,"request_id":"r","body":{"error":{"message":"too long","type":"t","param":null,"code":"c"}}},"error":null}"#,
                "400",
                "too long",
            ),
            // vLLM
            (
                r#"{"custom_id":"a","response":{"status_code":400,"request_id":"r","body":null},"error":{"error":{"message":"bad","type":"BadRequestError","param":null,"code":400}}}"#,
                "400",
                "bad",
            ),
            // LiteLLM
            (
                r#"{"custom_id":"a","error":{"message":"down","type":"None","param":"None","code":"500"}}"#,
                "500",
                "down",
            ),
            (r#"{"custom_id":"a"}"#, "error", ""),
        ] {
            let parsed = parsed(line);
            assert_eq!(parsed.outcome, failed(reason, message), "{line}");
            assert_eq!((parsed.reply, parsed.seconds), (None, None));
        }
    }

    #[test]
    fn seconds_that_are_no_time_are_not_counted() {
        for (seconds, expected) in
            [("1", Some(1.0)), ("\"1\"", None), ("-1", None), ("1e99", None), ("null", None)]
        {
            let line = format!(r#"{{"custom_id":"a","seconds":{seconds}}}"#);
            assert_eq!(parsed(&line).seconds, expected, "{seconds}");
        }
    }
}
