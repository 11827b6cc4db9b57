//! The API server: its URL, the headers it is sent, and how its error messages
//! are shown.

use std::sync::Arc;

use ureq::http::{HeaderMap, HeaderName, HeaderValue, header};

use crate::error::{CertificateFlaw, Error, NetworkError, Result};
use crate::net::base_url::BaseUrl;
use crate::net::endpoint::{Endpoint, Timeouts};
use crate::net::mock::MockServer;
use crate::net::observer::NetObserver;
use crate::net::proxy::{ProxyServer, Route};
use crate::net::tls::{Roots, TlsConnector};
use crate::secret::{Secret, Secrets};

pub const USER_AGENT: &str = concat!("gravix/", env!("CARGO_PKG_VERSION"));

/// How many characters of a server's message are shown.
const MESSAGE_LIMIT: usize = 300;

/// Shared by all clients of the server.
pub struct Server {
    /// As the user would type it.
    pub base_url: String,
    pub chat_url: String,
    pub models_url: String,
    /// The network interface of the base URL's address.
    pub zone: Option<String>,
    pub retries: u32,
    pub timeouts: Timeouts,
    pub route: Arc<Route>,
    /// Set if the base URL is `mock:`.
    pub mock: Option<MockServer>,
    pub tls: TlsConnector,
    pub observer: Arc<dyn NetObserver>,
    pub secrets: Secrets,
    key: Option<Secret>,
    headers: Vec<(String, String)>,
}

impl Server {
    /// Starts the mock server if the base URL is `mock:`.
    ///
    /// # Errors
    /// [`Error::Unreadable`] or [`Error::Config`] for the CA file,
    /// [`Error::Config`] if the proxy URL is not valid, and [`Error::Limit`] if
    /// the mock server cannot be started.
    pub fn new(endpoint: &Endpoint, observer: Arc<dyn NetObserver>) -> Result<Self> {
        let (url, mock) = match &endpoint.base_url {
            BaseUrl::Http(url) => (url.clone(), None),
            BaseUrl::Mock => {
                let mock = MockServer::start().map_err(|source| {
                    let action = "start the mock server".to_owned();
                    Error::Limit { action, source }
                })?;
                (mock.base_url(), Some(mock))
            }
        };
        let roots = Roots::load(endpoint.ca_file.as_deref())?;
        let route = Route::new(endpoint.proxy.as_ref(), url.is_secure())?;
        let login = route.server().and_then(ProxyServer::authorization);
        if let Some(login) = login.as_ref().and_then(|login| login.to_str().ok()) {
            endpoint.secrets.add_header(header::PROXY_AUTHORIZATION.as_str(), login);
        }
        Ok(Self {
            chat_url: url.request_url("chat/completions"),
            models_url: url.request_url("models"),
            base_url: url.to_string(),
            retries: endpoint.retries,
            timeouts: endpoint.timeouts,
            route: Arc::new(route),
            mock,
            zone: url.zone,
            tls: TlsConnector::new(roots, Arc::clone(&observer)),
            observer,
            secrets: endpoint.secrets.clone(),
            key: endpoint.key.clone(),
            headers: endpoint.headers.clone(),
        })
    }

    /// Sets the headers of a request. The user's own replace the defaults but not
    /// the key.
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
        let authorization = self.route.forward().and_then(ProxyServer::authorization);
        if let Some(authorization) = authorization {
            headers.entry(header::PROXY_AUTHORIZATION).or_insert(authorization);
        }
    }

    /// Makes `error` fit to be shown: masks secrets in the server's texts, then
    /// shortens them to a line, and adds the base URL and the key's origin. A key
    /// that was cut in half first would not be masked. If the mock server refuses
    /// a request, it is this process that has a limit.
    pub fn presentable(&self, error: Error) -> Error {
        if let Some(source) = self.mock.as_ref().and_then(|mock| mock.refusal(&error)) {
            return Error::Limit { action: "run the mock server".to_owned(), source };
        }
        match error {
            Error::Protocol(text) => Error::Protocol(self.masked_around_base_url(&text)),
            Error::NotApi(text) => Error::NotApi(self.masked_around_base_url(&text)),
            Error::WrongScheme(text) => Error::WrongScheme(self.masked_around_base_url(&text)),
            Error::Server(mut server) => {
                let masked = |text| self.secrets.mask(text);
                server.message = line(masked(server.message));
                server.code = server.code.map(masked).map(line);
                server.kind = server.kind.map(masked).map(line);
                server.request_id = server.request_id.map(masked).map(line);
                server.body = masked(server.body);
                server.base_url.clone_from(&self.base_url);
                server.key_origin = self.key.as_ref().map(|key| key.origin().to_owned());
                Error::Server(server)
            }
            Error::Network(NetworkError::Cut(how)) => {
                NetworkError::Cut(line(self.secrets.mask(how))).into()
            }
            Error::Network(NetworkError::GaveUp(word)) => {
                NetworkError::GaveUp(line(self.secrets.mask(word))).into()
            }
            // The names in a certificate are the server's words too.
            Error::Certificate { flaw: CertificateFlaw::Other(text), host, address, ca_file } => {
                let flaw = CertificateFlaw::Other(self.secrets.mask(text));
                Error::Certificate { host, address, ca_file, flaw }
            }
            other => other,
        }
    }

    /// As much of `text` as fits on a line, with secrets masked, but not in the base
    /// URL: that is gravix's own word, whatever the key is.
    fn masked_around_base_url(&self, text: &str) -> String {
        let parts = text.split(&self.base_url);
        let parts = parts.map(|part| self.secrets.mask(part.to_owned()));
        line(parts.collect::<Vec<_>>().join(&self.base_url))
    }
}

/// As much of `text` as fits on a line.
fn line(text: String) -> String {
    match text.char_indices().nth(MESSAGE_LIMIT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}
