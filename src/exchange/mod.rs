//! Asking a question until its reply is valid, for `ask` and for each worker of
//! a batch.

mod correction;
pub mod total_usage;

use std::time::{Duration, Instant, SystemTime};

use crate::blame::Blame;
use crate::chat::event::Event;
use crate::chat::format::{Choice, ReplyFormat};
use crate::chat::message::Message;
use crate::chat::reply::{Reply, Retention};
use crate::chat::schema::{Schema, SchemaPattern};
use crate::chat::turn::{CheckedReply, InvalidReply, ReplyPolicy, TurnEnd, judge};
use crate::error::{Error, Result, ServerError};
use crate::exchange::correction::Correction;
use crate::exchange::total_usage::TotalUsage;
use crate::net::client::{ChatRequest, Client, RequestTrace};
use crate::wire::body::RequestBody;

/// A question that can be asked again after an invalid reply.
pub trait Question {
    /// The body of the next request. `correction` goes to the end of its
    /// messages: the invalid reply, and the user message that asks to correct it.
    fn body(&self, correction: Option<[Message<'_>; 2]>) -> RequestBody;

    /// The names of the tools that the request offers; `None` if a tool has no
    /// name that can be read.
    fn offered_tools(&self) -> Option<Vec<String>>;

    /// Removes the schema from further requests. Returns false if there is no
    /// schema to remove.
    fn drop_schema(&mut self) -> bool {
        false
    }

    /// No longer asks the server to keep to the schema strictly. Returns false if
    /// it is not asked to.
    fn drop_strict(&mut self) -> bool;
}

/// Observes replies as they arrive, and the outcome of each request.
pub trait ReplyObserver {
    /// An event of the reply was received.
    ///
    /// # Errors
    /// An error ends the request and is returned as its error.
    fn event(&mut self, _: &Event) -> Result<()> {
        Ok(())
    }

    /// The reply is complete, or failed with this error. Returns the result to
    /// use instead, such as an error that says that part was printed.
    ///
    /// # Errors
    /// The error in `received`, possibly wrapped.
    fn received(&mut self, received: Result<()>) -> Result<()> {
        received
    }

    /// A request was sent and is finished, successfully or not.
    fn attempted(&mut self, _: &Attempt<'_>) {}

    /// The reply was not checked against these patterns of the schema, because
    /// they took too long to be matched.
    fn unchecked(&mut self, _: &[SchemaPattern]) {}

    /// The question is about to be asked again.
    fn asking_again(&mut self, _: &AskAgain<'_>) {}
}

/// One request and its outcome.
pub struct Attempt<'a> {
    pub started: SystemTime,
    pub body: &'a RequestBody,
    pub trace: &'a RequestTrace,
    /// The reply as received, which may be incomplete.
    pub reply: &'a Reply,
    pub error: Option<&'a Error>,
}

/// Why a question is asked again.
pub enum AskAgain<'a> {
    /// The server refused the request, possibly because of its schema.
    WithoutSchema(&'a ServerError),
    /// The server refused to keep to the schema strictly. It is the first time,
    /// and it will not be asked to again.
    WithoutStrict(&'a ServerError),
    /// The reply is invalid.
    Invalid(&'a InvalidReply),
}

/// How to ask questions, and what their replies must be.
pub struct Exchange<'a> {
    pub client: &'a Client,
    pub policy: &'a ReplyPolicy,
    /// Whether the request asks for a stream.
    pub streams: bool,
    /// Whether each payload is also returned as [`Event::Payload`].
    pub with_payloads: bool,
    pub retention: Retention,
}

/// A complete reply and the trace of its request.
#[derive(Debug)]
pub struct Answer {
    pub checked: CheckedReply,
    pub trace: RequestTrace,
}

/// How far asking a question has got. It can go on after a failure that passes.
#[derive(Debug, Default)]
pub struct Asking {
    /// The last invalid reply, if it is to be repaired. It was paid for, so it is not
    /// dropped if that fails.
    pub rejected: Option<Box<Answer>>,
    pub spent: TotalUsage,
    /// The time from when it was first sent to the end of its last reply or failure,
    /// with retries, repairs and the waits for them. `None` if it was never sent.
    pub took: Option<Duration>,
    first_sent: Option<Instant>,
    repairs: u32,
    /// The trace of a request that failed.
    trace: RequestTrace,
}

impl Asking {
    /// The number by which the rate limiter knows the request that failed.
    pub fn request(&self) -> Option<u64> {
        self.trace.request()
    }
}

impl Exchange<'_> {
    /// Asks until the reply is valid, a request fails, or the policy's repairs are
    /// used up. If the server refuses a schema that can be dropped, asks again
    /// without it.
    ///
    /// # Errors
    /// The error of a request. `asking` has what came before it.
    pub fn ask_until_valid(
        &self,
        question: &mut impl Question,
        asking: &mut Asking,
        observer: &mut impl ReplyObserver,
    ) -> Result<Answer> {
        let mut is_without_schema = false;
        loop {
            if self.schema().is_some_and(Schema::is_strict_refused) {
                question.drop_strict();
            }
            if self.choice().is_some_and(Choice::is_schema_refused) {
                question.drop_schema();
            }
            let rejected = asking.rejected.as_deref();
            let correction = rejected.and_then(|answer| Correction::of(&answer.checked));
            let body = question.body(correction.as_ref().map(Correction::messages));
            let reply = match self.ask_once(&body, asking, observer) {
                Ok(reply) => reply,
                Err(Error::Server(error))
                    if self.can_drop_schema(&error) && question.drop_schema() =>
                {
                    is_without_schema = true;
                    asking.trace = RequestTrace::default();
                    observer.asking_again(&AskAgain::WithoutSchema(&error));
                    continue;
                }
                Err(Error::Server(error)) if refuses_strict(&error) && question.drop_strict() => {
                    asking.trace = RequestTrace::default();
                    if self.schema().is_some_and(Schema::refuse_strict) {
                        observer.asking_again(&AskAgain::WithoutStrict(&error));
                    }
                    continue;
                }
                Err(error) => return Err(error),
            };
            if is_without_schema {
                self.choice().map(Choice::refuse_schema);
            }
            let trace = std::mem::take(&mut asking.trace);
            let calls_tools = !reply.calls.is_empty();
            let offered = calls_tools.then(|| question.offered_tools()).flatten();
            let repairs_left = self.policy.repairs - asking.repairs;
            match judge(reply, self.policy, offered.as_deref(), repairs_left) {
                TurnEnd::Repair(checked) => {
                    asking.repairs += 1;
                    if let Some(problem) = &checked.problem {
                        observer.asking_again(&AskAgain::Invalid(problem));
                    }
                    asking.rejected = Some(Box::new(Answer { checked, trace }));
                }
                TurnEnd::Done(checked) | TurnEnd::Tools(checked) => {
                    observer.unchecked(checked.unchecked_patterns());
                    asking.rejected = None;
                    return Ok(Answer { checked, trace });
                }
            }
        }
    }

    /// Sends one request and receives its reply. Adds what it used to `asking`.
    fn ask_once(
        &self,
        body: &RequestBody,
        asking: &mut Asking,
        observer: &mut impl ReplyObserver,
    ) -> Result<Reply> {
        let Asking { trace, spent, first_sent, took, .. } = asking;
        let (started, tries) = (SystemTime::now(), trace.tries);
        let mut reply = Reply::new(self.retention, self.policy.max_bytes);
        let received = self.receive(body, &mut reply, trace, observer);
        let received = observer.received(received);
        let error = received.as_ref().err();
        // Nothing was sent if the run was stopped first.
        if trace.tries > tries {
            let usage = TotalUsage::of(&reply, body.content_length());
            if error.is_none_or(|error| may_be_charged(error, trace)) {
                spent.add(usage);
            }
            *first_sent = first_sent.or(trace.sent_at());
            *took = first_sent.map(|first| first.elapsed());
            self.client.settle(trace, error.is_none().then(|| usage.likely_tokens()));
            observer.attempted(&Attempt { started, body, trace, reply: &reply, error });
        }
        received.map(|()| reply)
    }

    /// Sends the request and adds every event to `reply`.
    fn receive(
        &self,
        body: &RequestBody,
        reply: &mut Reply,
        trace: &mut RequestTrace,
        observer: &mut impl ReplyObserver,
    ) -> Result<()> {
        let request =
            ChatRequest { body, streams: self.streams, wants_payloads: self.with_payloads };
        for event in self.client.chat(&request, trace)? {
            let event = event?;
            reply.add(&event)?;
            observer.event(&event)?;
        }
        Ok(())
    }

    /// The schema that the user gave.
    fn schema(&self) -> Option<&Schema> {
        match &self.policy.format {
            ReplyFormat::Schema(schema) => Some(schema),
            _ => None,
        }
    }

    /// The words that a reply must be one of.
    fn choice(&self) -> Option<&Choice> {
        match &self.policy.format {
            ReplyFormat::Choice(choice) => Some(choice),
            _ => None,
        }
    }

    /// Whether the schema may be the reason for this error, and can be dropped.
    /// Only that of a choice can: its words are in the messages too.
    fn can_drop_schema(&self, error: &ServerError) -> bool {
        self.choice().is_some()
            && match error.status() {
                Some(400 | 422 | 501) => true,
                // llama-cpp-python answers 500 and names the field.
                Some(500) => ["response_format", "json_schema", "json_object"]
                    .iter()
                    .any(|name| error.message.contains(name)),
                _ => false,
            }
    }
}

/// Whether the server may charge for a request that failed: it accepted it, or was at
/// work on it.
fn may_be_charged(error: &Error, trace: &RequestTrace) -> bool {
    let is_accepted = match trace.status {
        Some(status) => (200..300).contains(&status) && !matches!(error, Error::Server(_)),
        None => matches!(error, Error::Network(_)),
    };
    is_accepted && error.blame() == Blame::Request
}

/// Whether a server refuses to keep to a schema strictly, in the words of OpenAI
/// and of those who follow it.
fn refuses_strict(error: &ServerError) -> bool {
    const WORDS: &[&str] =
        &["strict", "additionalproperties", "invalid schema for response_format"];
    let message = error.message.to_lowercase();
    matches!(error.status(), Some(400 | 422)) && WORDS.iter().any(|words| message.contains(words))
}
