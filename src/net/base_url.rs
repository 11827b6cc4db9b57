//! The base URL of the API: parsing and checking it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use anyhow::anyhow;

use crate::error::{Error, Result};

/// A valid base URL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaseUrl {
    /// `mock:`, the mock server inside gravix.
    Mock,
    Http(HttpUrl),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpUrl {
    /// All before the query, without a trailing slash.
    root: String,
    /// With its question mark; empty without a query.
    query: String,
    /// In lower case, without a port; an IPv6 address has no brackets.
    pub host: String,
    /// The network interface of a link-local address (RFC 4007, section 11).
    pub zone: Option<String>,
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mock => f.write_str("mock:"),
            Self::Http(url) => url.fmt(f),
        }
    }
}

impl fmt::Display for HttpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.root, self.query)
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
        HttpUrl::parse(text).map(Self::Http).map_err(|reason| {
            let (root, _) = split_query(text);
            if root.contains('@') {
                return Error::Config(anyhow!("bad base URL: {reason}"));
            }
            Error::Config(match meant(text) {
                Some(meant) => anyhow!("bad base URL '{text}': did you mean {meant}?"),
                None => anyhow!("bad base URL '{text}': {reason}"),
            })
        })
    }
}

impl HttpUrl {
    /// # Errors
    /// Returns the reason if `text` is not a base URL.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (root, query) = split_query(text);
        // Text before an @ may be a password, which must not be shown.
        if root.contains('@') {
            return Err("it has a user or password; the key belongs in the environment".to_owned());
        }
        let (scheme, rest) = split_scheme(root)?;
        let is_bad = |c: &char| !c.is_ascii_graphic() || "<>\"{}|\\^`".contains(*c);
        if let Some(bad) = text.chars().find(is_bad) {
            return Err(format!("it contains {bad:?}"));
        }
        if text.contains('#') {
            return Err("it has a fragment".to_owned());
        }
        let rest = rest.trim_end_matches('/');
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let Authority { host, zone, port } = Authority::parse(authority)?;
        let brackets = if host.contains(':') { ("[", "]") } else { ("", "") };
        let shown_zone = zone.map(|zone| format!("%25{zone}")).unwrap_or_default();
        let shown_port = port.map(|port| format!(":{port}")).unwrap_or_default();
        let root =
            format!("{scheme}://{}{host}{shown_zone}{}{shown_port}{path}", brackets.0, brackets.1);
        let query = if query.len() > 1 { query } else { "" };
        let lower_path = path.to_ascii_lowercase();
        if let Some(end) = ENDPOINTS.iter().find(|end| lower_path.ends_with(**end)) {
            let base = root[..root.len() - end.len()].trim_end_matches('/');
            return Err(format!(
                "it is the URL of an endpoint ({end}); the base URL is {base}{query}"
            ));
        }
        Ok(Self {
            root,
            query: query.to_owned(),
            host: host.to_ascii_lowercase(),
            zone: zone.map(str::to_owned),
        })
    }

    pub fn is_secure(&self) -> bool {
        self.root.starts_with("https:")
    }

    /// The URL of the endpoint at `path`, in the form that curl understands.
    pub fn endpoint(&self, path: &str) -> String {
        format!("{}/{path}{}", self.root, self.query)
    }

    /// The URL of the endpoint at `path` without the zone, which means nothing to
    /// the server.
    pub fn request_url(&self, path: &str) -> String {
        let url = self.endpoint(path);
        match &self.zone {
            Some(zone) => url.replacen(&format!("%25{zone}]"), "]", 1),
            None => url,
        }
    }
}

/// How the URL of an endpoint ends, which is not the base URL.
const ENDPOINTS: &[&str] = &["/chat/completions", "/completions", "/models"];

/// Splits the query off, which keeps its question mark.
fn split_query(text: &str) -> (&str, &str) {
    text.split_at(text.find('?').unwrap_or(text.len()))
}

/// Splits `url` into its scheme, `http` or `https`, and the rest.
fn split_scheme(url: &str) -> Result<(String, &str), String> {
    match url.split_once("://") {
        Some((scheme, rest)) => match scheme.to_ascii_lowercase() {
            scheme if ["http", "https"].contains(&scheme.as_str()) => Ok((scheme, rest)),
            scheme => Err(format!("the scheme {scheme} is not http or https")),
        },
        None if url.is_empty() => Err("it is empty".to_owned()),
        None => Err("it has no ://".to_owned()),
    }
}

