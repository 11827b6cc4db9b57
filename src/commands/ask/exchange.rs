//! A question sent, and again where its reply is not what it must be; each
//! request is told and logged.

use std::io::{self, Read};
use std::time::SystemTime;

use serde_json::Value;
use serde_json::value::RawValue;

use super::delivery::{Live, Printed, extract};
use crate::api::call::Call;
use crate::api::client::{ChatRequest, Client, Trace};
use crate::api::events::{Event, Usage};
use crate::api::request::{Body, Content, Conversation, Message};
use crate::cli::AskArgs;
use crate::error::{Error, Result, ServerError};
use crate::form::Form;
use crate::history::{History, Messages};
use crate::json::Object;
use crate::log::{Entry, Log, Seconds};
use crate::notes::Notes;
use crate::output::stdout_error;
use crate::reply::Reply;
use crate::settings::Network;

/// Everything that goes into a request.
pub struct Question<'a> {
    fields: Object,
    system: Option<String>,
    history: Option<Messages>,
    prompt: Option<&'a Content>,
    /// The user's own messages, in place of all others.
    own: Vec<Value>,
}

impl<'a> Question<'a> {
    /// # Errors
    /// [`Error::Unreadable`] for a history's system message.
    pub fn new(
        fields: Object,
        system: Option<&str>,
        history: Option<&'a History>,
        prompt: Option<&'a Content>,
        own: Vec<Value>,
        form: &Form,
    ) -> Result<Self> {
        let instruction = form.instruction().filter(|_| own.is_empty());
        // What the model is told in this request alone joins the system
        // message that there is: servers take one.
        let standing = match (system, history, &instruction) {
            (None, Some(history), Some(_)) => history.system_text()?,
            (system, ..) => system.map(str::to_owned),
        };
        let is_replaced = standing.is_some();
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
    pub fn body(&self, correction: Option<[Message; 2]>) -> Body {
        let conversation = Conversation {
            system: self.system.as_deref(),
            history: self.history.clone(),
            prompt: self.prompt,
            own: &self.own,
            correction,
        };
        Body::new(&self.fields, conversation)
    }
}

/// A whole reply, and what was looked for in it.
pub struct Outcome {
    pub reply: Reply,
    /// The part and the form that were asked for, or why it has them not.
    pub text: Result<String, String>,
    pub calls: Vec<Call>,
}

pub struct Exchange<'a> {
    client: &'a Client,
    network: &'a Network,
    args: &'a AskArgs,
    printed: &'a Printed,
    notes: &'a Notes,
    log: Option<Log>,
    /// The first fault of the log.
    pub logged: Result<()>,
}

impl<'a> Exchange<'a> {
    pub fn new(
        client: &'a Client,
        network: &'a Network,
        args: &'a AskArgs,
        printed: &'a Printed,
        log: Option<Log>,
        notes: &'a Notes,
    ) -> Self {
        Self { client, network, args, printed, notes, log, logged: Ok(()) }
    }

    /// Asks until the reply has the form that it must have, as often as the
    /// user allows.
    ///
    /// # Errors
    /// Those of the last request, and those of [`Calls::finish`](crate::api::call::Calls::finish).
    pub fn converse(
        &mut self,
        mut question: Question,
        form: &Form,
        mut live: Live,
    ) -> Result<Outcome> {
        let mut repairs = self.args.form.repair.unwrap_or(0);
        let mut wrong: Option<(String, Content)> = None;
        let mut spent: Option<Usage> = None;
        loop {
            let correction = wrong
                .as_ref()
                .map(|(reply, fault)| [Message::assistant(reply, &[]), Message::user(fault)]);
            let (mut reply, received) = self.request(&question, correction, &mut live);
            match received {
                Err(Error::Server(server))
                    if matches!(form, Form::Choice(_))
                        && is_about_schema(&server)
                        && question.fields.shift_remove("response_format").is_some() =>
                {
                    self.notes.detail(format_args!("{server}; asking without a schema"));
                    continue;
                }
                received => received?,
            }
            spent = spent.map_or(reply.usage, |spent| Some(spent + reply.usage?));
            let calls = std::mem::take(&mut reply.calls).finish()?;
            let is_none = reply.text.is_empty() || !reply.refusal.is_empty() || !calls.is_empty();
            let text = match is_none {
                true => Ok(reply.text.clone()),
                false => extract(self.args, &reply.text).and_then(|text| form.check(&text)),
            };
            match text {
                Err(fault) if repairs > 0 => {
                    repairs -= 1;
                    self.notes.note(format_args!(
                        "the reply is not what was asked for: {fault}; asking again"
                    ));
                    let fault = format!(
                        "This is not what was asked for: {fault}. Answer again, with nothing but what was asked for."
                    );
                    wrong = Some((reply.text, Content::Text(fault)));
                }
                text => {
                    reply.usage = spent;
                    if self.args.output.usage {
                        self.notes.error(reply.cost());
                    }
                    return Ok(Outcome { reply, text, calls });
                }
            }
        }
    }

