//! A worker, which sends a request until its reply is valid and makes a result
//! of it.

use std::sync::Arc;

use crate::batch::results::result_line::{RecordedResponse, RequestError, ResultRecord, json_body};
use crate::batch::results::stored_reply::ResultJudge;
use crate::batch::row::Row;
use crate::blame::{Blame, Repeat};
use crate::chat::reply::Retention;
use crate::chat::schema::SchemaPattern;
use crate::chat::turn::{CheckedReply, ReplyPolicy};
use crate::error::{Error, Result, ServerError};
use crate::exchange::{Answer, AskAgain, Attempt, Exchange, ReplyObserver};
use crate::net::client::Client;

/// What replies must be, and how errors are described; the same for all
/// requests of a run.
pub struct RequestPolicy {
    pub replies: Arc<ReplyPolicies>,
    /// Describes an error with a hint for the user, its secrets masked.
    pub describe: Box<dyn Fn(&Error) -> String + Send + Sync>,
    /// The warning about a reply that counts as a success.
    pub warning: fn(&CheckedReply) -> Option<String>,
    /// Is called with the id of a request and what concerns its schema.
    pub report: SchemaReporter,
    /// Is called with the id of a request each time that it was sent.
    pub attempted: AttemptReporter,
}

/// What the replies must be.
pub struct ReplyPolicies {
    /// For requests in the format of the options.
    pub default: ReplyPolicy,
    /// For requests that set their own `response_format`.
    pub own_format: ReplyPolicy,
}

impl ReplyPolicies {
    /// Judges stored replies as new ones are judged.
    pub fn judge(&self) -> ResultJudge<'_> {
        ResultJudge { default: &self.default, own_format: &self.own_format }
    }
}

pub type AttemptReporter = Box<dyn Fn(&str, &Attempt<'_>) + Send + Sync>;

pub type SchemaReporter = Box<dyn Fn(&str, &SchemaNotice<'_>) + Send + Sync>;

/// What a request has to do with its schema.
pub enum SchemaNotice<'a> {
    /// The server may have refused the schema of a choice, and is asked again without.
    Refused(&'a ServerError),
    /// The server refused to keep to it strictly, and is not asked to again.
    StrictRefused(&'a ServerError),
    /// The reply was not checked against this pattern, which took too long.
    Unchecked(&'a SchemaPattern),
}

/// Reports what concerns one request.
struct RequestObserver<'a> {
    id: String,
    policy: &'a RequestPolicy,
}

impl ReplyObserver for RequestObserver<'_> {
    fn attempted(&mut self, attempt: &Attempt<'_>) {
        (self.policy.attempted)(&self.id, attempt);
    }

    fn unchecked(&mut self, patterns: &[SchemaPattern]) {
        for pattern in patterns {
            (self.policy.report)(&self.id, &SchemaNotice::Unchecked(pattern));
        }
    }

    fn asking_again(&mut self, why: &AskAgain<'_>) {
        let notice = match why {
            AskAgain::WithoutSchema(error) => SchemaNotice::Refused(error),
            AskAgain::WithoutStrict(error) => SchemaNotice::StrictRefused(error),
            AskAgain::Invalid(_) => return,
        };
        (self.policy.report)(&self.id, &notice);
    }
}

pub struct Worker<'a> {
    pub client: &'a Client,
    pub policy: &'a RequestPolicy,
}

/// What became of a row that was sent.
pub enum Processed {
    Result(Box<ResultRecord>),
    /// It failed for the world's reasons, and can be sent again.
    Outage(Error),
    /// The run was stopped before there was a result.
    Stopped,
}

impl Worker<'_> {
    /// Sends a row until its reply is valid or it fails.
    pub fn process(&self, row: &mut Row) -> Processed {
        let ReplyPolicies { default, own_format } = &*self.policy.replies;
        let exchange = Exchange {
            client: self.client,
            policy: if row.request.has_default_format { default } else { own_format },
            streams: false,
            with_payloads: true,
            retention: Retention { text: true, response: true },
        };
        let mut observer = RequestObserver { id: row.request.id.clone(), policy: self.policy };
        let Row { request, asking, .. } = row;
        match exchange.ask_until_valid(request, asking, &mut observer) {
            Ok(answer) => Processed::Result(self.policy.answered(row, answer, None).into()),
            Err(Error::Stopped) if row.asking.rejected.is_none() => Processed::Stopped,
            Err(error) if error.blame() == Blame::World && error.repeat() != Repeat::Never => {
                Processed::Outage(error)
            }
            Err(error) => Processed::Result(self.policy.failed(row, error).into()),
        }
    }
}

impl RequestPolicy {
    /// The result of a row that is not sent again after this error.
    pub fn failed(&self, row: &mut Row, error: Error) -> ResultRecord {
        match row.asking.rejected.take() {
            // Repairing the reply failed. The user paid for the invalid one.
            Some(rejected) => self.answered(row, *rejected, Some(error)),
            None => self.unanswered(row, error),
        }
    }

    /// The result of a request that got a reply, valid or not.
    fn answered(&self, row: &Row, answer: Answer, error: Option<Error>) -> ResultRecord {
        let (response, unrecorded) = recorded_response(&answer)
            .map_or_else(|error| (None, Some(error)), |response| (Some(response), None));
        let checked = answer.checked;
        let error = error.or(unrecorded).or_else(|| checked.failure());
        let warning = (self.warning)(&checked).filter(|_| error.is_none());
        let text = match &error {
            None => checked.into_text(),
            // All that the user paid for.
            Some(_) => checked.reply.text,
        };
        let error = error.map(|error| RequestError::new(&error, (self.describe)(&error)));
        let (id, tokens) = (row.request.id.clone(), row.asking.spent);
        let (fingerprint, took) = (Some(row.request.fingerprint), row.asking.took);
        let row = row.start.clone();
        ResultRecord { id, fingerprint, response, error, text, row, tokens, took, warning }
    }

    /// The result of a request that got no reply, or an error.
    fn unanswered(&self, row: &Row, error: Error) -> ResultRecord {
        let request_error = RequestError::new(&error, (self.describe)(&error));
        let response = match error {
            Error::Server(server) => server.http_status.map(|status_code| RecordedResponse {
                status_code,
                request_id: server.request_id.unwrap_or_default(),
                body: json_body(&server.body),
            }),
            _ => None,
        };
        ResultRecord {
            id: row.request.id.clone(),
            fingerprint: Some(row.request.fingerprint),
            response,
            error: Some(request_error),
            text: String::new(),
            row: row.start.clone(),
            tokens: row.asking.spent,
            took: row.asking.took,
            warning: None,
        }
    }
}

/// The server's response, as it is recorded in the result.
///
/// # Errors
/// [`Error::CannotJoin`] if the chunks of a stream cannot be joined.
fn recorded_response(answer: &Answer) -> Result<RecordedResponse> {
    let Answer { checked: CheckedReply { reply, calls, .. }, trace } = answer;
    Ok(RecordedResponse {
        status_code: trace.status.unwrap_or_default(),
        request_id: trace.request_id.clone().unwrap_or_default(),
        body: json_body(&reply.response(calls)?),
    })
}
