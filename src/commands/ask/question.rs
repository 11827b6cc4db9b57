//! The question of `ask`, from which each request's body is made.

use serde_json::Value;

use crate::chat::format::{BEFORE_INSTRUCTION, drop_strict};
use crate::chat::message::{Content, Message};
use crate::chat::tool_call;
use crate::commands::ask::ask_turn::Turn;
use crate::commands::ask::plan::AskPlan;
use crate::error::Result;
use crate::exchange::Question;
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

impl<'a> AskQuestion<'a> {
    /// # Errors
    /// [`Error::Unreadable`](crate::error::Error::Unreadable) if the history's
    /// system message cannot be read.
    pub fn new(plan: &'a AskPlan, turn: &'a Turn) -> Result<Self> {
        let json = plan.messages.json();
        let history = turn.history.as_ref();
        let instruction = plan.policy.format.instruction().filter(|_| json.is_empty());
        let system = match (&turn.system, history, &instruction) {
            (None, Some(history), Some(_)) => history.system_text()?,
            (system, ..) => system.clone(),
        };
        let is_replaced = system.is_some();
        let system = system.filter(|text| instruction.is_none() || !text.is_empty());
        let parts: Vec<String> = system.into_iter().chain(instruction).collect();
        Ok(Self {
            fields: plan.fields.clone(),
            system: Some(parts.join(BEFORE_INSTRUCTION)).filter(|_| !parts.is_empty()),
            history: history.map(|history| history.messages(is_replaced)),
            prompt: turn.prompt.as_ref(),
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

    fn offered_tools(&self) -> Option<Vec<String>> {
        tool_call::offered_names([self.fields.get("tools"), self.fields.get("functions")])
    }

    fn drop_schema(&mut self) -> bool {
        self.fields.shift_remove("response_format").is_some()
    }

    fn drop_strict(&mut self) -> bool {
        self.fields.get_mut("response_format").is_some_and(drop_strict)
    }
}
