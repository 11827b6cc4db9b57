//! Conversions between ureq's errors and gravix's.

use std::io;

use crate::error::{Error, NetworkError};
use crate::net::clock::Clock;
use crate::wire::reply_error::cut;

/// Wraps a gravix error so that it can pass through ureq. [`request_error`]
/// unwraps it.
pub fn into_ureq(error: impl Into<Error>) -> ureq::Error {
    ureq::Error::Other(Box::new(error.into()))
}

/// Converts an error that came before the response body.
pub fn request_error(error: ureq::Error, clock: &Clock, base_url: &str) -> Error {
    match error {
        ureq::Error::Other(inner) => match inner.downcast::<Error>() {
            Ok(error) => *error,
            Err(other) => Error::Protocol(format!("unexpected HTTP error: {other}")),
        },
        ureq::Error::Timeout(reason) => clock.timeout_error(reason),
        // Reading the request's body can fail with a gravix error too, and TLS.
        ureq::Error::Io(error) => match error.downcast::<Error>() {
            Ok(error) if !(is_tls(&error) && clock.has_status_line()) => error,
            Ok(_) => cut("the connection was closed"),
            Err(_) if clock.has_status_line() => cut("the connection was closed"),
            Err(_) => NetworkError::Unanswered.into(),
        },
        ureq::Error::LargeResponseHeader(_, limit) => {
            Error::Protocol(format!("the response headers are longer than {limit} bytes"))
        }
        other => {
            let words = words(&other);
            let text = format!("{base_url} does not speak valid HTTP: {words}");
            // What TLS answers to HTTP has no version either.
            match words == "invalid HTTP version" && base_url.starts_with("http:") {
                true => Error::WrongScheme(text + "; it may be an https:// server"),
                false => Error::NotApi(text),
            }
        }
    }
}

/// An error of ureq's parser without the names of its parts.
fn words(error: &ureq::Error) -> String {
    let text = error.to_string();
    let words = text.strip_prefix("protocol: ").unwrap_or(&text);
    match words.strip_prefix("http parse ").unwrap_or(words) {
        "resulted in too many headers" => "the response has too many headers".to_owned(),
        words => words.strip_prefix("fail: ").unwrap_or(words).to_owned(),
    }
}

fn is_tls(error: &Error) -> bool {
    matches!(error, Error::Network(NetworkError::Tls { .. }) | Error::TlsMismatch { .. })
}

/// Converts an error inside the response body. [`io::ErrorKind::WouldBlock`]
/// stays as it is, because it only announces a wait.
pub fn body_error(error: io::Error, clock: &Clock) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        return error;
    }
    io::Error::other(match ureq::Error::from(error) {
        ureq::Error::Timeout(reason) => clock.timeout_error(reason),
        ureq::Error::Io(_) => cut("the connection was closed"),
        other => Error::Protocol(format!("the reply is not valid HTTP: {}", words(&other))),
    })
}
