//! What `ask` is to do: made once of the options, the settings and the
//! environment. Nothing after this asks again what an option was.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use crate::chat::format::ReplyFormat;
use crate::chat::reply::Retention;
use crate::chat::turn::{Pick, ReplyPolicy};
use crate::cli::AskArgs;
use crate::cli::prompt_part::PromptPart;
use crate::error::{Error, Result};
use crate::files::text::Encoding;
use crate::history::conversation::{History, HistoryOptions};
use crate::history::lock::LockWait;
use crate::history::locked_file::Access;
use crate::history::notice::NoticeHandler;
use crate::history::scan::Window;
use crate::input::prompt::{self, PromptSource, Stdin};
use crate::input::{fields, reply_policy};
use crate::json::Object;
use crate::net::endpoint::Endpoint;
use crate::output::file::OutputFile;
use crate::output::stdout::Bytes;
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::network;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Send,
    /// Print the request's body, and send nothing.
    PrintBody,
    /// Print the request as a curl command, and send nothing.
    PrintCurl,
}

pub struct AskPlan {
    pub action: Action,
    /// Where the request goes; its key is found later.
    pub endpoint: Endpoint,
    pub allow_http: bool,
    /// The request's fields beside its messages.
    pub fields: Object,
    pub messages: MessageSource,
    pub system: SystemPlan,
    pub history: Option<HistoryPlan>,
    pub policy: ReplyPolicy,
    pub print: PrintMode,
    /// A stream is asked for.
    pub streams: bool,
    pub destination: Destination,
    pub log: Option<LogPlan>,
    /// Tokens and times are reported.
    pub reports_usage: bool,
    /// The exit status is the answer.
    pub is_yes_no: bool,
}

/// Where the new messages of the request come from.
pub enum MessageSource {
    Prompt(PromptSource),
    /// There are none: the history is sent as it is.
    HistoryAlone,
    /// They are the whole conversation, given as JSON.
    Own(Vec<Value>),
}

pub struct SystemPlan {
    source: Option<SystemSource>,
    /// It is a default, which gives way to a history's own system message and
    /// to messages that are the whole conversation.
    is_default: bool,
    encoding: Encoding,
}

enum SystemSource {
    Text(String),
    File(PathBuf),
}

pub struct HistoryPlan {
    path: PathBuf,
    access: Access,
    window: Window,
    waits: bool,
    deadline: Option<Duration>,
    /// Nothing is sent, and no trace is left.
    is_dry_run: bool,
}

/// What is printed of a reply, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrintMode {
    /// The text, as it comes.
    Stream,
    /// The text or the calls of tools, once the reply is whole.
    Whole,
    /// The server's response, as one JSON object.
    Response,
    /// Each event of the stream as JSON, as it comes.
    Events,
    /// Nothing: the exit status is the answer.
    Nothing,
}

/// Where the reply goes.
pub struct Destination {
    /// `None` is standard output.
    pub file: Option<PathBuf>,
    /// What a file that is a terminal gets.
    pub terminal_bytes: Bytes,
    /// What standard output gets.
    pub stdout_bytes: Bytes,
}

pub struct LogPlan {
    pub path: PathBuf,
    /// The messages and the reply are logged too.
    pub has_content: bool,
}

