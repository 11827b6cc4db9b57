//! A question sent, its reply judged, and sent again where that is wanted: for
//! `ask` and for each worker of a batch.

use std::fmt;
use std::time::SystemTime;

use crate::chat::event::{Event, Usage};
use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::chat::reply::{Reply, Retention};
use crate::chat::turn::{CheckedReply, ReplyFault, ReplyPolicy, TurnEnd, judge};
use crate::error::{Error, Result, ServerError};
use crate::net::client::{ChatRequest, Client, RequestTrace};
use crate::wire::body::RequestBody;

/// What is asked, as often as it must be.
pub trait Question {
    /// The request's body, with an invalid reply and what is wrong with it at
    /// its end.
    fn body(&self, correction: Option<[Message<'_>; 2]>) -> RequestBody;

    /// Leaves the schema out from now on. Returns false if there is none that
    /// can be left out.
    fn drop_schema(&mut self) -> bool {
        false
    }
}

/// Sees a reply while it comes, and what becomes of each request.
pub trait ReplyObserver {
    /// An event of the reply has come.
    ///
    /// # Errors
    /// Ends the request.
    fn event(&mut self, _: &Event) -> Result<()> {
        Ok(())
    }

    /// The reply is whole, or broke off with an error, which is returned as it
    /// should be reported.
    ///
    /// # Errors
    /// `received`, if that is an error.
    fn received(&mut self, received: Result<()>) -> Result<()> {
        received
    }

    /// A request is over.
    fn attempted(&mut self, _: &Attempt<'_>) {}

    /// The question is about to be asked again.
    fn asking_again(&mut self, _: &AskAgain<'_>) {}
}

/// For a caller that looks at the outcome alone.
pub struct Unobserved;

impl ReplyObserver for Unobserved {}

/// One request and what became of it.
pub struct Attempt<'a> {
    pub began: SystemTime,
    pub body: &'a RequestBody,
    pub trace: &'a RequestTrace,
    /// As far as it came.
    pub reply: &'a Reply,
    pub error: Option<&'a Error>,
}

/// Why a question is asked again.
pub enum AskAgain<'a> {
    /// The server refused the request, perhaps for its schema.
    WithoutSchema(&'a ServerError),
    /// The reply is invalid.
    Invalid(&'a ReplyFault),
}

/// How questions are sent, and what their replies must be.
pub struct Exchange<'a> {
    pub client: &'a Client,
    pub policy: &'a ReplyPolicy,
    /// A stream is asked for.
    pub streams: bool,
    /// The server's payloads are wanted as events too.
    pub wants_payloads: bool,
    pub retention: Retention,
}

/// A reply, and how it came.
#[derive(Debug)]
pub struct Answer {
    pub checked: CheckedReply,
    pub trace: RequestTrace,
}

/// What came of a question.
pub struct ExchangeOutcome {
    pub answer: Result<Answer>,
    /// The last invalid reply, if asking again failed: it was paid for.
    pub rejected: Option<Answer>,
    pub spent: Spent,
}

impl Exchange<'_> {
    /// Asks until the reply is valid, or cannot be asked for again.
    pub fn ask_until_valid(
        &self,
        question: &mut impl Question,
        observer: &mut impl ReplyObserver,
    ) -> ExchangeOutcome {
        let mut repairs_left = self.policy.repairs;
        let mut rejected: Option<Answer> = None;
        let mut spent = Spent::default();
        loop {
            let correction = rejected.as_ref().and_then(Correction::of);
            let body = question.body(correction.as_ref().map(Correction::messages));
            let (reply, trace) = match self.ask_once(&body, observer) {
                Ok(received) => received,
                Err(Error::Server(error))
                    if self.may_do_without_schema(&error) && question.drop_schema() =>
                {
                    observer.asking_again(&AskAgain::WithoutSchema(&error));
                    continue;
                }
                Err(error) => return ExchangeOutcome { answer: Err(error), rejected, spent },
            };
            spent.add(Spent::of(&reply));
            match judge(reply, self.policy, repairs_left) {
                TurnEnd::Repair(checked) => {
                    repairs_left -= 1;
                    if let Some(fault) = &checked.fault {
                        observer.asking_again(&AskAgain::Invalid(fault));
                    }
                    rejected = Some(Answer { checked, trace });
                }
                TurnEnd::Done(checked) | TurnEnd::Tools(checked) => {
                    let answer = Ok(Answer { checked, trace });
                    return ExchangeOutcome { answer, rejected: None, spent };
                }
            }
        }
    }

    /// Sends one request and receives its reply.
    fn ask_once(
        &self,
        body: &RequestBody,
        observer: &mut impl ReplyObserver,
    ) -> Result<(Reply, RequestTrace)> {
        let began = SystemTime::now();
        let mut reply = Reply::new(self.retention);
        let mut trace = RequestTrace::default();
        let received = self.receive(body, &mut reply, &mut trace, observer);
        let received = observer.received(received);
        let error = received.as_ref().err();
        observer.attempted(&Attempt { began, body, trace: &trace, reply: &reply, error });
        received.map(|()| (reply, trace))
    }

    /// Pulls the reply to its end.
    fn receive(
        &self,
        body: &RequestBody,
        reply: &mut Reply,
        trace: &mut RequestTrace,
        observer: &mut impl ReplyObserver,
    ) -> Result<()> {
        let Self { streams, wants_payloads, .. } = *self;
        let request = ChatRequest { body, streams, wants_payloads };
        for event in self.client.chat(&request, trace)? {
            let event = event?;
            reply.add(&event);
            observer.event(&event)?;
        }
        Ok(())
    }

    /// Whether the request may have been refused for a schema that it can do
    /// without: words to choose from are named in the messages too.
    fn may_do_without_schema(&self, error: &ServerError) -> bool {
        matches!(self.policy.format, ReplyFormat::Choice(_))
            && match error.status() {
                Some(400 | 422 | 501) => true,
                // As llama-cpp-python says it.
                Some(500) => ["response_format", "json_schema", "json_object"]
                    .iter()
                    .any(|name| error.message.contains(name)),
                _ => false,
            }
    }
}

/// An invalid reply, and what the model is told of it.
struct Correction {
    reply: String,
    instruction: Content,
}

impl Correction {
    fn of(rejected: &Answer) -> Option<Self> {
        let reason = rejected.checked.fault.as_ref()?.reason()?;
        let instruction = Content::Text(ReplyFormat::correction(&reason));
        Some(Self { reply: rejected.checked.as_received(), instruction })
    }

    fn messages(&self) -> [Message<'_>; 2] {
        [Message::assistant(&self.reply, &[]), Message::user(&self.instruction)]
    }
}

/// The tokens of all requests of a question, as far as the server counted
/// them.
#[derive(Debug, Default, Clone, Copy)]
pub struct Spent {
    pub requests: u32,
    pub prompt_tokens: u64,
    pub completion_tokens: u64,
    pub total_tokens: u64,
}

impl Spent {
    /// What one request cost.
    fn of(reply: &Reply) -> Self {
        let tokens = |count: fn(Usage) -> Option<u64>| reply.usage.and_then(count).unwrap_or(0);
        Self {
            requests: 1,
            prompt_tokens: tokens(|usage| usage.prompt_tokens),
            completion_tokens: tokens(|usage| usage.completion_tokens),
            total_tokens: tokens(|usage| usage.total_tokens),
        }
    }

    pub fn add(&mut self, more: Self) {
        self.requests = self.requests.saturating_add(more.requests);
        self.prompt_tokens = self.prompt_tokens.saturating_add(more.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(more.completion_tokens);
        self.total_tokens = self.total_tokens.saturating_add(more.total_tokens);
    }
}

/// What several requests cost together; nothing for one.
impl fmt::Display for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.requests {
            0 | 1 => Ok(()),
            requests => write!(f, "{} tokens in {requests} requests", self.total_tokens),
        }
    }
}
