//! One exchange with the API: a request sent, and again where that is wise,
//! its status judged, the body handed on.

use std::io::Read;
use std::sync::Arc;
use std::time::Duration;

use serde::de::IgnoredAny;
use ureq::http::{HeaderValue, header};
use ureq::typestate::WithoutBody;
use ureq::{Agent, RequestBuilder, SendBody};

use crate::chat::event::Event;
use crate::error::{Error, Result};
use crate::net::clock::Clock;
use crate::net::connect::TimedConnector;
use crate::net::endpoint::Endpoint;
use crate::net::observer::NetObserver;
use crate::net::rate_limit::RateLimit;
use crate::net::rate_limiter::{RateLimiter, Unlimited};
use crate::net::reply_stream::ReplyStream;
use crate::net::resolve::TimedResolver;
use crate::net::server::{Server, USER_AGENT};
use crate::wire::body::RequestBody;
use crate::wire::chunk::ChunkError;
use crate::wire::{chunk, decode, error_body, sse};

/// What became of a request, try by try.
#[derive(Debug, Default)]
pub struct RequestTrace {
    pub tries: u32,
    /// The HTTP status of the last try.
    pub status: Option<u16>,
    /// The server's name for the last try.
    pub request_id: Option<String>,
    pub(super) rate_limit: Option<RateLimit>,
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
    pub(super) server: Arc<Server>,
    agent: Agent,
    pub(super) clock: Arc<Clock>,
    pub(super) limiter: Arc<dyn RateLimiter>,
}

impl Client {
    /// A client for one request, whose deadline starts now.
    ///
    /// # Errors
    /// Those of [`Server::new`].
    pub fn new(endpoint: &Endpoint, observer: Arc<dyn NetObserver>) -> Result<Self> {
        let server = Arc::new(Server::new(endpoint, observer)?);
        let clock = Clock::start(server.timeouts);
        Ok(Self::of(server, clock, 0, Arc::new(Unlimited)))
    }

    /// Clients for many requests of one server, each of which keeps one
    /// connection. A deadline is that of each request.
    ///
    /// # Errors
    /// Those of [`Server::new`].
    pub fn many(
        endpoint: &Endpoint,
        observer: Arc<dyn NetObserver>,
        limiter: &Arc<impl RateLimiter + 'static>,
    ) -> Result<impl Iterator<Item = Self>> {
        let server = Arc::new(Server::new(endpoint, observer)?);
        let limiter = Arc::clone(limiter);
        Ok(std::iter::repeat_with(move || {
            let clock = Clock::renewed(server.timeouts);
            Self::of(Arc::clone(&server), clock, 1, Arc::clone(&limiter) as Arc<dyn RateLimiter>)
        }))
    }

    /// A client that keeps so many connections between requests.
    fn of(server: Arc<Server>, clock: Clock, kept: usize, limiter: Arc<dyn RateLimiter>) -> Self {
        let clock = Arc::new(clock);
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(kept)
            .proxy(server.proxy.clone())
            .user_agent(USER_AGENT)
            .build();
        let agent = Agent::with_parts(
            config,
            TimedConnector::new(
                Arc::clone(&clock),
                server.tls.clone(),
                Arc::clone(&server.observer),
            ),
            TimedResolver::new(Arc::clone(&clock), kept > 0),
        );
        Self { server, agent, clock, limiter }
    }

    /// What is left until the deadline, if there is one.
    pub fn time_left(&self) -> Option<Duration> {
        self.clock.left()
    }

    /// Asks for a chat completion. The events end when the reply is whole.
    /// What `trace` holds is true also when it fails.
    ///
    /// # Errors
    /// Those of the last try, and of the limiter.
    pub fn chat(
        &self,
        chat: &ChatRequest,
        trace: &mut RequestTrace,
    ) -> Result<impl Iterator<Item = Result<Event>>> {
        let url = format!("{}/chat/completions", self.server.base_url);
        let accept = if chat.streams { "text/event-stream" } else { "application/json" };
        let body = chat.body;
        let answer = self.send_with_retries(trace, |trace| {
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
        let answer = self.send_with_retries(&mut RequestTrace::default(), |trace| {
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
        list.map_err(|error| self.server.presentable(error))?;
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
}
