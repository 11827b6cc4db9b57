//! The user's side of a turn: the prompt, the system prompt and the history
//! that the turn is appended to.

use std::path::Path;
use std::time::Duration;

use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::chat::turn::CheckedReply;
use crate::commands::ask::history_plan::HistoryPlan;
use crate::commands::ask::message_source::MessageSource;
use crate::commands::ask::plan::AskPlan;
use crate::commands::observers::history_notices;
use crate::error::{Error, Result};
use crate::files::paths::is_descriptor;
use crate::files::shell;
use crate::history::conversation::History;
use crate::output::notes::Notes;

pub struct Turn {
    pub history: Option<History>,
    pub system: Option<String>,
    pub prompt: Option<Content>,
}

impl Turn {
    /// Opens the history, and reads the system prompt. `time_left` is what
    /// remains until the deadline.
    ///
    /// # Errors
    /// The errors of [`HistoryPlan::open`] for the history; [`Error::Usage`] if
    /// it should be continued but the model has already answered;
    /// [`Error::Unreadable`] or [`Error::NotText`] for the file of the system
    /// prompt.
    pub fn open(
        plan: &AskPlan,
        prompt: Option<Content>,
        time_left: Option<Duration>,
        notes: &Notes,
    ) -> Result<Self> {
        if let Some(path) = plan.history.as_ref().and_then(HistoryPlan::newest) {
            notes.detail(format_args!("* the newest conversation is {}", path.display()));
        }
        let take_notice = history_notices(notes);
        let open = |history: &HistoryPlan| history.open(time_left, &take_notice);
        let history = plan.history.as_ref().map(open).transpose()?.flatten();
        // A session looks at its file before the first turn.
        if !matches!(plan.messages, MessageSource::Session) {
            history.iter().for_each(|history| warn_of_readers(history, notes));
        }
        match plan.messages {
            MessageSource::HistoryOnly => ensure_continuable(history.as_ref())?,
            _ => history.iter().for_each(|history| warn_of_torn_answer(history, notes)),
        }
        let system = plan.system.read(history.as_ref())?;
        Ok(Self { history, system, prompt })
    }

    /// The history whose last prompt has no answer, if it is sent before another
    /// prompt. Servers whose roles must alternate refuse that.
    pub fn unanswered_history(&self) -> Option<&Path> {
        let history = self.history.as_ref().filter(|_| self.prompt.is_some())?;
        let is_sent = !history.messages(true).is_empty();
        let is_unanswered = is_sent && matches!(history.last_role(), Some("user" | "tool"));
        Some(history.path()).filter(|path| is_unanswered && !is_descriptor(path))
    }

    /// Appends the turn to the history; a new history begins with the system
    /// prompt. Returns how many bytes others have added to it meanwhile; `None` if the
    /// turn is not saved: if the reply is invalid or has neither text nor calls, or if
    /// its reader went away.
    ///
    /// # Errors
    /// [`Error::NotSaved`] if the history cannot be written.
    pub fn save(
        &self,
        checked: &CheckedReply,
        plan: &AskPlan,
        streamed: &Result<()>,
    ) -> Result<Option<u64>> {
        let text = match plan.policy.format {
            ReplyFormat::Text => &checked.reply.text,
            _ => checked.text(),
        };
        let calls = &checked.calls;
        let is_unusable = checked.problem.is_some()
            || (text.is_empty() && calls.is_empty())
            || matches!(streamed, Err(Error::StdoutClosed));
        let saves = plan.history.as_ref().is_some_and(HistoryPlan::saves);
        let Some(history) = self.history.as_ref().filter(|_| saves && !is_unusable) else {
            return Ok(None);
        };
        let system = self.system.as_deref().filter(|_| history.is_empty()).map(Message::system);
        let user = self.prompt.as_ref().map(Message::user);
        let mut lines: Vec<u8> = [system, user].iter().flatten().flat_map(Message::line).collect();
        lines.extend(assistant_line(checked, text));
        history.append(lines).map(Some)
    }
}

/// The line of the assistant's message. One that calls tools is saved as the
/// server sent it, because some servers refuse a later turn that lacks one of
/// its fields.
fn assistant_line(checked: &CheckedReply, text: &str) -> Vec<u8> {
    let CheckedReply { reply, calls, .. } = checked;
    let message =
        Some(calls).filter(|calls| !calls.is_empty()).and_then(|calls| reply.message(calls));
    match message {
        Some(message) => (message + "\n").into_bytes(),
        None => Message::assistant(text, calls).line(),
    }
}

/// Warns if others can read the history.
pub fn warn_of_readers(history: &History, notes: &Notes) {
    if history.is_exposed() {
        let path = history.path();
        notes.warn(format_args!(
            "others can read {}; chmod 600 {} makes it private",
            path.display(),
            shell::path_word(path)
        ));
    }
}

fn warn_of_torn_answer(history: &History, notes: &Notes) {
    if history.has_torn_answer() {
        notes.warn(format_args!(
            "the last prompt in {} has no answer, and is sent again before yours",
            history.path().display()
        ));
    }
}

/// Fails unless the history ends with a message that the model can answer.
fn ensure_continuable(history: Option<&History>) -> Result<()> {
    let why = match history.map(History::last_role) {
        Some(Some("assistant")) => "the history ends with an assistant message",
        Some(Some(_)) if history.is_some_and(|history| !history.messages(false).is_empty()) => {
            return Ok(());
        }
        _ => "no message to send",
    };
    Err(Error::Usage(format!(
        "nothing to continue: {why}; append a message, such as a tool's result, or replace --continue with a prompt"
    )))
}
