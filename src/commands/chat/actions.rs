//! What the commands of a conversation do.

use std::ffi::OsString;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::chat::code_block;
use crate::cli::prompt_part::PromptPart;
use crate::cli::values::MarkdownWhen;
use crate::cli::{CHAT_COMMANDS, HistoryCommand, ShowArgs};
use crate::commands::ask::message_source::SystemPlan;
use crate::commands::chat::paths;
use crate::commands::chat::session::Session;
use crate::commands::history;
use crate::commands::history::last_turn::LastTurn;
use crate::commands::history::saved_message::SavedMessage;
use crate::commands::observers::history_notices;
use crate::error::{Error, Result};
use crate::files::shell;
use crate::history::conversation::History;
use crate::history::fork;
use crate::history::line;
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::options::HistoryOptions;
use crate::history::scan::Window;
use crate::input::{fields, prompt};
use crate::json;
use crate::output::file::OutputFile;
use crate::output::stdout::{self, TextMode};
use crate::settings::context::Context;
use crate::settings::{chats, rendering};

impl Session<'_> {
    pub fn help(&self) -> Result<()> {
        let width = CHAT_COMMANDS.iter().map(|(usage, _)| usage.len()).max().unwrap_or(0);
        let lines = CHAT_COMMANDS.iter().map(|(usage, does)| format!("{usage:width$}  {does}\n"));
        let keys = "\
            Enter sends; Alt-Enter, or \\ at the end of a line, begins a new line.\n\
            Ctrl-C drops the turn under way, or clears the line. Ctrl-R searches.\n";
        self.print(&(lines.collect::<String>() + "\n" + keys))
    }

    /// Shows the last turn, and removes it from the file.
    pub fn undo(&mut self) -> Result<()> {
        self.ensure_begun()?;
        let turn = LastTurn::open(self.path(), self.notes)?;
        let Context { terminal, environment, .. } = *self.context;
        let mode = self.plan.output.stdout_mode;
        let transcript = history::transcript_in(mode, terminal.size(), environment);
        let mut shown = Vec::new();
        for line in turn.lines.lines() {
            let is_first = shown.is_empty();
            // Writing to a vector cannot fail.
            let _ = transcript.write(line.as_bytes(), is_first, &mut shown);
        }
        // It is harmless already, and has escape sequences of its own.
        stdout::print(&String::from_utf8_lossy(&shown), TextMode::Exact)?;
        turn.remove()?;
        self.mark_seen();
        (self.unanswered, self.last) = (None, None);
        self.notes.print("removed this turn");
        Ok(())
    }

    /// The text of the last question: one that has no answer, or that of the file.
    pub fn last_question(&self) -> Result<String> {
        if let Some(text) = &self.unanswered {
            return Ok(text.clone());
        }
        self.ensure_begun()?;
        let turn = LastTurn::open(self.path(), self.notes)?;
        Ok(turn.lines.lines().next().map_or_else(String::new, text_of))
    }

    /// Sends a file or an image, as it is now, with the next message.
    fn attach(&mut self, part: &PromptPart, name: &str) -> Result<()> {
        self.attached.push(prompt::attached(part)?);
        self.notes.print(format_args!("{name} goes with the next message"));
        Ok(())
    }

    pub fn attach_file(&mut self, typed: &str) -> Result<()> {
        self.attach(&PromptPart::File(self.typed_path(typed)), typed)
    }

    pub fn attach_image(&mut self, typed: &str) -> Result<()> {
        let source = match typed.contains("://") {
            true => OsString::from(typed),
            false => self.typed_path(typed).into_os_string(),
        };
        self.attach(&PromptPart::Attachment { source, media_type: None }, typed)
    }

    /// Sets the system prompt of this session.
    pub fn set_system(&mut self, text: &str) {
        self.plan.system = SystemPlan::typed(text);
        self.notes.print("the system prompt is set");
    }

    /// Uses another model, or says which one is used.
    pub fn set_model(&mut self, name: &str) {
        if !name.is_empty() {
            self.plan.fields.insert("model".to_owned(), name.into());
            self.model = Some(name.to_owned());
        }
        let model = self.plan.fields.get("model").and_then(Value::as_str).unwrap_or_default();
        self.notes.print(format_args!("the model is {model}"));
    }

    /// Sets a field of the request.
    pub fn set_field(&mut self, param: &str) -> Result<()> {
        let field = fields::parse_param("/set", param)?;
        if field.contains_key("messages") {
            return Err(Error::Input("/set messages: they are those of the file".to_owned()));
        }
        let mut all = self.plan.fields.clone();
        json::merge(&mut all, field);
        fields::ensure_one_choice(&all, "the file has one reply a turn")?;
        self.plan.fields = all;
        self.notes.print(format_args!("{param} goes into every request"));
        Ok(())
    }

    /// Writes the last reply to a file.
    pub fn save(&self, typed: &str) -> Result<()> {
        let path = self.typed_path(typed);
        let text = self.last_text()?;
        OutputFile::prepare(&path)?.commit(&text, TextMode::Sanitized)?;
        self.notes.print(format_args!("wrote the last reply to {}", path.display()));
        Ok(())
    }

    /// Copies the conversation to another file, and goes on there.
    pub fn fork(&mut self, typed: &str) -> Result<()> {
        let environment = self.context.environment;
        let new = chats::resolve(&self.typed_path(typed), environment)?;
        chats::directory_of(&new, environment).as_deref().map_or(Ok(()), chats::create)?;
        if self.path().exists() {
            let (access, window) = (Access::Read, Window::All);
            let options = HistoryOptions { access, window, wait: LockWait::Forever };
            let history = History::open(self.path(), options, &history_notices(self.notes))?;
            fork::copy(&history, history.scan().end, &new)?;
        } else if new.exists() {
            return Err(Error::Usage(format!("{} already exists", new.display())));
        }
        self.move_to(new);
        self.notes.print(format_args!("the conversation goes on in {}", self.path().display()));
        Ok(())
    }

    /// Puts the last reply, or one of its code blocks, into the clipboard of the
    /// terminal (OSC 52 of xterm's control sequences).
    pub fn copy(&self, block: Option<usize>) -> Result<()> {
        let text = self.last_text()?;
        let (text, what) = match block {
            None => (text, "the last reply".to_owned()),
            Some(number) => {
                let blocks = code_block::find_all(&text);
                let count = blocks.len();
                let block = blocks.into_iter().nth(number - 1).ok_or_else(|| {
                    let plural = if count == 1 { "" } else { "s" };
                    Error::Usage(format!("the last reply has {count} code block{plural}"))
                })?;
                (block.content, format!("code block {number}"))
            }
        };
        let mut terminal = stdout::writer(TextMode::Exact)?;
        let sequence = format!("\x1b]52;c;{}\x07", STANDARD.encode(text));
        let written = terminal.write(&sequence).and_then(|()| terminal.flush());
        written.map_err(stdout::stdout_error)?;
        self.notes.print(format_args!("copied {what}, if the terminal allows it (OSC 52)"));
        Ok(())
    }

    /// Says what the last turn and the session took.
    pub fn tokens(&self) {
        let Some(last) = &self.last else {
            self.notes.print("nothing was spent yet");
            return;
        };
        let (total, requests) = (self.spent.total_tokens, self.spent.requests);
        let plural = if requests == 1 { "" } else { "s" };
        self.notes.print(format_args!("last turn: {}", last.usage));
        match total {
            0 => self.notes.print("start with --usage to ask the server for its token counts"),
            total => {
                self.notes
                    .print(format_args!("session: {total} tokens in {requests} request{plural}"));
            }
        }
    }

    /// Shows the conversation, in the pager if it is long.
    pub fn show(&self) -> Result<()> {
        self.ensure_begun()?;
        let mode = self.plan.output.stdout_mode;
        let is_rendered = matches!(mode, TextMode::Markdown { .. });
        let args = ShowArgs {
            markdown: (!is_rendered).then_some(MarkdownWhen::Never),
            raw: mode == TextMode::Exact,
            ..ShowArgs::whole(self.path().to_owned())
        };
        history::run(HistoryCommand::Show(args), self.context, self.hints)
    }

    /// Renders Markdown from now on, or prints it as it is.
    pub fn set_markdown(&mut self, is_on: bool) {
        let Context { terminal, environment, .. } = *self.context;
        let is_rendered = is_on && self.plan.policy.takes_any_text();
        let when = if is_rendered { MarkdownWhen::Always } else { MarkdownWhen::Never };
        self.plan.output.stdout_mode = rendering::text_mode(Some(when), terminal, environment);
        self.notes.print(match when {
            MarkdownWhen::Always => "Markdown is rendered",
            _ => "replies are printed as they are",
        });
    }

    fn ensure_begun(&self) -> Result<()> {
        match self.path().exists() {
            true => Ok(()),
            false => Err(Error::Usage("the conversation has no turn yet".to_owned())),
        }
    }

    /// The text of the last reply: of this session, or of the file.
    fn last_text(&self) -> Result<String> {
        if let Some(last) = &self.last {
            return Ok(last.text.clone());
        }
        self.ensure_begun()?;
        let turn = LastTurn::open(self.path(), self.notes)?;
        let reply = turn.lines.lines().rfind(|line| is_reply(line)).map(text_of);
        reply.ok_or_else(|| Error::Usage("the last question has no reply yet".to_owned()))
    }

    fn typed_path(&self, typed: &str) -> PathBuf {
        paths::typed(typed, self.context.environment)
    }

    /// Prints text on the screen.
    fn print(&self, text: &str) -> Result<()> {
        stdout::print(text, TextMode::Sanitized)
    }

    /// The command that continues the conversation with the same server and model.
    pub fn command_to_go_on(&self) -> String {
        let path = self.path();
        let short = chats::short_name(path, self.context.environment).map(PathBuf::from);
        let file = shell::path_word(short.as_deref().unwrap_or(path));
        let model = self.model.as_deref().map(|name| format!(" -m {}", shell::word(name)));
        let (server, model) = (self.hints.target_options(), model.unwrap_or_default());
        format!("gravix chat{server}{model} {file}")
    }
}

fn is_reply(line: &str) -> bool {
    line::role(line.as_bytes()) == Ok(Some("assistant".to_owned()))
}

/// The text of the message on a line of the file.
fn text_of(line: &str) -> String {
    SavedMessage::parse(line.as_bytes()).map_or_else(String::new, |message| message.only_text())
}
