//! One exchange with the API: a request sent, and again where that is wise,
//! its status judged, the body handed on.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, SystemTime};

use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Proxy, RequestBuilder, SendBody};

use super::clock::Clock;
use super::connect::{TimedConnector, TimedResolver};
use super::events::{self, Event, Events};
use super::failure;
use super::mock::Mock;
use super::request;
use super::retry::{self, Verdict};
use super::tls::{Roots, TlsConnector};
use crate::base_url::BaseUrl;
use crate::cli::Header;
use crate::error::{Error, NetworkError, Result, ServerError};
use crate::notes::Notes;
use crate::secret::Secret;
use crate::settings::Network;

const USER_AGENT: &str = concat!("gravix/", env!("CARGO_PKG_VERSION"));

/// No more of an error's body is read: 64 KiB.
const ERROR_LIMIT: u64 = 64 << 10;

/// No more of a list of models is read: 64 MiB.
const MODELS_LIMIT: u64 = 64 << 20;

pub struct Client {
    agent: Agent,
    clock: Arc<Clock>,
    notes: Notes,
    base_url: String,
    key: Option<Secret>,
    headers: Vec<Header>,
    retries: u32,
    /// Serves as long as the client lives.
    _mock: Option<Mock>,
}

impl Client {
    /// Starts the clock of the deadline.
    ///
    /// # Errors
    /// Those of [`Roots::load`], and [`Error::Network`] where the stand-in
    /// cannot be started.
    pub fn new(network: &Network, notes: &Notes) -> Result<Self> {
        let (base_url, mock) = match &network.base_url {
            BaseUrl::Http { url, .. } => (url.clone(), None),
            BaseUrl::Mock => {
                let mock = Mock::start().map_err(|source| {
                    let target = "the stand-in behind mock:".to_owned();
                    NetworkError::Connect { target, source }
                })?;
                (mock.base_url(), Some(mock))
            }
        };
        let clock = Arc::new(Clock::start(network.limits));
        let tls = TlsConnector::new(Roots::load(network.ca_file.as_deref())?, notes.clone());
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(0)
            .proxy(network.proxy.as_deref().map(proxy).transpose()?)
            .user_agent(USER_AGENT)
            .build();
        let agent = Agent::with_parts(
            config,
            TimedConnector::new(Arc::clone(&clock), tls, notes.clone()),
            TimedResolver { clock: Arc::clone(&clock) },
        );
        Ok(Self {
            agent,
            clock,
            notes: notes.clone(),
            base_url,
            key: network.key.clone(),
            headers: network.headers.clone(),
            retries: network.retries,
            _mock: mock,
        })
    }

    /// What is left until the deadline, if there is one.
    pub fn time_left(&self) -> Option<Duration> {
        self.clock.left()
    }

    /// Asks for a chat completion. The events end when the reply is whole.
    ///
    /// # Errors
    /// Those of the last try.
    pub fn chat(
        &self,
        body: &request::Body,
        accept: &'static str,
    ) -> Result<impl Iterator<Item = Result<Event>>> {
        let url = format!("{}/chat/completions", self.base_url);
        let answer = self.persist(|| {
            let mut request = self.agent.post(&url);
            self.set_headers(request.headers_mut(), accept);
            if let Some(headers) = request.headers_mut() {
                let json = HeaderValue::from_static("application/json");
                headers.entry(header::CONTENT_TYPE).or_insert(json);
                headers.insert(header::CONTENT_LENGTH, body.len().into());
            }
            self.send(request, |request| request.send(SendBody::from_reader(&mut body.reader())))
        })?;
        self.clock.announce_waits();
        Ok(Chat { events: Events::new(answer, &self.base_url), client: self })
    }

    /// The server's list of models, as it came.
    ///
    /// # Errors
    /// Those of the last try.
    pub fn models(&self) -> Result<Vec<u8>> {
        let url = format!("{}/models", self.base_url);
        let answer = self.persist(|| {
            let mut request = self.agent.get(&url);
            self.set_headers(request.headers_mut(), "application/json");
            self.send(request, RequestBuilder::<WithoutBody>::call)
        })?;
        let mut body = Vec::new();
        let read = answer.take(MODELS_LIMIT + 1).read_to_end(&mut body);
        read.map_err(events::from_io)?;
        if body.len() as u64 > MODELS_LIMIT {
            return Err(Error::Protocol("the list of models is longer than 64 MiB".to_owned()));
        }
        if body.trim_ascii_start().starts_with(b"<") {
            return Err(events::html(&self.base_url));
        }
        Ok(body)
    }

