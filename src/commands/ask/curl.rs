//! A request as a curl command that sends what gravix would send.

use std::fmt::Write;

use crate::commands::ask::plan::AskPlan;
use crate::error::{Error, Result};
use crate::files::shell::quoted;
use crate::net::base_url::BaseUrl;
use crate::secret::header::is_secret_header;
use crate::secret::spelling::REDACTED;
use crate::settings::environment::Environment;
use crate::settings::key::KeySource;

/// The delimiter of the here-document. It cannot be a line of JSON.
const DELIMITER: &str = "GRAVIX";

/// The beginning of a curl command, up to the body.
pub struct CurlHead {
    pub command: String,
    /// Where the values of secret headers are, for the user.
    pub notes: Vec<String>,
}

/// The command up to the body, which follows as a here-document. The shell
/// inserts the key, and the value of a secret header, from where it is kept.
///
/// # Errors
/// [`Error::Usage`] for `mock:`, which curl cannot reach.
pub fn head(
    plan: &AskPlan,
    key: Option<&KeySource>,
    environment: &Environment,
) -> Result<CurlHead> {
    let endpoint = &plan.endpoint;
    let BaseUrl::Http(url) = &endpoint.base_url else {
        let message = "curl cannot reach mock:, which runs inside gravix";
        return Err(Error::Usage(message.to_owned()));
    };
    let mut parts = vec![quoted(&url.endpoint("chat/completions"))];
    let mut notes = Vec::new();
    let mut has_content_type = false;
    for (name, value) in &endpoint.headers {
        has_content_type |= name.eq_ignore_ascii_case("content-type");
        let is_secret = !value.is_empty() && is_secret_header(name, value);
        let (header, note) = match is_secret {
            true => secret_header(name, value, environment),
            // curl sends a header without a value only if a semicolon ends it.
            false if value.is_empty() => (quoted(&format!("{name};")), None),
            false => (quoted(&format!("{name}: {value}")), None),
        };
        parts.push(format!("-H {header}"));
        notes.extend(note);
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
    let flags = if plan.streams() { "-sSN" } else { "-sS" };
    let mut command = format!("curl {flags} {}", parts.remove(0));
    for part in parts {
        let _ = write!(command, " \\\n  {part}");
    }
    let _ = writeln!(command, " \\\n  -d @- <<'{DELIMITER}'");
    Ok(CurlHead { command, notes })
}

/// A secret header as a word of the command, and what to know about it. Its value
/// stays where it is, if that is a variable.
fn secret_header(name: &str, value: &str, environment: &Environment) -> (String, Option<String>) {
    let (scheme, credentials) = match value.split_once(' ') {
        Some((scheme, credentials)) => (format!("{scheme} "), credentials),
        None => (String::new(), value),
    };
    let whole = environment.variable_with(value).map(|variable| (String::new(), variable));
    let found = whole.or_else(|| Some((scheme, environment.variable_with(credentials)?)));
    // The shell changes nothing in these characters between double quotes.
    let is_plain =
        |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_. ".contains(&b));
    match found.filter(|(scheme, _)| is_plain(name) && is_plain(scheme)) {
        Some((scheme, variable)) => (
            format!("\"{name}: {scheme}${variable}\""),
            Some(format!("the command takes {name} from ${variable}")),
        ),
        None => (
            quoted(&format!("{name}: {REDACTED}")),
            Some(format!("{name} is a secret: put its value in place of {REDACTED}")),
        ),
    }
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
