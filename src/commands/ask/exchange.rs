//! A question sent, and again where its reply is not what it must be; each
//! request is told, and remembered for the log.

use std::fmt;
use std::io::{self, Read};
use std::time::SystemTime;

use serde_json::Value;

use crate::chat::event::FinishReason;
use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::chat::reply::{Reply, Retention};
use crate::chat::tool_call::{CallError, ToolCall};
use crate::cli::AskArgs;
use crate::commands::ask::delivery::{PrintMode, extract};
use crate::commands::ask::display::{Display, broken_off, receive};
use crate::commands::ask::log;
use crate::commands::ask::log::{LogEntry, Seconds};
use crate::commands::ask::question::Question;
use crate::error::{EarlyEnd, Error, Result, ServerError};
use crate::json;
use crate::net::client::{ChatRequest, Client, RequestTrace};
use crate::output::notes::Notes;
use crate::output::stdout::stdout_error;
use crate::settings::network::Network;
use crate::wire::body::RequestBody;

/// A whole reply, and what was looked for in it.
pub struct CheckedReply {
    pub reply: Reply,
    /// What of the reply is to be printed, where that is not all of it, or
    /// why it is not what was asked for.
    pub judged: Result<Option<String>, String>,
    pub calls: Result<Vec<ToolCall>, CallError>,
    /// The fault of standard output after the last token, where the reply is
    /// printed as it comes.
    pub printed: Option<Error>,
}

impl CheckedReply {
    /// The text that is to be printed.
    pub fn text(&self) -> Result<&str, &String> {
        let part = self.judged.as_ref()?;
        Ok(part.as_deref().unwrap_or(&self.reply.text))
    }

    pub fn calls(&self) -> &[ToolCall] {
        self.calls.as_deref().unwrap_or_default()
    }
}

/// What one request brought.
struct Answer {
    reply: Reply,
    received: Result<()>,
    printed: Option<Error>,
}

pub struct Exchange<'a> {
    client: &'a Client,
    network: &'a Network,
    args: &'a AskArgs,
    printed: &'a PrintMode,
    notes: &'a Notes,
    /// Lines for the log, one a request.
    pub log: Vec<u8>,
}

impl<'a> Exchange<'a> {
    pub fn new(
        client: &'a Client,
        network: &'a Network,
        args: &'a AskArgs,
        printed: &'a PrintMode,
        notes: &'a Notes,
    ) -> Self {
        Self { client, network, args, printed, notes, log: Vec::new() }
    }

    /// Asks until the reply has the form that it must have, as often as the
    /// user allows.
    ///
    /// # Errors
    /// Those of the last request. The reply before it is shown then.
    pub fn converse(
        &mut self,
        mut question: Question,
        form: &ReplyFormat,
        mut live: Display,
    ) -> Result<CheckedReply> {
        let mut repairs = self.args.form.schema.repair.unwrap_or(0);
        let mut wrong: Option<(String, Content)> = None;
        let mut spent = Spent::default();
        loop {
            let correction = wrong
                .as_ref()
                .map(|(reply, fault)| [Message::assistant(reply, &[]), Message::user(fault)]);
            let Answer { reply, received, printed } =
                self.request(&question, correction, &mut live);
            match received {
                // Words to choose from are told in words too.
                Err(Error::Server(server))
                    if matches!(form, ReplyFormat::Choice(_))
                        && is_about_schema(&server)
                        && question.drop_schema() =>
                {
                    self.notes.detail(format_args!("{server}; asking without a schema"));
                    continue;
                }
                Err(error) => {
                    if let Some((reply, _)) = &wrong {
                        self.notes.show(reply);
                    }
                    return Err(error);
                }
                Ok(()) => spent.add(&reply),
            }
            let calls = reply.calls.finish();
            let judged = self.judge(form, &reply, calls.as_deref().unwrap_or_default());
            match judged {
                Err(fault) if repairs > 0 && !reply.is_cut() => {
                    repairs -= 1;
                    self.notes.note(format_args!(
                        "the reply is not what was asked for: {fault}; asking again"
                    ));
                    wrong = Some((reply.text, Content::Text(ReplyFormat::correction(&fault))));
                }
                judged => {
                    if self.args.output.usage {
                        self.notes.error(format_args!("{}{spent}", reply.cost()));
                    }
                    return Ok(CheckedReply { reply, judged, calls, printed });
                }
            }
        }
    }

    /// The user left the model no choice but to call a tool.
    fn must_call(&self) -> bool {
        let choice = self.args.form.tool_choice.as_deref();
        let is_forced = choice.is_some_and(|choice| !matches!(choice, "auto" | "none"));
        is_forced && self.args.form.tools.is_some()
    }

    /// A text that is printed as it comes is needed for a history, a log or a
    /// repair alone, and a response where it is printed.
    fn keeps(&self) -> Retention {
        let is_saved = self.args.history.file.is_some() && !self.args.history.no_save;
        let may_be_repaired = self.args.form.schema.repair.is_some_and(|repairs| repairs > 0);
        let text =
            !self.printed.is_live() || is_saved || may_be_repaired || self.args.output.log_content;
        Retention { text, response: self.printed.is_response() }
    }

