//! Responses that are not usable: error statuses, redirects, pages of web
//! firewalls and encoded bodies.

use std::io::Read;
use std::time::SystemTime;

use ureq::http::response::Parts;
use ureq::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::error::{Error, ServerError};
use crate::net::retry;
use crate::wire::{error_body, markup};

/// How much of an error body is read: 64 KiB.
const BODY_LIMIT: u64 = 64 << 10;

/// Headers with which web firewalls mark their answers: Cloudflare, AWS and
/// Sucuri.
const FIREWALL_HEADERS: [&str; 3] = ["cf-mitigated", "x-amzn-waf-action", "x-sucuri-block"];

/// The value of a header; `None` if it is missing or not visible ASCII.
pub fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Builds the error for a response that is not 2xx. Its texts are the server's
/// own, neither shortened nor masked.
pub fn error_response(head: &Parts, body: impl Read) -> Error {
    // Those that announce a response, such as 100, are not the last of it.
    if head.status.is_informational() {
        return Error::NoReply {
            status: number_and_name(head.status),
            flaw: "which gravix did not ask for",
        };
    }
    if head.status.is_redirection() {
        let target = head.headers.get(header::LOCATION).map(HeaderValue::as_bytes);
        return Error::NotApi(format!(
            "the server redirects to {}, which gravix does not follow; set the base URL to match",
            String::from_utf8_lossy(target.unwrap_or(b"an unknown address"))
        ));
    }
    let mut bytes = Vec::new();
    // If the body breaks off, its beginning is still worth reporting.
    let _ = body.take(BODY_LIMIT).read_to_end(&mut bytes);
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let is_readable = ensure_not_encoded(&head.headers).is_ok();
    let parsed = if is_readable { error_body::parse(&bytes) } else { ServerError::default() };
    let is_firewall = is_firewall(head, &body);
    let refuser = is_firewall.then(|| refuser(&body));
    let request_id = header_text(&head.headers, "x-request-id").map(str::to_owned);
    ServerError {
        http_status: Some(head.status.as_u16()),
        message: message(head.status, &parsed.message, refuser),
        is_firewall,
        request_id: parsed.request_id.or(request_id),
        retry_after: retry::requested_wait(
            header_text(&head.headers, "retry-after"),
            header_text(&head.headers, "retry-after-ms"),
            SystemTime::now(),
        )
        .or(parsed.retry_after),
        body,
        should_retry: header_text(&head.headers, "x-should-retry")
            .and_then(|value| value.parse().ok()),
        ..parsed
    }
    .into()
}

/// The server's words, or else the name of the status. The title of a page
/// begins with the number of the status, which is shown already. `refuser` is who
/// refused the request, if it was not the API.
fn message(status: StatusCode, words: &str, refuser: Option<&str>) -> String {
    let number = status.as_str();
    let words = words.strip_prefix(number).map_or(words, |rest| {
        let name = rest.trim_start_matches([' ', ':', '-', '|', '\u{2013}', '\u{2014}']);
        if name.len() < rest.len() || name.is_empty() { name } else { words }
    });
    match (refuser, words) {
        (Some(refuser), "") => format!("{refuser} refused the request"),
        (Some(refuser), words) => format!("{refuser} refused the request: {words}"),
        (None, "") => name(status).to_owned(),
        (None, words) => words.to_owned(),
    }
}

/// Who sent this page in place of the API: a web server signs its own pages.
fn refuser(body: &str) -> &'static str {
    const SIGNATURES: [&str; 4] =
        ["<hr><center>nginx", "<hr><center>openresty", "<address>Apache", "<h1>403 - Forbidden"];
    match SIGNATURES.iter().any(|signature| body.contains(signature)) {
        true => "a web server in front of the API",
        false => "a web firewall",
    }
}

/// The name of a status; empty if it has none.
fn name(status: StatusCode) -> &'static str {
    match status.as_u16() {
        // Cloudflare's, about the server behind it.
        520 => "Web server returned an unknown error",
        521 => "Web server is down",
        522 => "Connection timed out",
        523 => "Origin is unreachable",
        524 => "A timeout occurred",
        525 => "SSL handshake failed",
        526 => "Invalid SSL certificate",
        527 => "Railgun error",
        529 => "Service is overloaded",
        530 => "Origin DNS error",
        _ => status.canonical_reason().unwrap_or_default(),
    }
}

/// Whether a web firewall answered, before the server could. A server of an API
/// refuses a key with JSON or plain text.
fn is_firewall(head: &Parts, body: &str) -> bool {
    let is_marked = FIREWALL_HEADERS.iter().any(|name| head.headers.contains_key(*name));
    let is_page = || {
        let content_type = header_text(&head.headers, "content-type").unwrap_or_default();
        let content_type = content_type.to_ascii_lowercase();
        let is_json = body.trim_start().starts_with(['{', '[']);
        let is_html = content_type.starts_with("text/html") && !body.trim().is_empty() && !is_json;
        is_html || markup::is_html(body)
    };
    // Cloudflare's, as text and as JSON.
    let is_cloudflare =
        || body.trim().starts_with("error code: 10") || body.contains("\"cloudflare_error\"");
    is_marked || head.status == StatusCode::FORBIDDEN && (is_page() || is_cloudflare())
}

/// The error for a success without a body, such as 204.
pub fn empty_response(status: StatusCode) -> Error {
    Error::NoReply { status: number_and_name(status), flaw: "with an empty body" }
}

fn number_and_name(status: StatusCode) -> String {
    format!("{} {}", status.as_u16(), name(status)).trim_end().to_owned()
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
