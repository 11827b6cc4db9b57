//! What a line of a history is when it is not a message.

use crate::error::not_text::Likeness;

/// A format that can be converted into a history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineFormat {
    /// An array of messages.
    Array,
    /// An object with `messages`, as in a request or in a file for fine-tuning.
    Messages,
    /// An object with `conversations`, as in ShareGPT's files.
    ShareGpt {
        /// The system prompt is a field of its own.
        has_system: bool,
    },
    /// A turn of such a conversation: `from` and `value`.
    ShareGptTurn,
    /// The first line of an object or array that goes on in the next line.
    Multiline,
    /// The whole file is something else than text.
    NotText(Likeness),
}
