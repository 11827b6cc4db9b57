//! One request of many: sent, and again where its reply is not what it must
//! be, and what became of it.

use crate::batch::results::result_line::{
    RecordedResponse, RequestError, ResultRecord, Tokens, body,
};
use crate::batch::source::request_line::BatchRequest;
use crate::chat::format::ReplyFormat;
use crate::chat::message::{Content, Message};
use crate::chat::reply::{Reply, Retention};
use crate::chat::tool_call::ToolCall;
use crate::error::{EarlyEnd, Error, Result};
use crate::net::client::{ChatRequest, Client, RequestTrace};
use crate::output::notes::Notes;

/// What all requests have in common.
pub struct ReplyPolicy {
    pub form: ReplyFormat,
    /// How often a reply of another form is asked for again.
    pub repairs: u32,
}

/// A whole reply.
struct Answer {
    reply: Reply,
    response: RecordedResponse,
    calls: Vec<ToolCall>,
}

pub struct Worker<'a> {
    pub client: &'a Client,
    pub demand: &'a ReplyPolicy,
    pub notes: &'a Notes,
}

impl Worker<'_> {
    /// Sends a request and receives what comes of it. `None` where the run was
    /// ended before an answer came.
    pub fn perform(&self, request: BatchRequest) -> Option<ResultRecord> {
        let mut repairs = self.demand.repairs;
        let mut tokens = Tokens::default();
        let mut wrong: Option<(Answer, Content)> = None;
        loop {
            let correction = wrong.as_ref().map(|(answer, fault)| {
                [Message::assistant(&answer.reply.text, &[]), Message::user(fault)]
            });
            let mut trace = RequestTrace::default();
            let correction = correction.as_ref().map_or(&[][..], |messages| messages);
            let (judged, answer) = match self.ask(&request, correction, &mut trace) {
                Ok(answer) => {
                    tokens.add(&answer.reply);
                    (self.judge(&answer, request.has_default_form), Some(answer))
                }
                // The reply before it was paid for.
                Err(error) => match (error, wrong) {
                    (Error::Stopped, None) => return None,
                    (error, wrong) => (Err(error), wrong.map(|(answer, _)| answer)),
                },
            };
            match (judged, answer) {
                (Err(Error::Format(fault)), Some(answer)) if repairs > 0 => {
                    repairs -= 1;
                    let fault = Content::Text(ReplyFormat::correction(&fault));
                    wrong = Some((answer, fault));
                }
                (judged, answer) => {
                    return Some(self.outcome(
                        request.id,
                        tokens,
                        judged,
                        answer,
                        trace.request_id,
                    ));
                }
            }
        }
    }

    fn ask(
        &self,
        request: &BatchRequest,
        correction: &[Message],
        trace: &mut RequestTrace,
    ) -> Result<Answer> {
        let sent = request.body(correction);
        let chat = ChatRequest { body: &sent, streams: false, wants_payloads: true };
        let mut reply = Reply::expected(Retention { text: true, response: true });
        for event in self.client.chat(&chat, trace)? {
            reply.add(&event?);
        }
        let calls = reply.calls.finish()?;
        let response = RecordedResponse {
            status_code: trace.status.unwrap_or_default(),
            request_id: trace.request_id.clone().unwrap_or_default(),
            body: body(&reply.response.finish(&reply.text, &calls)?),
        };
        Ok(Answer { reply, response, calls })
    }

    /// The text that a reply gives, in the form that was asked for.
    fn judge(&self, answer: &Answer, has_default_form: bool) -> Result<String> {
        let Answer { reply, calls, .. } = answer;
        if let Some(end) = reply.early_end() {
            return Err(Error::EndedEarly(end));
        }
        if !calls.is_empty() {
            return Ok(reply.text.clone());
        }
        if !reply.has_text {
            return Err(Error::EndedEarly(EarlyEnd::NoText));
        }
        let form = if has_default_form { &self.demand.form } else { &ReplyFormat::Text };
        form.check(&reply.text).map_err(Error::Format)
    }

    fn outcome(
        &self,
        id: String,
        tokens: Tokens,
        judged: Result<String>,
        answer: Option<Answer>,
        request_id: Option<String>,
    ) -> ResultRecord {
        let (reply, response) = answer.map(|answer| (answer.reply.text, answer.response)).unzip();
        let error = match judged {
            Ok(text) => return ResultRecord { id, response, fault: None, text, tokens },
            Err(error) => error,
        };
        let fault = RequestError::new(&error, self.notes.masked(error.to_string()));
        let response = response.or_else(|| match error {
            Error::Server(server) => Some(RecordedResponse {
                status_code: server.http_status?,
                request_id: request_id.unwrap_or_default(),
                body: body(&self.notes.masked(server.body)),
            }),
            _ => None,
        });
        ResultRecord { id, response, fault: Some(fault), text: reply.unwrap_or_default(), tokens }
    }
}
