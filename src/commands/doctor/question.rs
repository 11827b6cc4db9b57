//! The one small question that `gravix doctor` asks.

use serde_json::{Value, json};

use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::chat::reply::Retention;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::{CheckedReply, Pick, ReplyPolicy};
use crate::error::{EarlyEnd, Error, Result};
use crate::exchange::{Asking, Exchange, Question, ReplyObserver};
use crate::json::Object;
use crate::net::client::Client;
use crate::wire::body::{Conversation, RequestBody};

const PROMPT: &str = "Reply with the word ok.";

/// Enough for an answer, and for few thoughts.
const MAX_TOKENS: u32 = 16;

/// A reply of this size in bytes is far too long for the question.
const MAX_BYTES: usize = 1 << 20;

/// Asks `model`, and returns what is to be said of the reply.
///
/// # Errors
/// The error of the request, or [`Error::EndedEarly`] if the reply has no text although
/// it was not cut off.
pub fn ask(client: &Client, model: &str) -> Result<String> {
    let mut fields = Object::new();
    fields.insert("model".to_owned(), Value::from(model));
    fields.insert("max_tokens".to_owned(), Value::from(MAX_TOKENS));
    let answered = match send(client, fields.clone()) {
        // OpenAI's reasoning models know only `max_completion_tokens`.
        Err(Error::Server(error))
            if matches!(error.status(), Some(400 | 422))
                && error.message.contains("max_tokens") =>
        {
            fields.shift_remove("max_tokens");
            send(client, fields)
        }
        answered => answered,
    };
    describe(&answered?)
}

fn send(client: &Client, fields: Object) -> Result<CheckedReply> {
    let policy = ReplyPolicy {
        format: ReplyFormat::Text,
        pick: Pick::Whole,
        thoughts: ThoughtsPolicy::TakeAll,
        must_call: false,
        repairs: 0,
        max_bytes: MAX_BYTES,
    };
    let exchange = Exchange {
        client,
        policy: &policy,
        streams: false,
        with_payloads: false,
        retention: Retention { text: true, response: false },
    };
    let mut question = SmallQuestion { fields, prompt: Content::Text(PROMPT.to_owned()) };
    let mut asking = Asking::default();
    let answer = exchange.ask_until_valid(&mut question, &mut asking, &mut Unobserved)?;
    Ok(answer.checked)
}

fn describe(checked: &CheckedReply) -> Result<String> {
    let seconds = checked.reply.elapsed().as_secs_f64();
    match checked.failure() {
        None => Ok(format!("answered in {seconds:.1} s: {}", json!(checked.text()))),
        // The limit of tokens is the question's own.
        Some(Error::EndedEarly(EarlyEnd::Length(_))) => {
            Ok(format!("answered in {seconds:.1} s, up to the limit of {MAX_TOKENS} tokens"))
        }
        Some(error) => Err(error),
    }
}

struct SmallQuestion {
    fields: Object,
    prompt: Content,
}

impl Question for SmallQuestion {
    fn body(&self, correction: Option<[Message<'_>; 2]>) -> RequestBody {
        let conversation = Conversation {
            system: None,
            history: None,
            prompt: Some(&self.prompt),
            raw_messages: &[],
            correction,
        };
        RequestBody::new(&self.fields, conversation)
    }

    fn offered_tools(&self) -> Option<Vec<String>> {
        Some(Vec::new())
    }

    fn drop_strict(&mut self) -> bool {
        false
    }
}

struct Unobserved;

impl ReplyObserver for Unobserved {}
