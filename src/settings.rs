//! Options and environment, checked and made into what they mean here.
//! Nothing later checks again.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use crate::cli::{ModelArgs, NetworkArgs};
use crate::error::{Error, Result};

const DEFAULT_BASE_URL: &str = "https://api.gravixlayer.com/v1/inference";
const DEFAULT_HOST: &str = "api.gravixlayer.com";
const DEFAULT_MODEL: &str = "llama3.1:8b-instruct-fp16";
/// How many stop sequences the API takes.
const MAX_STOPS: usize = 4;

const KEY_VARIABLE: &str = "GRAVIXLAYER_API_KEY";

/// The variables that gravix reads, asked once. An empty one counts as unset.
#[derive(Debug, Default)]
pub struct Environment {
    key: Option<OsString>,
    base_url: Option<OsString>,
    model: Option<OsString>,
}

impl Environment {
    pub fn read() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        Self {
            key: variable(KEY_VARIABLE),
            base_url: variable("GRAVIX_BASE_URL"),
            model: variable("GRAVIX_MODEL"),
        }
    }
}

/// Where the API is and how to be let in.
#[derive(Debug)]
pub struct Network {
    pub base_url: BaseUrl,
    pub key: Option<Secret>,
}

impl Network {
    pub fn resolve(args: &NetworkArgs, environment: &Environment) -> Result<Self> {
        let base_url = match &args.base_url {
            Some(text) => text.clone(),
            None => text_of("GRAVIX_BASE_URL", environment.base_url.as_ref())?
                .unwrap_or_else(|| DEFAULT_BASE_URL.to_owned()),
        };
        let base_url = BaseUrl::parse(&base_url)?;
        let key = match &base_url {
            BaseUrl::Mock => None,
            BaseUrl::Http { url, host } => {
                let key = environment.key.as_ref().map(Secret::parse).transpose()?;
                if key.is_none() && host == DEFAULT_HOST {
                    return Err(Error::Config(format!(
                        "no API key for {host}: set {KEY_VARIABLE}, or try --base-url mock:"
                    )));
                }
                if key.is_some() && url.starts_with("http:") && !is_loopback(host) {
                    return Err(Error::Config(format!(
                        "the key would cross the network in the clear to {url}: use https, or unset {KEY_VARIABLE}"
                    )));
                }
                key
            }
        };
        Ok(Self { base_url, key })
    }
}

/// The model's name: option, environment, or the default one.
///
/// # Errors
/// [`Error::Usage`], also for parameters that no model takes.
pub fn model(args: &ModelArgs, environment: &Environment) -> Result<String> {
    if args.stop.len() > MAX_STOPS {
        return Err(Error::Usage(format!("--stop can be given {MAX_STOPS} times at most")));
    }
    match &args.model {
        Some(name) if name.is_empty() => Err(Error::Usage("the model's name is empty".to_owned())),
        Some(name) => Ok(name.clone()),
        None => Ok(text_of("GRAVIX_MODEL", environment.model.as_ref())?
            .unwrap_or_else(|| DEFAULT_MODEL.to_owned())),
    }
}

fn text_of(name: &str, value: Option<&OsString>) -> Result<Option<String>> {
    value
        .map(|value| {
            let value = value.to_str();
            value.map(str::to_owned).ok_or_else(|| Error::Config(format!("{name} is not UTF-8")))
        })
        .transpose()
}

/// A checked base URL, without a slash at its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseUrl {
    /// The stand-in inside the program.
    Mock,
    Http {
        url: String,
        /// In lower case, without the port; an IPv6 address without brackets.
        host: String,
    },
}

impl BaseUrl {
    fn parse(text: &str) -> Result<Self> {
        if text == "mock:" {
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
            // What stands before an @ may be a password.
            Err(reason) if text.contains('@') => {
                Err(Error::Config(format!("bad base URL: {reason}")))
            }
            Err(reason) => Err(Error::Config(format!("bad base URL {text}: {reason}"))),
        }
    }
}

