//! What `ask` does, decided once from the options, the settings and the
//! environment.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::chat::reply::Retention;
use crate::chat::thoughts::ThoughtsPolicy;
use crate::chat::turn::ReplyPolicy;
use crate::cli::AskArgs;
use crate::cli::values::ReasoningTarget;
use crate::commands::ask::history_plan::HistoryPlan;
use crate::commands::ask::message_source::{MessageSource, SystemPlan, take_json_messages};
use crate::commands::log::LogPlan;
use crate::error::{Error, Result};
use crate::input::{fields, reply_policy};
use crate::json::Object;
use crate::net::endpoint::Endpoint;
use crate::output::file::OutputFile;
use crate::output::stdout::TextMode;
use crate::output::terminal::Terminal;
use crate::settings::context::Context;
use crate::settings::{model, network, rendering};

pub struct AskPlan {
    pub action: Action,
    /// Where the request goes. Its key is added before sending.
    pub endpoint: Endpoint,
    pub allow_http: bool,
    /// The fields of the request, without its messages.
    pub fields: Object,
    pub messages: MessageSource,
    pub system: SystemPlan,
    pub history: Option<HistoryPlan>,
    pub policy: ReplyPolicy,
    pub print: PrintMode,
    /// How the model's reasoning is printed on stderr; `None` if it is not.
    pub reasoning: Option<ReasoningStyle>,
    pub output: OutputPlan,
    /// Whether stderr is a terminal on which a line can be drawn and erased.
    pub can_erase: bool,
    pub log: Option<LogPlan>,
    /// Whether tokens and timings are reported.
    pub reports_usage: bool,
    /// Whether the exit status is the answer.
    pub is_yes_no: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Send,
    /// Print the request instead of sending it.
    Print(RequestFormat),
}

/// How a request is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestFormat {
    /// Its body.
    Body,
    /// A curl command that sends it.
    Curl,
}

/// What is printed of a reply, and when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrintMode {
    /// The text, as it arrives.
    Stream,
    /// The text or the tool calls, once the reply is whole.
    Whole,
    /// The server's response, as one JSON object.
    Response,
    /// Each event of the stream as JSON, as it arrives.
    Events,
    /// Nothing: the exit status is the answer.
    Nothing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReasoningStyle {
    Plain,
    Dim,
}

impl ReasoningStyle {
    /// Dim on a terminal, which is no colour.
    fn of(context: &Context) -> Self {
        if context.can_erase() { Self::Dim } else { Self::Plain }
    }
}

/// Where a reply is written.
pub struct OutputPlan {
    /// `None` is standard output.
    pub file: Option<PathBuf>,
    /// Used if `file` is a terminal.
    pub terminal_mode: TextMode,
    pub stdout_mode: TextMode,
}

const SESSION_HAS_MESSAGES: &str =
    "--body or --param has messages, but those of a chat are in its file";

impl AskPlan {
    /// # Errors
    /// [`Error::Usage`] for options that contradict one another or lack a
    /// prompt, [`Error::Input`] for a value that is not valid,
    /// [`Error::Config`] for an invalid base URL or proxy, and
    /// [`Error::Unreadable`] for the file of an option.
    pub fn from_args(args: AskArgs, context: &Context) -> Result<Self> {
        Self::new(args, context, |given, args| {
            let json = take_json_messages(given, args, context)?;
            MessageSource::new(args, json, context)
        })
    }

    /// The plan of each turn of a session, whose prompts are typed later.
    ///
    /// # Errors
    /// The errors of [`Self::from_args`].
    pub fn of_session(args: AskArgs, context: &Context) -> Result<Self> {
        let plan = Self::new(args, context, |given, _| match given.contains_key("messages") {
            true => Err(Error::Usage(SESSION_HAS_MESSAGES.to_owned())),
            false => Ok(MessageSource::Session),
        })?;
        // There is no exit status that could be the answer.
        let print = if plan.is_yes_no { PrintMode::Whole } else { plan.print };
        Ok(Self { print, is_yes_no: false, ..plan })
    }

