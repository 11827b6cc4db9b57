//! Everything that goes into a request, joined to its body.

use serde_json::Value;

use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::error::Result;
use crate::history::{History, HistoryMessages};
use crate::json::Object;
use crate::wire::body::{Conversation, RequestBody};

/// Everything that goes into a request.
pub struct Question<'a> {
    fields: Object,
    system: Option<String>,
    history: Option<HistoryMessages>,
    prompt: Option<&'a Content>,
    /// The user's own messages, in place of all others.
    own: Vec<Value>,
}

impl<'a> Question<'a> {
    /// # Errors
    /// Those of [`History::system_text`].
    pub fn new(
        fields: Object,
        system: Option<&str>,
        history: Option<&'a History>,
        prompt: Option<&'a Content>,
        own: Vec<Value>,
        form: &ReplyFormat,
    ) -> Result<Self> {
        let instruction = form.instruction().filter(|_| own.is_empty());
        // What the model is told in this request alone joins the system
        // message that there is: servers take one.
        let standing = match (system, history, &instruction) {
            (None, Some(history), Some(_)) => history.system_text()?,
            (system, ..) => system.map(str::to_owned),
        };
        let is_replaced = standing.is_some();
        let standing = standing.filter(|text| instruction.is_none() || !text.is_empty());
        let parts: Vec<String> = standing.into_iter().chain(instruction).collect();
        Ok(Self {
            fields,
            system: Some(parts.join("\n\n")).filter(|_| !parts.is_empty()),
            history: history.map(|history| history.messages(is_replaced)),
            prompt,
            own,
        })
    }

    /// The request's body, with what was wrong with the last reply.
    pub fn body(&self, correction: Option<[Message; 2]>) -> RequestBody {
        let conversation = Conversation {
            system: self.system.as_deref(),
            history: self.history.clone(),
            prompt: self.prompt,
            own: &self.own,
            correction,
        };
        RequestBody::new(&self.fields, conversation)
    }

    pub fn model(&self) -> &Value {
        &self.fields["model"]
    }

    /// Leaves out the schema from now on. Tells whether there was one.
    pub fn drop_schema(&mut self) -> bool {
        self.fields.shift_remove("response_format").is_some()
    }
}