/// The host of `url`, which must have a scheme, a host, a port in 1–65535 if
/// any, and neither user info, query nor fragment.
fn checked_host(url: &str) -> Result<&str, String> {
    let rest = match url.split_once("://") {
        Some(("http" | "https", rest)) => rest,
        Some((scheme, _)) => return Err(format!("the scheme {scheme} is not http or https")),
        None => return Err(format!("it has no scheme; did you mean http://{url}?")),
    };
    if let Some(bad) = url.chars().find(|c| !c.is_ascii_graphic()) {
        return Err(format!("it contains {bad:?}"));
    }
    if url.contains(['?', '#']) {
        return Err("it has a query or a fragment".to_owned());
    }
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err(format!("it has a user or password; the key belongs in {KEY_VARIABLE}"));
    }
    if path.ends_with("/chat/completions") {
        return Err("leave out /chat/completions, which gravix adds itself".to_owned());
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(bracketed) => {
            let (host, port) = bracketed.split_once(']').ok_or("its [ has no ]")?;
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
        None if port.is_empty() => Ok(host),
        Some("") => Err("its port is empty".to_owned()),
        Some(digits) if is_port(digits) => Ok(host),
        _ => Err(format!("the port {} is not between 1 and 65535", port.trim_start_matches(':'))),
    }
}

fn is_port(digits: &str) -> bool {
    digits.bytes().all(|b| b.is_ascii_digit()) && digits.parse::<u16>().is_ok_and(|port| port > 0)
}

/// Whether `host` names this machine: what is sent there crosses no network.
fn is_loopback(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|address| address.is_loopback())
}

/// A key, which is never shown.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    fn parse(value: &OsString) -> Result<Self> {
        let refuse = |what| Err(Error::Config(format!("{KEY_VARIABLE} {what}")));
        let Some(key) = value.to_str().filter(|key| key.is_ascii()) else {
            return refuse("contains a character that is not ASCII");
        };
        let key = key.strip_suffix('\n').unwrap_or(key);
        let key = key.strip_suffix('\r').unwrap_or(key);
        if key.is_empty() {
            return refuse("holds an empty line");
        }
        if key.bytes().any(|b| b.is_ascii_control()) {
            return refuse("contains a control character");
        }
        Ok(Self(key.to_owned()))
    }

    /// The value of an `Authorization` header (RFC 6750 2.1).
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// `text` with every occurrence of the key taken out.
    pub fn mask(&self, text: &str) -> String {
        text.replace(&self.0, "(redacted)")
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_base_url_is_taken_or_refused_with_a_reason() {
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
            ("http://h:+80", "port +80"),
            ("http://h:", "port is empty"),
            ("http://u:p@h", "user or password"),
            ("http://", "no host"),
            ("ftp://h", "scheme ftp"),
            ("http://h/v1?x=1", "query"),
            ("http://h h", "' '"),
            ("http://[::1", "no ]"),
            ("http://h/v1/chat/completions", "leave out"),
            ("", "no scheme"),
        ] {
            let error = BaseUrl::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn loopback_hosts_are_known() {
        for host in ["localhost", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "128.0.0.1", "::2", "127.0.0.1.example"] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn a_key_loses_one_line_end_and_nothing_else() {
        let key = |text: &str| Secret::parse(&text.into()).map(|key| key.bearer());
        assert_eq!(key("abc\n").unwrap(), "Bearer abc");
        assert_eq!(key("abc\r\n").unwrap(), "Bearer abc");
        for bad in ["a\nb", "abc\n\n", "é", "\n", "a\tb"] {
            assert!(key(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let secret = Secret::parse(&"hunter2".into()).unwrap();
        assert_eq!(format!("{secret:?}"), "(redacted)");
        assert_eq!(secret.mask("key hunter2!"), "key (redacted)!");
    }
}
