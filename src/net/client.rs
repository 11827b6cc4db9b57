//! One exchange with the API: a request sent, and again where that is wise,
//! its status judged, the body handed on.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use serde::de::IgnoredAny;
use ureq::http::{HeaderMap, HeaderValue, Response, header};
use ureq::typestate::WithoutBody;
use ureq::{Agent, RequestBuilder, SendBody, Timeout};

use crate::chat::event::Event;
use crate::error::{Error, NetworkError, Result};
use crate::net::clock::Clock;
use crate::net::connect::TimedConnector;
use crate::net::pace::{Pace, Signal, Unpaced};
use crate::net::rate_limit::RateLimit;
use crate::net::reply_stream::{ReplyStream, ResponseBody};
use crate::net::resolve::TimedResolver;
use crate::net::retry::RetryDecision;
use crate::net::server::{Server, USER_AGENT};
use crate::net::{error, pace, rate_limit, retry, status};
use crate::output::notes::Notes;
use crate::settings::network::Network;
use crate::wire::body::RequestBody;
use crate::wire::chunk::ChunkError;
use crate::wire::{chunk, decode, error_body, sse};

/// A kept connection that the server had closed before shows it within this
/// time.
const STALE: Duration = Duration::from_secs(1);

/// What became of a request, try by try.
#[derive(Debug, Default)]
pub struct RequestTrace {
    pub tries: u32,
    /// The HTTP status of the last try.
    pub status: Option<u16>,
    /// The server's name for the last try.
    pub request_id: Option<String>,
    allowance: Option<RateLimit>,
}

/// A chat completion to be asked for.
pub struct ChatRequest<'a> {
    pub body: &'a RequestBody,
    /// A stream is expected, and not a response at one stroke.
    pub streams: bool,
    /// Each payload of the reply is wanted too, as [`Event::Payload`].
    pub wants_payloads: bool,
}

pub struct Client {
    server: Arc<Server>,
    agent: Agent,
    clock: Arc<Clock>,
    pace: Arc<dyn Pace>,
}

impl Client {
    /// A client for one request, whose deadline starts now.
    ///
    /// # Errors
    /// Those of [`Server::new`].
    pub fn new(network: &Network, notes: &Notes) -> Result<Self> {
        let server = Arc::new(Server::new(network, notes)?);
        let clock = Clock::start(server.limits);
        Ok(Self::of(server, clock, 0, Arc::new(Unpaced)))
    }

    /// Clients for many requests of one server, each of which keeps one
    /// connection. A deadline is that of each request.
    ///
    /// # Errors
    /// Those of [`Server::new`].
    pub fn many(
        network: &Network,
        notes: &Notes,
        pace: &Arc<impl Pace + 'static>,
    ) -> Result<impl Iterator<Item = Self>> {
        let server = Arc::new(Server::new(network, notes)?);
        let pace = Arc::clone(pace);
        Ok(std::iter::repeat_with(move || {
            let clock = Clock::renewed(server.limits);
            Self::of(Arc::clone(&server), clock, 1, Arc::clone(&pace) as Arc<dyn Pace>)
        }))
    }

    /// A client that keeps so many connections between requests.
    fn of(server: Arc<Server>, clock: Clock, kept: usize, pace: Arc<dyn Pace>) -> Self {
        let clock = Arc::new(clock);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(kept)
            .proxy(server.proxy.clone())
            .user_agent(USER_AGENT)
            .build();
        let notes = server.notes.clone();
        let agent = Agent::with_parts(
            config,
            TimedConnector::new(Arc::clone(&clock), server.tls.clone(), notes),
            TimedResolver::new(Arc::clone(&clock), kept > 0),
        );
        Self { server, agent, clock, pace }
    }

    /// What is left until the deadline, if there is one.
    pub fn time_left(&self) -> Option<Duration> {
        self.clock.left()
    }

    /// Asks for a chat completion. The events end when the reply is whole.
    /// What `trace` holds is true also when it fails.
    ///
    /// # Errors
    /// Those of the last try, and of the pace.
    pub fn chat(
        &self,
        chat: &ChatRequest,
        trace: &mut RequestTrace,
    ) -> Result<impl Iterator<Item = Result<Event>>> {
        let url = format!("{}/chat/completions", self.server.base_url);
        let accept = if chat.streams { "text/event-stream" } else { "application/json" };
        let body = chat.body;
        let answer = self.persist(trace, |trace| {
            let mut request = self.agent.post(&url);
            self.server.set_headers(request.headers_mut(), accept);
            if let Some(headers) = request.headers_mut() {
                let json = HeaderValue::from_static("application/json");
                headers.entry(header::CONTENT_TYPE).or_insert(json);
                headers.insert(header::CONTENT_LENGTH, body.content_length().into());
            }
            self.send(request, trace, |request| {
                request.send(SendBody::from_reader(&mut body.reader()))
            })
        })?;
        self.clock.announce_waits();
        Ok(ReplyStream::new(answer, chat.wants_payloads, &self.server, &self.clock))
    }

    /// The server's list of models, as it came.
    ///
    /// # Errors
    /// Those of the last try.
    pub fn models(&self) -> Result<Vec<u8>> {
        let url = format!("{}/models", self.server.base_url);
        let answer = self.persist(&mut RequestTrace::default(), |trace| {
            let mut request = self.agent.get(&url);
            self.server.set_headers(request.headers_mut(), "application/json");
            self.send(request, trace, RequestBuilder::<WithoutBody>::call)
        })?;
        let mut body = Vec::new();
        let read = answer.take(sse::LIMIT as u64 + 1).read_to_end(&mut body);
        // As with a reply, only the framing may be missing.
        let is_whole = || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        let list = match read {
            Err(error) if !is_whole() => Err(decode::from_io(error)),
            _ => self.ensure_list(&body),
        };
        list.map_err(|error| self.server.advise(self.server.presentable(error)))?;
        Ok(body)
    }

