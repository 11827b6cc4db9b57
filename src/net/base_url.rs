//! The base URL of the API: parsing and checking it.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use anyhow::anyhow;

use crate::error::{Error, Result};

/// A valid base URL, without a trailing slash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseUrl {
    /// `mock:`, the mock server inside gravix.
    Mock,
    Http {
        url: String,
        /// In lower case, without a port; an IPv6 address has no brackets.
        host: String,
    },
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mock => f.write_str("mock:"),
            Self::Http { url, .. } => f.write_str(url),
        }
    }
}

impl BaseUrl {
    /// # Errors
    /// [`Error::Config`] with the reason. The text is shown only if it cannot
    /// contain a password.
    pub fn parse(text: &str) -> Result<Self> {
        if text.eq_ignore_ascii_case("mock:") {
            return Ok(Self::Mock);
        }
        let url = match text.split_once("://") {
            Some((scheme, rest)) => {
                format!("{}://{}", scheme.to_ascii_lowercase(), rest.trim_end_matches('/'))
            }
            None => text.to_owned(),
        };
        match checked_host(&url) {
            Ok(host) => Ok(Self::Http { url: url.clone(), host: host.to_ascii_lowercase() }),
            Err(reason) if text.contains('@') => {
                Err(Error::Config(anyhow!("bad base URL: {reason}")))
            }
            Err(reason) => Err(Error::Config(anyhow!("bad base URL {text}: {reason}"))),
        }
    }
}

/// Returns the host of `url`. The URL must have a scheme and a host, and must
/// not have user info, a query, a fragment or an invalid port.
fn checked_host(url: &str) -> Result<&str, String> {
    // Text before an @ may be a password, which must not be shown.
    if url.contains('@') {
        return Err("it has a user or password; the key belongs in the environment".to_owned());
    }
    let rest = match url.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some((scheme, _)) => return Err(format!("the scheme {scheme} is not http or https")),
        None if url.is_empty() => return Err("it is empty".to_owned()),
        None if url.starts_with("mock") => return Err("did you mean mock:?".to_owned()),
        None if url.contains(":/") => return Err("it has no ://".to_owned()),
        None => return Err(format!("it has no scheme; did you mean http://{url}?")),
    };
    if let Some(bad) = url.chars().find(|c| !c.is_ascii_graphic() || "<>\"{}|\\^`".contains(*c)) {
        return Err(format!("it contains {bad:?}"));
    }
    if url.contains(['?', '#']) {
        return Err("it has a query or a fragment".to_owned());
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if path.ends_with("/chat/completions") {
        return Err("leave out /chat/completions, which gravix adds itself".to_owned());
    }
    checked_authority(authority).map(|(host, _)| host)
}

/// Splits `host:port` into the host, without brackets, and the port, if any.
///
/// # Errors
/// Returns the reason if the host is empty or not valid, or if the port is not
/// between 1 and 65535.
pub fn checked_authority(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']').ok_or("its [ has no matching ]")?;
            host.parse::<Ipv6Addr>().map_err(|_| format!("{host} is not an IPv6 address"))?;
            (host, port)
        }
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    if host.is_empty() {
        return Err("it has no host".to_owned());
    }
    if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b)) {
        return Err(format!("{host} is not a host"));
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        Some("") => Err("its port is empty".to_owned()),
        // `parse` would accept a plus sign.
        Some(digits) => match digits.parse() {
            Ok(port @ 1..) if !digits.starts_with('+') => Ok((host, Some(port))),
            _ => Err(format!("the port {digits} is not between 1 and 65535")),
        },
        None => Err(format!("{port} after the host is not a port")),
    }
}

/// Removes the brackets that an IPv6 address has in a URL.
pub fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Whether `host` is this machine, so that requests to it cross no network.
pub fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_accepted_or_rejected_with_a_reason() {
        for (text, host) in [
            ("https://api.gravixlayer.com/v1/inference", "api.gravixlayer.com"),
            ("HTTP://LOCALHOST:11434/v1/", "localhost"),
            ("http://[::1]:8080/v1", "::1"),
            ("http://127.0.0.1:65535", "127.0.0.1"),
        ] {
            match BaseUrl::parse(text) {
                Ok(BaseUrl::Http { host: found, .. }) => assert_eq!(found, host),
                other => panic!("{text}: {other:?}"),
            }
        }
        for (text, reason) in [
            ("localhost:8000", "did you mean http://localhost:8000?"),
            ("http://h:99999", "port 99999"),
            ("http://h:0", "port 0"),
            ("http://h:8000x", "port 8000x"),
            ("http://[::1]x", "x after the host is not a port"),
            ("http://h:+80", "port +80"),
            ("http://h:", "port is empty"),
            ("http://u:p@h", "user or password"),
            ("u:p@h", "user or password"),
            ("u:p@h://x", "user or password"),
            ("mock", "did you mean mock:?"),
            ("http:/h", "no ://"),
            ("http://h/a<b", "'<'"),
            ("http://", "no host"),
            ("ftp://h", "scheme ftp"),
            ("http://h/v1?x=1", "query"),
            ("http://h h", "' '"),
            ("http://[::1", "no matching ]"),
            ("http://h/v1/chat/completions", "leave out"),
            ("", "it is empty"),
            ("mock:x", "did you mean mock:?"),
        ] {
            let error = BaseUrl::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn loopback_hosts_are_recognized() {
        for host in ["localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "a.localhost", "128.0.0.1", "::2", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