/// The base URL that was probably meant by an invalid one: without blanks and quotes
/// around it, and with a scheme.
fn meant(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || "'\"`<>".contains(c));
    let name_end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (name, rest) = text.split_at(name_end);
    let name = name.to_ascii_lowercase();
    let is_near = |other: &str| name.len() > 2 && strsim::osa_distance(&name, other) <= 1;
    if is_near("mock") && rest.trim_matches([':', '/']).is_empty() || text.starts_with("mock:") {
        return Some("mock:".to_owned());
    }
    let is_scheme = rest.starts_with([':', '/']) && (is_near("http") || is_near("https"));
    let url = match is_scheme {
        true => {
            let scheme = if name.contains('s') { "https" } else { "http" };
            format!("{scheme}://{}", rest.trim_start_matches([':', '/']))
        }
        false if text.contains("://") => text.to_owned(),
        false => format!("http://{}", text.trim_start_matches([':', '/'])),
    };
    HttpUrl::parse(&url).ok().map(|_| url)
}

/// The host of a URL and its port, if any.
#[derive(Debug, PartialEq, Eq)]
pub struct Authority<'a> {
    /// Without brackets.
    pub host: &'a str,
    pub zone: Option<&'a str>,
    pub port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// Splits `host:port`.
    ///
    /// # Errors
    /// Returns the reason if the host is empty or not valid, or if the port is not
    /// between 1 and 65535.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let (host, zone, port) = match text.strip_prefix('[') {
            Some(bracketed) => {
                let (address, port) = bracketed.split_once(']').ok_or("its [ has no matching ]")?;
                let (host, zone) = split_zone(address)?;
                host.parse::<Ipv6Addr>().map_err(|_| format!("{host} is not an IPv6 address"))?;
                (host, zone, port)
            }
            None => {
                let (host, port) = text.split_at(text.find(':').unwrap_or(text.len()));
                (host, None, port)
            }
        };
        if host.is_empty() {
            return Err("it has no host".to_owned());
        }
        if !host.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b)) {
            return Err(format!("{host} is not a host"));
        }
        Ok(Self { host, zone, port: parse_port(port)? })
    }
}

/// Splits the zone off an IPv6 address: `%25eth0` (RFC 6874), or `%eth0` as it is
/// typed elsewhere.
fn split_zone(address: &str) -> Result<(&str, Option<&str>), String> {
    let Some((address, zone)) = address.split_once('%') else {
        return Ok((address, None));
    };
    let zone = zone.strip_prefix("25").unwrap_or(zone);
    let is_valid = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    match !zone.is_empty() && zone.bytes().all(is_valid) {
        true => Ok((address, Some(zone))),
        false => Err(format!("'{zone}' is not the name of a network interface")),
    }
}

/// Parses a port with the colon before it.
fn parse_port(text: &str) -> Result<Option<u16>, String> {
    match text.strip_prefix(':') {
        None if text.is_empty() => Ok(None),
        Some("") => Err("its port is empty".to_owned()),
        // `parse` would accept a plus sign.
        Some(digits) => match digits.parse() {
            Ok(port @ 1..) if !digits.starts_with('+') => Ok(Some(port)),
            _ => Err(format!("the port {digits} is not between 1 and 65535")),
        },
        None => Err(format!("{text} after the host is not a port")),
    }
}