    /// Tells what a success is that is no list: a page, or an error.
    fn ensure_list(&self, body: &[u8]) -> Result<()> {
        if body.len() > sse::LIMIT {
            return Err(Error::Protocol("the list of models is longer than 64 MiB".to_owned()));
        }
        if error_body::is_html(body) {
            return Err(error_body::html(&self.server.base_url));
        }
        match chunk::parse(body) {
            Err(ChunkError::Server(server)) => Err(Error::Server(server)),
            Err(ChunkError::Malformed { is_torn: true, .. }) => Err(decode::cut("the list ended")),
            _ => Ok(()),
        }
    }

    /// Tries until a success comes or there is no point in going on.
    fn persist(
        &self,
        trace: &mut RequestTrace,
        attempt: impl Fn(&mut RequestTrace) -> Result<ResponseBody>,
    ) -> Result<ResponseBody> {
        let Server { notes, retries, .. } = &*self.server;
        let mut failures: u32 = 0;
        let mut first = None;
        loop {
            let left = self.clock.left().filter(|_| first.is_some());
            let Some(ticket) = self.pace.admit(first, left)? else {
                return Err(self.clock.expired(Timeout::Global).into());
            };
            if first.is_none() {
                self.clock.begin();
            }
            first.get_or_insert(ticket);
            let tries = trace.tries.saturating_add(1);
            *trace = RequestTrace { tries, ..RequestTrace::default() };
            let outcome = self.attempt_anew(trace, &attempt);
            let heard = self.pace.hear(ticket, &signal(trace, outcome.as_ref().err()));
            let error = match outcome {
                Ok(body) => return Ok(body),
                Err(error) => self.server.presentable(error),
            };
            let is_held = heard == pace::Verdict::Held;
            failures = failures.saturating_add(u32::from(!is_held));
            let most = if is_held { u32::MAX } else { *retries };
            let left = self.clock.left();
            match retry::after(&error, failures.max(1), most, left, fastrand::f64()) {
                RetryDecision::Never => return Err(self.server.advise(error)),
                RetryDecision::Again(_) if is_held => {
                    notes.note(format_args!("{error}; trying again when others may"));
                }
                RetryDecision::Again(wait) => {
                    let seconds = wait.as_secs_f64();
                    let (next, tries) = (failures + 1, retries.saturating_add(1));
                    notes.note(format_args!(
                        "{error}; trying again in {seconds:.1} s (try {next} of {tries})"
                    ));
                    self.pace.pause(wait)?;
                }
            }
        }
    }

    /// One try. A connection that was kept may have been closed meanwhile,
    /// which shows at once: then a new one is made.
    fn attempt_anew(
        &self,
        trace: &mut RequestTrace,
        attempt: &impl Fn(&mut RequestTrace) -> Result<ResponseBody>,
    ) -> Result<ResponseBody> {
        let began = Instant::now();
        self.clock.connecting();
        let outcome = attempt(trace);
        // A server that closes after a while may have been at work on it.
        let is_stale = matches!(outcome, Err(Error::Network(NetworkError::Unanswered)))
            && !self.clock.is_fresh()
            && began.elapsed() < STALE;
        if !is_stale {
            return outcome;
        }
        self.server.notes.detail("* the connection was closed meanwhile; making a new one");
        self.clock.connecting();
        attempt(trace)
    }

    /// Sends one request and judges its answer.
    fn send<B>(
        &self,
        request: RequestBuilder<B>,
        trace: &mut RequestTrace,
        send: impl FnOnce(RequestBuilder<B>) -> Result<Response<ureq::Body>, ureq::Error>,
    ) -> Result<ResponseBody> {
        let Server { base_url, notes, .. } = &*self.server;
        if let (Some(method), Some(uri)) = (request.method_ref(), request.uri_ref()) {
            notes.detail(format_args!("> {method} {uri}"));
        }
        self.server.tell(">", request.headers_ref());
        let answer =
            send(request).map_err(|error| error::before_body(error, &self.clock, base_url))?;
        self.clock.alive();
        let (head, body) = answer.into_parts();
        trace.status = Some(head.status.as_u16());
        trace.allowance = allowance(&head.headers);
        let request_id = status::text(&head.headers, "x-request-id");
        trace.request_id = request_id.map(|id| notes.masked(id.to_owned()));
        notes.detail(format_args!("< {:?} {}", head.version, head.status));
        self.server.tell("<", Some(&head.headers));
        let body = ResponseBody::new(body, &self.clock);
        if !head.status.is_success() {
            let error = status::read(&head, body, base_url);
            if let Error::Server(server) = &error {
                let request_id = server.request_id.clone();
                trace.request_id = request_id.map(|id| notes.masked(id));
            }
            return Err(error);
        }
        status::ensure_identity(&head.headers)?;
        Ok(body)
    }
}

/// What the server says of its limits.
fn allowance(headers: &HeaderMap) -> Option<RateLimit> {
    rate_limit::NAMES.iter().find_map(|(remaining, reset)| {
        let (remaining, reset) = (status::text(headers, remaining)?, status::text(headers, reset)?);
        rate_limit::allowance(remaining, reset, SystemTime::now())
    })
}

fn signal(trace: &RequestTrace, error: Option<&Error>) -> Signal {
    let server = match error {
        Some(Error::Server(server)) => Some(server),
        _ => None,
    };
    Signal {
        status: trace.status,
        retry_after: server.and_then(|server| server.retry_after),
        allowance: trace.allowance,
        is_quota: server.is_some_and(|server| server.is_quota()),
    }
}
