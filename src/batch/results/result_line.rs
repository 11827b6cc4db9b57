//! The result of a request, and the line it is written as: a line of the Batch
//! API's output, or only the reply's text.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use crate::batch::fingerprint::Fingerprint;
use crate::batch::source::invalid_request::InvalidRequest;
use crate::batch::source::request_line;
use crate::batch::table::row_format::RowFormat;
use crate::blame::Blame;
use crate::error::{EarlyEnd, Error, NetworkError, ServerError, Status};
use crate::exchange::total_usage::TotalUsage;
use crate::files::lines::Separator;
use crate::json;

/// About as many bytes as a line has besides the response's body.
const LINE_WITHOUT_BODY: usize = 256;

/// How a result is written.
#[derive(Clone)]
pub enum ResultFormat {
    /// A JSON object of the Batch API, on one line.
    Batch,
    /// The reply's text. With [`Separator::Newline`] it is escaped as in a JSON
    /// string, with [`Separator::Nul`] it is unchanged.
    Text(Separator),
    /// The row of the input with the reply and the error.
    Row(Arc<RowFormat>),
}

impl ResultFormat {
    /// Whether a run can be resumed from the lines.
    pub fn is_batch(&self) -> bool {
        matches!(self, Self::Batch)
    }
}

/// The result of a request: a success, or a failure with its error.
#[derive(Debug, Default)]
pub struct ResultRecord {
    pub id: String,
    /// Of the request; `None` for a line that is not one.
    pub fingerprint: Option<Fingerprint>,
    pub response: Option<RecordedResponse>,
    /// Set if the request failed.
    pub error: Option<RequestError>,
    /// The text of the reply, valid or not.
    pub text: String,
    /// The beginning of the row that is written.
    pub row: Vec<u8>,
    pub tokens: TotalUsage,
    /// How long it took. `None` if it was not sent.
    pub took: Option<Duration>,
    /// A warning about a reply that counts as a success.
    pub warning: Option<String>,
}

/// The server's response.
#[derive(Debug, Serialize)]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status_code: u16,
    /// The server's id for the request; empty if it sent none.
    pub request_id: String,
    pub body: Box<RawValue>,
}

/// Why a request failed.
#[derive(Debug, Serialize)]
pub struct RequestError {
    /// The kind of error, in one word.
    pub code: String,
    pub message: String,
    /// The exit status of a run that failed only for this reason.
    #[serde(skip)]
    pub status: u8,
    #[serde(skip)]
    pub blame: Blame,
}

impl RequestError {
    /// `message` describes `error`, with a hint for the user.
    pub fn new(error: &Error, message: String) -> Self {
        let status = match error.status() {
            Status::Exit(status) | Status::Quiet(status) => status,
            Status::Signal(_) => 70,
        };
        Self { code: code(error), message, status, blame: error.blame() }
    }
}

fn code(error: &Error) -> String {
    match error {
        Error::Server(server) => return server_code(server),
        Error::EndedEarly(EarlyEnd::Length(_)) => "length",
        Error::EndedEarly(EarlyEnd::ContentFilter(_)) => "content_filter",
        Error::EndedEarly(EarlyEnd::Refusal(_)) => "refusal",
        Error::EndedEarly(EarlyEnd::NoText | EarlyEnd::OnlyThoughts) => "no_text",
        Error::Format { .. } => "invalid_reply",
        Error::Protocol(_)
        | Error::NotApi(_)
        | Error::WrongScheme(_)
        | Error::NoReply { .. }
        | Error::CannotJoin => "protocol",
        Error::ReplyTooLong { .. } => "reply_too_long",
        Error::Network(network) => match network {
            NetworkError::Resolve { .. } => "lookup",
            NetworkError::Connect { .. } => "connect",
            NetworkError::Proxy { .. } => "proxy",
            NetworkError::Tls { .. } => "tls",
            NetworkError::ConnectTimeout(_) => "connect_timeout",
            NetworkError::Unanswered => "no_answer",
            NetworkError::Silence(_) => "idle_timeout",
            NetworkError::Deadline(_) => "deadline",
            NetworkError::EmptyBody | NetworkError::Cut(_) => "cut",
            NetworkError::GaveUp(_) => "gave_up",
        },
        Error::ProxyLogin { .. } => "proxy",
        Error::Certificate { .. } | Error::TlsMismatch { .. } => "tls",
        Error::Input(_) => "invalid_request",
        Error::Limit { .. } => "limit",
        _ => "error",
    }
    .to_owned()
}

fn server_code(error: &ServerError) -> String {
    let code = error.code.clone().or_else(|| error.kind.clone());
    code.or_else(|| Some(format!("http_{}", error.http_status?)))
        .unwrap_or_else(|| "server_error".to_owned())
}

