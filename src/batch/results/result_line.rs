//! What became of a request, as a line of output: that of the Batch API, or
//! the reply's text alone.

use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

use crate::batch::source::request_line::{self, InvalidRequest};
use crate::error::{EarlyEnd, Error, NetworkError, ServerError, Status};
use crate::exchange::TotalUsage;
use crate::files::lines::Separator;
use crate::json;

/// What a line of output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResultFormat {
    /// An object of the Batch API.
    Batch,
    /// The reply's text: as inside a JSON string where newlines end it, and
    /// as it is where NULs do.
    Text(Separator),
}

/// What became of one request.
#[derive(Debug)]
pub struct ResultRecord {
    pub id: String,
    pub response: Option<RecordedResponse>,
    /// Why it failed.
    pub fault: Option<RequestError>,
    /// The reply's, whatever it is worth.
    pub text: String,
    pub tokens: TotalUsage,
}

/// What the server answered.
#[derive(Debug, Serialize)]
pub struct RecordedResponse {
    /// The HTTP status.
    pub status_code: u16,
    /// The server's name for the request; empty where it gave none.
    pub request_id: String,
    pub body: Box<RawValue>,
}

#[derive(Debug, Serialize)]
pub struct RequestError {
    pub code: String,
    pub message: String,
    /// The exit status that stands for it.
    #[serde(skip)]
    pub status: u8,
}

impl RequestError {
    /// The fault that `error` is, with its own message.
    pub fn new(error: &Error, message: String) -> Self {
        let status = match error.status() {
            Status::Exit(status) | Status::Quiet(status) => status,
            Status::Signal(_) => 70,
        };
        Self { code: code(error), message, status }
    }
}

/// The kind of an error in one word.
fn code(error: &Error) -> String {
    match error {
        Error::Server(server) => return server_code(server),
        Error::EndedEarly(EarlyEnd::Length) => "length",
        Error::EndedEarly(EarlyEnd::ContentFilter) => "content_filter",
        Error::EndedEarly(EarlyEnd::Refusal(_)) => "refusal",
        Error::EndedEarly(EarlyEnd::NoText) => "no_text",
        Error::Format { .. } => "invalid_reply",
        Error::Protocol(_) | Error::NestedTooDeeply => "protocol",
        Error::Network(network) => match network {
            NetworkError::Resolve { .. } => "lookup",
            NetworkError::Connect { .. } => "connect",
            NetworkError::Proxy { .. } => "proxy",
            NetworkError::Tls { .. } => "tls",
            NetworkError::ConnectTimeout(_) => "connect_timeout",
            NetworkError::Unanswered => "no_answer",
            NetworkError::Silence(_) => "idle_timeout",
            NetworkError::Deadline(_) => "deadline",
            NetworkError::Cut(_) => "cut",
        },
        Error::Input(_) => "invalid_request",
        _ => "error",
    }
    .to_owned()
}

fn server_code(error: &ServerError) -> String {
    let told = error.code.clone().or_else(|| error.kind.clone());
    told.or_else(|| Some(format!("http_{}", error.http_status?)))
        .unwrap_or_else(|| "server_error".to_owned())
}

/// The server's JSON on one line; a body that is not JSON becomes a string.
pub fn body(text: &str) -> Box<RawValue> {
    // Without its white space `12 34` would be JSON.
    let json = serde_json::from_str::<&RawValue>(text).ok();
    json.and_then(|json| RawValue::from_string(json::compact(json.get())).ok())
        .unwrap_or_else(|| to_raw_value(text.trim()).expect("a string is JSON"))
}

impl ResultRecord {
    /// That of a line that is no request.
    pub fn of_bad_line(number: u64, fault: &InvalidRequest) -> Self {
        let error = Error::Input(fault.reason.clone());
        Self {
            id: request_line::id_or(fault.id.as_deref(), number).into_owned(),
            response: None,
            fault: Some(RequestError::new(&error, error.to_string())),
            text: String::new(),
            tokens: TotalUsage::default(),
        }
    }

    /// What it is counted under where it failed: the HTTP status that says
    /// so, or else the fault's code.
    pub fn class(&self) -> Option<String> {
        let fault = self.fault.as_ref()?;
        let refused = self.response.as_ref().map(|response| response.status_code);
        let refused = refused.filter(|status| !(200..300).contains(status));
        Some(refused.map_or_else(|| fault.code.clone(), |status| status.to_string()))
    }