impl AskPlan {
    /// # Errors
    /// [`Error::Usage`], [`Error::Input`], [`Error::Config`], and
    /// [`Error::Unreadable`] for the file of an option.
    pub fn new(args: AskArgs, context: &Context) -> Result<Self> {
        let policy = reply_policy::from_args(&args)?;
        let mut named = fields::from_user(&args.model, context.config_param_count)?;
        let own = own_messages(&mut named, &args, context)?;
        let model = network::model(&args.model, context.environment)?;
        let has_tools = args.format.tools.is_some() || named.contains_key("tools");
        let (print, streams) = print_mode(&args, &policy, has_tools, context.terminal);
        let fields = fields::from_options(&args.model, &model, &policy.format);
        let fields = fields::assemble(&args, fields, streams, named)?;
        let messages = message_source(&args, own, context.terminal)?;
        let terminal_bytes = if args.output.raw { Bytes::Exact } else { Bytes::Sanitized };
        let stdout_bytes = if context.terminal.stdout { terminal_bytes } else { Bytes::Exact };
        let secrets = context.notes.secrets();
        let action = match () {
            () if args.output.curl => Action::PrintCurl,
            () if args.output.dry_run => Action::PrintBody,
            () => Action::Send,
        };
        Ok(Self {
            action,
            endpoint: network::resolve(&args.network, context.environment, secrets)?,
            allow_http: args.network.allow_http,
            streams: fields.get("stream") == Some(&Value::Bool(true)),
            fields,
            history: history_plan(&args, action, &messages),
            messages,
            system: SystemPlan {
                is_default: !(context.is_typed("system") && context.is_typed("system_file")),
                encoding: encoding(&args),
                source: match (args.system_file, args.system) {
                    (Some(path), _) => Some(SystemSource::File(path)),
                    (None, text) => text.map(SystemSource::Text),
                },
            },
            policy,
            print,
            destination: Destination {
                file: OutputFile::named(args.output.output.as_deref()).map(Path::to_owned),
                terminal_bytes,
                stdout_bytes,
            },
            log: args.output.log.map(|path| LogPlan { path, has_content: args.output.log_content }),
            reports_usage: args.output.usage,
            is_yes_no: args.format.yes_no,
        })
    }

    /// A text that is printed as it comes is needed for a history, a log or a
    /// repair alone, and a response only if it is printed.
    pub fn retention(&self) -> Retention {
        let is_saved = self.history.as_ref().is_some_and(HistoryPlan::saves);
        let text = !self.print.is_live()
            || is_saved
            || self.policy.repairs > 0
            || self.log.as_ref().is_some_and(|log| log.has_content);
        Retention { text, response: self.print == PrintMode::Response }
    }
}

impl PrintMode {
    /// Something is printed before the reply is whole.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Stream | Self::Events)
    }

    /// The server's payloads are needed, as it sent them.
    pub fn wants_payloads(self) -> bool {
        matches!(self, Self::Response | Self::Events)
    }
}

impl SystemPlan {
    /// The system prompt, if there is one.
    ///
    /// # Errors
    /// [`Error::Unreadable`] and [`Error::NotUtf8`] for its file.
    pub fn read(
        &self,
        history: Option<&History>,
        has_own_messages: bool,
    ) -> Result<Option<String>> {
        if self.is_default && (has_own_messages || history.is_some_and(History::has_system)) {
            return Ok(None);
        }
        match &self.source {
            Some(SystemSource::File(path)) => prompt::read_file(path, self.encoding).map(Some),
            Some(SystemSource::Text(text)) => Ok(Some(text.clone())),
            None => Ok(None),
        }
    }
}

impl HistoryPlan {
    /// Whether the turn is appended.
    pub fn saves(&self) -> bool {
        self.access == Access::Append
    }

    /// Opens the history; `None` for a dry run over one that does not exist.
    /// `time_left` is what remains until the deadline.
    ///
    /// # Errors
    /// [`Error::Unreadable`], [`Error::Unwritable`] or
    /// [`Error::ReadOnlyHistory`] if it cannot be opened, [`Error::Line`] for
    /// a line that is not a message, [`Error::Locked`] and
    /// [`NetworkError::Deadline`](crate::error::NetworkError::Deadline) if
    /// another turn has it.
    pub fn open(
        &self,
        time_left: Option<Duration>,
        on_notice: NoticeHandler<'_>,
    ) -> Result<Option<History>> {
        if self.is_dry_run && !self.path.exists() {
            return Ok(None);
        }
        let wait = match (self.waits, time_left, self.deadline) {
            (false, ..) => LockWait::Never,
            (true, Some(left), Some(of)) => LockWait::Until { left, of },
            (true, ..) => LockWait::Forever,
        };
        let options = HistoryOptions { access: self.access, window: self.window, wait };
        History::open(&self.path, options, on_notice).map(Some)
    }
}

