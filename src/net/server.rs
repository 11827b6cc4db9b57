//! The server that a run talks to: where it is, what it is sent beside the
//! request, and how it may be shown.

use std::sync::Arc;

use anyhow::anyhow;
use ureq::Proxy;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{Error, NetworkError, Result};
use crate::net::base_url::BaseUrl;
use crate::net::endpoint::{Endpoint, Timeouts};
use crate::net::mock::Mock;
use crate::net::observer::NetObserver;
use crate::net::tls::{Roots, TlsConnector};
use crate::secret::{Secret, Secrets};

pub const USER_AGENT: &str = concat!("gravix/", env!("CARGO_PKG_VERSION"));

/// No more characters of what a server says are shown.
const MESSAGE_LIMIT: usize = 300;

/// Shared by the clients that talk to it.
pub struct Server {
    pub base_url: String,
    pub retries: u32,
    pub timeouts: Timeouts,
    pub proxy: Option<Proxy>,
    pub tls: TlsConnector,
    pub observer: Arc<dyn NetObserver>,
    pub secrets: Secrets,
    key: Option<Secret>,
    headers: Vec<(String, String)>,
    /// Serves as long as this lives.
    _mock: Option<Mock>,
}

impl Server {
    /// # Errors
    /// Those of [`Roots::load`], [`Error::Config`] for a bad proxy, and
    /// [`Error::Network`] where the stand-in cannot be started.
    pub fn new(endpoint: &Endpoint, observer: Arc<dyn NetObserver>) -> Result<Self> {
        let (base_url, mock) = match &endpoint.base_url {
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
            retries: endpoint.retries,
            timeouts: endpoint.timeouts,
            proxy: endpoint.proxy.as_deref().map(proxy).transpose()?,
            tls: TlsConnector::new(
                Roots::load(endpoint.ca_file.as_deref())?,
                Arc::clone(&observer),
            ),
            observer,
            secrets: endpoint.secrets.clone(),
            key: endpoint.key.clone(),
            headers: endpoint.headers.clone(),
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

    /// `error` as it may be shown: secrets are masked in everything that the
    /// server said, its text is cut to the length of a line (in this order: a
    /// mask does not know half a key), and it says who was asked.
    pub fn presentable(&self, error: Error) -> Error {
        let mask = |text: String| self.secrets.mask(text);
        let line = |text: String| {
            let text = mask(text);
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
                server.kind = server.kind.map(line);
                server.request_id = server.request_id.map(line);
                server.body = mask(server.body);
                server.base_url.clone_from(&self.base_url);
                server.key_origin = self.key.as_ref().map(|key| key.origin().to_owned());
                Error::Server(server)
            }
            other => other,
        }
    }
}

fn proxy(url: &str) -> Result<Proxy> {
    Proxy::new(url).map_err(|error| Error::Config(anyhow!("the proxy's URL is bad: {error}")))
}
