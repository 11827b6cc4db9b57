//! One request of many: asked until its reply is valid, and made into a
//! result.

use crate::batch::results::result_line::{RecordedResponse, RequestError, ResultRecord, body};
use crate::batch::source::request_line::BatchRequest;
use crate::chat::reply::Retention;
use crate::chat::turn::{CheckedReply, ReplyPolicy};
use crate::error::{Error, Result};
use crate::exchange::{Answer, Exchange, ExchangeOutcome, NoObserver, TotalUsage};
use crate::net::client::Client;

/// What all requests of a run have in common.
pub struct RequestPolicy {
    /// For requests without a format of their own.
    pub reply: ReplyPolicy,
    /// For requests with one.
    pub own_format: ReplyPolicy,
    /// An error in words, with what can be done about it.
    pub describe: fn(&Error) -> String,
}

pub struct Worker<'a> {
    pub client: &'a Client,
    pub policy: &'a RequestPolicy,
}

impl Worker<'_> {
    /// Sends a request and returns what came of it; `None` if the run was
    /// ended before an answer came.
    pub fn perform(&self, mut request: BatchRequest) -> Option<ResultRecord> {
        let RequestPolicy { reply, own_format, .. } = self.policy;
        let exchange = Exchange {
            client: self.client,
            policy: if request.has_default_format { reply } else { own_format },
            streams: false,
            with_payloads: true,
            retention: Retention { text: true, response: true },
        };
        let outcome = exchange.ask_until_valid(&mut request, &mut NoObserver);
        let ExchangeOutcome { answer, rejected, spent } = outcome;
        Some(match (answer, rejected) {
            (Err(Error::Stopped), None) => return None,
            (Ok(answer), _) => self.record(request.id, spent, answer, None),
            // The invalid reply before it was paid for.
            (Err(error), Some(rejected)) => self.record(request.id, spent, rejected, Some(error)),
            (Err(error), None) => self.failed(request.id, spent, error),
        })
    }

    /// The result of a request that was answered, be its reply valid or not.
    fn record(
        &self,
        id: String,
        spent: TotalUsage,
        answer: Answer,
        error: Option<Error>,
    ) -> ResultRecord {
        let (response, unjoined) = recorded(&answer)
            .map_or_else(|error| (None, Some(error)), |response| (Some(response), None));
        let text = answer.checked.text().to_owned();
        let raw = answer.checked.reply.text.clone();
        let judged = error.or(unjoined).map_or_else(|| answer.checked.conclude(), Err);
        match judged {
            Ok(()) => ResultRecord { id, response, fault: None, text, tokens: spent },
            Err(error) => {
                let fault = Some(RequestError::new(&error, (self.policy.describe)(&error)));
                ResultRecord { id, response, fault, text: raw, tokens: spent }
            }
        }
    }

    /// The result of a request that was not answered, or refused.
    fn failed(&self, id: String, spent: TotalUsage, error: Error) -> ResultRecord {
        let fault = Some(RequestError::new(&error, (self.policy.describe)(&error)));
        let response = match error {
            Error::Server(server) => server.http_status.map(|status_code| RecordedResponse {
                status_code,
                request_id: server.request_id.unwrap_or_default(),
                body: body(&server.body),
            }),
            _ => None,
        };
        ResultRecord { id, response, fault, text: String::new(), tokens: spent }
    }
}

/// The server's response to a request that was answered.
fn recorded(answer: &Answer) -> Result<RecordedResponse> {
    let Answer { checked: CheckedReply { reply, calls, .. }, trace } = answer;
    Ok(RecordedResponse {
        status_code: trace.status.unwrap_or_default(),
        request_id: trace.request_id.clone().unwrap_or_default(),
        body: body(&reply.response.finish(&reply.text, calls)?),
    })
}