/// A response body as JSON on one line, with null for numbers that JSON does not
/// have. A body that is not JSON becomes a string.
pub fn json_body(text: &str) -> Box<RawValue> {
    // Checked before it is compacted: `12 34` would become valid JSON.
    let compact = |text: &str| {
        let json = serde_json::from_str::<&RawValue>(text).ok()?;
        match json::compact(json.get()) {
            compacted if compacted == json.get() => Some(json.to_owned()),
            compacted => RawValue::from_string(compacted).ok(),
        }
    };
    compact(text)
        .or_else(|| compact(&json::without_non_finite(text)?))
        .unwrap_or_else(|| to_raw_value(text.trim()).expect("a string is JSON"))
}

impl ResultRecord {
    /// The failure of a record of the input that is not a request.
    pub fn of_invalid(number: u64, invalid: &InvalidRequest, row: Vec<u8>) -> Self {
        let error = Error::Input(invalid.reason.clone());
        Self {
            id: request_line::id_or(invalid.id.as_deref(), number).into_owned(),
            error: Some(RequestError::new(&error, error.to_string())),
            row,
            ..Self::default()
        }
    }

    /// The class that a failure is counted in: its HTTP status, or the error's
    /// code if the status is a success. `None` for a success.
    pub fn failure_class(&self) -> Option<String> {
        let error = self.error.as_ref()?;
        let status = self.response.as_ref().map(|response| response.status_code);
        let failed = status.filter(|status| !(200..300).contains(status));
        Some(failed.map_or_else(|| error.code.clone(), |status| status.to_string()))
    }

    /// The line, with its separator. As text, a failure is empty.
    pub fn line(&self, format: &ResultFormat) -> Vec<u8> {
        let separator = match format {
            ResultFormat::Row(format) => {
                let mut row = self.row.clone();
                let error = self.error.as_ref().map(|error| error.message.as_str());
                format.finish(&mut row, error.map_or(Ok(&self.text), Err));
                return row;
            }
            ResultFormat::Batch => {
                let Self { id: custom_id, fingerprint, response, error, took, .. } = self;
                let id = match fingerprint {
                    Some(fingerprint) => fingerprint.to_string(),
                    None => format!("batch_req_{:032x}", fastrand::u128(..)),
                };
                let seconds = took.map(|took| took.as_millis() as f64 / 1000.0);
                let body = response.as_ref().map_or(0, |response| response.body.get().len());
                let mut line = Vec::with_capacity(body + LINE_WITHOUT_BODY);
                let output = OutputLine { id, custom_id, response, error, seconds };
                serde_json::to_writer(&mut line, &output).expect("a result has no maps");
                line.push(b'\n');
                return line;
            }
            ResultFormat::Text(separator) => *separator,
        };
        let text = if self.error.is_none() { self.text.as_str() } else { "" };
        let mut text = match separator {
            Separator::Nul => text.to_owned(),
            Separator::Newline => {
                let quoted = serde_json::Value::from(text).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
        }
        .into_bytes();
        text.push(separator.byte());
        text
    }
}

/// A line of the Batch API's output, as it is written.
#[derive(Serialize)]
struct OutputLine<'a> {
    id: String,
    custom_id: &'a str,
    response: &'a Option<RecordedResponse>,
    error: &'a Option<RequestError>,
    /// With three decimals.
    #[serde(skip_serializing_if = "Option::is_none")]
    seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(text: &str, error: Option<RequestError>) -> ResultRecord {
        let response = RecordedResponse {
            status_code: 200,
            request_id: "r".to_owned(),
            body: json_body("{ \"a\" :\n 1.50 }"),
        };
        let (id, text) = ("é\"1".to_owned(), text.to_owned());
        let (fingerprint, response) = (Some(Fingerprint::of("{}")), Some(response));
        ResultRecord { id, fingerprint, response, error, text, ..ResultRecord::default() }
    }

    #[test]
    fn a_line_has_the_fingerprint_of_its_request() {
        let line = result("hi", None).line(&ResultFormat::Batch);
        let text = String::from_utf8(line).expect("the line is UTF-8");
        let start = format!("{{\"id\":\"{}\",\"custom_id\":", Fingerprint::of("{}"));
        assert!(text.starts_with(&start) && text.ends_with("\"error\":null}\n"), "{text}");
        assert!(text.contains(r#""body":{"a":1.50}"#), "{text}");
    }

    #[test]
    fn a_line_of_a_request_that_was_sent_has_its_seconds() {
        let took = Some(Duration::from_micros(412_900));
        let line = ResultRecord { took, ..result("hi", None) }.line(&ResultFormat::Batch);
        assert!(line.ends_with(b"\"error\":null,\"seconds\":0.412}\n"), "{line:?}");
    }

    #[test]
    fn a_text_is_written_as_one_record() {
        let result = result("a\n\"b\"\\\u{1b}é", None);
        let newline = ResultFormat::Text(Separator::Newline);
        assert_eq!(result.line(&newline), "a\\n\\\"b\\\"\\\\\\u001bé\n".as_bytes());
        let nul = ResultFormat::Text(Separator::Nul);
        assert_eq!(result.line(&nul), "a\n\"b\"\\\u{1b}é\0".as_bytes());
    }
}
