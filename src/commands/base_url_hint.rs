//! What to do about a path that the server does not know: the base URL may be
//! another one.

use crate::files::shell;
use crate::settings::network::DEFAULT_HOST;

/// Names the base URL that may have been meant.
pub fn base_url_hint(base_url: &str) -> String {
    if let Some(other) = other_service_url(base_url) {
        return format!("try --base-url {}", shell::word(&other));
    }
    match versioned(base_url) {
        Some(other) => {
            let other = shell::word(&other);
            format!("does the base URL lack /v1? try --base-url {other}")
        }
        None => format!("check the base URL {base_url}"),
    }
}

/// The other of the two base URLs that Gravix Layer's pages name. Only its own
/// server and stand-ins for it have the path `/v1/inference`.
fn other_service_url(base_url: &str) -> Option<String> {
    let url = base_url.trim_end_matches('/');
    let is_own = url.split('/').nth(2) == Some(DEFAULT_HOST);
    match url.strip_suffix("/v1/inference") {
        Some(start) => Some(format!("{start}/v1")),
        None => (is_own && url.ends_with("/v1")).then(|| format!("{url}/inference")),
    }
}

/// The base URL with `/v1`; `None` if its path names a version already.
fn versioned(base_url: &str) -> Option<String> {
    let (url, query) = base_url.split_at(base_url.find('?').unwrap_or(base_url.len()));
    let (_, rest) = url.split_once("://")?;
    let is_version = |part: &str| {
        part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let has_version = rest.split('/').skip(1).any(is_version);
    (!has_version).then(|| format!("{}/v1{query}", url.trim_end_matches('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_base_url_that_may_have_been_meant_is_named() {
        for (base_url, hint) in [
            ("http://h:1", "does the base URL lack /v1? try --base-url http://h:1/v1"),
            ("http://v1.h/", "does the base URL lack /v1? try --base-url http://v1.h/v1"),
            ("http://h/a?b=2", "does the base URL lack /v1? try --base-url 'http://h/a/v1?b=2'"),
            ("http://h/v1", "check the base URL http://h/v1"),
            ("http://h/v1beta/openai", "check the base URL http://h/v1beta/openai"),
            ("http://h/v1/inference", "try --base-url http://h/v1"),
            (
                "https://api.gravixlayer.com/v1/inference",
                "try --base-url https://api.gravixlayer.com/v1",
            ),
            (
                "https://api.gravixlayer.com/v1",
                "try --base-url https://api.gravixlayer.com/v1/inference",
            ),
        ] {
            assert_eq!(base_url_hint(base_url), hint);
        }
    }
}