fn history_plan(args: &AskArgs, action: Action, messages: &MessageSource) -> Option<HistoryPlan> {
    let path = args.history.file.clone()?;
    if matches!(messages, MessageSource::Own(_)) {
        return None;
    }
    let is_dry_run = action != Action::Send;
    let reads_only = is_dry_run || args.history.no_save;
    Some(HistoryPlan {
        path,
        access: if reads_only { Access::Read } else { Access::Append },
        window: args.history.turns.map_or(Window::All, Window::Turns),
        waits: !args.history.no_wait,
        deadline: args.network.deadline,
        is_dry_run,
    })
}

fn print_mode(
    args: &AskArgs,
    policy: &ReplyPolicy,
    has_tools: bool,
    terminal: Terminal,
) -> (PrintMode, bool) {
    let output = &args.output;
    // What must be looked at as a whole cannot be printed before.
    let can_stream = matches!(policy.format, ReplyFormat::Text)
        && policy.pick == Pick::Whole
        && !has_tools
        && OutputFile::named(output.output.as_deref()).is_none();
    let wants_stream = output.stream || (terminal.stdout && !output.no_stream);
    let mode = match () {
        () if output.events => PrintMode::Events,
        () if output.json => PrintMode::Response,
        () if args.format.yes_no => PrintMode::Nothing,
        () if can_stream && wants_stream => PrintMode::Stream,
        () => PrintMode::Whole,
    };
    let streams = match mode {
        PrintMode::Events => !output.no_stream,
        PrintMode::Stream => true,
        _ => output.stream,
    };
    (mode, streams)
}

fn message_source(args: &AskArgs, own: Vec<Value>, terminal: Terminal) -> Result<MessageSource> {
    if !own.is_empty() {
        return Ok(MessageSource::Own(own));
    }
    if args.history.r#continue {
        return Ok(MessageSource::HistoryAlone);
    }
    let stdin = match (args.no_stdin, terminal.stdin) {
        (true, _) => Stdin::Refused,
        (false, true) => Stdin::Terminal,
        (false, false) => Stdin::Redirected,
    };
    let parts = args.prompt.parts.clone();
    let source = PromptSource { parts, stdin, encoding: encoding(args) };
    source.ensure_possible()?;
    Ok(MessageSource::Prompt(source))
}

fn encoding(args: &AskArgs) -> Encoding {
    if args.lossy { Encoding::Lossy } else { Encoding::Strict }
}

/// Takes the messages out of the fields that the user named. They are the
/// whole conversation, so that nothing else may be part of it.
fn own_messages(named: &mut Object, args: &AskArgs, context: &Context) -> Result<Vec<Value>> {
    let messages = match named.shift_remove("messages") {
        None => return Ok(Vec::new()),
        Some(Value::Array(messages)) if !messages.is_empty() => messages,
        Some(_) => {
            let message = "the messages of --body or --param are not an array of messages";
            return Err(Error::Input(message.to_owned()));
        }
    };
    // Defaults from the configuration give way.
    let is_typed = |part: &PromptPart| match part {
        PromptPart::Word(_) => true,
        PromptPart::File(_) => context.is_typed("file"),
        PromptPart::Attachment { .. } => context.is_typed("attach"),
    };
    let has_more = (args.system.is_some() && context.is_typed("system"))
        || (args.system_file.is_some() && context.is_typed("system_file"))
        || (args.history.file.is_some() && context.is_typed("history"))
        || args.prompt.parts.iter().any(is_typed);
    if !has_more {
        return Ok(messages);
    }
    let message = "the messages of --body are the whole conversation: leave out the prompt, --system and --history";
    Err(Error::Usage(message.to_owned()))
}