    /// Tries until a success comes or there is no point in going on.
    fn persist(&self, attempt: impl Fn() -> Result<Body>) -> Result<Body> {
        let mut failures = 0;
        loop {
            self.clock.connecting();
            let error = match attempt() {
                Ok(body) => return Ok(body),
                Err(error) => error,
            };
            failures += 1;
            let left = self.clock.left();
            match retry::after(&error, failures, self.retries, left, fastrand::f64()) {
                Verdict::Never => return Err(error),
                Verdict::Again(wait) => {
                    let seconds = wait.as_secs_f64();
                    let (next, tries) = (failures + 1, self.retries + 1);
                    self.notes.note(format_args!(
                        "{error}; trying again in {seconds:.1} s (try {next} of {tries})"
                    ));
                    thread::sleep(wait);
                }
            }
        }
    }

    fn set_headers(&self, headers: Option<&mut HeaderMap>, accept: &'static str) {
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
        if let Some(mut bearer) = bearer {
            bearer.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, bearer);
        }
    }

    /// Sends one request and judges its answer.
    fn send<B>(
        &self,
        request: RequestBuilder<B>,
        send: impl FnOnce(RequestBuilder<B>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Body> {
        if let (Some(method), Some(uri)) = (request.method_ref(), request.uri_ref()) {
            self.notes.detail(format_args!("> {method} {uri}"));
        }
        self.tell(">", request.headers_ref());
        let answer = send(request).map_err(|error| self.class(error))?;
        self.clock.alive();
        let (head, body) = answer.into_parts();
        self.notes.detail(format_args!("< {:?} {}", head.version, head.status));
        self.tell("<", Some(&head.headers));
        let body = Body { reader: body.into_reader(), clock: Arc::clone(&self.clock) };
        if head.status.is_redirection() {
            let target = head.headers.get(header::LOCATION).map(HeaderValue::as_bytes);
            return Err(Error::Protocol(format!(
                "the server redirects to {}; gravix follows no redirects: set the base URL accordingly",
                String::from_utf8_lossy(target.unwrap_or(b"an unknown place"))
            )));
        }
        let encoding = text(&head.headers, "content-encoding").unwrap_or("identity");
        let is_plain = encoding.eq_ignore_ascii_case("identity");
        match head.status.is_success() {
            true if is_plain => Ok(body),
            true => Err(Error::Protocol(format!(
                "the reply is encoded as {encoding}, which gravix did not ask for"
            ))),
            false => Err(self.refusal(head.status, &head.headers, is_plain.then_some(body))),
        }
    }

    fn tell(&self, direction: &str, headers: Option<&HeaderMap>) {
        for (name, value) in headers.into_iter().flatten() {
            let is_secret = value.is_sensitive()
                || ["authorization", "cookie", "key", "secret", "token"]
                    .iter()
                    .any(|part| name.as_str().contains(part));
            let value = String::from_utf8_lossy(value.as_bytes());
            let value = if is_secret { "(redacted)" } else { &value };
            self.notes.detail(format_args!("{direction} {name}: {value}"));
        }
    }

    /// The error that a status other than a success stands for.
    fn refusal(&self, status: StatusCode, headers: &HeaderMap, body: Option<Body>) -> Error {
        let mut text_of_body = Vec::new();
        if let Some(body) = body {
            // What can be read of the message is better than nothing.
            let _ = body.take(ERROR_LIMIT).read_to_end(&mut text_of_body);
        }
        let is_html = text_of_body.trim_ascii_start().starts_with(b"<");
        if is_html && matches!(status.as_u16(), 400 | 404 | 405) {
            return events::html(&self.base_url);
        }
        let parsed = if is_html { ServerError::default() } else { failure::parse(&text_of_body) };
        let mut error = ServerError {
            http_status: Some(status.as_u16()),
            retry_after: retry::requested_wait(
                text(headers, "retry-after"),
                text(headers, "retry-after-ms"),
                SystemTime::now(),
            ),
            should_retry: text(headers, "x-should-retry").and_then(|wish| wish.parse().ok()),
            ..parsed
        };
        let request_id = text(headers, "x-request-id").map(str::to_owned);
        error.request_id = error.request_id.or(request_id);
        if error.message.is_empty() {
            error.message = status.canonical_reason().unwrap_or_default().to_owned();
        }
        error.way_out = self.way_out(&error);
        error.into()
    }

    /// What the user can do about an error of the server's.
    fn way_out(&self, error: &ServerError) -> Option<String> {
        let message = error.message.to_lowercase();
        let is_too_long = error.code.as_deref() == Some("context_length_exceeded")
            || ["context length", "context size", "context window", "maximum context"]
                .iter()
                .any(|words| message.contains(words));
        match error.status() {
            _ if is_too_long => Some("shorten the prompt, or send fewer --turns".to_owned()),
            Some(401 | 403) if self.key.is_none() => {
                Some("set GRAVIXLAYER_API_KEY to your key".to_owned())
            }
            Some(401 | 403) => Some("check the key in GRAVIXLAYER_API_KEY".to_owned()),
            Some(404) if message.contains("model") => {
                Some("gravix models lists the models there are".to_owned())
            }
            Some(404) => Some(format!("check the base URL {}", self.base_url)),
            Some(413) => Some("shorten the prompt, or send fewer --turns".to_owned()),
            Some(429) if error.is_quota() => None,
            Some(429 | 503) => Some(match error.retry_after {
                Some(wait) => format!("try again in {} s", wait.as_secs_f64().ceil()),
                None => "try again later".to_owned(),
            }),
            _ => None,
        }
    }

    /// What went wrong before the answer's body, in gravix's terms. The
    /// connection's own faults are classed already.
    fn class(&self, error: ureq::Error) -> Error {
        match error {
            ureq::Error::Other(inner) => match inner.downcast::<Error>() {
                Ok(classed) => *classed,
                Err(other) => Error::Protocol(format!("no HTTP exchange: {other}")),
            },
            ureq::Error::Timeout(reason) => self.clock.expired(reason).into(),
            ureq::Error::Io(_) => NetworkError::Unanswered.into(),
            ureq::Error::LargeResponseHeader(_, limit) => {
                Error::Protocol(format!("the answer's headers are longer than {limit} bytes"))
            }
            ureq::Error::Protocol(reason) => Error::Protocol(format!(
                "{} does not speak HTTP as it should: {reason}",
                self.base_url
            )),
            other => Error::Protocol(format!("no HTTP exchange with {}: {other}", self.base_url)),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn proxy(url: &str) -> Result<Proxy> {
    Proxy::new(url).map_err(|error| Error::Config(format!("the proxy's URL is bad: {error}")))
}

/// A reply's events, which keep the clock going.
struct Chat<'a> {
    events: Events<Body>,
    client: &'a Client,
}

impl Iterator for Chat<'_> {
    type Item = Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.events.next()? {
                Ok(Event::Alive) => self.client.clock.alive(),
                Ok(Event::Finish(reason)) => {
                    self.client.clock.closing();
                    return Some(Ok(Event::Finish(reason)));
                }
                Err(Error::Server(mut error)) => {
                    error.way_out = self.client.way_out(&error);
                    return Some(Err(Error::Server(error)));
                }
                other => return Some(other),
            }
        }
    }
}

/// The body of an answer. Its errors are [`Error`]s, but for
/// [`io::ErrorKind::WouldBlock`] before each wait.
struct Body {
    reader: ureq::BodyReader<'static>,
    clock: Arc<Clock>,
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buffer).map_err(|error| {
            let kind = error.kind();
            match ureq::Error::from(error) {
                ureq::Error::Io(error) if kind == io::ErrorKind::WouldBlock => error,
                ureq::Error::Timeout(reason) => {
                    io::Error::other(Error::from(self.clock.expired(reason)))
                }
                ureq::Error::Io(_) => {
                    let cut = NetworkError::Cut("the connection was closed".to_owned());
                    io::Error::other(Error::from(cut))
                }
                other => {
                    io::Error::other(Error::Protocol(format!("the reply is bad HTTP: {other}")))
                }
            }
        })
    }
}
