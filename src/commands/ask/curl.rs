//! A request as a command for curl: what a shell makes of it is the request
//! that gravix would send. Sends nothing.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::net::base_url::BaseUrl;
use crate::net::endpoint::Endpoint;
use crate::settings::key::KeySource;

/// The word that ends the body. No line of JSON is this word.
const END: &str = "GRAVIX";

/// The command up to the request's body, which follows as a here-document;
/// the key stands in it as where it is kept.
///
/// # Errors
/// [`Error::Usage`] for the stand-in, which curl cannot reach.
pub fn head(endpoint: &Endpoint, key: Option<&KeySource>, streams: bool) -> Result<String> {
    let BaseUrl::Http { url, .. } = &endpoint.base_url else {
        let message = "curl cannot reach mock:, which is inside gravix";
        return Err(Error::Usage(message.to_owned()));
    };
    let mut parts = vec![quoted(&format!("{url}/chat/completions"))];
    let mut has_type = false;
    for (name, value) in &endpoint.headers {
        has_type |= name.eq_ignore_ascii_case("content-type");
        // curl leaves out a header without a value, unless it is told so.
        let end = if value.is_empty() { ";".to_owned() } else { format!(": {value}") };
        parts.push(format!("-H {}", quoted(&(name.clone() + &end))));
    }
    if !has_type {
        parts.push("-H 'Content-Type: application/json'".to_owned());
    }
    parts.extend(key.map(|key| format!("-H \"Authorization: Bearer {}\"", expression(key))));
    parts.push(format!("--connect-timeout {}", endpoint.timeouts.connect.as_secs_f64()));
    let deadline = endpoint.timeouts.deadline;
    parts.extend(deadline.map(|deadline| format!("--max-time {}", deadline.as_secs_f64())));
    if let Some(file) = &endpoint.ca_file {
        parts.push(format!("--cacert {}", quoted(&file.display().to_string())));
    }
    let mut command = format!("curl -sS{} {}", if streams { "N" } else { "" }, parts.remove(0));
    for part in parts {
        let _ = write!(command, " \\\n  {part}");
    }
    let _ = writeln!(command, " \\\n  -d @- <<'{END}'");
    Ok(command)
}

/// What follows the body.
pub fn tail() -> String {
    format!("\n{END}\n")
}

/// What a shell makes the key of, within double quotes.
fn expression(key: &KeySource) -> String {
    match key {
        KeySource::Default | KeySource::Variable(_) => format!("${key}"),
        KeySource::File(path) => format!("$(cat {})", quoted(&path.display().to_string())),
        // The command may end in a comment.
        KeySource::Command(command) => format!("$({command}\n)"),
    }
}

/// `text` as one word of a shell's command.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