/// Removes the brackets that an IPv6 address has in a URL.
pub fn without_brackets(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Removes the dot that ends a fully qualified name.
pub fn without_final_dot(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// Whether `host` is this machine, so that requests to it cross no network. A
/// connection to an unspecified address, such as `0.0.0.0`, goes there too.
pub fn is_loopback(host: &str) -> bool {
    let is_own = |address: IpAddr| address.is_loopback() || address.is_unspecified();
    let address = without_final_dot(host).parse::<IpAddr>();
    is_localhost(host) || address.is_ok_and(|address| is_own(address.to_canonical()))
}

/// Whether `host` is `localhost` or a name below it, which RFC 6761, section 6.3,
/// reserves for this machine.
pub fn is_localhost(host: &str) -> bool {
    let last = without_final_dot(host).rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case("localhost")
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
            ("http://[fe80::1%25eth0]:8080", "fe80::1"),
            ("http://[FE80::1%eth0]", "fe80::1"),
            ("http://127.0.0.1:65535", "127.0.0.1"),
            ("https://r.example/deployments/d?user=a@b&x=1/models", "r.example"),
            ("http://h/models/v1", "h"),
            ("http://models", "models"),
        ] {
            match BaseUrl::parse(text) {
                Ok(BaseUrl::Http(url)) => assert_eq!(url.host, host),
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
            ("http://u:p@h?x=1", "user or password"),
            ("u:p@h", "user or password"),
            ("u:p@h://x", "user or password"),
            ("mock", "did you mean mock:?"),
            ("http:/h", "did you mean http://h?"),
            ("http//h/v1", "did you mean http://h/v1?"),
            ("https:h", "did you mean https://h?"),
            ("htp://h", "did you mean http://h?"),
            ("htps://h", "did you mean https://h?"),
            (" 'https://h/v1' ", "did you mean https://h/v1?"),
            ("moc:", "did you mean mock:?"),
            ("mok:", "did you mean mock:?"),
            ("Mokc:", "did you mean mock:?"),
            ("mock://", "did you mean mock:?"),
            ("dock:8080", "did you mean http://dock:8080?"),
            ("http://h/a<b", "'<'"),
            ("http://", "no host"),
            ("http://?x=1", "no host"),
            ("ftp://h", "scheme ftp"),
            ("http://h/v1#x", "fragment"),
            ("http://h/v1?x#y", "fragment"),
            ("http://h h", "' '"),
            ("http://[::1", "no matching ]"),
            ("http://[fe80::1%]", "'' is not the name of a network interface"),
            ("http://[fe80::1%25a/b]", "no matching ]"),
            ("http://[fe80::1%a%b]", "'a%b' is not the name"),
            ("", "it is empty"),
            ("mock:x", "did you mean mock:?"),
        ] {
            let error = BaseUrl::parse(text).expect_err(text).to_string();
            assert!(error.contains(reason), "{text}: {error}");
            assert!(!error.contains("u:p"), "{error}");
        }
    }

    #[test]
    fn the_url_of_an_endpoint_is_refused_with_the_base_that_is_meant() {
        for (text, base) in [
            ("http://h/v1/chat/completions", "http://h/v1"),
            ("http://h/v1/chat/completions/", "http://h/v1"),
            ("http://h/v1/Chat/Completions", "http://h/v1"),
            ("http://h/v1/completions", "http://h/v1"),
            ("http://h/v1/models", "http://h/v1"),
            ("http://h/models//", "http://h"),
            ("https://h/d/chat/completions?api-version=1", "https://h/d?api-version=1"),
            ("https://h/d/models/?api-version=1", "https://h/d?api-version=1"),
        ] {
            let error = BaseUrl::parse(text).expect_err(text).to_string();
            assert!(error.ends_with(&format!("; the base URL is {base}")), "{text}: {error}");
        }
    }

    #[test]
    fn a_query_stays_at_the_end_and_a_zone_is_not_sent() {
        for (text, shown, requested) in [
            ("http://h/v1/", "http://h/v1/models", "http://h/v1/models"),
            ("http://h?", "http://h/models", "http://h/models"),
            ("http://h?a=1", "http://h/models?a=1", "http://h/models?a=1"),
            (
                "https://h/d/?api-version=2&b=/x/",
                "https://h/d/models?api-version=2&b=/x/",
                "https://h/d/models?api-version=2&b=/x/",
            ),
            (
                "http://[fe80::1%eth0]:80/v1",
                "http://[fe80::1%25eth0]:80/v1/models",
                "http://[fe80::1]:80/v1/models",
            ),
        ] {
            let url = HttpUrl::parse(text).expect(text);
            let urls = (url.endpoint("models"), url.request_url("models"));
            assert_eq!(urls, (shown.to_owned(), requested.to_owned()));
        }
    }

    #[test]
    fn loopback_hosts_are_recognized_in_every_spelling() {
        for host in [
            "localhost",
            "LocalHost",
            "localhost.",
            "a.b.localhost",
            "127.0.0.1",
            "127.0.0.1.",
            "127.9.9.9",
            "0.0.0.0",
            "::1",
            "0:0:0:0:0:0:0:1",
            "::",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "localhost.example",
            "notlocalhost",
            "128.0.0.1",
            "::2",
            "::ffff:10.0.0.1",
            "127.0.0.1.example",
            "0.0.0.1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
