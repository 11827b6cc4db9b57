//! Whether a stored reply would count as a success if it came today.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, Visitor};

use crate::chat::reply::{Reply, Retention};
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{CheckedReply, ReplyPolicy, TurnEnd, judge};
use crate::error::Error;
use crate::json::OnlyObject;
use crate::wire::decode::Events;

/// How a result would be judged if it came today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A failure that may not come again.
    Failed,
    /// The server refused the request, and would do so again.
    Refused,
    /// A success of a request that has a `response_format` of its own, but not in the
    /// format that the options ask for.
    DoneInOwnFormat,
    Done,
}

impl Standing {
    pub fn is_done(self) -> bool {
        matches!(self, Self::Done | Self::DoneInOwnFormat)
    }
}

/// Judges stored replies as new ones are judged.
pub struct ResultJudge<'a> {
    /// For requests in the format of the options.
    pub default: &'a ReplyPolicy,
    /// For requests that set their own `response_format`.
    pub own_format: &'a ReplyPolicy,
}

impl ResultJudge<'_> {
    /// What the reply to a request must be.
    pub fn policy(&self, has_default_format: bool) -> &ReplyPolicy {
        if has_default_format { self.default } else { self.own_format }
    }

    /// How the reply in the body of a response with a status of success stands.
    pub fn standing(&self, body: &str) -> Standing {
        if is_success(body, self.default) {
            Standing::Done
        } else if !self.default.takes_any_text() && is_success(body, self.own_format) {
            Standing::DoneInOwnFormat
        } else {
            Standing::Failed
        }
    }

    /// Whether any whole reply with a text is a success, so that a [`PlainReply`] is.
    pub fn trusts_plain_replies(&self) -> bool {
        let ReplyPolicy { thoughts, must_call, .. } = self.default;
        self.default.takes_any_text() && *thoughts == ThoughtsPolicy::Keep && !must_call
    }
}

/// Decodes and judges a reply as if it came now. Which tools the request offered is not
/// known.
///
/// # Errors
/// The error of a body that is not a whole reply.
pub fn judged(body: &str, policy: &ReplyPolicy) -> Result<CheckedReply, Error> {
    if !body.starts_with('{') {
        return Err(Error::Protocol("the response is not a JSON object".to_owned()));
    }
    let retention = Retention { text: true, response: false };
    let mut reply = Reply::new(retention, policy.max_bytes);
    for event in Events::new(body.as_bytes(), "") {
        reply.add(&event?)?;
    }
    let (TurnEnd::Done(checked) | TurnEnd::Repair(checked) | TurnEnd::Tools(checked)) =
        judge(reply, policy, None, 0);
    Ok(checked)
}

fn is_success(body: &str, policy: &ReplyPolicy) -> bool {
    judged(body, policy).is_ok_and(|checked| checked.failure().is_none())
}

/// The text that was asked for, of the body of a response with a status of success.
///
/// # Errors
/// The reason why the reply would not count as a success today.
pub fn checked_text(body: &str, policy: &ReplyPolicy) -> Result<String, String> {
    let checked = judged(body, policy).map_err(|error| error.to_string())?;
    match checked.failure() {
        Some(error) => Err(error.to_string()),
        None => Ok(checked.into_text()),
    }
}

/// A reply of the most ordinary kind, which is known to be a success without more ado
/// where any text will do. What is not of this form is decoded and judged.
#[derive(serde::Deserialize)]
#[serde(transparent)]
pub struct PlainReply(OnlyObject<PlainBody>);

#[derive(serde::Deserialize)]
struct PlainBody {
    choices: [OnlyObject<PlainChoice>; 1],
    /// Null.
    #[serde(default)]
    error: (),
}

#[derive(serde::Deserialize)]
struct PlainChoice {
    #[serde(default)]
    index: u8,
    finish_reason: PlainText,
    message: OnlyObject<PlainMessage>,
    /// Null, as is the delta.
    #[serde(default)]
    error: (),
    #[serde(default)]
    delta: (),
}