    /// Sends one request, and receives what comes of it.
    fn request(
        &mut self,
        question: &Question,
        correction: Option<[Message; 2]>,
        live: &mut Live,
    ) -> (Reply, Result<()>) {
        let time = SystemTime::now();
        let body = question.body(correction);
        let mut reply = Reply::expected();
        let mut trace = Trace::default();
        let chat = ChatRequest {
            body: &body,
            streams: self.printed.streams,
            wants_payloads: self.printed.wants_payloads(),
        };
        let received = self
            .client
            .chat(&chat, &mut trace)
            .and_then(|events| receive(events, &mut reply, live));
        self.notes.detail(reply.summary());
        let logged = self.log(time, &question.fields["model"], &trace, &reply, &received, &body);
        if let (Err(_), Err(fault)) = (&received, &logged) {
            self.notes.warn(fault);
        }
        self.logged = std::mem::replace(&mut self.logged, Ok(())).and(logged);
        (reply, received)
    }

    fn log(
        &self,
        time: SystemTime,
        model: &Value,
        trace: &Trace,
        reply: &Reply,
        received: &Result<()>,
        body: &Body,
    ) -> Result<()> {
        let Some(log) = &self.log else {
            return Ok(());
        };
        let has_content = self.args.output.log_content;
        let content = has_content.then(|| content(body)).transpose()?;
        let message = Message::assistant(&reply.text, &[]);
        let message = has_content.then(|| serde_json::value::to_raw_value(&message).ok());
        log.append(&Entry {
            time,
            model,
            base_url: &self.network.base_url.to_string(),
            status: trace.status,
            tries: trace.tries,
            seconds: Seconds {
                first: reply.first().map(|first| first.as_secs_f64()),
                total: reply.elapsed().as_secs_f64(),
            },
            usage: reply.usage,
            finish_reason: reply.finish.map(|finish| finish.name()),
            request_id: trace.request_id.as_deref(),
            error: received.as_ref().err().map(|error| self.notes.masked(error.to_string())),
            messages: content,
            reply: message.flatten(),
        })
    }
}

/// Whether a server may have refused a request for its schema.
fn is_about_schema(server: &ServerError) -> bool {
    let is_named = || {
        ["response_format", "json_schema", "json_object"]
            .iter()
            .any(|name| server.message.contains(name))
    };
    match server.status() {
        Some(400 | 422 | 501) => true,
        Some(500) => is_named(),
        _ => false,
    }
}

/// The messages of a request as one JSON array.
fn content(body: &Body) -> Result<Box<RawValue>> {
    let mut messages = b"[".to_vec();
    let read = body.messages().read_to_end(&mut messages);
    messages.push(b']');
    let array = read.and_then(|_| String::from_utf8(messages).map_err(io::Error::other));
    let array = array.and_then(|array| RawValue::from_string(array).map_err(io::Error::other));
    array.map_err(|error| error.downcast().unwrap_or_else(|other| Error::Input(other.to_string())))
}

/// Pulls the reply to its end, printing it as it comes.
fn receive(
    events: impl Iterator<Item = Result<Event>>,
    reply: &mut Reply,
    live: &mut Live,
) -> Result<()> {
    for event in events {
        match event {
            Ok(event) => {
                reply.add(&event);
                match event {
                    Event::Text(text) => live.text(&text),
                    Event::Payload(payload) => live.payload(&payload),
                    Event::Waiting => live.flush(),
                    _ => Ok(()),
                }
                .map_err(stdout_error)?;
            }
            Err(error) => {
                return Err(match live.break_off().map_err(stdout_error)? {
                    true => Error::Partial(Box::new(error)),
                    false => error,
                });
            }
        }
    }
    live.finish().map_err(stdout_error)
}
