//! Where the messages of a request come from: a prompt, the history only, or
//! JSON; and the system prompt.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use serde_json::Value;

use crate::chat::message::Content;
use crate::cli::AskArgs;
use crate::cli::prompt_part::PromptPart;
use crate::error::{Error, Result};
use crate::files::text::Encoding;
use crate::history::conversation::History;
use crate::input::misplaced_words;
use crate::input::patterns;
use crate::input::prompt::{self, PromptSource};
use crate::input::prompt_template::PromptTemplate;
use crate::input::stdin::{Stdin, is_stdin_name};
use crate::json::Object;
use crate::output::notes::Notes;
use crate::settings::context::Context;

pub enum MessageSource {
    /// The history, if there is one, and a prompt.
    Prompt(PromptSource),
    /// The history as it is, without a prompt.
    HistoryOnly,
    /// The whole conversation, as JSON from `--body` or `--param`.
    Json(Vec<Value>),
    /// The history, and a prompt that is typed for each turn.
    Session,
}

impl MessageSource {
    /// `json` are the messages from [`take_json_messages`].
    ///
    /// # Errors
    /// [`Error::Usage`] if there cannot be a prompt, or a variable of the template is
    /// not set; [`Error::Input`] if the template is not valid; [`Error::Unreadable`] if
    /// no file matches a pattern.
    pub fn new(args: &AskArgs, json: Vec<Value>, context: &Context) -> Result<Self> {
        if !json.is_empty() {
            return Ok(Self::Json(json));
        }
        if args.history.r#continue {
            return Ok(Self::HistoryOnly);
        }
        let stdin = match (args.no_stdin, context.terminal.stdin) {
            (true, _) => Stdin::Refused,
            (false, true) => Stdin::Terminal,
            (false, false) => Stdin::detect(),
        };
        misplaced_words::ensure_none(&args.prompt.misplaced)?;
        let parts = patterns::expand(args.prompt.parts.clone())?;
        let encoding = encoding(args);
        let template = match &context.template {
            Some(text) => Some(PromptTemplate::new(text.parse()?, &args.vars, encoding)?),
            None => None,
        };
        let source = PromptSource { parts, template, stdin, encoding };
        source.ensure_possible()?;
        let named = [("--history", &args.history.file), ("--system-file", &args.system_file.path)];
        for (option, path) in named {
            let is_stdin = path.as_deref().is_some_and(is_stdin_name);
            if is_stdin && source.reads_stdin() {
                return Err(Error::Usage(format!(
                    "{option} is standard input, which can be read only once; -n keeps it out of the prompt"
                )));
            }
        }
        Ok(Self::Prompt(source))
    }

    /// Reads the prompt, if there is one.
    ///
    /// # Errors
    /// [`Error::Usage`] if it is empty; [`Error::Unreadable`], [`Error::Input`]
    /// or [`Error::NotText`] for one of its inputs.
    pub fn read_prompt(&self, notes: &Notes) -> Result<Option<Content>> {
        match self {
            Self::Prompt(source) => source.read(io::stdin(), notes).map(Some),
            Self::HistoryOnly | Self::Json(_) | Self::Session => Ok(None),
        }
    }

    /// The whole conversation as JSON, or empty.
    pub fn json(&self) -> &[Value] {
        match self {
            Self::Json(messages) => messages,
            Self::Prompt(_) | Self::HistoryOnly | Self::Session => &[],
        }
    }
}

/// Removes the `messages` from the fields that the user gave as JSON; empty if
/// there are none. They are the whole conversation.
///
/// # Errors
/// [`Error::Input`] if they are not a non-empty array; [`Error::Usage`] if
/// another part of a conversation was typed too.
pub fn take_json_messages(
    fields: &mut Object,
    args: &AskArgs,
    context: &Context,
) -> Result<Vec<Value>> {
    let messages = match fields.shift_remove("messages") {
        None => return Ok(Vec::new()),
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) => {
            let message = "the messages in --body or --param are not an array of messages";
            return Err(Error::Input(message.to_owned()));
        }
    };
    // Defaults from the configuration are ignored.
    let is_typed = |part: &PromptPart| match part {
        PromptPart::Word(_) => true,
        PromptPart::File(_) => context.is_typed("file"),
        PromptPart::Attachment { .. } => context.is_typed("attach"),
    };
    let has_more = args.template.is_some()
        || (args.system.is_some() && context.is_typed("system"))
        || (args.system_file.path.is_some() && context.is_typed("system_file"))
        || (args.history.file.is_some() && context.is_typed("history"))
        || (args.history.latest && context.is_typed("latest"))
        || args.prompt.parts.iter().any(is_typed);
    if !has_more {
        return Ok(messages);
    }
    let message = "the messages in --body or --param are the whole conversation: leave out the prompt, --system, --history and --latest";
    Err(Error::Usage(message.to_owned()))
}

pub struct SystemPlan {
    source: Option<SystemSource>,
    /// It is a default, which a history with its own system message overrides.
    is_default: bool,
    encoding: Encoding,
}

enum SystemSource {
    Text(OsString),
    File(PathBuf),
}

impl SystemPlan {
    /// No system prompt.
    pub fn none() -> Self {
        Self { source: None, is_default: false, encoding: Encoding::Strict }
    }

    /// A default is dropped if the whole conversation is given as JSON.
    pub fn from_args(args: &AskArgs, messages: &MessageSource, context: &Context) -> Self {
        let is_default = !(context.is_typed("system") && context.is_typed("system_file"));
        let source = match (&args.system_file.path, &args.system) {
            (Some(path), _) => Some(SystemSource::File(path.clone())),
            (None, text) => text.clone().map(SystemSource::Text),
        };
        let is_used = !is_default || messages.json().is_empty();
        Self { source: source.filter(|_| is_used), is_default, encoding: encoding(args) }
    }

    /// A system prompt that was typed.
    pub fn typed(text: &str) -> Self {
        let source = Some(SystemSource::Text(text.into()));
        Self { source, is_default: false, encoding: Encoding::Strict }
    }

    /// The system prompt, if there is one.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for its file; [`Error::NotText`].
    pub fn read(&self, history: Option<&History>) -> Result<Option<String>> {
        if self.is_default && history.is_some_and(History::has_system) {
            return Ok(None);
        }
        match &self.source {
            Some(SystemSource::File(path)) => prompt::read_file(path, self.encoding).map(Some),
            Some(SystemSource::Text(text)) => prompt::system(text, self.encoding).map(Some),
            None => Ok(None),
        }
    }
}

fn encoding(args: &AskArgs) -> Encoding {
    if args.lossy { Encoding::Lossy } else { Encoding::Strict }
}