#[derive(serde::Deserialize)]
struct PlainMessage {
    content: PlainText,
    /// Null.
    #[serde(default)]
    refusal: (),
    #[serde(default)]
    function_call: (),
    /// Null or empty.
    #[serde(default)]
    tool_calls: Option<[(); 0]>,
}

impl PlainReply {
    pub fn is_whole(&self) -> bool {
        let PlainBody { choices: [OnlyObject(choice)], error: () } = &self.0.0;
        let PlainChoice { index, finish_reason, message, error: (), delta: () } = choice;
        let PlainMessage { content, refusal: (), function_call: (), tool_calls: None | Some([]) } =
            &message.0;
        *index == 0 && *finish_reason == PlainText::Stop && *content != PlainText::Empty
    }
}

/// What matters of a string.
#[derive(Debug, PartialEq, Eq)]
enum PlainText {
    Empty,
    Stop,
    Other,
}

impl<'de> Deserialize<'de> for PlainText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextVisitor;

        impl Visitor<'_> for TextVisitor {
            type Value = PlainText;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<PlainText, E> {
                Ok(match text {
                    "" => PlainText::Empty,
                    "stop" => PlainText::Stop,
                    _ => PlainText::Other,
                })
            }
        }

        deserializer.deserialize_str(TextVisitor)
    }
}

