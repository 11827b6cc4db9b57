//! The proxy on the way to the server, and how requests pass it.

use std::fmt;
use std::io;

use anyhow::anyhow;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ureq::http::{HeaderValue, Uri};
use ureq::{Agent, Proxy, ProxyProtocol};

use crate::error::{Error, NetworkError, Result};

/// A proxy as the environment names it.
#[derive(Clone)]
pub struct ProxySetting {
    /// With a scheme and a port.
    pub url: String,
    /// The variable that it comes from.
    pub variable: String,
}

/// Shows the variable only: the URL may hold a password.
impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.variable)
    }
}

/// How a connection reaches the server.
#[derive(Debug)]
pub enum Route {
    Direct,
    /// Through a tunnel that the proxy opens: CONNECT or SOCKS.
    Tunnel(ProxyServer),
    /// The proxy sends the requests on. They are in absolute form (RFC 9112,
    /// section 3.2.2).
    Forward(ProxyServer),
}

#[derive(Debug)]
pub struct ProxyServer {
    proxy: Proxy,
    variable: String,
    /// What else the proxy may speak, for `socks://`.
    pub alternative: Option<ureq::config::Config>,
}

impl Route {
    /// The route to an `https` server, if `is_secure`, or an `http` server. As in
    /// curl, an HTTP proxy tunnels only the former.
    ///
    /// # Errors
    /// [`Error::Config`] if the URL of the proxy is not valid.
    pub fn new(setting: Option<&ProxySetting>, is_secure: bool) -> Result<Self> {
        let Some(ProxySetting { url, variable }) = setting else {
            return Ok(Self::Direct);
        };
        let proxy = |url: &str| {
            Proxy::new(url).map_err(|error| {
                Error::Config(anyhow!("{variable} is not a valid proxy URL: {error}"))
            })
        };
        let variable = variable.clone();
        // curl takes it for SOCKS4, desktops that set it mean SOCKS5.
        if let Some(rest) = url.strip_prefix("socks://") {
            let other = proxy(&format!("socks5://{rest}"))?;
            let alternative = Some(Agent::config_builder().proxy(Some(other)).build());
            let proxy = proxy(&format!("socks4://{rest}"))?;
            return Ok(Self::Tunnel(ProxyServer { proxy, variable, alternative }));
        }
        let server = ProxyServer { proxy: proxy(url)?, variable, alternative: None };
        Ok(match server.proxy.protocol() {
            ProxyProtocol::Http | ProxyProtocol::Https if !is_secure => Self::Forward(server),
            _ => Self::Tunnel(server),
        })
    }

    /// The proxy that ureq tunnels through.
    pub fn tunnel(&self) -> Option<&Proxy> {
        match self {
            Self::Tunnel(server) => Some(&server.proxy),
            Self::Direct | Self::Forward(_) => None,
        }
    }

    /// The proxy to connect to in place of the server.
    pub fn forward(&self) -> Option<&ProxyServer> {
        match self {
            Self::Forward(server) => Some(server),
            Self::Direct | Self::Tunnel(_) => None,
        }
    }

    pub fn server(&self) -> Option<&ProxyServer> {
        match self {
            Self::Direct => None,
            Self::Tunnel(server) | Self::Forward(server) => Some(server),
        }
    }
}

impl ProxyServer {
    pub fn uri(&self) -> &Uri {
        self.proxy.uri()
    }

    /// Whether the proxy connects to IPv4 addresses only.
    pub fn needs_ipv4(&self) -> bool {
        self.proxy.protocol() == ProxyProtocol::Socks4
    }

    fn has_login(&self) -> bool {
        self.proxy.username().is_some() || self.proxy.password().is_some()
    }

    /// The value of the `Proxy-Authorization` header; `None` without a user.
    pub fn authorization(&self) -> Option<HeaderValue> {
        let (user, password) = (self.proxy.username(), self.proxy.password());
        let login = format!("{}:{}", user.unwrap_or_default(), password.unwrap_or_default());
        let value = format!("Basic {}", BASE64_STANDARD.encode(login));
        HeaderValue::try_from(value).ok().filter(|_| self.has_login())
    }

    /// The error for a proxy that wants another user or password.
    pub fn login_error(&self, status: Option<u16>) -> Error {
        let uri = self.uri();
        Error::ProxyLogin {
            scheme: uri.scheme_str().unwrap_or_default().to_owned(),
            host: format!("{}:{}", uri.host().unwrap_or_default(), self.proxy.port()),
            variable: self.variable.clone(),
            is_refused: self.has_login(),
            status,
        }
    }

    /// Converts ureq's text for a refused CONNECT: "proxy server responded
    /// 407/407".
    pub fn connect_error(&self, reason: &str) -> Error {
        let status = reason.strip_prefix("proxy server responded ");
        match status.and_then(|status| status.split('/').next()) {
            Some("407") => self.login_error(Some(407)),
            Some(status) => NetworkError::Proxy {
                reason: format!("it answered CONNECT with {status}"),
                is_final: status.starts_with('4'),
            }
            .into(),
            None => NetworkError::Proxy { reason: reason.to_owned(), is_final: false }.into(),
        }
    }
}

/// Whether ureq's SOCKS layer failed because of the user or the password.
pub fn is_login_refusal(error: &io::Error) -> bool {
    const REASONS: &[&str] = &[
        "no acceptable auth methods",
        "password authentication failed",
        "invalid username",
        "invalid password",
    ];
    error.raw_os_error().is_none() && REASONS.contains(&error.to_string().as_str())
}

/// Whether ureq's SOCKS layer failed because the proxy may speak another version
/// of SOCKS.
pub fn is_other_socks(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionReset, InvalidData, InvalidInput, UnexpectedEof};
    matches!(error.kind(), ConnectionReset | InvalidData | InvalidInput | UnexpectedEof)
}
