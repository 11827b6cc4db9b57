//! The API client: chat completions and the list of models.

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::IgnoredAny;
use ureq::http::{HeaderValue, header};
use ureq::typestate::WithoutBody;
use ureq::{Agent, RequestBuilder, SendBody};

use crate::chat::event::Event;
use crate::chat::tokens::{self, TokenCount};
use crate::error::{Error, Result};
use crate::headroom;
use crate::net::clock::Clock;
use crate::net::connect::LayeredConnector;
use crate::net::endpoint::Endpoint;
use crate::net::observer::NetObserver;
use crate::net::rate_limit::RateLimits;
use crate::net::rate_limiter::{RateLimiter, Ticket, Unlimited};
use crate::net::reply_stream::ReplyStream;
use crate::net::resolve::TimedResolver;
use crate::net::server::{Server, USER_AGENT};
use crate::wire::body::RequestBody;
use crate::wire::model_list::ModelList;
use crate::wire::{markup, model_list, reply_error, sse};

/// The sizes of a connection's buffers, in bytes. An idle timeout applies to one
/// write, so a slow upload must not put too much into one: `output` is less than
/// ureq's 128 KiB.
struct BufferSizes {
    input: usize,
    output: usize,
}

/// For one request: its stream may be fast.
const SINGLE_BUFFERS: BufferSizes = BufferSizes { input: 128 << 10, output: 32 << 10 };

/// For one of up to 10,000 connections.
const BATCH_BUFFERS: BufferSizes = BufferSizes { input: 16 << 10, output: 16 << 10 };

/// How often a request was tried, and the response to the last try. A request that is
/// sent again later goes on with the trace that it has.
#[derive(Debug, Default)]
pub struct RequestTrace {
    pub tries: u32,
    /// The ticket of the first try, which says how long the request has waited.
    pub(super) first: Option<Ticket>,
    /// The ticket of the last try.
    pub(super) last: Option<Ticket>,
    /// How long the tries took until each had its response.
    pub(super) time_spent: Duration,
    /// The HTTP status of the last try; `None` if it got no response.
    pub status: Option<u16>,
    /// The server's ID of the last try.
    pub request_id: Option<String>,
    pub(super) rate_limits: RateLimits,
}

impl RequestTrace {
    /// The number of the first ticket, by which a rate limiter knows the request.
    pub fn request(&self) -> Option<u64> {
        self.first.map(|first| first.number)
    }

    /// When the request was first sent.
    pub fn sent_at(&self) -> Option<Instant> {
        self.first.map(|first| first.at)
    }
}

/// A request for a chat completion.
pub struct ChatRequest<'a> {
    pub body: &'a RequestBody,
    /// Whether `body` asks for a stream of server-sent events.
    pub streams: bool,
    /// Whether the events include each payload as [`Event::Payload`].
    pub wants_payloads: bool,
}

pub struct Client {
    pub(super) server: Arc<Server>,
    agent: Agent,
    pub(super) clock: Arc<Clock>,
    pub(super) limiter: Arc<dyn RateLimiter>,
    /// A failure that is the world's is returned at once, for the caller to wait
    /// until the server answers again.
    pub(super) leaves_outages: bool,
}

impl Client {
    /// A client for one request. Its deadline starts now.
    ///
    /// # Errors
    /// Fails if the CA file or the proxy URL is not valid, or if the mock server
    /// cannot be started.
    pub fn new(endpoint: &Endpoint, observer: Arc<dyn NetObserver>) -> Result<Self> {
        let server = Arc::new(Server::new(endpoint, observer)?);
        let clock = Clock::start(server.timeouts);
        Ok(Self::with_server(server, clock, 0, Arc::new(Unlimited)))
    }

    /// Any number of clients that share one server and one rate limiter. Each
    /// keeps one connection alive. The deadline starts with each request. They wait
    /// out no outage: a failure that is the world's is returned at once.
    ///
    /// # Errors
    /// Fails if the CA file or the proxy URL is not valid, or if the mock server
    /// cannot be started.
    pub fn many(
        endpoint: &Endpoint,
        observer: Arc<dyn NetObserver>,
        limiter: &Arc<impl RateLimiter + 'static>,
    ) -> Result<impl Iterator<Item = Self>> {
        let server = Arc::new(Server::new(endpoint, observer)?);
        let limiter = Arc::clone(limiter);
        Ok(std::iter::repeat_with(move || {
            let clock = Clock::per_request(server.timeouts);
            Self::with_server(
                Arc::clone(&server),
                clock,
                1,
                Arc::clone(&limiter) as Arc<dyn RateLimiter>,
            )
        }))
    }

