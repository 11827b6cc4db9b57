//! The question of `ask`, from which each request's body is made.

use serde_json::Value;

use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::error::Result;
use crate::exchange::Question;
use crate::history::conversation::History;
use crate::history::messages::HistoryMessages;
use crate::json::Object;
use crate::wire::body::{Conversation, RequestBody};

pub struct AskQuestion<'a> {
    fields: Object,
    system: Option<String>,
    history: Option<HistoryMessages>,
    prompt: Option<&'a Content>,
    /// The whole conversation as JSON, or empty.
    json: &'a [Value],
}

/// The messages of a turn. Any of them may be missing.
#[derive(Clone, Copy)]
pub struct TurnMessages<'a> {
    pub system: Option<&'a str>,
    pub history: Option<&'a History>,
    pub prompt: Option<&'a Content>,
    pub json: &'a [Value],
}

impl<'a> AskQuestion<'a> {
    /// # Errors
    /// [`Error::Unreadable`](crate::error::Error::Unreadable) if the history's
    /// system message cannot be read.
    pub fn new(fields: Object, messages: TurnMessages<'a>, format: &ReplyFormat) -> Result<Self> {
        let TurnMessages { system, history, prompt, json } = messages;
        let instruction = format.instruction().filter(|_| json.is_empty());
        // An instruction is appended to the system message, because servers
        // accept only one.
        let system = match (system, history, &instruction) {
            (None, Some(history), Some(_)) => history.system_text()?,
            (system, ..) => system.map(str::to_owned),
        };
        let is_replaced = system.is_some();
        let system = system.filter(|text| instruction.is_none() || !text.is_empty());
        let parts: Vec<String> = system.into_iter().chain(instruction).collect();
        Ok(Self {
            fields,
            system: Some(parts.join("\n\n")).filter(|_| !parts.is_empty()),
            history: history.map(|history| history.messages(is_replaced)),
            prompt,
            json,
        })
    }
}

impl Question for AskQuestion<'_> {
    fn body(&self, correction: Option<[Message<'_>; 2]>) -> RequestBody {
        let conversation = Conversation {
            system: self.system.as_deref(),
            history: self.history.clone(),
            prompt: self.prompt,
            raw_messages: self.json,
            correction,
        };
        RequestBody::new(&self.fields, conversation)
    }

    fn drop_schema(&mut self) -> bool {
        self.fields.shift_remove("response_format").is_some()
    }
}
