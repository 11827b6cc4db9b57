//! The server that a run talks to: where it is, what it is sent beside the
//! request, and how it may be shown.

use ureq::Proxy;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::cli::Header;
use crate::error::{Error, NetworkError, Result};
use crate::net::base_url::BaseUrl;
use crate::net::mock::Mock;
use crate::net::status;
use crate::net::tls::{Roots, TlsConnector};
use crate::output::notes::Notes;
use crate::secret::{Secret, is_secret_header};
use crate::settings::network::{Network, Timeouts};

pub const USER_AGENT: &str = concat!("gravix/", env!("CARGO_PKG_VERSION"));

/// No more characters of what a server says are shown.
const MESSAGE_LIMIT: usize = 300;

/// Shared by the clients that talk to it.
pub struct Server {
    pub base_url: String,
    pub retries: u32,
    pub limits: Timeouts,
    pub proxy: Option<Proxy>,
    pub tls: TlsConnector,
    pub notes: Notes,
    key: Option<Secret>,
    headers: Vec<Header>,
    /// Serves as long as this lives.
    _mock: Option<Mock>,
}

impl Server {
    /// # Errors
    /// Those of [`Roots::load`], [`Error::Config`] for a bad proxy, and
    /// [`Error::Network`] where the stand-in cannot be started.
    pub fn new(network: &Network, notes: &Notes) -> Result<Self> {
        let (base_url, mock) = match &network.base_url {
            BaseUrl::Http { url, .. } => (url.clone(), None),
            BaseUrl::Mock => {
                let mock = Mock::start().map_err(|source| {
                    let target = "the stand-in behind mock:".to_owned();
                    NetworkError::Connect { target, is_proxied: false, source }
                })?;
                (mock.base_url(), Some(mock))
            }
        };
        Ok(Self {
            base_url,
            retries: network.retries,
            limits: network.limits,
            proxy: network.proxy.as_deref().map(proxy).transpose()?,
            tls: TlsConnector::new(Roots::load(network.ca_file.as_deref())?, notes.clone()),
            notes: notes.clone(),
            key: network.key.clone(),
            headers: network.headers.clone(),
            _mock: mock,
        })
    }

    pub fn set_headers(&self, headers: Option<&mut HeaderMap>, accept: &'static str) {
        let Some(headers) = headers else {
            return;
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
        for (name, value) in &self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                headers.insert(name, value);
            }
        }
        let bearer = self.key.as_ref().and_then(|key| HeaderValue::try_from(key.bearer()).ok());
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer);
        }
    }

    /// Masks the key in what the server said, and cuts it to a line's length:
    /// in this order, as half a key is no key to a mask.
    pub fn presentable(&self, error: Error) -> Error {
        let line = |text: String| {
            let text = self.notes.masked(text);
            match text.char_indices().nth(MESSAGE_LIMIT) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        };
        match error {
            Error::Protocol(text) => Error::Protocol(line(text)),
            Error::Server(mut server) => {
                server.message = line(server.message);
                server.code = server.code.map(line);
                server.request_id = server.request_id.map(line);
                Error::Server(server)
            }
            other => other,
        }
    }

    /// Adds what the user can do.
    pub fn advise(&self, mut error: Error) -> Error {
        if let Error::Server(server) = &mut error {
            server.way_out = status::way_out(server, self.key.as_ref(), &self.base_url);
        }
        error
    }

    /// Tells headers, for `--verbose` alone.
    pub fn tell(&self, direction: &str, headers: Option<&HeaderMap>) {
        for (name, value) in headers.into_iter().flatten() {
            let is_secret = is_secret_header(name.as_str());
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = if is_secret { "(redacted)" } else { &value };
            self.notes.detail(format_args!("{direction} {name}: {value}"));
        }
    }
}

fn proxy(url: &str) -> Result<Proxy> {
    Proxy::new(url).map_err(|error| Error::Config(format!("the proxy's URL is bad: {error}")))
}
