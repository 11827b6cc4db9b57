//! What to do about an error that the server reported.

use std::time::Duration;

use crate::commands::base_url_hint::base_url_hint;
use crate::commands::target::Target;
use crate::error::ServerError;
use crate::files::shell;
use crate::secret::KEY_VARIABLE;
use crate::settings::config::built_in::{BUILT_IN, BuiltIn};
use crate::settings::config::effective::WithheldKey;
use crate::settings::key::KeySource;
use crate::wire::markup;

/// What servers say about a prompt that is too long.
const TOO_LONG: [&str; 6] = [
    "context length",
    "context size",
    "context window",
    "maximum context",
    "prompt is too long",
    "input is too long",
];

/// The way out, if there is one. `shorten` says how the request is made shorter.
pub fn for_server(error: &ServerError, target: &Target, shorten: &str) -> Option<String> {
    let message = error.message.to_lowercase();
    let is_named = |names: &[&str]| {
        let mut words = [&error.code, &error.kind].into_iter().flatten();
        words.any(|word| names.contains(&word.as_str()))
    };
    let is_too_long = is_named(&["context_length_exceeded", "exceed_context_size_error"])
        || TOO_LONG.iter().any(|words| message.contains(words));
    Some(match error.status() {
        _ if is_too_long => shorten.to_owned(),
        _ if error.is_quota() => return None,
        _ if error.is_firewall => "try another network, or ask the server's operator".to_owned(),
        _ if ["response_format", "json_schema"].iter().any(|name| message.contains(name)) => {
            "try --json-object if the server does not support schemas".to_owned()
        }
        _ if error.is_key_refused() => refused_key_hint(error, target.withheld_key.as_ref()),
        _ if error.is_unexpected_endpoint() => base_url_hint(&error.base_url),
        _ if error.is_unknown_model() => {
            format!("list the models with gravix models{}", target.options)
        }
        Some(400) if message.contains("http request") && message.contains("https") => {
            format!("try --base-url {}", shell::word(&target.other_scheme()?))
        }
        Some(400 | 404 | 405) if markup::is_html(&error.body) => {
            format!("it sent HTML, as a website does; {}", base_url_hint(&error.base_url))
        }
        Some(404 | 405) => base_url_hint(&error.base_url),
        Some(413) => shorten.to_owned(),
        status => match error.retry_after {
            Some(Duration::MAX) => "try again later".to_owned(),
            Some(wait) => format!("try again in {} s", wait.as_secs_f64().ceil()),
            None if status == Some(429) => "try again later".to_owned(),
            None => return None,
        },
    })
}

fn refused_key_hint(error: &ServerError, withheld: Option<&WithheldKey>) -> String {
    let own_key = BUILT_IN.iter().find(|profile| profile.base_url == error.base_url);
    match (&error.key_origin, own_key, withheld) {
        (Some(origin), _, _) => format!("check the key in {origin}"),
        (None, Some(BuiltIn { name, key_variable: Some(variable), .. }), _) => {
            format!("set {variable} to your key and use -p {name}")
        }
        (None, _, Some(withheld)) => withheld_key_hint(error, withheld),
        (None, _, None) => format!("run export {KEY_VARIABLE}=YOUR_KEY first"),
    }
}

/// The key is there, but for another server.
fn withheld_key_hint(error: &ServerError, withheld: &WithheldKey) -> String {
    let WithheldKey { source, origin, base_url } = withheld;
    let setting = match source {
        KeySource::Default => String::new(),
        KeySource::Variable(name) => format!(" and api_key_env = \"{name}\""),
        KeySource::File(_) => " and its api_key_file".to_owned(),
        KeySource::Command(_) => " and its api_key_command".to_owned(),
    };
    format!(
        "the key of the {origin} is sent only to {base_url}; to use it here, write a profile with base_url = \"{}\"{setting}",
        error.base_url
    )
}
