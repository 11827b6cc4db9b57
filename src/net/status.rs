//! A status other than a success: what the server says of it, and what the
//! user can do.

use std::io::Read;
use std::time::SystemTime;

use ureq::http::response::Parts;
use ureq::http::{HeaderMap, HeaderValue, header};

use crate::error::{Error, ServerError};
use crate::net::retry;
use crate::wire::error_body;

/// No more of an error's body is read: 64 KiB.
const BODY_LIMIT: u64 = 64 << 10;

/// The value of a header that is text.
pub fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The error that an answer's head and body stand for. Its text is the
/// server's, uncut and unmasked.
pub fn read(head: &Parts, body: impl Read, base_url: &str) -> Error {
    if head.status.is_redirection() {
        let target = head.headers.get(header::LOCATION).map(HeaderValue::as_bytes);
        return Error::Protocol(format!(
            "gravix follows no redirects: set the base URL accordingly; the server redirects to {}",
            String::from_utf8_lossy(target.unwrap_or(b"an unknown place"))
        ));
    }
    let mut text_of_body = Vec::new();
    // What can be read of the message is better than nothing.
    let _ = body.take(BODY_LIMIT).read_to_end(&mut text_of_body);
    let is_html = error_body::is_html(&text_of_body);
    if is_html && matches!(head.status.as_u16(), 400 | 404 | 405) {
        return error_body::html(base_url);
    }
    let is_readable = !is_html && ensure_identity(&head.headers).is_ok();
    let parsed =
        if is_readable { error_body::parse(&text_of_body) } else { ServerError::default() };
    let reason = head.status.canonical_reason().unwrap_or_default();
    let request_id = text(&head.headers, "x-request-id").map(str::to_owned);
    ServerError {
        http_status: Some(head.status.as_u16()),
        message: Some(parsed.message)
            .filter(|message| !message.is_empty())
            .unwrap_or(reason.into()),
        request_id: parsed.request_id.or(request_id),
        retry_after: retry::requested_wait(
            text(&head.headers, "retry-after"),
            text(&head.headers, "retry-after-ms"),
            SystemTime::now(),
        ),
        body: String::from_utf8_lossy(&text_of_body).into_owned(),
        should_retry: text(&head.headers, "x-should-retry").and_then(|wish| wish.parse().ok()),
        ..parsed
    }
    .into()
}

/// gravix asks for no encoding, and reads none.
///
/// # Errors
/// [`Error::Protocol`] for any `Content-Encoding` but identity.
pub fn ensure_identity(headers: &HeaderMap) -> Result<(), Error> {
    for encoding in headers.get_all(header::CONTENT_ENCODING) {
        let name = encoding.as_bytes().trim_ascii();
        if !name.is_empty() && !name.eq_ignore_ascii_case(b"identity") {
            let name = String::from_utf8_lossy(name);
            return Err(Error::Protocol(format!(
                "the reply is encoded as {name}, which gravix did not ask for"
            )));
        }
    }
    Ok(())
}