#[cfg(test)]
pub mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::chat::format::{Choice, ReplyFormat};
    use crate::chat::turn::Pick;

    pub fn text_policy() -> ReplyPolicy {
        ReplyPolicy {
            format: ReplyFormat::Text,
            pick: Pick::Whole,
            thoughts: ThoughtsPolicy::Keep,
            must_call: false,
            repairs: 0,
            max_bytes: 1 << 20,
        }
    }

    fn is_plain(body: &str) -> bool {
        serde_json::from_str::<PlainReply>(body).is_ok_and(|reply| reply.is_whole())
    }

    /// A body with these fields in its message, its choice and itself.
    fn body(message: &str, choice: &str, outer: &str) -> String {
        format!(
            r#"{{"id":"c"{outer},"choices":[{{"finish_reason":"stop","index":0{choice},"message":{{"role":"assistant","content":"hi"{message}}}}}]}}"#
        )
    }

    #[test]
    fn a_plain_reply_is_one_that_the_judge_calls_a_success() {
        let whole = body("", "", "");
        let replaced = |from: &str, to: &str| whole.replace(from, to);
        for (body, is_expected_plain, is_good) in [
            (whole.clone(), true, true),
            (body(r#","refusal":null,"tool_calls":[],"function_call":null"#, "", ""), true, true),
            (body("", r#","error":null,"logprobs":null"#, r#","error":null"#), true, true),
            (body(r#","refusal":"no""#, "", ""), false, false),
            (
                body(
                    r#","tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]"#,
                    "",
                    "",
                ),
                false,
                true,
            ),
            (body(r#","tool_calls":[{"function":{"arguments":"{}"}}]"#, "", ""), false, false),
            (body("", r#","error":{"message":"m","code":502}"#, ""), false, false),
            (body("", "", r#","error":{"message":"m"}"#), false, false),
            (body("", "", r#","error":"m""#), false, false),
            (replaced("\"stop\"", "null"), false, true),
            (replaced(r#""finish_reason":"stop","#, ""), false, true),
            (replaced("\"stop\"", "\"STOP\""), false, true),
            (replaced("\"stop\"", "\"length\""), false, false),
            (replaced("\"stop\"", "\"content_filter\""), false, false),
            (replaced("\"stop\"", "\"abort\""), false, false),
            (replaced("\"stop\"", "\"MAX_TOKENS\""), false, false),
            (replaced("\"stop\"", "\"tool_calls\""), false, true),
            (replaced("\"hi\"", "\"\""), false, false),
            (replaced("\"hi\"", "null"), false, false),
            (replaced("\"hi\"", "7"), false, true),
            (replaced("\"hi\"", r#"[{"type":"text","text":"hi"}]"#), false, true),
            (replaced("\"hi\"", r#""\ud83d""#), false, true),
            (replaced("\"hi\"", r#""a\nb""#), true, true),
            (replaced("\"index\":0", "\"index\":1"), false, false),
            (replaced("\"index\":0", "\"index\":\"0\""), false, true),
            (replaced("\"index\":0,", ""), true, true),
            (replaced(r#"[{"finish"#, r#"[[],{"finish"#), false, true),
            (replaced(r#""choices":["#, r#""choices":[],"x":["#), false, false),
            (r#"{"error":{"message":"m"}}"#.to_owned(), false, false),
            (r#"{"object":"error","message":"m"}"#.to_owned(), false, false),
            (r#""<html>""#.to_owned(), false, false),
            ("null".to_owned(), false, false),
        ] {
            assert_eq!(is_plain(&body), is_expected_plain, "{body}");
            assert_eq!(is_success(&body, &text_policy()), is_good, "{body}");
        }
    }

    /// Whatever bodies of servers are known: what is plain is a success.
    #[test]
    fn no_known_body_is_plain_that_the_judge_refuses() {
        let cases = include_str!("../../../tests/cases/replies.jsonl");
        let mut bodies = 0;
        for case in cases.lines().filter(|line| !line.trim().is_empty()) {
            let case: Value = serde_json::from_str(case).expect("JSON");
            let Some(body) = case["bytes"].as_str() else { continue };
            bodies += 1;
            assert!(!is_plain(body) || is_success(body, &text_policy()), "{body}");
        }
        assert!(bodies > 10, "{bodies}");
    }

    #[test]
    fn a_format_is_asked_of_the_requests_that_have_it() {
        let asked = ReplyPolicy {
            format: ReplyFormat::JsonObject,
            thoughts: ThoughtsPolicy::TakeAll,
            ..text_policy()
        };
        let text = text_policy();
        let judge = ResultJudge { default: &asked, own_format: &text };
        let standing = |content: &str| {
            let message = json!({"role": "assistant", "content": content});
            let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
            judge.standing(&json!({"choices": [choice]}).to_string())
        };
        assert!(!judge.trusts_plain_replies());
        assert_eq!(standing("{\"a\":1}"), Standing::Done);
        assert_eq!(standing("<think>hm</think>{\"a\":1}"), Standing::Done);
        assert_eq!(standing("hi"), Standing::DoneInOwnFormat);
        assert_eq!(standing(""), Standing::Failed);
    }

    #[test]
    fn the_text_is_the_part_that_was_asked_for() {
        let format = ReplyFormat::Choice(Choice::new(vec!["yes".to_owned(), "no".to_owned()]));
        let choice = ReplyPolicy { format, thoughts: ThoughtsPolicy::TakeAll, ..text_policy() };
        let block = ReplyPolicy { pick: Pick::FirstBlock("py".to_owned()), ..text_policy() };
        let text = |content: &str, policy: &ReplyPolicy| {
            let message = json!({"role": "assistant", "content": content});
            let choice = json!({"index": 0, "finish_reason": "stop", "message": message});
            checked_text(&json!({"choices": [choice]}).to_string(), policy)
        };
        assert_eq!(text("<think>hm</think>**Yes**", &choice).as_deref(), Ok("yes"));
        assert_eq!(text("So:\n```python\nx = 1\n```\n", &block).as_deref(), Ok("x = 1\n"));
        assert_eq!(text(" a\n", &text_policy()).as_deref(), Ok(" a\n"));
        for (content, policy, reason) in [
            ("maybe", &choice, "not one of yes, no"),
            ("x = 1", &block, "no code block in py"),
            ("", &text_policy(), "no text"),
        ] {
            let told = text(content, policy).expect_err(content);
            assert!(told.contains(reason), "{told}");
        }
        assert!(checked_text("null", &text_policy()).is_err());
    }
}