    /// `messages` is given the fields that the user set, and may take some of them.
    fn new(
        args: AskArgs,
        context: &Context,
        messages: impl FnOnce(&mut Object, &AskArgs) -> Result<MessageSource>,
    ) -> Result<Self> {
        let mut policy = reply_policy::from_args(&args)?;
        let mut given = fields::from_user(&args.model, context.config_param_count)?.all;
        let messages = messages(&mut given, &args)?;
        let model = model::model(&args.model, context.environment)?;
        let has_tools = args.format.tools.is_some() || given.contains_key("tools");
        let (print, streams) = print_mode(&args, &policy, has_tools, context.terminal);
        policy.thoughts = thoughts_policy(&args, &policy, print);
        let is_data = has_tools || given.contains_key("response_format");
        let is_read =
            action(&args) == Action::Send && !is_data && is_read_by_people(&policy, print);
        let output = OutputPlan::from_args(&args, is_read, context);
        let fields = fields::from_options(&args.model, &model, &policy.format);
        let fields = fields::assemble(&args, fields, streams, given)?;
        if !matches!(print, PrintMode::Response | PrintMode::Events) {
            fields::ensure_one_choice(&fields, "--json or --events prints them all")?;
        }
        let action = action(&args);
        let history = match messages {
            MessageSource::Json(_) => None,
            _ => HistoryPlan::from_args(&args, action != Action::Send, context.environment)?,
        };
        Ok(Self {
            action,
            endpoint: network::resolve(
                &args.network,
                context.environment,
                context.notes.secrets(),
            )?,
            allow_http: args.network.allow_http,
            fields,
            system: SystemPlan::from_args(&args, &messages, context),
            messages,
            history,
            policy,
            print,
            reasoning: (args.output.display.reasoning == Some(ReasoningTarget::Stderr))
                .then(|| ReasoningStyle::of(context)),
            output,
            can_erase: context.can_erase(),
            log: LogPlan::from_args(&args.output.report.log),
            reports_usage: args.output.report.usage,
            is_yes_no: args.format.words.yes_no,
        })
    }

    /// Whether the request asks for a stream.
    pub fn streams(&self) -> bool {
        self.fields.get("stream") == Some(&Value::Bool(true))
    }

    /// Which parts of a reply are kept in memory. Text that is printed as it
    /// arrives is kept only for a history, a repair or a log.
    pub fn retention(&self) -> Retention {
        let is_saved = self.history.as_ref().is_some_and(HistoryPlan::saves);
        let text = !self.print.is_live()
            || is_saved
            || self.policy.repairs > 0
            || self.policy.thoughts != ThoughtsPolicy::Keep
            || self.log.as_ref().is_some_and(|log| log.has_content);
        // A message that calls tools is saved as the server sent it.
        let is_saved_whole = is_saved && offers_tools(&self.fields);
        Retention { text, response: is_saved_whole || self.print == PrintMode::Response }
    }

    /// Whether the server's payloads are needed as it sent them.
    pub fn needs_payloads(&self) -> bool {
        self.print == PrintMode::Events || self.retention().response
    }
}

impl PrintMode {
    /// Whether something is printed before the reply is whole.
    fn is_live(self) -> bool {
        matches!(self, Self::Stream | Self::Events)
    }
}

impl OutputPlan {
    fn from_args(args: &AskArgs, is_read: bool, context: &Context) -> Self {
        let Context { terminal, environment, .. } = *context;
        let output = &args.output;
        let (terminal_mode, stdout_mode) = match output.display.raw {
            true => (TextMode::Exact, TextMode::Exact),
            false if is_read => (
                TextMode::Sanitized,
                rendering::text_mode(output.display.markdown, terminal, environment),
            ),
            false => (TextMode::Sanitized, terminal.text_mode()),
        };
        let file = OutputFile::named(output.output.as_deref()).map(Path::to_owned);
        Self { file, terminal_mode, stdout_mode }
    }
}

fn action(args: &AskArgs) -> Action {
    match () {
        () if args.output.curl => Action::Print(RequestFormat::Curl),
        () if args.output.dry_run => Action::Print(RequestFormat::Body),
        () => Action::Send,
    }
}

/// Whether the reply is a text to read, not data for a program.
fn is_read_by_people(policy: &ReplyPolicy, print: PrintMode) -> bool {
    policy.takes_any_text() && matches!(print, PrintMode::Stream | PrintMode::Whole)
}

fn offers_tools(fields: &Object) -> bool {
    ["tools", "functions"].iter().any(|name| fields.contains_key(*name))
}

/// Thoughts never count as a code block, a choice or JSON. In a plain reply they
/// are part of the text, unless they are to go elsewhere.
fn thoughts_policy(args: &AskArgs, policy: &ReplyPolicy, print: PrintMode) -> ThoughtsPolicy {
    match args.output.display.reasoning {
        None if policy.takes_any_text() => ThoughtsPolicy::Keep,
        Some(_) if print == PrintMode::Stream => ThoughtsPolicy::TakeOpened,
        _ => ThoughtsPolicy::TakeAll,
    }
}

/// How the reply is printed, and whether the request asks for a stream.
fn print_mode(
    args: &AskArgs,
    policy: &ReplyPolicy,
    has_tools: bool,
    terminal: Terminal,
) -> (PrintMode, bool) {
    let output = &args.output;
    // A reply that is checked or picked from must be whole before it is printed.
    let can_stream = policy.takes_any_text()
        && !has_tools
        && OutputFile::named(output.output.as_deref()).is_none();
    let prefers_stream = output.stream || (terminal.stdout && !output.no_stream);
    let mode = match () {
        () if output.events => PrintMode::Events,
        () if output.json => PrintMode::Response,
        () if args.format.words.yes_no => PrintMode::Nothing,
        () if can_stream && prefers_stream => PrintMode::Stream,
        () => PrintMode::Whole,
    };
    let streams = match mode {
        PrintMode::Events => !output.no_stream,
        PrintMode::Stream => true,
        _ => output.stream,
    };
    (mode, streams)
}
