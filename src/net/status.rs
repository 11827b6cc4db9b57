//! Responses that are not usable: error statuses, redirects and encoded bodies.

use std::io::Read;
use std::time::SystemTime;

use ureq::http::response::Parts;
use ureq::http::{HeaderMap, HeaderValue, header};

use crate::error::{Error, ServerError};
use crate::net::retry;
use crate::wire::error_body;

/// How much of an error body is read: 64 KiB.
const BODY_LIMIT: u64 = 64 << 10;

/// The value of a header; `None` if it is missing or not visible ASCII.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Builds the error for a response that is not 2xx. Its texts are the server's
/// own, neither shortened nor masked.
pub fn error_response(head: &Parts, body: impl Read, base_url: &str) -> Error {
    if head.status.is_redirection() {
        let target = head.headers.get(header::LOCATION).map(HeaderValue::as_bytes);
        return Error::Protocol(format!(
            "the server redirects to {}, which gravix does not follow; set the base URL to match",
            String::from_utf8_lossy(target.unwrap_or(b"an unknown address"))
        ));
    }
    let mut bytes = Vec::new();
    // If the body breaks off, its beginning is still worth reporting.
    let _ = body.take(BODY_LIMIT).read_to_end(&mut bytes);
    let is_html = error_body::is_html(&bytes);
    if is_html && matches!(head.status.as_u16(), 400 | 404 | 405) {
        return error_body::html(base_url);
    }
    let is_readable = !is_html && ensure_not_encoded(&head.headers).is_ok();
    let parsed = if is_readable { error_body::parse(&bytes) } else { ServerError::default() };
    let reason = head.status.canonical_reason().unwrap_or_default();
    let request_id = header_text(&head.headers, "x-request-id").map(str::to_owned);
    ServerError {
        http_status: Some(head.status.as_u16()),
        message: Some(parsed.message)
            .filter(|message| !message.is_empty())
            .unwrap_or(reason.into()),
        request_id: parsed.request_id.or(request_id),
        retry_after: retry::requested_wait(
            header_text(&head.headers, "retry-after"),
            header_text(&head.headers, "retry-after-ms"),
            SystemTime::now(),
        ),
        body: String::from_utf8_lossy(&bytes).into_owned(),
        should_retry: header_text(&head.headers, "x-should-retry")
            .and_then(|value| value.parse().ok()),
        ..parsed
    }
    .into()
}

/// Checks that the body has no `Content-Encoding`: gravix decodes none.
///
/// # Errors
/// [`Error::Protocol`] for any encoding other than `identity`.
pub fn ensure_not_encoded(headers: &HeaderMap) -> Result<(), Error> {
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