    /// What is to be printed of a reply, or why it is not what it must be.
    fn judge(
        &self,
        form: &ReplyFormat,
        reply: &Reply,
        calls: &[ToolCall],
    ) -> Result<Option<String>, String> {
        let has_form = !matches!(form, ReplyFormat::Text);
        let is_part = self.args.output.extract.is_some() || self.args.output.extract_last.is_some();
        match form {
            ReplyFormat::Choice(_) if !calls.is_empty() => {
                return Err("it calls a tool".to_owned());
            }
            _ if self.must_call() && calls.is_empty() && reply.refusal.is_empty() => {
                return Err("it calls no tool".to_owned());
            }
            // A refusal is told; what comes with it is not what was asked for.
            _ if has_form && !reply.refusal.is_empty() => return Ok(Some(String::new())),
            _ if !has_form && !is_part => return Ok(None),
            _ if !reply.has_text || !calls.is_empty() => return Ok(None),
            _ => {}
        }
        let judged = extract(self.args, &reply.text).and_then(|text| form.check(&text));
        judged.map(Some).map_err(|fault| match reply.finish {
            Some(FinishReason::Length) => format!("{fault}; {}", EarlyEnd::Length),
            Some(FinishReason::ContentFilter) => format!("{fault}; {}", EarlyEnd::ContentFilter),
            _ => fault,
        })
    }

    /// Sends one request, and receives what comes of it.
    fn request(
        &mut self,
        question: &Question,
        correction: Option<[Message; 2]>,
        live: &mut Display,
    ) -> Answer {
        let time = SystemTime::now();
        let body = question.body(correction);
        let mut reply = Reply::expected(self.keeps());
        let mut trace = RequestTrace::default();
        let chat = ChatRequest {
            body: &body,
            streams: self.printed.streams,
            wants_payloads: self.printed.wants_payloads(),
        };
        let received = self
            .client
            .chat(&chat, &mut trace)
            .and_then(|events| receive(events, &mut reply, live))
            .map_err(|error| broken_off(error, live));
        let printed = live.finish().err().map(stdout_error);
        self.notes.detail(reply.summary());
        if self.args.output.log.is_some() {
            let entry = self.entry(time, question.model(), &trace, &reply, &received, &body);
            self.log.extend(log::line(&entry).into_bytes());
        }
        Answer { reply, received, printed }
    }

    fn entry<'b>(
        &self,
        time: SystemTime,
        model: &Value,
        trace: &'b RequestTrace,
        reply: &Reply,
        received: &Result<()>,
        body: &RequestBody,
    ) -> LogEntry<'b> {
        let has_content = self.args.output.log_content;
        let messages = has_content.then(|| content(body)).transpose();
        let messages = messages.unwrap_or_else(|fault| {
            self.notes.warn(format_args!("the log has no messages: {fault}"));
            None
        });
        let calls = reply.calls.finish().unwrap_or_default();
        let message = Message::assistant(&reply.text, &calls);
        let message = has_content.then(|| serde_json::to_value(&message).ok()).flatten();
        let masked = |value: Value| json::map_strings(value, &|text| self.notes.masked(text));
        LogEntry {
            time,
            model: masked(model.clone()),
            base_url: self.network.base_url.to_string(),
            status: trace.status,
            tries: trace.tries,
            seconds: Seconds {
                first: reply.first().map(|first| first.as_secs_f64()),
                total: reply.elapsed().as_secs_f64(),
            },
            usage: reply.usage,
            finish_reason: reply.finish.map(FinishReason::name),
            request_id: trace.request_id.as_deref(),
            error: received.as_ref().err().map(|error| self.notes.masked(error.to_string())),
            messages: messages.map(masked),
            reply: message.map(masked),
        }
    }
}

/// Whether a server may have refused a request for its schema.
fn is_about_schema(server: &ServerError) -> bool {
    match server.status() {
        Some(400 | 422 | 501) => true,
        // As llama-cpp-python says it.
        Some(500) => ["response_format", "json_schema", "json_object"]
            .iter()
            .any(|name| server.message.contains(name)),
        _ => false,
    }
}

/// The tokens of several requests.
#[derive(Debug, Default)]
struct Spent {
    requests: u32,
    /// Of those requests whose tokens the server counted.
    tokens: u64,
}

impl Spent {
    fn add(&mut self, reply: &Reply) {
        self.requests += 1;
        let tokens = reply.usage.and_then(|usage| usage.total_tokens);
        self.tokens = self.tokens.saturating_add(tokens.unwrap_or(0));
    }
}

impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Spent { requests: 0 | 1, .. } => Ok(()),
            Spent { requests, tokens } => write!(f, "; {tokens} tokens in {requests} requests"),
        }
    }
}

/// The messages of a request as one JSON array.
fn content(body: &RequestBody) -> Result<Value> {
    let mut messages = b"[".to_vec();
    let read = body.messages().read_to_end(&mut messages);
    messages.push(b']');
    let told =
        |error: io::Error| error.downcast().unwrap_or_else(|other| Error::Input(other.to_string()));
    read.map_err(told)?;
    json::parse_leniently(&String::from_utf8_lossy(&messages))
        .ok_or_else(|| Error::Input("they are nested too deeply".to_owned()))
}
