//! Asking for a correction of an invalid reply.

use crate::chat::message::{Content, Message};
use crate::chat::turn::CheckedReply;

/// An invalid reply, and the message that asks the model to correct it.
pub(super) struct Correction {
    reply: String,
    instruction: Content,
}

impl Correction {
    pub(super) fn of(rejected: &CheckedReply) -> Option<Self> {
        let instruction = rejected.problem.as_ref()?.correction()?;
        let reply = rejected.as_received();
        Some(Self { reply, instruction: Content::Text(instruction) })
    }

    pub(super) fn messages(&self) -> [Message<'_>; 2] {
        [Message::assistant(&self.reply, &[]), Message::user(&self.instruction)]
    }
}