    /// Keeps up to `max_idle` connections alive between requests.
    fn with_server(
        server: Arc<Server>,
        clock: Clock,
        max_idle: usize,
        limiter: Arc<dyn RateLimiter>,
    ) -> Self {
        let clock = Arc::new(clock);
        let buffers = if max_idle > 0 { BATCH_BUFFERS } else { SINGLE_BUFFERS };
        let config = Agent::config_builder()
            .input_buffer_size(buffers.input)
            .output_buffer_size(buffers.output)
            .http_status_as_error(false)
            .max_redirects(0)
            .max_idle_connections(max_idle)
            .proxy(server.route.tunnel().cloned())
            .user_agent(USER_AGENT)
            .build();
        let agent = Agent::with_parts(
            config,
            LayeredConnector::new(Arc::clone(&clock), &server),
            TimedResolver::new(Arc::clone(&clock), &server, max_idle > 0),
        );
        Self { server, agent, clock, limiter, leaves_outages: max_idle > 0 }
    }

    /// The time until the deadline; `None` without a deadline.
    pub fn time_left(&self) -> Option<Duration> {
        self.clock.time_left()
    }

    /// Requests a chat completion. The events end when the reply is complete.
    /// `trace` is also set if the request fails.
    ///
    /// # Errors
    /// The error of the last try, [`Error::Stopped`] from the rate limiter, or
    /// [`NetworkError::Deadline`](crate::error::NetworkError::Deadline).
    pub fn chat(
        &self,
        chat: &ChatRequest,
        trace: &mut RequestTrace,
    ) -> Result<impl Iterator<Item = Result<Event>>> {
        let url = &self.server.chat_url;
        let accept = if chat.streams { "text/event-stream" } else { "application/json" };
        let body = chat.body;
        let prompt_tokens = tokens::estimate(body.content_length());
        let response_body = self.send_with_retries(trace, prompt_tokens, |trace| {
            let mut request = self.agent.post(url);
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
        Ok(ReplyStream::new(response_body, chat.wants_payloads, &self.server, &self.clock))
    }

    /// Tells the rate limiter that the reply to a request has ended, and what it used;
    /// `None` if it failed.
    pub fn settle(&self, trace: &RequestTrace, used: Option<TokenCount>) {
        if let Some(last) = trace.last {
            self.limiter.settle(last, used);
        }
    }

    /// Requests the list of models.
    ///
    /// # Errors
    /// The error of the last try, or that of [`model_list::parse`].
    pub fn models(&self) -> Result<ModelList> {
        let url = &self.server.models_url;
        let response_body = self.send_with_retries(&mut RequestTrace::default(), 0, |trace| {
            let mut request = self.agent.get(url);
            self.server.set_headers(request.headers_mut(), "application/json");
            self.send(request, trace, RequestBuilder::<WithoutBody>::call)
        })?;
        self.read_models(response_body).map_err(|error| self.server.presentable(error))
    }

    fn read_models(&self, response_body: impl Read) -> Result<ModelList> {
        let mut body = Vec::new();
        let read = response_body.take(sse::LIMIT as u64 + 1).read_to_end(&mut body);
        // If the JSON is complete, only the end of the HTTP body is missing.
        let is_complete = || serde_json::from_slice::<IgnoredAny>(&body).is_ok();
        match read {
            Err(error) if !is_complete() => Err(reply_error::from_io(error)),
            _ if body.len() > sse::LIMIT => {
                Err(Error::Protocol("the list of models is longer than 64 MiB".to_owned()))
            }
            _ if markup::is_html(&String::from_utf8_lossy(&body)) => {
                Err(reply_error::html(&self.server.base_url))
            }
            _ => headroom::ensure(body.len()).and_then(|()| model_list::parse(body)),
        }
    }
}
