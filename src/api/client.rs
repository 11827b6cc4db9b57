//! One HTTP exchange: a request sent, its status judged, the body handed on.

use std::io::{self, Read};
use std::time::Duration;

use ureq::http::{HeaderMap, Response, StatusCode, header};
use ureq::unversioned::resolver::DefaultResolver;
use ureq::{Agent, Timeout};

use super::events::{self, Events};
use super::failure;
use super::mock::Mock;
use super::request;
use super::transport::{self, Watch};
use crate::error::{Error, NetworkError, Result, ServerError};
use crate::settings::{BaseUrl, Network, Secret};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long the server may be silent.
const IDLE_TIMEOUT: Duration = Duration::from_secs(300);

/// No more of an error's body is read: 64 KiB.
const ERROR_LIMIT: u64 = 64 << 10;

/// No more of a list of models is read: 64 MiB.
const MODELS_LIMIT: u64 = 64 << 20;

pub struct Client {
    agent: Agent,
    watch: Watch,
    base_url: String,
    host: String,
    key: Option<Secret>,
    /// Serves as long as the client lives.
    _mock: Option<Mock>,
}

impl Client {
    pub fn new(network: &Network) -> Result<Self> {
        let (base_url, host, mock) = match &network.base_url {
            BaseUrl::Http { url, host } => (url.clone(), host.clone(), None),
            BaseUrl::Mock => {
                let mock = Mock::start().map_err(|source| {
                    let target = "the stand-in behind mock:".to_owned();
                    Error::Network(NetworkError::Connect { target, source })
                })?;
                (mock.base_url(), "localhost".to_owned(), Some(mock))
            }
        };
        let watch = Watch::default();
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(None)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(IDLE_TIMEOUT))
            .timeout_per_read(Some(IDLE_TIMEOUT))
            .user_agent(concat!("gravix/", env!("CARGO_PKG_VERSION")))
            .build();
        let agent = Agent::with_parts(
            config,
            transport::connector(watch.clone()),
            DefaultResolver::default(),
        );
        Ok(Self { agent, watch, base_url, host, key: network.key.clone(), _mock: mock })
    }

    /// Asks for a chat completion.
    pub fn chat(&self, body: &request::Body, accept: &str) -> Result<Events<impl Read>> {
        let mut request = self
            .agent
            .post(format!("{}/chat/completions", self.base_url))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::CONTENT_LENGTH, body.len())
            .header(header::ACCEPT, accept);
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, key.bearer());
        }
        let mut reader = body.reader();
        let answer = request.send(ureq::SendBody::from_reader(&mut reader));
        let body = self.judge(answer)?;
        self.watch.announce_waits();
        Ok(Events::new(body, &self.base_url))
    }

    /// The server's list of models, as it came.
    pub fn models(&self) -> Result<Vec<u8>> {
        let mut request = self
            .agent
            .get(format!("{}/models", self.base_url))
            .header(header::ACCEPT, "application/json");
        if let Some(key) = &self.key {
            request = request.header(header::AUTHORIZATION, key.bearer());
        }
        let mut body = Vec::new();
        let read = self.judge(request.call())?.take(MODELS_LIMIT + 1).read_to_end(&mut body);
        read.map_err(|error| self.class_io(error))?;
        if body.len() as u64 > MODELS_LIMIT {
            return Err(Error::Protocol("the list of models is longer than 64 MiB".to_owned()));
        }
        if body.trim_ascii_start().starts_with(b"<") {
            return Err(events::html(&self.base_url));
        }
        Ok(body)
    }

    /// The body of a success; anything else is an error.
    fn judge(&self, answer: Result<Response<ureq::Body>, ureq::Error>) -> Result<Body> {
        let (head, body) = answer.map_err(|error| self.class(error))?.into_parts();
        let body = Body { reader: body.into_reader(), host: self.host.clone() };
        if head.status.is_success() {
            return Ok(body);
        }
        if head.status.is_redirection() {
            let target = head.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
            return Err(Error::Protocol(format!(
                "the server redirects to {}; gravix follows no redirects: set the base URL accordingly",
                self.mask(target.unwrap_or("nowhere"))
            )));
        }
        Err(self.refusal(head.status, &head.headers, body))
    }

    /// The error that a status other than a success stands for.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: Body) -> Error {
        let mut text = Vec::new();
        // What can be read of the message is better than nothing.
        let _ = body.take(ERROR_LIMIT).read_to_end(&mut text);
        let is_html = text.trim_ascii_start().starts_with(b"<");
        let wrong_url = matches!(status.as_u16(), 400 | 404 | 405);
        if is_html && wrong_url {
            return events::html(&self.base_url);
        }
        let mut error = if is_html { ServerError::default() } else { failure::parse(&text) };
        error.http_status = Some(status.as_u16());
        error.message = self.mask(error.message.trim());
        if error.message.is_empty() {
            error.message = status.canonical_reason().unwrap_or_default().to_owned();
        }
        let request_id = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        error.request_id = error.request_id.or(request_id.map(str::to_owned));
        error.way_out = self.way_out(&error);
        error.into()
    }

    fn way_out(&self, error: &ServerError) -> Option<String> {
        match error.status()? {
            401 | 403 if self.key.is_none() => {
                Some("set GRAVIXLAYER_API_KEY to your key".to_owned())
            }
            401 | 403 => Some("check the key in GRAVIXLAYER_API_KEY".to_owned()),
            404 if error.message.to_lowercase().contains("model") => {
                Some("gravix models lists the models there are".to_owned())
            }
            404 => Some(format!("check the base URL {}", self.base_url)),
            _ => None,
        }
    }

    fn mask(&self, text: &str) -> String {
        self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.mask(text))
    }

    fn class(&self, error: ureq::Error) -> Error {
        class(error, &self.host)
    }

    fn class_io(&self, error: io::Error) -> Error {
        error.downcast().unwrap_or_else(|other| self.class(ureq::Error::Io(other)))
    }
}

