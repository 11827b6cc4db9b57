//! A request as a curl command that sends what gravix would send.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::files::shell::quoted;
use crate::net::base_url::BaseUrl;
use crate::net::endpoint::Endpoint;
use crate::settings::key::KeySource;

/// The delimiter of the here-document. It cannot be a line of JSON.
const DELIMITER: &str = "GRAVIX";

/// The command up to the body, which follows as a here-document. The shell
/// inserts the key from where it is kept.
///
/// # Errors
/// [`Error::Usage`] for `mock:`, which curl cannot reach.
pub fn head(endpoint: &Endpoint, key: Option<&KeySource>, streams: bool) -> Result<String> {
    let BaseUrl::Http(url) = &endpoint.base_url else {
        let message = "curl cannot reach mock:, which runs inside gravix";
        return Err(Error::Usage(message.to_owned()));
    };
    let mut parts = vec![quoted(&url.endpoint("chat/completions"))];
    let mut has_content_type = false;
    for (name, value) in &endpoint.headers {
        has_content_type |= name.eq_ignore_ascii_case("content-type");
        // curl sends a header without a value only if a semicolon ends it.
        let rest = if value.is_empty() { ";".to_owned() } else { format!(": {value}") };
        parts.push(format!("-H {}", quoted(&(name.clone() + &rest))));
    }
    if !has_content_type {
        parts.push("-H 'Content-Type: application/json'".to_owned());
    }
    parts.extend(key.map(|key| format!("-H \"Authorization: Bearer {}\"", key_expression(key))));
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
    let _ = writeln!(command, " \\\n  -d @- <<'{DELIMITER}'");
    Ok(command)
}

/// The end of the command, after the body.
pub fn tail() -> String {
    format!("\n{DELIMITER}\n")
}

/// What the shell expands to the key, inside double quotes.
fn key_expression(key: &KeySource) -> String {
    match key {
        KeySource::Default | KeySource::Variable(_) => format!("${key}"),
        KeySource::File(path) => format!("$(cat {})", quoted(&path.display().to_string())),
        // The newline ends a comment, if the command ends in one.
        KeySource::Command(command) => format!("$({command}\n)"),
    }
}
