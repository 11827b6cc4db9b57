//! One exchange with the API: a request sent, and again where that is wise,
//! its status judged, the body handed on.

use std::io::{self, Read};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use serde::de::IgnoredAny;
use ureq::http::{HeaderMap, HeaderName, HeaderValue, Response, header};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Proxy, RequestBuilder, SendBody};

use super::chunk::{self, Fault};
use super::clock::Clock;
use super::connect::TimedConnector;
use super::events::{Event, Events};
use super::fault;
use super::lookup::TimedResolver;
use super::mock::Mock;
use super::refusal;
use super::request;
use super::retry::{self, Verdict};
use super::sse;
use super::tls::{Roots, TlsConnector};
use crate::base_url::BaseUrl;
use crate::cli::Header;
use crate::error::{Error, NetworkError, Result};
use crate::notes::Notes;
use crate::secret::{Secret, is_secret_header};
use crate::settings::Network;

const USER_AGENT: &str = concat!("gravix/", env!("CARGO_PKG_VERSION"));

/// No more characters of what a server says are shown.
const MESSAGE_LIMIT: usize = 300;

/// What became of a request, try by try.
#[derive(Debug, Default)]
pub struct Trace {
    pub tries: u32,
    /// The HTTP status of the last try.
    pub status: Option<u16>,
    /// The server's name for the last try.
    pub request_id: Option<String>,
}

/// A chat completion to be asked for.
pub struct ChatRequest<'a> {
    pub body: &'a request::Body,
    /// A stream is expected, and not a response at one stroke.
    pub streams: bool,
    /// Each payload of the reply is wanted too, as [`Event::Payload`].
    pub wants_payloads: bool,
}

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
                    NetworkError::Connect { target, is_proxied: false, source }
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
    /// What `trace` holds is true also when it fails.
    ///
    /// # Errors
    /// Those of the last try.
    pub fn chat(
        &self,
        chat: &ChatRequest,
        trace: &mut Trace,
    ) -> Result<impl Iterator<Item = Result<Event>>> {
        let url = format!("{}/chat/completions", self.base_url);
        let accept = if chat.streams { "text/event-stream" } else { "application/json" };
        let body = chat.body;
        let answer = self.persist(trace, |trace| {
            let mut request = self.agent.post(&url);
            self.set_headers(request.headers_mut(), accept);
            if let Some(headers) = request.headers_mut() {
                let json = HeaderValue::from_static("application/json");
                headers.entry(header::CONTENT_TYPE).or_insert(json);
                headers.insert(header::CONTENT_LENGTH, body.len().into());
            }
            self.send(request, trace, |request| {
                request.send(SendBody::from_reader(&mut body.reader()))
            })
        })?;
        self.clock.announce_waits();
        let events = Events::new(answer, &self.base_url).with_payloads(chat.wants_payloads);
        Ok(Chat { events, client: self })
    }

    /// The server's list of models, as it came.
    ///
    /// # Errors
    /// Those of the last try.
    pub fn models(&self) -> Result<Vec<u8>> {
        let url = format!("{}/models", self.base_url);
        let answer = self.persist(&mut Trace::default(), |trace| {
            let mut request = self.agent.get(&url);
            self.set_headers(request.headers_mut(), "application/json");
            self.send(request, trace, RequestBuilder::<WithoutBody>::call)
        })?;
        let mut body = Vec::new();
        let read = answer.take(sse::LIMIT as u64 + 1).read_to_end(&mut body);
        // As with a reply, only the framing may be missing.
        let is_whole = || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        let list = match read {
            Err(error) if !is_whole() => Err(fault::from_io(error)),
            _ => self.ensure_list(&body),
        };
        list.map_err(|error| self.advise(self.presentable(error)))?;
        Ok(body)
    }

    /// Tells what a success is that is no list: a page, or an error.
    fn ensure_list(&self, body: &[u8]) -> Result<()> {
        if body.len() > sse::LIMIT {
            return Err(Error::Protocol("the list of models is longer than 64 MiB".to_owned()));
        }
        if fault::is_html(body) {
            return Err(fault::html(&self.base_url));
        }
        match chunk::parse(body) {
            Err(Fault::Server(server)) => Err(Error::Server(server)),
            Err(Fault::Malformed { is_torn: true, .. }) => Err(fault::cut("the list ended")),
            _ => Ok(()),
        }
    }

    /// Tries until a success comes or there is no point in going on.
    fn persist(
        &self,
        trace: &mut Trace,
        attempt: impl Fn(&mut Trace) -> Result<Body>,
    ) -> Result<Body> {
        let mut failures: u32 = 0;
        loop {
            self.clock.connecting();
            *trace = Trace { tries: failures.saturating_add(1), ..Trace::default() };
            let error = match attempt(trace) {
                Ok(body) => return Ok(body),
                Err(error) => self.presentable(error),
            };
            failures = failures.saturating_add(1);
            let left = self.clock.left();
            match retry::after(&error, failures, self.retries, left, fastrand::f64()) {
                Verdict::Never => return Err(self.advise(error)),
                Verdict::Again(wait) => {
                    let seconds = wait.as_secs_f64();
                    let (next, tries) = (failures + 1, self.retries.saturating_add(1));
                    self.notes.note(format_args!(
                        "{error}; trying again in {seconds:.1} s (try {next} of {tries})"
                    ));
                    thread::sleep(wait);
                }
            }
        }
    }

    /// Masks the key in what the server said, and cuts it to a line's length:
    /// in this order, as half a key is no key to a mask.
    fn presentable(&self, error: Error) -> Error {
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
    fn advise(&self, mut error: Error) -> Error {
        if let Error::Server(server) = &mut error {
            server.way_out = refusal::way_out(server, self.key.as_ref(), &self.base_url);
        }
        error
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
        if let Some(bearer) = bearer {
            headers.insert(header::AUTHORIZATION, bearer);
        }
    }

    /// Sends one request and judges its answer.
    fn send<B>(
        &self,
        request: RequestBuilder<B>,
        trace: &mut Trace,
        send: impl FnOnce(RequestBuilder<B>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<Body> {
        if let (Some(method), Some(uri)) = (request.method_ref(), request.uri_ref()) {
            self.notes.detail(format_args!("> {method} {uri}"));
        }
        self.tell(">", request.headers_ref());
        let answer = send(request)
            .map_err(|error| fault::before_body(error, &self.clock, &self.base_url))?;
        self.clock.alive();
        let (head, body) = answer.into_parts();
        trace.status = Some(head.status.as_u16());
        let request_id = refusal::text(&head.headers, "x-request-id");
        trace.request_id = request_id.map(|id| self.notes.masked(id.to_owned()));
        self.notes.detail(format_args!("< {:?} {}", head.version, head.status));
        self.tell("<", Some(&head.headers));
        let body = Body { reader: body.into_reader(), clock: Arc::clone(&self.clock) };
        if !head.status.is_success() {
            let error = refusal::read(&head, body, &self.base_url);
            if let Error::Server(server) = &error {
                let request_id = server.request_id.clone();
                trace.request_id = request_id.map(|id| self.notes.masked(id));
            }
            return Err(error);
        }
        refusal::ensure_identity(&head.headers)?;
        Ok(body)
    }

    fn tell(&self, direction: &str, headers: Option<&HeaderMap>) {
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
                Err(error) => return Some(Err(self.client.advise(self.client.presentable(error)))),
                Ok(event) => return Some(Ok(event)),
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
        self.reader.read(buffer).map_err(|error| fault::in_body(error, &self.clock))
    }
}