/// The body of a success. Its errors are [`Error`]s, but for
/// [`io::ErrorKind::WouldBlock`] before each wait.
struct Body {
    reader: ureq::BodyReader<'static>,
    host: String,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => error,
            io::ErrorKind::UnexpectedEof => io::Error::other(Error::Network(NetworkError::Cut(
                "the connection was closed".to_owned(),
            ))),
            _ => io::Error::other(class(ureq::Error::from(error), &self.host)),
        })
    }
}

/// What went wrong on the way, in gravix's terms.
fn class(error: ureq::Error, host: &str) -> Error {
    match error {
        ureq::Error::HostNotFound => lookup(host, "it has no address"),
        ureq::Error::Io(source) if source.to_string().starts_with("failed to lookup") => {
            let text = source.to_string();
            lookup(host, text.rsplit(": ").next().unwrap_or_default())
        }
        ureq::Error::Io(source) => {
            Error::Network(NetworkError::Connect { target: host.to_owned(), source })
        }
        ureq::Error::Timeout(Timeout::Connect) => {
            let phase = "waiting for a connection";
            Error::Network(NetworkError::Timeout { phase, after: CONNECT_TIMEOUT })
        }
        ureq::Error::Timeout(_) => {
            let phase = "waiting for the server";
            Error::Network(NetworkError::Timeout { phase, after: IDLE_TIMEOUT })
        }
        ureq::Error::Protocol(reason) => {
            Error::Protocol(format!("{host} does not speak HTTP as it should: {reason}"))
        }
        other => Error::Protocol(format!("no HTTP exchange with {host}: {other}")),
    }
}

fn lookup(host: &str, reason: &str) -> Error {
    Error::Network(NetworkError::Lookup { host: host.to_owned(), reason: reason.to_owned() })
}