    /// The line, with its end. Of a request that failed no text is left.
    pub fn line(&self, format: ResultFormat) -> Vec<u8> {
        let separator = match format {
            ResultFormat::Batch => {
                let id = format!("batch_req_{:032x}", fastrand::u128(..));
                let Self { id: custom_id, response, fault: error, .. } = self;
                let line = serde_json::to_vec(&OutputLine { id, custom_id, response, error });
                let mut line = line.expect("a value without maps");
                line.push(b'\n');
                return line;
            }
            ResultFormat::Text(separator) => separator,
        };
        let text = if self.fault.is_none() { self.text.as_str() } else { "" };
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

/// A line of the Batch API's output.
#[derive(Serialize)]
struct OutputLine<'a> {
    id: String,
    custom_id: &'a str,
    response: &'a Option<RecordedResponse>,
    error: &'a Option<RequestError>,
}

/// What a line of output tells, when it is read again.
#[derive(Debug, PartialEq, Eq)]
pub struct ParsedResult {
    pub id: String,
    pub is_good: bool,
}

impl ParsedResult {
    /// # Errors
    /// Why the line is no line of output.
    pub fn read(line: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct StoredLine<'a> {
            #[serde(borrow)]
            custom_id: std::borrow::Cow<'a, str>,
            // Neither may be left out.
            #[serde(deserialize_with = "Option::deserialize")]
            response: Option<StoredStatus>,
            #[serde(deserialize_with = "Option::deserialize")]
            error: Option<serde::de::IgnoredAny>,
        }
        #[derive(Deserialize)]
        struct StoredStatus {
            status_code: u16,
        }
        let line: StoredLine = serde_json::from_slice(line)?;
        let is_success = line.response.is_some_and(|head| (200..300).contains(&head.status_code));
        Ok(Self { id: line.custom_id.into_owned(), is_good: is_success && line.error.is_none() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(text: &str, fault: Option<RequestError>) -> ResultRecord {
        let response = RecordedResponse {
            status_code: 200,
            request_id: "r".to_owned(),
            body: body("{ \"a\" :\n 1.50 }"),
        };
        let (id, text) = ("é\"1".to_owned(), text.to_owned());
        let tokens = TotalUsage::default();
        ResultRecord { id, response: Some(response), fault, text, tokens }
    }

    #[test]
    fn a_line_is_read_as_it_was_meant() {
        let line = outcome("hi", None).line(ResultFormat::Batch);
        let text = String::from_utf8(line.clone()).expect("UTF-8");
        assert!(text.starts_with("{\"id\":\"batch_req_") && text.ends_with("\"error\":null}\n"));
        assert!(text.contains(r#""body":{"a":1.50}"#), "{text}");
        let told = ParsedResult::read(&line).expect("a line of output");
        assert_eq!(told, ParsedResult { id: "é\"1".to_owned(), is_good: true });
        let fault = RequestError::new(
            &Error::Format { reason: String::new(), early_end: None },
            "no".to_owned(),
        );
        let line = outcome("hi", Some(fault)).line(ResultFormat::Batch);
        assert!(!ParsedResult::read(&line).expect("a line of output").is_good);
    }

    #[test]
    fn what_is_no_line_of_output_is_told() {
        for line in [
            "{}",
            r#"{"custom_id":"a","response":null}"#,
            r#"{"custom_id":1,"response":null,"error":null}"#,
            r#"{"custom_id":"a","response":{},"error":null}"#,
            r#"{"custom_id":"a","response":null,"error":null"#,
        ] {
            assert!(ParsedResult::read(line.as_bytes()).is_err(), "{line}");
        }
    }

    #[test]
    fn a_text_is_one_record() {
        let outcome = outcome("a\n\"b\"\\\u{1b}é", None);
        let newline = ResultFormat::Text(Separator::Newline);
        assert_eq!(outcome.line(newline), "a\\n\\\"b\\\"\\\\\\u001bé\n".as_bytes());
        let nul = ResultFormat::Text(Separator::Nul);
        assert_eq!(outcome.line(nul), "a\n\"b\"\\\u{1b}é\0".as_bytes());
    }
}
